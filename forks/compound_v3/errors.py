"""What can go wrong with a Comet on a chain: one class per cause."""

from __future__ import annotations

from collections.abc import Mapping

from forks.errors import ForkError
from protocol.compound_v3 import User


class NotAComet(ForkError):
    """A contract does not answer as a Comet of a version that is modelled does."""

    def __init__(self, comet: str, reason: str) -> None:
        self.comet, self.reason = comet, reason
        super().__init__(
            f"{comet} is no Comet that is modelled ({reason}): give the address of a market's proxy, such as that "
            "of cUSDCv3, and a block at which it exists"
        )


class PriceUnavailable(ForkError):
    """`getPrice` reverts for a feed, as where it answers zero or less."""

    def __init__(self, symbol: str, feed: str, reason: str) -> None:
        self.symbol, self.feed, self.reason = symbol, feed, reason
        super().__init__(f"feed {feed} has no price of {symbol} ({reason}): set it, or take another block")


class BitsAstray(ForkError):
    """The bits of an account's collaterals are not those of its balances: the contract walks by the bits."""

    def __init__(self, user: User, bits: int, held: int) -> None:
        self.user, self.bits, self.held = user, bits, held
        super().__init__(
            f"account {user} is marked as holding collaterals {bits:#b} and holds {held:#b}, which no path of a "
            "modelled contract leaves behind: leave the account out"
        )


class PriceNotPositive(ForkError):
    """A price of zero or less: the contract reverts where it reads one."""

    def __init__(self, symbol: str, price_base: int) -> None:
        self.symbol, self.price_base = symbol, price_base
        super().__init__(f"price {price_base} of {symbol} is not positive: give at least 1")


class FeedShared(ForkError):
    """Assets that read one feed were to have different prices."""

    def __init__(self, feed: str, prices_base: Mapping[str, int]) -> None:
        self.feed, self.prices_base = feed, dict(prices_base)
        told = ", ".join(f"{symbol} {price}" for symbol, price in prices_base.items())
        super().__init__(
            f"feed {feed} has one price for {told}: take a scenario in which these assets move together"
        )


class NoCometHere(ForkError):
    """There is no contract where a Comet was looked for."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(f"no Comet at {where}: name the proxy of one with --pool ADDRESS")


class AccountsNeeded(ForkError):
    """A book was to be opened on a Comet: no market of our own can be made, and that of others is left alone."""

    def __init__(self) -> None:
        super().__init__(
            "a Comet is taken with the borrowers that it has: name some with --accounts ADDRESS,..., "
            "from its Withdraw events or any explorer"
        )
