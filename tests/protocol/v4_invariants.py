"""The invariants of an Aave v4 market, in one list: each is a sentence and the check of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from protocol.aave_v4 import Account, Asset, Liquidated, LiquidationCall, Market, account_data
from protocol.aave_v4.interest import drawn_index, share_pool
from protocol.aave_v4.premium import debt_components
from protocol.units import WAD
from tests.protocol.v4_markets import DECIMALS, SPOKE, position


class Stage(NamedTuple):
    """A market, the prices its oracle shows, and the time. [base, s]"""

    market: Market
    prices: Mapping[int, int]
    now: int


def books_agree(market: Market) -> bool:
    """The hub's totals are those of its spokes, and the spoke's debts those of its users, to the unit.

    Of supplied shares a spoke may hold more than its users: paying out rounds down what shares are worth, and
    the hub then takes fewer.
    """
    users = list(market.accounts.values())
    for reserve_id, reserve in market.reserves.items():
        asset = market.assets[reserve.asset_id]
        own = [one.positions[reserve_id] for one in users if reserve_id in one.positions]
        book, books = asset.spokes[SPOKE], list(asset.spokes.values())
        for name in ("drawn_shares", "premium_shares", "premium_offset_ray"):
            if sum(getattr(one, name) for one in own) != getattr(book, name):
                return False
        if sum(one.supplied_shares for one in own) > book.added_shares:
            return False
        for name in ("drawn_shares", "premium_shares", "premium_offset_ray", "added_shares", "deficit_ray"):
            if sum(getattr(one, name) for one in books) != getattr(asset, name):
                return False
    return True


def share_prices_do_not_fall(before: Stage, after: Stage) -> bool:
    """No step lowers what a supplied share is worth: not a deficit, not time, not rounding."""
    for asset_id, asset in before.market.assets.items():
        old = share_pool(asset, before.now)
        new = share_pool(after.market.assets[asset_id], after.now)
        if (new.total_assets + 10**6) * (old.total_shares + 10**6) < (old.total_assets + 10**6) * (
            new.total_shares + 10**6
        ):
            return False
    return True


def indexes_do_not_fall(before: Stage, after: Stage) -> bool:
    """Debt never shrinks by itself."""
    return all(
        drawn_index(after.market.assets[i], after.now) >= drawn_index(asset, before.now)
        for i, asset in before.market.assets.items()
    )


def premium_shares_follow_drawn_shares(market: Market) -> bool:
    """A loan has premium shares of its stored risk premium, rounded up, and none without drawn shares."""
    return all(
        one.premium_shares <= -(-one.drawn_shares * account.risk_premium_bps // 100_00)
        and one.borrowing == (one.drawn_shares > 0)
        for account in market.accounts.values()
        for one in account.positions.values()
    )


def debt_ray(stage: Stage, user: str, reserve_id: int) -> int:
    index_ray = drawn_index(stage.market.assets[reserve_id], stage.now)
    return debt_components(position(stage.market, reserve_id, user), index_ray).debt_ray


def debt_goes_nowhere(before: Stage, call: LiquidationCall, done: Liquidated) -> bool:
    """What the borrower owes less was repaid or is a deficit, to the unit of ray."""
    after = Stage(done.market, before.prices, before.now)
    index_ray = drawn_index(before.market.assets[call.debt_id], before.now)
    repaid_ray = done.drawn_shares_liquidated * index_ray + done.premium_delta.restored_premium_ray
    return all(
        debt_ray(before, call.borrower, i) - debt_ray(after, call.borrower, i)
        == done.deficits_ray.get(i, 0) + (repaid_ray if i == call.debt_id else 0)
        for i in DECIMALS
    )


def liquidity_is_paid(before: Stage, call: LiquidationCall, done: Liquidated) -> bool:
    """The hub has what the liquidator paid more, and what it took out less."""
    moves = dict.fromkeys(DECIMALS, 0)
    moves[call.debt_id] += done.debt_repaid
    moves[call.collateral_id] -= done.collateral_to_liquidator
    return all(
        done.market.assets[i].liquidity - before.market.assets[i].liquidity == moves[i] for i in DECIMALS
    )


def shares_go_to_somebody(before: Stage, call: LiquidationCall, done: Liquidated) -> bool:
    """The borrower's shares are the liquidator's and the fee; no more than it had."""
    held, left = (position(m, call.collateral_id, call.borrower) for m in (before.market, done.market))
    old, new = (position(m, call.collateral_id, call.liquidator) for m in (before.market, done.market))
    given = done.collateral_shares_to_liquidator if call.receive_shares else 0
    fees = fee_shares(done.market.assets[call.collateral_id]) - fee_shares(
        before.market.assets[call.collateral_id]
    )
    return (
        held.supplied_shares - left.supplied_shares == done.collateral_shares_liquidated
        and new.supplied_shares - old.supplied_shares == given
        and fees == done.collateral_shares_liquidated - done.collateral_shares_to_liquidator >= 0
    )


def fee_shares(asset: Asset) -> int:
    return asset.spokes[asset.fee_receiver].added_shares


def repaid_within_the_offer(before: Stage, call: LiquidationCall, done: Liquidated) -> bool:
    """No more than offered, and no more than owed, the rounding up of two parts apart."""
    owed_ray = debt_ray(before, call.borrower, call.debt_id)
    return done.debt_repaid <= call.debt_to_cover and (done.debt_repaid - 2) * 10**27 < owed_ray


def deficit_only_without_collateral(before: Stage, call: LiquidationCall, done: Liquidated) -> bool:
    """A deficit leaves no active collateral and no debt."""
    data = account_data(done.market, call.borrower, prices_base=before.prices, timestamp=before.now)
    nothing = (data.active_collateral_count, data.borrow_count, data.total_debt_value_ray) == (0, 0, 0)
    return nothing or not done.deficits_ray


def only_the_unhealthy(before: Stage, call: LiquidationCall, done: Liquidated) -> bool:
    """Nobody with a health factor of 1 or more is liquidated."""
    data = account_data(before.market, call.borrower, prices_base=before.prices, timestamp=before.now)
    return data.health_factor_wad < WAD


def others_are_left_alone(before: Stage, call: LiquidationCall, done: Liquidated) -> bool:
    """No third account moves."""
    return all(
        done.market.accounts.get(user, Account()) == account
        for user, account in before.market.accounts.items()
        if user not in {call.borrower, call.liquidator}
    )


OF_STEPS = (share_prices_do_not_fall, indexes_do_not_fall)
OF_MARKETS = (books_agree, premium_shares_follow_drawn_shares)
OF_LIQUIDATIONS = (
    debt_goes_nowhere,
    liquidity_is_paid,
    shares_go_to_somebody,
    repaid_within_the_offer,
    deficit_only_without_collateral,
    only_the_unhealthy,
    others_are_left_alone,
)
