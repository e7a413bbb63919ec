"""Which rule sets can be asked about a pair: a revision picks a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from stress.pair_terms import Pair, PairTerms
from stress.pool_pair import PoolPair
from stress.small_market import rule_sets
from stress.spoke_pair import SpokePair

V4 = "4.0"
V4_WITNESS = "amounts: recorded vectors; rest: read, not executed"


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRules:
    """A rule set by its revision, what it was compared with, and how an account under it is made."""

    name: str
    witness: str
    pair: Callable[[PairTerms, Fraction], Pair]
    """(terms, loan to value at the start) -> account"""


def pair_rules() -> dict[str, PairRules]:
    """Every rule set by its revision, oldest first."""
    pools = [
        PairRules(name=name, witness=one.witness, pair=partial(PoolPair, one))
        for name, one in rule_sets().items()
    ]
    spoke = PairRules(name=V4, witness=V4_WITNESS, pair=SpokePair)
    return {one.name: one for one in (*pools, spoke)}
