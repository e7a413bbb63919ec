"""Whether a liquidation is allowed, asked in the contract's order, and what its numbered errors are called.

Mirrors `ValidationLogic.validateLiquidationCall`, contracts/protocol/libraries/logic/ValidationLogic.sol, and
`Errors`, contracts/protocol/libraries/helpers/Errors.sol (aave/protocol-v2@1.0.1).
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v2.health import HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD, counts_as_collateral
from protocol.aave_v2.state import LiquidationCall, Market, Position, Reserve
from protocol.errors import EvmRevert

ERROR_NAMES: Mapping[str, str] = {
    "1": "InvalidAmount",
    "2": "ReserveInactive",
    "3": "ReserveFrozen",
    "4": "CurrentAvailableLiquidityNotEnough",
    "5": "NotEnoughAvailableUserBalance",
    "6": "TransferNotAllowed",
    "7": "BorrowingNotEnabled",
    "8": "InvalidInterestRateModeSelected",
    "9": "CollateralBalanceIsZero",
    "10": "HealthFactorLowerThanLiquidationThreshold",
    "11": "CollateralCannotCoverNewBorrow",
    "12": "StableBorrowingNotEnabled",
    "13": "CollateralSameAsBorrowingCurrency",
    "14": "AmountBiggerThanMaxLoanSizeStable",
    "15": "NoDebtOfSelectedType",
    "16": "NoExplicitAmountToRepayOnBehalf",
    "17": "NoStableRateLoanInReserve",
    "18": "NoVariableRateLoanInReserve",
    "19": "UnderlyingBalanceZero",
    "20": "DepositAlreadyInUse",
    "21": "NotEnoughStableBorrowBalance",
    "22": "InterestRateRebalanceConditionsNotMet",
    "23": "LiquidationCallFailed",
    "24": "NotEnoughLiquidityToBorrow",
    "25": "RequestedAmountTooSmall",
    "26": "InconsistentProtocolActualBalance",
    "27": "CallerNotLendingPoolConfigurator",
    "28": "InconsistentFlashloanParams",
    "29": "CallerMustBeLendingPool",
    "30": "CannotGiveAllowanceToHimself",
    "31": "TransferAmountNotGt0",
    "32": "ReserveAlreadyInitialized",
    "33": "CallerNotPoolAdmin",
    "34": "ReserveLiquidityNot0",
    "35": "InvalidATokenPoolAddress",
    "36": "InvalidStableDebtTokenPoolAddress",
    "37": "InvalidVariableDebtTokenPoolAddress",
    "38": "InvalidStableDebtTokenUnderlyingAddress",
    "39": "InvalidVariableDebtTokenUnderlyingAddress",
    "40": "InvalidAddressesProviderId",
    "41": "ProviderNotRegistered",
    "42": "HealthFactorNotBelowThreshold",
    "43": "CollateralCannotBeLiquidated",
    "44": "SpecifiedCurrencyNotBorrowedByUser",
    "45": "NotEnoughLiquidityToLiquidate",
    "46": "NoErrors",
    "47": "InvalidFlashloanMode",
    "48": "MathMultiplicationOverflow",
    "49": "MathAdditionOverflow",
    "50": "MathDivisionByZero",
    "51": "LiquidityIndexOverflow",
    "52": "VariableBorrowIndexOverflow",
    "53": "LiquidityRateOverflow",
    "54": "VariableBorrowRateOverflow",
    "55": "StableBorrowRateOverflow",
    "56": "InvalidMintAmount",
    "57": "FailedRepayWithCollateral",
    "58": "InvalidBurnAmount",
    "59": "BorrowAllowanceNotEnough",
    "60": "FailedCollateralSwap",
    "61": "InvalidEqualAssetsToSwap",
    "62": "ReentrancyNotAllowed",
    "63": "CallerMustBeAnAToken",
    "64": "ReservePaused",
    "65": "NoMoreReservesAllowed",
    "66": "InvalidFlashLoanExecutorReturn",
    "67": "InvalidLtv",
    "68": "InvalidLiqThreshold",
    "69": "InvalidLiqBonus",
    "70": "InvalidDecimals",
    "71": "InvalidReserveFactor",
    "72": "RegistryInvalidAddressesProviderId",
    "73": "FlashloanParamsLengthsDiffer",
    "74": "InconsistentParamsLength",
    "75": "InvalidConfiguration",
    "76": "CallerNotEmergencyAdmin",
    "77": "InvalidIndex",
    "78": "NotContract",
    "79": "StableDebtOverflow",
    "80": "BurnExceedsBalance",
}
"""What the contracts revert with, a number in a string, to the name of the error; Aave v3's where it has one."""


class Refusal(EvmRevert):
    """A liquidation that the collateral manager refuses by a code it returns; what it reverts with is lost."""


def require_not_paused(market: Market) -> None:
    """`whenNotPaused`: the pool is paused as a whole. [Modified in v3: reserve by reserve]"""
    if market.paused:
        raise EvmRevert("ReservePaused")


def validate_liquidation_call(
    call: LiquidationCall,
    *,
    collateral: Reserve,
    debt: Reserve,
    collateral_position: Position,
    debt_balance: int,
    health_factor_wad: int,
) -> None:
    """Raises `Refusal` with the contract's error unless the call is allowed. `debt_balance` [asset units]."""
    if not (collateral.config.active and debt.config.active):
        raise Refusal("ReserveInactive", collateral_id=call.collateral_id, debt_id=call.debt_id)
    if health_factor_wad >= HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD:
        raise Refusal("HealthFactorNotBelowThreshold", health_factor_wad=health_factor_wad)
    if not (collateral_position.collateral_enabled and counts_as_collateral(collateral.config)):
        raise Refusal("CollateralCannotBeLiquidated", collateral_id=call.collateral_id)
    if debt_balance == 0:
        raise Refusal("SpecifiedCurrencyNotBorrowedByUser", debt_id=call.debt_id)


def require_liquidity(collateral: Reserve, amount: int) -> None:
    """Raises `Refusal` where `amount` [asset units] cannot be paid out. [Modified in v3: not asked before]"""
    if collateral.virtual_underlying_balance < amount:
        raise Refusal(
            "NotEnoughLiquidityToLiquidate", amount=amount, available=collateral.virtual_underlying_balance
        )
