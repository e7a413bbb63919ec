"""The protocols that can be asked about a pair by name: which terms each takes, and usual values of them.

The usual terms are those of ether against US dollars on Ethereum, so that the protocols can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from protocol.aave_v4 import LiquidationConfig
from protocol.units import BASE_PER_USD, BPS
from stress.pair_rules import (
    V4_CONFIG,
    PairRules,
    compound_v2_rules,
    compound_v3_rules,
    morpho_blue_rules,
    pair_rules,
    venus_isolated_rules,
)
from stress.venus_isolated_pair import PoolTerms

AAVE = "aave"
THRESHOLD, BONUS, FEE = (
    "liquidation_threshold_bps",
    "liquidation_bonus_bps",
    "liquidation_protocol_fee_bps",
)
"""The terms that `PairTerms` has a place for."""
UNTAKEN = {BONUS: BPS, FEE: 0}
"""What `PairTerms` says of a term that the protocol does not take."""
Terms = Mapping[str, int]
"""By name, which ends in the scale."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairProtocol:
    """One protocol: its terms and its rule sets."""

    name: str
    usual: Terms
    """Every term that it takes, and its usual value."""
    source: str
    """Where the usual values come from."""
    rules: Callable[[Terms], Mapping[str, PairRules]]
    """All terms -> rule sets by revision, oldest first"""
    note: str = ""
    """What a reader of its numbers has to know."""


_AAVE = PairProtocol(
    name=AAVE,
    usual={
        THRESHOLD: 83_00,
        BONUS: 105_00,
        FEE: 10_00,
        "target_health_factor_wad": V4_CONFIG.target_health_factor_wad,
        "health_factor_for_max_bonus_wad": V4_CONFIG.health_factor_for_max_bonus_wad,
        "liquidation_bonus_factor_bps": V4_CONFIG.liquidation_bonus_factor_bps,
    },
    source="WETH of Aave v3 on 2025-03-19 (forks/aave_v3/parameters/ethereum_2025-03-19.toml); v4: an example",
    rules=lambda terms: pair_rules(
        LiquidationConfig(**{name: terms[name] for name in LiquidationConfig.__dataclass_fields__})
    ),
)
_COMPOUND_V2 = PairProtocol(
    name="compound_v2",
    usual={THRESHOLD: 82_50, BONUS: 108_00, "close_factor_bps": 50_00},
    source="incentive as recorded on mainnet (tests/vectors/compound_v2/mainnet_liquidations.json), half as close "
    "factor; the collateral factor, cETH's of 2022, is literature and not read from the chain",
    rules=lambda terms: compound_v2_rules(terms["close_factor_bps"]),
    note="Liquidators are paid in cTokens, worth that only while there is cash to redeem them. The protocol's share "
    "is the cToken's: cTokens of 2019, such as cETH, take none under any Comptroller.",
)
_COMPOUND_V3 = PairProtocol(
    name="compound_v3",
    usual={THRESHOLD: 89_50, "liquidation_factor_bps": 95_00, "store_front_price_factor_bps": 50_00},
    source="WETH of cUSDCv3 (deployments/mainnet/usdc/configuration.json, compound-finance/comet@d5a30b0)",
    rules=lambda terms: compound_v3_rules(
        terms["liquidation_factor_bps"], terms["store_front_price_factor_bps"]
    ),
    note="Debt must remain: an absorption forgives what the liquidation factor does not credit. Between there and "
    "'reserves lose' the store front still brings the reserves more than they paid. Who absorbs is paid nothing; "
    "what a late oracle decides is whether somebody buys the collateral afterwards.",
)
_MORPHO_BLUE = PairProtocol(
    name="morpho_blue",
    usual={THRESHOLD: 86_00},
    source="an LLTV that many markets share; the incentive is a formula of it (morpho-org/morpho-blue@3085651)",
    rules=lambda _: morpho_blue_rules(),
    note="The incentive follows from the threshold. Debt is written off when the last unit of collateral is gone, "
    "and not before.",
)
_VENUS_ISOLATED = PairProtocol(
    name="venus_isolated",
    usual={
        THRESHOLD: 80_00,
        BONUS: 110_00,
        "close_factor_bps": 50_00,
        "protocol_seize_share_bps": 5_00,
        "min_liquidatable_collateral_base": 100 * BASE_PER_USD,
    },
    source="WETH of the core pool on Ethereum (helpers/deploymentConfig.ts, VenusProtocol/isolated-pools@58b76f81); "
    "seize share as vTokens are made (contracts/VToken.sol)",
    rules=lambda terms: venus_isolated_rules(
        PoolTerms(**{name: terms[name] for name in PoolTerms.__dataclass_fields__})
    ),
    note="Bad debt is booked by healing, only once the collateral is worth no more than the pool's minimum; a larger "
    "account has to be brought down by regular calls first. The debt that remains is the same either way.",
)

PROTOCOLS = {one.name: one for one in (_AAVE, _COMPOUND_V2, _COMPOUND_V3, _MORPHO_BLUE, _VENUS_ISOLATED)}
"""By the name that a command has for it."""
