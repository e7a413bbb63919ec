"""What goes into a rule set and comes out of it, whichever it is: moments, offers, outcomes.

Prices are what the protocol's oracle shows, in dollars of eight decimals whatever scale the protocol itself uses;
values are in the same unit [base].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

AssetId = int
User = str
Pair = tuple[AssetId, AssetId]
"""A collateral and a debt."""
Values = tuple[Mapping[AssetId, int], Mapping[AssetId, int]]
"""Of collaterals and of debts. [base]"""


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
    """[debt asset units] At most this; None: no limit but what the rules allow and the collateral pays for."""
    keep_shares: bool = False
    """Take the protocol's shares of the collateral instead of the asset, where that is a choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """All that a liquidator pays and gets, of every asset. [asset units]"""

    paid: Mapping[AssetId, int]
    received: Mapping[AssetId, int]
    """Of shares, what they are worth."""


class Done:
    """A liquidation that went through: what each rule set's own outcome can be asked.

    Single amounts are those of the pair that the call was offered for; `in_all` has those of calls that move more.
    """

    __slots__ = ()
    market: Any

    @property
    def repaid(self) -> int:
        """By the liquidator. [debt asset units]"""
        raise NotImplementedError

    @property
    def settled(self) -> int:
        """What was paid of the borrower's debt: `repaid`, unless the protocol pays it itself. [debt asset units]"""
        return self.repaid

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

    def in_all(self, *, collateral_id: AssetId, debt_id: AssetId) -> Quote:
        """What the liquidator paid and got of all assets, the pair of the call being this."""
        return Quote(paid={debt_id: self.repaid}, received={collateral_id: self.received})


class Refused:
    """A call that the contract refuses, an outcome like any other: the canonical name of the reason."""

    __slots__ = ()
    name: str

    def leaves(self, market: Any) -> Any:
        """The market after it: as before, unless the contract answers a code and keeps what it did until then."""
        return market


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
