"""Interest up to a time: the same amount to what is owed and to what is owned, a part of it as shares of the fee.

Mirrors `_accrueInterest` and `accrueInterest`, src/Morpho.sol (morpho-org/morpho-blue@3085651).
"""

from __future__ import annotations

from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.exponential import exp_minus_one_taylor
from protocol.fixed_point.uint256 import mul_div_down, sub
from protocol.morpho_blue.ledger import add_uint128, mint_supply
from protocol.morpho_blue.rates import borrow_rate
from protocol.morpho_blue.state import Acted, Irm, Market, Revert
from protocol.morpho_blue.validation import require_created
from protocol.units import WAD


def accrue_interest(market: Market, *, timestamp: int) -> Acted | Revert:
    """`accrueInterest` at `timestamp` [s]; anyone may call it."""
    try:
        require_created(market)
        return Acted(market=accrued(market, timestamp))
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def viewed_at(market: Market, timestamp: int) -> Market:
    """The market as a call at `timestamp` [s] would find it after accruing; `EvmRevert` where accruing reverts."""
    return accrued(market, timestamp)


def accrued(market: Market, timestamp: int) -> Market:
    """`_accrueInterest` up to `timestamp` [s]: nothing twice in one block; reverts for a time before the last."""
    if sub(timestamp, market.last_update_timestamp) == 0:
        return market
    if market.irm is not None:
        market = _with_interest(market, market.irm, timestamp)
    return replace(market, last_update_timestamp=timestamp)


def _with_interest(market: Market, irm: Irm, timestamp: int) -> Market:
    rate = borrow_rate(market, irm, timestamp)
    growth_wad = exp_minus_one_taylor(rate.rate_per_second_wad, timestamp - market.last_update_timestamp)
    interest = mul_div_down(market.total_borrow.assets, growth_wad, WAD)
    market = replace(
        market,
        irm=rate.irm,
        total_borrow=replace(market.total_borrow, assets=add_uint128(market.total_borrow.assets, interest)),
        total_supply=replace(market.total_supply, assets=add_uint128(market.total_supply.assets, interest)),
    )
    return _with_fee(market, interest) if market.fee_wad else market


def _with_fee(market: Market, interest: int) -> Market:
    """The fee is priced before it is part of the supply, which has grown by all of the interest already."""
    fee = mul_div_down(interest, market.fee_wad, WAD)
    supply = market.total_supply
    shares = replace(supply, assets=sub(supply.assets, fee)).to_shares_down(fee)
    return mint_supply(market, market.fee_recipient, assets=0, shares=shares)
