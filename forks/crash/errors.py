"""What can go wrong with a crash on a node: one class per cause."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forks.errors import ForkError


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


class NotMined(ForkError):
    """The node took a transaction and did not mine it in time."""

    def __init__(self, function: str, borrower: str, wait_s: float) -> None:
        self.function, self.borrower, self.wait_s = function, borrower, wait_s
        super().__init__(
            f"{function} of {borrower} was not mined within {wait_s:g} s: see what else uses the node, "
            "or use another endpoint"
        )
