"""The interface that every rule set offers to the engine and to the comparison with the chain.

A rule set is a package such as `protocol.aave_v3`; the package itself satisfies `RuleSet`. A market is a
frozen value: a liquidation returns the next one. Prices are what the protocol's oracle shows, not what the
market trades.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeVar

MarketT_contra = TypeVar("MarketT_contra", contravariant=True)
CallT_contra = TypeVar("CallT_contra", contravariant=True)
AccountDataT_co = TypeVar("AccountDataT_co", covariant=True)
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)


class ReadsAccounts(Protocol[MarketT_contra, AccountDataT_co]):
    """What an account is worth and how healthy it is, without changing anything."""

    def __call__(
        self, market: MarketT_contra, user: str, *, prices_base: Mapping[int, int], timestamp: int
    ) -> AccountDataT_co:
        """The account data of `user` at `timestamp` [s] and oracle prices by reserve id [base]."""
        ...


class Liquidates(Protocol[MarketT_contra, CallT_contra, OutcomeT_co]):
    """What a liquidation does, or the error it fails with."""

    def __call__(
        self, market: MarketT_contra, call: CallT_contra, *, prices_base: Mapping[int, int], timestamp: int
    ) -> OutcomeT_co:
        """The market after the call and its amounts, or a revert as a value."""
        ...


class FindsBorrowers(Protocol[MarketT_contra]):
    """Who may have to be liquidated."""

    def __call__(self, market: MarketT_contra) -> Iterator[str]:
        """The users that owe something, in a fixed order."""
        ...


class RuleSet(Protocol[MarketT_contra, CallT_contra, AccountDataT_co, OutcomeT_co]):
    """One lending protocol: read an account, liquidate it, list who owes."""

    @property
    def account_data(self) -> ReadsAccounts[MarketT_contra, AccountDataT_co]:
        """Account data, as the contract's own view returns it."""
        ...

    @property
    def liquidation_call(self) -> Liquidates[MarketT_contra, CallT_contra, OutcomeT_co]:
        """A liquidation, as the contract executes it."""
        ...

    @property
    def users_with_debt(self) -> FindsBorrowers[MarketT_contra]:
        """The borrowers."""
        ...
