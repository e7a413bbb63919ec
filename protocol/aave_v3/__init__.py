"""Aave v3, exact to the integer: account data, liquidations and deficits of revisions 3.0.0 to 3.7.

What the contracts are: one pool, every reserve with an aToken (supply) and a variable debt token whose
scaled balances grow with an index; a liquidator repays debt below a health factor of 1 and takes collateral
worth it plus a bonus. Sources: aave/aave-v3-core tags v1.16.2, v1.17.2 and v1.19.3 (3.0.0, 3.0.1 and 3.0.2,
npm @aave/core-v3) and aave-dao/aave-v3-origin tags v3.1.0 to v3.6.0 (npm @aave-dao/aave-v3-origin 3.6.0) and
commit fd1fbd91 (3.7). Deployed on Ethereum mainnet at 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2 and on most
EVM chains.

Read in this order: `state` (what is stored), `revisions` (where versions differ) with `variants`,
`interest` with `stable_debt` (up to 3.0.2) and `gho` (up to 3.3), `rates`, `health`, `validation`, `amounts`,
`liquidation`, `isolation`, `bad_debt`, `deficit`, `frontier` (what must remain, in closed form). What users do:
`action_rules` (the part of the table for it), `action_validation`, `supply`, `borrow`, `emode`.
"""

from collections.abc import Iterator

from protocol.aave_v3.borrow import borrow, repay
from protocol.aave_v3.deficit import eliminate_reserve_deficit
from protocol.aave_v3.emode import set_emode
from protocol.aave_v3.health import account_data, health_factors
from protocol.aave_v3.interest import (
    atoken_balance,
    debt_balance,
    normalized_debt,
    normalized_income,
    viewed_at,
    vtoken_balance,
)
from protocol.aave_v3.liquidation import liquidation_call, liquidation_quote
from protocol.aave_v3.revisions import REVISIONS, Rules, Witness, rules_of
from protocol.aave_v3.state import (
    Account,
    AccountData,
    Acted,
    EModeCategory,
    GhoDebt,
    Liquidated,
    LiquidationCall,
    Market,
    Position,
    RateMode,
    RateStrategy,
    Reserve,
    ReserveConfig,
    ReserveId,
    Revert,
    StableDebt,
    StableStrategy,
    StableTotals,
    User,
)
from protocol.aave_v3.supply import set_collateral_use, supply, withdraw


def users_with_debt(market: Market) -> Iterator[User]:
    """The accounts that owe something, in the market's order."""
    for user, account in market.accounts.items():
        if any(
            position.scaled_variable_debt or position.stable_debt.principal
            for position in account.positions.values()
        ):
            yield user


__all__ = [
    "REVISIONS",
    "Account",
    "AccountData",
    "Acted",
    "EModeCategory",
    "GhoDebt",
    "Liquidated",
    "LiquidationCall",
    "Market",
    "Position",
    "RateMode",
    "RateStrategy",
    "Reserve",
    "ReserveConfig",
    "ReserveId",
    "Revert",
    "Rules",
    "StableDebt",
    "StableStrategy",
    "StableTotals",
    "User",
    "Witness",
    "account_data",
    "atoken_balance",
    "borrow",
    "debt_balance",
    "eliminate_reserve_deficit",
    "health_factors",
    "liquidation_call",
    "liquidation_quote",
    "normalized_debt",
    "normalized_income",
    "repay",
    "rules_of",
    "set_collateral_use",
    "set_emode",
    "supply",
    "users_with_debt",
    "viewed_at",
    "vtoken_balance",
    "withdraw",
]
