"""The protocols that the crash runs on, by name, and how the market of each is opened on a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module

from forks.crash.venue import Venue
from forks.crash.where import Progress, Where

Opener = Callable[[Where, Progress], AbstractContextManager[Venue]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Crashable:
    """One protocol on a node."""

    sources: str
    """The module whose `open_venue` makes its market: imported when it is asked for."""
    can_deploy: bool = True
    """The contracts can be had from the npm packages."""
    can_fork: bool = False
    """A market that stands on a chain can be forked, or loaded from a state."""
    named_states: tuple[str, ...] = ()
    """Recorded states that have a name instead of a file."""

    def open(self, where: Where, progress: Progress) -> AbstractContextManager[Venue]:
        """The market of a person's choice; when it is left our node is gone."""
        opener: Opener = import_module(self.sources).open_venue
        return opener(where, progress)


PROTOCOLS: Mapping[str, Crashable] = {
    "aave_v3": Crashable(sources="forks.aave_v3.sources", can_fork=True, named_states=("mainnet-19471508",)),
    "compound_v2": Crashable(sources="forks.compound_v2.sources"),
    "compound_v3": Crashable(sources="forks.compound_v3.sources", can_deploy=False, can_fork=True),
    "morpho_blue": Crashable(sources="forks.morpho_blue.sources"),
    "venus_isolated": Crashable(sources="forks.venus_isolated.sources"),
}
