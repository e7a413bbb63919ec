"""Liquity v1's price feed: Chainlink while it works, Tellor while it does not, the last good price where neither
does.

Chainlink is *broken* when this round or the one before has no number, time or price, *frozen* after 4 hours, and
*suspect* when two rounds in a row differ by more than 50 % of the higher. The state is changed by calls of
`fetchPrice` alone, so what is read depends on who called before: the calls are a schedule.

Mirrors `fetchPrice`, packages/contracts/contracts/PriceFeed.sol (liquity/dev@39f1f7f).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from oracles.composition import RoundSource
from oracles.errors import InvalidPartConfig, NoEarlierRounds
from oracles.path import require_increasing
from oracles.reading import Failed, Reading, Source
from oracles.scaling import require_at_least
from protocol.units import WAD

TIMEOUT_S: Final = 4 * 3600
"""`TIMEOUT`: an answer older than this is frozen."""
MAX_CHANGE_WAD: Final = WAD // 2
"""`MAX_PRICE_DEVIATION_FROM_PREVIOUS_ROUND` [wad], itself allowed."""
MAX_DIFFERENCE_WAD: Final = WAD // 20
"""`MAX_PRICE_DIFFERENCE_BETWEEN_ORACLES` [wad], itself allowed."""
TARGET_DECIMALS: Final = 18
"""`TARGET_DIGITS`: of every price given."""


class Status(Enum):
    """Whom the last call trusted."""

    CHAINLINK_WORKING = "chainlinkWorking"
    TELLOR_CHAINLINK_UNTRUSTED = "usingTellorChainlinkUntrusted"
    BOTH_UNTRUSTED = "bothOraclesUntrusted"
    TELLOR_CHAINLINK_FROZEN = "usingTellorChainlinkFrozen"
    CHAINLINK_TELLOR_UNTRUSTED = "usingChainlinkTellorUntrusted"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquityState:
    """What a call leaves behind."""

    status: Status
    last_good: Reading
    """The last price stored [18 decimals], as it was read then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquityPriceFeed:
    """`fetchPrice` in a block, after the calls of the schedule that came before it.

    At the first call Chainlink must be working and current, as `setAddresses` requires; until then `NotSet`.
    Raises InvalidPartConfig: a timeout below 0. TimesNotIncreasing: calls out of order.
    """

    calls: tuple[int, ...]
    """Times of the blocks in which somebody calls `fetchPrice` [unix seconds]; the first is `setAddresses`."""
    tellor: Source | None = None
    """The second oracle [its decimals; Tellor's 6]; None = it never answers."""
    timeout_s: int | None = TIMEOUT_S
    """`TIMEOUT`; None = the same feed without a check of age, for comparison."""

    def __post_init__(self) -> None:
        require_at_least("LiquityPriceFeed", "timeout_s", self.timeout_s or 0, 0)
        require_increasing("calls", self.calls)

    def over(self, source: Source) -> _LiquitySource:
        """The price that Liquity reads [18 decimals].

        Raises NoEarlierRounds, InvalidPartConfig: a source that keeps its last round only, or has too many decimals.
        """
        if not hasattr(source, "read_round"):
            raise NoEarlierRounds("LiquityPriceFeed", type(source).__name__)
        for name, one in (("source", source), ("tellor", self.tellor)):
            if one is not None and one.decimals > TARGET_DECIMALS:
                wanted = f"at most {TARGET_DECIMALS}, so that no price rounds to 0"
                raise InvalidPartConfig("LiquityPriceFeed", f"{name}.decimals", one.decimals, wanted)
        return _LiquitySource(self, source, self.calls)  # pyright: ignore[reportArgumentType]  # has read_round


@dataclass(slots=True)
class _LiquitySource:
    """The feed over its sources, with the state before each call of the schedule worked out once."""

    parameters: LiquityPriceFeed
    chainlink: RoundSource
    calls: Sequence[int]
    states: list[LiquityState | None] = field(default_factory=list["LiquityState | None"])

    @property
    def decimals(self) -> int:
        """18."""
        return TARGET_DECIMALS

    def read(self, now: int) -> Reading | Failed:
        """What a call of `fetchPrice` in a block of this time returns."""
        outcome = self.call(now)
        return Failed(name="NotSet") if outcome is None else outcome[1]

    def call(self, now: int) -> tuple[LiquityState, Reading] | None:
        """What a call in a block of this time leaves and returns, after all calls before it; None = not set yet."""
        place = bisect_left(self.calls, now)
        while len(self.states) < place + 1:
            before = self.states[-1] if self.states else None
            if not self.states:
                self.states.append(None)
                continue
            outcome = self._step(before, self.calls[len(self.states) - 1])
            self.states.append(outcome[0] if outcome else None)
        return self._step(self.states[place], now)

    def _step(self, state: LiquityState | None, now: int) -> tuple[LiquityState, Reading] | None:
        sight = _sight(self.parameters, self.chainlink, now)
        if state is not None:
            return _decide(state, sight)
        if sight.chainlink is None or sight.chainlink_frozen:
            return None
        return _store(Status.CHAINLINK_WORKING, sight.chainlink)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sight:
    """Both oracles as one call sees them; None = broken. Prices [18 decimals]."""

    chainlink: Reading | None
    chainlink_frozen: bool
    chainlink_jumped: bool
    tellor: Reading | None
    tellor_frozen: bool

    @property
    def agree(self) -> bool:
        """`_bothOraclesLiveAndUnbrokenAndSimilarPrice`."""
        if self.chainlink is None or self.tellor is None or self.chainlink_frozen or self.tellor_frozen:
            return False
        return similar(self.chainlink.answer, self.tellor.answer)


def similar(chainlink: int, tellor: int) -> bool:
    """Whether two prices differ by at most 5 % of the lower, rounded down."""
    low, high = sorted((chainlink, tellor))
    return (high - low) * WAD // low <= MAX_DIFFERENCE_WAD


def jumped(price: int, before: int) -> bool:
    """Whether two rounds differ by more than 50 % of the higher: it more than doubled or more than halved."""
    low, high = sorted((price, before))
    return (high - low) * WAD // high > MAX_CHANGE_WAD


def _sight(parameters: LiquityPriceFeed, chainlink: RoundSource, now: int) -> _Sight:
    last = _sound(chainlink.read(now), now, chainlink.decimals)
    before = None
    if last is not None:
        before = _sound(chainlink.read_round(last.round_id - 1, now), now, chainlink.decimals)
    tellor = None
    if parameters.tellor is not None:
        tellor = _sound(parameters.tellor.read(now), now, parameters.tellor.decimals, needs_round=False)
    sound = last if before is not None else None
    return _Sight(
        chainlink=sound,
        chainlink_frozen=sound is not None and _frozen(parameters, sound, now),
        chainlink_jumped=sound is not None and before is not None and jumped(sound.answer, before.answer),
        tellor=tellor,
        tellor_frozen=tellor is not None and _frozen(parameters, tellor, now),
    )


def _sound(found: Reading | Failed, now: int, decimals: int, *, needs_round: bool = True) -> Reading | None:
    if isinstance(found, Failed) or (needs_round and found.round_id == 0) or found.answer <= 0:
        return None
    if found.updated_at == 0 or found.updated_at > now:
        return None
    return replace(found, answer=found.answer * 10 ** (TARGET_DECIMALS - decimals))


def _frozen(parameters: LiquityPriceFeed, found: Reading, now: int) -> bool:
    return parameters.timeout_s is not None and found.age_at(now) > parameters.timeout_s


def _store(status: Status, price: Reading, reason: str = "") -> tuple[LiquityState, Reading]:
    told = replace(price, reason=reason) if reason else price
    return LiquityState(status=status, last_good=told), told


def _keep(status: Status, state: LiquityState) -> tuple[LiquityState, Reading]:
    return replace(state, status=status), replace(state.last_good, reason="last good")


def _tellor_or_last(status: Status, state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    if sight.tellor is None or sight.tellor_frozen:
        return _keep(status, state)
    return _store(status, sight.tellor, "tellor")


def _decide(state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    cases = {
        Status.CHAINLINK_WORKING: _when_chainlink_works,
        Status.TELLOR_CHAINLINK_UNTRUSTED: _when_chainlink_is_untrusted,
        Status.BOTH_UNTRUSTED: _when_both_are_untrusted,
        Status.TELLOR_CHAINLINK_FROZEN: _when_chainlink_is_frozen,
        Status.CHAINLINK_TELLOR_UNTRUSTED: _when_tellor_is_untrusted,
    }
    return cases[state.status](state, sight)


def _when_chainlink_works(state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    tellor_broken = sight.tellor is None
    if sight.chainlink is None:
        return _distrust_chainlink(state, sight)
    if sight.chainlink_frozen:
        status = Status.CHAINLINK_TELLOR_UNTRUSTED if tellor_broken else Status.TELLOR_CHAINLINK_FROZEN
        return _tellor_or_last(status, state, sight)
    if sight.chainlink_jumped:
        if sight.agree:
            return _store(Status.CHAINLINK_WORKING, sight.chainlink)
        return _distrust_chainlink(state, sight)
    status = Status.CHAINLINK_TELLOR_UNTRUSTED if tellor_broken else Status.CHAINLINK_WORKING
    return _store(status, sight.chainlink)


def _distrust_chainlink(state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    if sight.tellor is None:
        return _keep(Status.BOTH_UNTRUSTED, state)
    return _tellor_or_last(Status.TELLOR_CHAINLINK_UNTRUSTED, state, sight)


def _when_chainlink_is_untrusted(state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    if sight.agree and sight.chainlink is not None:
        return _store(Status.CHAINLINK_WORKING, sight.chainlink)
    return _distrust_chainlink(state, sight)


def _when_both_are_untrusted(state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    if sight.agree and sight.chainlink is not None:
        return _store(Status.CHAINLINK_WORKING, sight.chainlink)
    return _keep(Status.BOTH_UNTRUSTED, state)


def _when_chainlink_is_frozen(state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    if sight.chainlink is None:
        return _distrust_chainlink(state, sight)
    if sight.tellor is None:
        if sight.chainlink_frozen:
            return _keep(Status.CHAINLINK_TELLOR_UNTRUSTED, state)
        return _store(Status.CHAINLINK_TELLOR_UNTRUSTED, sight.chainlink)
    if sight.chainlink_frozen or sight.tellor_frozen:
        return _tellor_or_last(Status.TELLOR_CHAINLINK_FROZEN, state, sight)
    if sight.agree:
        return _store(Status.CHAINLINK_WORKING, sight.chainlink)
    return _store(Status.TELLOR_CHAINLINK_UNTRUSTED, sight.tellor, "tellor")


def _when_tellor_is_untrusted(state: LiquityState, sight: _Sight) -> tuple[LiquityState, Reading]:
    if sight.chainlink is None:
        return _keep(Status.BOTH_UNTRUSTED, state)
    if sight.chainlink_frozen:
        return _keep(Status.CHAINLINK_TELLOR_UNTRUSTED, state)
    if sight.agree:
        return _store(Status.CHAINLINK_WORKING, sight.chainlink)
    if sight.chainlink_jumped:
        return _keep(Status.BOTH_UNTRUSTED, state)
    return _store(Status.CHAINLINK_TELLOR_UNTRUSTED, sight.chainlink)
