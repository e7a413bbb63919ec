"""What holds after every step of any history: books that agree, prices that do not fall, nothing made of nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.aave_v4 import (
    Account,
    Acted,
    DynamicConfig,
    Liquidated,
    LiquidationCall,
    LiquidationConfig,
    Market,
    Revert,
    borrow,
    eliminate_deficit,
    hub,
    liquidation_call,
    repay,
    set_collateral_use,
    supply,
    update_dynamic_config,
    update_risk_premium,
    withdraw,
)
from protocol.units import MAX_UINT256, WAD
from tests.protocol.v4_invariants import (
    OF_LIQUIDATIONS,
    OF_MARKETS,
    OF_STEPS,
    Stage,
    books_agree,
    debt_goes_nowhere,
    deficit_only_without_collateral,
    indexes_do_not_fall,
    liquidity_is_paid,
    only_the_unhealthy,
    others_are_left_alone,
    premium_shares_follow_drawn_shares,
    repaid_within_the_offer,
    share_prices_do_not_fall,
    shares_go_to_somebody,
)
from tests.protocol.v4_markets import (
    BANK,
    COIN,
    DECIMALS,
    DOLLAR,
    NOW,
    OTHER_SPOKE,
    STONE,
    call,
    done,
    empty,
    market,
    moved,
    position,
    units,
    usd,
    with_position,
    with_reserve,
)

Step = tuple[str, str, int, int, int | float, bool, int]
USERS = ("ann", "ben", "cyd")
LENDER = "lender"


def hold(before: Stage, after: Stage, call: LiquidationCall | None, outcome: object) -> None:
    broken = [one.__name__ for one in OF_STEPS if not one(before, after)]
    broken += [one.__name__ for one in OF_MARKETS if not one(after.market)]
    if call is not None and isinstance(outcome, Liquidated):
        broken += [one.__name__ for one in OF_LIQUIDATIONS if not one(before, call, outcome)]

    assert broken == []


# --- histories ---

AMOUNTS = st.one_of(st.just(MAX_UINT256), st.floats(10, 20_000), st.floats(0.01, 20), st.integers(0, 3))
RESERVES = st.sampled_from(sorted(DECIMALS))
TERMS_DRAWN = st.builds(
    DynamicConfig,
    collateral_factor_bps=st.sampled_from([50_00, 80_00, 93_00]),
    max_liquidation_bonus_bps=st.sampled_from([100_00, 103_00, 107_00]),
    liquidation_fee_bps=st.sampled_from([0, 10_00, 100_00]),
)
CONFIGS = st.builds(
    LiquidationConfig,
    target_health_factor_wad=st.sampled_from([WAD, 12 * 10**17]),
    health_factor_for_max_bonus_wad=st.sampled_from([0, 9 * 10**17]),
    liquidation_bonus_factor_bps=st.sampled_from([0, 50_00, 100_00]),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["supply", "repay", "withdraw", "switch", "refresh", "configure", "wait", "eliminate"]
            + ["borrow", "fall"] * 2
            + ["liquidate"] * 4
        ),
        st.sampled_from(USERS),
        RESERVES,
        RESERVES,
        AMOUNTS,
        st.booleans(),
        st.sampled_from([97, 92, 85, 70, 40, 3]),
    ),
    min_size=8,
    max_size=16,
)


@st.composite
def openings(draw) -> Market:
    """A market whose three users each hold one reserve as collateral and owe another up to the limit."""
    reserves = {
        i: {
            "collateral_risk_bps": draw(st.sampled_from([0, 33_33, 500_00])),
            "dynamic_configs": {0: draw(TERMS_DRAWN), 1: draw(TERMS_DRAWN)},
        }
        for i in DECIMALS
    }
    state = empty(reserves=reserves, config=draw(CONFIGS))
    for i in DECIMALS:
        state = moved(supply(state, LENDER, i, units(i, 10**5), timestamp=NOW))
        lent = hub.add_liquidity(state.assets[i], OTHER_SPOKE, units(i, 10**4), NOW)
        state = replace(state, assets={**state.assets, i: lent.asset})
    for user in USERS:
        held, owed = draw(RESERVES), draw(RESERVES)
        tokens = draw(st.floats(1, 100)) * (1000 / PRICES[held])
        state = moved(supply(state, user, held, units(held, tokens), timestamp=NOW))
        state = moved(set_collateral_use(state, user, held, use=True, prices_base=BASE, timestamp=NOW))
        share = state.reserves[held].dynamic_configs[0].collateral_factor_bps / 100_00 * 0.99
        amount = units(owed, tokens * PRICES[held] / PRICES[owed] * share)
        outcome = borrow(state, user, owed, amount, prices_base=BASE, timestamp=NOW)
        state = outcome.market if isinstance(outcome, Acted) else state
    return state


PRICES = {COIN: 1000, DOLLAR: 1, STONE: 50}
BASE = {i: price * 10**8 for i, price in PRICES.items()}


@given(state=openings(), steps=STEPS)
@settings(max_examples=80)
def test_every_invariant_holds_after_every_step_of_any_history(state, steps):
    stage = Stage(state, BASE, NOW)
    for step in steps:
        call = the_call(stage.market, step) if step[0] == "liquidate" else None
        if call is not None and call.collateral_id != call.debt_id:
            stage = stage._replace(prices=with_price(stage, call.collateral_id, step[-1]))
        outcome = outcome_of(stage, step, call)
        if isinstance(outcome, Acted | Liquidated):
            after = stage._replace(market=outcome.market)
        else:
            after = outcome if isinstance(outcome, Stage) else stage
        hold(stage, after, call, outcome)
        stage = after


def outcome_of(stage: Stage, step: Step, call: LiquidationCall | None) -> Acted | Liquidated | Revert | Stage:
    """What comes of a step: of an action its outcome, of time and prices the next stage."""
    kind, user, reserve_id, _, size, flag, percent = step
    market, amount = stage.market, amount_of(reserve_id, size)
    at = {"prices_base": stage.prices, "timestamp": stage.now}
    if call is not None:
        return liquidation_call(market, call, **at)
    ways = {
        "supply": lambda: supply(market, user, reserve_id, amount, timestamp=stage.now),
        "borrow": lambda: borrow(market, user, reserve_id, amount, **at),
        "repay": lambda: repay(market, user, reserve_id, amount, timestamp=stage.now),
        "withdraw": lambda: withdraw(market, user, reserve_id, amount, **at),
        "switch": lambda: set_collateral_use(market, user, reserve_id, use=flag, **at),
        "refresh": lambda: (update_risk_premium if flag else update_dynamic_config)(market, user, **at),
        "eliminate": lambda: eliminate_deficit(market, OTHER_SPOKE, reserve_id, amount, timestamp=stage.now),
        "configure": lambda: stage._replace(market=with_reserve(market, reserve_id, dynamic_config_key=1)),
        "wait": lambda: stage._replace(now=stage.now + (86_400 if flag else 400 * 86_400)),
        "fall": lambda: stage._replace(prices=with_price(stage, reserve_id, percent)),
    }
    return ways[kind]()


def with_price(stage: Stage, reserve_id: int, percent: int) -> Mapping[int, int]:
    """The prices with one of them at a share of what it was at first."""
    return {**stage.prices, reserve_id: BASE[reserve_id] * percent // 100}


def amount_of(reserve_id: int, size: float) -> int:
    return units(reserve_id, size) if isinstance(size, float) else size


def the_call(market: Market, step: Step) -> LiquidationCall:
    """On a collateral and a loan of the user's, where it has them."""
    _, user, reserve_id, other, size, flag, _ = step
    positions = market.accounts.get(user, Account()).positions
    held = [i for i, one in positions.items() if one.collateral_enabled and one.supplied_shares]
    owed = [i for i, one in positions.items() if one.borrowing]
    debt_id = owed[other % len(owed)] if owed else other
    return LiquidationCall(
        collateral_id=held[reserve_id % len(held)] if held else reserve_id,
        debt_id=debt_id,
        borrower=user,
        liquidator=USERS[USERS.index(user) - 1],
        debt_to_cover=amount_of(debt_id, size),
        receive_shares=flag,
    )


def wrong(done: Liquidated, **changes: int) -> Liquidated:
    """The market after a liquidation with the borrower's dollars or coins changed by hand."""
    reserve_id = DOLLAR if "drawn_shares" in changes else COIN
    before = position(done.market, reserve_id)
    moved_by = {name: getattr(before, name) + change for name, change in changes.items()}
    return replace(done, market=with_position(done.market, reserve_id, **moved_by))


def test_every_invariant_of_a_liquidation_can_fail():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    lost, low = (Stage(state, usd(coin=price), NOW) for price in (700, 800))
    right, whole = done(state, low.prices), done(state, lost.prices)
    the = call(debt_to_cover=right.debt_repaid)
    stranger = with_position(right.market, COIN, user=BANK, supplied_shares=1)
    cases = {
        debt_goes_nowhere: (low, the, wrong(right, drawn_shares=1)),
        liquidity_is_paid: (low, the, replace(right, debt_repaid=right.debt_repaid - 1)),
        shares_go_to_somebody: (low, the, wrong(right, supplied_shares=1)),
        repaid_within_the_offer: (low, replace(the, debt_to_cover=right.debt_repaid - 1), right),
        deficit_only_without_collateral: (lost, the, wrong(whole, supplied_shares=1)),
        only_the_unhealthy: (Stage(state, usd(), NOW), the, right),
        others_are_left_alone: (low, the, replace(right, market=stranger)),
    }

    assert set(cases) == set(OF_LIQUIDATIONS)
    assert [one.__name__ for one, case in cases.items() if one(*case)] == []
    assert [one.__name__ for one in OF_LIQUIDATIONS if not one(low, the, right)] == []
    assert [one.__name__ for one in OF_LIQUIDATIONS if not one(lost, call(), whole)] == []


def test_every_invariant_of_a_market_can_fail():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    dollar = state.assets[DOLLAR]
    poorer = replace(state, assets={**state.assets, DOLLAR: replace(dollar, liquidity=dollar.liquidity - 1)})
    older = replace(state, assets={**state.assets, DOLLAR: replace(dollar, drawn_index_ray=10**27 - 1)})
    stage = Stage(state, usd(), NOW)

    assert books_agree(state)
    assert premium_shares_follow_drawn_shares(state)
    assert not books_agree(with_position(state, DOLLAR, drawn_shares=1))
    assert not books_agree(with_position(state, COIN, supplied_shares=10**25))
    assert not books_agree(replace(state, assets={**state.assets, DOLLAR: replace(dollar, added_shares=1)}))
    assert not premium_shares_follow_drawn_shares(with_position(state, DOLLAR, premium_shares=1))
    assert not premium_shares_follow_drawn_shares(with_position(state, DOLLAR, borrowing=False))
    assert not share_prices_do_not_fall(stage, stage._replace(market=poorer))
    assert not indexes_do_not_fall(stage, stage._replace(market=older))
