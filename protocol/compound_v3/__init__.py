"""Compound v3 (Comet), exact to the integer: health, absorption, reserves, the store front and what users do.

What the contract is: one market lends one base asset against many collaterals, which earn nothing. A user's
base balance is one signed principal, which grows with a supply or a borrow index by the second. Beyond its
liquidation factors an account is *absorbed*: the reserves pay its whole debt, credit it with part of its
collateral's value and keep all of the collateral, which anyone may then buy below the observed price. Debt
beyond the credit is forgiven; there is no bad debt but that of the reserves.

Sources: compound-finance/comet@d5a30b0, CometWithExtendedAssetList.sol (24 collaterals) and Comet.sol, which
counts in the same way: up to commit 63e98e5d it has room for 15 collaterals, later for 12. Deployed on Ethereum
mainnet as cUSDCv3 at 0xc3d688B66703497DAA19211EEdff47f25384cdc3, cWETHv3 at
0xA17581A9E3356d9A858b789D68B4d866e593aE94 and for other base assets, and on most EVM chains.

How it is checked: absorptions, quotes, views and refusals equal the recorded answers of the executed contract.
Supply, withdrawal, transfer, purchase, pauses and rewards are *read, not executed*: no package registry
publishes these contracts, so nothing here runs beside them.

Not modelled: managers and signatures, points for absorbers, tokens that take fees or call back, and markets
of before November 2022, whose absorbed collateral was an account of the market's own.

Read in this order: `state` (what is stored), `revisions`, `packing` (what is cut off a configuration), `casts`,
`principal`, `rates`, `interest`, `tracking` (rewards), `health`, `validation`, `ledger`, `amounts`,
`liquidation` (`absorb`), `bad_debt` (the reserves), `store_front`, `frontier` and `pairs`. What users do: `supply`,
`borrow` (`withdraw`), `transfer`. `rule_set` puts absorption and purchase behind the interface of `protocol.model`.
"""

from collections.abc import Iterator

from protocol.compound_v3.bad_debt import collateral_reserves, reserves, withdraw_reserves
from protocol.compound_v3.borrow import withdraw
from protocol.compound_v3.health import account_data
from protocol.compound_v3.interest import (
    accrue,
    accrued_indices,
    balance_of,
    borrow_balance_of,
    total_borrow,
    total_supply,
    viewed_at,
)
from protocol.compound_v3.liquidation import absorb
from protocol.compound_v3.packing import AssetConfig, as_stored, curve_stored
from protocol.compound_v3.rates import borrow_rate, supply_rate, utilization
from protocol.compound_v3.revisions import REVISIONS, Rules, rules_of
from protocol.compound_v3.state import (
    BASE,
    AbsorbedAccount,
    AbsorbedCollateral,
    Account,
    AccountData,
    Acted,
    Asset,
    AssetId,
    AssetInfo,
    Bought,
    Config,
    Liquidated,
    LiquidationCall,
    Market,
    Pauses,
    RateCurve,
    Revert,
    Tracking,
    User,
)
from protocol.compound_v3.store_front import buy_collateral, quote_collateral
from protocol.compound_v3.supply import accrue_account, supply
from protocol.compound_v3.transfer import transfer_asset

liquidation_call = absorb
"""`absorb` under the name that every rule set offers."""


def users_with_debt(market: Market) -> Iterator[User]:
    """The accounts that owe something, in the market's order."""
    return (user for user, account in market.accounts.items() if account.principal < 0)


__all__ = [
    "BASE",
    "REVISIONS",
    "AbsorbedAccount",
    "AbsorbedCollateral",
    "Account",
    "AccountData",
    "Acted",
    "Asset",
    "AssetConfig",
    "AssetId",
    "AssetInfo",
    "Bought",
    "Config",
    "Liquidated",
    "LiquidationCall",
    "Market",
    "Pauses",
    "RateCurve",
    "Revert",
    "Rules",
    "Tracking",
    "User",
    "absorb",
    "account_data",
    "accrue",
    "accrue_account",
    "accrued_indices",
    "as_stored",
    "balance_of",
    "borrow_balance_of",
    "borrow_rate",
    "buy_collateral",
    "collateral_reserves",
    "curve_stored",
    "liquidation_call",
    "quote_collateral",
    "reserves",
    "rules_of",
    "supply",
    "supply_rate",
    "total_borrow",
    "total_supply",
    "transfer_asset",
    "users_with_debt",
    "utilization",
    "viewed_at",
    "withdraw",
    "withdraw_reserves",
]
