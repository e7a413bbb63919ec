"""What the contracts say before a step, and what the shares of a drawn step are shares of then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from protocol.errors import EvmRevert
from protocol.morpho_blue import (
    Account,
    Market,
    liquidation_amounts,
    liquidation_incentive_factor,
    viewed_at,
)
from protocol.morpho_blue.health import ORACLE_PRICE_SCALE
from protocol.units import WAD
from tests.fuzz.morpho_blue_arena import ArenaMorphoBlue
from tests.steps_morpho_blue import UINT128, Case


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contracts say before a step. Amounts are aims, not results: a step may take any share of them."""

    arena: ArenaMorphoBlue
    case: Case
    market: Market
    price_e36: int
    now: int
    viewed: Market = field(init=False)
    """The market with interest up to now; as it is stored where that is refused."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "viewed", _or(self.market, viewed_at, self.market, self.now))

    @property
    def at(self) -> dict[str, Any]:
        """What the model's functions are told of the world around the market."""
        return {"price_e36": self.price_e36, "timestamp": self.now}

    @property
    def params(self) -> tuple[Any, ...]:
        """The market as every call names it."""
        return self.arena.readers[self.case.irm, self.case.lltv_wad].addresses.params

    def user(self, n: int) -> str:
        """Address of the n-th user."""
        return self.arena.users[n]

    def account(self, n: int) -> Account:
        """What the n-th user has."""
        return self.viewed.accounts.get(self.user(n), Account())

    def debtor(self, n: int) -> int:
        """The n-th user if it owes anything or nobody does, else the first that does."""
        owing = [one for one in range(len(self.arena.users)) if self.account(one).borrow_shares]
        return n if n in owing or not owing else owing[0]

    def lent(self) -> tuple[int, int]:
        """What a case's lender supplies, and in shares."""
        return self.case.lent, _or(0, self.viewed.total_supply.to_shares_down, self.case.lent)

    def supplied(self, n: int) -> tuple[int, int]:
        """What the n-th user can take out, and the shares of it."""
        shares = self.account(n).supply_shares
        return _or(0, self.viewed.total_supply.to_assets_down, shares), shares

    def liquidity(self) -> tuple[int, int]:
        """What is at hand, and shares of the supply that are worth it."""
        assets = max(self.viewed.total_supply.assets - self.viewed.total_borrow.assets, 0)
        return assets, _or(0, self.viewed.total_supply.to_shares_down, assets)

    def owed(self, n: int) -> tuple[int, int]:
        """What the n-th user owes, and the shares of it."""
        shares = self.account(n).borrow_shares
        return _or(0, self.viewed.total_borrow.to_assets_up, shares), shares

    def borrowable(self, n: int, *, of_liquidity: bool) -> tuple[int, int]:
        """What the n-th user may still borrow, or what is at hand; and shares of debt that are worth it."""
        most = self.account(n).collateral * self.price_e36 // ORACLE_PRICE_SCALE * self.market.lltv_wad // WAD
        liquidity = self.liquidity()[0]
        assets = liquidity if of_liquidity else min(max(most - self.owed(n)[0], 0), liquidity)
        return assets, _or(0, self.viewed.total_borrow.to_shares_down, assets)

    def pledgeable(self) -> int:
        """Twice the collateral that would do for a loan of all that a case's lender supplies."""
        return min(2 * self._collateral_for(self.case.lent), UINT128)

    def free(self, n: int) -> int:
        """The collateral of the n-th user that it does not need for its debt."""
        return max(self.account(n).collateral - self._collateral_for(self.owed(n)[0]), 0)

    def _collateral_for(self, owed: int) -> int:
        value = -(-owed * WAD // max(self.market.lltv_wad, 1))
        return -(-value * ORACLE_PRICE_SCALE // max(self.price_e36, 1))

    def liquidatable(self, n: int, *, of_more: bool) -> tuple[int, int]:
        """The most of the n-th user's collateral that can be seized, and the shares of debt that it costs.

        of_more: as if there were enough of the one that is gone first.
        """
        account = self.account(n)
        of_debt, of_collateral = self._amounts(0, account.borrow_shares), self._amounts(account.collateral, 0)
        return max(of_debt, of_collateral) if of_more else min(of_debt, of_collateral)

    def _amounts(self, seized: int, repaid: int) -> tuple[int, int]:
        """What a liquidation comes to that names one amount."""
        found = _or(
            None,
            liquidation_amounts,
            self.viewed.total_borrow,
            lltv_wad=self.market.lltv_wad,
            price_e36=self.price_e36,
            seized_assets=seized,
            repaid_shares=repaid,
        )
        return (found.seized_assets, found.repaid_shares) if found else (seized, repaid)

    def steered(self, n: int, permille: int, *, toxic: bool) -> int | None:
        """The price at which the n-th user's loan-to-value is that share of LLTV, or of where debt must remain."""
        factor_wad = liquidation_incentive_factor(self.market.lltv_wad)
        aim_wad = (WAD * WAD // factor_wad if toxic else self.market.lltv_wad) * permille // 1000
        collateral, (owed, _) = self.account(n).collateral, self.owed(n)
        if not collateral or not owed or not aim_wad:
            return None
        return owed * WAD // aim_wad * ORACLE_PRICE_SCALE // collateral


def _or(default: Any, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What `function` answers; `default` where the contract would revert."""
    try:
        return function(*arguments, **named)
    except EvmRevert:
        return default
