"""Venus' bounded prices: collateral at its recent low and debt at its recent high while a price is running away.

A window keeps the lowest and the highest price that anybody has brought to it. A price that is a threshold above the
low or below the high starts protection, in which collateral counts min(spot, low) and debt max(spot, high). The
window widens by itself and is narrowed by keepers alone; protection ends by a keeper's call, after a cooldown, once
the window is narrow again. Health is judged by these prices; liquidation pays by spot.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from oracles.timeline import Timeline, require_in_order

WAD = 10**18
MIN_THRESHOLD_WAD = 5 * 10**16
"""[wad] 5 %: `MIN_THRESHOLD`."""
MAX_THRESHOLD_WAD = 50 * 10**16
"""[wad] 50 %: `MAX_THRESHOLD`."""
_UINT128 = 2**128

Side = Literal["collateral", "debt"]
Action = Literal["update", "set_min", "set_max", "exit", "enable", "disable"]
Verdict = Literal[
    "done",
    "triggered",
    "no price",
    "PriceExceedsUint128",
    "ZeroPriceNotAllowed",
    "InvalidMinPrice",
    "InvalidMaxPrice",
    "ProtectedPriceInactive",
    "ProtectedPriceActive",
    "CooldownNotElapsed",
    "PriceRangeNotConverged",
]
"""Of a call: it is done, it has found the price beyond the threshold, or it reverts with this error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundsCall:
    """One call that changes what the oracle keeps of an asset."""

    at: int
    """Of the block [unix seconds]."""
    action: Action = "update"
    """`updateProtectionState` by anybody, `updateMinPrice`, `updateMaxPrice` and `exitProtectionMode` by a keeper,
    `setAssetBoundedPricingEnabled` by governance."""
    price: int = 0
    """What set_min and set_max set [source decimals]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Protection:
    """What is kept of an asset."""

    low: int
    """[source decimals]"""
    high: int
    """[source decimals]"""
    protected: bool = False
    triggered_at: int = 0
    """When protection began or the window last widened in it [unix seconds]; 0 = not protected."""
    enabled: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationBounded:
    """The bounded price of an asset on one side of the account, with every call that changes it.

    Mirrors `contracts/DeviationBoundedOracle.sol` of the published @venusprotocol/oracle 2.16.0. Its cooldown counts
    from the start of protection or from the last widening of the window in it, not from every trigger.

    Raises:
        InvalidPartConfig: a threshold outside 5 % to 50 %, one to leave by that is not below it, a cooldown of 0.
        ScheduleRunsBackwards: naming the index.
    """

    side: Side
    initialized_at: int
    """Block in which the asset is configured, with the price then for low and high [unix seconds]."""
    trigger_threshold_wad: int
    """[wad] `triggerThreshold`; the contract gives 16.67 % for an example."""
    reset_threshold_wad: int
    """[wad] `resetThreshold`: (high - low) / low must be below this to end protection."""
    cooldown_s: int
    """Seconds before protection can end."""
    calls: tuple[BoundsCall, ...] = ()
    """In the order of the chain, none before the asset is configured."""
    enabled: bool = True
    """From the start; otherwise the price is spot until a call enables it."""

    def __post_init__(self) -> None:
        lowest, highest = MIN_THRESHOLD_WAD, MAX_THRESHOLD_WAD
        self._require("trigger_threshold_wad", lowest, highest)
        self._require("reset_threshold_wad", 1, self.trigger_threshold_wad - 1)
        self._require("cooldown_s", 1, 2**64 - 1)
        for index, call in enumerate(self.calls):
            if not 0 <= call.price < _UINT128:
                raise InvalidPartConfig("DeviationBounded", f"calls[{index}].price", call.price, "a uint128")
        require_in_order("initialized_at, calls", [self.initialized_at, *(call.at for call in self.calls)])

    def over(self, source: Source) -> BoundedPrice:
        """The bounded price of a source that answers when the asset is configured.

        Raises:
            InvalidPartConfig: it does not, or beyond 128 bits.
        """
        return BoundedPrice(part=self, source=source)

    def _require(self, name: str, least: int, most: int) -> None:
        found: int = getattr(self, name)
        if not least <= found <= most:
            raise InvalidPartConfig("DeviationBounded", name, found, f"from {least} to {most}")


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundedPrice:
    """`getBoundedCollateralPriceView` or `getBoundedDebtPriceView`."""

    part: DeviationBounded
    source: Source
    _states: Timeline[Protection] = field(init=False, repr=False, compare=False)
    _verdicts: tuple[Verdict, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        part = self.part
        first = self.source.read(part.initialized_at)
        if isinstance(first, Failed) or not 0 < first.answer < _UINT128:
            raise InvalidPartConfig("DeviationBounded", "source at initialized_at", first, "a uint128 price")
        state = start = Protection(low=first.answer, high=first.answer, enabled=part.enabled)
        verdicts: list[Verdict] = []
        changes: list[tuple[int, Protection]] = []
        for call in part.calls:
            verdict, state = self._called(state, call)
            verdicts.append(verdict)
            changes.append((call.at, state))
        object.__setattr__(self, "_states", Timeline(start, tuple(changes)))
        object.__setattr__(self, "_verdicts", tuple(verdicts))

    @property
    def decimals(self) -> int:
        """Of the source."""
        return self.source.decimals

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What came of each call."""
        return self._verdicts

    def protection_at(self, now: int) -> Protection:
        """What the oracle keeps; a view widens the window only for itself."""
        return self._states.at(now)

    def read(self, now: int) -> Reading | Failed:
        """The price of this side; "bound" where it is not spot."""
        found, state = self.source.read(now), self.protection_at(now)
        if isinstance(found, Failed) or not state.enabled:
            return found
        spot = found.answer
        if spot >= _UINT128:
            return Failed(name="PriceExceedsUint128")
        low, high = min(spot, state.low), max(spot, state.high)
        if not (state.protected or self._exceeds(spot, low, high)):
            return found
        answer = low if self.part.side == "collateral" else high
        return replace(found, answer=answer, reason=found.reason if answer == spot else "bound")

    def _called(self, state: Protection, call: BoundsCall) -> tuple[Verdict, Protection]:
        if call.action == "exit":
            return self._left(state, call.at)
        if call.action == "disable" and state.protected:
            return "ProtectedPriceActive", state
        if call.action == "disable" or (call.action == "enable" and state.enabled):
            return "done", replace(state, enabled=call.action == "enable")
        return self._priced(state, call)

    def _priced(self, state: Protection, call: BoundsCall) -> tuple[Verdict, Protection]:
        """A call that needs the price: an update, a bound, or enabling anew."""
        found = self.source.read(call.at)
        if isinstance(found, Failed) or found.answer <= 0:
            return "no price", state
        if call.action == "update":
            return self._updated(state, found.answer, call.at) if state.enabled else ("done", state)
        return (
            _enabled(state, found.answer) if call.action == "enable" else _narrowed(state, call, found.answer)
        )

    def _updated(self, state: Protection, spot: int, now: int) -> tuple[Verdict, Protection]:
        if spot >= _UINT128:
            return "PriceExceedsUint128", state
        low, high = min(spot, state.low), max(spot, state.high)
        wider = replace(state, low=low, high=high)
        if not self._exceeds(spot, low, high):
            return "done", wider
        restarts = not state.protected or (low, high) != (state.low, state.high)
        since = now if restarts else state.triggered_at
        return "triggered", replace(wider, protected=True, triggered_at=since)

    def _exceeds(self, spot: int, low: int, high: int) -> bool:
        threshold = self.part.trigger_threshold_wad
        return spot > low * (WAD + threshold) // WAD or spot < high * (WAD - threshold) // WAD

    def _left(self, state: Protection, now: int) -> tuple[Verdict, Protection]:
        if not state.protected:
            return "ProtectedPriceInactive", state
        if now < state.triggered_at + self.part.cooldown_s:
            return "CooldownNotElapsed", state
        if (state.high - state.low) * WAD // state.low >= self.part.reset_threshold_wad:
            return "PriceRangeNotConverged", state
        return "done", replace(state, protected=False, triggered_at=0)


def _enabled(state: Protection, spot: int) -> tuple[Verdict, Protection]:
    """Enabled anew, the window starts from the price."""
    if spot >= _UINT128:
        return "PriceExceedsUint128", state
    return "done", replace(state, low=spot, high=spot, enabled=True)


def _narrowed(state: Protection, call: BoundsCall, spot: int) -> tuple[Verdict, Protection]:
    """A bound that a keeper sets may not lie beyond the other one, nor on the wrong side of spot."""
    if call.price == 0:
        return "ZeroPriceNotAllowed", state
    if call.action == "set_min":
        if call.price > state.high or call.price > spot:
            return "InvalidMinPrice", state
        return "done", replace(state, low=call.price)
    if call.price < state.low or call.price < spot:
        return "InvalidMaxPrice", state
    return "done", replace(state, high=call.price)
