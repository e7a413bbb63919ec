"""What users of Comet do: supply, withdraw, transfer, buy; each refusal by its name and at its edge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.compound_v3 import (
    BASE,
    Account,
    AccountData,
    Acted,
    Bought,
    Liquidated,
    LiquidationCall,
    Pauses,
    Revert,
    absorb,
    account_data,
    accrue,
    accrue_account,
    balance_of,
    borrow_balance_of,
    collateral_reserves,
    quote_collateral,
    reserves,
    supply,
    transfer_asset,
    users_with_debt,
    withdraw,
    withdraw_reserves,
)
from protocol.errors import EvmRevert, MissingPrice, UnknownReserve
from protocol.units import MAX_UINT256, WAD
from tests.protocol.compound_v3_markets import (
    BANK,
    BORROWER,
    COIN,
    DAY,
    NOW,
    OTHER,
    STONE,
    absorbed,
    account,
    bought,
    done,
    market,
    moved,
    refusal,
    units,
    usd,
    with_config,
    with_info,
)

AT = {"prices_base": usd(), "timestamp": NOW}
UNLISTED = 7
STATE = market(holds={COIN: 10, STONE: 20}, owes=7_000)


def borrower_with(state, **changes):
    return replace(state, accounts={**state.accounts, BORROWER: replace(state.accounts[BORROWER], **changes)})


# --- supplying ---


def test_a_supply_of_the_base_asset_pays_back_first():
    after = moved(supply(STATE, BORROWER, BASE, units(BASE, 7_500), timestamp=NOW))

    assert account(after).principal == units(BASE, 500)
    assert after.total_borrow_principal == 0
    assert after.total_supply_principal == STATE.total_supply_principal + units(BASE, 500)
    assert after.base_balance == STATE.base_balance + units(BASE, 7_500)
    assert list(users_with_debt(STATE)) == [BORROWER]
    assert list(users_with_debt(after)) == []


def test_the_largest_supply_is_all_that_is_owed_by_whom_it_is_for():
    later = NOW + 100 * DAY
    owed = borrow_balance_of(STATE, BORROWER, later)
    outcome = supply(STATE, OTHER, BASE, MAX_UINT256, dst=BORROWER, timestamp=later)

    assert isinstance(outcome, Acted)
    assert outcome.amount == owed > units(BASE, 7_000)
    assert account(outcome.market).principal == 0
    assert outcome.market.last_accrual_timestamp == later
    assert moved(supply(STATE, BANK, BASE, MAX_UINT256, timestamp=NOW)).base_balance == STATE.base_balance


def test_a_supply_of_nothing_may_cost_a_unit_that_the_total_keeps():
    state = replace(STATE, base_supply_index_e15=10**15 + 3)
    after = moved(supply(state, BANK, BASE, 0, timestamp=NOW))

    assert account(after, BANK).principal == account(STATE, BANK).principal - 1
    assert after.total_supply_principal == STATE.total_supply_principal


def test_a_repayment_may_cost_the_reserves_a_unit():
    """Two debts of one and a half units: each is paid off with one."""
    half = {BORROWER: Account(principal=-1), OTHER: Account(principal=-1)}
    state = replace(
        market(holds={}, owes=0), base_borrow_index_e15=15 * 10**14, total_borrow_principal=2, accounts=half
    )
    outcome = supply(state, OTHER, BASE, MAX_UINT256, timestamp=NOW)

    assert isinstance(outcome, Acted)
    assert outcome.amount == 1
    assert reserves(outcome.market, NOW) == reserves(state, NOW) - 1


def test_a_supply_of_collateral_does_not_accrue_and_ends_at_the_cap():
    asset = STATE.assets[COIN]
    state = with_info(STATE, COIN, supply_cap=asset.total_supply + 5)
    after = moved(supply(state, OTHER, COIN, 5, timestamp=NOW + DAY))

    assert after.last_accrual_timestamp == NOW
    assert dict(account(after, OTHER).collateral) == {COIN: 5}
    assert (after.assets[COIN].total_supply, after.assets[COIN].balance) == (asset.total_supply + 5,) * 2
    assert refusal(supply(state, OTHER, COIN, 6, timestamp=NOW)) == "SupplyCapExceeded"


@pytest.mark.parametrize(
    ("asset_id", "amount", "name"),
    [
        (UNLISTED, 1, "BadAsset"),
        (COIN, 2**128, "InvalidUInt128"),
        (COIN, MAX_UINT256, "InvalidUInt128"),
        (COIN, 2**128 - 1, "Panic(0x11)"),
        (BASE, 2**255, "InvalidInt256"),
        (BASE, 2**255 - 1, "Panic(0x11)"),
        (BASE, 2**104, "InvalidUInt104"),
        (BASE, 2**103, "InvalidInt104"),
    ],
)
def test_a_supply_that_does_not_fit_is_refused(asset_id: int, amount: int, name: str):
    assert refusal(supply(STATE, OTHER, asset_id, amount, timestamp=NOW)) == name


def test_the_total_supply_has_104_bits():
    state = replace(STATE, total_supply_principal=2**104 - 1)

    assert refusal(supply(state, OTHER, BASE, 1, timestamp=NOW)) == "Panic(0x11)"


# --- withdrawing ---


def test_a_withdrawal_beyond_the_supply_is_a_loan():
    state = moved(supply(STATE, OTHER, COIN, units(COIN, 1), timestamp=NOW))
    state = moved(supply(state, OTHER, BASE, units(BASE, 100), timestamp=NOW))
    after = moved(withdraw(state, OTHER, BASE, units(BASE, 300), **AT))

    assert account(after, OTHER).principal == -units(BASE, 200)
    assert after.total_borrow_principal == state.total_borrow_principal + units(BASE, 200)
    assert after.total_supply_principal == state.total_supply_principal - units(BASE, 100)
    assert after.base_balance == state.base_balance - units(BASE, 300)


def test_the_largest_withdrawal_is_all_that_is_supplied():
    rich = replace(STATE, base_balance=STATE.base_balance * 2)
    outcome = withdraw(rich, BANK, BASE, MAX_UINT256, prices_base={}, timestamp=NOW + DAY)

    assert isinstance(outcome, Acted)
    assert outcome.amount == balance_of(STATE, BANK, NOW + DAY) == 1_000_000_767_123
    assert account(outcome.market, BANK).principal == 0
    assert moved(withdraw(STATE, BORROWER, BASE, MAX_UINT256, **AT)).base_balance == STATE.base_balance


def test_a_loan_must_be_worth_having_and_carried():
    state = moved(supply(STATE, OTHER, COIN, units(COIN, 1), timestamp=NOW))
    least = state.config.base_borrow_min

    assert withdraw(state, OTHER, BASE, least - 1, **AT) == Revert(
        name="BorrowTooSmall", numbers={"debt": least - 1, "base_borrow_min": least}
    )
    assert moved(withdraw(state, OTHER, BASE, least, **AT))
    assert moved(withdraw(state, OTHER, BASE, units(BASE, 800), **AT))
    assert refusal(withdraw(state, OTHER, BASE, units(BASE, 800) + 1, **AT)) == "NotCollateralized"


def test_a_repayment_may_leave_less_than_the_least_loan():
    after = moved(supply(STATE, BORROWER, BASE, units(BASE, 6_999), timestamp=NOW))

    assert account(after).principal == -units(BASE, 1)
    assert refusal(withdraw(after, BORROWER, BASE, 1, **AT)) == "BorrowTooSmall"
    assert moved(withdraw(after, BORROWER, COIN, units(COIN, 9), **AT))


def test_collateral_is_withdrawn_at_the_stored_indices():
    """The debt grown to now would not allow it; nothing asks."""
    later = NOW + 365 * DAY
    spare = units(COIN, 10) - units(COIN, (7_000 - 600) / 800)
    after = moved(withdraw(STATE, BORROWER, COIN, spare, prices_base=usd(), timestamp=later))

    assert after.last_accrual_timestamp == NOW
    assert (after.assets[COIN].total_supply, after.assets[COIN].balance) == (units(COIN, 8),) * 2
    assert refusal(withdraw(STATE, BORROWER, COIN, spare + 10**12, **AT)) == "NotCollateralized"
    accrued = moved(accrue_account(STATE, BORROWER, timestamp=later))
    outcome = withdraw(accrued, BORROWER, COIN, spare, prices_base=usd(), timestamp=later)
    assert refusal(outcome) == "NotCollateralized"


@pytest.mark.parametrize(
    ("user", "asset_id", "amount", "name"),
    [
        (BORROWER, COIN, units(COIN, 10) + 1, "Panic(0x11)"),
        (BORROWER, COIN, 2**128, "InvalidUInt128"),
        (OTHER, UNLISTED, 1, "Panic(0x11)"),
        (OTHER, UNLISTED, 0, "BadAsset"),
        (OTHER, BASE, 2**255, "InvalidInt256"),
        (OTHER, BASE, 2**255 - 1, "Panic(0x11)"),
        (BORROWER, BASE, 2**255 - 1, "Panic(0x11)"),
        (OTHER, BASE, 2**104, "InvalidUInt104"),
        (OTHER, BASE, 2**103, "InvalidInt104"),
    ],
)
def test_a_withdrawal_that_does_not_fit_is_refused(user: str, asset_id: int, amount: int, name: str):
    assert refusal(withdraw(STATE, user, asset_id, amount, **AT)) == name


def test_more_than_the_contract_holds_cannot_be_paid_out():
    """By the token's own error: the market itself does not look."""
    name = "ERC20: transfer amount exceeds balance"
    assert refusal(withdraw(STATE, BANK, BASE, STATE.base_balance + 1, **AT)) == name
    assert moved(withdraw(STATE, BANK, BASE, STATE.base_balance, **AT)).base_balance == 0

    gone = replace(STATE.assets[STONE], balance=5)
    state = replace(STATE, assets={**STATE.assets, STONE: gone})
    assert refusal(withdraw(state, BORROWER, STONE, 6, **AT)) == name


def test_only_who_owes_needs_prices():
    state = moved(supply(STATE, OTHER, COIN, 5, timestamp=NOW))

    assert moved(withdraw(state, OTHER, COIN, 5, prices_base={}, timestamp=NOW))
    with pytest.raises(MissingPrice, match="the base asset"):
        withdraw(state, BORROWER, COIN, 5, prices_base={}, timestamp=NOW)
    bad = withdraw(state, BORROWER, COIN, 5, prices_base={**usd(), BASE: -1}, timestamp=NOW)
    assert refusal(bad) == "BadPrice"


# --- transferring ---


def test_a_transfer_of_the_base_asset_borrows_for_the_sender_and_repays_for_the_receiver():
    state = moved(supply(STATE, OTHER, COIN, units(COIN, 10), timestamp=NOW))
    state = moved(supply(state, OTHER, BASE, units(BASE, 1_000), timestamp=NOW))
    after = moved(transfer_asset(state, OTHER, BORROWER, BASE, units(BASE, 7_500), **AT))

    assert account(after, OTHER).principal == -units(BASE, 6_500)
    assert account(after).principal == units(BASE, 500)
    assert after.total_borrow_principal == units(BASE, 6_500)
    assert after.total_supply_principal == state.total_supply_principal - units(BASE, 500)
    assert after.base_balance == state.base_balance


def test_the_largest_transfer_is_all_that_is_supplied():
    outcome = transfer_asset(STATE, BANK, OTHER, BASE, MAX_UINT256, prices_base={}, timestamp=NOW + DAY)

    assert isinstance(outcome, Acted)
    assert outcome.amount == balance_of(STATE, BANK, NOW + DAY)
    assert balance_of(outcome.market, OTHER, NOW + DAY) == outcome.amount - 1  # rounded twice
    assert set(outcome.market.accounts) == {BANK, BORROWER, OTHER}


def test_a_transfer_may_leave_no_small_or_uncarried_debt():
    state = moved(supply(STATE, OTHER, COIN, units(COIN, 1), timestamp=NOW))

    for amount, name in (
        (units(BASE, 100) - 1, "BorrowTooSmall"),
        (units(BASE, 800) + 1, "NotCollateralized"),
    ):
        assert refusal(transfer_asset(state, OTHER, BANK, BASE, amount, **AT)) == name
    assert moved(transfer_asset(state, OTHER, BANK, BASE, units(BASE, 800), **AT))


def test_a_transfer_of_collateral_moves_no_total_and_asks_the_sender_alone():
    after = moved(transfer_asset(STATE, BORROWER, OTHER, COIN, units(COIN, 2), **AT))

    assert dict(account(after).collateral) == {COIN: units(COIN, 8), STONE: units(STONE, 20)}
    assert dict(account(after, OTHER).collateral) == {COIN: units(COIN, 2)}
    assert after.assets == STATE.assets
    outcome = transfer_asset(STATE, BORROWER, OTHER, COIN, units(COIN, 2) + 10**12, **AT)
    assert refusal(outcome) == "NotCollateralized"
    everything = moved(transfer_asset(after, OTHER, BORROWER, COIN, units(COIN, 2), **AT))
    assert dict(account(everything, OTHER).collateral) == {}


@pytest.mark.parametrize(
    ("src", "dst", "asset_id", "amount", "name"),
    [
        (BORROWER, BORROWER, COIN, 1, "NoSelfTransfer"),
        (BORROWER, BORROWER, BASE, 0, "NoSelfTransfer"),
        (BORROWER, OTHER, COIN, units(COIN, 10) + 1, "Panic(0x11)"),
        (BORROWER, OTHER, COIN, 2**128, "InvalidUInt128"),
        (BORROWER, OTHER, UNLISTED, 0, "BadAsset"),
        (BANK, OTHER, BASE, 2**255, "InvalidInt256"),
        (BANK, OTHER, BASE, 2**103 + units(BASE, 10**6), "InvalidInt104"),
        (BANK, OTHER, BASE, 2**255 - 1, "Panic(0x11)"),
    ],
)
def test_a_transfer_that_does_not_fit_is_refused(src: str, dst: str, asset_id: int, amount: int, name: str):
    assert refusal(transfer_asset(STATE, src, dst, asset_id, amount, **AT)) == name


def test_a_receiver_of_collateral_has_128_bits():
    state = borrower_with(STATE, principal=0)
    full = replace(account(state, BANK), collateral={COIN: 2**128 - 1})
    state = replace(state, accounts={**state.accounts, BANK: full})

    assert refusal(transfer_asset(state, BORROWER, BANK, COIN, 1, **AT)) == "Panic(0x11)"


# --- pauses ---


ACTIONS = {
    "supply": lambda state: supply(state, OTHER, COIN, 2**200, timestamp=NOW),
    "transfer": lambda state: transfer_asset(state, OTHER, OTHER, BASE, 1, **AT),
    "withdraw": lambda state: withdraw(state, OTHER, COIN, 2**200, **AT),
    "absorb": lambda state: absorbed(state, usd(), OTHER),
    "buy": lambda state: bought(with_config(state, target_reserves=0), usd(), UNLISTED, 1),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_pause_comes_before_every_other_refusal_and_stops_its_action_alone(name: str):
    paused = replace(STATE, pauses=Pauses(**{name: True}))
    refusals = {one: refusal(act(paused)) for one, act in ACTIONS.items()}

    assert [one for one, why in refusals.items() if why == "Paused"] == [name]


# --- absorbing ---


def test_several_accounts_are_absorbed_in_one_call_or_none():
    state = moved(supply(STATE, OTHER, STONE, units(STONE, 100), timestamp=NOW))
    state = moved(withdraw(state, OTHER, BASE, units(BASE, 2_900), **AT))
    prices = usd(coin=700, stone=35)
    both = done(state, prices, OTHER, BORROWER)
    one_by_one = done(done(state, prices, OTHER).market, prices, BORROWER)

    assert [one.user for one in both.absorbed] == [OTHER, BORROWER]
    assert both.market == one_by_one.market
    assert both.absorbed[1] == one_by_one.absorbed[0]
    assert refusal(absorbed(state, prices, OTHER, BANK)) == "NotLiquidatable"
    assert refusal(absorbed(state, prices, OTHER, OTHER)) == "NotLiquidatable"
    nobody = absorbed(state, prices)
    assert nobody is not None


def test_a_call_without_accounts_only_accrues():
    outcome = absorb(STATE, LiquidationCall(absorber=OTHER, accounts=()), prices_base={}, timestamp=NOW + DAY)

    assert outcome == Liquidated(market=accrue(STATE, NOW + DAY), absorbed=())


def test_feeds_behind_the_point_where_an_account_is_healthy_are_not_read():
    """Collaterals are walked by offset: what the first one carries, a broken feed of the second cannot stop."""
    broken = {**usd(), STONE: 0}
    assert refusal(absorbed(STATE, broken)) == "NotLiquidatable"
    assert refusal(absorbed(STATE, {i: p for i, p in usd().items() if i != STONE})) == "NotLiquidatable"
    assert moved(withdraw(STATE, BORROWER, COIN, 1, prices_base=broken, timestamp=NOW))

    # exactly enough is enough
    exact = borrower_with(STATE, principal=-6_800 * 10**6)
    assert refusal(absorbed(exact, {**broken, COIN: 800 * 10**8})) == "NotLiquidatable"
    assert refusal(absorbed(exact, {**broken, COIN: 800 * 10**8 - 1})) == "BadPrice"

    assert refusal(absorbed(STATE, {**broken, COIN: 700 * 10**8})) == "BadPrice"
    without = {i: p for i, p in usd(coin=700).items() if i != STONE}
    with pytest.raises(MissingPrice, match="1"):
        absorbed(STATE, without)


def test_account_data_of_who_owes_needs_prices_and_fails_as_the_views_do():
    with pytest.raises(EvmRevert, match="BadPrice"):
        account_data(STATE, BORROWER, prices_base={**usd(), BASE: 0}, timestamp=NOW)
    with pytest.raises(MissingPrice) as caught:
        account_data(STATE, BORROWER, prices_base={}, timestamp=NOW)
    assert caught.value.what == "the base asset"
    assert account_data(STATE, BANK, prices_base={}, timestamp=NOW) == AccountData(
        supply_balance=units(BASE, 10**6),
        borrow_balance=0,
        is_borrow_collateralized=True,
        is_liquidatable=False,
        is_absorbable=False,
    )


def test_who_owes_nothing_is_healthy_without_a_price():
    assert refusal(absorbed(STATE, {}, BANK)) == "NotLiquidatable"
    assert refusal(absorbed(STATE, {}, "nobody")) == "NotLiquidatable"


def test_collateral_that_the_market_does_not_list_is_a_mistake():
    state = borrower_with(STATE, collateral={COIN: units(COIN, 1), UNLISTED: 5})

    with pytest.raises(UnknownReserve):
        absorbed(state, usd())


# --- the store front and the reserves ---


def absorbed_market():
    return done(STATE, usd(coin=600)).market


def test_a_purchase_moves_tokens_and_accrues_nothing():
    state, later = absorbed_market(), NOW + DAY
    outcome = bought(state, usd(coin=600), COIN, 585, at=later)

    assert isinstance(outcome, Bought)
    assert (outcome.base_amount, outcome.collateral_amount) == (units(BASE, 585), units(COIN, 1))
    assert outcome.market == replace(
        state,
        base_balance=state.base_balance + units(BASE, 585),
        assets={
            **state.assets,
            COIN: replace(state.assets[COIN], balance=state.assets[COIN].balance - units(COIN, 1)),
        },
    )


def test_a_buyer_gets_what_it_asks_for_at_least_or_nothing():
    state, prices = absorbed_market(), usd(coin=600)

    assert refusal(bought(state, prices, COIN, 585, least=units(COIN, 1) + 1)) == "TooMuchSlippage"
    assert isinstance(bought(state, prices, COIN, 585, least=units(COIN, 1)), Bought)
    assert isinstance(bought(state, prices, COIN, 5_850), Bought)
    assert refusal(bought(state, prices, COIN, 5_850.001)) == "InsufficientReserves"
    assert refusal(bought(state, prices, BASE, 1)) == "BadAsset"
    assert refusal(bought(state, {**prices, BASE: 0}, COIN, 1)) == "BadPrice"
    assert refusal(bought(state, {**prices, COIN: 0}, COIN, 1)) == "BadPrice"


def test_nothing_is_sold_once_reserves_have_reached_their_target():
    state, prices = absorbed_market(), usd(coin=600)
    even = replace(state, base_balance=state.base_balance - reserves(state, NOW))

    assert reserves(even, NOW) == 0
    assert bought(with_config(even, target_reserves=0), prices, COIN, 1) == Revert(
        name="NotForSale", numbers={"reserves": 0, "target_reserves": 0}
    )
    assert isinstance(bought(with_config(even, target_reserves=1), prices, COIN, 1), Bought)


def test_users_collateral_is_not_for_sale():
    state = moved(supply(absorbed_market(), OTHER, COIN, units(COIN, 5), timestamp=NOW))

    assert collateral_reserves(state.assets[COIN]) == units(COIN, 10)
    assert refusal(bought(state, usd(coin=600), COIN, 5_850.001)) == "InsufficientReserves"


def test_a_discount_needs_a_liquidation_factor_of_1_at_most():
    state = with_info(absorbed_market(), COIN, liquidation_factor_wad=WAD + 10**14)

    assert (
        refusal(bought(state, {**usd(), BASE: 0}, COIN, 1)) == "Panic(0x11)"
    )  # before the base price is read
    quote = quote_collateral(state, COIN, 1, prices_base=usd())
    assert refusal(quote) == "Panic(0x11)"


def test_reserves_are_withdrawn_as_far_as_there_are_any():
    later = NOW + 365 * DAY
    state = replace(STATE, base_balance=STATE.base_balance + units(BASE, 1_000))
    held = reserves(state, later)

    assert held == 862_450_023  # lenders are paid more here than borrowers pay
    outcome = withdraw_reserves(state, held + 1, timestamp=later)
    assert outcome == Revert(name="InsufficientReserves", numbers={"amount": held + 1, "reserves": held})
    after = moved(withdraw_reserves(state, held, timestamp=later))
    assert reserves(after, later) == 0
    assert after.last_accrual_timestamp == NOW
    poor = absorbed_market()
    assert reserves(poor, NOW) < 0
    assert refusal(withdraw_reserves(poor, 0, timestamp=NOW)) == "InsufficientReserves"


def test_reserves_may_be_lent_out():
    """What suppliers are owed less what is held and owed: positive while the contract holds nothing."""
    state = replace(STATE, base_balance=0, total_supply_principal=0)

    assert reserves(state, NOW) == units(BASE, 7_000)
    name = "ERC20: transfer amount exceeds balance"
    assert refusal(withdraw_reserves(state, 1, timestamp=NOW)) == name
