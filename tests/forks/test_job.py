"""The parts of the job that need no crash: what an order refuses at once, and seconds by phase."""

from __future__ import annotations

from pathlib import Path

import pytest

from forks.crash.errors import CannotWrite
from forks.crash.job import Order, require_usable
from forks.crash.stopwatch import Stopwatch
from stress.book_fields import BookError
from stress.scenario import ScenarioError


def test_what_is_shipped_is_usable(tmp_path):
    require_usable(Order(out=tmp_path / "out"))
    require_usable(Order(book="weth-dai", out=tmp_path / "out"))


@pytest.mark.parametrize(
    ("order", "refused"),
    [
        ({"book": "no such book"}, BookError),
        ({"book": Path("no/such/book.toml")}, BookError),
        ({"scenario": "no such scenario"}, ScenarioError),
        ({"scenario": Path("no/such/scenario.toml")}, ScenarioError),
    ],
)
def test_a_book_or_scenario_that_is_not_there_is_refused_before_anything_starts(tmp_path, order, refused):
    with pytest.raises(refused) as error:
        require_usable(Order(**order, out=tmp_path / "out"))

    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_holds_something_else_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")

    with pytest.raises(CannotWrite, match="something else"):
        require_usable(Order(out=tmp_path))


def test_a_phase_entered_twice_is_one_and_one_that_fails_counts():
    watch = Stopwatch()
    for _ in range(2):
        with watch.phase("open"):
            pass
    with pytest.raises(CannotWrite), watch.phase("crash"):
        raise CannotWrite(Path("out"), "no space")

    assert list(watch.seconds) == ["open", "crash"]
    assert all(isinstance(seconds, float) and seconds >= 0 for seconds in watch.seconds.values())
