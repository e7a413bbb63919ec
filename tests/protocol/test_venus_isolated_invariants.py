"""What must hold in an isolated pool whatever is done in it, by either release.

VTOKENS_A  the vTokens of all accounts are the supply
CASH_A     no vToken is worth less after a call than before it, but for a market that has been emptied
CASH_B     what vTokens are worth together is there: cash, borrows and bad debt less reserves
DEBT_A     the debts of all accounts are the total borrows, up to what each accrual cuts off
DEBT_B     a healed account owes nothing and holds nothing in the markets it was in
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.units import WAD
from protocol.venus_isolated import (
    Healed,
    Market,
    Revert,
    add_reserves,
    borrow,
    borrow_balance,
    enter_markets,
    exchange_rate,
    heal_account,
    liquidate_borrow,
    mint,
    redeem,
    redeem_underlying,
    reduce_reserves,
    repay_borrow,
    rules_of,
    transfer,
)
from protocol.venus_isolated.rates import underlying_of_suppliers
from tests.protocol.venus_markets import (
    BANK,
    BORROWER,
    COIN,
    DECIMALS,
    DOLLAR,
    LIQUIDATOR,
    NOW,
    STONE,
    call,
    market,
    usd,
)

USERS = (BANK, BORROWER, LIQUIDATOR)
SWEPT = {COIN: {"reduce_reserves_slot_delta": 10**5, "reduce_reserves_slot": NOW}}
START = market(holds={COIN: 10}, owes={DOLLAR: 7_400, STONE: 1}, vtokens=SWEPT)

MOVES = {
    "mint": lambda s, m, amount, at: mint(s, m.user, m.market_id, amount, slot=at["slot"]),
    "redeem": lambda s, m, amount, at: redeem(s, m.user, m.market_id, m.size * 10**5, **at),
    "redeem_underlying": lambda s, m, amount, at: redeem_underlying(s, m.user, m.market_id, amount, **at),
    "borrow": lambda s, m, amount, at: borrow(s, m.user, m.market_id, amount, **at),
    "repay": lambda s, m, amount, at: repay_borrow(
        s, m.user, m.market_id, amount, on_behalf_of=m.other, slot=at["slot"]
    ),
    "liquidate": lambda s, m, amount, at: liquidate_borrow(
        s,
        call(borrower=m.other, liquidator=m.user, collateral_id=m.market_id, repay_amount=m.size * 10**6),
        **at,
    ),
    "heal": lambda s, m, amount, at: heal_account(s, m.other, m.user, **at),
    "transfer": lambda s, m, amount, at: transfer(s, m.user, m.other, m.market_id, m.size * 10**5, **at),
    "add_reserves": lambda s, m, amount, at: add_reserves(s, m.market_id, amount, slot=at["slot"]),
    "reduce_reserves": lambda s, m, amount, at: reduce_reserves(s, m.market_id, amount, slot=at["slot"]),
}


class Move(NamedTuple):
    """One call, a while after the one before and at another price of the coin."""

    kind: str
    user: str
    other: str
    market_id: int
    size: int
    elapsed: int
    percent: int


moves = st.builds(
    Move,
    kind=st.sampled_from(sorted(MOVES)),
    user=st.sampled_from(USERS),
    other=st.sampled_from(USERS),
    market_id=st.sampled_from(sorted(DECIMALS)),
    size=st.integers(1, 10**4),
    elapsed=st.sampled_from([0, 1, 10**4, 10**7]),
    percent=st.sampled_from([5, 60, 90, 97, 100]),
)


def entered(state: Market, user: str, slot: int) -> Market:
    outcome = enter_markets(state, user, [COIN, DOLLAR, STONE], slot=slot)
    assert not isinstance(outcome, Revert)
    return outcome.market


def check(before: Market, after: Market, n_accruals: int) -> None:
    for i, vtoken in after.vtokens.items():
        held = [account.positions[i] for account in after.accounts.values() if i in account.positions]
        assert sum(one.vtokens for one in held) == vtoken.total_supply_vtokens, "VTOKENS_A"
        rate, was = exchange_rate(vtoken), exchange_rate(before.vtokens[i])
        assert rate >= was or vtoken.total_supply_vtokens == 0, "CASH_A"
        assert rate * vtoken.total_supply_vtokens // WAD <= underlying_of_suppliers(vtoken), "CASH_B"
        owed = sum(borrow_balance(vtoken, one) for one in held)
        cut_off = n_accruals * (2 + vtoken.total_borrows_underlying // 10**17) + len(held)
        assert abs(owed - vtoken.total_borrows_underlying) <= cut_off, "DEBT_A"


@pytest.mark.parametrize("revision", ["1.0.0", "4.4.0"])
@settings(max_examples=60)
@given(path=st.lists(moves, min_size=3, max_size=20))
def test_the_invariants_hold_after_every_call(revision, path):
    state, slot = replace(START, rules=rules_of(revision)), NOW
    for n, move in enumerate(path):
        slot += move.elapsed
        at = {"prices_mantissa": usd(coin=10 * move.percent), "slot": slot}
        amount = move.size * 10 ** DECIMALS[move.market_id] // 1000 + move.size
        outcome = MOVES[move.kind](entered(state, move.user, slot), move, amount, at)
        if isinstance(outcome, Revert):
            continue
        check(state, outcome.market, n + 2)
        if isinstance(outcome, Healed):
            healed = outcome.market.accounts[move.other]
            left = [healed.positions[i] for i in healed.entered if i in healed.positions]
            assert {(one.vtokens, one.borrow_principal_underlying) for one in left} <= {(0, 0)}, "DEBT_B"
        state = outcome.market


def test_an_invariant_can_fail():
    more = replace(START.vtokens[COIN], total_supply_vtokens=START.vtokens[COIN].total_supply_vtokens + 1)
    with pytest.raises(AssertionError, match="VTOKENS_A"):
        check(START, replace(START, vtokens={**START.vtokens, COIN: more}), 1)
    less = replace(START.vtokens[COIN], cash_underlying=START.vtokens[COIN].cash_underlying - 10**12)
    with pytest.raises(AssertionError, match="CASH_A"):
        check(START, replace(START, vtokens={**START.vtokens, COIN: less}), 1)
    owing = replace(START.vtokens[DOLLAR], total_borrows_underlying=10**10)
    with pytest.raises(AssertionError, match="DEBT_A"):
        check(START, replace(START, vtokens={**START.vtokens, DOLLAR: owing}), 1)
