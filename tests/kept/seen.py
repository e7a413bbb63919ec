"""One liquidation as an invariant looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tests.kept.lenses import Lens, Pair, Prices

ROUNDS_TO_NEAREST = {"2", "3.0.0", "3.0.1", "3.0.2", "3.1", "3.2", "3.3", "3.4"}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The market before, the call, what came of it, at which oracle prices and when [s]."""

    lens: Lens
    before: Any
    call: Any
    outcome: Any
    prices: Prices
    at: int

    @property
    def went_through(self) -> bool:
        """The call was not refused."""
        return not self.lens.is_refused(self.outcome)

    @property
    def after(self) -> Any:
        """The market after it."""
        return self.outcome.market

    @property
    def same_asset(self) -> bool:
        """One asset on both sides."""
        return self.call.collateral_id == self.call.debt_id

    @property
    def three_parties(self) -> bool:
        """Borrower, liquidator and treasury are three: else what one gives the other is no loss."""
        return len({self.call.borrower, self.call.liquidator, self.treasury}) == 3

    @property
    def treasury(self) -> str:
        """Who receives fees."""
        return getattr(self.before, "treasury", "")

    @property
    def reserves(self) -> list[int]:
        """All that are listed."""
        return list(self.before.reserves)

    @property
    def rounds_to_nearest(self) -> bool:
        """Balances and shares, up to v3.4; each to a side of its own later."""
        return self.lens.name in ROUNDS_TO_NEAREST

    @property
    def owed(self) -> int:
        """What the borrower owes of the call's debt. [asset units]"""
        return self.lens.owed(self.before, self.call.borrower, self.call.debt_id, self.at)

    @property
    def held(self) -> int:
        """What the borrower has of the call's collateral. [asset units]"""
        return self.lens.held(self.before, self.call.borrower, self.call.collateral_id, self.at)

    def value(self, reserve_id: int, amount: int) -> Fraction:
        """What an amount is worth at the oracle's price, exactly. [base]"""
        return Fraction(
            amount * self.prices[reserve_id], 10 ** self.before.reserves[reserve_id].config.decimals
        )

    def is_owed(self, reserve_id: int) -> bool:
        """Whether the borrower owes some of a reserve, by the bit."""
        position = self.positions(self.before, self.call.borrower).get(reserve_id)
        return position is not None and position.borrowing

    @property
    def pair(self) -> Pair:
        """The terms of the call."""
        return self.lens.pair(self.before, self.call, self.prices)

    @property
    def overpaid(self) -> Fraction:
        """Repaid less collateral taken / b, exactly. [debt asset units]"""
        return self.repaid - self.taken * self.pair.debt_per_collateral / self.pair.bonus

    @property
    def repaid(self) -> int:
        """[debt asset units]"""
        return self.outcome.debt_repaid

    @property
    def taken(self) -> int:
        """The fee included. [collateral asset units]"""
        return self.lens.taken(self.outcome)

    @property
    def another_collateral(self) -> int | None:
        """A reserve that the borrower uses as collateral beside that of the call."""
        for reserve_id, position in self.positions(self.before, self.call.borrower).items():
            if position.collateral_enabled and reserve_id != self.call.collateral_id:
                return reserve_id
        return None

    @property
    def took_all(self) -> bool:
        """The call went through and the borrower's collateral is gone: by the amounts, or to the last share."""
        if not self.went_through:
            return False
        user, reserve_id = self.call.borrower, self.call.collateral_id
        position = self.positions(self.after, user).get(reserve_id)
        left = self.lens.shares(position)[0] if position else 0
        return left == 0 or self.taken == self.held

    @property
    def lost(self) -> int:
        """What the borrower's collateral balance fell by. [collateral asset units]"""
        return self._fall(self.lens.held, self.call.collateral_id)

    def debt_fell(self, reserve_id: int) -> int:
        """What the borrower's debt in a reserve fell by. [asset units]"""
        return self._fall(self.lens.owed, reserve_id)

    def _fall(self, balance: Any, reserve_id: int) -> int:
        user = self.call.borrower
        return balance(self.before, user, reserve_id, self.at) - balance(
            self.after, user, reserve_id, self.at
        )

    @property
    def share_of_collateral(self) -> Fraction:
        """Worth of one share of the collateral's supply. [collateral asset units]"""
        return self.lens.share_price(self.before, self.call.collateral_id, self.at)[0]

    @property
    def share_of_debt(self) -> Fraction:
        """Worth of one share of the debt. [debt asset units]"""
        return self.share_of(self.call.debt_id)

    def share_of(self, reserve_id: int) -> Fraction:
        """Worth of one share of debt in a reserve. [asset units]"""
        return self.lens.share_price(self.before, reserve_id, self.at)[1]

    def view_is_stored(self, reserve_id: int) -> bool:
        """Whether the debt index that the views show is the one that a call stores: in v2 and 3.0.0 not always."""
        user = self.call.borrower
        accrued = self.lens.accrued(self.before, reserve_id, self.at)
        owed = self.lens.owed
        return owed(self.before, user, reserve_id, self.at) == owed(accrued, user, reserve_id, self.at)

    def health(self, market: Any, *, prices: Prices | None = None, user: str | None = None) -> int:
        """[wad]"""
        return self.lens.health(market, user or self.call.borrower, prices or self.prices, self.at)

    def again(self, market: Any | None = None, **changes: Any) -> Seen:
        """Another call, on the market before or on another."""
        market, call = market or self.before, replace(self.call, **changes)
        outcome = self.lens.call(market, call, self.prices, self.at)
        return replace(self, before=market, call=call, outcome=outcome)

    def positions(self, market: Any, user: str) -> dict[int, Any]:
        """What a user has, by reserve."""
        account = market.accounts.get(user)
        return dict(account.positions) if account else {}

    def changed_accounts(self) -> Iterator[str]:
        """Users whose account is not what it was."""
        for user in {*self.before.accounts, *self.after.accounts}:
            if self.before.accounts.get(user) != self.after.accounts.get(user):
                yield user


def seen_of(lens: Lens, market: Any, call: Any, prices: Prices, at: int) -> Seen:
    """A call that is made now."""
    outcome = lens.call(market, call, prices, at)
    return Seen(lens=lens, before=market, call=call, outcome=outcome, prices=prices, at=at)
