"""Creating a market, and setting its fee.

Mirrors `createMarket` and `setFee`, src/Morpho.sol (morpho-org/morpho-blue@3085651). Which rate models and LLTVs are
enabled, and who the owner is, is not asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from protocol.errors import EvmRevert
from protocol.morpho_blue.interest import accrued
from protocol.morpho_blue.rates import borrow_rate
from protocol.morpho_blue.state import Acted, Market, Revert
from protocol.morpho_blue.validation import require_created
from protocol.units import WAD

MAX_FEE_WAD: Final = WAD // 4


def create_market(market: Market, *, timestamp: int) -> Acted | Revert:
    """A market that was only described is created at `timestamp` [s], its rate model initialized."""
    try:
        return Acted(market=_created(market, timestamp))
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def set_fee(market: Market, fee_wad: int, *, timestamp: int) -> Acted | Revert:
    """The owner sets the fee at `timestamp` [s]; interest up to then pays the old one."""
    try:
        _require_new_fee(market, fee_wad)
        return Acted(market=replace(accrued(market, timestamp), fee_wad=fee_wad))
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def _created(market: Market, timestamp: int) -> Market:
    if market.last_update_timestamp != 0:
        raise EvmRevert("market already created", last_update_timestamp=market.last_update_timestamp)
    created = replace(market, last_update_timestamp=timestamp)
    if market.irm is None:
        return created
    return replace(created, irm=borrow_rate(created, market.irm, timestamp).irm)


def _require_new_fee(market: Market, fee_wad: int) -> None:
    require_created(market)
    if fee_wad == market.fee_wad:
        raise EvmRevert("already set", fee_wad=fee_wad)
    if fee_wad > MAX_FEE_WAD:
        raise EvmRevert("max fee exceeded", fee_wad=fee_wad)
