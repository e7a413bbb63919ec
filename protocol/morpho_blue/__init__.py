"""Morpho Blue, exact to the integer: interest, health, liquidations and bad debt of release 1.0.0.

What the contract is: a singleton that keeps markets apart. A market lends one asset against one collateral at one
threshold (LLTV), with an oracle and an interest rate model that are fixed for ever; a `Market` here is one of them.
Suppliers and borrowers hold shares of all that is supplied and of all that is owed, collateral earns nothing. A
liquidator repays as much as it likes of an account above LLTV for an incentive that follows from LLTV; what is owed
when the last unit of collateral is gone is taken from all suppliers at once. Sources: morpho-org/morpho-blue@3085651
and morpho-org/morpho-blue-irm@a1a87fd (`AdaptiveCurveIrm`). Deployed on Ethereum mainnet at
0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb and on many EVM chains.

Not modelled: who may act for whom, signatures, callbacks, flash loans, other rate models (an `Irm` is either of two
or none), what the token contracts themselves may refuse.

Read in this order: `shares`, `state` (what is stored), `rates`, `interest`, `ledger`, `health`, `validation`,
`amounts`, `liquidation`, `bad_debt`, `frontier` (what must remain, in closed form), `pairs`. What users do:
`creation`, `supply`, `borrow`. `rule_set` puts a market with its two tokens behind the interface of `protocol.model`.
"""

from collections.abc import Iterator

from protocol.morpho_blue.amounts import LiquidationAmounts, liquidation_amounts, liquidation_incentive_factor
from protocol.morpho_blue.borrow import borrow, repay
from protocol.morpho_blue.creation import create_market, set_fee
from protocol.morpho_blue.health import account_data
from protocol.morpho_blue.interest import accrue_interest, viewed_at
from protocol.morpho_blue.liquidation import liquidate, liquidation_quote
from protocol.morpho_blue.rates import borrow_rate_view
from protocol.morpho_blue.shares import Totals
from protocol.morpho_blue.state import (
    Account,
    AccountData,
    Acted,
    AdaptiveCurve,
    Irm,
    Liquidated,
    LiquidationCall,
    Market,
    Revert,
    User,
    UtilizationOver365Days,
)
from protocol.morpho_blue.supply import supply, supply_collateral, withdraw, withdraw_collateral

REVISION = "1.0.0"
"""The release of the contract that is mirrored."""

liquidation_call = liquidate
"""The same under the name that every rule set has."""


def users_with_debt(market: Market) -> Iterator[User]:
    """The accounts that owe something, in the market's order."""
    for user, account in market.accounts.items():
        if account.borrow_shares:
            yield user


__all__ = [
    "REVISION",
    "Account",
    "AccountData",
    "Acted",
    "AdaptiveCurve",
    "Irm",
    "Liquidated",
    "LiquidationAmounts",
    "LiquidationCall",
    "Market",
    "Revert",
    "Totals",
    "User",
    "UtilizationOver365Days",
    "account_data",
    "accrue_interest",
    "borrow",
    "borrow_rate_view",
    "create_market",
    "liquidate",
    "liquidation_amounts",
    "liquidation_call",
    "liquidation_incentive_factor",
    "liquidation_quote",
    "repay",
    "set_fee",
    "supply",
    "supply_collateral",
    "users_with_debt",
    "viewed_at",
    "withdraw",
    "withdraw_collateral",
]
