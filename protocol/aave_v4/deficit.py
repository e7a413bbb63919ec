"""Paying off a deficit with supplied shares, by a spoke that may: it gives up a claim, and no liquidity moves.

Mirrors `Hub.eliminateDeficit`, src/hub/Hub.sol (aave/aave-v4@v0.5.11). Taken for granted: the caller has the
role. Only the hub's own books change; how a spoke shares the loss among its users is its own affair.
"""

from __future__ import annotations

from protocol.aave_v4 import hub
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.state import Acted, Market, ReserveId, Revert, Spoke
from protocol.errors import EvmRevert
from protocol.fixed_point.rescale import from_ray_up


def eliminate_deficit(
    market: Market,
    caller: Spoke,
    reserve_id: ReserveId,
    amount: int,
    *,
    covered: Spoke | None = None,
    timestamp: int,
) -> Acted | Revert:
    """The spoke `caller` burns shares for up to `amount` [asset units] of a deficit at `timestamp` [s].

    `covered` is the spoke that reported it, by default the market's. Raises `UnknownReserve`.
    """
    ledger = Ledger(market, timestamp)
    spoke = ledger.spoke if covered is None else covered
    asset = ledger.asset(ledger.reserve(reserve_id))
    try:
        eliminated = hub.eliminate_deficit(asset, caller, spoke, amount, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    ledger.put_asset(eliminated.asset)
    return Acted(market=ledger.market(), amount=from_ray_up(eliminated.amount_ray), shares=eliminated.shares)
