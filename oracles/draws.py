"""Draws that know where they belong: each is a function of (seed, feed, round, what), never of an order of calls.

So a longer path, another feed or a question asked twice changes no draw that was made before. The bits are SHAKE-256
of that key and all arithmetic on them is in integers: the same draws on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import shake_256
from struct import unpack

from oracles.scales import PPB

_N_FIRST_WORDS = 8
"""A node that may be silent, late and off takes one, one and six."""
_N_UNIFORMS = 12
"""So many uniform numbers on [0, 1) have a sum of variance 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """Where the draws of one feed come from."""

    seed: int = 0
    """Any integer."""
    feed: str = ""
    """Name of the feed: two feeds of one seed draw apart."""

    def at(self, instant: int, what: str) -> Stream:
        """The draws of the round at `instant` [unix seconds] for one purpose, always from the first on."""
        return Stream(repr((self.seed, self.feed, instant, what)))


class Stream:
    """Words of 64 bits, one after another without end; nothing is computed before the first is taken."""

    __slots__ = ("_key", "_taken", "_words")

    def __init__(self, key: str) -> None:
        self._key = key
        self._words: tuple[int, ...] = ()
        self._taken = 0

    def word(self) -> int:
        """The next word: uniform on [0, 2^64)."""
        return self.words(1)[0]

    def words(self, n: int) -> tuple[int, ...]:
        """The next `n` words, as one after another would give them."""
        end = self._taken + n
        if end > len(self._words):
            n_words = max(_N_FIRST_WORDS, 2 * end)
            self._words = unpack(f"<{n_words}Q", shake_256(self._key.encode()).digest(8 * n_words))
        taken = self._words[self._taken : end]
        self._taken = end
        return taken

    def below(self, n: int) -> int:
        """Uniform on [0, n), to within n / 2^64. Takes one word."""
        return self.word() * n >> 64

    def happens(self, chance_ppb: int) -> bool:
        """Whether something of this chance [ppb] happens. Takes one word, or none where it is certain either way."""
        if chance_ppb <= 0 or chance_ppb >= PPB:
            return chance_ppb > 0
        return self.word() * PPB < chance_ppb << 64

    def near_normal(self, deviation: int) -> int:
        """A number of mean 0 and this standard deviation, any unit; never farther out than six of them.

        The sum of 12 uniform numbers (Irwin and Hall), in integers, to the nearest. Takes six words, none for 0.
        """
        if not deviation:
            return 0
        halves = sum((word >> 32) + (word & 0xFFFF_FFFF) for word in self.words(_N_UNIFORMS // 2))
        centred = halves - (_N_UNIFORMS // 2) * 0xFFFF_FFFF
        return (2 * deviation * centred + (1 << 32)) >> 33
