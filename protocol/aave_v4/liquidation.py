"""`Spoke.liquidationCall`, step by step in the contract's order.

Mirrors `liquidationCall`, src/spoke/Spoke.sol, and `liquidateUser`,
src/spoke/libraries/LiquidationLogic.sol (aave/aave-v4@v0.5.11). Taken for granted: the liquidator has the debt
asset and has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v4 import hub
from protocol.aave_v4.amounts import (
    DebtToLiquidate,
    LiquidationAmounts,
    LiquidationAmountsParams,
    calculate_liquidation_amounts,
)
from protocol.aave_v4.bad_debt import leaves_deficit, report_deficits
from protocol.aave_v4.health import price_at, process_account_data
from protocol.aave_v4.interest import share_pool
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.premium import debt_components, premium_delta, with_premium_delta
from protocol.aave_v4.risk_premium import notify_risk_premium
from protocol.aave_v4.state import (
    AccountData,
    Liquidated,
    LiquidationCall,
    Market,
    PremiumDelta,
    ReserveId,
    Revert,
)
from protocol.aave_v4.validation import validate_liquidation_call
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, sub, to_uint


class _Collateral(NamedTuple):
    """What became of the collateral. [asset units]"""

    removed: int
    to_liquidator: int


def liquidation_call(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Liquidated | Revert:
    """What the call does to the market at `timestamp` [s] and observed prices, or the error it reverts with.

    Raises `MissingPrice`, `UnknownReserve`, `UnknownAsset` for input that the contract could not meet.
    """
    try:
        return _execute(Ledger(market, timestamp), call, prices_base)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def liquidation_quote(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> LiquidationAmounts | Revert:
    """The amounts of the call without its effects: what a liquidator asks before sending; errors as above.

    A call can still revert where it takes effect, as for collateral that is worth no asset unit.
    """
    try:
        return _decide(Ledger(market, timestamp), call, prices_base)[0]
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def _execute(ledger: Ledger, call: LiquidationCall, prices_base: Mapping[ReserveId, int]) -> Liquidated:
    amounts, before = _decide(ledger, call, prices_base)
    collateral = _liquidate_collateral(ledger, call, amounts)
    debt = DebtToLiquidate(amounts.drawn_shares_to_liquidate, amounts.premium_debt_to_liquidate_ray)
    repaid, delta = _liquidate_debt(ledger, call, debt)
    deficits_ray: Mapping[ReserveId, int] = {}
    if leaves_deficit(
        before,
        collateral=ledger.position(call.borrower, call.collateral_id),
        debt=ledger.position(call.borrower, call.debt_id),
    ):
        deficits_ray = report_deficits(ledger, call.borrower)
    else:
        after = process_account_data(ledger, call.borrower, prices_base)
        notify_risk_premium(ledger, call.borrower, after.risk_premium_bps)
    return Liquidated(
        market=ledger.market(),
        debt_repaid=repaid,
        drawn_shares_liquidated=debt.drawn_shares,
        premium_delta=delta,
        collateral_removed=collateral.removed,
        collateral_shares_liquidated=amounts.collateral_shares_to_liquidate,
        collateral_shares_to_liquidator=amounts.collateral_shares_to_liquidator,
        collateral_to_liquidator=collateral.to_liquidator,
        deficits_ray=deficits_ray,
    )


def _decide(
    ledger: Ledger, call: LiquidationCall, prices_base: Mapping[ReserveId, int]
) -> tuple[LiquidationAmounts, AccountData]:
    """Read the account, validate, and settle the amounts."""
    data = process_account_data(ledger, call.borrower, prices_base)
    collateral, debt = ledger.listed(call.collateral_id), ledger.listed(call.debt_id)
    validate_liquidation_call(
        call,
        collateral=collateral,
        debt=debt,
        collateral_position=ledger.position(call.borrower, call.collateral_id),
        drawn_shares=ledger.position(call.borrower, call.debt_id).drawn_shares,
        collateral_factor_bps=ledger.dynamic_config(call.borrower, call.collateral_id).collateral_factor_bps,
        health_factor_wad=data.health_factor_wad,
    )
    return calculate_liquidation_amounts(amounts_params(ledger, call, data, prices_base)), data


def amounts_params(
    ledger: Ledger, call: LiquidationCall, data: AccountData, prices_base: Mapping[ReserveId, int]
) -> LiquidationAmountsParams:
    """All that the amounts of a call depend on; price errors as in `account_data`."""
    collateral, debt = ledger.listed(call.collateral_id), ledger.listed(call.debt_id)
    owed = debt_components(ledger.position(call.borrower, call.debt_id), ledger.drawn_index(debt))
    config, dynamic = ledger.liquidation_config, ledger.dynamic_config(call.borrower, call.collateral_id)
    return LiquidationAmountsParams(
        collateral_pool=share_pool(ledger.asset(collateral), ledger.timestamp),
        supplied_shares=ledger.position(call.borrower, call.collateral_id).supplied_shares,
        collateral_decimals=collateral.decimals,
        collateral_price_base=price_at(call.collateral_id, prices_base),
        drawn_shares=owed.drawn_shares,
        premium_debt_ray=owed.premium_debt_ray,
        drawn_index_ray=owed.drawn_index_ray,
        total_debt_value_ray=data.total_debt_value_ray,
        debt_decimals=debt.decimals,
        debt_price_base=price_at(call.debt_id, prices_base),
        debt_to_cover=call.debt_to_cover,
        collateral_factor_bps=dynamic.collateral_factor_bps,
        health_factor_for_max_bonus_wad=config.health_factor_for_max_bonus_wad,
        liquidation_bonus_factor_bps=config.liquidation_bonus_factor_bps,
        max_liquidation_bonus_bps=dynamic.max_liquidation_bonus_bps,
        target_health_factor_wad=config.target_health_factor_wad,
        health_factor_wad=data.health_factor_wad,
        liquidation_fee_bps=dynamic.liquidation_fee_bps,
    )


def _liquidate_collateral(ledger: Ledger, call: LiquidationCall, amounts: LiquidationAmounts) -> _Collateral:
    """`_liquidateCollateral`: off the borrower; as shares or underlying to the liquidator; the rest is the fee.

    The collateral bit stays, even on an empty position.
    """
    reserve = ledger.reserve(call.collateral_id)
    taken, given = amounts.collateral_shares_to_liquidate, amounts.collateral_shares_to_liquidator
    position = ledger.position(call.borrower, call.collateral_id)
    left = sub(position.supplied_shares, to_uint(taken, 120))
    ledger.put_position(call.borrower, call.collateral_id, replace(position, supplied_shares=left))
    pool, paid = share_pool(ledger.asset(reserve), ledger.timestamp), 0
    if given > 0 and call.receive_shares:
        _hand_over_shares(ledger, call, given)
    elif given > 0:
        paid = pool.to_assets_down(given)
        ledger.put_asset(
            hub.remove_liquidity(ledger.asset(reserve), ledger.spoke, paid, ledger.timestamp).asset
        )
    if taken > given:
        asset = ledger.asset(reserve)
        ledger.put_asset(hub.pay_fee_shares(asset, ledger.spoke, taken - given, ledger.timestamp))
    return _Collateral(removed=pool.to_assets_down(taken), to_liquidator=paid)


def _hand_over_shares(ledger: Ledger, call: LiquidationCall, shares: int) -> None:
    position = ledger.position(call.liquidator, call.collateral_id)
    held = add(position.supplied_shares, to_uint(shares, 120), max_value=hub.MAX_UINT120)
    ledger.put_position(call.liquidator, call.collateral_id, replace(position, supplied_shares=held))


def _liquidate_debt(ledger: Ledger, call: LiquidationCall, debt: DebtToLiquidate) -> tuple[int, PremiumDelta]:
    """`_liquidateDebt`: what the liquidator paid [asset units], and how the premium moved."""
    reserve = ledger.reserve(call.debt_id)
    index_ray = ledger.drawn_index(reserve)
    position = ledger.position(call.borrower, call.debt_id)
    delta = premium_delta(
        position,
        drawn_shares_taken=debt.drawn_shares,
        drawn_index_ray=index_ray,
        risk_premium_bps=ledger.account(call.borrower).risk_premium_bps,
        restored_premium_ray=debt.premium_debt_ray,
    )
    asset, drawn = ledger.asset(reserve), debt.drawn_debt(index_ray)
    ledger.put_asset(hub.restore(asset, ledger.spoke, drawn, delta, ledger.timestamp).asset)
    less = with_premium_delta(position, delta)
    left = sub(less.drawn_shares, to_uint(debt.drawn_shares, 120))
    ledger.put_position(
        call.borrower, call.debt_id, replace(less, drawn_shares=left, borrowing=less.borrowing and left > 0)
    )
    return debt.cost(index_ray), delta
