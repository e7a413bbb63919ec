"""What if liquidation had stopped where it turned toxic: the same rule set, the market's later prices.

The market's price is taken as it was, although the liquidators' own purchases had moved it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from protocol.aave_v2.health import account_data
from protocol.aave_v2.liquidation import liquidation_call
from protocol.aave_v2.pairs import is_toxic, residual_of_pair
from protocol.aave_v2.state import Liquidated, LiquidationCall, Market
from protocol.units import MAX_UINT256, WAD
from stress.incidents.aave_crv_2022.prices import USDC_PRICE_BASE
from stress.incidents.aave_crv_2022.record import BORROWER, Hour, Record
from stress.incidents.aave_crv_2022.replay import (
    CRV,
    LIQUIDATOR,
    USDC,
    Replay,
    collateral_of,
    debt_of,
    health,
)

ANYTHING = LiquidationCall(
    collateral_id=USDC, debt_id=CRV, borrower=BORROWER, liquidator=LIQUIDATOR, debt_to_cover=MAX_UINT256
)
AN_HOUR_S = 3600


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """The account as it stood before the call, an hour and more later."""

    since: int
    """Time of the call that was not made. [s]"""
    timestamp: int
    """Close of the first hour that ends at least an hour later. [s]"""
    price_milli_usd: int
    collateral: int
    """[USDC units]"""
    debt: int
    """[CRV units]"""
    loan_to_value_ratio: float
    health_wad: int
    must_leave: int
    """Debt that the best liquidation must leave at this price. [CRV units]"""
    endured: Endured
    resumed: Resumed


@dataclass(frozen=True, kw_only=True)
class Endured:
    """The worst moment between the stop and that hour's close, at the prices the oracle really showed."""

    timestamp: int
    health_wad: int
    must_leave: int
    """Debt that had to remain had anybody liquidated then. [CRV units]"""


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """The same account, liquidated again in later hours whenever that is allowed and not toxic."""

    calls: int
    until: int
    """End of the recorded hours. [s]"""
    collateral: int
    """[USDC units]"""
    debt: int
    """[CRV units]"""
    must_leave: int
    """The most that had to remain at the highest price of any hour. [CRV units]"""


def stopped(record: Record, replayed: Replay, *, index: int) -> Stopped:
    """Stop before the call of this index: let prices go on without it and all later ones."""
    market, since = replayed.steps[index].market, record.calls[index].timestamp
    later = [hour for hour in record.hours if hour.timestamp >= since]  # each ends an hour after it opens
    at, now = later[0], later[0].timestamp + AN_HOUR_S
    prices = _prices(at.close_milli_usd)
    account = account_data(market, BORROWER, prices_base=prices, timestamp=now)
    return Stopped(
        since=since,
        timestamp=now,
        price_milli_usd=at.close_milli_usd,
        collateral=collateral_of(market),
        debt=debt_of(market),
        loan_to_value_ratio=account.total_debt_base / account.total_collateral_base,
        health_wad=account.health_factor_wad,
        must_leave=residual_of_pair(market, ANYTHING, prices_base=prices, timestamp=now)[0],
        endured=_endured(market, record, replayed, index),
        resumed=_resumed(market, later[1:]),
    )


def _endured(market: Market, record: Record, replayed: Replay, index: int) -> Endured:
    """At each price in force when one of the calls that were not made was really made."""

    def at(call: int) -> Endured:
        prices, now = replayed.steps[call].prices_base, record.calls[call].timestamp
        must_leave, _ = residual_of_pair(market, ANYTHING, prices_base=prices, timestamp=now)
        health_wad = health(market, prices, now).health_factor_wad
        return Endured(timestamp=now, health_wad=health_wad, must_leave=must_leave)

    return min((at(call) for call in range(index, len(replayed.steps))), key=lambda moment: moment.health_wad)


def _resumed(market: Market, hours: list[Hour]) -> Resumed:
    """Each hour at its highest price: half the debt a call, while it helps."""
    n_calls, must_leave = 0, 0
    for hour in hours:
        for done in _helping_calls(market, hour):
            n_calls, market = n_calls + 1, done.market
        must_leave = max(
            must_leave,
            residual_of_pair(
                market, ANYTHING, prices_base=_prices(hour.high_milli_usd), timestamp=hour.timestamp
            )[0],
        )
    return Resumed(
        calls=n_calls,
        until=hours[-1].timestamp + AN_HOUR_S,
        collateral=collateral_of(market),
        debt=debt_of(market),
        must_leave=must_leave,
    )


def _helping_calls(market: Market, hour: Hour) -> Iterator[Liquidated]:
    prices, now = _prices(hour.high_milli_usd), hour.timestamp
    while health(market, prices, now).health_factor_wad < WAD:
        if is_toxic(market, ANYTHING, prices_base=prices, timestamp=now):
            return
        done = liquidation_call(market, ANYTHING, prices_base=prices, timestamp=now)
        if not isinstance(done, Liquidated):
            return
        yield done
        market = done.market


def _prices(crv_milli_usd: int) -> dict[int, int]:
    """A dollar taken as one USDC."""
    return {USDC: USDC_PRICE_BASE, CRV: USDC_PRICE_BASE * crv_milli_usd // 1000}
