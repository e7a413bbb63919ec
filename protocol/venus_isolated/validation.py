"""What the comptroller refuses, in the order in which it asks: its hooks before each action.

Mirrors the hooks and `_checkRedeemAllowed`, contracts/Comptroller.sol, and the checks of
`_liquidateBorrowFresh`, contracts/VToken.sol (VenusProtocol/isolated-pools@58b76f81). Rewards are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, mul_div_down
from protocol.units import MAX_UINT256, WAD
from protocol.venus_isolated.health import (
    Effect,
    collateral_factor,
    liquidation_threshold,
    liquidity_snapshot,
    price_at,
)
from protocol.venus_isolated.interest import borrow_balance, exchange_rate
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import Action, LiquidationOrder, MarketId, User, VToken


def require_not_paused(vtoken: VToken, action: Action) -> None:
    """`_checkActionPauseState`; reverts `ActionPaused`."""
    if action in vtoken.paused:
        raise EvmRevert("ActionPaused", market_id=vtoken.market_id, action=action.value)


def require_listed(vtoken: VToken) -> None:
    """Reverts `MarketNotListed`."""
    if not vtoken.listed:
        raise EvmRevert("MarketNotListed", market_id=vtoken.market_id)


def add_to_market(ledger: Ledger, user: User, market_id: MarketId) -> None:
    """`_addToMarket`: from here on the market counts for the user, as the last in its list."""
    vtoken = ledger.vtoken(market_id)
    require_not_paused(vtoken, Action.ENTER_MARKET)
    require_listed(vtoken)
    if not ledger.is_member(user, market_id):
        ledger.put_entered(user, (*ledger.account(user).entered, market_id))


def pre_mint_hook(vtoken: VToken, amount: int) -> None:
    """`preMintHook` of a supply of `amount` [underlying]."""
    require_not_paused(vtoken, Action.MINT)
    require_listed(vtoken)
    cap = vtoken.supply_cap_underlying
    if cap != MAX_UINT256:
        total = add(mul_div_down(exchange_rate(vtoken), vtoken.total_supply_vtokens, WAD), amount)
        if total > cap:
            raise EvmRevert("SupplyCapExceeded", total=total, cap=cap)


def check_redeem_allowed(
    ledger: Ledger, user: User, market_id: MarketId, vtokens: int, prices_mantissa: Mapping[MarketId, int]
) -> None:
    """`_checkRedeemAllowed`: without `vtokens` no shortfall by collateral factor; free in a market not entered."""
    require_listed(ledger.vtoken(market_id))
    if not ledger.is_member(user, market_id):
        return
    effect = Effect(market_id, redeem_vtokens=vtokens)
    _require_liquidity(ledger, user, prices_mantissa, effect)


def pre_borrow_hook(
    ledger: Ledger, user: User, market_id: MarketId, amount: int, prices_mantissa: Mapping[MarketId, int]
) -> None:
    """`preBorrowHook` of a loan of `amount` [underlying]; who borrows enters the market."""
    vtoken = ledger.vtoken(market_id)
    require_not_paused(vtoken, Action.BORROW)
    require_listed(vtoken)
    if not ledger.is_member(user, market_id):
        add_to_market(ledger, user, market_id)
    price_at(market_id, prices_mantissa)
    cap = vtoken.borrow_cap_underlying
    if cap != MAX_UINT256:
        total = add(ledger.rules.counts_to_borrow_cap(vtoken), amount)
        if total > cap:
            raise EvmRevert("BorrowCapExceeded", total=total, cap=cap)
    _require_liquidity(ledger, user, prices_mantissa, Effect(market_id, borrow_underlying=amount))


def pre_repay_hook(vtoken: VToken) -> None:
    """`preRepayHook`."""
    require_not_paused(vtoken, Action.REPAY)
    require_listed(vtoken)


def pre_liquidate_hook(
    ledger: Ledger,
    borrower: User,
    order: LiquidationOrder,
    prices_mantissa: Mapping[MarketId, int],
    *,
    skip_liquidity_check: bool,
) -> None:
    """`preLiquidateHook`: enough collateral for a regular liquidation, a shortfall, at most the close factor.

    Orders of a batch, and debts that are liquidated freely, are only held against the debt itself.
    """
    vtoken, amount = ledger.vtoken(order.debt_id), order.repay_amount
    require_not_paused(vtoken, Action.LIQUIDATE)
    require_listed(vtoken)
    require_listed(ledger.vtoken(order.collateral_id))
    debt = borrow_balance(vtoken, ledger.position(borrower, order.debt_id))
    if skip_liquidity_check or ledger.rules.is_liquidated_freely(vtoken):
        _require_at_most(debt, amount)
        return
    data = liquidity_snapshot(ledger, borrower, prices_mantissa, liquidation_threshold)
    total, minimum = data.total_collateral_usd_mantissa, ledger.min_liquidatable_collateral_usd_mantissa
    if total <= minimum:
        raise EvmRevert("MinimalCollateralViolated", expected_greater_than=minimum, actual=total)
    require_shortfall(data.shortfall_usd_mantissa)
    _require_at_most(mul_div_down(ledger.close_factor_mantissa, debt, WAD), amount)


def validate_liquidate_borrow(borrower: User, liquidator: User, amount: int) -> None:
    """What the vToken itself asks of a liquidation that repays `amount` [underlying]."""
    if borrower == liquidator:
        raise EvmRevert("LiquidateLiquidatorIsBorrower")
    if amount == 0:
        raise EvmRevert("LiquidateCloseAmountIsZero")
    if amount == MAX_UINT256:
        raise EvmRevert("LiquidateCloseAmountIsUintMax")


def pre_seize_hook(ledger: Ledger, borrower: User, market_id: MarketId) -> None:
    """`preSeizeHook`: only markets that the borrower has entered can be seized, unlike in Compound v2."""
    vtoken = ledger.vtoken(market_id)
    require_not_paused(vtoken, Action.SEIZE)
    require_listed(vtoken)
    if not ledger.is_member(borrower, market_id):
        raise EvmRevert("MarketNotCollateral", market_id=market_id)


def require_shortfall(shortfall_usd_mantissa: int) -> None:
    """Reverts `InsufficientShortfall` for an account whose weighted collateral covers its debts, if only just."""
    if shortfall_usd_mantissa == 0:
        raise EvmRevert("InsufficientShortfall")


def require_small_collateral(ledger: Ledger, total_collateral_usd_mantissa: int) -> None:
    """Reverts `CollateralExceedsThreshold` for an account too large to be liquidated or healed as a whole."""
    limit = ledger.min_liquidatable_collateral_usd_mantissa
    if total_collateral_usd_mantissa > limit:
        raise EvmRevert("CollateralExceedsThreshold", limit=limit, actual=total_collateral_usd_mantissa)


def _require_liquidity(
    ledger: Ledger, user: User, prices_mantissa: Mapping[MarketId, int], effect: Effect
) -> None:
    data = liquidity_snapshot(ledger, user, prices_mantissa, collateral_factor, effect)
    if data.shortfall_usd_mantissa > 0:
        raise EvmRevert("InsufficientLiquidity", shortfall_usd_mantissa=data.shortfall_usd_mantissa)


def _require_at_most(limit: int, amount: int) -> None:
    if amount > limit:
        raise EvmRevert("TooMuchRepay", amount=amount, limit=limit)
