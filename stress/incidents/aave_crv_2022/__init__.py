"""The CRV short of 22 November 2022 on Aave v2 Ethereum: all 385 calls through the rule set, to the unit."""

from __future__ import annotations

from stress.incidents.aave_crv_2022.tell import report

__all__ = ["report"]
