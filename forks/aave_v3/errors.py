"""What can go wrong with a market and its positions: one class per cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forks.errors import ForkError


class NoMarketHere(ForkError):
    """There is no Aave v3 pool where one was looked for."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(f"no Aave v3 pool at {where}: name one with --pool ADDRESS")


class NothingToDo(ForkError):
    """No borrower is left to let the market fall on."""

    def __init__(self, why: str) -> None:
        super().__init__(f"nothing to do: {why}")


class SetUpRefused(ForkError):
    """The pool refused a call that the set-up needs."""

    def __init__(self, function: str, arguments: Sequence[Any], reason: str) -> None:
        self.function, self.arguments, self.reason = function, tuple(arguments), reason
        shown = ", ".join(str(argument) for argument in arguments)
        super().__init__(
            f"{function} with ({shown}) reverts with {reason or 'no reason'}: choose another book or block"
        )
