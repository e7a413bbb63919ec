"""What every revert of the model is called and which numbers it carries, module by module.

The names are the contracts' own: src/contracts/protocol/libraries/helpers/Errors.sol (aave-dao/aave-v3-origin),
contracts/protocol/libraries/helpers/Errors.sol (aave/protocol-v2@1.0.1, there as numbers) and the interfaces
under src of aave/aave-v4@v0.5.11; the numbers are those that the contract compared. `|` parts the forms of one
name, each the keys of its numbers in order.
"""

from __future__ import annotations

from collections.abc import Mapping

REVERTS: Mapping[str, Mapping[str, str]] = {
    "protocol.aave_v2.action_validation": {
        "AmountBiggerThanMaxLoanSizeStable": "amount limit",
        "BorrowingNotEnabled": "reserve_id",
        "CollateralBalanceIsZero": "",
        "CollateralCannotCoverNewBorrow": "needed_base collateral_base",
        "CollateralSameAsBorrowingCurrency": "amount supplied",
        "DepositAlreadyInUse": "reserve_id",
        "HealthFactorLowerThanLiquidationThreshold": "health_factor_wad",
        "InterestRateRebalanceConditionsNotMet": "usage_ray",
        "InvalidAmount": "",
        "NoDebtOfSelectedType": "reserve_id",
        "NoExplicitAmountToRepayOnBehalf": "",
        "NoStableRateLoanInReserve": "reserve_id",
        "NoVariableRateLoanInReserve": "reserve_id",
        "NotEnoughAvailableUserBalance": "amount balance",
        "ReserveFrozen": "reserve_id",
        "ReserveInactive": "reserve_id",
        "StableBorrowingNotEnabled": "reserve_id",
        "TransferNotAllowed": "amount",
        "UnderlyingBalanceZero": "reserve_id",
    },
    "protocol.aave_v2.interest": {
        "LiquidityIndexOverflow": "value",
        "VariableBorrowIndexOverflow": "value",
        "LiquidityRateOverflow": "value",
        "StableBorrowRateOverflow": "value",
        "VariableBorrowRateOverflow": "value",
    },
    "protocol.aave_v2.ledger": {
        "InvalidBurnAmount": "",
        "InvalidMintAmount": "",
        "ERC20: burn amount exceeds balance": "held taken",
        "ERC20: transfer amount exceeds balance": "held taken",
    },
    "protocol.aave_v2.rates": {
        "ERC20: transfer amount exceeds balance": "held taken",
    },
    "protocol.aave_v2.stable_debt": {
        "BurnExceedsBalance": "principal burned",
        "StableDebtOverflow": "rate_ray",
    },
    "protocol.aave_v2.validation": {
        "CollateralCannotBeLiquidated": "collateral_id",
        "HealthFactorNotBelowThreshold": "health_factor_wad",
        "NotEnoughLiquidityToLiquidate": "amount available",
        "ReserveInactive": "collateral_id debt_id",
        "ReservePaused": "",
        "SpecifiedCurrencyNotBorrowedByUser": "debt_id",
    },
    "protocol.aave_v3.action_validation": {
        "AmountBiggerThanMaxLoanSizeStable": "amount limit",
        "AssetNotBorrowableInIsolation": "reserve_id",
        "BorrowCapExceeded": "total cap",
        "BorrowingNotEnabled": "reserve_id",
        "CollateralBalanceIsZero": "",
        "CollateralCannotCoverNewBorrow": "needed_base collateral_base",
        "CollateralSameAsBorrowingCurrency": "amount supplied",
        "DebtCeilingExceeded": "total ceiling",
        "HealthFactorLowerThanLiquidationThreshold": "health_factor_wad",
        "InconsistentEModeCategory": "emode_id | reserve_id emode_id",
        "InvalidAmount": " | amount supply",
        "InvalidCollateralInEmode": "reserve_id",
        "InvalidDebtInEmode": "reserve_id",
        "InvalidInterestRateModeSelected": "",
        "LtvValidationFailed": " | reserve_id",
        "NoDebtOfSelectedType": "reserve_id",
        "NoExplicitAmountToRepayOnBehalf": "",
        "NotEnoughAvailableUserBalance": "asked held",
        "PriceOracleSentinelCheckFailed": "",
        "ReserveFrozen": "reserve_id",
        "ReserveInactive": "reserve_id",
        "ReservePaused": "reserve_id",
        "SameBlockBorrowRepay": "reserve_id",
        "SiloedBorrowingViolation": "borrowed_id reserve_id",
        "StableBorrowingNotEnabled": "reserve_id",
        "SupplyCapExceeded": "total cap",
        "UnderlyingBalanceZero": "reserve_id",
        "NotBorrowableInEMode": "reserve_id emode_id",
    },
    "protocol.aave_v3.amounts": {
        "MustNotLeaveDust": "debt_left_base collateral_left_base",
    },
    "protocol.aave_v3.borrow": {
        "OperationNotSupported": "reserve_id",
    },
    "protocol.aave_v3.deficit": {
        "CallerNotUmbrella": "",
        "InvalidAmount": "",
        "NotEnoughAvailableUserBalance": "wanted balance",
        "ReserveInactive": "reserve_id",
        "ReserveNotInDeficit": "reserve_id",
        "UserCannotHaveDebt": "",
        "EmptyRevert": "",
    },
    "protocol.aave_v3.gho": {
        "InvalidBurnAmount": "",
        "InvalidMintAmount": "",
    },
    "protocol.aave_v3.health": {
        "Panic(0x11)": "value ltv_bps threshold_bps",
    },
    "protocol.aave_v3.ledger": {
        "InvalidBurnAmount": "",
        "InvalidMintAmount": "",
    },
    "protocol.aave_v3.rates": {
        "ERC20: transfer amount exceeds balance": "held taken",
    },
    "protocol.aave_v3.supply": {
        "OperationNotSupported": "reserve_id",
        "UnderlyingBalanceZero": "reserve_id",
        "UserInIsolationModeOrLtvZero": "reserve_id",
        "UserHasAssetWithZeroLtv": "reserve_id",
    },
    "protocol.aave_v3.validation": {
        "CollateralCannotBeLiquidated": "collateral_id",
        "HealthFactorNotBelowThreshold": "health_factor_wad",
        "LiquidationGraceSentinelCheckFailed": "until timestamp",
        "PriceOracleSentinelCheckFailed": "health_factor_wad",
        "ReserveInactive": "collateral_id debt_id",
        "ReservePaused": "collateral_id debt_id",
        "SelfLiquidation": "",
        "SpecifiedCurrencyNotBorrowedByUser": "debt_id",
    },
    "protocol.aave_v4.amounts": {
        "MustNotLeaveDust": "debt_to_cover cost",
    },
    "protocol.aave_v4.health": {
        "InvalidPrice": "reserve_id price_base",
        "MaxDataSizeExceeded": "value",
    },
    "protocol.aave_v4.hub": {
        "InvalidPremiumChange": "before_ray after_ray | premium_shares most | restored_premium_ray",
        "InvalidShares": "amount | shares",
    },
    "protocol.aave_v4.hub_validation": {
        "AddCapExceeded": "add_cap added",
        "DrawCapExceeded": "draw_cap drawn",
        "InsufficientLiquidity": "liquidity amount",
        "InvalidAmount": "",
        "SpokeHalted": "",
        "SpokeNotActive": "",
        "SurplusDrawnRestored": "drawn amount",
        "SurplusDrawnDeficitReported": "drawn amount",
        "SurplusPremiumRayRestored": "premium_ray amount_ray",
        "SurplusPremiumRayDeficitReported": "premium_ray amount_ray",
    },
    "protocol.aave_v4.interest": {
        "EmptyRevert": "last_update_timestamp timestamp",
    },
    "protocol.aave_v4.ledger": {
        "ReserveNotListed": "reserve_id",
    },
    "protocol.aave_v4.rates": {
        "InterestRateDataNotSet": "",
    },
    "protocol.aave_v4.risk_premium": {
        "HealthFactorBelowThreshold": "health_factor_wad",
    },
    "protocol.aave_v4.validation": {
        "CannotReceiveShares": "collateral_id",
        "HealthFactorNotBelowThreshold": "health_factor_wad",
        "InvalidDebtToCover": "",
        "MaximumUserReservesExceeded": "count limit",
        "ReserveFrozen": "reserve_id",
        "ReserveNotBorrowable": "reserve_id",
        "ReserveNotBorrowed": "debt_id",
        "ReserveNotEnabledAsCollateral": "collateral_id",
        "ReserveNotSupplied": "collateral_id",
        "ReservePaused": "collateral_id debt_id | reserve_id",
        "SelfLiquidation": "",
    },
    "protocol.fixed_point.full_width": {
        "Panic(0x12)": "a b",
        "EmptyRevert": "a b c",
        "Panic(0x11)": "a b c",
    },
    "protocol.fixed_point.percentage": {
        "EmptyRevert": "value share_bps",
    },
    "protocol.fixed_point.rescale": {
        "EmptyRevert": "a | a factor",
    },
    "protocol.fixed_point.signed": {
        "SafeCastOverflowedIntDowncast": "bits value",
        "SafeCastOverflowedIntToUint": "value",
        "SafeCastOverflowedUintToInt": "value",
    },
    "protocol.fixed_point.uint256": {
        "SafeCastOverflowedUintDowncast": "bits value",
        "Panic(0x12)": "a",
        "EmptyRevert": "a b c",
        "Panic(0x11)": "a b",
    },
    "protocol.fixed_point.wad_ray": {
        "EmptyRevert": "a | a b",
    },
}
"""Names and numbers by the module that raises."""

RENAMED = frozenset({"protocol.fixed_point.safe_math"})
"""Modules that give other modules' reverts another name and keep the numbers."""
