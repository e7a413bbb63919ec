"""What every liquidation keeps, in every version of Aave: a name, a statement, for which versions, and its test.

A predicate looks at one `Seen`: the market before, the call, what came of it, prices and time. Roundings are
stated where they arise and nothing is added to them. `i` is the worth of one share, in asset units: a balance
is shares times `i`, rounded to the nearest up to v3.4; from v3.5 on supply is rounded down and debt up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.kept import amounts, books, growth
from tests.kept.seen import Seen

V2, V4 = ("2",), ("4",)
V3 = ("3.0.0", "3.0.1", "3.0.2", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7")
ALL = (*V2, *V3, *V4)
SHARES_TIMES_INDEX = (*V2, *V3)
"""With one bonus, and balances that are shares times an index. v4's bonus moves with the health factor: there neither
the price nor b * debt - collateral nor the outcome of another order of calls stays (trap 36), and its hub and spoke
have books of their own, in `tests/protocol/v4_invariants.py`."""


def since(first: str, last: str = "3.7") -> tuple[str, ...]:
    """The revisions of v3 from `first` to `last`, both included."""
    return V3[V3.index(first) : V3.index(last) + 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Invariant:
    """One thing that no liquidation breaks."""

    name: str
    statement: str
    versions: tuple[str, ...]
    holds: Callable[[Seen], bool]
    of_refusals: bool = False
    """It says when a call must be refused, so it is asked of every outcome; else only of those that went through."""

    def keeps(self, seen: Seen) -> bool:
        """Whether `seen` keeps it, or is none of its business."""
        concerned = seen.lens.name in self.versions and (self.of_refusals or seen.went_through)
        return not concerned or self.holds(seen)


def _one(
    predicate: Callable[[Seen], bool],
    versions: tuple[str, ...],
    statement: str,
    *,
    of_refusals: bool = False,
) -> Invariant:
    """Named after its test."""
    return Invariant(
        name=predicate.__name__,
        statement=statement,
        versions=versions,
        holds=predicate,
        of_refusals=of_refusals,
    )


INVARIANTS: tuple[Invariant, ...] = (
    # --- who may be liquidated
    _one(
        amounts.healthy_is_safe,
        ALL,
        "A health factor of 1 or more is never liquidated.",
        of_refusals=True,
    ),
    _one(
        amounts.no_debt_is_perfect_health,
        ALL,
        "Without a debt the health factor is the greatest there is.",
    ),
    _one(
        amounts.nobody_liquidates_himself,
        (*since("3.4"), *V4),
        "Nobody liquidates himself.",
        of_refusals=True,
    ),
    _one(
        amounts.only_collateral_for_a_debt,
        ALL,
        "What is not enabled as collateral is never seized, and what is not owed never repaid.",
        of_refusals=True,
    ),
    _one(
        amounts.the_same_comes_to_the_same,
        ALL,
        "The same call on the same market comes to the same.",
        of_refusals=True,
    ),
    _one(
        amounts.a_quote_is_the_call,
        ALL,
        "A quote tells the amounts of the call.",
    ),
    # --- how much
    _one(
        amounts.repaid_is_within_the_offer,
        ALL,
        "No call repays more than was asked for.",
    ),
    _one(
        amounts.repaid_is_within_the_debt,
        ALL,
        "No call repays more than is owed.",
    ),
    _one(
        amounts.taken_is_within_the_balance,
        ALL,
        "No call takes more than is held.",
    ),
    _one(
        amounts.half_of_the_reserve_s_debt,
        (*V2, *since("3.0.0", "3.2")),
        "One call repays half of the reserve's debt, rounded to the nearest: always in v2, above 0.95"
        " up to v3.2.",
    ),
    _one(
        amounts.half_of_all_debt,
        since("3.3"),
        "Above 0.95, and 2000 on both sides, one call repays no more value than half of all debt.",
    ),
    _one(
        amounts.no_dust_is_left,
        since("3.3"),
        "A call ends the debt or the collateral, or leaves a value of 1000 of both.",
    ),
    _one(
        amounts.a_larger_offer_repays_no_less,
        ALL,
        "A larger offer never repays less, where both go through, but for the price's rounding "
        "(below) where it takes all the collateral.",
    ),
    # --- at what price
    _one(
        amounts.no_more_than_the_bonus,
        SHARES_TIMES_INDEX,
        "The liquidator is given no more than the bonus: the debt repaid lies no lower than "
        "collateral / b less half a unit of collateral / b, or, where the collateral is all taken, "
        "less 1/b + 1/2 of debt.",
    ),
    _one(
        amounts.no_less_than_the_bonus,
        SHARES_TIMES_INDEX,
        "The liquidator pays no more than it takes / b, but for (1 + 1/b) units of collateral, or one"
        " of debt.",
    ),
    _one(
        amounts.no_more_than_the_greatest_bonus,
        V4,
        "The greatest bonus is never exceeded: collateral taken <= b * repaid.",
    ),
    _one(
        amounts.the_liquidator_is_not_at_a_loss,
        SHARES_TIMES_INDEX,
        "Who pays gets as much value at least, but for two units of collateral and one of debt.",
    ),
    _one(
        amounts.bonus_times_debt_less_collateral_stays,
        SHARES_TIMES_INDEX,
        "b * debt - collateral does not change, but for the price's rounding above, (i + 1) of debt "
        "(one share burned, one unit of the views) and (2 i + 1) of collateral (two shares, one "
        "unit).",
    ),
    _one(
        amounts.two_halves_take_what_the_whole_takes,
        SHARES_TIMES_INDEX,
        "The order of calls does not matter: halves of an amount take what the whole takes, but for "
        "the price's rounding of each of the three calls.",
    ),
    _one(
        amounts.collaterals_repay_the_same_in_any_order,
        SHARES_TIMES_INDEX,
        "Two collaterals that are taken whole, one after the other, repay the same in both orders, but "
        "for the price's rounding of the four calls: so what remains is the same.",
    ),
    # --- value is conserved
    _one(
        books.the_borrower_loses_what_is_taken,
        SHARES_TIMES_INDEX,
        "The borrower loses what liquidator and treasury gain: to (i + 1) while rounded to the "
        "nearest, and more than 1 less than it never, nor 2 i + 1 more, from v3.5 on.",
    ),
    _one(
        books.debt_falls_by_what_is_repaid_or_written_off,
        SHARES_TIMES_INDEX,
        "Debt falls by what is repaid and written off: to (i / 2 + 1) while rounded to the nearest, "
        "and by up to i + 1 less, and less than 1 more, from v3.5 on; by just that where all is "
        "written off.",
    ),
    _one(
        books.totals_are_sums,
        ALL,
        "Totals are the sums of the positions.",
    ),
    _one(
        books.liquidity_follows_the_call,
        ALL,
        "Liquidity grows by what is repaid, shrinks by what is paid out, and nowhere else.",
    ),
    _one(
        books.the_pool_stays_as_solvent_as_it_was,
        SHARES_TIMES_INDEX,
        "What suppliers are owed less what the pool has and is owed does not grow: never from v3.5 on"
        " (but where one asset is on both sides in 3.5 and 3.6), and by half a share and a unit "
        "before.",
    ),
    # --- who else is touched
    _one(
        books.nobody_else_moves,
        ALL,
        "Nobody's account moves but the borrower's, the liquidator's and the treasury's.",
    ),
    _one(
        books.the_liquidator_loses_nothing,
        ALL,
        "The liquidator's supply never falls, and its debt stays.",
    ),
    _one(
        books.the_treasury_never_loses,
        SHARES_TIMES_INDEX,
        "The treasury never loses.",
    ),
    _one(
        books.other_reserves_stay,
        ALL,
        "A reserve that is not of the pair and has no deficit of the call stays as it is.",
    ),
    # --- time
    _one(
        growth.indexes_never_fall,
        ALL,
        "Indexes never fall and time does not run back.",
    ),
    _one(
        growth.two_steps_of_supply_growth_are_no_less,
        SHARES_TIMES_INDEX,
        "Accruing in two steps gives no lower supply index than in one, but for a unit of growth lost"
        " to rounding down, on an index and a growth, and one of the rounding to the nearest.",
    ),
    _one(
        growth.two_steps_of_debt_growth_are_no_less,
        V4,
        "Linear growth rounded up is no less in two steps than in one.",
    ),
    # --- health
    _one(
        growth.a_higher_collateral_price_is_no_less_healthy,
        ALL,
        "A higher price of the collateral never lowers the health factor (up to v3.4: of accounts "
        "with one threshold, as the average is cut to whole basis points).",
    ),
    _one(
        growth.more_collateral_is_no_less_healthy,
        SHARES_TIMES_INDEX,
        "More collateral never lowers the health factor (up to v3.4: as above).",
    ),
    _one(
        growth.more_debt_is_no_healthier,
        ALL,
        "More debt never raises the health factor.",
    ),
    # --- bits and rates
    _one(
        books.who_owes_has_the_bit,
        ALL,
        "Who owes shares of debt has the borrowing bit.",
    ),
    _one(
        books.a_whole_seizure_ends_the_collateral,
        SHARES_TIMES_INDEX,
        "A collateral that is taken whole is no longer enabled (in 3.0.0 only without a fee).",
    ),
    _one(
        books.rates_fit_the_balances,
        SHARES_TIMES_INDEX,
        "The rates of a reserve that was paid in or out fit its balances after the call (one asset on"
        " both sides: from v3.1 on).",
    ),
    # --- deficits
    _one(
        books.nothing_is_written_off,
        (*V2, *since("3.0.0", "3.2")),
        "Nothing is ever written off before v3.3.",
    ),
    _one(
        books.deficits_are_booked,
        (*since("3.3"), *V4),
        "What is written off is booked on the reserves, to the unit.",
    ),
    _one(
        books.a_deficit_means_no_collateral,
        (*since("3.3"), *V4),
        "Debt is written off only where no collateral counts any more, but what is worth less than a "
        "base unit and the two shares that rounding may leave.",
    ),
    _one(
        books.a_deficit_means_no_debt,
        (*since("3.3"), *V4),
        "With a deficit no debt is left, but in inactive reserves.",
    ),
)
"""All of them."""


def broken(seen: Seen) -> list[str]:
    """Names of the invariants that `seen` breaks."""
    return [invariant.name for invariant in INVARIANTS if not invariant.keeps(seen)]
