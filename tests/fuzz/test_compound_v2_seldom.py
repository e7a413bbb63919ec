"""Compound v2: what drawn cases hardly ever come to, and that the machine sees every kind of difference."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from protocol import compound_v2 as rules
from protocol.compound_v2 import interest, ledger, liquidation, supply, validation
from protocol.fixed_point.mantissa import mantissa_mul_down
from protocol.units import WAD
from tests.fuzz import compound_v2_moves as moves
from tests.fuzz.compound_v2_arena import Pool
from tests.fuzz.side_by_side import Differs
from tests.fuzz.tally import Tally
from tests.fuzz.worlds import arena
from tests.steps import Pick, Size
from tests.steps_compound_v2 import (
    COIN,
    DOLLAR,
    ETHER,
    LENDER,
    LIQUIDATOR,
    AccrueInterest,
    Borrow,
    Case,
    Deprecate,
    EnterMarkets,
    ExitMarket,
    Generation,
    Liquidate,
    MarketSetup,
    Mint,
    Redeem,
    RedeemUnderlying,
    Repay,
    SetPrice,
    Steer,
    Step,
    Store,
    StorePosition,
    Wait,
)

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

PERCENT = WAD // 100
SETUP = MarketSetup(
    collateral_factor_mantissa=75 * PERCENT,
    reserve_factor_mantissa=10 * PERCENT,
    curve=0,
    price_millionths=10**6,
    lent_permille=1000,
    borrow_cap_permille=None,
)


def at(market: int) -> Pick:
    return Pick(market, used=False)


LOAN: tuple[Step, ...] = (
    Mint(0, DOLLAR, Size()),
    EnterMarkets(0, (DOLLAR,)),
    Borrow(0, at(COIN), Size(999), of_liquidity=False),
)
FALL = Steer(0, 900, to_incentive=False, collateral=True)
HALF = Liquidate(LIQUIDATOR, 0, at(DOLLAR), at(COIN), Size(999), of="close factor")
CRASH = (*LOAN, Wait(6_500), FALL, HALF)


def played(*steps: Step, comptroller: Generation = "Comptroller") -> Tally:
    """What came of these steps in quiet markets, compared with the contracts."""
    from tests.fuzz.compound_v2_play import play

    tally = Tally()
    case = Case(comptroller, 50 * PERCENT, 108 * PERCENT, 20, 0, (SETUP,) * 4, steps)
    play(arena("compound_v2"), case, tally)
    return tally


@pytest.mark.parametrize("comptroller", ["ComptrollerG1", "ComptrollerG5", "ComptrollerG7", "Comptroller"])
def test_half_a_debt_is_liquidated_under_every_generation(comptroller):
    entered = (EnterMarkets(0, (COIN,)), *CRASH)

    assert played(*entered, comptroller=comptroller).outcomes["Liquidate: goes through"] == 1


def test_the_first_generation_lends_only_to_who_has_entered_the_market():
    outcomes = played(*LOAN, comptroller="ComptrollerG1").outcomes

    assert outcomes["Borrow: MARKET_NOT_ENTERED"] == 1


@pytest.mark.parametrize(
    ("comptroller", "n_of_three", "more", "reason"),
    [
        ("Comptroller", 3, 0, "goes through"),
        ("Comptroller", 3, 1, "Can not repay more than the total borrow"),
        ("Comptroller", 2, 0, "INSUFFICIENT_SHORTFALL"),
        ("ComptrollerG7", 3, 0, "INSUFFICIENT_SHORTFALL"),
    ],
)
def test_all_debt_is_liquidated_freely_in_a_market_that_is_given_up(comptroller, n_of_three, more, reason):
    whole = Liquidate(LIQUIDATOR, 0, at(DOLLAR), at(COIN), Size(offset=more), of="debt")
    outcomes = played(*LOAN, Deprecate(0, at(COIN), n_of_three), whole, comptroller=comptroller).outcomes

    assert outcomes[f"Liquidate: {reason}"] == 1


def test_who_takes_everything_back_has_nothing_left():
    outcomes = played(Mint(1, DOLLAR, Size()), Redeem(1, at(DOLLAR), Size())).outcomes

    assert outcomes["Redeem: goes through"] == 1


@pytest.mark.parametrize(
    ("price_mantissa", "reason"),
    [(WAD, "goes through"), (0, "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED")],
)
def test_what_was_never_entered_is_seized_unless_it_has_no_price(price_mantissa, reason):
    beside = Liquidate(LIQUIDATOR, 0, at(ETHER), at(COIN), Size(100), of="close factor")
    outcomes = played(Mint(0, ETHER, Size()), *LOAN, FALL, SetPrice(ETHER, price_mantissa), beside).outcomes

    assert outcomes[f"Liquidate: {reason}"] == 1


def test_nothing_is_seized_for_who_can_hold_no_more():
    full = StorePosition(1, DOLLAR, ctokens=2**256 - 1, principal=0, index=0)
    outcomes = played(*LOAN, FALL, full, replace(HALF, liquidator=1)).outcomes

    assert outcomes["Liquidate: token seizure failed"] == 1


HUGE = 2**194
BEYOND_WORDS = Store(
    DOLLAR, cash=0, total_borrows=HUGE, total_reserves=0, total_supply=10**9, borrow_index=WAD
)


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (AccrueInterest(DOLLAR), "AccrueInterest: MATH_ERROR"),
        (Mint(1, DOLLAR, Size()), "Mint: MATH_ERROR"),
        (RedeemUnderlying(0, at(DOLLAR), Size(1), of_liquidity=False), "RedeemUnderlying: MATH_ERROR"),
        (Borrow(0, at(DOLLAR), Size(1), of_liquidity=False), "Borrow: MATH_ERROR"),
        (Repay(LIQUIDATOR, 0, at(DOLLAR), Size(), on_behalf=True), "Repay: MATH_ERROR"),
        (HALF, "Liquidate: MATH_ERROR"),
        (replace(HALF, collateral=at(COIN), debt=at(DOLLAR)), "Liquidate: MATH_ERROR"),
    ],
)
def test_a_market_whose_interest_cannot_be_told_does_nothing_and_says_so_by_code(step, outcome):
    assert played(*LOAN, BEYOND_WORDS, Wait(2**32), step).outcomes[outcome] == 1


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Redeem(0, at(DOLLAR), Size(1)), "Redeem: SNAPSHOT_ERROR"),
        (Borrow(0, at(COIN), Size(1), of_liquidity=False), "Borrow: SNAPSHOT_ERROR"),
        (ExitMarket(0, at(COIN)), "ExitMarket: exitMarket: getAccountSnapshot failed"),
        (HALF, "Liquidate: borrowBalanceStored: borrowBalanceStoredInternal failed"),
    ],
)
@pytest.mark.parametrize("index", [0, 1])
def test_a_debt_that_cannot_be_told_stands_in_the_way(step, outcome, index):
    untold = StorePosition(0, COIN, ctokens=0, principal=2**255, index=index)

    assert played(*LOAN, untold, step).outcomes[outcome] == 1


def test_what_is_lent_out_is_not_paid_out():
    """The lender of a million takes all that is at hand, and one unit more."""
    more = RedeemUnderlying(LENDER, at(COIN), Size(offset=1), of_liquidity=True)

    assert played(*LOAN, more).outcomes["RedeemUnderlying: TOKEN_INSUFFICIENT_CASH"] == 1


def test_nobody_leaves_a_market_it_owes_in():
    assert played(*LOAN, ExitMarket(0, at(COIN))).outcomes["ExitMarket: NONZERO_BORROW_BALANCE"] == 1


# --- the machine sees what is wrong ---


def without_protocol_share(ledger_, call, ctokens):
    return 0


def enters_again(ledger_, user, market_id):
    ledger_.enter(user, market_id)


def one_more(a, b):
    return mantissa_mul_down(a, b) + 1


rates_told = Pool.rates


def other_rates(self):
    return {id_: (1, *others) for id_, (_, *others) in rates_told(self).items()}


@pytest.mark.parametrize(
    ("place", "name", "wrong", "seen_as"),
    [
        (liquidation, "_to_reserves", without_protocol_share, "after.ctokens.1.total_reserves_underlying"),
        (liquidation, "mantissa_mul_down", one_more, "after."),
        (interest, "mantissa_mul_down", one_more, "after.ctokens.1.total_borrows_underlying"),
        (supply, "mantissa_mul_down", one_more, "after.ctokens.2.cash_underlying"),
        (supply, "enter", enters_again, "after.accounts."),
        (validation, "max_close", lambda *_: 0, "outcome"),
        (ledger, "received", lambda _, amount: amount - 1, "after.ctokens.1.cash_underlying"),
        (moves, "_of_liquidation", lambda *_: {"LiquidateBorrow 2": (1, 1)}, "amounts.LiquidateBorrow 2.0"),
        (rules, "account_data", lambda *_, **__: None, "views."),
        (Pool, "rates", other_rates, "rates."),
    ],
)
def test_whatever_is_wrong_is_seen(monkeypatch, place, name, wrong, seen_as):
    played()  # deployed before anything is wrong
    monkeypatch.setattr(place, name, wrong)
    more = (EnterMarkets(0, (DOLLAR,)), Redeem(LENDER, at(COIN), Size(3)))

    with pytest.raises(Differs, match=f": {re.escape(seen_as)}"):
        played(*CRASH, *more)
