"""Giving a user the risk premium, and the risk parameters, of now.

Mirrors `_refreshAndValidateUserAccountData`, `_refreshDynamicConfig`, `_notifyRiskPremiumUpdate`,
`updateUserRiskPremium` and `updateUserDynamicConfig`, src/spoke/Spoke.sol (aave/aave-v4@v0.5.11). Taken for
granted: the sender may act for the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.aave_v4 import hub
from protocol.aave_v4.health import process_account_data
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.premium import premium_delta, with_premium_delta
from protocol.aave_v4.state import AccountData, Acted, Market, ReserveId, Revert, User
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import to_uint
from protocol.units import WAD


def update_risk_premium(
    market: Market, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Acted | Revert:
    """`Spoke.updateUserRiskPremium` at `timestamp` [s]; raises `MissingPrice`, `UnknownReserve`."""
    ledger = Ledger(market, timestamp)
    try:
        notify_risk_premium(ledger, user, process_account_data(ledger, user, prices_base).risk_premium_bps)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def update_dynamic_config(
    market: Market, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Acted | Revert:
    """`Spoke.updateUserDynamicConfig` at `timestamp` [s]; raises `MissingPrice`, `UnknownReserve`."""
    ledger = Ledger(market, timestamp)
    try:
        refresh_and_notify(ledger, user, prices_base)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def refresh_and_notify(ledger: Ledger, user: User, prices_base: Mapping[ReserveId, int]) -> None:
    """What ends every action that could harm a user's health: refresh, require health, store the premium."""
    data = refresh_and_validate(ledger, user, prices_base)
    notify_risk_premium(ledger, user, data.risk_premium_bps)


def refresh_and_validate(ledger: Ledger, user: User, prices_base: Mapping[ReserveId, int]) -> AccountData:
    """Account data under the latest parameters; reverts `HealthFactorBelowThreshold` below 1."""
    for reserve_id, position in ledger.used(user):
        if position.collateral_enabled:
            refresh_dynamic_config(ledger, user, reserve_id)
    data = process_account_data(ledger, user, prices_base)
    if data.health_factor_wad < WAD:
        raise EvmRevert("HealthFactorBelowThreshold", health_factor_wad=data.health_factor_wad)
    return data


def refresh_dynamic_config(ledger: Ledger, user: User, reserve_id: ReserveId) -> None:
    """The latest parameters of one reserve for a user's position."""
    latest = ledger.reserve(reserve_id).dynamic_config_key
    position = ledger.position(user, reserve_id)
    ledger.put_position(user, reserve_id, replace(position, dynamic_config_key=latest))


def notify_risk_premium(ledger: Ledger, user: User, risk_premium_bps: int) -> None:
    """`_notifyRiskPremiumUpdate`: premium shares of all the user's debts follow; nothing while it stays 0."""
    if risk_premium_bps == 0 and ledger.account(user).risk_premium_bps == 0:
        return
    ledger.put_risk_premium(user, to_uint(risk_premium_bps, 24))
    for reserve_id, position in ledger.used(user):
        if not position.borrowing:
            continue
        reserve = ledger.reserve(reserve_id)
        delta = premium_delta(
            position,
            drawn_shares_taken=0,
            drawn_index_ray=ledger.drawn_index(reserve),
            risk_premium_bps=risk_premium_bps,
            restored_premium_ray=0,
        )
        ledger.put_asset(hub.refresh_premium(ledger.asset(reserve), ledger.spoke, delta, ledger.timestamp))
        ledger.put_position(user, reserve_id, with_premium_delta(position, delta))
