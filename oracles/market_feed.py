"""A feed without lag: the counterfactual in which the protocol sees the market at every block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oracles.errors import NoBlocks
from oracles.history import FeedHistory, Reason, Transmission
from oracles.path import MarketPath, require_increasing


@dataclass(frozen=True, slots=True)
class MarketFeed:
    """Transmits the market price in every block, so that answer and age are never behind."""

    def history(self, path: MarketPath, block_timestamps: Sequence[int]) -> FeedHistory:
        """One transmission per block: "deviation" where the price moved, "heartbeat" where it did not.

        Raises:
            NoBlocks, TimesNotIncreasing: no blocks, or blocks out of order.
            BeforePathStarts: a block earlier than the path.
        """
        blocks = tuple(block_timestamps)
        if not blocks:
            raise NoBlocks
        require_increasing("block_timestamps", blocks)
        answers = tuple(path.price_at(timestamp) for timestamp in blocks)
        return FeedHistory(
            tuple(
                Transmission(
                    round_id=index + 1,
                    observed_at=timestamp,
                    transmitted_at=timestamp,
                    block_index=index,
                    answer=answers[index],
                    reason=_reason(answers, index),
                )
                for index, timestamp in enumerate(blocks)
            )
        )


def _reason(answers: tuple[int, ...], index: int) -> Reason:
    if index == 0:
        return "first"
    return "heartbeat" if answers[index] == answers[index - 1] else "deviation"
