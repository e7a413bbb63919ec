"""What every test of the rules shares: reverts are those of `reverts.py`, and fields hold what they say."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from protocol import aave_v2, aave_v3, aave_v4, compound_v2, compound_v3, morpho_blue, venus_isolated
from protocol.errors import EvmRevert
from tests.protocol.reverts import RENAMED, REVERTS

_PLAIN_INIT = EvmRevert.__init__
_raised: list[EvmRevert] = []
"""The last revert that the model raised."""


class UnlistedRevert(AssertionError):
    """The model reverted under a name, or with numbers, that `reverts.py` does not list for that module."""


def _checked(self: EvmRevert, name: str, **numbers: int) -> None:
    module = sys._getframe(1).f_globals["__name__"]
    if module.startswith("protocol.") and module not in RENAMED:
        forms = REVERTS.get(module, {}).get(name)
        if forms is None or " ".join(numbers) not in forms.split(" | "):
            raise UnlistedRevert(f"{module} reverts {name!r} with {list(numbers)}: list it in reverts.py")
        if any(type(number) is not int for number in numbers.values()):
            raise UnlistedRevert(f"{module} reverts {name!r} with what is no number: {numbers}")
    _PLAIN_INIT(self, name, **numbers)
    _raised[:] = [self]


@pytest.fixture(autouse=True)
def _every_revert_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every revert of the test's own process against the list."""
    monkeypatch.setattr(EvmRevert, "__init__", _checked)


RULE_SETS = (aave_v2, aave_v3, aave_v4, compound_v2, compound_v3, morpho_blue, venus_isolated)
OUTCOMES = [kind for rule_set in RULE_SETS for kind in (rule_set.Acted, rule_set.Liquidated)] + [
    compound_v3.Bought,
    venus_isolated.AccountLiquidated,
    venus_isolated.Healed,
]
REFUSALS = [rule_set.Revert for rule_set in RULE_SETS]
TYPES = {"int": int, "bool": bool}


class UntypedState(AssertionError):
    """An outcome holds something else than the integers and flags that its fields declare."""


def _parts(value: Any) -> Iterator[Any]:
    """Every dataclass in a market: its reserves, its positions and what is in them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _parts(one)


def _hold_types(value: Any) -> None:
    for part in _parts(value):
        for field in dataclasses.fields(part):
            found, kind = getattr(part, field.name), TYPES.get(str(field.type))
            if kind is None:
                _hold_types(found)
            elif type(found) is not kind:
                raise UntypedState(f"{type(part).__name__}.{field.name} is {found!r}, no {field.type}")


def _typed(plain_init: Callable[..., None]) -> Callable[..., None]:
    def checked(self: Any, **values: Any) -> None:
        plain_init(self, **values)
        _hold_types(self)

    return checked


class NumbersLost(AssertionError):
    """A refusal tells other numbers than the revert that it comes from."""


def _telling(plain_init: Callable[..., None]) -> Callable[..., None]:
    def checked(self: Any, **values: Any) -> None:
        plain_init(self, **values)
        is_raised = bool(_raised) and sys._getframe(1).f_globals["__name__"].startswith("protocol.")
        if is_raised and self.numbers != _raised[0].numbers:
            raise NumbersLost(
                f"{self.name} was raised with {_raised[0].numbers} and returned with {self.numbers}"
            )

    return checked


@pytest.fixture(autouse=True)
def _every_refusal_keeps_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every refusal that an action returns against the revert that was raised in it."""
    for kind in REFUSALS:
        monkeypatch.setattr(kind, "__init__", _telling(kind.__init__))


@pytest.fixture(autouse=True)
def _every_outcome_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every outcome of the test's own process against the declared types of its fields."""
    for kind in OUTCOMES:
        monkeypatch.setattr(kind, "__init__", _typed(kind.__init__))
