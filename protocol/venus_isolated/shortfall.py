"""The auction of a pool's bad debt: who pays it down is given the risk fund.

Mirrors contracts/Shortfall/Shortfall.sol (VenusProtocol/isolated-pools@58b76f81). Where the risk fund is worth
no more than the debt and the incentive, bidders offer a rising share of the debt for all of it, and most of
the time some debt stays; else they pay all the debt for a falling share of debt and incentive. The risk fund
is counted in US dollars and paid out as so many units of its base asset. Bidders' wallets are not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, mul, mul_div_down
from protocol.units import BPS, WAD
from protocol.venus_isolated.bad_debt import bad_debt_recovered
from protocol.venus_isolated.health import oracle_price
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import (
    Acted,
    Auction,
    AuctionStatus,
    AuctionType,
    Market,
    MarketId,
    Revert,
    Shortfall,
    User,
)


def start_auction(
    market: Market,
    *,
    prices_mantissa: Mapping[MarketId, int],
    base_asset_price_mantissa: int | None = None,
    slot: int,
) -> Acted | Revert:
    """Offers the risk fund for the pool's bad debt at `slot` [block or second].

    The base asset's price is read from 2.0.0 on. Raises `MissingPrice`, `NegativePrice`; a price of 0 counts.
    """
    ledger = Ledger(market, slot)
    try:
        _require_not_paused(ledger, "Auctions are paused")
        _start(ledger, prices_mantissa, base_asset_price_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def place_bid(
    market: Market, bidder: User, bid_bps: int, *, auction_start_slot: int, slot: int
) -> Acted | Revert:
    """`bidder` outbids at `slot` and pays in what `bid_amounts_underlying` of the auction then says.

    `auction_start_slot` names the auction that is meant. The bidder before is paid back.
    """
    ledger = Ledger(market, slot)
    auction = ledger.shortfall.auction
    try:
        _validate_bid(ledger, bid_bps, auction_start_slot)
        debts = auction.market_debts_underlying
        if auction.auction_type is AuctionType.LARGE_POOL_DEBT:
            debts = {market_id: mul_div_down(debt, bid_bps, BPS) for market_id, debt in debts.items()}
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    bid = replace(
        auction,
        highest_bidder=bidder,
        highest_bid_bps=bid_bps,
        highest_bid_slot=slot,
        bid_amounts_underlying=debts,
    )
    ledger.put_shortfall(replace(ledger.shortfall, auction=bid))
    return Acted(market=ledger.market())


def close_auction(market: Market, *, slot: int) -> Acted | Revert:
    """The highest bid goes to the markets, whose bad debt falls by it, and the risk fund to the bidder.

    `amount` of the outcome is what the risk fund paid. [base asset units] Nothing accrues.
    """
    ledger = Ledger(market, slot)
    try:
        paid = _close(ledger)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=paid)


def restart_auction(
    market: Market,
    *,
    prices_mantissa: Mapping[MarketId, int],
    base_asset_price_mantissa: int | None = None,
    slot: int,
) -> Acted | Revert:
    """Starts anew where nobody has bid in time; as `start_auction`."""
    ledger = Ledger(market, slot)
    try:
        _require_not_paused(ledger, "auctions are paused")
        _end_stale(ledger)
        _start(ledger, prices_mantissa, base_asset_price_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def _start(ledger: Ledger, prices_mantissa: Mapping[MarketId, int], base_price_mantissa: int | None) -> None:
    house = ledger.shortfall
    if house.auction.status is AuctionStatus.STARTED:
        raise EvmRevert("auction is on-going")
    debts = {vtoken.market_id: vtoken.bad_debt_underlying for vtoken in ledger.vtokens()}
    pool_usd = 0
    for market_id, debt in debts.items():
        pool_usd = add(pool_usd, mul_div_down(oracle_price(market_id, prices_mantissa), debt, WAD))
    if pool_usd < house.minimum_pool_bad_debt_usd_mantissa:
        raise EvmRevert(
            "pool bad debt is too low",
            bad_debt_usd_mantissa=pool_usd,
            minimum_usd_mantissa=house.minimum_pool_bad_debt_usd_mantissa,
        )
    fund_usd = ledger.rules.risk_fund_value(house.risk_fund_base_asset, base_price_mantissa)
    auction = _opened(house, pool_usd, fund_usd)
    opened = replace(auction, start_slot=ledger.slot, market_debts_underlying=debts)
    ledger.put_shortfall(replace(house, auction=opened))


def _opened(house: Shortfall, pool_usd: int, fund_usd: int) -> Auction:
    """The kind of auction, what it offers and where bids start, both sums in US dollars x 1e18."""
    with_incentive = add(pool_usd, mul_div_down(pool_usd, house.incentive_bps, BPS))
    if with_incentive >= fund_usd:
        divisor = mul(pool_usd, add(BPS, house.incentive_bps))
        return Auction(
            status=AuctionStatus.STARTED,
            auction_type=AuctionType.LARGE_POOL_DEBT,
            start_bid_bps=mul_div_down(BPS * BPS, fund_usd, divisor),
            seized_risk_fund=fund_usd,
        )
    return Auction(
        status=AuctionStatus.STARTED,
        auction_type=AuctionType.LARGE_RISK_FUND,
        start_bid_bps=BPS,
        seized_risk_fund=with_incentive,
    )


def _validate_bid(ledger: Ledger, bid_bps: int, auction_start_slot: int) -> None:
    auction = ledger.shortfall.auction
    if auction.start_slot != auction_start_slot:
        raise EvmRevert("auction has been restarted", start_slot=auction.start_slot)
    _require_started(auction)
    if _is_stale(ledger):
        raise EvmRevert("auction is stale, restart it")
    if bid_bps <= 0:
        raise EvmRevert("basis points cannot be zero")
    if bid_bps > BPS:
        raise EvmRevert("basis points cannot be more than 10000", bid_bps=bid_bps)
    if not _outbids(auction, bid_bps):
        raise EvmRevert(
            "your bid is not the highest", bid_bps=bid_bps, highest_bid_bps=auction.highest_bid_bps
        )


def _outbids(auction: Auction, bid_bps: int) -> bool:
    """Bids rise for a large debt and fall for a large risk fund; the first may be the start bid itself."""
    is_first = auction.highest_bidder is None
    bar_bps = auction.start_bid_bps if is_first else auction.highest_bid_bps
    better = bid_bps > bar_bps if auction.auction_type is AuctionType.LARGE_POOL_DEBT else bid_bps < bar_bps
    return better or (is_first and bid_bps == bar_bps)


def _close(ledger: Ledger) -> int:
    house, auction = ledger.shortfall, ledger.shortfall.auction
    _require_started(auction)
    may_close_after = add(auction.highest_bid_slot, house.next_bidder_slot_limit)
    if auction.highest_bidder is None or ledger.slot <= may_close_after:
        raise EvmRevert("waiting for next bidder. cannot close auction", may_close_after=may_close_after)
    for market_id, amount in auction.bid_amounts_underlying.items():
        vtoken = ledger.vtoken(market_id)
        paid_in = replace(vtoken, cash_underlying=add(vtoken.cash_underlying, amount))
        ledger.put(bad_debt_recovered(paid_in, amount))
    paid = auction.seized_risk_fund
    if auction.auction_type is AuctionType.LARGE_RISK_FUND:
        paid = mul_div_down(paid, auction.highest_bid_bps, BPS)
    if paid > house.risk_fund_base_asset:
        raise EvmRevert(ledger.rules.risk_fund_too_small, amount=paid, held=house.risk_fund_base_asset)
    ledger.put_shortfall(replace(house, risk_fund_base_asset=house.risk_fund_base_asset - paid))
    _end(ledger)
    return paid


def _end_stale(ledger: Ledger) -> None:
    _require_started(ledger.shortfall.auction)
    if not _is_stale(ledger):
        raise EvmRevert("you need to wait for more time for first bidder")
    _end(ledger)


def _end(ledger: Ledger) -> None:
    ended = replace(ledger.shortfall.auction, status=AuctionStatus.ENDED)
    ledger.put_shortfall(replace(ledger.shortfall, auction=ended))


def _require_not_paused(ledger: Ledger, message: str) -> None:
    """The message differs by one letter between the two ways to start."""
    if ledger.shortfall.paused:
        raise EvmRevert(message)


def _require_started(auction: Auction) -> None:
    if auction.status is not AuctionStatus.STARTED:
        raise EvmRevert("no on-going auction")


def _is_stale(ledger: Ledger) -> bool:
    """Nobody has bid within the time for the first bid."""
    house = ledger.shortfall
    if house.auction.highest_bidder is not None:
        return False  # the sum below may overflow, and is not formed then
    return ledger.slot > add(house.auction.start_slot, house.wait_for_first_bidder_slots)
