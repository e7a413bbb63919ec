"""What the crash engine, its liquidators and the comparison with the chain ask of a rule set, whichever it is.

`rule_set.py` of each rule set offers a `RuleSet`; who holds one never asks which protocol it is. A market is a frozen
value: a liquidation returns the next one. What is said in it is in `protocol.dealings`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from fractions import Fraction
from typing import Protocol, TypeVar

from protocol.dealings import (
    Asset,
    AssetId,
    At,
    Bearers,
    Done,
    Drops,
    Offer,
    Pair,
    Quote,
    Refused,
    Standing,
    User,
    Values,
)

__all__ = [
    "Asset",
    "AssetId",
    "At",
    "Bearers",
    "Done",
    "Drops",
    "Offer",
    "Pair",
    "Quote",
    "Refused",
    "RuleSet",
    "Standing",
    "User",
    "Values",
]

M = TypeVar("M")
C = TypeVar("C")


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

    @property
    def rounded_of_exact(self) -> int:
        """How far the integer of `residual_of_pair` may lie off its fraction, beside `rounded_away` [asset units]."""
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

    def values(self, market: M, user: User, at: At) -> Values:
        """What it has as collateral and what it owes, each as the contract values it [base]; zeros left out."""
        ...

    def owed(self, market: M, user: User, asset_id: AssetId, at: At) -> int:
        """What it owes of one asset now [asset units]."""
        ...

    def claims(self, market: M, asset_id: AssetId, at: At) -> int:
        """What all who lend one asset may claim of it now [asset units]."""
        ...

    def pledged(self, market: M, user: User, asset_id: AssetId, at: At) -> int:
        """What it has of one collateral now [asset units]."""
        ...

    def call(self, market: M, offer: Offer, at: At) -> C:
        """The call of the contract that comes to this, never above what the rules allow of the offer's debt."""
        ...

    def quote(self, market: M, call: C, at: At) -> Quote | Refused:
        """What the liquidator would pay and get."""
        ...

    def liquidate(self, market: M, call: C, at: At) -> Done | Refused:
        """What the call does."""
        ...

    def payout_ratio(self, market: M, user: User, collateral_id: AssetId) -> Fraction:
        """Value a liquidator gets of this collateral per value repaid, by the oracle."""
        ...

    def most_paid_base(self, market: M, user: User, pair: Pair, values: Values) -> Fraction:
        """No call offered for this pair gains by paying more than this, of all assets; from `values` [base].

        A bound that spares asking for quotes: it may be too much, never too little.
        """
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

    def rounded_away(self, market: M, call: C, at: At) -> Fraction:
        """How far a call may lie off the fractions beyond single units of its assets [debt asset units]."""
        ...
