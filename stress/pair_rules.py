"""Which rule sets can be asked about a pair: each protocol with the terms it takes, and a row for each revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

from protocol import aave_v4, compound_v2, compound_v3, morpho_blue, venus_isolated
from protocol.morpho_blue.frontier import toxic_loan_to_value
from protocol.units import BPS, WAD
from stress.compound_v2_pair import CompoundV2Pair, Releases
from stress.compound_v3_pair import RESERVES_LOSE, CompoundV3Pair
from stress.morpho_blue_pair import MorphoBluePair
from stress.pair_terms import Pair, PairTerms
from stress.pool_pair import PoolPair
from stress.small_market import RuleSet, rule_sets
from stress.spoke_pair import SpokePair
from stress.venus_isolated_pair import PoolTerms, VenusIsolatedPair

V4 = "4.0"
V4_WITNESS = "amounts: recorded vectors; rest: read, not executed"
V4_CONFIG = aave_v4.LiquidationConfig(
    target_health_factor_wad=105 * WAD // 100,
    health_factor_for_max_bonus_wad=90 * WAD // 100,
    liquidation_bonus_factor_bps=50_00,
)
"""An example, as every spoke sets its own: repay up to a health factor of 1.05; half of the bonus just below 1,
all of it from 0.9 down."""
READ = "read, not executed"
COMET_WITNESS = f"absorb: recorded vectors; rest: {READ}"
MORPHO_WITNESS = "published sources"
LATE_SUPPLIERS = "nobody by name: it stays on the account, whoever withdraws last finds it missing"


def bonus_of_terms(terms: PairTerms) -> Fraction:
    """Where the bonus is a term of its own."""
    return Fraction(terms.liquidation_bonus_bps, BPS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trade:
    """What pays where liquidations pay: the words for it."""

    who: str
    a_trade: str
    trades: str
    of_an_account: str


CALL = Trade(who="liquidator", a_trade="a call", trades="calls", of_an_account="calls an account")
PURCHASE = Trade(
    who="buyer", a_trade="a purchase", trades="buys", of_an_account="buys the collateral of an account"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRules:
    """A rule set by its revision, what it was compared with, and how an account under it is made."""

    protocol: str
    name: str
    """Its revision."""
    witness: str
    pair: Callable[[PairTerms, Fraction], Pair]
    """(terms, loan to value at the start) -> account"""
    pays: str
    """Who pays the debt that remains."""
    pays_from: str | None = None
    """What else has to happen first, by the name the pair has for it; None: from the first unit on."""
    trade: Trade = CALL
    """What somebody does for the payout."""
    bonus: Callable[[PairTerms], Fraction] = bonus_of_terms
    """Collateral it takes for each value repaid, the 100 % included."""
    own_terms: Mapping[str, int] = field(default_factory=dict[str, int])
    """What these rules are configured with beyond the terms of the pair, by name with its scale."""

    def threshold_times_bonus(self, terms: PairTerms) -> Fraction:
        """From 1 up, an account is beyond help as soon as it can be liquidated at the whole bonus."""
        return terms.liquidation_threshold * self.bonus(terms)


def pair_rules(v4_config: aave_v4.LiquidationConfig = V4_CONFIG) -> dict[str, PairRules]:
    """Every rule set of Aave by its revision, oldest first."""
    pools = [
        PairRules(
            protocol="Aave",
            name=name,
            witness=one.witness,
            pair=partial(PoolPair, one),
            pays=_aave_pays(one),
        )
        for name, one in rule_sets().items()
    ]
    own = {name: getattr(v4_config, name) for name in v4_config.__dataclass_fields__}
    spoke = PairRules(
        protocol="Aave",
        name=V4,
        witness=V4_WITNESS,
        pair=partial(SpokePair, v4_config),
        pays="the protocol: a deficit that the spoke reports to its hub",
        own_terms=own,
    )
    return {one.name: one for one in (*pools, spoke)}


def _aave_pays(one: RuleSet) -> str:
    """Deficits are new in 3.3."""
    return (
        LATE_SUPPLIERS
        if one.columns.get("deficit_cover") is None
        else "the protocol: a deficit of the reserve"
    )


def compound_v2_rules(close_factor_bps: int) -> dict[str, PairRules]:
    """Every release of the Comptroller, oldest first: with cTokens of 2019 up to G7, then with those of its own."""
    found: dict[str, PairRules] = {}
    releases = {rules.release: rules for rules in compound_v2.CTOKENS}
    for comptroller in compound_v2.COMPTROLLERS:
        ctokens = releases.get(comptroller.release, compound_v2.CTOKENS[0])
        found[comptroller.release] = PairRules(
            protocol="Compound v2",
            name=comptroller.release,
            witness=_of_both(comptroller, ctokens),
            pair=partial(
                CompoundV2Pair, Releases(comptroller=comptroller, ctokens=ctokens), close_factor_bps
            ),
            pays=LATE_SUPPLIERS,
            own_terms={
                "close_factor_bps": close_factor_bps,
                "protocol_seize_share_bps": ctokens.protocol_seize_share_mantissa * BPS // WAD,
            },
        )
    return found


def _of_both(comptroller: compound_v2.ComptrollerRules, ctokens: compound_v2.CTokenRules) -> str:
    """What a Comptroller over cTokens was compared with: each may have a witness of its own."""
    one, other = comptroller.witness.value, ctokens.witness.value
    return one if one == other else f"Comptroller: {one}; cTokens {ctokens.release}: {other}"


def compound_v3_rules(liquidation_factor_bps: int, store_front_price_factor_bps: int) -> dict[str, PairRules]:
    """Every version of Comet, oldest first: they count alike."""
    return {
        rules.revision: PairRules(
            protocol="Compound v3",
            name=rules.revision,
            witness=COMET_WITNESS if rules is compound_v3.REVISIONS[-1] else READ,
            pair=partial(CompoundV3Pair, rules, liquidation_factor_bps, store_front_price_factor_bps),
            pays="the reserves, once the collateral is sold for less than the debt; below zero, suppliers",
            pays_from=RESERVES_LOSE,
            trade=PURCHASE,
            bonus=lambda _: Fraction(BPS, liquidation_factor_bps),
            own_terms={
                "liquidation_factor_bps": liquidation_factor_bps,
                "store_front_price_factor_bps": store_front_price_factor_bps,
            },
        )
        for rules in compound_v3.REVISIONS
    }


def morpho_blue_rules() -> dict[str, PairRules]:
    """The one release."""
    one = PairRules(
        protocol="Morpho Blue",
        name=morpho_blue.REVISION,
        witness=MORPHO_WITNESS,
        pair=MorphoBluePair,
        pays="the market's lenders, pro rata and at once",
        bonus=lambda terms: 1 / toxic_loan_to_value(terms.liquidation_threshold_bps * WAD // BPS),
    )
    return {one.name: one}


def venus_isolated_rules(pool: PoolTerms) -> dict[str, PairRules]:
    """Every release, oldest first."""
    own = {name: getattr(pool, name) for name in PoolTerms.__dataclass_fields__}
    return {
        rules.revision: PairRules(
            protocol="Venus isolated pools",
            name=rules.revision,
            witness=rules.witness.value,
            pair=partial(VenusIsolatedPair, rules, pool),
            pays="the risk fund, by an auction of the bad debt; what it lacks, whoever withdraws last",
            own_terms=own,
        )
        for rules in venus_isolated.REVISIONS
    }
