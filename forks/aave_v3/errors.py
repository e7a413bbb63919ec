"""What can go wrong with a market and its positions: one class per cause."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


class NothingToDo(ForkError):
    """No borrower is left to let the market fall on."""

    def __init__(self, why: str) -> None:
        super().__init__(f"nothing to do: {why}")


class AccountsEmpty(ForkError):
    """Accounts were named that have neither collateral nor debt in this market."""

    def __init__(self, accounts: Sequence[str], block: int) -> None:
        self.accounts, self.block = tuple(accounts), block
        shown = ", ".join(self.accounts[:3]) + (", ..." if len(self.accounts) > 3 else "")
        super().__init__(
            f"{len(self.accounts)} of the accounts have no position at block {block}: {shown}; leave them out"
        )


class CannotWrite(ForkError):
    """The results have no place where they were to go."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder, self.reason = folder, reason
        super().__init__(f"cannot write to {folder}: {reason}; choose another --out")


class SetUpRefused(ForkError):
    """The pool refused a call that the set-up needs."""

    def __init__(self, function: str, arguments: Sequence[Any], reason: str) -> None:
        self.function, self.arguments, self.reason = function, tuple(arguments), reason
        shown = ", ".join(str(argument) for argument in arguments)
        super().__init__(
            f"{function} with ({shown}) reverts with {reason or 'no reason'}: choose another book or block"
        )
