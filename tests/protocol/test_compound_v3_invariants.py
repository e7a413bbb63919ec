"""What holds of a Comet market after any actions: one list of sentences, checked on drawn histories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v3 import (
    BASE,
    Liquidated,
    LiquidationCall,
    Market,
    Revert,
    absorb,
    account_data,
    accrue,
    accrue_account,
    buy_collateral,
    reserves,
    supply,
    transfer_asset,
    users_with_debt,
    withdraw,
)
from tests.protocol.compound_v3_markets import (
    BANK,
    BORROWER,
    COIN,
    DECIMALS,
    NOW,
    OTHER,
    STONE,
    market,
    usd,
)

USERS = (BANK, BORROWER, OTHER)
N_STEPS = 25
START = market(holds={COIN: 10, STONE: 40}, owes=7_000)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A market, what its feeds show, and the time."""

    market: Market
    prices: dict[int, int]
    now: int


# --- the invariants ---


def owed_principals_add_up(before: Stage, after: Stage) -> bool:
    """What is owed in all is what the accounts owe, to the unit."""
    owed = sum(max(-one.principal, 0) for one in after.market.accounts.values())
    return after.market.total_borrow_principal == owed


def supplied_principals_are_covered(before: Stage, after: Stage) -> bool:
    """What is supplied in all is what the accounts have, and at most a unit more for every step: rounding takes."""
    supplied = sum(max(one.principal, 0) for one in after.market.accounts.values())
    return 0 <= after.market.total_supply_principal - supplied <= N_STEPS


def collaterals_add_up(before: Stage, after: Stage) -> bool:
    """Of each collateral the users have the total, and the contract holds at least that."""
    return all(
        asset.total_supply == sum(one.collateral.get(i, 0) for one in after.market.accounts.values())
        and asset.balance >= asset.total_supply
        for i, asset in after.market.assets.items()
    )


def indices_do_not_fall(before: Stage, after: Stage) -> bool:
    """Neither side is ever worth less for waiting."""
    return (
        after.market.base_supply_index_e15 >= before.market.base_supply_index_e15
        and after.market.base_borrow_index_e15 >= before.market.base_borrow_index_e15
    )


def nothing_empty_is_kept(before: Stage, after: Stage) -> bool:
    """No account lists a collateral of which it has nothing."""
    return all(all(one.collateral.values()) for one in after.market.accounts.values())


INVARIANTS: list[Callable[[Stage, Stage], bool]] = [
    owed_principals_add_up,
    supplied_principals_are_covered,
    collaterals_add_up,
    indices_do_not_fall,
    nothing_empty_is_kept,
]

# --- histories ---

users = st.sampled_from(USERS)
assets = st.sampled_from((BASE, COIN, STONE))
shares = st.integers(0, 120)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("supply"), users, assets, shares),
        st.tuples(st.just("withdraw"), users, assets, shares),
        st.tuples(st.just("transfer"), users, users, assets, shares),
        st.tuples(st.just("price"), st.sampled_from((COIN, STONE, BASE)), st.integers(40, 130)),
        st.tuples(st.just("wait"), st.integers(0, 400 * 24 * 60 * 60)),
        st.tuples(st.just("absorb"), users),
        st.tuples(st.just("buy"), st.sampled_from((COIN, STONE)), shares),
        st.tuples(st.just("touch"), users),
    ),
    min_size=5,
    max_size=N_STEPS,
)


def amount_of(stage: Stage, user: str, asset_id: int, share: int) -> int:
    """Some share of what a user has, or of a round sum."""
    account = stage.market.accounts.get(user)
    held = 0
    if account is not None:
        held = abs(account.principal) if asset_id == BASE else account.collateral.get(asset_id, 0)
    return (held or 5_000 * 10 ** DECIMALS[asset_id]) * share // 100


def taken(stage: Stage, step: tuple) -> Stage:
    """The stage after a step; what the contract refuses changes nothing."""
    state, at = stage.market, {"prices_base": stage.prices, "timestamp": stage.now}
    match step:
        case ("price", asset_id, percent):
            price = max(stage.prices[asset_id] * percent // 100, 1)
            return replace(stage, prices={**stage.prices, asset_id: price})
        case ("wait", seconds):
            return replace(stage, now=stage.now + seconds)
        case ("supply", user, asset_id, share):
            amount = amount_of(stage, user, asset_id, share)
            outcome = supply(state, user, asset_id, amount, timestamp=stage.now)
        case ("withdraw", user, asset_id, share):
            outcome = withdraw(state, user, asset_id, amount_of(stage, user, asset_id, share), **at)
        case ("transfer", src, dst, asset_id, share):
            amount = amount_of(stage, src, asset_id, share)
            outcome = transfer_asset(state, src, dst, asset_id, amount, **at)
        case ("absorb", user):
            outcome = absorb(state, LiquidationCall(absorber=BANK, accounts=(user,)), **at)
        case ("buy", asset_id, share):
            outcome = buy_collateral(state, asset_id, 0, share * 10**7, **at)
        case _:
            _, user = step
            outcome = accrue_account(state, user, timestamp=stage.now)
    return stage if isinstance(outcome, Revert) else replace(stage, market=outcome.market)


@given(steps=STEPS)
def test_every_invariant_holds_after_every_step(steps):
    stage = Stage(market=START, prices=usd(), now=NOW)
    for step in steps:
        after = taken(stage, step)
        broken = [holds.__name__ for holds in INVARIANTS if not holds(stage, after)]
        assert broken == [], step
        stage = after


@given(steps=STEPS)
def test_reserves_fall_by_absorptions_alone_but_for_a_unit_of_rounding(steps):
    stage = Stage(market=START, prices=usd(), now=NOW)
    for step in steps:
        after = taken(stage, step)
        if step[0] in {"supply", "withdraw", "transfer", "touch", "buy"}:
            assert reserves(after.market, after.now) >= reserves(stage.market, stage.now) - 1, step
        stage = after


@given(steps=STEPS)
def test_absorb_succeeds_exactly_where_the_account_is_absorbable(steps):
    stage = Stage(market=START, prices=usd(), now=NOW)
    for step in steps:
        stage = taken(stage, step)
    for user in USERS:
        at = {"prices_base": stage.prices, "timestamp": stage.now}
        outcome = absorb(stage.market, LiquidationCall(absorber=BANK, accounts=(user,)), **at)
        data = account_data(stage.market, user, **at)
        assert isinstance(outcome, Liquidated) is data.is_absorbable
        if isinstance(outcome, Revert):
            assert outcome.name == "NotLiquidatable"
        else:
            assert user not in users_with_debt(outcome.market)
            lost = reserves(stage.market, stage.now) - reserves(outcome.market, stage.now)
            paid = outcome.absorbed[0].base_paid_out
            assert paid - 2 <= lost <= paid + 2


BREAKS = {
    "owed_principals_add_up": {"total_borrow_principal": START.total_borrow_principal + 1},
    "supplied_principals_are_covered": {"total_supply_principal": START.total_supply_principal - 1},
    "collaterals_add_up": {"assets": {COIN: replace(START.assets[COIN], balance=0)}},
    "indices_do_not_fall": {"base_borrow_index_e15": 10**15 - 1},
    "nothing_empty_is_kept": {
        "accounts": {
            **START.accounts,
            OTHER: replace(START.accounts[BANK], principal=0, collateral={COIN: 0}),
        }
    },
}


@pytest.mark.parametrize("name", BREAKS)
def test_every_invariant_can_fail(name: str):
    stage = Stage(market=START, prices=usd(), now=NOW)
    broken = replace(stage, market=replace(START, **BREAKS[name]))

    assert [holds.__name__ for holds in INVARIANTS if not holds(stage, broken)] == [name]
    assert all(holds(stage, stage) for holds in INVARIANTS)
    assert accrue(START, NOW) == START
