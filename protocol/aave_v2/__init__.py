"""Aave v2, exact to the integer: account data, liquidations and what users do.

What the contracts are: one pool, every reserve with an aToken (supply), a variable debt token whose scaled
balances grow with an index and a stable debt token whose balances grow each at their own rate; a liquidator
repays up to half of a debt below a health factor of 1 and takes collateral worth it plus a bonus. What the
collateral cannot repay stays on the account. The base currency is ETH with 18 decimals. Source:
aave/protocol-v2 tag 1.0.1 (npm @aave/protocol-v2 1.0.1). Deployed on Ethereum mainnet at
0x7d2768dE32b0b80b7a3454c06BdAc94A69DDc7A9, where governance has changed it since.

Read in this order: `state` (what is stored), `interest` with `stable_debt`, `rates`, `health`, `validation`,
`amounts`, `liquidation`, `frontier` (what must remain, in closed form). What users do: `action_validation`,
`supply`, `borrow`, `rate_mode`.
"""

from collections.abc import Iterator

from protocol.aave_v2.borrow import borrow, repay
from protocol.aave_v2.health import account_data
from protocol.aave_v2.interest import (
    atoken_balance,
    debt_balance,
    normalized_debt,
    normalized_income,
    viewed_at,
    vtoken_balance,
)
from protocol.aave_v2.liquidation import liquidation_call, liquidation_quote
from protocol.aave_v2.rate_mode import rebalance_stable, swap_rate_mode
from protocol.aave_v2.state import (
    Account,
    AccountData,
    Acted,
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
from protocol.aave_v2.supply import set_collateral_use, supply, withdraw


def users_with_debt(market: Market) -> Iterator[User]:
    """The accounts that owe something, in the market's order."""
    for user, account in market.accounts.items():
        if any(
            position.scaled_variable_debt or position.stable_debt.principal
            for position in account.positions.values()
        ):
            yield user


__all__ = [
    "Account",
    "AccountData",
    "Acted",
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
    "StableDebt",
    "StableStrategy",
    "StableTotals",
    "User",
    "account_data",
    "atoken_balance",
    "borrow",
    "debt_balance",
    "liquidation_call",
    "liquidation_quote",
    "normalized_debt",
    "normalized_income",
    "rebalance_stable",
    "repay",
    "set_collateral_use",
    "supply",
    "swap_rate_mode",
    "users_with_debt",
    "viewed_at",
    "vtoken_balance",
    "withdraw",
]
