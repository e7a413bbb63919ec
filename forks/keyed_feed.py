"""A price oracle that we set: a few bytes of code of our own, created like any other contract.

Whatever function is called, the storage slot that its first argument names is the answer; without an argument
it is slot 0. A second word of zero follows, for who expects a pair. An answer is 0 until it is set.
"""

from __future__ import annotations

from forks.artifacts import Artifact
from forks.chain import Chain

_RUNTIME = "6004355460005260406000f3"
_CREATION = "600c8060093d393df3"
"""Returns the 12 bytes that follow it."""

KEYED_FEED = Artifact(
    name="KeyedFeed",
    source="forks/keyed_feed.py",
    abi=[],
    bytecode=_CREATION + _RUNTIME,
    link_references={},
)
"""Its code is good before Shanghai too."""


def set_answer(chain: Chain, feed: str, word: int, *, asked_about: str | int = 0) -> None:
    """Let `feed` answer `word`; `asked_about`: the argument, an address or a whole word."""
    key = asked_about if isinstance(asked_about, int) else int(asked_about, 16)
    chain.set_storage(feed, key, word)
