"""Whether a spoke allows what is asked, in the contract's order.

Mirrors `_validateLiquidationCall`, src/spoke/libraries/LiquidationLogic.sol, and the `_validate` functions of
src/spoke/Spoke.sol (aave/aave-v4@v0.5.11).
"""

from __future__ import annotations

from protocol.aave_v4.bonus import HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.state import NO_RESERVES_LIMIT, LiquidationCall, Position, Reserve, User
from protocol.errors import EvmRevert


def validate_liquidation_call(
    call: LiquidationCall,
    *,
    collateral: Reserve,
    debt: Reserve,
    collateral_position: Position,
    drawn_shares: int,
    collateral_factor_bps: int,
    health_factor_wad: int,
) -> None:
    """Reverts with the contract's error unless the call is allowed. `drawn_shares`: the borrower's, of the debt."""
    if call.borrower == call.liquidator:
        raise EvmRevert("SelfLiquidation")
    if call.debt_to_cover == 0:
        raise EvmRevert("InvalidDebtToCover")
    if collateral.paused or debt.paused:
        raise EvmRevert("ReservePaused", collateral_id=call.collateral_id, debt_id=call.debt_id)
    if collateral_position.supplied_shares == 0:
        raise EvmRevert("ReserveNotSupplied", collateral_id=call.collateral_id)
    if drawn_shares == 0:
        raise EvmRevert("ReserveNotBorrowed", debt_id=call.debt_id)
    if health_factor_wad >= HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD:
        raise EvmRevert("HealthFactorNotBelowThreshold", health_factor_wad=health_factor_wad)
    if collateral_factor_bps == 0 or not collateral_position.collateral_enabled:
        raise EvmRevert("ReserveNotEnabledAsCollateral", collateral_id=call.collateral_id)
    if call.receive_shares and (collateral.frozen or not collateral.receive_shares_enabled):
        raise EvmRevert("CannotReceiveShares", collateral_id=call.collateral_id)


def require_not_paused(reserve: Reserve) -> None:
    """`_validateWithdraw`, `_validateRepay`: reverts `ReservePaused`."""
    if reserve.paused:
        raise EvmRevert("ReservePaused", reserve_id=reserve.reserve_id)


def validate_supply(reserve: Reserve) -> None:
    """`_validateSupply`."""
    require_not_paused(reserve)
    if reserve.frozen:
        raise EvmRevert("ReserveFrozen", reserve_id=reserve.reserve_id)


def validate_borrow(reserve: Reserve) -> None:
    """`_validateBorrow`; health is asked at the end of the loan."""
    validate_supply(reserve)
    if not reserve.borrowable:
        raise EvmRevert("ReserveNotBorrowable", reserve_id=reserve.reserve_id)


def validate_collateral_switch(ledger: Ledger, user: User, reserve: Reserve, *, use: bool) -> None:
    """`_validateSetUsingAsCollateral`: a frozen reserve may stop being collateral, not start."""
    if not use:
        require_not_paused(reserve)
        return
    validate_supply(reserve)
    _require_room(ledger, sum(position.collateral_enabled for _, position in ledger.used(user)))


def validate_new_loan(ledger: Ledger, user: User) -> None:
    """Reverts `MaximumUserReservesExceeded` when a user has as many loans as it may."""
    _require_room(ledger, sum(position.borrowing for _, position in ledger.used(user)))


def _require_room(ledger: Ledger, count: int) -> None:
    if ledger.max_user_reserves != NO_RESERVES_LIMIT and count >= ledger.max_user_reserves:
        raise EvmRevert("MaximumUserReservesExceeded", count=count, limit=ledger.max_user_reserves)
