"""Pyth: a price with a confidence, on the chain since somebody last paid to push it.

Whoever acts pushes first, so a liquidator reads the present and everybody else the past. Mirrors AbstractPyth.sol
(target_chains/ethereum/sdk/solidity, pyth-network/pyth-crosschain@007000e) and MockPyth.sol
(pyth-network/pyth-sdk-solidity @00051e1) for what an update does. The moving average that Pyth publishes beside
the price is not modelled.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards
from oracles.reading import Failed, Reading
from oracles.scaling import require_at_least

VALID_TIME_PERIOD_S = 60
"""`getValidTimePeriod`, with which `getPrice` checks: 60 s on most chains, by memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PythUpdate:
    """One signed price, and the block in which somebody pushes it."""

    landed_at: int
    """Time of the block [unix seconds]."""
    publish_time: int
    """`publishTime`; may be ahead of the block."""
    price: int
    """[source decimals, = -expo]"""
    conf: int = 0
    """Half the width of the confidence interval [source decimals]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pyth:
    """The price on chain, by `getPriceNoOlderThan` or `getPriceUnsafe`; `conf_multiple` confidences off to one side.

    An update that is not newer than the price it meets is ignored, without a revert. Before any `PriceFeedNotFound`.
    Raises ScheduleRunsBackwards, InvalidPartConfig: updates out of the order of blocks, a field below its least.
    """

    updates: tuple[PythUpdate, ...]
    """What is pushed, in the order of blocks."""
    decimals: int = 8
    """`-expo`; 8 for most USD pairs."""
    max_age_s: int | None = VALID_TIME_PERIOD_S
    """`age` of `getPriceNoOlderThan`; None = `getPriceUnsafe`, which checks nothing."""
    side: Literal["mid", "low", "high"] = "mid"
    """"low" for collateral and "high" for debt is Pyth's advice; most consumers take the "mid"."""
    conf_multiple: int = 1
    """Confidences to go off the price where a side is taken. 1: our choice."""

    def __post_init__(self) -> None:
        require_at_least("Pyth", "decimals", self.decimals, 0)
        require_at_least("Pyth", "max_age_s", self.max_age_s or 0, 0)
        require_at_least("Pyth", "conf_multiple", self.conf_multiple, 0)
        if self.side not in ("mid", "low", "high"):
            raise InvalidPartConfig("Pyth", "side", self.side, "mid, low or high")
        for index, one in enumerate(self.updates):
            require_at_least("Pyth", f"updates[{index}].conf", one.conf, 0)
            before = self.updates[index - 1] if index else one
            if one.landed_at < before.landed_at:
                raise ScheduleRunsBackwards("updates", index, before.landed_at, one.landed_at)

    def read(self, now: int) -> Reading | Failed:
        """The price in force; too far from now on either side is `StalePrice`."""
        landed = self.updates[: bisect_right(self.updates, now, key=lambda one: one.landed_at)]
        if not landed:
            return Failed(name="PriceFeedNotFound")
        stored = max(landed, key=lambda one: one.publish_time)
        if self.max_age_s is not None and abs(now - stored.publish_time) > self.max_age_s:
            return Failed(name="StalePrice")
        return Reading(
            answer=stored.price + self._off() * stored.conf,
            round_id=stored.publish_time,
            observed_at=stored.publish_time,
            started_at=stored.publish_time,
            updated_at=stored.publish_time,
            reason="pushed",
        )

    def _off(self) -> int:
        return {"mid": 0, "low": -1, "high": 1}[self.side] * self.conf_multiple
