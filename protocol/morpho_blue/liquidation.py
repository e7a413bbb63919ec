"""`Morpho.liquidate`, step by step in the contract's order.

Mirrors src/Morpho.sol (morpho-org/morpho-blue@3085651). Taken for granted: the liquidator has the loan asset and has
approved it, and uses no callback.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.morpho_blue.amounts import LiquidationAmounts, liquidation_amounts
from protocol.morpho_blue.bad_debt import realize_bad_debt
from protocol.morpho_blue.health import measured, price_at
from protocol.morpho_blue.interest import accrued
from protocol.morpho_blue.ledger import account_of, burn_borrow, take_collateral
from protocol.morpho_blue.state import Liquidated, LiquidationCall, Market, Revert
from protocol.morpho_blue.validation import require_created, require_exactly_one, require_liquidatable


def liquidate(
    market: Market, call: LiquidationCall, *, price_e36: int | None, timestamp: int
) -> Liquidated | Revert:
    """What the call does to the market at `timestamp` [s] and the observed price, or the error it reverts with.

    Raises `MissingPrice`, `PriceNoUint` for input that the contract could not meet.
    """
    try:
        return _execute(market, call, price_e36, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def liquidation_quote(
    market: Market, call: LiquidationCall, *, price_e36: int | None, timestamp: int
) -> LiquidationAmounts | Revert:
    """The amounts of the call without its effects: what a liquidator asks before sending; errors as above.

    A call can still revert where it takes effect: more than is owed or pledged is not cut down.
    """
    try:
        return _decide(market, call, price_e36, timestamp)[1]
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def _decide(
    market: Market, call: LiquidationCall, price_e36: int | None, timestamp: int
) -> tuple[Market, LiquidationAmounts]:
    """The market accrued, and the amounts."""
    require_created(market)
    require_exactly_one(call.seized_assets, call.repaid_shares)
    market = accrued(market, timestamp)
    price = price_at(price_e36)
    require_liquidatable(measured(market, account_of(market, call.borrower), price))
    amounts = liquidation_amounts(
        market.total_borrow,
        lltv_wad=market.lltv_wad,
        price_e36=price,
        seized_assets=call.seized_assets,
        repaid_shares=call.repaid_shares,
    )
    return market, amounts


def _execute(market: Market, call: LiquidationCall, price_e36: int | None, timestamp: int) -> Liquidated:
    market, amounts = _decide(market, call, price_e36, timestamp)
    market = burn_borrow(market, call.borrower, assets=amounts.repaid_assets, shares=amounts.repaid_shares)
    market = take_collateral(market, call.borrower, amounts.seized_assets)
    market, bad_debt = realize_bad_debt(market, call.borrower)
    return Liquidated(
        market=market,
        repaid_assets=amounts.repaid_assets,
        repaid_shares=amounts.repaid_shares,
        seized_assets=amounts.seized_assets,
        bad_debt_assets=bad_debt.assets,
        bad_debt_shares=bad_debt.shares,
    )
