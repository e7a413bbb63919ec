"""Each invariant is shown a liquidation that is wrong in just its way, in each version, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.invariants import INVARIANTS, Invariant
from tests.kept.lenses import Lens
from tests.kept.seen import Seen
from tests.liquidation_cases import VERSIONS, samples
from tests.protocol.markets import BORROWER, NOW

HUGE = 10**40


# --- ways to be wrong


def told(**changes: Callable[[Seen], Any]) -> Callable[[Seen], Seen]:
    """The outcome says something else; a field that a version does not have is left out."""

    def spoil(seen: Seen) -> Seen:
        new = {name: of(seen) for name, of in changes.items() if hasattr(seen.outcome, name)}
        return replace(seen, outcome=replace(seen.outcome, **new))

    return spoil


def lying(**methods: Any) -> Callable[[Seen], Seen]:
    """The version itself answers something else."""

    def spoil(seen: Seen) -> Seen:
        wrong: type[Lens] = type("Wrong", (type(seen.lens),), methods)
        return replace(seen, lens=wrong(seen.lens.name))

    return spoil


def with_position(market: Any, user: str, reserve_id: int, **changes: Any) -> Any:
    """The market where somebody has something else."""
    some = next(iter(next(a for a in market.accounts.values() if a.positions).positions.values()))
    account: Any = market.accounts.get(user) or type(next(iter(market.accounts.values())))()
    position = replace(account.positions.get(reserve_id) or type(some)(), **changes)
    account = replace(account, positions={**account.positions, reserve_id: position})
    return replace(market, accounts={**market.accounts, user: account})


def held_after(
    user: Callable[[Seen], str], reserve_id: Callable[[Seen], int], *, before: bool = False, **changes: Any
) -> Callable[[Seen], Seen]:
    """Somebody has something else after the call, or before it."""

    def spoil(seen: Seen) -> Seen:
        market = seen.before if before else seen.after
        named = {_NAMES_V4.get(k, k) if seen.lens.name == "4" else k: v for k, v in changes.items()}
        market = with_position(market, user(seen), reserve_id(seen), **named)
        if before:
            return replace(seen, before=market)
        return replace(seen, outcome=replace(seen.outcome, market=market))

    return spoil


_NAMES_V4 = {"scaled_atoken": "supplied_shares", "scaled_variable_debt": "drawn_shares"}


def reserve_after(
    reserve_id: Callable[[Seen], int], **changes: Callable[[int], int]
) -> Callable[[Seen], Seen]:
    """Something else is stored of a reserve after the call; by its name in v2 and v3, or else in v4."""

    def spoil(seen: Seen) -> Seen:
        after = seen.after
        if seen.lens.name == "4":
            asset = after.assets[after.reserves[reserve_id(seen)].asset_id]
            new = {k: of(getattr(asset, k)) for k, of in changes.items() if hasattr(asset, k)}
            market = replace(after, assets={**after.assets, asset.asset_id: replace(asset, **new)})
        else:
            reserve = after.reserves[reserve_id(seen)]
            new = {k: of(getattr(reserve, k)) for k, of in changes.items() if hasattr(reserve, k)}
            market = replace(after, reserves={**after.reserves, reserve.reserve_id: replace(reserve, **new)})
        return replace(seen, outcome=replace(seen.outcome, market=market))

    return spoil


def wrong_totals(seen: Seen) -> Seen:
    """A total that is no sum."""
    spoiled = lying(total_shares=lambda self, market, reserve_id: (HUGE, HUGE))
    return spoiled(seen)


def borrower(seen: Seen) -> str:
    return seen.call.borrower


def collateral(seen: Seen) -> int:
    return seen.call.collateral_id


def debt(seen: Seen) -> int:
    return seen.call.debt_id


def unconcerned(seen: Seen) -> int:
    """A reserve that the call has nothing to do with, if there is one."""
    return next(
        (i for i in seen.reserves if i not in seen.positions(seen.before, BORROWER)), seen.call.debt_id
    )


def owed(seen: Seen) -> int:
    return seen.lens.owed(seen.before, seen.call.borrower, seen.call.debt_id, seen.at)


def seized(amount: Callable[[Seen], int]) -> Callable[[Seen], Seen]:
    """Another amount of collateral is told."""
    return told(
        collateral_to_liquidator=amount, collateral_removed=amount, collateral_shares_to_liquidator=amount
    )


def shares_of(seen_market: Any, lens: Lens, side: int) -> int:
    """All that the borrower has, or owes, in shares."""
    return sum(lens.shares(p)[side] for p in seen_market.accounts[BORROWER].positions.values())


def _truly(lens: Lens) -> Any:
    """The version that a lying one is made of."""
    return super(type(lens), lens)


def late_index(self: Lens, market: Any, reserve_id: int, at: int) -> Any:
    """Accrues well once, and to an index of 1 when it is asked a second time."""
    found = _truly(self).accrued(market, reserve_id, at)
    if self.updated(market, reserve_id) <= NOW:
        return found
    if self.name == "4":
        asset = replace(found.assets[reserve_id], drawn_index_ray=1)
        return replace(found, assets={**found.assets, reserve_id: asset})
    reserve = replace(found.reserves[reserve_id], liquidity_index_ray=1)
    return replace(found, reserves={**found.reserves, reserve_id: reserve})


def generous(self: Lens, market: Any, call: Any, prices: Any, at: int) -> Any:
    """Every call repays much more than it should."""
    found = _truly(self).call(market, call, prices, at)
    if self.is_refused(found):
        return found
    return replace(found, debt_repaid=HUGE)


def greedy(self: Lens, market: Any, call: Any, prices: Any, at: int) -> Any:
    """Every call takes much more than it should."""
    found = _truly(self).call(market, call, prices, at)
    return found if self.is_refused(found) else replace(found, collateral_to_liquidator=HUGE)


WRITTEN_OFF = lying(deficits=lambda self, outcome: {1: HUGE})

WRONG: dict[str, Callable[[Seen], Seen]] = {
    "healthy_is_safe": lambda seen: replace(
        seen, prices={**seen.prices, seen.call.collateral_id: 10**6 * seen.prices[seen.call.collateral_id]}
    ),
    "no_debt_is_perfect_health": lying(health=lambda self, market, user, prices, at: 1),
    "nobody_liquidates_himself": lambda seen: replace(
        seen, call=replace(seen.call, liquidator=seen.call.borrower)
    ),
    "only_collateral_for_a_debt": held_after(borrower, collateral, before=True, collateral_enabled=False),
    "the_same_comes_to_the_same": told(debt_repaid=lambda seen: seen.repaid + 1),
    "a_quote_is_the_call": seized(lambda seen: seen.lens.told(seen.outcome)[0] + 1),
    "repaid_is_within_the_offer": lambda seen: replace(
        seen, call=replace(seen.call, debt_to_cover=seen.repaid - 1)
    ),
    "repaid_is_within_the_debt": told(debt_repaid=lambda seen: owed(seen) + 1),
    "taken_is_within_the_balance": seized(lambda seen: HUGE),
    "half_of_the_reserve_s_debt": told(debt_repaid=lambda seen: (owed(seen) + 3) // 2),
    "half_of_all_debt": told(debt_repaid=owed),
    "no_dust_is_left": told(debt_repaid=lambda seen: owed(seen) - 1),
    "a_larger_offer_repays_no_less": lying(call=generous),
    "no_more_than_the_bonus": seized(lambda seen: 3 * seen.taken + HUGE),
    "no_less_than_the_bonus": told(debt_repaid=lambda seen: 2 * seen.repaid + HUGE),
    "no_more_than_the_greatest_bonus": seized(lambda seen: 2 * seen.taken + 10**9),
    "the_liquidator_is_not_at_a_loss": told(debt_repaid=lambda seen: 2 * seen.repaid + HUGE),
    "bonus_times_debt_less_collateral_stays": held_after(borrower, debt, scaled_variable_debt=HUGE),
    "two_halves_take_what_the_whole_takes": lying(call=greedy),
    "collaterals_repay_the_same_in_any_order": lying(call=generous),
    "the_borrower_loses_what_is_taken": seized(lambda seen: HUGE),
    "debt_falls_by_what_is_repaid_or_written_off": held_after(borrower, debt, scaled_variable_debt=HUGE),
    "totals_are_sums": wrong_totals,
    "liquidity_follows_the_call": told(debt_repaid=lambda seen: seen.repaid + 1),
    "the_pool_stays_as_solvent_as_it_was": reserve_after(
        debt, total_scaled_variable_debt=lambda total: total - total // 100
    ),
    "nobody_else_moves": held_after(lambda seen: "somebody", debt, scaled_atoken=1),
    "the_liquidator_loses_nothing": held_after(
        lambda seen: seen.call.liquidator, debt, scaled_variable_debt=HUGE
    ),
    "the_treasury_never_loses": held_after(
        lambda seen: seen.treasury, collateral, before=True, scaled_atoken=HUGE
    ),
    "other_reserves_stay": reserve_after(
        unconcerned, last_update_timestamp=lambda before: before + 1, liquidity=lambda held: held + 1
    ),
    "indexes_never_fall": reserve_after(
        debt, variable_borrow_index_ray=lambda index: 1, drawn_index_ray=lambda index: 1
    ),
    "two_steps_of_supply_growth_are_no_less": lying(accrued=late_index),
    "two_steps_of_debt_growth_are_no_less": lying(accrued=late_index),
    "a_higher_collateral_price_is_no_less_healthy": lying(
        health=lambda self, market, user, prices, at: HUGE - sum(prices.values())
    ),
    "more_collateral_is_no_less_healthy": lying(
        health=lambda self, market, user, prices, at: HUGE - shares_of(market, self, 0)
    ),
    "more_debt_is_no_healthier": lying(
        health=lambda self, market, user, prices, at: shares_of(market, self, 1)
    ),
    "who_owes_has_the_bit": held_after(borrower, debt, scaled_variable_debt=1, borrowing=False),
    "a_whole_seizure_ends_the_collateral": held_after(borrower, collateral, collateral_enabled=True),
    "rates_fit_the_balances": reserve_after(debt, variable_borrow_rate_ray=lambda rate: rate + 1),
    "nothing_is_written_off": WRITTEN_OFF,
    "deficits_are_booked": WRITTEN_OFF,
    "a_deficit_means_no_collateral": WRITTEN_OFF,
    "a_deficit_means_no_debt": WRITTEN_OFF,
}
"""Name of an invariant to a wrong that it must see."""


def test_there_is_a_wrong_for_every_invariant():
    assert list(WRONG) == [invariant.name for invariant in INVARIANTS]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_invariant_says_so_when_it_is_broken(version):
    silent = [one.name for one in INVARIANTS if version in one.versions and not sees_its_wrong(one, version)]

    assert silent == []


def sees_its_wrong(invariant: Invariant, version: str) -> bool:
    """Whether some liquidation keeps it and, made wrong, does not."""
    spoil = WRONG[invariant.name]
    return any(invariant.keeps(seen) and not invariant.keeps(spoil(seen)) for seen in samples(version))
