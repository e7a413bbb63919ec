"""`LendingPool.liquidationCall`, step by step in the contract's order.

Mirrors `liquidationCall`, contracts/protocol/lendingpool/LendingPoolCollateralManager.sol, and its caller in
LendingPool.sol (aave/protocol-v2@1.0.1). Taken for granted: the liquidator has the debt asset and has approved it.
Debt is never written off: what the collateral cannot repay stays on the account. [Modified in v3.3]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.aave_v2.amounts import LIQUIDATION_CLOSE_FACTOR_BPS, Seizure, Terms, seizure
from protocol.aave_v2.health import EMPTY_ACCOUNT, account_totals, price_at
from protocol.aave_v2.interest import atoken_balance, normalized_income, variable_balance
from protocol.aave_v2.ledger import Ledger
from protocol.aave_v2.rates import with_new_rates
from protocol.aave_v2.stable_debt import stable_balance
from protocol.aave_v2.state import Liquidated, LiquidationCall, Market, ReserveId, Revert
from protocol.aave_v2.validation import (
    Refusal,
    require_liquidity,
    require_not_paused,
    validate_liquidation_call,
)
from protocol.errors import EvmRevert
from protocol.fixed_point.safe_math import add, percent_mul_half_up, ray_div_half_up

LIQUIDATION_CALL_FAILED = "LiquidationCallFailed"
"""All that the pool says, '23', of a collateral manager that reverts: its reason is dropped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sides:
    """What the borrower has on the two reserves of the call, as the views show it before anything is accrued."""

    collateral_balance: int
    stable_debt: int
    variable_debt: int

    @property
    def debt_balance(self) -> int:
        """[debt asset units]"""
        return add(self.stable_debt, self.variable_debt)


def liquidation_call(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Liquidated | Revert:
    """What the call does to the market at `timestamp` [s] and observed prices, or the error it reverts with.

    Raises `MissingPrice`, `NegativePrice`, `UnknownReserve` for input that the contract could not meet.
    """
    try:
        require_not_paused(market)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    try:
        return _execute(market, call, prices_base, timestamp)
    except EvmRevert as revert:
        return _told(revert)


def liquidation_quote(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Seizure | Revert:
    """The amounts of the call without its effects: what a liquidator asks before sending; errors as above.

    Cheap, and good on a `viewed_at` market. A call can still revert where it takes effect.
    """
    try:
        require_not_paused(market)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    try:
        return _decide(Ledger(market), call, prices_base, timestamp)[0]
    except EvmRevert as revert:
        return _told(revert)


def _told(revert: EvmRevert) -> Revert:
    """A reason comes through as a code that the collateral manager returns, and not otherwise."""
    name = revert.name if isinstance(revert, Refusal) else LIQUIDATION_CALL_FAILED
    return Revert(name=name, numbers=revert.numbers)


def _decide(
    ledger: Ledger, call: LiquidationCall, prices_base: Mapping[ReserveId, int], timestamp: int
) -> tuple[Seizure, _Sides]:
    """Validate, and settle the amounts. [Modified in v3: accrues first]"""
    market = ledger.market()
    collateral, debt = ledger.reserve(call.collateral_id), ledger.reserve(call.debt_id)
    account = market.accounts.get(call.borrower, EMPTY_ACCOUNT)
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    sides = _sides(ledger, call, timestamp)
    validate_liquidation_call(
        call,
        collateral=collateral,
        debt=debt,
        collateral_position=ledger.position(call.borrower, call.collateral_id),
        debt_balance=sides.debt_balance,
        health_factor_wad=totals.health_factor_wad,
    )
    terms = liquidation_terms(market, call.collateral_id, call.debt_id, prices_base)
    cover = min(call.debt_to_cover, max_liquidatable_debt(sides.debt_balance))
    seized = seizure(terms, debt_to_cover=cover, collateral_balance=sides.collateral_balance)
    if not call.receive_atoken:
        require_liquidity(collateral, seized.collateral)
    return seized, sides


def _execute(
    market: Market, call: LiquidationCall, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Liquidated:
    ledger = Ledger(market)
    seized, sides = _decide(ledger, call, prices_base, timestamp)
    _burn_debt(ledger, call, sides, seized.debt, timestamp)
    if call.receive_atoken:
        _hand_over_atokens(ledger, call, seized.collateral, timestamp)
    else:
        _pay_out_underlying(ledger, call, seized.collateral, timestamp)
    if seized.collateral == sides.collateral_balance:
        ledger.set_collateral_enabled(call.borrower, call.collateral_id, enabled=False)
    ledger.transfer_underlying(call.debt_id, added=seized.debt)
    return Liquidated(
        market=ledger.market(), debt_repaid=seized.debt, collateral_to_liquidator=seized.collateral
    )


def _sides(ledger: Ledger, call: LiquidationCall, timestamp: int) -> _Sides:
    held, collateral = (
        ledger.position(call.borrower, call.collateral_id),
        ledger.reserve(call.collateral_id),
    )
    owed, debt = ledger.position(call.borrower, call.debt_id), ledger.reserve(call.debt_id)
    return _Sides(
        collateral_balance=atoken_balance(held.scaled_atoken, normalized_income(collateral, timestamp)),
        stable_debt=stable_balance(owed.stable_debt, timestamp),
        variable_debt=variable_balance(debt, owed, timestamp),
    )


def liquidation_terms(
    market: Market, collateral_id: ReserveId, debt_id: ReserveId, prices_base: Mapping[ReserveId, int]
) -> Terms:
    """At what rate collateral is given for debt; price errors as in `account_data`."""
    collateral, debt = market.reserves[collateral_id], market.reserves[debt_id]
    return Terms(
        collateral_price_base=price_at(collateral_id, prices_base),
        collateral_unit=10**collateral.config.decimals,
        debt_price_base=price_at(debt_id, prices_base),
        debt_unit=10**debt.config.decimals,
        bonus_bps=collateral.config.liquidation_bonus_bps,
    )


def max_liquidatable_debt(debt: int) -> int:
    """The most that one call may repay of a reserve's debt, stable and variable. [debt asset units]"""
    return percent_mul_half_up(debt, LIQUIDATION_CLOSE_FACTOR_BPS)


def _burn_debt(ledger: Ledger, call: LiquidationCall, sides: _Sides, amount: int, timestamp: int) -> None:
    """Burns `amount`, variable before stable. The borrowing bit stays, even over nothing. [Modified in v3.0.0]"""
    reserve = ledger.accrue(call.debt_id, timestamp)
    variable = min(sides.variable_debt, amount)
    if variable != 0 or amount == 0:  # nothing at all is refused by the debt token
        scaled = ray_div_half_up(variable, reserve.variable_borrow_index_ray)
        ledger.burn_vtoken(call.borrower, call.debt_id, scaled)
    if variable < amount:
        ledger.burn_stable(call.borrower, call.debt_id, amount - variable, timestamp)
    ledger.put(with_new_rates(ledger.reserve(call.debt_id), added=amount))


def _hand_over_atokens(ledger: Ledger, call: LiquidationCall, amount: int, timestamp: int) -> None:
    """The liquidator gets aTokens: no rate moves, and what it did not hold before is collateral from now on."""
    held_before = ledger.position(call.liquidator, call.collateral_id).scaled_atoken
    scaled = ray_div_half_up(amount, normalized_income(ledger.reserve(call.collateral_id), timestamp))
    ledger.transfer_atoken(call.borrower, call.liquidator, call.collateral_id, scaled)
    if held_before == 0:
        ledger.set_collateral_enabled(call.liquidator, call.collateral_id, enabled=True)


def _pay_out_underlying(ledger: Ledger, call: LiquidationCall, amount: int, timestamp: int) -> None:
    """The liquidator gets the asset itself: liquidity shrinks, rates move, then the aTokens are burned."""
    reserve = ledger.accrue(call.collateral_id, timestamp)
    ledger.put(with_new_rates(reserve, taken=amount))
    scaled = ray_div_half_up(amount, reserve.liquidity_index_ray)
    ledger.burn_atoken(call.borrower, call.collateral_id, scaled)
    ledger.transfer_underlying(call.collateral_id, taken=amount)
