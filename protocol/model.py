"""What the crash engine, its liquidators and the comparison with the chain ask of a rule set, whichever it is.

`rule_set.py` of each rule set offers a `RuleSet`; who holds one never asks which protocol it is. A market is a frozen
value: a liquidation returns the next one. Prices are what the protocol's oracle shows, in dollars of eight decimals
whatever scale the protocol itself uses; values are in the same unit [base].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeVar

AssetId = int
User = str
M = TypeVar("M")
C = TypeVar("C")


@dataclass(frozen=True, kw_only=True, slots=True)
class At:
    """A moment and what the oracle shows then."""

    prices_base: Mapping[AssetId, int]
    timestamp: int
    block_number: int = 0
    """Of the block that a call would be in: what rules without a clock of seconds count by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A token that a market lends or takes as collateral."""

    symbol: str
    address: str
    decimals: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What an account is worth and whether it may be liquidated, as the contract reckons it."""

    collateral_base: int
    """Unweighted."""
    debt_base: int
    health_factor_wad: int
    """Weighted collateral per debt; 2**256 - 1 without debt."""
    is_liquidatable: bool
    emode: int = 0
    """Its efficiency mode; 0 where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a liquidator wants to do; a rule set makes a call of its contract out of it."""

    borrower: User
    liquidator: User
    collateral_id: AssetId
    debt_id: AssetId
    repay: int | None
    """[debt asset units] At most this; None: as much as the rules allow and the collateral pays for."""
    keep_shares: bool = False
    """Take the protocol's shares of the collateral instead of the asset, where that is a choice."""


class Done:
    """A liquidation that went through: what each rule set's own outcome can be asked."""

    __slots__ = ()
    market: Any

    @property
    def repaid(self) -> int:
        """By the liquidator. [debt asset units]"""
        raise NotImplementedError

    @property
    def received(self) -> int:
        """By the liquidator; of shares, what they are worth. [collateral asset units]"""
        raise NotImplementedError

    @property
    def fee(self) -> int:
        """Of the protocol, out of the collateral. [collateral asset units]"""
        raise NotImplementedError

    @property
    def written_off(self) -> Mapping[AssetId, int]:
        """Debt that the borrower no longer owes and nobody repaid. [asset units]"""
        raise NotImplementedError


class Refused:
    """A call that the contract refuses, an outcome like any other: the canonical name of the reason."""

    __slots__ = ()
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearers:
    """Who carries debt that nobody repays."""

    written_off: str
    """Where the contract takes it from the borrower's account; empty where it never does."""
    uncovered: str
    """Where it stays on the account with nothing behind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drops:
    """By which share chosen prices must fall, all together; None: no fall does it; 0 or less: it has happened."""

    liquidatable: Fraction | None
    toxic: Fraction | None
    """Strictly beyond, every call on some collateral lowers the health factor."""
    debt_remains: Fraction | None
    """Strictly beyond, all the collateral no longer repays the debt."""


class RuleSet(Protocol[M, C]):
    """One lending protocol; `M` and `C` are its own market and call, and errors are those of its own functions."""

    @property
    def name(self) -> str:
        """The protocol, for people."""
        ...

    @property
    def bearers(self) -> Bearers:
        """Who carries the loss."""
        ...

    def assets(self, market: M) -> Mapping[AssetId, Asset]:
        """What the market lends or takes, in its order."""
        ...

    def users_with_debt(self, market: M) -> Iterator[User]:
        """Who owes something, in the market's order."""
        ...

    def viewed(self, market: M, at: At) -> M:
        """The market with its indices grown to now: for reading, many times."""
        ...

    def narrowed(self, market: M, user: User) -> M:
        """The market without what this account alone does not depend on."""
        ...

    def without_dust_rule(self, market: M) -> M:
        """The market as if no rule forbade leaving little behind."""
        ...

    def standing(self, market: M, at: At) -> Callable[[User], Standing]:
        """What accounts are worth now; asked of one after the other."""
        ...

    def debts(self, market: M, user: User) -> Collection[AssetId]:
        """What the account owes something of."""
        ...

    def depends_on(self, market: M, user: User) -> Collection[AssetId]:
        """The assets whose prices may change what the account is worth."""
        ...

    def values(self, market: M, user: User, at: At) -> tuple[Mapping[AssetId, int], Mapping[AssetId, int]]:
        """What it has as collateral and what it owes, each as the contract values it [base]; zeros left out."""
        ...

    def owed(self, market: M, user: User, asset_id: AssetId, at: At) -> int:
        """What it owes of one asset now [asset units]."""
        ...

    def pledged(self, market: M, user: User, asset_id: AssetId, at: At) -> int:
        """What it has of one collateral now [asset units]."""
        ...

    def call(self, market: M, offer: Offer, at: At) -> C:
        """The call of the contract that comes to this."""
        ...

    def quote(self, market: M, call: C, at: At) -> tuple[int, int] | Refused:
        """What it repays [debt asset units] and what the liquidator gets [collateral asset units]."""
        ...

    def liquidate(self, market: M, call: C, at: At) -> Done | Refused:
        """What the call does."""
        ...

    def payout_ratio(self, market: M, user: User, collateral_id: AssetId) -> Fraction:
        """Value a liquidator gets of this collateral per value repaid, by the oracle."""
        ...

    def is_toxic(self, market: M, call: C, at: At) -> bool:
        """Whether the call leaves the account less healthy, whatever its size."""
        ...

    def drops(self, market: M, user: User, falling: Collection[AssetId], at: At) -> Drops:
        """How far the `falling` prices must fall, in closed form."""
        ...

    def gap_base(self, market: M, user: User, at: At) -> Fraction:
        """Debt less all that the collateral can repay, in closed form; more than 0 must remain. [base]"""
        ...

    def residual_of_pair(self, market: M, call: C, at: At) -> tuple[int, Fraction]:
        """What one unlimited call leaves of its debt: the integer form, 0 if nothing, and the exact fraction."""
        ...
