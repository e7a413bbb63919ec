"""Compound v2, exact to the integer: account liquidity, liquidations and what users do.

What the contracts are: one Comptroller over many cTokens, each the market of one asset. Supply is held in cTokens,
whose exchange rate grows; debts grow with an index, block by block. An account whose debts exceed its collateral,
each weighted by one collateral factor, has a shortfall: a liquidator repays up to the close factor of one debt and
takes cTokens worth it and an incentive, of which newer cTokens destroy 2.8 % for the reserves. What the collateral
cannot repay stays on the account. Source: compound-finance/compound-protocol, every release from August 2019
(f754de9) to June 2022 (a3214f6) as rows of `revisions`. Deployed on Ethereum mainnet at
0x3d9819210A31b4961b30EF54bE2aeD79B9c9Cd3B (Comptroller), with cTokens of several releases under it.

Left out: COMP, administration, cToken transfers, and the DAI savings rate that CDaiDelegate earns on its cash.

Read in this order: `state` (what is stored), `revisions` with `reporter` (how releases differ and refuse),
`interest`, `rates`, `health`, `amounts`, `validation`, `liquidation`, `bad_debt`, `frontier` (what must remain, in
closed form). What users do: `supply`, `borrow`. What a test oracle shows: `oracle`. Behind the interface of
`protocol.model`: `rule_set`.
"""

from collections.abc import Iterator

from protocol.compound_v2.bad_debt import Backing, backing, bad_debt
from protocol.compound_v2.borrow import borrow, repay_borrow, repay_borrow_behalf
from protocol.compound_v2.health import account_data
from protocol.compound_v2.interest import borrow_balance, exchange_rate, viewed_at
from protocol.compound_v2.liquidation import liquidate_borrow
from protocol.compound_v2.rates import (
    borrow_rate,
    dai_v3,
    jump_rate,
    jump_rate_v2,
    supply_rate,
    utilization,
    white_paper,
)
from protocol.compound_v2.reporter import ComptrollerError, ComptrollerFailureInfo, FailureInfo, TokenError
from protocol.compound_v2.revisions import (
    COMPTROLLERS,
    CTOKENS,
    ComptrollerRules,
    CTokenRules,
    Witness,
    comptroller_rules_of,
    ctoken_rules_of,
)
from protocol.compound_v2.state import (
    Account,
    AccountData,
    Acted,
    CToken,
    CTokenConfig,
    Failure,
    FirstRateModel,
    Liquidated,
    LiquidationCall,
    Market,
    MarketId,
    Position,
    RateModel,
    Revert,
    TransferFee,
    User,
)
from protocol.compound_v2.supply import (
    accrue_interest,
    enter_markets,
    exit_market,
    mint,
    redeem,
    redeem_underlying,
)

liquidation_call = liquidate_borrow
"""The name that every rule set has for it."""


def users_with_debt(market: Market) -> Iterator[User]:
    """The accounts that owe something, in the market's order."""
    for user, account in market.accounts.items():
        if any(position.borrow_principal_underlying for position in account.positions.values()):
            yield user


__all__ = [
    "COMPTROLLERS",
    "CTOKENS",
    "Account",
    "AccountData",
    "Acted",
    "Backing",
    "CToken",
    "CTokenConfig",
    "CTokenRules",
    "ComptrollerError",
    "ComptrollerFailureInfo",
    "ComptrollerRules",
    "Failure",
    "FailureInfo",
    "FirstRateModel",
    "Liquidated",
    "LiquidationCall",
    "Market",
    "MarketId",
    "Position",
    "RateModel",
    "Revert",
    "TokenError",
    "TransferFee",
    "User",
    "Witness",
    "account_data",
    "accrue_interest",
    "backing",
    "bad_debt",
    "borrow",
    "borrow_balance",
    "borrow_rate",
    "comptroller_rules_of",
    "ctoken_rules_of",
    "dai_v3",
    "enter_markets",
    "exchange_rate",
    "exit_market",
    "jump_rate",
    "jump_rate_v2",
    "liquidate_borrow",
    "liquidation_call",
    "mint",
    "redeem",
    "redeem_underlying",
    "repay_borrow",
    "repay_borrow_behalf",
    "supply_rate",
    "users_with_debt",
    "utilization",
    "viewed_at",
    "white_paper",
]
