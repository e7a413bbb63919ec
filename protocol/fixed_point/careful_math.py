"""Checked arithmetic that says which operation failed, for contracts that answer each in their own words.

Equal integers to `uint256`. Mirrors `CarefulMath`, contracts/CarefulMath.sol (compound-finance/compound-protocol
@ae4388e), and Solidity's own checks. A fault is a revert named as Solidity 0.8 would name it, until the rules of a
contract give it another name or make an error code of it. Arguments are unsigned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import TracebackType
from typing import Final

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import DIVISION_BY_ZERO, OVERFLOW
from protocol.units import MAX_UINT256


class Fault(Enum):
    """The operation that has no result."""

    ADDITION = "above 2**256 - 1"
    SUBTRACTION = "below zero"
    MULTIPLICATION = "a product above 2**256 - 1"
    DIVISION = "a zero divisor"


PANICS: Final = dict.fromkeys(Fault, OVERFLOW) | {Fault.DIVISION: DIVISION_BY_ZERO}
"""What Solidity 0.8 reverts with."""


class ArithmeticFault(EvmRevert):
    """An operation without a result, and its numbers."""

    def __init__(self, fault: Fault, **numbers: int) -> None:
        self.fault = fault
        super().__init__(PANICS[fault], **numbers)


def add(a: int, b: int) -> int:
    """`a + b`."""
    total = a + b
    if total > MAX_UINT256:
        raise ArithmeticFault(Fault.ADDITION, a=a, b=b)
    return total


def sub(a: int, b: int) -> int:
    """`a - b`."""
    if b > a:
        raise ArithmeticFault(Fault.SUBTRACTION, a=a, b=b)
    return a - b


def mul(a: int, b: int) -> int:
    """`a * b`."""
    product = a * b
    if product > MAX_UINT256:
        raise ArithmeticFault(Fault.MULTIPLICATION, a=a, b=b)
    return product


def div_down(a: int, b: int) -> int:
    """`a / b` rounded down."""
    if b == 0:
        raise ArithmeticFault(Fault.DIVISION, a=a)
    return a // b


def mul_div_down(a: int, b: int, c: int) -> int:
    """`a * b / c` rounded down; the product must fit."""
    return div_down(mul(a, b), c)


class Told:
    """Faults within raise what `tell` makes of them: a contract's own words or its error code.

    A class and no generator: there are dozens of them in every call.
    """

    __slots__ = ("_tell",)

    def __init__(self, tell: Callable[[ArithmeticFault], Exception]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise in place of a fault; anything else passes."""
        if isinstance(error, ArithmeticFault):
            raise self._tell(error) from None


told = Told


def renamed(fault: ArithmeticFault, names: Mapping[Fault, str]) -> EvmRevert:
    """The revert of a fault by a table of names."""
    return EvmRevert(names[fault.fault], **fault.numbers)
