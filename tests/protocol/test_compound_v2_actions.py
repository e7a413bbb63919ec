"""What users of Compound v2 do: every release alike where it may, in its own words where it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v2 import (
    COMPTROLLERS,
    CTOKENS,
    Account,
    Acted,
    ComptrollerError,
    Failure,
    Position,
    RateModel,
    Revert,
    accrue_interest,
    borrow,
    borrow_balance,
    comptroller_rules_of,
    enter_markets,
    exchange_rate,
    exit_market,
    mint,
    redeem,
    redeem_underlying,
    repay_borrow,
    repay_borrow_behalf,
    viewed_at,
)
from protocol.errors import EvmRevert, UnknownMarket
from protocol.units import MAX_UINT256, WAD
from tests.protocol.compound_v2_markets import (
    BANK,
    BORROWER,
    DEAR,
    DOLLAR,
    ETHER,
    NOTE,
    NOW,
    OTHER,
    PRICES,
    STONE,
    acted,
    market,
    of_release,
    position,
    refusal,
    refused,
    units,
    usd,
    with_ctoken,
)

AT: dict[str, Any] = {"prices_mantissa": PRICES, "block_number": NOW}
RELEASES = [rules.release for rules in CTOKENS]
EVERY = pytest.mark.parametrize("release", RELEASES)
EVERY_COMPTROLLER = pytest.mark.parametrize("comptroller", [rules.release for rules in COMPTROLLERS])


def own_words(release: str, code: str, custom: str) -> str:
    """What is a code up to 2.9 and a custom error since."""
    return custom if release == "2022" else code


# --- mint and redeem ---


@EVERY
@pytest.mark.parametrize("market_id", [ETHER, DOLLAR])
def test_minting_and_redeeming_move_the_asset_and_the_supply(release: str, market_id: int):
    state = market(release=release)
    before = state.ctokens[market_id]
    made = acted(mint(state, OTHER, market_id, 10**9 + 1, block_number=NOW))

    ctokens = (10**9 + 1) * WAD // exchange_rate(before)
    assert (made.amount, made.ctokens) == (10**9 + 1, ctokens)
    assert position(made.market, OTHER, market_id).ctokens == ctokens
    after = made.market.ctokens[market_id]
    assert after.cash_underlying == before.cash_underlying + 10**9 + 1
    assert after.total_supply_ctokens == before.total_supply_ctokens + ctokens

    back = acted(redeem(made.market, OTHER, market_id, ctokens, **AT))
    assert back.amount == exchange_rate(after) * ctokens // WAD <= 10**9 + 1
    assert OTHER not in back.market.accounts or not back.market.accounts[OTHER].positions
    left = back.market.ctokens[market_id]
    assert left.total_supply_ctokens == before.total_supply_ctokens
    assert left.cash_underlying == after.cash_underlying - back.amount


@given(
    cash=st.integers(1, 10**30),
    borrows=st.integers(0, 10**30),
    supply=st.integers(1, 10**20),
    amount=st.integers(0, 10**30),
)
def test_redeeming_an_amount_burns_no_more_than_it_is_worth_and_redeeming_ctokens_pays_no_more(
    cash: int, borrows: int, supply: int, amount: int
):
    state = with_ctoken(
        market(), NOTE, cash_underlying=cash, total_borrows_underlying=borrows, total_supply_ctokens=supply
    )
    account = replace(
        state.accounts[BANK], positions={NOTE: replace(position(state, BANK, NOTE), ctokens=supply)}
    )
    state = replace(state, accounts={BANK: account})
    rate = (cash + borrows) * WAD // supply

    taken = redeem_underlying(state, BANK, NOTE, amount, **AT)
    if isinstance(taken, Acted):
        assert taken.amount == amount
        assert taken.ctokens == amount * WAD // rate, "rounded down, for the one who redeems"
        assert taken.ctokens * rate <= amount * WAD
    given_back = redeem(state, BANK, NOTE, supply // 2, **AT)
    if isinstance(given_back, Acted) and supply >= 2:
        assert given_back.amount == supply // 2 * rate // WAD


def test_a_donation_raises_what_every_ctoken_stands_for():
    state = market()
    richer = with_ctoken(state, DOLLAR, cash_underlying=state.ctokens[DOLLAR].cash_underlying * 2)

    assert exchange_rate(richer.ctokens[DOLLAR]) == 2 * exchange_rate(state.ctokens[DOLLAR])
    made = acted(mint(richer, OTHER, DOLLAR, 3, block_number=NOW))
    assert made.ctokens == 3 * 50 * 100 // 2
    emptied = with_ctoken(richer, DOLLAR, total_supply_ctokens=1)
    assert acted(mint(emptied, OTHER, DOLLAR, 10**12, block_number=NOW)).ctokens == 0, "all of it given away"


@EVERY
def test_what_is_lent_out_cannot_be_redeemed(release: str):
    state = market(release=release)
    state = with_ctoken(state, DOLLAR, cash_underlying=10, total_borrows_underlying=10**12 - 10)
    outcome = redeem_underlying(state, BANK, DOLLAR, 11, **AT)

    assert refusal(outcome) == (
        "TOKEN_INSUFFICIENT_CASH",
        own_words(release, "Failure(14,47,0)", "RedeemTransferOutNotPossible()"),
    )
    assert acted(redeem_underlying(state, BANK, DOLLAR, 10, **AT)).amount == 10


@EVERY
def test_of_a_redemption_without_ctokens_and_without_cash_the_newest_names_the_cash(release: str):
    state = with_ctoken(market(release=release), DOLLAR, cash_underlying=0, total_borrows_underlying=10**12)
    outcome = redeem(state, OTHER, DOLLAR, 10**9, **AT)

    told = own_words(release, "MATH_ERROR", "TOKEN_INSUFFICIENT_CASH")
    assert refused(outcome).name == told
    more = redeem(with_ctoken(state, DOLLAR, cash_underlying=10**12), OTHER, DOLLAR, 10**9, **AT)
    assert refused(more).raw == own_words(release, "Failure(9,45,3)", "Panic(0x11)")
    beyond = redeem(with_ctoken(state, DOLLAR, total_supply_ctokens=1), OTHER, DOLLAR, 2, **AT)
    assert refused(beyond).raw == own_words(release, "Failure(9,46,3)", "RedeemTransferOutNotPossible()")


def test_an_amount_worth_less_than_a_ctoken_is_not_paid_out():
    state = with_ctoken(market(), DOLLAR, cash_underlying=10**18)

    assert refusal(redeem_underlying(state, BANK, DOLLAR, 1, **AT)) == ("redeemTokens zero",) * 2
    assert acted(redeem_underlying(state, BANK, DOLLAR, 0, **AT)).ctokens == 0
    assert acted(redeem(state, BANK, DOLLAR, 0, **AT)).amount == 0


@EVERY
def test_collateral_that_is_needed_cannot_be_redeemed_nor_left(release: str):
    state = market(holds={ETHER: 10}, owes={DOLLAR: 14_000}, release=release)
    needed = position(state, BORROWER, ETHER).ctokens

    assert refusal(redeem(state, BORROWER, ETHER, needed, **AT)) == (
        "INSUFFICIENT_LIQUIDITY",
        own_words(release, "Failure(3,40,4)", "RedeemComptrollerRejection(4)"),
    )
    outcome = exit_market(state, BORROWER, ETHER, prices_mantissa=PRICES)
    assert refusal(outcome) == ("INSUFFICIENT_LIQUIDITY", "Failure(14,3,4)")
    owing = exit_market(state, BORROWER, DOLLAR, prices_mantissa=PRICES)
    assert refusal(owing) == ("NONZERO_BORROW_BALANCE", "Failure(12,2,0)")
    spare = needed // 15
    assert acted(redeem(state, BORROWER, ETHER, spare, **AT)).ctokens == spare
    assert refused(redeem(state, BORROWER, ETHER, spare + 1, **AT)).name == "INSUFFICIENT_LIQUIDITY"


def test_what_is_no_collateral_can_always_be_redeemed():
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    state = acted(mint(state, BORROWER, NOTE, WAD, block_number=NOW)).market
    held = position(state, BORROWER, NOTE).ctokens

    assert acted(redeem(state, BORROWER, NOTE, held, prices_mantissa={}, block_number=NOW)).amount == WAD


# --- markets ---


ACTIONS = {
    "accrue": lambda state, now: accrue_interest(state, DOLLAR, block_number=now),
    "mint": lambda state, now: mint(state, OTHER, DOLLAR, 5, block_number=now),
    "redeem": lambda state, now: redeem(state, BANK, DOLLAR, 5, prices_mantissa=PRICES, block_number=now),
    "redeem underlying": lambda state, now: redeem_underlying(
        state, BANK, DOLLAR, 5, prices_mantissa=PRICES, block_number=now
    ),
    "borrow": lambda state, now: borrow(state, BORROWER, DOLLAR, 5, prices_mantissa=PRICES, block_number=now),
    "repay": lambda state, now: repay_borrow(state, BORROWER, DOLLAR, 5, block_number=now),
    "behalf": lambda state, now: repay_borrow_behalf(state, OTHER, BORROWER, DOLLAR, 5, block_number=now),
}


@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS.keys())
def test_every_action_accrues_its_own_market_and_no_other(act: Any):
    state = market(holds={ETHER: 10}, owes={DOLLAR: 1_000, NOTE: 1_000}, rate_model=DEAR)
    now = NOW + 1_000
    after, grown = acted(act(state, now)).market, viewed_at(state, now).ctokens[DOLLAR]

    assert after.ctokens[DOLLAR].borrow_index_mantissa == grown.borrow_index_mantissa > WAD
    assert after.ctokens[DOLLAR].total_reserves_underlying == grown.total_reserves_underlying > 0
    assert after.ctokens[DOLLAR].accrual_block_number == now
    assert after.ctokens[NOTE] == state.ctokens[NOTE]


def test_markets_are_left_by_moving_the_last_one_up():
    state = enter_markets(market(), OTHER, [ETHER, DOLLAR, STONE, NOTE, ETHER])
    assert state.codes == (ComptrollerError.NO_ERROR,) * 5
    left = acted(exit_market(state.market, OTHER, DOLLAR, prices_mantissa=PRICES)).market

    assert left.accounts[OTHER].entered == (ETHER, NOTE, STONE)
    assert acted(exit_market(left, OTHER, DOLLAR, prices_mantissa={})).market == left
    with pytest.raises(UnknownMarket, match="no market 9:"):
        enter_markets(market(), OTHER, [9])


@EVERY_COMPTROLLER
def test_an_account_may_be_in_so_many_markets_up_to_g5(comptroller: str):
    state = replace(market(comptroller=comptroller), max_assets=2)
    asked = enter_markets(with_ctoken(state, NOTE, listed=False), OTHER, [ETHER, NOTE, DOLLAR, STONE, ETHER])
    last = ComptrollerError.TOO_MANY_ASSETS if comptroller[0] == "G" and comptroller < "G6" else 0

    assert asked.codes == (0, ComptrollerError.MARKET_NOT_LISTED, 0, last, 0)
    assert len(asked.market.accounts[OTHER].entered) == (2 if last else 3)


@EVERY_COMPTROLLER
def test_a_loan_enters_its_market_since_g2(comptroller: str):
    state = market(holds={ETHER: 10}, comptroller=comptroller)
    outcome = borrow(state, BORROWER, DOLLAR, 10**6, **AT)

    if comptroller == "G1":
        assert refusal(outcome) == ("MARKET_NOT_ENTERED", "Failure(3,14,8)")
    else:
        assert acted(outcome).market.accounts[BORROWER].entered == (ETHER, DOLLAR)


def test_a_loan_that_is_rejected_has_entered_its_market_all_the_same_where_nothing_reverts():
    state = market(holds={ETHER: 10})
    code = borrow(state, BORROWER, DOLLAR, units(DOLLAR, 15_001), **AT)
    reverted = borrow(of_release(state, DOLLAR, "2022"), BORROWER, DOLLAR, units(DOLLAR, 15_001), **AT)

    assert isinstance(code, Failure)
    assert isinstance(reverted, Revert)
    assert code.name == reverted.name == "INSUFFICIENT_LIQUIDITY"
    assert code.market.accounts[BORROWER].entered == (ETHER, DOLLAR)


# --- borrow and repay ---


@EVERY
@EVERY_COMPTROLLER
def test_a_loan_is_taken_and_repaid_to_the_end(release: str, comptroller: str):
    state = market(holds={ETHER: 10}, comptroller=comptroller, release=release, rate_model=DEAR)
    state = enter_markets(state, BORROWER, [DOLLAR]).market
    lent = acted(borrow(state, BORROWER, DOLLAR, units(DOLLAR, 15_000), **AT)).market
    later = NOW + 10_000
    owed = borrow_balance(viewed_at(lent, later).ctokens[DOLLAR], position(lent, BORROWER, DOLLAR))
    done = acted(repay_borrow(lent, BORROWER, DOLLAR, MAX_UINT256, block_number=later))

    assert done.amount == owed > units(DOLLAR, 15_000)
    held = position(done.market, BORROWER, DOLLAR)
    assert held.borrow_principal_underlying == 0
    assert held.borrow_interest_index_mantissa == done.market.ctokens[DOLLAR].borrow_index_mantissa
    assert done.market.ctokens[DOLLAR].cash_underlying == state.ctokens[
        DOLLAR
    ].cash_underlying + owed - units(DOLLAR, 15_000)
    assert acted(exit_market(done.market, BORROWER, DOLLAR, prices_mantissa=PRICES)).market


@EVERY
def test_more_than_is_owed_is_refused(release: str):
    state = market(holds={ETHER: 10}, owes={DOLLAR: 100}, release=release)
    outcome = repay_borrow_behalf(state, OTHER, BORROWER, DOLLAR, units(DOLLAR, 100) + 1, block_number=NOW)

    late = "REPAY_BORROW_NEW_ACCOUNT_BORROW_BALANCE_CALCULATION_FAILED"
    assert refused(outcome).raw == {
        "2.0": "Failure(9,58,3)",
        "2.2": "Failure(9,58,3)",
        "2022": "Panic(0x11)",
    }.get(release, late)
    assert acted(repay_borrow_behalf(state, OTHER, BORROWER, DOLLAR, 0, block_number=NOW)).amount == 0


def test_a_repayment_of_ether_is_what_was_sent():
    state = market(holds={STONE: 1}, owes={ETHER: 10})
    paid = acted(repay_borrow(state, BORROWER, ETHER, WAD, block_number=NOW))
    all_of_it = acted(repay_borrow_behalf(state, OTHER, BORROWER, ETHER, 10 * WAD, block_number=NOW))
    too_much = repay_borrow(state, BORROWER, ETHER, 10 * WAD + 1, block_number=NOW)

    assert paid.market.ctokens[ETHER].cash_underlying == state.ctokens[ETHER].cash_underlying + WAD
    assert position(all_of_it.market, BORROWER, ETHER).borrow_principal_underlying == 0
    assert refused(too_much).name == "REPAY_BORROW_NEW_ACCOUNT_BORROW_BALANCE_CALCULATION_FAILED"
    first = repay_borrow(of_release(state, ETHER, "2.2"), BORROWER, ETHER, 10 * WAD + 1, block_number=NOW)
    assert refusal(first) == ("MATH_ERROR", "repayBorrow failed (09)")
    for_another = repay_borrow_behalf(
        of_release(state, ETHER, "2.2"), OTHER, BORROWER, ETHER, 10 * WAD + 1, block_number=NOW
    )
    assert refusal(for_another) == ("MATH_ERROR", "repayBorrowBehalf failed (09)")
    unlisted = mint(with_ctoken(state, ETHER, listed=False), OTHER, ETHER, WAD, block_number=NOW)
    assert refusal(unlisted) == ("MARKET_NOT_LISTED", "mint failed (03)")


def test_all_of_a_debt_in_ether_cannot_be_asked_for_by_the_largest_number():
    state = with_ctoken(market(holds={STONE: 1}, owes={ETHER: 10}), ETHER, cash_underlying=0)
    outcome = repay_borrow(state, BORROWER, ETHER, MAX_UINT256, block_number=NOW)

    assert refusal(outcome) == ("value mismatch", "value mismatch")
    assert getattr(outcome, "numbers", None) == {"amount": 10 * WAD, "value": MAX_UINT256}


@EVERY
def test_more_than_there_is_cannot_be_borrowed(release: str):
    state = with_ctoken(market(holds={ETHER: 10}, release=release), DOLLAR, cash_underlying=99)

    assert refusal(borrow(state, BORROWER, DOLLAR, 100, **AT)) == (
        "TOKEN_INSUFFICIENT_CASH",
        own_words(release, "Failure(14,9,0)", "BorrowCashNotAvailable()"),
    )
    assert acted(borrow(state, BORROWER, DOLLAR, 99, **AT)).amount == 99


def test_the_last_to_repay_may_owe_more_than_the_total():
    """Debts are rounded down one by one, and the total apart from them: dust can be left that no one can repay."""
    state = with_ctoken(
        market(holds={ETHER: 10}, owes={DOLLAR: 100}), DOLLAR, total_borrows_underlying=10**8 - 1
    )
    name, raw = refusal(repay_borrow(state, BORROWER, DOLLAR, MAX_UINT256, block_number=NOW))

    assert name == raw == "REPAY_BORROW_NEW_TOTAL_BALANCE_CALCULATION_FAILED"
    assert acted(repay_borrow(state, BORROWER, DOLLAR, 10**8 - 1, block_number=NOW)).amount == 10**8 - 1


def test_a_cap_bounds_all_loans_together_since_g5():
    cap = {"borrow_cap_underlying": units(DOLLAR, 1_000)}
    state = with_ctoken(market(holds={ETHER: 10}), DOLLAR, **cap)
    below = units(DOLLAR, 1_000) - 1

    assert refusal(borrow(state, BORROWER, DOLLAR, below + 1, **AT))[1] == "market borrow cap reached"
    assert acted(borrow(state, BORROWER, DOLLAR, below, **AT)).amount == below
    for release, told in (
        ("G4", "MATH_ERROR"),
        ("G5", "total borrows overflow"),
        ("G6", "addition overflow"),
        ("2022", "Panic(0x11)"),
    ):
        lent = acted(borrow(state, BORROWER, DOLLAR, 1, **AT)).market
        under = replace(lent, rules=comptroller_rules_of(release))
        assert refusal(borrow(under, BORROWER, DOLLAR, MAX_UINT256, **AT))[0] == told


def test_the_price_of_a_loan_is_asked_for_before_its_cap():
    state = with_ctoken(market(holds={ETHER: 10}), DOLLAR, borrow_cap_underlying=1)
    unknown = {"prices_mantissa": {**PRICES, DOLLAR: 0}, "block_number": NOW}

    assert refusal(borrow(state, BORROWER, DOLLAR, 1, **unknown))[0] == "PRICE_ERROR"
    assert refusal(borrow(state, BORROWER, DOLLAR, 1, **AT))[0] == "market borrow cap reached"


# --- pauses ---


@EVERY_COMPTROLLER
def test_minting_and_borrowing_can_be_paused_since_g2(comptroller: str):
    state = market(holds={ETHER: 10}, comptroller=comptroller)
    state = enter_markets(state, BORROWER, [DOLLAR]).market
    state = with_ctoken(state, DOLLAR, mint_paused=True, borrow_paused=True)
    asked = (mint(state, OTHER, DOLLAR, 1, block_number=NOW), borrow(state, BORROWER, DOLLAR, 1, **AT))

    if comptroller == "G1":
        assert all(isinstance(one, Acted) for one in asked)
    else:
        assert [refusal(one)[0] for one in asked] == ["mint is paused", "borrow is paused"]
    lent = acted(borrow(with_ctoken(state, DOLLAR, borrow_paused=False), BORROWER, DOLLAR, 1, **AT)).market
    assert acted(
        repay_borrow(with_ctoken(lent, DOLLAR, borrow_paused=True), BORROWER, DOLLAR, 1, block_number=NOW)
    )
    assert acted(redeem(state, BANK, DOLLAR, 1, **AT))


@EVERY
def test_a_market_that_is_not_listed_refuses_everything(release: str):
    state = with_ctoken(market(holds={ETHER: 10}, owes={DOLLAR: 1}, release=release), DOLLAR, listed=False)
    asked = (
        mint(state, OTHER, DOLLAR, 1, block_number=NOW),
        redeem(state, BANK, DOLLAR, 1, **AT),
        borrow(state, OTHER, DOLLAR, 1, **AT),
        repay_borrow(state, BORROWER, DOLLAR, 1, block_number=NOW),
    )

    assert [refusal(one)[0] for one in asked] == ["MARKET_NOT_LISTED"] * 4
    assert [refused(one).raw for one in asked] == [
        own_words(release, *words)
        for words in (
            ("Failure(3,31,9)", "MintComptrollerRejection(9)"),
            ("Failure(3,40,9)", "RedeemComptrollerRejection(9)"),
            ("Failure(3,14,9)", "BorrowComptrollerRejection(9)"),
            ("Failure(3,56,9)", "RepayBorrowComptrollerRejection(9)"),
        )
    ]


# --- where arithmetic ends ---


@EVERY
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"borrow_index_mantissa": MAX_UINT256}, "Failure(9,3,2)"),
        ({"total_borrows_underlying": 2**190, "cash_underlying": 0}, "Failure(9,1,2)"),
    ],
)
def test_an_accrual_that_overflows_is_a_code_and_a_panic_since_2022(
    release: str, fields: dict[str, int], words: str
):
    fast = RateModel(base_rate_per_block_mantissa=10**12, multiplier_per_block_mantissa=0)
    state = with_ctoken(market(release=release), DOLLAR, rate_model=fast, total_borrows_underlying=1)
    state = with_ctoken(state, DOLLAR, **fields)
    outcome = accrue_interest(state, DOLLAR, block_number=NOW + 10**9)

    assert refused(outcome).raw == own_words(release, words, "Panic(0x11)")
    passed_on = mint(state, OTHER, DOLLAR, 1, block_number=NOW + 10**9)
    assert refused(passed_on).raw == own_words(release, "Failure(9,30,0)", "Panic(0x11)")


@pytest.mark.parametrize(
    ("act", "info"),
    [("mint", 30), ("redeem", 39), ("redeem underlying", 39), ("borrow", 8), ("repay", 54), ("behalf", 53)],
)
def test_an_accrual_that_fails_is_told_by_the_action_that_asked_for_it(act: str, info: int):
    fast = RateModel(base_rate_per_block_mantissa=10**12, multiplier_per_block_mantissa=0)
    worn_out = {"rate_model": fast, "borrow_index_mantissa": MAX_UINT256, "total_borrows_underlying": 1}
    outcome = ACTIONS[act](with_ctoken(market(), DOLLAR, **worn_out), NOW + 10**9)

    assert refusal(outcome) == ("MATH_ERROR", f"Failure(9,{info},0)")


OVERDRAWN = {"total_borrows_underlying": 0, "total_reserves_underlying": MAX_UINT256}
WORTHLESS = {"total_borrows_underlying": 0, "cash_underlying": 0}
FULL = {
    "total_borrows_underlying": 0,
    "cash_underlying": MAX_UINT256 // WAD,
    "total_supply_ctokens": MAX_UINT256 // WAD * WAD,
}
STEPS = {
    "mint, rate": ("mint", 1, OVERDRAWN, ("Failure(9,33,3)",) * 2, 0x11),
    "mint, ctokens": (
        "mint", 1, WORTHLESS, ("Failure(9,32,1)", "MINT_EXCHANGE_CALCULATION_FAILED"), 0x12,
    ),
    "mint, supply": (
        "mint", 1, FULL, ("Failure(9,36,2)", "MINT_NEW_TOTAL_SUPPLY_CALCULATION_FAILED"), 0x11,
    ),
    "redeem, rate": ("redeem", 1, OVERDRAWN, ("Failure(9,43,3)",) * 2, 0x11),
    "redeem, worth": ("redeem", MAX_UINT256, {}, ("Failure(9,41,2)",) * 2, 0x11),
    "redeem underlying, rate": ("redeem underlying", 1, OVERDRAWN, ("Failure(9,43,3)",) * 2, 0x11),
    "redeem underlying, ctokens": ("redeem underlying", MAX_UINT256, {}, ("Failure(9,42,2)",) * 2, 0x11),
    "repay, debt": ("repay", 1, {"borrow_index_mantissa": MAX_UINT256}, ("Failure(9,55,2)",) * 2, 0x11),
}  # fmt: skip


@pytest.mark.parametrize(("act", "amount", "fields", "words", "panic"), STEPS.values(), ids=STEPS.keys())
def test_a_step_without_a_result_is_told_as_its_release_does(
    act: str, amount: int, fields: dict[str, Any], words: tuple[str, str], panic: int
):
    """A code before the asset has moved; since 2.3 a message after it; since 2022 a panic."""
    asked = []
    for release in ("2.2", "2.9", "2022"):
        state = with_ctoken(market(holds={ETHER: 10}, owes={DOLLAR: 10}, release=release), DOLLAR, **fields)
        if act == "mint":
            asked.append(mint(state, OTHER, DOLLAR, amount, block_number=NOW))
        elif act == "redeem":
            asked.append(redeem(state, OTHER, DOLLAR, amount, **AT))
        elif act == "redeem underlying":
            asked.append(redeem_underlying(state, OTHER, DOLLAR, amount, **AT))
        else:
            asked.append(repay_borrow(state, BORROWER, DOLLAR, amount, block_number=NOW))

    assert [refused(one).raw for one in asked] == [*words, f"Panic({panic:#04x})"]


def endless(release: str, owed: int, *, total: int = 0):
    """So rich in cTokens that a loan of dollars, each worth 1e-30, is bound by the word's length alone."""
    state = market(holds={ETHER: 10, NOTE: 1}, owes={DOLLAR: 1}, release=release)
    positions = {
        ETHER: Position(ctokens=3 * 10**47),
        NOTE: Position(ctokens=7 * 10**50),
        DOLLAR: Position(borrow_principal_underlying=owed, borrow_interest_index_mantissa=1),
    }
    account = replace(state.accounts[BORROWER], positions=positions)
    state = replace(state, accounts={**state.accounts, BORROWER: account})
    dollars = {"cash_underlying": 2**255, "total_borrows_underlying": total, "total_supply_ctokens": 0}
    return with_ctoken(state, DOLLAR, borrow_index_mantissa=1, **dollars)


@pytest.mark.parametrize(
    ("release", "told"),
    [("2.2", "Failure(9,12,2)"), ("2.9", "Failure(9,12,2)"), ("2022", "Panic(0x11)")],
)
def test_a_debt_that_cannot_grow_takes_no_new_loan(release: str, told: str):
    at = {"prices_mantissa": {**PRICES, DOLLAR: 1}, "block_number": NOW}

    assert refused(borrow(endless(release, 2**255), BORROWER, DOLLAR, 2**255, **at)).raw == told
    lent = acted(borrow(endless(release, 2**255 - 1), BORROWER, DOLLAR, 2**255, **at)).market
    assert position(lent, BORROWER, DOLLAR).borrow_principal_underlying == MAX_UINT256


@pytest.mark.parametrize(("release", "told"), [("2.9", "Failure(9,11,2)"), ("2022", "Panic(0x11)")])
def test_a_total_that_cannot_grow_takes_no_new_loan(release: str, told: str):
    at = {"prices_mantissa": {**PRICES, DOLLAR: 1}, "block_number": NOW}

    assert refused(borrow(endless(release, 0, total=2**255), BORROWER, DOLLAR, 2**255, **at)).raw == told
    lent = acted(borrow(endless(release, 0, total=2**255 - 1), BORROWER, DOLLAR, 2**255, **at)).market
    assert lent.ctokens[DOLLAR].total_borrows_underlying == MAX_UINT256


@EVERY
def test_a_balance_that_cannot_grow_takes_no_new_ctokens(release: str):
    state = market(release=release)
    full = Account(positions={DOLLAR: replace(position(state, OTHER, DOLLAR), ctokens=MAX_UINT256)})
    state = replace(state, accounts={**state.accounts, OTHER: full})
    late = "MINT_NEW_ACCOUNT_BALANCE_CALCULATION_FAILED"
    told = {"2.0": "Failure(9,35,2)", "2.2": "Failure(9,35,2)", "2022": "Panic(0x11)"}

    assert refused(mint(state, OTHER, DOLLAR, 10, block_number=NOW)).raw == told.get(release, late)


@EVERY
def test_a_block_before_the_last_accrual_is_refused(release: str):
    name, _ = refusal(accrue_interest(market(release=release), DOLLAR, block_number=NOW - 1))

    assert name == own_words(release, "could not calculate block delta", "Panic(0x11)")


@EVERY
def test_an_account_whose_balances_cannot_be_told_cannot_be_looked_at(release: str):
    state = market(holds={ETHER: 10}, owes={DOLLAR: 1}, release=release)
    state = with_ctoken(state, ETHER, total_reserves_underlying=MAX_UINT256)
    looked = borrow(state, BORROWER, DOLLAR, 1, **AT)
    left = exit_market(state, BORROWER, ETHER, prices_mantissa=PRICES)

    assert refused(looked).name == own_words(release, "SNAPSHOT_ERROR", "Panic(0x11)")
    assert refused(left).name == own_words(release, "exitMarket: getAccountSnapshot failed", "Panic(0x11)")


def test_viewing_a_market_that_its_rate_has_ended_reverts():
    wild = RateModel(base_rate_per_block_mantissa=10**13, multiplier_per_block_mantissa=0)

    with pytest.raises(EvmRevert, match="absurdly high"):
        viewed_at(with_ctoken(market(), NOTE, rate_model=wild), NOW + 1)


def test_prices_are_asked_for_only_where_the_account_is_looked_at():
    state = market(holds={ETHER: 10})

    assert acted(redeem(state, BANK, DOLLAR, 1, prices_mantissa={}, block_number=NOW))
    assert acted(redeem(state, BORROWER, ETHER, 1, prices_mantissa=usd(), block_number=NOW))
    assert acted(mint(state, BORROWER, ETHER, 1, block_number=NOW))
