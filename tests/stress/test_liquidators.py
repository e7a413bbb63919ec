"""One bot at a time: what money it has, what it would send, and what it does not look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.aave_v3 import LiquidationCall, Revert, account_data, liquidation_quote
from protocol.aave_v3.rule_set import RULE_SET
from protocol.units import MAX_UINT256
from stress.engine import Engine
from stress.liquidators import Bot, BoundMoney
from stress.opportunity import Opportunity
from stress.scenario import Liquidator
from tests.stress.markets import START, Pledge, address, pledge, small_crash, small_scenario

ANN = address("ann")
WETH, DAI, USDC = 0, 4, 3


def seen(
    pledged: Pledge, weth: float = 1.0, gas_cost_usd: float = 0.0, market_weth: float | None = None
) -> Opportunity:
    """Ann as a bot sees her with ether at so much of 2,000 dollars (and at another price on the market)."""
    crash = small_crash(small_scenario([(0, 1.0)], n_steps=1), {"ann": pledged})
    observed = {**crash.prices.observed, "WETH": (round(2_000 * 10**8 * weth),)}
    market = {**observed, "WETH": (round(2_000 * 10**8 * (market_weth or weth)),)}
    crash = replace(crash, prices=replace(crash.prices, observed=observed, market=market))
    opportunity = Engine(crash=crash)._opportunity(ANN, 0)
    return replace(opportunity, gas_cost_usd=gas_cost_usd)


def bot(capital_usd: float = 1e9, *, unlimited: bool = False, **rules: Any) -> Bot:
    liquidator = Liquidator(name="bot", capital_usd=capital_usd, **{"turnaround_s": 60, **rules})
    return Bot(rules=liquidator, account=address("bot"), taken=BoundMoney(), unlimited=unlimited)


def sent(who: Bot, opportunity: Opportunity) -> LiquidationCall:
    offer = who.would_send(opportunity)
    assert offer is not None
    return RULE_SET.call(opportunity.market, offer, opportunity.at)


def quote(opportunity: Opportunity, call: LiquidationCall) -> Any:
    return liquidation_quote(
        opportunity.market, call, prices_base=opportunity.at.prices_base, timestamp=opportunity.at.timestamp
    )


PLAIN = pledge({"WETH": 100_000}, {"USDC": 80_000})  # health 1.0375 at the start
AT_090 = 0.90  # health 0.93: all may be repaid, with a profit


# --- money ---


def test_money_is_bound_until_its_turnaround_is_over_to_the_second():
    who = bot(1_000, turnaround_s=60)
    who.paid(START, 300)
    who.paid(START + 10, 500)
    free = {s: who.free_usd(START + s) for s in (-1, 0, 9, 10, 59, 60, 69, 70)}

    assert free == {-1: 1_000, 0: 700, 9: 700, 10: 200, 59: 200, 60: 500, 69: 500, 70: 1_000}


def test_money_that_other_accounts_took_is_bound_as_its_own_is():
    taken = BoundMoney()
    taken.bind("bot", START, 300)
    taken.bind("another", START, 500)
    who = Bot(rules=bot(1_000).rules, account=address("bot"), taken=taken)
    who.paid(START, 100)

    assert (who.free_usd(START), who.free_usd(START + 60)) == (600, 1_000)
    assert taken.entries == {"bot": [(START, 300)], "another": [(START, 500)]}


def test_unlimited_money_is_never_bound_and_asks_for_all():
    who = bot(1, unlimited=True)
    who.paid(START, 10**9)

    assert who.free_usd(START) == float("inf")
    assert sent(who, seen(PLAIN, AT_090)).debt_to_cover == MAX_UINT256


def test_bound_money_counts_every_payment_of_one_second():
    money = BoundMoney()
    for usd in (5, 3, 9):
        money.bind("bot", 100, usd)

    assert [money.bound("bot", *window) for window in ((99, 100), (100, 101), (99, 99), (0, 200))] == [
        17,
        0,
        0,
        17,
    ]
    assert money.bound("another", 0, 200) == 0


# --- what it would send ---


def test_a_healthy_account_is_not_called():
    assert bot().would_send(seen(PLAIN)) is None


def test_with_enough_money_it_asks_for_everything_of_the_largest_pair():
    pledged = pledge({"WETH": 60_000, "WBTC": 40_000}, {"USDC": 30_000, "DAI": 50_000})
    call = sent(bot(), seen(pledged, 0.80))

    assert (call.collateral_id, call.debt_id, call.debt_to_cover) == (WETH, DAI, MAX_UINT256)
    assert (call.borrower, call.liquidator, call.receive_atoken) == (ANN, address("bot"), False)


def test_equal_debts_are_taken_in_the_order_of_their_reserves():
    pledged = pledge({"WETH": 100_000}, {"USDC": 40_000, "USDT": 40_000})
    opportunity = seen(pledged, AT_090)
    index = {i: r.variable_borrow_index_ray for i, r in opportunity.market.reserves.items()}

    assert index[USDC] == index[8]
    assert sent(bot(), opportunity).debt_id == USDC


def test_it_pays_only_in_the_assets_it_has():
    pledged = pledge({"WETH": 100_000}, {"USDC": 30_000, "DAI": 50_000})

    assert sent(bot(debt_assets=("USDC",)), seen(pledged, AT_090)).debt_id == USDC
    assert bot(debt_assets=("LINK", "WBTC")).would_send(seen(pledged, AT_090)) is None


def test_it_takes_atokens_if_its_rules_say_so():
    assert sent(bot(receive_atoken=True), seen(PLAIN, AT_090)).receive_atoken


def test_with_less_money_it_covers_what_its_money_buys_to_the_unit():
    assert sent(bot(12_345.678901), seen(PLAIN, AT_090)).debt_to_cover == 12_345_678_901


def test_without_money_it_sends_nothing():
    who = bot(1_000)
    who.paid(START, 1_000)

    assert who.would_send(seen(PLAIN, AT_090)) is None


def test_a_careful_bot_leaves_a_little_over_the_leftover_when_its_money_would_leave_less():
    opportunity = seen(pledge({"WETH": 2_500}, {"USDC": 2_000}), AT_090)
    debt = account_data(
        opportunity.market, ANN, prices_base=opportunity.at.prices_base, timestamp=START
    ).total_debt_base
    first = replace(sent(bot(1_200, blind=True), opportunity), debt_to_cover=1_200 * 10**6)
    call = sent(bot(1_200), opportunity)

    assert isinstance(quote(opportunity, first), Revert)
    assert quote(opportunity, first).name == "MustNotLeaveDust"
    assert call.debt_to_cover == debt // 100 - 1_001 * 10**6
    assert quote(opportunity, call).debt == call.debt_to_cover


def test_a_careful_bot_stays_away_where_the_leftover_rule_leaves_nothing_to_cover():
    opportunity = seen(pledge({"WETH": 1_250}, {"USDC": 1_000}), AT_090)

    assert bot(900).would_send(opportunity) is None
    assert sent(bot(900, blind=True), opportunity).debt_to_cover == 900 * 10**6


def test_a_blind_bot_does_not_look_at_the_leftover_rule_but_at_everything_else():
    nearly_half = pledge({"WETH": 6_500}, {"USDC": 2_900, "DAI": 2_350})
    opportunity = seen(nearly_half, 0.96)
    call = sent(bot(blind=True), opportunity)

    assert (call.debt_to_cover, quote(opportunity, call).name) == (MAX_UINT256, "MustNotLeaveDust")
    assert quote(opportunity, sent(bot(), opportunity)).debt < 2_900 * 10**6 - 1_000 * 10**6
    assert bot(blind=True).would_send(seen(nearly_half)) is None


def test_a_blind_bot_asks_about_an_account_again_when_its_wait_is_over():
    who = bot(blind=True, retry_s=30)
    opportunity = seen(PLAIN, AT_090)
    assert who.would_send(opportunity) is not None
    who.sent(ANN, START)

    later = [replace(opportunity, at=replace(opportunity.at, timestamp=START + s)) for s in (0, 29, 30)]
    assert [who.would_send(o) is not None for o in later] == [False, False, True]
    who.sent(address("ben"), START + 30)
    assert who.would_send(later[2]) is not None


def test_a_careful_bot_does_not_wait():
    who = bot(retry_s=30)
    who.sent(ANN, START)

    assert who.would_send(seen(PLAIN, AT_090)) is not None


# --- profit ---


def test_profit_is_what_is_seized_less_what_is_paid_at_market_prices_less_gas():
    opportunity = seen(PLAIN, AT_090, gas_cost_usd=10.0)
    seized = quote(opportunity, sent(bot(), opportunity))
    profit = seized.collateral * 1_800 / 10**18 - seized.debt / 10**6 - 10.0

    assert 3_000 < profit < 5_000
    assert sent(bot(min_profit_usd=profit - 0.01), opportunity)
    assert bot(min_profit_usd=profit + 0.01).would_send(opportunity) is None


def test_a_bot_does_not_buy_at_an_oracle_price_above_the_market():
    assert bot().would_send(seen(PLAIN, AT_090, market_weth=0.80)) is None
    assert bot().would_send(seen(PLAIN, AT_090, market_weth=1.00)) is not None


@pytest.mark.parametrize(("gas_cost_usd", "sends"), [(0.0, True), (9.0, True), (12.0, False)])
def test_gas_decides_over_a_small_debt(gas_cost_usd: float, sends: bool):
    # 300 dollars at a bonus of 5 %, a tenth of it the protocol's: about 13.5 seized on top, 1.5 % less of it
    small = seen(pledge({"WETH": 312.5}, {"USDC": 250}), AT_090, gas_cost_usd=gas_cost_usd)

    assert (bot().would_send(small) is not None) == sends
