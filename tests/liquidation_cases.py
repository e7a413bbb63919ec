"""Hypothesis strategies that draw one liquidation in memory: a market of any version of Aave, and a call on it.

No contract is asked, so a case takes a millisecond. Accounts lie near a health factor of 1, on either side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.engine import ConjectureRunner

from protocol import aave_v4
from protocol.aave_v3 import (
    REVISIONS,
    Account,
    EModeCategory,
    LiquidationCall,
    Market,
    Position,
    Reserve,
    ReserveConfig,
    account_data,
)
from protocol.units import MAX_UINT256, RAY, WAD
from tests.kept.lenses import lens_of
from tests.kept.seen import Seen, seen_of
from tests.protocol import v4_markets
from tests.protocol.as_v2 import as_v2, call_v2
from tests.protocol.markets import BORROWER, LIQUIDATOR, NOW, STRATEGY, TREASURY, WHALE

VERSIONS = ("2", *(rules.revision for rules in REVISIONS), "4")
DECIMALS = (18, 6, 8, 6, 18)
"""Of the reserves by id: a coin, a dollar, another coin, another dollar and a token worth little."""
PRICES = (1_000 * 10**8, 10**8, 60_000 * 10**8, 10**8, 5 * 10**6)
EVERY_CASE_AFRESH = (ConjectureRunner, "generate_mutations_from", lambda *_: None)
"""To be patched: hypothesis would follow each drawn case with five that repeat parts of it."""
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
RULES = {rules.revision: rules for rules in REVISIONS}


@dataclass(frozen=True)
class Case:
    """A market and a call on it, at these prices and at this time [s]."""

    market: Any
    call: Any
    prices: dict[int, int]
    at: int

    def seen(self) -> Seen:
        """What comes of it."""
        return seen_of(lens_of(self.market), self.market, self.call, self.prices, self.at)


CHOICES: dict[str, tuple[Any, ...]] = {
    "threshold": (80_00, 80_00, 93_00, 50_00, 70_01),
    "bonus": (105_00, 105_00, 100_01, None),
    "protocol_fee": (10_00, 10_00, 0, 100_00),
    "reserve_factor": (10_00, 0, 100_00),
    "liquidity_index": (RAY, 3 * RAY // 2, 1_017_346_582_901_174_653_829_101_747, 3 * RAY - 1),
    "borrow_index": (RAY, 3 * RAY // 2, 1_248_109_562_840_018_263_551_920_331, 3 * RAY - 1),
    "liquidity_rate": (RAY // 50, 0, 31_415_926_535_897_932_384_626_433),
    "borrow_rate": (RAY // 25, 0, 314_159_265_358_979_323_846_264_338),
    "accrued_to_treasury": (0, 10**6),
}
"""What a reserve is set to, one of each; a bonus of None is the greatest that is allowed."""
N_CHOICES = prod(map(len, CHOICES.values()))
chosen = st.integers(0, N_CHOICES - 1)
"""Drawn as one number, which is much faster than one by one."""
BPS_SQUARED = 10_000 * 10_000
amounts_usd = st.builds(
    lambda thousandths, top, odd: thousandths * top * 10**3 + odd,
    st.integers(0, 999),
    st.sampled_from((1, 900, 1_500, 2_500, 10_000, 10_000, 10**6)),
    st.integers(1, 999),
)
"""Worth of a balance. [millionths of a dollar]"""
parts = st.integers(0, 999)
waits = st.sampled_from((0, 0, 1, 13, 86_400, 31_536_000))


def _units(millionths: int, reserve_id: int) -> int:
    """What so much is in a token. [asset units]"""
    return millionths * 100 * 10 ** DECIMALS[reserve_id] // PRICES[reserve_id]


def _picked(number: int) -> dict[str, Any]:
    """What a drawn number means."""
    picked = {}
    for name, values in CHOICES.items():
        number, place = divmod(number, len(values))
        picked[name] = values[place]
    return picked


def _reserve(reserve_id: int, number: int) -> Reserve:
    """A reserve without anybody in it, whose threshold and bonus the configurator takes."""
    one = _picked(number)
    most = (BPS_SQUARED + 4_999) // one["threshold"]
    return Reserve(
        reserve_id=reserve_id,
        asset=f"R{reserve_id}",
        symbol=f"R{reserve_id}",
        config=ReserveConfig(
            decimals=DECIMALS[reserve_id],
            ltv_bps=one["threshold"] - 5_00,
            liquidation_threshold_bps=one["threshold"],
            liquidation_bonus_bps=min(one["bonus"] or most, most),
            liquidation_protocol_fee_bps=one["protocol_fee"],
            reserve_factor_bps=one["reserve_factor"],
        ),
        strategy=STRATEGY,
        liquidity_index_ray=one["liquidity_index"],
        variable_borrow_index_ray=one["borrow_index"],
        liquidity_rate_ray=one["liquidity_rate"],
        variable_borrow_rate_ray=one["borrow_rate"],
        last_update_timestamp=NOW,
        total_scaled_atoken=0,
        total_scaled_variable_debt=0,
        accrued_to_treasury_scaled=one["accrued_to_treasury"],
        deficit=0,
        virtual_underlying_balance=0,
    )


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """A borrower with up to three collaterals and three debts; one in five owes what it holds, too."""
    held = draw(st.sampled_from(((0,), (0,), (1,), (2,), (4,), (0, 2), (1, 4), (0, 2, 4))))
    owed = draw(st.sampled_from(((1,), (1,), (3,), (4,), (0,), (1, 3), (1, 3), (3, 4), (1, 3, 4))))
    owed = tuple(i for i in owed if i not in held) or (3,)
    if draw(st.integers(0, 4)) == 0:
        owed = tuple(sorted({*owed, held[0]}))
    positions = {i: Position() for i in sorted({*held, *owed})}
    worth = {i: draw(amounts_usd) for i in held}
    for i, millionths in worth.items():
        positions[i] = replace(positions[i], scaled_atoken=_units(millionths, i), collateral_enabled=True)
    for i in owed:
        debt = max(_units(sum(worth.values()) * draw(st.integers(1, 100)) // 100, i), 1)
        positions[i] = replace(positions[i], scaled_variable_debt=debt, borrowing=True)
    return Account(positions=positions)


@st.composite
def cases_of_v3(draw: st.DrawFn, revision: str) -> Case:
    """Of one revision of v3."""
    drawn = {i: _reserve(i, draw(chosen)) for i in range(len(DECIMALS))}
    lent = {i: _units(10**13, i) for i in drawn}
    borrower = draw(accounts())
    others = {
        WHALE: Account(
            positions={
                i: Position(scaled_atoken=one, scaled_variable_debt=one // 2, borrowing=True)
                for i, one in lent.items()
            }
        ),
        TREASURY: Account(positions=draw(st.sampled_from(({}, {0: Position(scaled_atoken=7)})))),
        LIQUIDATOR: Account(positions=draw(st.sampled_from(({}, {0: Position(scaled_atoken=5)})))),
    }
    emode = draw(st.sampled_from((0, 0, 1)))
    everybody = {**others, BORROWER: replace(borrower, emode=emode)}
    if revision not in {"3.0.0", "3.0.1", "3.0.2", "3.1", "3.2"}:
        deficit = draw(st.sampled_from((0, 10**6)))
        drawn = {i: replace(one, deficit=deficit) for i, one in drawn.items()}
    category = EModeCategory(
        emode_id=1,
        ltv_bps=90_00,
        liquidation_threshold_bps=93_00,
        liquidation_bonus_bps=102_00,
        collateral_bitmap=0b10101,
    )
    market = Market(
        rules=RULES[revision],
        reserves={i: _filled(one, everybody) for i, one in drawn.items()},
        emodes={1: category},
        accounts=everybody,
        treasury=TREASURY,
    )
    return _called(draw, market, NOW + draw(waits))


def _filled(reserve: Reserve, everybody: dict[str, Account]) -> Reserve:
    """The reserve with the totals of all positions and two thirds of the supply at hand."""
    positions = [account.positions.get(reserve.reserve_id, Position()) for account in everybody.values()]
    supplied = sum(position.scaled_atoken for position in positions)
    return replace(
        reserve,
        total_scaled_atoken=supplied,
        total_scaled_variable_debt=sum(position.scaled_variable_debt for position in positions),
        virtual_underlying_balance=supplied * reserve.liquidity_index_ray // RAY * 2 // 3,
    )


def _called(draw: st.DrawFn, market: Market, at: int) -> Case:
    """A call on it, at prices that bring the borrower near a health factor of 1 or far below it."""
    prices: dict[int, int] = dict(enumerate(PRICES))
    positions = market.accounts[BORROWER].positions
    held = [i for i, position in positions.items() if position.collateral_enabled]
    owed = [i for i, position in positions.items() if position.borrowing]
    wanted = (
        draw(st.sampled_from((999, 999, 999, 980, 960, 950, 949, 900, 800, 500, 100, 1010))) * WAD // 1000
    )
    found = account_data(market, BORROWER, prices_base=prices, timestamp=at).health_factor_wad
    if 0 < found < MAX_UINT256:
        for i in set(held) - set(owed):
            prices[i] = max(min(prices[i] * wanted // found, 2**200), 1)
    debt_id, collateral_id = draw(st.sampled_from(owed)), draw(st.sampled_from(held))
    if both := set(held) & set(owed):
        debt_id = collateral_id = min(both)
    most = positions[debt_id].scaled_variable_debt * 4
    call = LiquidationCall(
        collateral_id=collateral_id,
        debt_id=debt_id,
        borrower=BORROWER,
        liquidator=draw(st.sampled_from((LIQUIDATOR,) * 6 + (BORROWER, TREASURY))),
        debt_to_cover=draw(
            st.one_of(
                st.just(MAX_UINT256), st.just(MAX_UINT256), parts.map(lambda part: most * part // 1000 + 1)
            )
        ),
        receive_atoken=draw(st.booleans()),
    )
    return Case(market, call, prices, at)


@st.composite
def cases_of_v4(draw: st.DrawFn) -> Case:
    """Of v4: supplied and borrowed, then time and prices move."""
    dynamic = aave_v4.DynamicConfig(
        collateral_factor_bps=draw(st.sampled_from((80_00, 93_00))),
        max_liquidation_bonus_bps=draw(st.sampled_from((105_00, 107_00))),
        liquidation_fee_bps=draw(st.sampled_from((0, 10_00))),
    )
    riskiness = draw(st.sampled_from((0, 20_00)))
    coin = {"dynamic_configs": {0: dynamic}, "collateral_risk_bps": riskiness}
    tokens = draw(st.sampled_from((0.1, 2, 10, 500)))
    holds = {v4_markets.COIN: tokens}
    if draw(st.integers(0, 2)) == 0:
        holds[v4_markets.STONE] = draw(st.sampled_from((0.001, 20)))
    owes = {v4_markets.DOLLAR: round(tokens * draw(st.integers(300, 700)), 3)}
    if draw(st.booleans()):
        owes[v4_markets.STONE] = round(tokens, 3)
    market = v4_markets.market(holds=holds, owes=owes, reserves={v4_markets.COIN: coin})
    at = v4_markets.NOW + draw(waits)
    prices = v4_markets.usd(coin=draw(st.integers(300, 1_000)))
    found = aave_v4.account_data(
        market, v4_markets.BORROWER, prices_base=prices, timestamp=at
    ).health_factor_wad
    wanted = draw(st.sampled_from((999, 999, 980, 960, 949, 900, 700, 500, 500, 1010))) * WAD // 1000
    prices[v4_markets.COIN] = max(prices[v4_markets.COIN] * wanted // found, 1)
    call = v4_markets.call(
        collateral_id=draw(st.sampled_from(list(holds))),
        debt_id=draw(st.sampled_from(list(owes))),
        debt_to_cover=draw(st.one_of(st.just(MAX_UINT256), st.integers(1, 10**12))),
        receive_shares=draw(st.booleans()),
        liquidator=draw(st.sampled_from((v4_markets.LIQUIDATOR,) * 6 + (v4_markets.BORROWER,))),
    )
    return Case(market, call, prices, at)


def cases(version: str) -> st.SearchStrategy[Case]:
    """Of any version: "2", a revision of v3, or "4"."""
    if version == "4":
        return cases_of_v4()
    if version == "2":
        return cases_of_v3("3.0.0").map(
            lambda case: replace(case, market=as_v2(case.market), call=call_v2(case.call))
        )
    return cases_of_v3(version)


@cache
def samples(version: str) -> tuple[Seen, ...]:
    """Some that went through, always the same."""
    found: list[Seen] = []

    @settings(
        max_examples=160,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=SLOW,
    )
    @given(case=cases(version))
    def collect(case: Case) -> None:
        seen = case.seen()
        if seen.went_through:
            found.append(seen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*EVERY_CASE_AFRESH)
        collect()
    return tuple(found)
