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


class InvalidPartConfig(OracleError):
    """A field of a source or part outside its range, or a source that a part cannot stand over; `field` names the
    index where there is one.
    """

    def __init__(self, part: str, field: str, found: object, wanted: str) -> None:
        self.part, self.field, self.found, self.wanted = part, field, found, wanted
        super().__init__(f"{part} {field} is {found!r}; it must be {wanted}")


class ScheduleRunsBackwards(OracleError):
    """An action of a schedule that is earlier than the one before it (the same block is allowed)."""

    def __init__(self, what: str, index: int, before: int, found: int) -> None:
        self.what, self.index, self.before, self.found = what, index, before, found
        super().__init__(f"{what}[{index}] is at {found}, before {before}; order the schedule by time")


class UnknownSymbol(OracleError):
    """A symbol that no market of the view is configured for."""

    def __init__(self, what: str, symbol: str, known: tuple[str, ...]) -> None:
        self.what, self.symbol, self.known = what, symbol, known
        super().__init__(f"{what} names {symbol!r}; the configured symbols are {', '.join(known) or 'none'}")


class TickOutOfRange(OracleError):
    """A tick of a pool beyond those that have a price."""

    def __init__(self, what: str, tick: int, limit: int) -> None:
        self.what, self.tick, self.limit = what, tick, limit
        super().__init__(f"{what} is {tick}; ticks run from {-limit} to {limit}")


class SqrtRatioOutOfRange(OracleError):
    """A square root of a price that no tick has."""

    def __init__(self, sqrt_ratio_x96: int, least: int, below: int) -> None:
        self.sqrt_ratio_x96, self.least, self.below = sqrt_ratio_x96, least, below
        super().__init__(f"sqrt ratio {sqrt_ratio_x96} has no tick; it must be from {least} to below {below}")


class SnapshotRefused(OracleError):
    """A snapshot that the cap's contract would not take."""

    def __init__(self, index: int, error: str, found: int, wanted: str) -> None:
        self.index, self.error, self.found, self.wanted = index, error, found, wanted
        super().__init__(f"snapshots[{index}] is refused with {error}: {found} must be {wanted}")


class NoEarlierRounds(OracleError):
    """A consumer that looks at the round before stands over a source that keeps only the last."""

    def __init__(self, part: str, source: str) -> None:
        self.part, self.source = part, source
        super().__init__(
            f"{part} reads the round before, which {source} does not keep; put it over the feed itself"
        )


class UnknownColumns(OracleError):
    """A table whose header lacks a column that is needed."""

    def __init__(self, what: str, missing: str, found: tuple[str, ...]) -> None:
        self.what, self.missing, self.found = what, missing, found
        super().__init__(f"{what} has no column for {missing}; its header is {', '.join(found) or 'empty'}")


class UnreadableCell(OracleError):
    """A cell of a table that is not what its column holds; `index` counts rows after the header from 0."""

    def __init__(self, what: str, index: int, column: str, found: object, wanted: str) -> None:
        self.what, self.index, self.column, self.found = what, index, column, found
        super().__init__(f"{what}[{index}] {column!r} is {found!r}; it must be {wanted}")


class RepeatedRound(OracleError):
    """A round that a table holds twice."""

    def __init__(self, index: int, round_id: int) -> None:
        self.index, self.round_id = index, round_id
        super().__init__(f"rounds[{index}] has round {round_id} again; give every round once")


class TooFewRounds(OracleError):
    """A history too short for what is asked of it."""

    def __init__(self, n_rounds: int, needed: int, n_dropped: int) -> None:
        self.n_rounds, self.needed, self.n_dropped = n_rounds, needed, n_dropped
        super().__init__(
            f"{n_rounds} rounds have an answer and {n_dropped} have none; give at least {needed} with one"
        )


class UnknownPhase(OracleError):
    """A phase of a proxy that a history has no rounds of."""

    def __init__(self, phase: int, known: tuple[int, ...]) -> None:
        self.phase, self.known = phase, known
        super().__init__(f"no round is of phase {phase}; the history has {', '.join(map(str, known))}")


class NoOverlap(OracleError):
    """A round history and a market that have no time in common."""

    def __init__(self, rounds: tuple[int, int], market: tuple[int, int]) -> None:
        self.rounds, self.market = rounds, market
        super().__init__(
            f"the rounds run from {rounds[0]} to {rounds[1]} and the market from {market[0]} to {market[1]}; "
            "give a market that the rounds cover"
        )


class FleetCannot(OracleError):
    """A feed that a fleet of paths cannot run at once, or not exactly; `run_push_feed` can."""

    def __init__(self, field: str, found: object, wanted: str) -> None:
        self.field, self.found, self.wanted = field, found, wanted
        super().__init__(f"a fleet's {field} is {found!r}; it must be {wanted}, or run the paths one by one")
