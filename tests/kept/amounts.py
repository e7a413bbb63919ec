"""Who may be liquidated, for how much and at what price: the tests of invariants by these names."""

from __future__ import annotations

from fractions import Fraction

from protocol.units import BPS, MAX_UINT256, WAD
from tests.kept.seen import Seen

HALF_HEALTH_WAD = 95 * 10**16
WHOLE_IF_BELOW_BASE, LEAST_LEFT_BASE = 2000 * 10**8, 1000 * 10**8


# --- who may be liquidated


def healthy_is_safe(seen: Seen) -> bool:
    return not seen.went_through or seen.health(seen.before) < WAD


def no_debt_is_perfect_health(seen: Seen) -> bool:
    for user in seen.after.accounts:
        debt = seen.lens.values(seen.after, user, seen.prices, seen.at)[1]
        if (debt == 0) != (seen.health(seen.after, user=user) == MAX_UINT256):
            return False
    return True


def nobody_liquidates_himself(seen: Seen) -> bool:
    return not seen.went_through or seen.call.borrower != seen.call.liquidator


def only_collateral_for_a_debt(seen: Seen) -> bool:
    if not seen.went_through:
        return True
    collateral = seen.positions(seen.before, seen.call.borrower).get(seen.call.collateral_id)
    return collateral is not None and collateral.collateral_enabled and seen.owed > 0


def the_same_comes_to_the_same(seen: Seen) -> bool:
    return seen.again().outcome == seen.outcome


def a_quote_is_the_call(seen: Seen) -> bool:
    quoted = seen.lens.quote(seen.before, seen.call, seen.prices, seen.at)
    return quoted == seen.lens.told(seen.outcome)


# --- how much


def repaid_is_within_the_offer(seen: Seen) -> bool:
    return 0 <= seen.repaid <= seen.call.debt_to_cover


def repaid_is_within_the_debt(seen: Seen) -> bool:
    return seen.repaid <= seen.owed


def taken_is_within_the_balance(seen: Seen) -> bool:
    return 0 <= seen.taken <= seen.held


def half_of_the_reserve_s_debt(seen: Seen) -> bool:
    if seen.lens.name != "2" and seen.health(seen.before) <= HALF_HEALTH_WAD:
        return True
    return seen.repaid <= (seen.owed * 5000 + BPS // 2) // BPS


def half_of_all_debt(seen: Seen) -> bool:
    """Each reserve's debt counts as a whole number of base units: cut up to v3.4, filled up later."""
    debt = seen.value(seen.call.debt_id, seen.owed)
    counted = debt // 1 if seen.rounds_to_nearest else -(-debt // 1)
    collateral = seen.value(seen.call.collateral_id, seen.held) // 1
    if min(counted, collateral) < WHOLE_IF_BELOW_BASE or seen.health(seen.before) <= HALF_HEALTH_WAD:
        return True
    half = (seen.lens.values(seen.before, seen.call.borrower, seen.prices, seen.at)[1] + 1) // 2
    repaid = seen.value(seen.call.debt_id, seen.repaid)
    return (repaid // 1 if seen.rounds_to_nearest else -(-repaid // 1)) <= half


def no_dust_is_left(seen: Seen) -> bool:
    debt, collateral = seen.owed - seen.repaid, seen.held - seen.taken
    if debt <= 0 or collateral <= 0 or seen.took_all:
        return True
    value = seen.value(seen.call.debt_id, debt)
    counted = value // 1 if seen.rounds_to_nearest else -(-value // 1)
    return min(counted, seen.value(seen.call.collateral_id, collateral) // 1) >= LEAST_LEFT_BASE


def a_larger_offer_repays_no_less(seen: Seen) -> bool:
    smaller = seen.again(debt_to_cover=max(min(seen.repaid * 2 // 3, seen.call.debt_to_cover), 1))
    if not smaller.went_through or smaller.repaid <= seen.repaid:
        return True
    if seen.lens.name == "4" or not (seen.took_all and _has_a_price(seen)):
        return False
    return smaller.repaid - seen.repaid <= _most_overpaid(smaller) - _least_overpaid(seen)


# --- at what price


def _has_a_price(seen: Seen) -> bool:
    return seen.pair.bonus >= 1 and seen.pair.debt_per_collateral > 0


def _least_overpaid(seen: Seen) -> Fraction:
    """Collateral is rounded up by half a unit at most; debt for all of it cut once and then to the nearest."""
    rate, bonus = seen.pair
    least = rate / bonus / 2
    return -max(least, 1 / bonus + Fraction(1, 2)) if seen.took_all else -least


def _most_overpaid(seen: Seen) -> Fraction:
    """Collateral worth the debt is cut, and cut again with the bonus; debt for all of it is filled up.

    A fee that is cut to the shares that are left falls short by less than one of them and a unit.
    """
    rate, bonus = seen.pair
    most = (1 + 1 / bonus) * rate
    if not seen.took_all:
        return most
    short = seen.share_of_collateral + 1 if getattr(seen.outcome, "protocol_fee", 0) else 0
    return max(most, Fraction(1)) + short * rate / bonus


def no_more_than_the_bonus(seen: Seen) -> bool:
    return not _has_a_price(seen) or seen.overpaid >= _least_overpaid(seen)


def no_less_than_the_bonus(seen: Seen) -> bool:
    return not _has_a_price(seen) or seen.overpaid <= _most_overpaid(seen)


def no_more_than_the_greatest_bonus(seen: Seen) -> bool:
    """Shares for an amount are cut, and so is the amount for them; what they pay for is filled up."""
    return seen.overpaid >= 0


def the_liquidator_is_not_at_a_loss(seen: Seen) -> bool:
    if not _has_a_price(seen):
        return True
    rate = seen.pair.debt_per_collateral
    return seen.outcome.collateral_to_liquidator * rate >= seen.repaid - 2 * rate - 1


def bonus_times_debt_less_collateral_stays(seen: Seen) -> bool:
    plain = seen.lens.has_plain_debt(seen.before, seen.call.debt_id) and seen.view_is_stored(
        seen.call.debt_id
    )
    if not (_has_a_price(seen) and plain and seen.three_parties):
        return True
    rate, bonus = seen.pair
    deficit = seen.lens.deficits(seen.outcome).get(seen.call.debt_id, 0)
    moved = seen.debt_fell(seen.call.debt_id) - deficit - seen.lost * rate / bonus
    rounding = seen.share_of_debt + 1 + (2 * seen.share_of_collateral + 1) * rate / bonus
    return _least_overpaid(seen) - rounding <= moved <= _most_overpaid(seen) + rounding


def two_halves_take_what_the_whole_takes(seen: Seen) -> bool:
    """Where the halves go through: where less is taken of the last, it is repaid for less."""
    if not _has_a_price(seen) or seen.repaid < 2:
        return True
    first = seen.again(debt_to_cover=seen.repaid // 2)
    if not first.went_through:
        return True
    second = first.again(first.after, debt_to_cover=seen.repaid - first.repaid)
    if not second.went_through:
        return True
    apart = first.overpaid + second.overpaid - seen.overpaid
    halves = (first, second)
    return (
        sum(map(_least_overpaid, halves)) - _most_overpaid(seen)
        <= apart
        <= sum(map(_most_overpaid, halves)) - _least_overpaid(seen)
    )


def collaterals_repay_the_same_in_any_order(seen: Seen) -> bool:
    other = seen.another_collateral
    if other is None or not seen.took_all:
        return True
    second = seen.again(seen.after, collateral_id=other, debt_to_cover=MAX_UINT256)
    first = seen.again(collateral_id=other, debt_to_cover=MAX_UINT256)
    if not (second.took_all and first.took_all):
        return True
    last = first.again(first.after, collateral_id=seen.call.collateral_id, debt_to_cover=MAX_UINT256)
    if not (last.took_all and all(map(_has_a_price, (seen, second, first, last)))):
        return True
    apart = seen.repaid + second.repaid - first.repaid - last.repaid
    least = [_least_overpaid(one) for one in (seen, second, first, last)]
    most = [_most_overpaid(one) for one in (seen, second, first, last)]
    return sum(least[:2]) - sum(most[2:]) <= apart <= sum(most[:2]) - sum(least[2:])
