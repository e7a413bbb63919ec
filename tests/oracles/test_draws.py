"""Draws belong to (seed, feed, round, what) and to nothing else; their arithmetic is exact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oracles.draws import Draws, Stream
from oracles.scales import PPB

keys = st.tuples(
    st.integers(-3, 3),
    st.sampled_from(["", "ETH/USD", "a', 1"]),
    st.integers(0, 3),
    st.sampled_from(["x", "y"]),
)


def stream_of(key: tuple[int, str, int, str]) -> Stream:
    seed, feed, instant, what = key
    return Draws(seed=seed, feed=feed).at(instant, what)


class Fixed(Stream):
    """A stream that gives one word for ever."""

    __slots__ = ("fixed",)

    def __init__(self, fixed: int) -> None:
        super().__init__("")
        self.fixed = fixed

    def words(self, n: int) -> tuple[int, ...]:
        return (self.fixed,) * n


@given(st.dictionaries(keys, st.integers(1, 40), min_size=2), st.randoms(use_true_random=False))
def test_no_order_of_calls_changes_a_draw(wanted, shuffle):
    alone = {key: list(stream_of(key).words(n)) for key, n in wanted.items()}
    calls = [key for key, n in wanted.items() for _ in range(n)]
    shuffle.shuffle(calls)
    streams = {key: stream_of(key) for key in wanted}
    mixed: dict[object, list[int]] = {key: [] for key in wanted}
    for key in calls:
        mixed[key].append(streams[key].word())

    assert mixed == alone


@given(keys, keys)
def test_two_keys_share_no_draw(one, other):
    first, second = ({stream.word() for _ in range(20)} for stream in (stream_of(one), stream_of(other)))

    assert len(first) == 20
    assert first == second if one == other else not first & second


def test_the_bits_are_the_same_everywhere():
    stream = Draws(seed=7, feed="ETH/USD").at(1_700_000_000, "node 0")

    assert [stream.word() for _ in range(3)] == [
        16546344570123763182,
        845528457730069739,
        14735476431682080122,
    ]


def test_a_number_below_n_takes_the_whole_range_evenly():
    stream = Draws(seed=1).at(0, "below")
    counts = [0] * 5
    for _ in range(5000):
        counts[stream.below(5)] += 1

    # chi square of 4 degrees of freedom: 18.5 is passed once in a thousand seeds
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 18.5
    assert (Fixed(0).below(5), Fixed(2**64 - 1).below(5)) == (0, 4)


def test_a_chance_is_met_as_often_as_it_says_and_certainty_draws_nothing():
    stream = Draws(seed=1).at(0, "happens")
    met = sum(stream.happens(PPB // 4) for _ in range(4000))

    assert abs(met - 1000) < 4 * 27.4  # four standard deviations
    assert (Fixed(0).happens(1), Fixed(2**64 - 1).happens(PPB - 1)) == (True, False)
    still = Draws().at(5, "still")
    assert (still.happens(0), still.happens(PPB), still.near_normal(0)) == (False, True, 0)
    assert still.word() == Draws().at(5, "still").word()


def test_near_normal_errors_have_their_deviation_and_end_at_six_of_it():
    stream = Draws(seed=1).at(0, "normal")
    drawn = [stream.near_normal(10**6) for _ in range(5000)]
    mean = sum(drawn) / 5000
    deviation_ratio = (sum((x - mean) ** 2 for x in drawn) / 5000) ** 0.5 / 10**6

    assert abs(mean) < 4 * 10**6 / 5000**0.5
    assert abs(deviation_ratio - 1) < 4 / (2 * 5000) ** 0.5
    assert 0.67 < sum(abs(x) < 10**6 for x in drawn) / 5000 < 0.70
    assert (Fixed(0).near_normal(10**6), Fixed(2**64 - 1).near_normal(10**6)) == (-6 * 10**6, 6 * 10**6)
