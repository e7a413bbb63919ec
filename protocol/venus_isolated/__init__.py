"""Venus isolated pools, exact to the integer: accounts, liquidations, healing and bad debt, what users do, auctions.

What the contracts are: a comptroller is one pool of markets, each a vToken whose exchange rate grows with the
interest of its borrowers. An account whose collateral, weighted by liquidation threshold, no longer covers its
debts is liquidated debt by debt up to a close factor, as in Compound v2; one with little collateral only as a
whole: by a batch of orders that repays everything, or, where the collateral does not cover debts and incentive,
by healing, which writes the rest off. That bad debt bears no interest and stays part of what vTokens are worth,
until an auction sells the risk fund for it. Source: VenusProtocol/isolated-pools@58b76f81 (4.4.0) and
@cef03743 (1.0.0); `revisions` lists where they differ. Deployed on BNB Chain, Ethereum and other chains, by
block or by second; the pools of BNB Chain are those of 0x9F7b01A536aFA00EF10310A162877fd792cD0666.

Not modelled: rewards and Prime, who may act for whom and who has which role, configuration, tokens that keep a
fee, wallets, and updates of the oracle, whose prices are given.

Read in this order: `state` (what is stored), `interest` with `rates`, `health`, `validation`, `amounts`,
`liquidation`, `bad_debt`, `shortfall`; `revisions` with `variants` (where releases differ); `frontier` and
`pairs` (what must remain, in closed form). What users do: `supply`, `borrow`; the protocol: `reserves`. Behind the
interface of `protocol.model`: `rule_set`, with `calls` (the three ways to liquidate as one choice).
"""

from collections.abc import Iterator

from protocol.venus_isolated.bad_debt import heal_account
from protocol.venus_isolated.borrow import borrow, repay_borrow
from protocol.venus_isolated.health import account_data, borrowing_power
from protocol.venus_isolated.interest import accrue, borrow_balance, exchange_rate, viewed_at
from protocol.venus_isolated.liquidation import liquidate_account, liquidate_borrow
from protocol.venus_isolated.rates import borrow_rate, supply_rate, utilization_rate
from protocol.venus_isolated.reserves import add_reserves, reduce_reserves
from protocol.venus_isolated.revisions import REVISIONS, Rules, Witness, rules_of
from protocol.venus_isolated.shortfall import close_auction, place_bid, restart_auction, start_auction
from protocol.venus_isolated.state import (
    Account,
    AccountData,
    AccountLiquidated,
    Acted,
    Action,
    Auction,
    AuctionStatus,
    AuctionType,
    Healed,
    JumpRateModel,
    Leg,
    Liquidated,
    LiquidationCall,
    LiquidationOrder,
    Market,
    MarketId,
    Position,
    Revert,
    Seized,
    Shortfall,
    TwoKinksRateModel,
    User,
    VToken,
)
from protocol.venus_isolated.supply import (
    enter_markets,
    exit_market,
    mint,
    redeem,
    redeem_underlying,
    transfer,
)

liquidation_call = liquidate_borrow
"""The regular liquidation under the name that every rule set has it."""


def users_with_debt(market: Market) -> Iterator[User]:
    """The accounts that owe something, in the market's order."""
    for user, account in market.accounts.items():
        if any(position.borrow_principal_underlying for position in account.positions.values()):
            yield user


__all__ = [
    "REVISIONS",
    "Account",
    "AccountData",
    "AccountLiquidated",
    "Acted",
    "Action",
    "Auction",
    "AuctionStatus",
    "AuctionType",
    "Healed",
    "JumpRateModel",
    "Leg",
    "Liquidated",
    "LiquidationCall",
    "LiquidationOrder",
    "Market",
    "MarketId",
    "Position",
    "Revert",
    "Rules",
    "Seized",
    "Shortfall",
    "TwoKinksRateModel",
    "User",
    "VToken",
    "Witness",
    "account_data",
    "accrue",
    "add_reserves",
    "borrow",
    "borrow_balance",
    "borrow_rate",
    "borrowing_power",
    "close_auction",
    "enter_markets",
    "exchange_rate",
    "exit_market",
    "heal_account",
    "liquidate_account",
    "liquidate_borrow",
    "liquidation_call",
    "mint",
    "place_bid",
    "redeem",
    "redeem_underlying",
    "reduce_reserves",
    "repay_borrow",
    "restart_auction",
    "rules_of",
    "start_auction",
    "supply_rate",
    "transfer",
    "users_with_debt",
    "utilization_rate",
    "viewed_at",
]
