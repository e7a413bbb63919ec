"""Where the versions of Comet differ: in how many collaterals a market has room for, and in nothing that is counted.

Mirrors `MAX_ASSETS` and the immutable words of contracts/Comet.sol (compound-finance/comet, commits below),
and `MAX_ASSETS_FOR_ASSET_LIST` of contracts/CometWithExtendedAssetList.sol.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.errors import UnknownRevision


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What one version of the contract has room for."""

    revision: str
    max_assets: int
    """Collaterals that a market may be configured with: `TooManyAssets` beyond."""
    asset_slots: int
    """Collaterals that the code can read back: looking further reverts `Absurd`."""


REVISIONS = (
    # 63e98e5d, January 2023: the markets deployed first
    Rules(revision="Comet@63e98e5d", max_assets=15, asset_slots=15),
    # [Modified in 5f9d5a47: three words fewer, the limit of 15 left as it was]
    Rules(revision="Comet", max_assets=15, asset_slots=12),
    # [New in 059c1191, March 2025: the words live in a contract of their own]
    Rules(revision="CometWithExtendedAssetList", max_assets=24, asset_slots=24),
)
"""Every version that is modelled, oldest first."""

_BY_NAME = {rules.revision: rules for rules in REVISIONS}


def rules_of(revision: str) -> Rules:
    """The rules of a version; raises `UnknownRevision`."""
    if revision not in _BY_NAME:
        raise UnknownRevision(revision, list(_BY_NAME), protocol="Compound v3")
    return _BY_NAME[revision]
