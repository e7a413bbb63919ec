"""The reserves of a market: what the protocol keeps of the interest until it withdraws it.

Mirrors `addReserves`, `reduceReserves` and `_reduceReservesFresh`, contracts/VToken.sol
(VenusProtocol/isolated-pools@58b76f81). What an accrual withdraws by itself is in `variants.py`.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import Acted, Market, MarketId, Revert, VToken


def add_reserves(market: Market, market_id: MarketId, amount: int, *, slot: int) -> Acted | Revert:
    """Someone gives `amount` [underlying] to a market's reserves; raises `UnknownMarket`."""
    ledger = Ledger(market, slot)
    try:
        vtoken = ledger.accrue(market_id)
        cash = add(vtoken.cash_underlying, amount)
        reserves = add(vtoken.total_reserves_underlying, amount)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    ledger.put(replace(vtoken, cash_underlying=cash, total_reserves_underlying=reserves))
    return Acted(market=ledger.market(), amount=amount)


def reduce_reserves(market: Market, market_id: MarketId, amount: int, *, slot: int) -> Acted | Revert:
    """Someone has `amount` [underlying] of the reserves paid out to the protocol; raises `UnknownMarket`.

    Nothing happens in a slot in which the accrual has withdrawn them already. From 2.2.0 on.
    """
    ledger = Ledger(market, slot)
    try:
        vtoken = ledger.accrue(market_id)
        paid = amount if ledger.rules.may_reduce_reserves(vtoken) else 0
        ledger.put(_reduced(vtoken, paid))
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=paid)


def _reduced(vtoken: VToken, amount: int) -> VToken:
    cash, reserves = vtoken.cash_underlying, vtoken.total_reserves_underlying
    if cash < amount:
        raise EvmRevert("ReduceReservesCashNotAvailable", cash=cash, amount=amount)
    if amount > reserves:
        raise EvmRevert("ReduceReservesCashValidation", reserves=reserves, amount=amount)
    return replace(vtoken, cash_underlying=cash - amount, total_reserves_underlying=reserves - amount)
