"""A rollup whose sequencer stops: the blocks that were never made, while the market goes on.

Users are served by no one, so nothing lands and no clock of a contract moves. What consumers do after the restart is
theirs (`oracles.sequencer_sentinel`).
"""

from __future__ import annotations

from collections.abc import Sequence

from oracles.windows import Window, inside


def standing_blocks(block_timestamps: Sequence[int], windows: Sequence[Window]) -> Sequence[int]:
    """Places in `block_timestamps` [unix seconds] of the blocks that exist when there are none in `windows`."""
    if not windows:
        return range(len(block_timestamps))
    return tuple(place for place, time in enumerate(block_timestamps) if not inside(windows, time))
