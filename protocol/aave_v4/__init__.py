"""Aave v4, exact to the integer: account data, liquidations and deficits of release 0.5.11.

What the contracts are: a hub holds the liquidity of each asset and lends it to spokes; a spoke keeps its
users' collateral and loans and decides who may be liquidated. Users hold shares of what they supplied and owe
drawn shares, which grow with an index, and on top a premium for the risk of their collateral. A liquidator
repays debt of an account with a health factor below 1, as far as a target health factor, for a bonus that
grows as the health factor falls; what is owed when the last collateral is gone becomes a deficit of the hub.
Source: aave/aave-v4@v0.5.11, read in the copy alerodriargui/aave-v4@5f0e7cbd.

How it is checked: `amounts` equals recorded evaluations of the contract's own function. Everything else is
*read, not executed*: no artifact of these contracts is published, so nothing here runs beside them.

Not modelled: who may act for whom and who has which role, configuration, minting of fee shares, shares moved
between spokes, sweeping of liquidity.

Read in this order: `state` (what is stored), the hub: `premium`, `interest`, `rates`, `hub_validation`, `hub`;
the spoke: `ledger`, `value`, `health`, `validation`, `bonus`, `amounts`, `liquidation`, `risk_premium`,
`bad_debt`; `deficit`, and `frontier` (what must remain, in closed form). What users do: `supply`, `borrow`.
"""

from collections.abc import Iterator

from protocol.aave_v4.amounts import (
    LiquidationAmounts,
    LiquidationAmountsParams,
    calculate_liquidation_amounts,
)
from protocol.aave_v4.bonus import calculate_liquidation_bonus
from protocol.aave_v4.borrow import borrow, repay
from protocol.aave_v4.deficit import eliminate_deficit
from protocol.aave_v4.health import account_data
from protocol.aave_v4.liquidation import liquidation_call, liquidation_quote
from protocol.aave_v4.risk_premium import update_dynamic_config, update_risk_premium
from protocol.aave_v4.state import (
    Account,
    AccountData,
    Acted,
    Asset,
    AssetId,
    DynamicConfig,
    Liquidated,
    LiquidationCall,
    LiquidationConfig,
    Market,
    Position,
    PremiumDelta,
    RateStrategy,
    Reserve,
    ReserveId,
    Revert,
    Spoke,
    SpokeData,
    User,
)
from protocol.aave_v4.supply import set_collateral_use, supply, withdraw

REVISION = "0.5.11"
"""The release of the contracts that is mirrored."""


def users_with_debt(market: Market) -> Iterator[User]:
    """The accounts that owe something, in the market's order."""
    for user, account in market.accounts.items():
        if any(position.drawn_shares for position in account.positions.values()):
            yield user


__all__ = [
    "REVISION",
    "Account",
    "AccountData",
    "Acted",
    "Asset",
    "AssetId",
    "DynamicConfig",
    "Liquidated",
    "LiquidationAmounts",
    "LiquidationAmountsParams",
    "LiquidationCall",
    "LiquidationConfig",
    "Market",
    "Position",
    "PremiumDelta",
    "RateStrategy",
    "Reserve",
    "ReserveId",
    "Revert",
    "Spoke",
    "SpokeData",
    "User",
    "account_data",
    "borrow",
    "calculate_liquidation_amounts",
    "calculate_liquidation_bonus",
    "eliminate_deficit",
    "liquidation_call",
    "liquidation_quote",
    "repay",
    "set_collateral_use",
    "supply",
    "update_dynamic_config",
    "update_risk_premium",
    "users_with_debt",
    "withdraw",
]
