"""What a liquidator looks at, by hand: 10 tokens at 2,000 and 3 at 500 against 12,000 dollars and 1 token of 3,000.

Threshold 80 %, bonus 5 %, fee 10 % of the bonus. Collateral 20,000 + 1,500, debt 12,000 + 3,000.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from protocol.units import BASE_PER_USD, MAX_UINT256
from stress.small_market import BORROWER, LIQUIDATOR, NOW, Asset, EMode, RuleSet, SmallAccount, rule_sets

COIN, STONE, DOLLAR, GOLD = 0, 1, 2, 3
SETS = list(rule_sets().values())
by_revision = pytest.mark.parametrize("rules", SETS, ids=lambda one: one.name)


def asset(symbol: str, decimals: int, price_usd: int, **more: Any) -> Asset:
    return Asset(
        symbol=symbol,
        decimals=decimals,
        price_base=price_usd * BASE_PER_USD,
        liquidation_threshold_bps=80_00,
        liquidation_bonus_bps=105_00,
        liquidation_protocol_fee_bps=10_00,
        **more,
    )


ACCOUNT = SmallAccount(
    assets=(
        asset("COIN", 18, 2_000, supplied=10 * 10**18),
        asset("STONE", 8, 500, supplied=3 * 10**8),
        asset("DOLLAR", 6, 1, borrowed=12_000 * 10**6),
        asset("GOLD", 2, 3_000, borrowed=1 * 10**2),
    )
)


def at(**prices_usd: int) -> dict[str, Any]:
    """Prices in dollars, the account's own where none is given."""
    prices = [prices_usd.get(one.symbol, one.price_base // BASE_PER_USD) for one in ACCOUNT.assets]
    return {"prices_base": {i: usd * BASE_PER_USD for i, usd in enumerate(prices)}, "timestamp": NOW}


def call(rules: RuleSet, collateral_id: int = COIN, debt_id: int = DOLLAR) -> Any:
    return rules.package.LiquidationCall(
        collateral_id=collateral_id,
        debt_id=debt_id,
        borrower=BORROWER,
        liquidator=LIQUIDATOR,
        debt_to_cover=MAX_UINT256,
    )


@by_revision
def test_every_position_is_valued_by_itself(rules: RuleSet):
    collaterals, debts = rules.pairs.position_values(rules.market(ACCOUNT), BORROWER, **at(STONE=0))

    assert collaterals == {COIN: 20_000 * BASE_PER_USD}
    assert debts == {DOLLAR: 12_000 * BASE_PER_USD, GOLD: 3_000 * BASE_PER_USD}
    assert rules.pairs.position_values(rules.market(ACCOUNT), "nobody", **at()) == ({}, {})


@by_revision
def test_the_payout_is_the_bonus_less_the_fee(rules: RuleSet):
    paid = rules.pairs.payout_ratio(rules.market(ACCOUNT), BORROWER, COIN)

    assert paid == (Fraction(105, 100) if rules.name == "2.0" else Fraction(1_045, 1_000))


@by_revision
def test_seizing_is_toxic_below_bonus_times_threshold(rules: RuleSet):
    """0.84 = 1.05 * 0.8: of 15,000 owed that is 15,750 of collateral, 15,750 = 10 * 1,425 + 1,500."""
    market = rules.market(ACCOUNT)

    assert not rules.pairs.is_toxic(market, call(rules), **at(COIN=1_425))
    assert rules.pairs.is_toxic(market, call(rules), **at(COIN=1_424))


@by_revision
def test_one_pair_leaves_what_its_collateral_cannot_repay(rules: RuleSet):
    """10 coins at 1,050 repay 10,000 of 12,000 dollars, 3 stones at 500 1,428.571429, coins at 2,000 all."""
    market = rules.market(ACCOUNT)
    integer, exact = rules.pairs.residual_of_pair(market, call(rules), **at(COIN=1_050))
    of_stones, _ = rules.pairs.residual_of_pair(market, call(rules, STONE), **at())
    none, below = rules.pairs.residual_of_pair(market, call(rules), **at())

    assert (integer, exact) == (2_000 * 10**6, 2_000 * 10**6)
    assert of_stones == 12_000 * 10**6 - 1_428_571_429
    assert none == 0
    assert below < 0


@by_revision
def test_who_has_no_account_leaves_nothing_and_would_pay_the_usual_bonus(rules: RuleSet):
    market, of_nobody = rules.market(ACCOUNT), replace(call(rules), borrower="nobody")

    assert rules.pairs.residual_of_pair(market, of_nobody, **at()) == (0, 0)
    assert not rules.pairs.is_toxic(market, of_nobody, **at())
    assert rules.pairs.payout_ratio(market, "nobody", COIN) == rules.pairs.payout_ratio(
        market, BORROWER, COIN
    )


@by_revision
def test_a_debt_that_was_never_taken_leaves_nothing(rules: RuleSet):
    """Ten coins of 2,000 could repay 20,000 / 1.05 dollars of gold at 3,000; none is owed."""
    market = rules.market(ACCOUNT)
    borrower = market.accounts[BORROWER]
    positions = {i: one for i, one in borrower.positions.items() if i != GOLD}
    market = replace(market, accounts={BORROWER: replace(borrower, positions=positions)})
    integer, exact = rules.pairs.residual_of_pair(market, call(rules, debt_id=GOLD), **at())

    assert integer == 0
    assert exact == -Fraction(20_000 * 100, 105 * 3_000) * 10**2


@pytest.mark.parametrize("rules", SETS[1:], ids=lambda one: one.name)
def test_a_mode_has_its_own_bonus_and_threshold(rules: RuleSet):
    mode = EMode(ltv_bps=90_00, liquidation_threshold_bps=95_00, liquidation_bonus_bps=101_00)
    inside = replace(
        ACCOUNT, emode=mode, assets=(replace(ACCOUNT.assets[0], in_emode=True), *ACCOUNT.assets[1:])
    )

    assert rules.pairs.payout_ratio(rules.market(inside), BORROWER, COIN) == Fraction(1_009, 1_000)
    assert rules.pairs.payout_ratio(rules.market(inside), BORROWER, STONE) == Fraction(1_045, 1_000)
