"""Borrowing and repaying: `Spoke.borrow`, `Spoke.repay`. Each loan carries a premium for the risk of the collateral.

Mirrors src/spoke/Spoke.sol (aave/aave-v4@v0.5.11). Taken for granted: the sender may act for whom it acts,
has what it repays and has approved it, and is paid itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.aave_v4 import hub
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.premium import premium_delta, restore_amount, with_premium_delta
from protocol.aave_v4.risk_premium import refresh_and_notify
from protocol.aave_v4.state import Acted, Market, ReserveId, Revert, User
from protocol.aave_v4.validation import require_not_paused, validate_borrow, validate_new_loan
from protocol.errors import EvmRevert
from protocol.fixed_point.rescale import from_ray_up
from protocol.fixed_point.uint256 import add, sub, to_uint
from protocol.fixed_point.wad_ray import ray_div_down


def borrow(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Acted | Revert:
    """`user` draws `amount` [asset units] at `timestamp` [s]; raises `MissingPrice`, `UnknownReserve`."""
    ledger = Ledger(market, timestamp)
    try:
        shares = _borrow(ledger, user, reserve_id, amount, prices_base)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount, shares=shares)


def repay(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    on_behalf_of: User | None = None,
    timestamp: int,
) -> Acted | Revert:
    """`user` pays `amount` [asset units] at `timestamp` [s] of its own or another's loan, or all that is owed.

    Premium is paid first. Neither the risk premium nor any parameter is refreshed.
    """
    ledger, debtor = Ledger(market, timestamp), user if on_behalf_of is None else on_behalf_of
    try:
        paid, shares = _repay(ledger, debtor, reserve_id, amount)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=paid, shares=shares)


def _borrow(
    ledger: Ledger, user: User, reserve_id: ReserveId, amount: int, prices_base: Mapping[ReserveId, int]
) -> int:
    reserve = ledger.listed(reserve_id)
    validate_borrow(reserve)
    moved = hub.draw(ledger.asset(reserve), ledger.spoke, amount, ledger.timestamp)
    ledger.put_asset(moved.asset)
    position = ledger.position(user, reserve_id)
    if not position.borrowing:
        validate_new_loan(ledger, user)
    owed = add(position.drawn_shares, moved.shares, max_value=hub.MAX_UINT120)
    ledger.put_position(user, reserve_id, replace(position, drawn_shares=owed, borrowing=True))
    refresh_and_notify(ledger, user, prices_base)
    return moved.shares


def _repay(ledger: Ledger, debtor: User, reserve_id: ReserveId, amount: int) -> tuple[int, int]:
    reserve = ledger.listed(reserve_id)
    require_not_paused(reserve)
    position, index_ray = ledger.position(debtor, reserve_id), ledger.drawn_index(reserve)
    drawn, premium_ray = restore_amount(position, index_ray, amount)
    shares = ray_div_down(drawn, index_ray)
    delta = premium_delta(
        position,
        drawn_shares_taken=shares,
        drawn_index_ray=index_ray,
        risk_premium_bps=ledger.account(debtor).risk_premium_bps,
        restored_premium_ray=premium_ray,
    )
    asset = ledger.asset(reserve)
    ledger.put_asset(hub.restore(asset, ledger.spoke, drawn, delta, ledger.timestamp).asset)
    less = with_premium_delta(position, delta)
    left = sub(less.drawn_shares, to_uint(shares, 120))
    ledger.put_position(
        debtor, reserve_id, replace(less, drawn_shares=left, borrowing=less.borrowing and left > 0)
    )
    return drawn + from_ray_up(premium_ray), shares
