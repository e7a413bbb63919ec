"""The DAI price of 26 November 2020 on Compound v2: its largest liquidation, to the unit."""

from __future__ import annotations

from stress.incidents.compound_dai_2020.tell import report

__all__ = ["report"]
