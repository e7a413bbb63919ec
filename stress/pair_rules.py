"""Which rule sets can be asked about a pair: a revision picks a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import partial

from protocol import aave_v4
from protocol.units import WAD
from stress.pair_terms import Pair, PairTerms
from stress.pool_pair import PoolPair
from stress.small_market import rule_sets
from stress.spoke_pair import SpokePair

V4 = "4.0"
V4_WITNESS = "amounts: recorded vectors; rest: read, not executed"
V4_CONFIG = aave_v4.LiquidationConfig(
    target_health_factor_wad=105 * WAD // 100,
    health_factor_for_max_bonus_wad=90 * WAD // 100,
    liquidation_bonus_factor_bps=50_00,
)
"""An example, as every spoke sets its own: repay up to a health factor of 1.05; half of the bonus just below 1,
all of it from 0.9 down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRules:
    """A rule set by its revision, what it was compared with, and how an account under it is made."""

    protocol: str
    name: str
    """Its revision."""
    witness: str
    pair: Callable[[PairTerms, Fraction], Pair]
    """(terms, loan to value at the start) -> account"""
    own_terms: Mapping[str, int] = field(default_factory=dict[str, int])
    """What these rules are configured with beyond the terms of the pair, by name with its scale."""


def pair_rules(v4_config: aave_v4.LiquidationConfig = V4_CONFIG) -> dict[str, PairRules]:
    """Every rule set by its revision, oldest first."""
    pools = [
        PairRules(protocol="Aave", name=name, witness=one.witness, pair=partial(PoolPair, one))
        for name, one in rule_sets().items()
    ]
    spoke = PairRules(
        protocol="Aave",
        name=V4,
        witness=V4_WITNESS,
        pair=partial(SpokePair, v4_config),
        own_terms=asdict(v4_config),
    )
    return {one.name: one for one in (*pools, spoke)}
