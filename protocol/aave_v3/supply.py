"""Supplying, withdrawing, and saying what is collateral: `Pool.supply`, `withdraw`, `setUserUseReserveAsCollateral`.

Mirrors `SupplyLogic`, src/contracts/protocol/libraries/logic/SupplyLogic.sol@v3.6.0 and its forms before.
Taken for granted: the user has the asset and has approved it, is paid out to itself, and has no role that
lets an isolated asset become collateral by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v3.action_validation import (
    validate_collateral_switch,
    validate_health_and_zero_ltv,
    validate_supply,
    validate_withdraw,
)
from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.interest import accrue, normalized_income
from protocol.aave_v3.isolation import becomes_collateral_by_itself, may_be_collateral
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_new_rates
from protocol.aave_v3.state import Acted, Market, Reserve, ReserveId, Revert, User
from protocol.errors import EvmRevert
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
    """`user` gives `amount` [asset units] at `timestamp` [s] for aTokens of its own or of another's.

    Raises `UnknownReserve`.
    """
    ledger, holder = Ledger(market), user if on_behalf_of is None else on_behalf_of
    try:
        _supply(ledger, holder, accrued(ledger, reserve_id, timestamp), amount)
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
        taken = _withdraw(ledger, user, accrued(ledger, reserve_id, timestamp), amount, prices_base)
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
        _set_collateral_use(ledger, user, reserve_id, use, prices_base, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def accrued(ledger: Ledger, reserve_id: ReserveId, timestamp: int) -> Reserve:
    """A reserve moved to `timestamp` [s], as nearly every action begins; raises `UnknownReserve`."""
    reserve = accrue(ledger.reserve(reserve_id), ledger.rules, timestamp)
    ledger.put(reserve)
    return reserve


def _supply(ledger: Ledger, holder: User, reserve: Reserve, amount: int) -> None:
    rules, reserve_id = ledger.rules, reserve.reserve_id
    asked = amount
    if rules.actions.compares_scaled:
        asked = rules.atoken_mint_scaled(amount, reserve.liquidity_index_ray)
    validate_supply(rules, reserve, asked)
    ledger.put(with_new_rates(reserve, rules, added=amount))
    ledger.transfer_underlying(reserve_id, added=amount)
    if is_gho(reserve.config, rules):
        raise EvmRevert("OperationNotSupported", reserve_id=reserve_id)
    held_before = ledger.position(holder, reserve_id).scaled_atoken
    ledger.mint_atoken(holder, reserve_id, rules.atoken_mint_scaled(amount, reserve.liquidity_index_ray))
    if held_before == 0 and becomes_collateral_by_itself(ledger, holder, reserve_id):
        ledger.set_collateral_enabled(holder, reserve_id, enabled=True)


def _withdraw(
    ledger: Ledger, user: User, reserve: Reserve, amount: int, prices_base: Mapping[ReserveId, int]
) -> int:
    rules, reserve_id, index_ray = ledger.rules, reserve.reserve_id, reserve.liquidity_index_ray
    before = ledger.position(user, reserve_id)
    balance = rules.atoken_balance(before.scaled_atoken, index_ray)
    amount = balance if amount == MAX_UINT256 else amount
    asked, held = amount, balance
    if rules.actions.compares_scaled:
        # Never less than the whole, if the whole is asked for: the index is 1 or more.
        asked, held = rules.atoken_take_scaled(amount, index_ray), before.scaled_atoken
    validate_withdraw(reserve, asked=asked, held=held)
    ledger.put(with_new_rates(reserve, rules, taken=amount))
    ledger.burn_atoken(user, reserve_id, rules.atoken_take_scaled(amount, index_ray))
    ledger.transfer_underlying(reserve_id, taken=amount)
    if before.collateral_enabled:
        # v3.0.0 clears the bit after it asked for health: with nothing left it weighs nothing.
        if asked == held:
            ledger.set_collateral_enabled(user, reserve_id, enabled=False)
        if any(position.borrowing for _, position in ledger.positions(user)):
            timestamp = reserve.last_update_timestamp
            validate_health_and_zero_ltv(ledger, user, reserve, prices_base=prices_base, timestamp=timestamp)
    return amount


def _set_collateral_use(
    ledger: Ledger,
    user: User,
    reserve_id: ReserveId,
    use: bool,  # noqa: FBT001 - the argument of the call itself
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> None:
    rules, reserve, position = ledger.rules, ledger.reserve(reserve_id), ledger.position(user, reserve_id)
    index_ray = normalized_income(reserve, rules, timestamp)
    balance = rules.atoken_balance(position.scaled_atoken, index_ray)
    validate_collateral_switch(rules, reserve, balance)
    if use == position.collateral_enabled:
        return
    if use:
        _enable_collateral(ledger, user, reserve_id, balance)
        return
    ledger.set_collateral_enabled(user, reserve_id, enabled=False)
    validate_health_and_zero_ltv(ledger, user, reserve, prices_base=prices_base, timestamp=timestamp)


def _enable_collateral(ledger: Ledger, user: User, reserve_id: ReserveId, balance: int) -> None:
    if balance == 0:
        raise EvmRevert("UnderlyingBalanceZero", reserve_id=reserve_id)
    if not may_be_collateral(ledger, user, reserve_id):
        raise EvmRevert(ledger.rules.actions.collateral_refusal, reserve_id=reserve_id)
    ledger.set_collateral_enabled(user, reserve_id, enabled=True)
