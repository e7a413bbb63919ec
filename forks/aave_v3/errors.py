"""What can go wrong with a market and its positions: one class per cause."""

from __future__ import annotations

from pathlib import Path

from forks.errors import ForkError


class NoMarketHere(ForkError):
    """There is no Aave v3 pool where one was looked for."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(f"no Aave v3 pool at {where}: name one with --pool ADDRESS")


class RevisionNotTold(ForkError):
    """A state file holds a pool that answers revision 1, as every release up to 3.0.2 may."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path}: its pool answers POOL_REVISION 1, which releases up to 3.0.2 share, so its rules are not "
            "known: take a dump of a later release, or --state mainnet-19471508, which builds that market anew"
        )
