"""Interest, debts and the exchange rate: what blocks do to a cToken.

Mirrors `accrueInterest`, `borrowBalanceStoredInternal` and `exchangeRateStoredInternal`, contracts/CToken.sol
(compound-finance/compound-protocol@ae4388e). Interest is simple between two touches, so a replay needs every touch.
`cash` is what the cToken sees of its own holdings: all of them, but for ether that came with the call under way.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.compound_v2.rates import borrow_rate
from protocol.compound_v2.reporter import FailureInfo
from protocol.compound_v2.state import CToken, Market, Position
from protocol.errors import EvmRevert
from protocol.fixed_point.careful_math import add, mul, mul_div_down, sub, told
from protocol.fixed_point.mantissa import mantissa_div_down, mantissa_mul_add_down, mantissa_mul_down

RATE_TOO_HIGH = "borrow rate is absurdly high"


def borrow_balance(ctoken: CToken, position: Position) -> int:
    """What an account owes at the stored index. [asset units]"""
    if position.borrow_principal_underlying == 0:
        return 0
    return mul_div_down(
        position.borrow_principal_underlying,
        ctoken.borrow_index_mantissa,
        position.borrow_interest_index_mantissa,
    )


def exchange_rate(ctoken: CToken, *, cash: int | None = None) -> int:
    """Asset units a cToken unit stands for, as stored; `cash` if it is not all that is held. [mantissa]

    Debt that nobody will repay counts, and so does whatever anyone sent to the cToken.
    """
    if ctoken.total_supply_ctokens == 0:
        return ctoken.config.initial_exchange_rate_mantissa
    held = ctoken.cash_underlying if cash is None else cash
    owned = sub(add(held, ctoken.total_borrows_underlying), ctoken.total_reserves_underlying)
    return mantissa_div_down(owned, ctoken.total_supply_ctokens)


def accrue(ctoken: CToken, block_number: int, *, cash: int | None = None) -> CToken:
    """`accrueInterest`: the cToken moved to `block_number`; `cash` if it is not all that is held.

    Reverts where the rate model does, and for good where its rate exceeds what the code allows: then nothing can be
    done with the market until it has another model or other amounts.
    """
    rules = ctoken.rules
    if ctoken.accrual_block_number == block_number and not rules.accrues_again:
        return ctoken
    rate = borrow_rate(
        ctoken.rate_model,
        cash=ctoken.cash_underlying if cash is None else cash,
        borrows=ctoken.total_borrows_underlying,
        reserves=ctoken.total_reserves_underlying,
    )
    if rate > rules.max_borrow_rate_mantissa:
        raise EvmRevert(RATE_TOO_HIGH, rate_mantissa=rate, max_mantissa=rules.max_borrow_rate_mantissa)
    with told(lambda fault: rules.view_fault(fault, "could not calculate block delta")):
        n_blocks = sub(block_number, ctoken.accrual_block_number)
    return _grown(ctoken, rate, n_blocks)


def viewed_at(market: Market, block_number: int) -> Market:
    """The market with every cToken accrued to `block_number`: what the `...Current` functions would show.

    Not for liquidating: there all cTokens but two stay as they were left. Reverts as `accrue`.
    """
    ctokens = {market_id: accrue(ctoken, block_number) for market_id, ctoken in market.ctokens.items()}
    return replace(market, ctokens=ctokens)


def _grown(ctoken: CToken, rate_mantissa: int, n_blocks: int) -> CToken:
    tell = ctoken.rules.step_fault
    borrows, index = ctoken.total_borrows_underlying, ctoken.borrow_index_mantissa
    with told(lambda f: tell(f, FailureInfo.ACCRUE_INTEREST_SIMPLE_INTEREST_FACTOR_CALCULATION_FAILED)):
        factor = mul(rate_mantissa, n_blocks)
    with told(lambda f: tell(f, FailureInfo.ACCRUE_INTEREST_ACCUMULATED_INTEREST_CALCULATION_FAILED)):
        interest = mantissa_mul_down(factor, borrows)
    with told(lambda f: tell(f, FailureInfo.ACCRUE_INTEREST_NEW_TOTAL_BORROWS_CALCULATION_FAILED)):
        next_borrows = add(interest, borrows)
    with told(lambda f: tell(f, FailureInfo.ACCRUE_INTEREST_NEW_TOTAL_RESERVES_CALCULATION_FAILED)):
        next_reserves = mantissa_mul_add_down(
            ctoken.config.reserve_factor_mantissa, interest, ctoken.total_reserves_underlying
        )
    with told(lambda f: tell(f, FailureInfo.ACCRUE_INTEREST_NEW_BORROW_INDEX_CALCULATION_FAILED)):
        next_index = mantissa_mul_add_down(factor, index, index)
    return replace(
        ctoken,
        total_borrows_underlying=next_borrows,
        total_reserves_underlying=next_reserves,
        borrow_index_mantissa=next_index,
        accrual_block_number=ctoken.accrual_block_number + n_blocks,
    )
