"""The account in the rule set itself, and every call in order through `liquidation_call`.

Interest is the one thing not recorded. All of it is put on the debt before the first call, which is the most the
debt can have been at every later moment; none at all is the least. What is the same at both ends therefore
holds for every way in which the interest can have come in between. The interest on the collateral is known but
for its time, as everything was seized: 8,963.76 USDC more than was deposited. It is credited before the first
call too; less collateral can only turn a call toxic earlier, and `replay_uncredited` shows that it does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocol.aave_v2.health import account_data
from protocol.aave_v2.liquidation import liquidation_call
from protocol.aave_v2.pairs import is_toxic, position_values, residual_of_pair
from protocol.aave_v2.state import (
    Account,
    AccountData,
    Liquidated,
    LiquidationCall,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    ReserveId,
)
from protocol.units import MAX_UINT256, RAY
from stress.incidents.aave_crv_2022.prices import BONUS_BPS, PriceSegment
from stress.incidents.aave_crv_2022.record import BORROWER, Record

USDC, CRV = 0, 1
LIQUIDATOR, TREASURY = "liquidator", "treasury"
THRESHOLD_BPS = 88_00
"""Of USDC as collateral. It decides whether a call is allowed, never what it takes."""
NO_RATE = RateStrategy(
    optimal_usage_ray=RAY, base_variable_rate_ray=0, variable_slope1_ray=0, variable_slope2_ray=0
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One call: the account before it, and whether the rule set does what was recorded."""

    market: Market
    """Before the call."""
    prices_base: Mapping[ReserveId, int]
    collateral: int
    """[USDC units]"""
    debt: int
    """[CRV units]"""
    health_before_wad: int
    health_after_wad: int
    burden_ratio: float
    """Debt value times bonus over collateral value: above 1 the collateral cannot repay the debt."""
    explained: bool
    """Both amounts are equal to the unit, and the call was allowed."""
    toxic: bool
    """By the rule set: the call lowers the health factor."""
    must_leave: int
    """Debt that even the best liquidation at these prices must leave. [CRV units]"""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """All calls on one assumption about the interest."""

    steps: tuple[Step, ...]
    market: Market
    """After the last call."""

    @property
    def debt_left(self) -> int:
        """[CRV units]"""
        return debt_of(self.market)

    @property
    def first_toxic(self) -> int | None:
        """Index of the first call that lowers the health factor."""
        return next((index for index, step in enumerate(self.steps) if step.toxic), None)


def replay(
    record: Record, segments: Sequence[PriceSegment], *, interest: int, bonus_bps: int = BONUS_BPS
) -> Replay:
    """Run all calls on an account that owes the loans plus `interest` [CRV units]; a refused call changes nothing."""
    market = opened(owed=record.borrowed + interest, pledged=record.seized, bonus_bps=bonus_bps)
    return _run(record, segments, market, len(record.calls))


def replay_uncredited(
    record: Record, segments: Sequence[PriceSegment], *, interest: int, n_calls: int
) -> Replay:
    """The first `n_calls` as if the collateral had earned nothing yet: the least it can have been then."""
    market = opened(owed=record.borrowed + interest, pledged=record.deposited, bonus_bps=BONUS_BPS)
    return _run(record, segments, market, n_calls)


def _run(record: Record, segments: Sequence[PriceSegment], market: Market, n_calls: int) -> Replay:
    steps: list[Step] = []
    for segment in segments:
        prices = {USDC: segment.collateral_price_base, CRV: segment.debt_price_base}
        for index in range(segment.first, min(segment.last + 1, n_calls)):
            market, step = _step(record, index, market, prices)
            steps.append(step)
    return Replay(steps=tuple(steps), market=market)


def _step(record: Record, index: int, market: Market, prices: Mapping[ReserveId, int]) -> tuple[Market, Step]:
    recorded, held = record.calls[index], collateral_of(market)
    call = LiquidationCall(
        collateral_id=USDC,
        debt_id=CRV,
        borrower=BORROWER,
        liquidator=LIQUIDATOR,
        debt_to_cover=MAX_UINT256 if recorded.collateral_seized == held else recorded.debt_repaid,
        receive_atoken=recorded.receive_atoken,
    )
    now = recorded.timestamp
    done = liquidation_call(market, call, prices_base=prices, timestamp=now)
    after = done.market if isinstance(done, Liquidated) else market
    collaterals, debts = position_values(market, BORROWER, prices_base=prices, timestamp=now)
    return after, Step(
        market=market,
        prices_base=prices,
        collateral=held,
        debt=debt_of(market),
        health_before_wad=health(market, prices, now).health_factor_wad,
        health_after_wad=health(after, prices, now).health_factor_wad,
        burden_ratio=debts[CRV] * bonus_of(market) / (collaterals[USDC] * 100_00),
        explained=isinstance(done, Liquidated)
        and (done.debt_repaid, done.collateral_to_liquidator)
        == (recorded.debt_repaid, recorded.collateral_seized),
        toxic=is_toxic(market, call, prices_base=prices, timestamp=now),
        must_leave=residual_of_pair(market, call, prices_base=prices, timestamp=now)[0],
    )


def opened(*, owed: int, pledged: int, bonus_bps: int) -> Market:
    """The two reserves with nobody else in them, at index 1 and without rates, and the account."""
    usdc = _reserve(USDC, "USDC", decimals=6, bonus_bps=bonus_bps, supplied=pledged, owed=0)
    crv = _reserve(CRV, "CRV", decimals=18, bonus_bps=0, supplied=owed, owed=owed)
    positions = {
        USDC: Position(scaled_atoken=pledged, collateral_enabled=True),
        CRV: Position(scaled_variable_debt=owed, borrowing=True),
    }
    return Market(
        reserves={USDC: usdc, CRV: crv},
        accounts={BORROWER: Account(positions=positions), LIQUIDATOR: Account(), TREASURY: Account()},
        treasury=TREASURY,
    )


def _reserve(
    reserve_id: ReserveId, symbol: str, *, decimals: int, bonus_bps: int, supplied: int, owed: int
) -> Reserve:
    return Reserve(
        reserve_id=reserve_id,
        asset=symbol,
        symbol=symbol,
        config=ReserveConfig(
            decimals=decimals,
            ltv_bps=0,
            liquidation_threshold_bps=THRESHOLD_BPS if bonus_bps else 0,
            liquidation_bonus_bps=bonus_bps,
            reserve_factor_bps=0,
        ),
        strategy=NO_RATE,
        liquidity_index_ray=RAY,
        variable_borrow_index_ray=RAY,
        liquidity_rate_ray=0,
        variable_borrow_rate_ray=0,
        last_update_timestamp=0,
        total_scaled_atoken=supplied,
        total_scaled_variable_debt=owed,
        virtual_underlying_balance=supplied - owed,
    )


def health(market: Market, prices: Mapping[ReserveId, int], now: int) -> AccountData:
    """The account as the pool reports it."""
    return account_data(market, BORROWER, prices_base=prices, timestamp=now)


def collateral_of(market: Market) -> int:
    """What the account has pledged; the index is 1. [USDC units]"""
    return market.accounts[BORROWER].positions.get(USDC, Position()).scaled_atoken


def debt_of(market: Market) -> int:
    """What the account owes; the index is 1. [CRV units]"""
    return market.accounts[BORROWER].positions.get(CRV, Position()).scaled_variable_debt


def bonus_of(market: Market) -> int:
    """Of the collateral, includes the 100 %. [bps]"""
    return market.reserves[USDC].config.liquidation_bonus_bps
