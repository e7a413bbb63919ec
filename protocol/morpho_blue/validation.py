"""What the contract requires of a call and of the market after it, each with the contract's own words.

Mirrors the requirements of src/Morpho.sol and the texts of src/libraries/ErrorsLib.sol
(morpho-org/morpho-blue@3085651).
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.morpho_blue.state import AccountData, Market


def require_created(market: Market) -> None:
    """Reverts `market not created`."""
    if market.last_update_timestamp == 0:
        raise EvmRevert("market not created")


def require_exactly_one(first: int, second: int) -> None:
    """Reverts `inconsistent input` unless exactly one amount of a call is zero."""
    if (first == 0) == (second == 0):
        raise EvmRevert("inconsistent input", first=first, second=second)


def require_assets(assets: int) -> None:
    """Reverts `zero assets`."""
    if assets == 0:
        raise EvmRevert("zero assets")


def require_liquidity(market: Market) -> None:
    """Reverts `insufficient liquidity` when more is borrowed than supplied."""
    borrowed, supplied = market.total_borrow.assets, market.total_supply.assets
    if borrowed > supplied:
        raise EvmRevert("insufficient liquidity", borrowed=borrowed, supplied=supplied)


def require_enough_collateral(data: AccountData) -> None:
    """Reverts `insufficient collateral` after a loan or a withdrawal of collateral."""
    if not data.healthy:
        raise EvmRevert(
            "insufficient collateral",
            borrowed_assets=data.borrowed_assets,
            max_borrow_assets=data.max_borrow_assets,
        )


def require_liquidatable(data: AccountData) -> None:
    """Reverts `position is healthy`."""
    if data.healthy:
        raise EvmRevert(
            "position is healthy",
            borrowed_assets=data.borrowed_assets,
            max_borrow_assets=data.max_borrow_assets,
        )
