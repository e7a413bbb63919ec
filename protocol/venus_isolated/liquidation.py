"""`VToken.liquidateBorrow` and `Comptroller.liquidateAccount`, step by step in the contract's order.

Mirrors `_liquidateBorrow`, `_liquidateBorrowFresh` and `_seize`, contracts/VToken.sol, and `liquidateAccount`,
contracts/Comptroller.sol (VenusProtocol/isolated-pools@58b76f81). Taken for granted: the liquidator has the
debt asset and has approved it. Nothing is clipped to the collateral that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import mul_div_down, sub
from protocol.units import WAD
from protocol.venus_isolated.amounts import protocol_seize_vtokens, seize_ratio, seize_vtokens
from protocol.venus_isolated.borrow import repay_fresh
from protocol.venus_isolated.health import liquidation_threshold, liquidity_snapshot, price_at
from protocol.venus_isolated.interest import account_snapshot, exchange_rate
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import (
    AccountLiquidated,
    Leg,
    Liquidated,
    LiquidationCall,
    LiquidationOrder,
    Market,
    MarketId,
    Revert,
    Seized,
    User,
)
from protocol.venus_isolated.supply import move_vtokens
from protocol.venus_isolated.validation import (
    pre_liquidate_hook,
    pre_seize_hook,
    require_listed,
    require_shortfall,
    require_small_collateral,
    validate_liquidate_borrow,
)


def liquidate_borrow(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> Liquidated | Revert:
    """What a regular liquidation does to the market at `slot` and observed prices, or the error it reverts with.

    Raises `MissingPrice`, `NegativePrice`, `UnknownMarket` for input that the contract could not meet.
    """
    ledger = Ledger(market, slot)
    order = LiquidationOrder(
        collateral_id=call.collateral_id, debt_id=call.debt_id, repay_amount=call.repay_amount
    )
    try:
        leg = _liquidate(ledger, call.borrower, call.liquidator, order, prices_mantissa, skip=False)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Liquidated(market=ledger.market(), repaid_underlying=leg.repaid_underlying, seized=leg.seized)


def liquidate_account(
    market: Market,
    borrower: User,
    liquidator: User,
    orders: Sequence[LiquidationOrder],
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> AccountLiquidated | Revert:
    """A batch of orders that must repay all that a small account owes, whose collateral is worth more than that.

    What the account is worth is read before anything accrues. Errors as in `liquidate_borrow`.
    """
    ledger = Ledger(market, slot)
    try:
        legs = _liquidate_account(ledger, borrower, liquidator, orders, prices_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return AccountLiquidated(market=ledger.market(), legs=legs)


def seize(ledger: Ledger, market_id: MarketId, liquidator: User, borrower: User, vtokens: int) -> Seized:
    """`_seize`: `vtokens` leave the borrower, and the protocol's part of them is burned for its worth."""
    pre_seize_hook(ledger, borrower, market_id)
    if borrower == liquidator:
        raise EvmRevert("LiquidateSeizeLiquidatorIsBorrower")
    vtoken = ledger.vtoken(market_id)
    burned = protocol_seize_vtokens(
        vtokens,
        protocol_share_mantissa=vtoken.protocol_seize_share_mantissa,
        incentive_mantissa=ledger.liquidation_incentive_mantissa,
    )
    to_liquidator = sub(vtokens, burned)
    worth = mul_div_down(exchange_rate(vtoken), burned, WAD)
    fewer = replace(vtoken, total_supply_vtokens=sub(vtoken.total_supply_vtokens, burned))
    move_vtokens(ledger, borrower, market_id, taken=vtokens)
    move_vtokens(ledger, liquidator, market_id, given=to_liquidator)
    ledger.put(ledger.rules.take_seize_share(fewer, worth))
    return Seized(
        seized_vtokens=vtokens,
        liquidator_seized_vtokens=to_liquidator,
        protocol_seized_vtokens=burned,
        protocol_seized_underlying=worth,
    )


def seize_ratio_of(ledger: Ledger, order: LiquidationOrder, prices_mantissa: Mapping[MarketId, int]) -> int:
    """How many vTokens of its collateral a unit of the order's debt takes, at the stored exchange rate. [mantissa]"""
    return seize_ratio(
        incentive_mantissa=ledger.liquidation_incentive_mantissa,
        price_borrowed_mantissa=price_at(order.debt_id, prices_mantissa),
        price_collateral_mantissa=price_at(order.collateral_id, prices_mantissa),
        exchange_rate_mantissa=exchange_rate(ledger.vtoken(order.collateral_id)),
    )


def _liquidate(
    ledger: Ledger,
    borrower: User,
    liquidator: User,
    order: LiquidationOrder,
    prices_mantissa: Mapping[MarketId, int],
    *,
    skip: bool,
) -> Leg:
    """`_liquidateBorrow`: only the two markets of the order accrue."""
    ledger.accrue(order.debt_id)
    ledger.accrue(order.collateral_id)
    pre_liquidate_hook(ledger, borrower, order, prices_mantissa, skip_liquidity_check=skip)
    validate_liquidate_borrow(borrower, liquidator, order.repay_amount)
    repaid = repay_fresh(ledger, borrower, order.debt_id, order.repay_amount)
    vtokens = seize_vtokens(seize_ratio_of(ledger, order, prices_mantissa), repaid)
    held = ledger.position(borrower, order.collateral_id).vtokens
    if held < vtokens:
        raise EvmRevert("LIQUIDATE_SEIZE_TOO_MUCH", held=held, vtokens=vtokens)
    seized = seize(ledger, order.collateral_id, liquidator, borrower, vtokens)
    return Leg(order=order, repaid_underlying=repaid, seized=seized)


def _liquidate_account(
    ledger: Ledger,
    borrower: User,
    liquidator: User,
    orders: Sequence[LiquidationOrder],
    prices_mantissa: Mapping[MarketId, int],
) -> tuple[Leg, ...]:
    _require_batch_suffices(ledger, borrower, prices_mantissa)
    if len(orders) // 2 > ledger.max_loops_limit:
        raise EvmRevert("MaxLoopsLimitExceeded", limit=ledger.max_loops_limit, required=len(orders) // 2)
    legs: list[Leg] = []
    for order in orders:
        require_listed(ledger.vtoken(order.debt_id))
        require_listed(ledger.vtoken(order.collateral_id))
        legs.append(_liquidate(ledger, borrower, liquidator, order, prices_mantissa, skip=True))
    for vtoken in ledger.assets_in(borrower):
        _, owed, _ = account_snapshot(vtoken, ledger.position(borrower, vtoken.market_id))
        if owed != 0:
            raise EvmRevert("Nonzero borrow balance after liquidation", owed=owed)
    return tuple(legs)


def _require_batch_suffices(ledger: Ledger, borrower: User, prices_mantissa: Mapping[MarketId, int]) -> None:
    """Small, worth more than its debts and the incentive, and short of what its threshold asks."""
    data = liquidity_snapshot(ledger, borrower, prices_mantissa, liquidation_threshold)
    total = data.total_collateral_usd_mantissa
    require_small_collateral(ledger, total)
    to_seize = mul_div_down(ledger.liquidation_incentive_mantissa, data.borrows_usd_mantissa, WAD)
    if to_seize >= total:
        raise EvmRevert("InsufficientCollateral", to_seize=to_seize, available=total)
    require_shortfall(data.shortfall_usd_mantissa)
