"""Aave v3, exact to the integer: account data and liquidations of revisions 3.0.2 and 3.2 to 3.7.

What the contracts are: one pool, every reserve with an aToken (supply) and a variable debt token whose
scaled balances grow with an index; a liquidator repays debt below a health factor of 1 and takes collateral
worth it plus a bonus. Sources: aave/aave-v3-core@v1.19.3 (3.0.2, npm @aave/core-v3 1.19.3) and
aave-dao/aave-v3-origin tags v3.2.1 to v3.6.0 (npm @aave-dao/aave-v3-origin 3.6.0) and commit fd1fbd91
(3.7). Deployed on Ethereum mainnet at 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2 and on most EVM chains.

Read in this order: `state` (what is stored), `revisions` (where versions differ) with `variants`,
`interest`, `rates`, `health`, `validation`, `amounts`, `liquidation`, `bad_debt`, `frontier` (what must
remain, in closed form).
"""

from collections.abc import Iterator

from protocol.aave_v3.health import account_data
from protocol.aave_v3.interest import (
    atoken_balance,
    normalized_debt,
    normalized_income,
    viewed_at,
    vtoken_balance,
)
from protocol.aave_v3.liquidation import liquidation_call, liquidation_quote
from protocol.aave_v3.revisions import REVISIONS, Rules, rules_of
from protocol.aave_v3.state import (
    Account,
    AccountData,
    Acted,
    EModeCategory,
    Liquidated,
    LiquidationCall,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    ReserveId,
    Revert,
    User,
)


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
    "Liquidated",
    "LiquidationCall",
    "Market",
    "Position",
    "RateStrategy",
    "Reserve",
    "ReserveConfig",
    "ReserveId",
    "Revert",
    "Rules",
    "User",
    "account_data",
    "atoken_balance",
    "liquidation_call",
    "liquidation_quote",
    "normalized_debt",
    "normalized_income",
    "rules_of",
    "users_with_debt",
    "viewed_at",
    "vtoken_balance",
]
