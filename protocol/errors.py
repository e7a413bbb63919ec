"""One error class per cause, each carrying the numbers that failed.

`EvmRevert` is what the contract itself would do; the others are mistakes of the caller of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class EvmRevert(Exception):
    """The contract would revert here: the canonical error name and the numbers that failed.

    Names: the contract's own custom error, `Panic(0x11)` (overflow or underflow of checked arithmetic),
    `Panic(0x12)` (division by zero), `EmptyRevert` (a revert without data: overflow or zero divisor inside
    the assembly of the maths libraries), `SafeCastOverflowedUintDowncast`.
    """

    def __init__(self, name: str, **numbers: int) -> None:
        self.name = name
        self.numbers: Mapping[str, int] = numbers
        shown = ", ".join(f"{key}={value}" for key, value in numbers.items())
        super().__init__(f"{name}({shown})" if not name.endswith(")") else f"{name} {shown}".rstrip())


class ModelError(ValueError):
    """Base of every mistake of the caller of the model; commands end with `exit_code`."""

    exit_code = 2


class UnknownRevision(ModelError):
    """No rules are modelled for this revision of a protocol."""

    def __init__(self, revision: int | str, known: Sequence[str], *, protocol: str = "Aave v3") -> None:
        self.revision = revision
        self.known = tuple(known)
        self.protocol = protocol
        super().__init__(
            f"no rules for {protocol} revision {revision!r}: use a market of one of these: {', '.join(known)}"
        )


class UnknownReserve(ModelError):
    """A call or a position names a reserve that the market does not list."""

    def __init__(self, reserve_id: int) -> None:
        self.reserve_id = reserve_id
        super().__init__(f"the market lists no reserve {reserve_id}: add it, or leave it out of the accounts")


class MissingPrice(ModelError):
    """A price that the contract would read was not given."""

    def __init__(self, what: int | str, *, unit: str = "in base currency") -> None:
        self.what = what
        super().__init__(f"no price for {what!r}: give the observed oracle price {unit}")


class NegativePrice(ModelError):
    """An oracle price below zero: the contract's oracle never returns one."""

    def __init__(self, reserve_id: int, price_base: int) -> None:
        self.reserve_id = reserve_id
        self.price_base = price_base
        super().__init__(f"price of reserve {reserve_id} is {price_base} < 0: give a price of zero or more")


class UnknownAsset(ModelError):
    """A reserve of an Aave v4 spoke names an asset that no hub of the market lists."""

    def __init__(self, asset_id: int) -> None:
        self.asset_id = asset_id
        super().__init__(f"no hub of the market lists asset {asset_id}: add it to the market's assets")


class UnknownMarket(ModelError):
    """A call or an account names a market that is not there."""

    def __init__(self, market_id: int | str) -> None:
        self.market_id = market_id
        super().__init__(f"there is no market {market_id}: add it, or leave it out of the accounts")


class PriceNoUint(ModelError):
    """A price that no contract could read as a `uint256`."""

    def __init__(self, what: int | str, price: int) -> None:
        self.what = what
        self.price = price
        super().__init__(f"the price of {what!r} is {price}: give one from 0 to 2**256 - 1")


class PriceNotPositive(ModelError):
    """A price of 0 or less for what another price is told in."""

    def __init__(self, what: int | str, price: int) -> None:
        self.what = what
        self.price = price
        super().__init__(f"the price of {what!r} is {price}, and others are told in it: give one above 0")
