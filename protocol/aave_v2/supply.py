"""Supplying, withdrawing, and saying what is collateral: `deposit`, `withdraw`, `setUserUseReserveAsCollateral`.

Mirrors `LendingPool`, contracts/protocol/lendingpool/LendingPool.sol (aave/protocol-v2@1.0.1). Taken for granted:
the user has the asset and has approved it, and is paid out to itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v2.action_validation import (
    validate_collateral_switch,
    validate_supply,
    validate_withdraw,
)
from protocol.aave_v2.interest import atoken_balance, normalized_income
from protocol.aave_v2.ledger import Ledger
from protocol.aave_v2.rates import with_new_rates
from protocol.aave_v2.state import Acted, Market, ReserveId, Revert, User
from protocol.aave_v2.validation import require_not_paused
from protocol.errors import EvmRevert
from protocol.fixed_point.safe_math import ray_div_half_up
from protocol.units import MAX_UINT256


def supply(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    on_behalf_of: User | None = None,
    timestamp: int,
) -> Acted | Revert:
    """`deposit`: `user` gives `amount` [asset units] at `timestamp` [s] for aTokens of its own or of another's.

    Raises `UnknownReserve`.
    """
    ledger, holder = Ledger(market), user if on_behalf_of is None else on_behalf_of
    try:
        require_not_paused(market)
        _supply(ledger, holder, reserve_id, amount, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount)


def withdraw(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Acted | Revert:
    """`user` takes out `amount` [asset units] at `timestamp` [s]; 2**256 - 1 is all it has.

    Raises `UnknownReserve`; where the user owes something, `MissingPrice` and `NegativePrice`.
    """
    ledger = Ledger(market)
    try:
        require_not_paused(market)
        taken = _withdraw(ledger, user, reserve_id, amount, prices_base, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=taken)


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

    Nothing is accrued. Raises `UnknownReserve`; to end a use, `MissingPrice` and `NegativePrice`.
    """
    ledger = Ledger(market)
    try:
        require_not_paused(market)
        balance = _supplied(ledger, user, reserve_id, timestamp)
        validate_collateral_switch(
            market, user, reserve_id, balance, use=use, prices_base=prices_base, timestamp=timestamp
        )
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    ledger.set_collateral_enabled(user, reserve_id, enabled=use)
    return Acted(market=ledger.market())


def _supply(ledger: Ledger, holder: User, reserve_id: ReserveId, amount: int, timestamp: int) -> None:
    validate_supply(ledger.reserve(reserve_id), amount)
    reserve = ledger.accrue(reserve_id, timestamp)
    ledger.put(with_new_rates(reserve, added=amount))
    ledger.transfer_underlying(reserve_id, added=amount)
    held_before = ledger.position(holder, reserve_id).scaled_atoken
    ledger.mint_atoken(holder, reserve_id, ray_div_half_up(amount, reserve.liquidity_index_ray))
    if held_before == 0:
        ledger.set_collateral_enabled(holder, reserve_id, enabled=True)


def _withdraw(
    ledger: Ledger,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> int:
    """Returns what was taken out. Health is asked for before anything moves. [Modified in v3: after]"""
    balance = _supplied(ledger, user, reserve_id, timestamp)
    amount = balance if amount == MAX_UINT256 else amount
    validate_withdraw(
        ledger.market(), user, reserve_id, amount, balance, prices_base=prices_base, timestamp=timestamp
    )
    reserve = ledger.accrue(reserve_id, timestamp)
    ledger.put(with_new_rates(reserve, taken=amount))
    if amount == balance:
        ledger.set_collateral_enabled(user, reserve_id, enabled=False)
    ledger.burn_atoken(user, reserve_id, ray_div_half_up(amount, reserve.liquidity_index_ray))
    ledger.transfer_underlying(reserve_id, taken=amount)
    return amount


def _supplied(ledger: Ledger, user: User, reserve_id: ReserveId, timestamp: int) -> int:
    """`balanceOf` of the aToken. [asset units]"""
    scaled = ledger.position(user, reserve_id).scaled_atoken
    return atoken_balance(scaled, normalized_income(ledger.reserve(reserve_id), timestamp))
