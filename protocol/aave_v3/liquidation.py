"""`Pool.liquidationCall`, step by step in the contract's order.

Mirrors `executeLiquidationCall`, src/contracts/protocol/libraries/logic/LiquidationLogic.sol@v3.6.0 and its
forms before. Taken for granted: the liquidator has the debt asset and has approved it, and nobody holds the
role that lets an isolated asset become collateral by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.aave_v3 import variants
from protocol.aave_v3.amounts import Seizure, Terms, require_no_dust, seizure
from protocol.aave_v3.bad_debt import burn_bad_debt, burn_debt
from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.health import (
    EMPTY_ACCOUNT,
    AccountTotals,
    account_totals,
    bonus_of,
    category_of,
    category_price,
    has_own_price,
    in_category,
    price_at,
)
from protocol.aave_v3.interest import accrue, accrue_to_treasury, debt_balance, normalized_income
from protocol.aave_v3.isolation import (
    becomes_collateral_by_itself,
    lower_isolated_debt,
    lower_isolated_debt_if_isolated,
)
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_new_rates
from protocol.aave_v3.revisions import IsolatedDebt, LiquidatorCollateral
from protocol.aave_v3.state import (
    Account,
    EModeCategory,
    Liquidated,
    LiquidationCall,
    Market,
    ReserveId,
    Revert,
)
from protocol.aave_v3.validation import validate_liquidation_call
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import mul_div_down


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sides:
    """What the borrower has on the two reserves of the call, at the accrued indexes."""

    collateral_balance: int
    collateral_scaled: int
    collateral_index_ray: int
    debt_balance: int


def liquidation_call(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Liquidated | Revert:
    """What the call does to the market at `timestamp` [s] and observed prices, or the error it reverts with.

    Raises `MissingPrice`, `NegativePrice`, `UnknownReserve` for input that the contract could not meet.
    """
    try:
        return _execute(market, call, prices_base, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def liquidation_quote(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Seizure | Revert:
    """The amounts of the call without its effects: what a liquidator asks before sending; errors as above.

    Cheap, and good on a `viewed_at` market. A call can still revert where it takes effect (`InvalidBurnAmount`).
    """
    try:
        return _decide(Ledger(market), call, prices_base, timestamp)[0]
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def _decide(
    ledger: Ledger, call: LiquidationCall, prices_base: Mapping[ReserveId, int], timestamp: int
) -> tuple[Seizure, _Sides, AccountTotals, Terms]:
    """Accrue, validate, and settle the amounts."""
    _accrue_first(ledger, call, timestamp)
    market = ledger.market()
    account = market.accounts.get(call.borrower, EMPTY_ACCOUNT)
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    sides = _sides(ledger, call, timestamp)
    _validate(ledger, call, sides, totals.health_factor_wad, timestamp)
    terms = liquidation_terms(market, account, call.collateral_id, call.debt_id, prices_base)
    return _seize(ledger, call, sides, totals, terms), sides, totals, terms


def _execute(
    market: Market, call: LiquidationCall, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Liquidated:
    ledger = Ledger(market)
    seized, sides, totals, terms = _decide(ledger, call, prices_base, timestamp)
    depletion = ledger.rules.depletion(_seized_collateral(seized, sides, totals, terms))
    if depletion.reserve and not ledger.rules.clears_collateral_last:
        ledger.set_collateral_enabled(call.borrower, call.collateral_id, enabled=False)
    deficits = {
        call.debt_id: burn_debt(
            ledger,
            call.borrower,
            call.debt_id,
            balance=sides.debt_balance,
            repaid=seized.debt,
            write_off=depletion.account,
        )
    }
    _lower_isolated_debt(ledger, call, seized.debt)
    if call.receive_atoken:
        _hand_over_atokens(ledger, call, sides, seized)
    else:
        _pay_out_underlying(ledger, call, seized, timestamp)
    fee = _pay_fee(ledger, call, sides.collateral_index_ray, seized.fee, market.treasury)
    if depletion.account:
        deficits |= burn_bad_debt(ledger, call.borrower, timestamp)
    if depletion.reserve and ledger.rules.clears_collateral_last:
        ledger.set_collateral_enabled(call.borrower, call.collateral_id, enabled=False)
    _receive_repayment(ledger, call, seized.debt)
    return Liquidated(
        market=ledger.market(),
        debt_repaid=seized.debt,
        collateral_to_liquidator=seized.collateral,
        protocol_fee=fee,
        deficits={reserve_id: deficit for reserve_id, deficit in sorted(deficits.items()) if deficit},
    )


def _accrue_first(ledger: Ledger, call: LiquidationCall, timestamp: int) -> None:
    stale, rules = ledger.reserve(call.debt_id), ledger.rules
    ledger.put(accrue(stale, rules, timestamp))
    collateral = ledger.reserve(call.collateral_id)
    if not rules.accrues_collateral_first:
        return
    # [Modified in v3.5: the collateral reserve too, cached before the debt reserve was accrued]
    if call.collateral_id != call.debt_id:
        ledger.put(accrue(collateral, rules, timestamp))
    elif rules.accrues_same_asset_twice and stale.last_update_timestamp != timestamp:
        ledger.put(accrue_to_treasury(collateral, stale, rules))


def _sides(ledger: Ledger, call: LiquidationCall, timestamp: int) -> _Sides:
    rules = ledger.rules
    scaled = ledger.position(call.borrower, call.collateral_id).scaled_atoken
    owed, debt = ledger.position(call.borrower, call.debt_id), ledger.reserve(call.debt_id)
    index_ray = normalized_income(ledger.reserve(call.collateral_id), rules, timestamp)
    return _Sides(
        collateral_balance=rules.atoken_balance(scaled, index_ray),
        collateral_scaled=scaled,
        collateral_index_ray=index_ray,
        debt_balance=debt_balance(debt, owed, rules, timestamp),
    )


def _validate(
    ledger: Ledger, call: LiquidationCall, sides: _Sides, health_factor_wad: int, timestamp: int
) -> None:
    validate_liquidation_call(
        ledger.market(),
        call,
        collateral=ledger.reserve(call.collateral_id),
        debt=ledger.reserve(call.debt_id),
        collateral_position=ledger.position(call.borrower, call.collateral_id),
        debt_balance=sides.debt_balance,
        health_factor_wad=health_factor_wad,
        timestamp=timestamp,
    )


def liquidation_terms(
    market: Market,
    account: Account,
    collateral_id: ReserveId,
    debt_id: ReserveId,
    prices_base: Mapping[ReserveId, int],
) -> Terms:
    """At what rate this account's collateral is given for its debt; price errors as in `account_data`."""
    category = category_of(market, account)
    collateral, debt = market.reserves[collateral_id], market.reserves[debt_id]
    collateral_priced_by = debt_priced_by = None
    if category is not None and has_own_price(market, category):
        # Up to v3.1: the category's source prices the debt even where the debt is not in the category, and,
        # other than in account data, it is taken at its word where it answers 0.
        debt_priced_by = category
        collateral_priced_by = category if in_category(collateral, category) else None
    return Terms(
        collateral_price_base=_price_by(collateral_priced_by, market, collateral_id, prices_base),
        collateral_unit=10**collateral.config.decimals,
        debt_price_base=_price_by(debt_priced_by, market, debt_id, prices_base),
        debt_unit=10**debt.config.decimals,
        bonus_bps=bonus_of(collateral, category),
        protocol_fee_bps=collateral.config.liquidation_protocol_fee_bps,
    )


def _price_by(
    category: EModeCategory | None,
    market: Market,
    reserve_id: ReserveId,
    prices_base: Mapping[ReserveId, int],
) -> int:
    if category is None:
        return price_at(reserve_id, prices_base)
    return category_price(market, category, prices_base)


def max_liquidatable_debt(
    market: Market, terms: Terms, totals: AccountTotals, collateral: int, debt: int
) -> int:
    """The most that one call may repay, given the balances of the pair. Amounts in asset units."""
    limits = variants.DebtLimits(
        health_factor_wad=totals.health_factor_wad,
        reserve_debt=debt,
        reserve_debt_base=market.rules.debt_value(debt, terms.debt_price_base, terms.debt_unit),
        reserve_collateral_base=mul_div_down(collateral, terms.collateral_price_base, terms.collateral_unit),
        total_debt_base=totals.debt_base,
        debt_price_base=terms.debt_price_base,
        debt_unit=terms.debt_unit,
    )
    return market.rules.max_liquidatable_debt(limits)


def _seize(
    ledger: Ledger, call: LiquidationCall, sides: _Sides, totals: AccountTotals, terms: Terms
) -> Seizure:
    rules, collateral, debt = ledger.rules, sides.collateral_balance, sides.debt_balance
    limit = max_liquidatable_debt(ledger.market(), terms, totals, collateral, debt)
    cover = min(call.debt_to_cover, limit)
    seized = seizure(rules, terms, debt_to_cover=cover, collateral_balance=collateral)
    require_no_dust(rules, terms, seized, collateral_balance=collateral, debt_balance=debt)
    return seized


def _seized_collateral(
    seized: Seizure, sides: _Sides, totals: AccountTotals, terms: Terms
) -> variants.SeizedCollateral:
    return variants.SeizedCollateral(
        amount=seized.collateral,
        fee=seized.fee,
        balance=sides.collateral_balance,
        scaled_balance=sides.collateral_scaled,
        index_ray=sides.collateral_index_ray,
        price_base=terms.collateral_price_base,
        unit=terms.collateral_unit,
        account_collateral_base=totals.collateral_base,
    )


def _lower_isolated_debt(ledger: Ledger, call: LiquidationCall, repaid: int) -> None:
    match ledger.rules.isolated_debt:
        case IsolatedDebt.IF_STILL_ISOLATED:
            lower_isolated_debt_if_isolated(ledger, call.borrower, call.debt_id, repaid)
        case IsolatedDebt.IF_CEILING:
            if ledger.reserve(call.collateral_id).config.debt_ceiling != 0:
                lower_isolated_debt(ledger, call.collateral_id, call.debt_id, repaid)
        case IsolatedDebt.NEVER:
            pass


def _hand_over_atokens(ledger: Ledger, call: LiquidationCall, sides: _Sides, seized: Seizure) -> None:
    """The liquidator gets aTokens: no rate moves."""
    held_before = ledger.position(call.liquidator, call.collateral_id).scaled_atoken
    scaled = ledger.rules.atoken_take_scaled(seized.collateral, sides.collateral_index_ray)
    ledger.transfer_atoken(call.borrower, call.liquidator, call.collateral_id, scaled)
    match ledger.rules.liquidator_collateral:
        case LiquidatorCollateral.NEVER:
            enable = False
        case LiquidatorCollateral.IF_FIRST:
            enable = held_before == 0
        case LiquidatorCollateral.IF_FIRST_OR_OWN:
            takes_all = seized.collateral + seized.fee == sides.collateral_balance
            enable = held_before == 0 or (call.liquidator == call.borrower and takes_all)
    if enable and becomes_collateral_by_itself(ledger, call.liquidator, call.collateral_id):
        ledger.set_collateral_enabled(call.liquidator, call.collateral_id, enabled=True)


def _pay_out_underlying(ledger: Ledger, call: LiquidationCall, seized: Seizure, timestamp: int) -> None:
    """The liquidator gets the asset itself: liquidity shrinks, rates move, then the aTokens are burned."""
    rules, amount = ledger.rules, seized.collateral
    reserve = accrue(ledger.reserve(call.collateral_id), rules, timestamp)
    ledger.put(with_new_rates(reserve, rules, taken=amount))
    scaled = rules.atoken_take_scaled(amount, reserve.liquidity_index_ray)
    ledger.burn_atoken(call.borrower, call.collateral_id, scaled)
    unpaid = seized.debt if call.collateral_id == call.debt_id else 0  # what it repays comes last
    ledger.transfer_underlying(call.collateral_id, taken=amount, unpaid=unpaid)


def _pay_fee(ledger: Ledger, call: LiquidationCall, index_ray: int, fee: int, treasury: str) -> int:
    """Moves the fee as aTokens; returns what really went, which rounding may have capped. [asset units]"""
    if fee == 0:
        return 0
    scaled = ledger.rules.atoken_take_scaled(fee, index_ray)
    left = ledger.position(call.borrower, call.collateral_id).scaled_atoken
    if scaled > left and ledger.rules.caps_fee:  # [New in v3.0.1]
        scaled, fee = left, ledger.rules.atoken_balance(left, index_ray)
    ledger.transfer_atoken(call.borrower, treasury, call.collateral_id, scaled)
    return fee


def _receive_repayment(ledger: Ledger, call: LiquidationCall, amount: int) -> None:
    """The liquidator pays last: rates of the debt reserve have counted it already."""
    if is_gho(ledger.reserve(call.debt_id).config, ledger.rules):
        amount = ledger.repay_gho_interest(call.borrower, call.debt_id, amount)  # the rest is destroyed
    ledger.transfer_underlying(call.debt_id, added=amount)
