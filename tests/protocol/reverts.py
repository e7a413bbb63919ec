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
    "protocol.compound_v2.interest": {
        "borrow rate is absurdly high": "rate_mantissa max_mantissa",
    },
    "protocol.compound_v2.ledger": {
        "value mismatch": "amount value",
    },
    "protocol.compound_v2.liquidation": {
        "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED": "",
        "LIQUIDATE_SEIZE_TOO_MUCH": "seized held",
        "re-entered": "",
        "token seizure failed": "",
    },
    "protocol.compound_v2.supply": {
        "exitMarket: getAccountSnapshot failed": "",
        "redeemTokens zero": "amount",
    },
    "protocol.compound_v2.validation": {
        "Can not repay more than the total borrow": "repay_amount owed",
        "borrow is paused": "",
        "market borrow cap reached": "next_total_borrows cap",
        "mint is paused": "",
        "seize is paused": "",
    },
    "protocol.compound_v3.casts": {
        "InvalidInt104": "value",
        "InvalidInt256": "value",
        "InvalidUInt64": "value",
        "InvalidUInt104": "value",
        "InvalidUInt128": "value",
    },
    "protocol.compound_v3.health": {
        "Absurd": "asset_id",
        "BadPrice": "asset_id price_base",
    },
    "protocol.compound_v3.interest": {
        "TimestampTooLarge": "timestamp",
    },
    "protocol.compound_v3.ledger": {
        "ERC20: transfer amount exceeds balance": "balance sent",
    },
    "protocol.compound_v3.packing": {
        "BorrowCFTooLarge": "borrow_wad liquidate_wad",
        "LiquidateCFTooLarge": "liquidate_wad",
        "Panic(0x11)": "decimals",
        "TooManyAssets": "n_assets max_assets",
    },
    "protocol.compound_v3.principal": {
        "Panic(0x12)": "balance",
    },
    "protocol.compound_v3.store_front": {
        "TooMuchSlippage": "amount min_amount",
    },
    "protocol.compound_v3.transfer": {
        "NoSelfTransfer": "",
    },
    "protocol.compound_v3.validation": {
        "Absurd": "asset_id",
        "BadAsset": "asset_id",
        "BorrowTooSmall": "debt base_borrow_min",
        "InsufficientReserves": "amount reserves",
        "NotCollateralized": "principal",
        "NotForSale": "reserves target_reserves",
        "NotLiquidatable": "principal",
        "Paused": "",
        "SupplyCapExceeded": "total_supply supply_cap",
    },
    "protocol.fixed_point.full_width": {
        "Panic(0x12)": "a b",
        "EmptyRevert": "a b c",
        "Panic(0x11)": "a b c",
    },
    "protocol.fixed_point.int256": {
        "Panic(0x11)": "a b",
        "Panic(0x12)": "a",
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
    "protocol.morpho_blue.creation": {
        "already set": "fee_wad",
        "market already created": "last_update_timestamp",
        "max fee exceeded": "fee_wad",
    },
    "protocol.morpho_blue.ledger": {
        "max uint128 exceeded": "value",
    },
    "protocol.morpho_blue.validation": {
        "inconsistent input": "first second",
        "insufficient collateral": "borrowed_assets max_borrow_assets",
        "insufficient liquidity": "borrowed supplied",
        "market not created": "",
        "position is healthy": "borrowed_assets max_borrow_assets",
        "zero assets": "",
    },
    "protocol.venus_isolated.amounts": {
        "CollateralExceedsThreshold": "limit actual",
    },
    "protocol.venus_isolated.bad_debt": {
        "more than bad debt recovered from auction": "amount bad_debt",
    },
    "protocol.venus_isolated.borrow": {
        "BorrowCashNotAvailable": "available amount",
    },
    "protocol.venus_isolated.health": {
        "PriceError": "market_id",
    },
    "protocol.venus_isolated.interest": {
        "borrow rate is absurdly high": "rate_mantissa limit_mantissa",
    },
    "protocol.venus_isolated.liquidation": {
        "InsufficientCollateral": "to_seize available",
        "LIQUIDATE_SEIZE_TOO_MUCH": "held vtokens",
        "LiquidateSeizeLiquidatorIsBorrower": "",
        "MaxLoopsLimitExceeded": "limit required",
        "Nonzero borrow balance after liquidation": "owed",
    },
    "protocol.venus_isolated.reserves": {
        "ReduceReservesCashNotAvailable": "cash amount",
        "ReduceReservesCashValidation": "reserves amount",
    },
    "protocol.venus_isolated.shortfall": {
        "Auctions are paused": "",
        "auctions are paused": "",
        "auction has been restarted": "start_slot",
        "auction is on-going": "",
        "auction is stale, restart it": "",
        "basis points cannot be more than 10000": "bid_bps",
        "basis points cannot be zero": "",
        "no on-going auction": "",
        "pool bad debt is too low": "bad_debt_usd_mantissa minimum_usd_mantissa",
        "waiting for next bidder. cannot close auction": "may_close_after",
        "you need to wait for more time for first bidder": "",
        "your bid is not the highest": "bid_bps highest_bid_bps",
        "InsufficientPoolReserve": "amount held",
        "Risk Fund: Insufficient pool reserve.": "amount held",
    },
    "protocol.venus_isolated.supply": {
        "NonzeroBorrowBalance": "owed",
        "RedeemTransferOutNotPossible": "available amount",
        "TransferNotAllowed": "",
        "redeemAmount is zero": "",
    },
    "protocol.venus_isolated.validation": {
        "ActionPaused": "market_id action",
        "BorrowCapExceeded": "total cap",
        "CollateralExceedsThreshold": "limit actual",
        "InsufficientLiquidity": "shortfall_usd_mantissa",
        "InsufficientShortfall": "",
        "LiquidateCloseAmountIsUintMax": "",
        "LiquidateCloseAmountIsZero": "",
        "LiquidateLiquidatorIsBorrower": "",
        "MarketNotCollateral": "market_id",
        "MarketNotListed": "market_id",
        "MinimalCollateralViolated": "expected_greater_than actual",
        "SupplyCapExceeded": "total cap",
        "TooMuchRepay": "amount limit",
    },
    "protocol.venus_isolated.variants": {
        "ERC20: transfer amount exceeds balance": "cash amount",
    },
}
"""Names and numbers by the module that raises."""

RENAMED = frozenset(
    {
        "protocol.compound_v2.reporter",
        "protocol.compound_v2.revisions",
        "protocol.fixed_point.careful_math",
        "protocol.fixed_point.safe_math",
    }
)
"""Modules that give other modules' reverts another name and keep the numbers."""
