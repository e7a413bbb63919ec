"""What a call moves and what it must leave alone: the tests of invariants by these names."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from protocol.units import RAY
from tests.kept.seen import Seen

# --- value is conserved


def the_borrower_loses_what_is_taken(seen: Seen) -> bool:
    if not seen.three_parties:
        return True
    apart, share = seen.lost - seen.taken, seen.share_of_collateral
    return -share - 1 <= apart <= share + 1 if seen.rounds_to_nearest else -1 < apart < 2 * share + 1


def debt_falls_by_what_is_repaid_or_written_off(seen: Seen) -> bool:
    deficits = seen.lens.deficits(seen.outcome)
    for reserve_id in {seen.call.debt_id, *deficits}:
        if not (seen.lens.has_plain_debt(seen.before, reserve_id) and seen.view_is_stored(reserve_id)):
            continue
        repaid = seen.repaid if reserve_id == seen.call.debt_id else 0
        apart, share = (
            seen.debt_fell(reserve_id) - repaid - deficits.get(reserve_id, 0),
            seen.share_of(reserve_id),
        )
        if reserve_id in deficits:
            kept = apart == 0
        elif seen.rounds_to_nearest:
            kept = abs(apart) <= share / 2 + 1
        else:
            kept = -share - 1 < apart < 1
        if not kept:
            return False
    return True


def totals_are_sums(seen: Seen) -> bool:
    for reserve_id in seen.reserves:
        positions = [account.positions.get(reserve_id) for account in seen.after.accounts.values()]
        shares = [seen.lens.shares(position) for position in positions if position is not None]
        if (sum(s for s, _ in shares), sum(d for _, d in shares)) != seen.lens.total_shares(
            seen.after, reserve_id
        ):
            return False
    return True


def liquidity_follows_the_call(seen: Seen) -> bool:
    flows = dict.fromkeys(seen.reserves, 0)
    if seen.lens.has_liquidity(seen.before, seen.call.debt_id):
        flows[seen.call.debt_id] += seen.repaid
    flows[seen.call.collateral_id] -= seen.lens.paid_out(seen.call, seen.outcome)
    return all(
        seen.lens.liquidity(seen.after, one) - seen.lens.liquidity(seen.before, one) == flow
        for one, flow in flows.items()
    )


def the_pool_stays_as_solvent_as_it_was(seen: Seen) -> bool:
    if seen.same_asset and seen.lens.name in {"3.5", "3.6"}:
        return True
    for reserve_id in {seen.call.debt_id, seen.call.collateral_id, *seen.lens.deficits(seen.outcome)}:
        if not seen.lens.has_plain_debt(seen.before, reserve_id):
            continue
        gap = _gap(seen, seen.after, reserve_id) - _gap(seen, seen.before, reserve_id)
        share = max(seen.lens.share_price(seen.before, reserve_id, seen.at))
        if gap > (share + 1 if seen.rounds_to_nearest else 0):
            return False
    return True


def _gap(seen: Seen, market: Any, reserve_id: int) -> Fraction:
    """What suppliers are owed less what the pool has, is owed and has written off, when accrued. [asset units]"""
    accrued = seen.lens.accrued(market, reserve_id, seen.at)
    reserve = accrued.reserves[reserve_id]
    supplied, owed = seen.lens.total_shares(accrued, reserve_id)
    supplied += getattr(reserve, "accrued_to_treasury_scaled", 0)
    supply_ray, debt_ray = seen.lens.indexes(accrued, reserve_id)
    has = seen.lens.liquidity(accrued, reserve_id) + seen.lens.deficit(accrued, reserve_id)
    return Fraction(supplied * supply_ray - owed * debt_ray, RAY) - has


# --- who else is touched


def nobody_else_moves(seen: Seen) -> bool:
    return set(seen.changed_accounts()) <= {seen.call.borrower, seen.call.liquidator, seen.treasury}


def the_liquidator_loses_nothing(seen: Seen) -> bool:
    return seen.call.borrower == seen.call.liquidator or _gains(seen, seen.call.liquidator)


def the_treasury_never_loses(seen: Seen) -> bool:
    put_aside = [
        [getattr(market.reserves[one], "accrued_to_treasury_scaled", 0) for one in seen.reserves]
        for market in (seen.before, seen.after)
    ]
    return seen.call.borrower == seen.treasury or (
        _gains(seen, seen.treasury) and all(b <= a for b, a in zip(*put_aside, strict=True))
    )


def _gains(seen: Seen, user: str) -> bool:
    """Whether an account's supply nowhere fell and its debts are what they were."""
    before, after = seen.positions(seen.before, user), seen.positions(seen.after, user)
    shares = {
        one: [seen.lens.shares(held[one]) if one in held else (0, 0) for held in (before, after)]
        for one in {*before, *after}
    }
    return all(old[0] <= new[0] and old[1] == new[1] for old, new in shares.values())


def other_reserves_stay(seen: Seen) -> bool:
    concerned = {seen.call.collateral_id, seen.call.debt_id, *seen.lens.deficits(seen.outcome)}
    return all(
        seen.lens.stored(seen.before, one) == seen.lens.stored(seen.after, one)
        for one in seen.reserves
        if one not in concerned and not seen.is_owed(one)
    )


# --- bits and rates


def who_owes_has_the_bit(seen: Seen) -> bool:
    return all(
        position.borrowing or seen.lens.shares(position)[1] == 0
        for account in seen.after.accounts.values()
        for position in account.positions.values()
    )


def a_whole_seizure_ends_the_collateral(seen: Seen) -> bool:
    if not seen.three_parties or seen.taken != seen.held:
        return True
    if seen.lens.name == "3.0.0" and seen.outcome.protocol_fee:
        return True
    left = seen.positions(seen.after, seen.call.borrower).get(seen.call.collateral_id)
    return left is None or not left.collateral_enabled


def rates_fit_the_balances(seen: Seen) -> bool:
    """Before v3.1 one asset on both sides has rates for the payout alone: the repayment arrives after them."""
    if seen.same_asset and seen.lens.name in {"2", "3.0.0", "3.0.1", "3.0.2"}:
        return True
    moved = {seen.call.debt_id, *seen.lens.deficits(seen.outcome)}
    moved |= set() if seen.call.receive_atoken else {seen.call.collateral_id}
    return all(
        seen.lens.with_new_rates(seen.after, one) == seen.after.reserves[one]
        for one in moved
        if seen.lens.has_plain_debt(seen.before, one)
    )


# --- deficits


def nothing_is_written_off(seen: Seen) -> bool:
    return not seen.lens.deficits(seen.outcome) and not any(
        seen.lens.deficit(seen.after, one) - seen.lens.deficit(seen.before, one) for one in seen.reserves
    )


def deficits_are_booked(seen: Seen) -> bool:
    told = seen.lens.deficits(seen.outcome)
    return all(
        seen.lens.deficit(seen.after, one) - seen.lens.deficit(seen.before, one) == told.get(one, 0)
        for one in seen.reserves
    )


def a_deficit_means_no_collateral(seen: Seen) -> bool:
    if not seen.lens.deficits(seen.outcome) or not seen.three_parties:
        return True
    left = seen.lens.values(seen.after, seen.call.borrower, seen.prices, seen.at)[0]
    if seen.lens.name == "4":
        return left == 0
    return left < 1 + seen.value(seen.call.collateral_id, 1) * 2 * seen.share_of_collateral


def a_deficit_means_no_debt(seen: Seen) -> bool:
    if not seen.lens.deficits(seen.outcome):
        return True
    return not any(
        seen.lens.shares(position)[1]
        for one, position in seen.positions(seen.after, seen.call.borrower).items()
        if seen.lens.is_active(seen.before, one)
    )
