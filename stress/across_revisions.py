"""One account under several rule sets: what each says of it, and where they part."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from protocol.errors import EvmRevert
from stress.small_market import RuleSet

Facts = Mapping[str, int | str]
"""Name of a value to the value: amounts in asset or base units, or the name of an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What one rule set says."""

    rule_set: RuleSet
    facts: Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One account and one liquidation of it, made for whichever rule set is asked."""

    market: Callable[[RuleSet], Any]
    user: str
    call: Callable[[RuleSet], Any]
    prices_base: Mapping[int, int]
    timestamp: int
    names: Mapping[int, str]
    """Reserve id to what it is called in the answers."""


def ask(question: Question, rule_set: RuleSet) -> Asked:
    """Account data before, one liquidation, account data after."""
    market, at = (
        question.market(rule_set),
        {"prices_base": question.prices_base, "timestamp": question.timestamp},
    )
    facts: dict[str, int | str] = _account(rule_set, market, question, "before")
    outcome = rule_set.package.liquidation_call(market, question.call(rule_set), **at)
    if isinstance(outcome, rule_set.package.Revert):
        return Asked(rule_set=rule_set, facts=facts | {"liquidation.refused_with": outcome.name})
    facts["liquidation.debt_repaid"] = outcome.debt_repaid
    facts["liquidation.collateral_to_liquidator"] = outcome.collateral_to_liquidator
    facts["liquidation.protocol_fee"] = getattr(outcome, "protocol_fee", 0)
    for reserve_id, amount in getattr(outcome, "deficits", {}).items():
        facts[f"liquidation.deficit.{question.names[reserve_id]}"] = amount
    return Asked(rule_set=rule_set, facts=facts | _account(rule_set, outcome.market, question, "after"))


def _account(rule_set: RuleSet, market: Any, question: Question, when: str) -> dict[str, int | str]:
    try:
        data = rule_set.package.account_data(
            market, question.user, prices_base=question.prices_base, timestamp=question.timestamp
        )
    except EvmRevert as revert:
        return {f"{when}.reverts": revert.name}
    return {f"{when}.{name}": value for name, value in asdict(data).items()}


def by_value(asked: Sequence[Asked]) -> dict[str, dict[int | str, list[str]]]:
    """Name of each value to what it is and the revisions that say so, in order of first appearance.

    A value that a revision does not have, such as a deficit before v3.3, is `absent` there.
    """
    names = list(dict.fromkeys(name for one in asked for name in one.facts))
    found: dict[str, dict[int | str, list[str]]] = {name: {} for name in names}
    for one in asked:
        for name in names:
            found[name].setdefault(one.facts.get(name, "absent"), []).append(one.rule_set.name)
    return found


def changed_rules(earlier: RuleSet, later: RuleSet) -> dict[str, tuple[Any, Any]]:
    """Columns in which two rows of the table of revisions differ, with both rules; none where one has no table."""
    if not earlier.columns or not later.columns:
        return {}
    return {
        name: (before, later.columns[name])
        for name, before in earlier.columns.items()
        if before != later.columns[name]
    }


def named(rule: Any) -> str:
    """A formula by its name, a choice by its name, a number as it is: for a machine."""
    return str(getattr(rule, "__name__", None) or getattr(rule, "name", None) or rule)


def in_words(rule: Any) -> str:
    """A rule for a person: what a formula says of itself, which way one of plain arithmetic rounds, yes or no."""
    if rule is None or isinstance(rule, bool):
        return {None: "there is none", True: "yes", False: "no"}[rule]
    if isinstance(rule, Enum):
        return str(rule.value)
    if not callable(rule):
        return str(rule)
    rounding = _ROUNDING.search(named(rule))
    if rounding:
        return rounding[1].replace("_", " ")
    first_line, *_ = (inspect.getdoc(rule) or named(rule)).split("\n")
    says = _STRESSED.sub(r"\1", _NOTES.sub("", first_line)).split(". ")[0].strip(" .")
    return says[0].lower() + says[1:]


_ROUNDING = re.compile(r"_(half_up|down|up)$")
_STRESSED = re.compile(r"\*(\w+)\*")
_NOTES = re.compile(r" *\[[^]]*\]|; `.*")
"""Units and tags of a docstring, and the place it mirrors."""
