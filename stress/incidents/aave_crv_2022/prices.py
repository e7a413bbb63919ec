"""The oracle's prices, read back from what the calls took: as integers, and so that a wrong one fails.

A call tells the ratio of the two prices and the bonus, and nothing else: `debt price * bonus / collateral price`,
to about twelve digits. So the collateral price is stated and, for it, every integer debt price is found with
which the rule set takes exactly what was taken. A price that explains all calls since the last update of a
feed explains a segment; where no integer is left, a new segment starts.

The last call says more. It is bound by the collateral, so it is the *debt* that is computed, to nineteen digits;
that pins the ratio to one part in 10**18. See `bonus.py` for what follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from protocol.aave_v2.amounts import Terms, seizure
from stress.incidents.aave_crv_2022.record import CRV_UNIT, USDC_UNIT, Record

BONUS_BPS = 104_50
"""Of USDC as collateral, includes the 100 %: the published one that leaves the last call an integer price."""
USDC_PRICE_BASE = 889_603_500_000_000
"""[ETH wei a token] The oracle's own in the last two segments, the unit of account in those before."""
MOST_RATIO = 1 << 7
"""No CRV is worth so many USDC: where the search ends."""


@dataclass(frozen=True, kw_only=True)
class PriceSegment:
    """Calls between two updates of a feed: one pair of prices explains them all."""

    first: int
    """Index of its first call."""
    last: int
    collateral_price_base: int
    lowest_debt_price_base: int
    highest_debt_price_base: int
    """Every integer from the lowest to this explains every call; no other does."""

    @property
    def debt_price_base(self) -> int:
        """The roundest of them: feeds mostly publish few digits, and any other does as well."""
        most = self.highest_debt_price_base
        rounded = (most // 10**zeros * 10**zeros for zeros in range(len(str(most)), -1, -1))
        return next(price for price in rounded if price >= self.lowest_debt_price_base)

    @property
    def ratio(self) -> Fraction:
        """Debt price over collateral price: what one CRV is worth in USDC."""
        return Fraction(self.debt_price_base, self.collateral_price_base)

    def narrowed(self, index: int, prices: range) -> PriceSegment | None:
        """With the next call in it, which only `prices` explain; None where no price explains all."""
        low = max(self.lowest_debt_price_base, prices.start)
        high = min(self.highest_debt_price_base, prices.stop - 1)
        if index != self.last + 1 or low > high:
            return None
        return replace(self, last=index, lowest_debt_price_base=low, highest_debt_price_base=high)


def price_segments(
    record: Record, *, bonus_bps: int = BONUS_BPS, collateral_price_base: int = USDC_PRICE_BASE
) -> tuple[PriceSegment, ...]:
    """Cut the calls into the fewest segments that one price each explains; an inexplicable call is in none."""
    segments: list[PriceSegment] = []
    for index in range(len(record.calls)):
        own = debt_prices_of(record, index, bonus_bps, collateral_price_base)
        narrowed = segments[-1].narrowed(index, own) if segments else None
        if narrowed:
            segments[-1] = narrowed
        elif own:
            segments.append(
                PriceSegment(
                    first=index,
                    last=index,
                    collateral_price_base=collateral_price_base,
                    lowest_debt_price_base=own[0],
                    highest_debt_price_base=own[-1],
                )
            )
    return tuple(segments)


def debt_prices_of(record: Record, index: int, bonus_bps: int, collateral_price_base: int) -> range:
    """Every integer debt price at which the rules move exactly what this call moved; none: an empty range.

    With the price, the collateral taken rises until it is all there is; then the debt repaid falls.
    """
    call, balance = record.calls[index], record.held_before(index)
    asked = asks_for(record, index)

    def moved(debt_price_base: int) -> tuple[int, int]:
        terms = Terms(
            collateral_price_base=collateral_price_base,
            collateral_unit=USDC_UNIT,
            debt_price_base=debt_price_base,
            debt_unit=CRV_UNIT,
            bonus_bps=bonus_bps,
        )
        done = seizure(terms, debt_to_cover=asked, collateral_balance=balance)
        return done.collateral, -done.debt

    seen, ceiling = (call.collateral_seized, -call.debt_repaid), collateral_price_base * MOST_RATIO
    lowest = _least(1, ceiling, lambda price: moved(price) >= seen)
    return range(lowest, _least(lowest, ceiling, lambda price: moved(price) > seen))


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least price in [low, high] from which on it holds: `bisect` knows no range as long as this."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def asks_for(record: Record, index: int) -> int:
    """What the liquidator asked to repay, as far as it matters: all that is owed, if the call took everything."""
    call = record.calls[index]
    return record.borrowed if call.collateral_seized == record.held_before(index) else call.debt_repaid
