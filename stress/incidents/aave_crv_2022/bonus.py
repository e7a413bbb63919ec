"""Which of the published bonuses USDC had: governance says 4 %, write-ups say 4.5 %, and the last call decides.

It pins the ratio of the two prices, for a given bonus, to one part in 10**18. Two prices that a feed publishes are
integers of few digits, so their ratio is a simple fraction; with a wrong bonus it is an arbitrary one, whose terms
need ten digits to come as near. Of the three bonuses one gives a simple fraction: 4.5 %. Twenty million times its
terms are 889,603,500,000,000 wei a USDC (1,124 USDC an ETH, as the market had it) and 615,871,180,000,000 wei a CRV.
That USDC price, in turn, gives the segment before a CRV price with seven zeros, 630,061,620,000,000, where about
one in 28,000 windows so narrow holds such a number.
"""

from __future__ import annotations

from fractions import Fraction

from stress.incidents.aave_crv_2022.prices import debt_prices_of
from stress.incidents.aave_crv_2022.record import Record

PUBLISHED_BPS = (104_00, 104_50, 105_00)
"""What has been said of the bonus: 5 % before September 2021, 4 % after it, 4.5 % in most write-ups."""
FINE = 10**36
"""A collateral price so high that the window of debt prices keeps all the digits there are."""


def simplest_ratio(record: Record, bonus_bps: int) -> Fraction:
    """Of all ratios of debt price to collateral price that explain the last call, the one of smallest terms."""
    window = debt_prices_of(record, len(record.calls) - 1, bonus_bps, FINE)
    return simplest_between(Fraction(window[0], FINE), Fraction(window[-1], FINE))


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of smallest terms in [low, high], both positive: by continued fractions."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    return whole - 1 + 1 / simplest_between(1 / (high - whole + 1), 1 / (low - whole + 1))
