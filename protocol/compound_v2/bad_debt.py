"""Debt that nobody will repay: Compound v2 books none of it, so it is counted here.

It stays on the borrower's account, accrues interest of which a part goes to the reserves, and counts as an asset in
the exchange rate (`CToken.exchangeRateStoredInternal`, contracts/CToken.sol, compound-finance/compound-protocol
@ae4388e). The loss shows as cash that the last to redeem do not find. No function writes it off; anyone may repay it
(`repay_borrow_behalf`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.compound_v2.health import EMPTY_ACCOUNT, ctoken_at
from protocol.compound_v2.interest import borrow_balance, exchange_rate
from protocol.compound_v2.state import Market, MarketId, User
from protocol.fixed_point.mantissa import mantissa_mul_down


def bad_debt(market: Market, user: User) -> Mapping[MarketId, int]:
    """What `user` owes by market id without a single cToken left to seize, entered or not. [asset units]

    At stored indexes. Raises `UnknownMarket`.
    """
    positions = market.accounts.get(user, EMPTY_ACCOUNT).positions
    if any(position.ctokens for position in positions.values()):
        return {}
    debts = {i: borrow_balance(ctoken_at(market, i), position) for i, position in positions.items()}
    return {market_id: debt for market_id, debt in debts.items() if debt}


@dataclass(frozen=True, kw_only=True, slots=True)
class Backing:
    """What the cTokens of one market are worth by its exchange rate, and what stands behind them. [asset units]"""

    claims_underlying: int
    cash_underlying: int
    good_debt_underlying: int
    bad_debt_underlying: int

    @property
    def missing_underlying(self) -> int:
        """What the last to redeem do not get when every good debt is repaid: the reserves go first."""
        return max(self.claims_underlying - self.cash_underlying - self.good_debt_underlying, 0)


def backing(market: Market, market_id: MarketId) -> Backing:
    """Claims on a market and what backs them, at stored indexes; raises `UnknownMarket`."""
    ctoken = ctoken_at(market, market_id)
    bad = sum(bad_debt(market, user).get(market_id, 0) for user in market.accounts)
    return Backing(
        claims_underlying=mantissa_mul_down(exchange_rate(ctoken), ctoken.total_supply_ctokens),
        cash_underlying=ctoken.cash_underlying,
        good_debt_underlying=ctoken.total_borrows_underlying - bad,
        bad_debt_underlying=bad,
    )
