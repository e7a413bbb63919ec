"""What a hub asks before it does what a spoke wants, in the contract's order.

Mirrors the `_validate` functions of `Hub`, src/hub/Hub.sol (aave/aave-v4@v0.5.11). The asset is accrued;
amounts in asset units.
"""

from __future__ import annotations

from protocol.aave_v4.interest import share_pool
from protocol.aave_v4.premium import premium_ray
from protocol.aave_v4.state import NO_CAP, Asset, SpokeData
from protocol.errors import EvmRevert
from protocol.fixed_point.rescale import from_ray_up
from protocol.fixed_point.uint256 import add
from protocol.fixed_point.wad_ray import ray_mul_up


def validate_add(asset: Asset, book: SpokeData, amount: int, timestamp: int) -> None:
    """`_validateAdd`: the cap counts what the spoke's shares are worth, rounded up."""
    validate_moving_out(book, amount)
    if book.add_cap != NO_CAP:
        added = add(share_pool(asset, timestamp).to_assets_up(book.added_shares), amount)
        if book.add_cap * 10**asset.decimals < added:
            raise EvmRevert("AddCapExceeded", add_cap=book.add_cap, added=added)


def validate_moving_out(book: SpokeData, amount: int) -> None:
    """`_validateRemove`: something is moved, by a spoke that is active and not halted."""
    if amount == 0:
        raise EvmRevert("InvalidAmount")
    require_active(book)
    _require_not_halted(book)


def validate_draw(asset: Asset, book: SpokeData, amount: int) -> None:
    """`_validateDraw`: the cap counts drawn, premium and deficit, each rounded up."""
    validate_moving_out(book, amount)
    owed = add(_drawn(asset, book), from_ray_up(_premium_ray(asset, book)))
    if book.draw_cap != NO_CAP:
        drawn = add(add(owed, amount), from_ray_up(book.deficit_ray))
        if book.draw_cap * 10**asset.decimals < drawn:
            raise EvmRevert("DrawCapExceeded", draw_cap=book.draw_cap, drawn=drawn)


def validate_restore(asset: Asset, book: SpokeData, drawn_amount: int, premium_amount_ray: int) -> None:
    """`_validateRestore`: no more is paid back than the spoke owes."""
    if drawn_amount == 0 and premium_amount_ray == 0:
        raise EvmRevert("InvalidAmount")
    require_active(book)
    _require_not_halted(book)
    _require_owed(asset, book, drawn_amount, premium_amount_ray, "Restored")


def validate_report_deficit(
    asset: Asset, book: SpokeData, drawn_amount: int, premium_amount_ray: int
) -> None:
    """`_validateReportDeficit`: as a repayment, but a halted spoke may."""
    if drawn_amount == 0 and premium_amount_ray == 0:
        raise EvmRevert("InvalidAmount")
    require_active(book)
    _require_owed(asset, book, drawn_amount, premium_amount_ray, "DeficitReported")


def validate_eliminate_deficit(caller: SpokeData, deficit_amount_ray: int) -> None:
    """`_validateEliminateDeficit`: there is something to cover."""
    require_active(caller)
    if deficit_amount_ray == 0:
        raise EvmRevert("InvalidAmount")


def require_active(book: SpokeData) -> None:
    """Reverts `SpokeNotActive`."""
    if not book.active:
        raise EvmRevert("SpokeNotActive")


def require_liquidity(asset: Asset, amount: int) -> None:
    """Reverts `InsufficientLiquidity`."""
    if amount > asset.liquidity:
        raise EvmRevert("InsufficientLiquidity", liquidity=asset.liquidity, amount=amount)


def _require_not_halted(book: SpokeData) -> None:
    if book.halted:
        raise EvmRevert("SpokeHalted")


def _require_owed(
    asset: Asset, book: SpokeData, drawn_amount: int, premium_amount_ray: int, done: str
) -> None:
    drawn, premium = _drawn(asset, book), _premium_ray(asset, book)
    if drawn_amount > drawn:
        raise EvmRevert(f"SurplusDrawn{done}", drawn=drawn, amount=drawn_amount)
    if premium_amount_ray > premium:
        raise EvmRevert(f"SurplusPremiumRay{done}", premium_ray=premium, amount_ray=premium_amount_ray)


def _drawn(asset: Asset, book: SpokeData) -> int:
    """`_getSpokeDrawn`. [asset units]"""
    return ray_mul_up(book.drawn_shares, asset.drawn_index_ray)


def _premium_ray(asset: Asset, book: SpokeData) -> int:
    """`_getSpokePremiumRay`. [asset units x ray]"""
    return premium_ray(
        premium_shares=book.premium_shares,
        premium_offset_ray=book.premium_offset_ray,
        drawn_index_ray=asset.drawn_index_ray,
    )
