"""Which protocols have a model: the `protocol` of a vector file picks a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from forks.recordings import (
    aave_v2,
    aave_v2_mainnet,
    aave_v3,
    aave_v4,
    compound_v2,
    compound_v2_mainnet,
    compound_v3,
    morpho_blue,
    venus_isolated,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """How the records of one protocol are read and replayed."""

    record: type[BaseModel]
    """State and action of one case."""
    replayed: Callable[[Any, str], dict[str, Any]]
    """(record, revision) -> what the model says, in the layout of `expect`"""
    revisions: Callable[[], Sequence[str]]
    """The revisions that are modelled; none = what the file calls a revision picks no rules."""


FAMILIES = {
    "aave_v2": Family(record=aave_v2.Record, replayed=aave_v2.replayed, revisions=aave_v2.revisions),
    "aave_v2_mainnet": Family(
        record=aave_v2_mainnet.Record, replayed=aave_v2_mainnet.replayed, revisions=aave_v2_mainnet.revisions
    ),
    "aave_v3": Family(record=aave_v3.Record, replayed=aave_v3.replayed, revisions=aave_v3.revisions),
    "aave_v4": Family(record=aave_v4.Record, replayed=aave_v4.replayed, revisions=aave_v4.revisions),
    "compound_v2": Family(
        record=compound_v2.Record, replayed=compound_v2.replayed, revisions=compound_v2.revisions
    ),
    "compound_v2_mainnet": Family(
        record=compound_v2_mainnet.Record,
        replayed=compound_v2_mainnet.replayed,
        revisions=compound_v2_mainnet.revisions,
    ),
    "compound_v3": Family(
        record=compound_v3.Record, replayed=compound_v3.replayed, revisions=compound_v3.revisions
    ),
    "morpho_blue": Family(
        record=morpho_blue.Record, replayed=morpho_blue.replayed, revisions=morpho_blue.revisions
    ),
    "venus_isolated": Family(
        record=venus_isolated.Record, replayed=venus_isolated.replayed, revisions=venus_isolated.revisions
    ),
}
