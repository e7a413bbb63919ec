"""Whether a liquidation is allowed, asked in the contract's order.

Mirrors `ValidationLogic.validateLiquidationCall`,
src/contracts/protocol/libraries/logic/ValidationLogic.sol@v3.6.0 and its forms before.
"""

from __future__ import annotations

from protocol.aave_v3.health import counts_as_collateral
from protocol.aave_v3.state import LiquidationCall, Market, Position, Reserve
from protocol.errors import EvmRevert
from protocol.units import WAD

HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD = WAD
"""Below it an account may be liquidated: 1. [wad]"""
MINIMUM_HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD = 95 * 10**16
"""Below it the sequencer sentinel is not asked: 0.95. [wad]"""


def validate_liquidation_call(
    market: Market,
    call: LiquidationCall,
    *,
    collateral: Reserve,
    debt: Reserve,
    collateral_position: Position,
    debt_balance: int,
    health_factor_wad: int,
    timestamp: int,
) -> None:
    """Reverts with the contract's error unless the call is allowed. `debt_balance` [asset units]."""
    rules = market.rules
    if rules.forbids_self_liquidation and call.borrower == call.liquidator:
        raise EvmRevert("SelfLiquidation")
    if not (collateral.config.active and debt.config.active):
        raise EvmRevert("ReserveInactive", collateral_id=call.collateral_id, debt_id=call.debt_id)
    if collateral.config.paused or debt.config.paused:
        raise EvmRevert("ReservePaused", collateral_id=call.collateral_id, debt_id=call.debt_id)
    if not _sentinel_allows(market, health_factor_wad):
        raise EvmRevert("PriceOracleSentinelCheckFailed", health_factor_wad=health_factor_wad)
    if rules.has_grace_period:
        _require_grace_over(collateral, debt, timestamp)
    if health_factor_wad >= HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD:
        raise EvmRevert("HealthFactorNotBelowThreshold", health_factor_wad=health_factor_wad)
    if not (collateral_position.collateral_enabled and counts_as_collateral(collateral.config, rules)):
        raise EvmRevert("CollateralCannotBeLiquidated", collateral_id=call.collateral_id)
    if debt_balance == 0:
        raise EvmRevert("SpecifiedCurrencyNotBorrowedByUser", debt_id=call.debt_id)


def _sentinel_allows(market: Market, health_factor_wad: int) -> bool:
    return (
        not market.rules.has_sentinel
        or market.sentinel_allows_liquidation is not False
        or health_factor_wad < MINIMUM_HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD
    )


def _require_grace_over(collateral: Reserve, debt: Reserve, timestamp: int) -> None:
    until = max(
        collateral.config.liquidation_grace_until_timestamp, debt.config.liquidation_grace_until_timestamp
    )
    if until >= timestamp:
        raise EvmRevert("LiquidationGraceSentinelCheckFailed", until=until, timestamp=timestamp)
