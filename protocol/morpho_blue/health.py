"""Health: whether what an account owes is within LLTV of its collateral, at the price that the oracle shows.

Mirrors `_isHealthy`, src/Morpho.sol (morpho-org/morpho-blue@3085651). The price is of one collateral asset unit in
loan asset units, times 1e36.
"""

from __future__ import annotations

from typing import Final

from protocol.errors import MissingPrice, PriceNoUint
from protocol.fixed_point.uint256 import mul_div_down
from protocol.morpho_blue.interest import accrued
from protocol.morpho_blue.ledger import account_of
from protocol.morpho_blue.state import Account, AccountData, Market, User
from protocol.morpho_blue.validation import require_enough_collateral
from protocol.units import MAX_UINT256, WAD

ORACLE_PRICE_SCALE: Final = 10**36
"""A price of 1 loan asset unit per collateral asset unit."""


def account_data(market: Market, user: User, *, price_e36: int | None, timestamp: int) -> AccountData:
    """What the health check of `user` compares at `timestamp` [s]; zeros if unknown.

    Raises `MissingPrice`, `PriceNoUint`; `EvmRevert` where the contract reverts.
    """
    viewed = accrued(market, timestamp)
    return measured(viewed, account_of(viewed, user), price_at(price_e36))


def require_healthy(market: Market, user: User, price_e36: int | None) -> None:
    """Reverts `insufficient collateral`; the oracle is not asked about an account that owes nothing."""
    account = account_of(market, user)
    if account.borrow_shares:
        require_enough_collateral(measured(market, account, price_at(price_e36)))


def measured(market: Market, account: Account, price_e36: int) -> AccountData:
    """The two sides of the health check of an account of an accrued market."""
    borrowed = market.total_borrow.to_assets_up(account.borrow_shares)
    value = mul_div_down(account.collateral, price_e36, ORACLE_PRICE_SCALE)
    return AccountData(
        collateral=account.collateral,
        borrowed_assets=borrowed,
        max_borrow_assets=mul_div_down(value, market.lltv_wad, WAD),
    )


def price_at(price_e36: int | None) -> int:
    """`IOracle.price`: the given price; raises `MissingPrice`, `PriceNoUint`."""
    if price_e36 is None:
        raise MissingPrice("collateral", unit="of a collateral asset unit in loan asset units, times 1e36")
    if not 0 <= price_e36 <= MAX_UINT256:
        raise PriceNoUint("collateral", price_e36)
    return price_e36
