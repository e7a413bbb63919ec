"""`CToken.liquidateBorrow`, step by step in the contract's order.

Mirrors `liquidateBorrowFresh` and `seizeInternal`, contracts/CToken.sol, and `liquidateBorrowAllowed` and
`liquidateCalculateSeizeTokens`, contracts/Comptroller.sol (compound-finance/compound-protocol@ae4388e). Taken for
granted: the liquidator has the debt asset and has approved it. It receives cTokens, not the asset: to redeem them
needs cash. Debt is never written off: what the collateral cannot repay stays on the account, grows, and counts as
an asset of those who supplied it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from protocol.compound_v2.amounts import Terms
from protocol.compound_v2.borrow import repay_fresh
from protocol.compound_v2.health import ctoken_at, known_price
from protocol.compound_v2.interest import exchange_rate
from protocol.compound_v2.ledger import Ledger
from protocol.compound_v2.reporter import (
    CLOSE_AMOUNT_IS_UINT_MAX,
    CLOSE_AMOUNT_IS_ZERO,
    LIQUIDATE_REJECTED,
    LIQUIDATOR_IS_BORROWER,
    SEIZE_REJECTED,
    SEIZE_TOO_MUCH,
    SEIZURE_NOT_CALCULATED,
    FailureInfo,
    Rejected,
    ReturnedCode,
    collateral_not_accrued,
)
from protocol.compound_v2.revisions import CTokenRules
from protocol.compound_v2.state import Failure, Liquidated, LiquidationCall, Market, MarketId, Revert
from protocol.compound_v2.validation import failing_at, liquidate_allowed, outcome, refusing, seize_allowed
from protocol.errors import EvmRevert
from protocol.fixed_point.careful_math import add, sub, told
from protocol.fixed_point.mantissa import mantissa_mul_down
from protocol.units import MAX_UINT256


def liquidate_borrow(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> Liquidated | Failure | Revert:
    """What the call does to the market at `block_number` and observed prices, or how it fails.

    Raises `MissingPrice`, `PriceNoUint`, `UnknownMarket` for input that the contract could not meet.
    """
    ledger = Ledger(market, called=call.debt_id, value=call.repay_amount)
    is_ether = ctoken_at(market, call.debt_id).is_ether
    return outcome(
        ledger,
        lambda: _liquidate(ledger, call, prices_mantissa, block_number),
        payable="liquidateBorrow" if is_ether else "",
    )


def _liquidate(
    ledger: Ledger, call: LiquidationCall, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> Liquidated:
    rules = ledger.ctoken(call.debt_id).rules
    _accrue_both(ledger, call, block_number)
    with refusing(rules, LIQUIDATE_REJECTED):
        liquidate_allowed(ledger.market(), call, prices_mantissa=prices_mantissa)
    _require_sensible(rules, call)
    # [Modified in 2.3: what is seized is settled after the repayment, from what really arrived]
    if rules.sizes_seizure_first:
        seized = _sized_before(ledger, call, prices_mantissa)
        repaid = _repay(ledger, call)
    else:
        repaid = _repay(ledger, call)
        seized = _sized_after(ledger, call, prices_mantissa, repaid)
    liquidated = _seize(ledger, call, repaid, seized)
    if rules.sizes_seizure_first and call.debt_id == call.collateral_id:
        raise EvmRevert("re-entered")
    return liquidated


def _accrue_both(ledger: Ledger, call: LiquidationCall, block_number: int) -> None:
    """The cToken of the debt, then that of the collateral; every other one stays as it was left."""
    rules = ledger.ctoken(call.debt_id).rules
    with failing_at(FailureInfo.LIQUIDATE_ACCRUE_BORROW_INTEREST_FAILED):
        ledger.accrue(call.debt_id, block_number)
    try:
        ledger.accrue_other(call.collateral_id, block_number)
    except ReturnedCode as code:
        raise rules.refuse(collateral_not_accrued(code), int(code.error)) from None


def _require_sensible(rules: CTokenRules, call: LiquidationCall) -> None:
    if call.borrower == call.liquidator:
        raise rules.refuse(LIQUIDATOR_IS_BORROWER, 0)
    if call.repay_amount == 0:
        raise rules.refuse(CLOSE_AMOUNT_IS_ZERO, 0)
    if call.repay_amount == MAX_UINT256:
        raise rules.refuse(CLOSE_AMOUNT_IS_UINT_MAX, 0)


def _repay(ledger: Ledger, call: LiquidationCall) -> int:
    with failing_at(FailureInfo.LIQUIDATE_REPAY_BORROW_FRESH_FAILED):
        return repay_fresh(ledger, call.borrower, call.debt_id, call.repay_amount)


def _sized_before(ledger: Ledger, call: LiquidationCall, prices_mantissa: Mapping[MarketId, int]) -> int:
    rules = ledger.ctoken(call.debt_id).rules
    with refusing(rules, SEIZURE_NOT_CALCULATED):
        seized = seize_tokens(ledger.market(), call, call.repay_amount, prices_mantissa)
    if seized > ledger.position(call.borrower, call.collateral_id).ctokens:
        raise rules.refuse(SEIZE_TOO_MUCH, 0)
    return seized


def _sized_after(
    ledger: Ledger, call: LiquidationCall, prices_mantissa: Mapping[MarketId, int], repaid: int
) -> int:
    try:
        seized = seize_tokens(ledger.market(), call, repaid, prices_mantissa)
    except Rejected:
        raise EvmRevert("LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED") from None
    held = ledger.position(call.borrower, call.collateral_id).ctokens
    if seized > held:
        raise EvmRevert("LIQUIDATE_SEIZE_TOO_MUCH", seized=seized, held=held)
    return seized


def seize_tokens(
    market: Market, call: LiquidationCall, repaid: int, prices_mantissa: Mapping[MarketId, int]
) -> int:
    """`liquidateCalculateSeizeTokens` of `repaid` [debt asset units]; raises `Rejected` at a price of 0. [cTokens]"""
    terms = liquidation_terms(market, call.collateral_id, call.debt_id, prices_mantissa)
    with told(market.rules.fault):
        return terms.seized_for(repaid)


def liquidation_terms(
    market: Market, collateral_id: MarketId, debt_id: MarketId, prices_mantissa: Mapping[MarketId, int]
) -> Terms:
    """At what rate cTokens are given for debt, at stored exchange rates; raises `Rejected` at a price of 0."""
    debt_price = known_price(debt_id, prices_mantissa)
    collateral_price = known_price(collateral_id, prices_mantissa)
    collateral = market.ctokens[collateral_id]
    message = "exchangeRateStored: exchangeRateStoredInternal failed"
    with told(lambda fault: collateral.rules.view_fault(fault, message)):
        rate = exchange_rate(collateral)
    return Terms(
        incentive_mantissa=market.liquidation_incentive_mantissa,
        debt_price_mantissa=debt_price,
        collateral_price_mantissa=collateral_price,
        exchange_rate_mantissa=rate,
        multiply=market.rules.multiply,
    )


def _seize(ledger: Ledger, call: LiquidationCall, repaid: int, seized: int) -> Liquidated:
    """`seizeInternal`: a part of what is seized is destroyed, and its worth becomes reserves. [New in 2.9]"""
    with _seizing():
        collateral = ledger.ctoken(call.collateral_id)
        rules = collateral.rules
        with refusing(rules, SEIZE_REJECTED):
            seize_allowed(ledger.market(), call)
        _take_ctokens(ledger, call, seized)
        with told(rules.seize_fault):
            to_protocol = mantissa_mul_down(seized, rules.protocol_seize_share_mantissa)
        worth = _to_reserves(ledger, call, to_protocol)
        _give_ctokens(ledger, call, seized - to_protocol)
    rate = exchange_rate(ledger.ctoken(call.collateral_id))
    return Liquidated(
        market=ledger.market(),
        repaid_underlying=repaid,
        seized_ctokens=seized,
        liquidator_seized_ctokens=seized - to_protocol,
        liquidator_seized_underlying=mantissa_mul_down(rate, seized - to_protocol),
        protocol_seized_ctokens=to_protocol,
        protocol_seized_underlying=worth,
    )


@contextmanager
def _seizing() -> Generator[None, None, None]:
    """The cToken of the debt takes no code for an answer."""
    try:
        yield
    except ReturnedCode:
        raise EvmRevert("token seizure failed") from None


def _take_ctokens(ledger: Ledger, call: LiquidationCall, seized: int) -> None:
    held, tell = (
        ledger.position(call.borrower, call.collateral_id),
        ledger.ctoken(call.collateral_id).rules.step_fault,
    )
    with told(lambda fault: tell(fault, FailureInfo.LIQUIDATE_SEIZE_BALANCE_DECREMENT_FAILED)):
        left = sub(held.ctokens, seized)
    ledger.put_position(call.borrower, call.collateral_id, replace(held, ctokens=left))


def _give_ctokens(ledger: Ledger, call: LiquidationCall, ctokens: int) -> None:
    held, tell = (
        ledger.position(call.liquidator, call.collateral_id),
        ledger.ctoken(call.collateral_id).rules.step_fault,
    )
    with told(lambda fault: tell(fault, FailureInfo.LIQUIDATE_SEIZE_BALANCE_INCREMENT_FAILED)):
        total = add(held.ctokens, ctokens)
    ledger.put_position(call.liquidator, call.collateral_id, replace(held, ctokens=total))


def _to_reserves(ledger: Ledger, call: LiquidationCall, ctokens: int) -> int:
    """What the destroyed cTokens are worth, added to the reserves of the collateral. [asset units]

    Ether seized for ether is worth less here: what the liquidator sent is left out, though the debt is gone already.
    """
    collateral = ledger.ctoken(call.collateral_id)
    rules = collateral.rules
    if rules.protocol_seize_share_mantissa == 0:
        return 0
    with told(lambda fault: rules.view_fault(fault, "exchange rate math error")):
        rate = exchange_rate(collateral, cash=ledger.cash_within(call.collateral_id))
    with told(rules.seize_fault):
        worth = mantissa_mul_down(rate, ctokens)
        reserves = add(collateral.total_reserves_underlying, worth)
        supply = sub(collateral.total_supply_ctokens, ctokens)
    ledger.put(replace(collateral, total_reserves_underlying=reserves, total_supply_ctokens=supply))
    return worth
