"""What can be wrong with a price path, a feed's configuration or a question to it: one class per cause."""

from __future__ import annotations


class OracleError(ValueError):
    """Base of every refusal of this package; commands end with `exit_code`."""

    exit_code = 2


class PathShapeMismatch(OracleError):
    """Times and prices of a path differ in number, or there are none."""

    def __init__(self, n_times: int, n_prices: int) -> None:
        self.n_times, self.n_prices = n_times, n_prices
        super().__init__(
            f"a market path has {n_times} times and {n_prices} prices; give one price per time, at least one"
        )


class NotAnExactInteger(OracleError):
    """A time or price that is not a whole number held as an integer (a float, NaN, a string)."""

    def __init__(self, what: str, index: int, found: object) -> None:
        self.what, self.index, self.found = what, index, found
        super().__init__(
            f"{what}[{index}] is {found!r}; give an integer (prices in units of the feed's decimals)"
        )


class TimesNotIncreasing(OracleError):
    """A time that is not later than the one before it."""

    def __init__(self, what: str, index: int, before: int, found: int) -> None:
        self.what, self.index, self.before, self.found = what, index, before, found
        super().__init__(
            f"{what}[{index}] is {found}, not after {before}; sort the times and drop repeated ones"
        )


class PriceNotPositive(OracleError):
    """A market price of zero or below."""

    def __init__(self, index: int, found: int) -> None:
        self.index, self.found = index, found
        super().__init__(f"prices[{index}] is {found}; a market price must be above 0")


class BeforePathStarts(OracleError):
    """The market was asked for before the first time of its path."""

    def __init__(self, timestamp: int, starts_at: int) -> None:
        self.timestamp, self.starts_at = timestamp, starts_at
        super().__init__(
            f"no market price at {timestamp}: the path starts at {starts_at}; extend it backwards"
        )


class InvalidFeedConfig(OracleError):
    """A field of a feed's configuration outside its range."""

    def __init__(self, field: str, found: object, wanted: str) -> None:
        self.field, self.found, self.wanted = field, found, wanted
        super().__init__(f"feed {field} is {found!r}; it must be {wanted}")


class NoBlocks(OracleError):
    """A feed was run over no blocks."""

    def __init__(self) -> None:
        super().__init__("block_timestamps is empty; a feed needs at least one block to land in")


class NoAnswerYet(OracleError):
    """A feed was read before its first transmission landed, where an aggregator returns zeros."""

    def __init__(self, timestamp: int, first_at: int | None) -> None:
        self.timestamp, self.first_at = timestamp, first_at
        when = "never" if first_at is None else f"at {first_at}"
        super().__init__(f"the feed has no answer at {timestamp}: its first transmission lands {when}")


class TransmissionsOutOfOrder(OracleError):
    """Neighbouring transmissions of a record whose round, block or time runs backwards."""

    def __init__(self, index: int, field: str, before: int, found: int) -> None:
        self.index, self.field, self.before, self.found = index, field, before, found
        super().__init__(
            f"transmissions[{index}].{field} is {found} after {before}; order the record by round"
        )
