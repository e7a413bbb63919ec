"""What time, prices and balances do to indexes and health: the tests of invariants by these names."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from protocol.units import RAY
from tests.kept.seen import Seen

# --- time


def indexes_never_fall(seen: Seen) -> bool:
    lens = seen.lens
    return all(
        all(b <= a for b, a in zip(lens.indexes(seen.before, i), lens.indexes(seen.after, i), strict=True))
        and lens.updated(seen.before, i) <= lens.updated(seen.after, i) <= seen.at
        for i in seen.reserves
    )


def _in_one_and_in_two(seen: Seen, reserve_id: int) -> tuple[tuple[int, int], tuple[int, int]]:
    lens = seen.lens
    midway = (lens.updated(seen.before, reserve_id) + seen.at) // 2
    one = lens.accrued(seen.before, reserve_id, seen.at)
    two = lens.accrued(lens.accrued(seen.before, reserve_id, midway), reserve_id, seen.at)
    return lens.indexes(one, reserve_id), lens.indexes(two, reserve_id)


def two_steps_of_supply_growth_are_no_less(seen: Seen) -> bool:
    """(G1 G2 I) >= (G1 + G2 - 1) I; G1 + G2 - 1 may be a ray unit short; three products round by a half."""
    one, two = (found[0] for found in _in_one_and_in_two(seen, seen.call.debt_id))
    before = seen.lens.indexes(seen.before, seen.call.debt_id)[0]
    return two >= one - (Fraction(before, RAY) + Fraction(two, before) / 2 + 1)


def two_steps_of_debt_growth_are_no_less(seen: Seen) -> bool:
    one, two = (found[1] for found in _in_one_and_in_two(seen, seen.call.debt_id))
    before = seen.lens.indexes(seen.before, seen.call.debt_id)[1]
    return two >= one - Fraction(before, RAY) - 1


# --- health


def _one_threshold(seen: Seen) -> bool:
    return not seen.rounds_to_nearest or len(seen.lens.thresholds(seen.before, seen.call.borrower)) <= 1


def a_higher_collateral_price_is_no_less_healthy(seen: Seen) -> bool:
    if not _one_threshold(seen) or seen.same_asset or seen.is_owed(seen.call.collateral_id):
        return True
    price_base = seen.prices[seen.call.collateral_id]
    higher = {**seen.prices, seen.call.collateral_id: price_base + price_base // 9 + 1}
    return seen.health(seen.before, prices=higher) >= seen.health(seen.before)


def more_collateral_is_no_less_healthy(seen: Seen) -> bool:
    if not _one_threshold(seen):
        return True
    return seen.health(_with_more(seen, seen.call.collateral_id, "scaled_atoken")) >= seen.health(seen.before)


def more_debt_is_no_healthier(seen: Seen) -> bool:
    field = "drawn_shares" if seen.lens.name == "4" else "scaled_variable_debt"
    return seen.health(_with_more(seen, seen.call.debt_id, field)) <= seen.health(seen.before)


def _with_more(seen: Seen, reserve_id: int, field: str) -> Any:
    """The market before, where the borrower has a ninth more of something."""
    account = seen.before.accounts[seen.call.borrower]
    position = account.positions[reserve_id]
    held = getattr(position, field)
    more = replace(position, **{field: held + held // 9 + 1})
    account = replace(account, positions={**account.positions, reserve_id: more})
    return replace(seen.before, accounts={**seen.before.accounts, seen.call.borrower: account})
