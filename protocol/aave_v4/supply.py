"""Supplying, withdrawing, and saying what is collateral: `Spoke.supply`, `withdraw`, `setUsingAsCollateral`.

Mirrors src/spoke/Spoke.sol (aave/aave-v4@v0.5.11). Taken for granted: the sender has the asset and has
approved it, may act for whom it acts, and is paid itself. A supply is no collateral by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.aave_v4 import hub
from protocol.aave_v4.interest import share_pool
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.risk_premium import refresh_and_notify, refresh_dynamic_config
from protocol.aave_v4.state import Acted, Market, ReserveId, Revert, User
from protocol.aave_v4.validation import require_not_paused, validate_collateral_switch, validate_supply
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, sub


def supply(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    on_behalf_of: User | None = None,
    timestamp: int,
) -> Acted | Revert:
    """`user` gives `amount` [asset units] at `timestamp` [s] for shares of its own or of another's."""
    ledger, holder = Ledger(market, timestamp), user if on_behalf_of is None else on_behalf_of
    try:
        shares = _supply(ledger, holder, reserve_id, amount)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount, shares=shares)


def withdraw(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Acted | Revert:
    """`user` takes out `amount` [asset units] at `timestamp` [s], or all it has if that is less.

    Raises `MissingPrice`, `UnknownReserve` where the reserve is its collateral.
    """
    ledger = Ledger(market, timestamp)
    try:
        taken, shares = _withdraw(ledger, user, reserve_id, amount, prices_base)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=taken, shares=shares)


def set_collateral_use(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    *,
    use: bool,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Acted | Revert:
    """`user` says whether what it supplied of a reserve is collateral, at `timestamp` [s].

    A new use takes the latest parameters of that reserve, an end those of all; the risk premium follows only
    an end. Raises `MissingPrice`, `UnknownReserve`.
    """
    ledger = Ledger(market, timestamp)
    try:
        _set_collateral_use(ledger, user, reserve_id, prices_base, use=use)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def _supply(ledger: Ledger, holder: User, reserve_id: ReserveId, amount: int) -> int:
    reserve = ledger.listed(reserve_id)
    validate_supply(reserve)
    moved = hub.add_liquidity(ledger.asset(reserve), ledger.spoke, amount, ledger.timestamp)
    ledger.put_asset(moved.asset)
    position = ledger.position(holder, reserve_id)
    held = add(position.supplied_shares, moved.shares, max_value=hub.MAX_UINT120)
    ledger.put_position(holder, reserve_id, replace(position, supplied_shares=held))
    return moved.shares


def _withdraw(
    ledger: Ledger, user: User, reserve_id: ReserveId, amount: int, prices_base: Mapping[ReserveId, int]
) -> tuple[int, int]:
    reserve = ledger.listed(reserve_id)
    require_not_paused(reserve)
    asset, position = ledger.asset(reserve), ledger.position(user, reserve_id)
    balance = share_pool(asset, ledger.timestamp).to_assets_down(position.supplied_shares)
    taken = min(amount, balance)
    moved = hub.remove_liquidity(asset, ledger.spoke, taken, ledger.timestamp)
    ledger.put_asset(moved.asset)
    left = sub(position.supplied_shares, moved.shares)
    ledger.put_position(user, reserve_id, replace(position, supplied_shares=left))
    if position.collateral_enabled:
        refresh_and_notify(ledger, user, prices_base)
    return taken, moved.shares


def _set_collateral_use(
    ledger: Ledger, user: User, reserve_id: ReserveId, prices_base: Mapping[ReserveId, int], *, use: bool
) -> None:
    reserve, position = ledger.listed(reserve_id), ledger.position(user, reserve_id)
    if position.collateral_enabled == use:
        return
    validate_collateral_switch(ledger, user, reserve, use=use)
    ledger.put_position(user, reserve_id, replace(position, collateral_enabled=use))
    if use:
        refresh_dynamic_config(ledger, user, reserve_id)
    else:
        refresh_and_notify(ledger, user, prices_base)
