"""Single lines at their edges, v2 and v3: what a rounding leaves, an unknown user, a bit of a category."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from protocol import aave_v2, aave_v3, aave_v4
from protocol.aave_v2 import amounts as amounts_v2
from protocol.aave_v2 import frontier as frontier_v2
from protocol.aave_v2 import health as health_v2
from protocol.aave_v2 import ledger as ledger_v2
from protocol.aave_v2 import pairs as pairs_v2
from protocol.aave_v2 import rates as rates_v2
from protocol.aave_v3 import amounts as amounts_v3
from protocol.aave_v3 import frontier as frontier_v3
from protocol.aave_v3 import health_factors, users_with_debt
from protocol.aave_v3 import pairs as pairs_v3
from protocol.aave_v3.action_validation import require_under_debt_ceiling, validate_health_factor
from protocol.aave_v3.gho import mint_gho
from protocol.aave_v3.health import AccountTotals, Valuation
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_holdings_moved, with_liquidity_moved
from protocol.aave_v3.variants import ltv_if_reserve_has_one, ltv_of_isolated_category
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT128, MAX_UINT256, RAY
from tests.protocol import markets, markets_v2, v4_markets
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW, ONE_COIN, ONE_DOLLAR, WHALE, prices

YEAR = 31_536_000
EQUAL: dict[str, Any] = {
    "collateral_price_base": 1,
    "collateral_unit": 1,
    "debt_price_base": 1,
    "debt_unit": 1,
    "bonus_bps": 105_00,
}
CATEGORY = aave_v3.EModeCategory(
    emode_id=1,
    ltv_bps=90_00,
    liquidation_threshold_bps=93_00,
    liquidation_bonus_bps=101_00,
    collateral_bitmap=1 << COIN,
    borrowable_bitmap=1 << DOLLAR,
)


# --- what must remain ---------------------------------------------------------------------------------------


def test_a_collateral_one_unit_short_still_repays_all_where_both_roundings_go_up():
    # 10 * 1.05 rounds up to 11 and 10 / 1.05 up to 10 (half up): 10 of collateral repay 10 of debt.
    assert frontier_v2.residual_if_exhausted(amounts_v2.Terms(**EQUAL), collateral=10, debt=10) is None
    terms = amounts_v3.Terms(**EQUAL, protocol_fee_bps=0)
    for rules in aave_v3.REVISIONS:
        assert frontier_v3.residual_if_exhausted(rules, terms, collateral=10, debt=10) is None


def test_a_drop_inside_an_emode_is_by_the_threshold_and_bonus_of_the_category():
    state = markets.market("3.6", emodes={1: CATEGORY}, emode=1)
    found = frontier_v3.drops(state, BORROWER, [COIN], prices_base=prices(2_000_00), timestamp=NOW)

    assert found.liquidatable == 1 - Fraction(8_000, 18_600)  # 20,000 * 0.93
    assert found.debt_remains == 1 - Fraction(8_000 * 101, 20_000 * 100)


def test_a_pair_without_that_debt_leaves_none_of_it():
    free = markets_v2.market()
    held = free.accounts["borrower"].positions[0]
    free = replace(free, accounts={"borrower": aave_v2.Account(positions={0: held})})
    integer, exact = pairs_v2.residual_of_pair(
        free, markets_v2.call(), prices_base=markets_v2.prices(), timestamp=NOW
    )

    assert integer == 0
    assert exact < 0


def test_just_the_collateral_that_is_wanted_repays_all_of_the_cover():
    # 250 at a hundredth of the price and 5 % on top want 2.625, cut to 2; taken backwards 2 repay 190 only.
    terms = amounts_v2.Terms(**(EQUAL | {"collateral_price_base": 100}))

    assert amounts_v2.seizure(terms, debt_to_cover=250, collateral_balance=2) == (2, 250)
    assert amounts_v2.seizure(terms, debt_to_cover=250, collateral_balance=1) == (1, 95)


def test_an_account_without_debt_has_no_drop_at_which_debt_remains():
    state = markets_v2.market()
    held = state.accounts["borrower"].positions[0]
    state = replace(state, accounts={"borrower": aave_v2.Account(positions={0: held})})
    found = frontier_v2.drops(state, "borrower", [0], prices_base=markets_v2.prices(), timestamp=NOW)

    assert found == frontier_v2.Drops(liquidatable=None, toxic={0: None}, debt_remains=None)


@pytest.mark.parametrize("revision", [rules.revision for rules in aave_v3.REVISIONS])
def test_a_pair_without_that_collateral_leaves_all_of_the_debt(revision):
    state = markets.market(revision)
    owes = state.accounts[BORROWER].positions[DOLLAR]
    state = replace(state, accounts={BORROWER: aave_v3.Account(positions={DOLLAR: owes})})
    left = pairs_v3.residual_of_pair(state, markets.call(), prices_base=prices(1_000_00), timestamp=NOW)

    assert left == (8_000 * ONE_DOLLAR, 8_000 * ONE_DOLLAR)


def test_values_and_edge_of_a_category_that_prices_its_members():
    """At its source, the dollar, ten coins are ten dollars; 0.93 * 1.01 = 0.9393 is toxic, 0.8 * 1.05 was not."""
    category = replace(CATEGORY, price_source="R1")
    state = markets.market("3.0.2", emodes={1: category}, emode=1)
    at: dict[str, Any] = {"prices_base": prices(1_000_00), "timestamp": NOW}
    assert pairs_v3.position_values(state, BORROWER, **at)[0] == {COIN: 10 * 10**8}

    state = markets.market("3.6", emodes={1: CATEGORY}, emode=1)
    at["prices_base"] = prices(800_00)  # 8,000 * 0.93 / 8,000 = 0.93
    assert pairs_v3.is_toxic(state, markets.call(), **at)
    at["prices_base"] = prices(810_00)  # 0.941625
    assert not pairs_v3.is_toxic(state, markets.call(), **at)


@pytest.mark.parametrize("revision", [rules.revision for rules in aave_v3.REVISIONS])
def test_an_account_under_water_stays_there_when_nothing_falls(revision):
    found = frontier_v3.drops(
        markets.market(revision), BORROWER, [], prices_base=prices(700_00), timestamp=NOW
    )

    assert (found.liquidatable, found.debt_remains) == (0, 0)


def test_a_category_whose_source_answers_0_leaves_its_members_their_own_price():
    state = markets.market("3.0.2", emodes={1: replace(CATEGORY, price_source="R2")}, emode=1)
    state = replace(state, reserves={**state.reserves, 2: markets.reserve(2, supply=0, debt=0)})
    at = prices(1_000_00) | {2: 0}

    data = aave_v3.account_data(state, BORROWER, prices_base=at, timestamp=NOW)
    assert data.total_collateral_base == 10_000 * 10**8


# --- who is unknown -----------------------------------------------------------------------------------------


def test_an_account_that_is_not_there_may_lose_what_it_does_not_have():
    assert health_v2.balance_decrease_allowed(
        markets_v2.market(), "nobody", 0, 1, prices_base=markets_v2.prices(), timestamp=NOW
    )


@pytest.mark.parametrize(
    ("rule_set", "state"),
    [(aave_v2, markets_v2.market())]
    + [(aave_v3, markets.market(rules.revision)) for rules in aave_v3.REVISIONS]
    + [(aave_v4, v4_markets.market(holds={0: 10}, owes={1: 8_000}))],
)
def test_an_account_that_is_not_there_is_not_liquidated(rule_set, state):
    call = rule_set.LiquidationCall(
        collateral_id=0, debt_id=1, borrower="nobody", liquidator="liquidator", debt_to_cover=1
    )
    outcome = rule_set.liquidation_call(
        state, call, prices_base={0: 10**11, 1: 10**8, 2: 10**8}, timestamp=NOW
    )

    named = "ReserveNotSupplied" if rule_set is aave_v4 else "HealthFactorNotBelowThreshold"
    assert outcome.name == named
    assert outcome.numbers == (
        {"collateral_id": 0} if rule_set is aave_v4 else {"health_factor_wad": MAX_UINT256}
    )


def test_an_account_that_is_not_there_is_healthy():
    totals = validate_health_factor(
        Ledger(markets.market("3.6")), "nobody", prices_base=prices(1_000_00), timestamp=NOW
    )

    assert totals.health_factor_wad == MAX_UINT256


def test_those_who_owe_are_those_with_variable_or_with_stable_debt():
    position = aave_v3.Position(stable_debt=aave_v3.StableDebt(principal=1, rate_ray=1), borrowing=True)
    state = markets.market("3.0.2")
    state = replace(
        state, accounts={**state.accounts, "stable": aave_v3.Account(positions={DOLLAR: position})}
    )

    assert list(users_with_debt(state)) == [BORROWER, "stable"]


@pytest.mark.parametrize("revision", [rules.revision for rules in aave_v3.REVISIONS])
def test_all_health_factors_are_those_of_the_single_accounts(revision):
    state, at = markets.market(revision, emodes={1: CATEGORY}, emode=1), prices(900_00)
    found = health_factors(state, prices_base=at, timestamp=NOW + YEAR)

    assert found == {
        user: aave_v3.account_data(state, user, prices_base=at, timestamp=NOW + YEAR).health_factor_wad
        for user in (WHALE, BORROWER)
    }
    assert found[BORROWER] != MAX_UINT256


def test_a_price_is_read_once_for_all_accounts_of_a_category():
    times = Counter[int]()

    class Read(dict[int, int]):
        def get(self, key: int, default: Any = None) -> Any:
            times[key] += 1
            return super().get(key, default)

    state = markets.market("3.6", emodes={1: CATEGORY})
    outside = state.accounts[BORROWER]
    inside = replace(outside, emode=1)
    state = replace(state, accounts={"a": outside, "b": inside, "c": outside, "d": inside, "e": outside})
    found = health_factors(state, prices_base=Read(prices(900_00)), timestamp=NOW)

    assert times == {COIN: 2, DOLLAR: 2}
    assert found["a"] == found["c"] == found["e"] < found["b"] == found["d"]


# --- balances and bits --------------------------------------------------------------------------------------


def test_more_than_an_account_has_is_not_burned_and_the_token_says_so():
    state = markets_v2.with_reserve(markets_v2.market(), 0, total_scaled_atoken=100 * ONE_COIN)
    ledger = ledger_v2.Ledger(state)

    with pytest.raises(EvmRevert) as caught:
        ledger.burn_atoken("borrower", 0, 10 * ONE_COIN + 1)
    assert caught.value.name == "ERC20: burn amount exceeds balance"
    assert caught.value.numbers == {"held": 10 * ONE_COIN, "taken": 10 * ONE_COIN + 1}


V3_DOLLAR, V2_DOLLAR = markets.reserve(DOLLAR, supply=100, debt=0), markets_v2.reserve(1, supply=100, debt=0)
HOLDINGS: list[Any] = [(with_holdings_moved, V3_DOLLAR), (rates_v2.with_holdings_moved, V2_DOLLAR)]


@pytest.mark.parametrize(("move", "reserve"), [(with_liquidity_moved, V3_DOLLAR), *HOLDINGS])
def test_a_balance_moves_by_what_is_named_and_by_nothing_else(move, reserve):
    assert move(reserve, added=5).virtual_underlying_balance == 105
    assert move(reserve, taken=100).virtual_underlying_balance == 0
    assert move(reserve) == reserve


@pytest.mark.parametrize(("move", "reserve"), HOLDINGS)
def test_more_than_is_held_cannot_be_sent(move, reserve):
    with pytest.raises(EvmRevert) as caught:
        move(reserve, taken=101)

    assert caught.value.name == "ERC20: transfer amount exceeds balance"
    assert caught.value.numbers == {"held": 100, "taken": 101}


def test_a_second_stable_loan_is_added_to_the_first():
    ledger = Ledger(markets.market("3.0.2"))

    assert ledger.mint_stable(BORROWER, DOLLAR, 100, RAY // 10, NOW) == 100
    assert ledger.mint_stable(BORROWER, DOLLAR, 300, RAY // 50, NOW) == 400
    found = ledger.position(BORROWER, DOLLAR).stable_debt
    assert (found.principal, found.rate_ray) == (400, RAY // 25)


def test_interest_on_gho_less_its_discount_is_counted_whichever_way_the_debt_moves():
    # 1,000 at an index of 1.2 grew by 200, of which 30 % are let off: 140 on top of 5.
    debt = aave_v3.GhoDebt(discount_bps=30_00, previous_index_ray=RAY, balance_from_interest=5)
    index_ray = 12 * RAY // 10

    for amount, scaled in ((120, 1_050), (12, 960)):
        assert mint_gho(1_000, debt, amount, index_ray) == (
            scaled,
            replace(debt, previous_index_ray=index_ray, balance_from_interest=145),
        )
    with pytest.raises(EvmRevert) as caught:
        mint_gho(1_000, replace(debt, balance_from_interest=MAX_UINT128), 120, index_ray)
    assert caught.value.numbers == {"bits": 128, "value": MAX_UINT128 + 140}


def test_a_loan_of_gho_that_needs_more_than_128_bits_fails_in_the_cast():
    with pytest.raises(EvmRevert) as caught:
        mint_gho(0, aave_v3.GhoDebt(), 2**128, RAY)
    assert caught.value.name == "SafeCastOverflowedUintDowncast"


def test_what_has_no_threshold_is_valued_as_collateral_from_3_6_on():
    for revision, counted in (("3.5", {}), ("3.6", {COIN: 20_000 * 10**8})):
        state = markets.market(revision, coin={"config": markets.config(liquidation_threshold_bps=0)})
        at: dict[str, Any] = {"prices_base": prices(2_000_00), "timestamp": NOW}

        assert pairs_v3.position_values(state, BORROWER, **at) == (counted, {DOLLAR: 8_000 * 10**8})
        assert not pairs_v3.is_toxic(state, markets.call(borrower="nobody"), **at)


def test_only_a_member_has_the_loan_to_value_of_its_category():
    members = replace(CATEGORY, collateral_bitmap=0b10)

    assert [ltv_if_reserve_has_one(75_00, members, reserve_id) for reserve_id in (0, 1, 2)] == [
        75_00,
        90_00,
        75_00,
    ]
    assert ltv_if_reserve_has_one(0, members, 1) == 0


def test_a_member_of_an_isolated_category_keeps_its_loan_to_value_whichever_its_bit():
    members = replace(CATEGORY, collateral_bitmap=0b110, isolated=True)

    found = [ltv_of_isolated_category(75_00, members, reserve_id) for reserve_id in (0, 1, 2, 3)]
    assert found == [0, 90_00, 90_00, 0]


def test_collateral_without_a_loan_to_value_of_its_own_has_its_category_s_from_3_6_on():
    """Other collateral may then leave; before, the one without had to leave first."""
    for revision, refused in (("3.5", True), ("3.6", False)):
        state = markets.market(
            revision, coin={"config": markets.config(ltv_bps=0)}, emodes={1: CATEGORY}, emode=1
        )
        gold = markets.reserve(2, supply=ONE_COIN, debt=0)
        account = state.accounts[BORROWER]
        held = {**account.positions, 2: aave_v3.Position(scaled_atoken=ONE_COIN, collateral_enabled=True)}
        state = replace(
            state,
            reserves={**state.reserves, 2: gold},
            accounts={**state.accounts, BORROWER: replace(account, positions=held)},
        )
        outcome = aave_v3.withdraw(
            state, BORROWER, 2, ONE_COIN, prices_base=prices(2_000_00) | {2: 10**8}, timestamp=NOW
        )
        assert isinstance(outcome, aave_v3.Revert) is refused
        if isinstance(outcome, aave_v3.Revert):
            assert (outcome.name, outcome.numbers) == ("LtvValidationFailed", {"reserve_id": 2})


def test_a_ceiling_is_compared_with_a_sum_of_128_bits():
    state = markets.market(
        "3.0.2",
        coin={
            "config": markets.config(debt_ceiling=9_000_00),
            "isolation_mode_total_debt": MAX_UINT128,
        },
        dollar={"config": markets.config(decimals=6, borrowable_in_isolation=True)},
    )

    with pytest.raises(EvmRevert) as caught:
        require_under_debt_ceiling(Ledger(state), BORROWER, state.reserves[DOLLAR], ONE_DOLLAR)
    assert caught.value.name == "Panic(0x11)"


def test_sums_over_an_account_overflow_just_where_256_bits_end():
    """Of one unit of an asset without decimals the value is the price."""

    def sums(prices_base: dict[int, int], **parameters: int) -> AccountTotals:
        config = markets.config(decimals=0, **parameters)
        held = aave_v3.Position(scaled_atoken=1, collateral_enabled=True)
        state = markets.market("3.6")
        state = replace(
            state, reserves={i: markets.reserve(i, supply=1, debt=0, config=config) for i in prices_base}
        )
        account = aave_v3.Account(positions=dict.fromkeys(prices_base, held))
        return Valuation(state, prices_base=prices_base, timestamp=NOW).totals(account)

    nothing = {"ltv_bps": 0, "liquidation_threshold_bps": 0}
    most_of_ltv, most_of_threshold = MAX_UINT256 // 85_00, MAX_UINT256 // 80_00
    assert sums({0: 2**255, 1: 2**255 - 1}, **nothing).collateral_base == MAX_UINT256
    assert sums({0: most_of_ltv}, ltv_bps=85_00).collateral_base == most_of_ltv
    assert sums({0: most_of_threshold}, ltv_bps=0).collateral_base == most_of_threshold
    for prices_base, parameters in (
        ({0: 2**255, 1: 2**255}, nothing),
        ({0: most_of_ltv + 1}, {"ltv_bps": 85_00}),
        ({0: most_of_threshold + 1}, {"ltv_bps": 0}),
    ):
        with pytest.raises(EvmRevert) as caught:
            sums(prices_base, **parameters)
        assert caught.value.name == "Panic(0x11)"
