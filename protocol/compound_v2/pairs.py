"""What a liquidator looks at before choosing: the account asset by asset, and one pair of them closely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from protocol.compound_v2.frontier import exact_ratio, residual_exact, residual_if_exhausted
from protocol.compound_v2.health import EMPTY_ACCOUNT, account_sums, ctoken_at, position_of, price_at
from protocol.compound_v2.interest import accrue, borrow_balance, exchange_rate
from protocol.compound_v2.liquidation import liquidation_terms
from protocol.compound_v2.reporter import Rejected
from protocol.compound_v2.state import LiquidationCall, Market, MarketId, User
from protocol.compound_v2.validation import is_deprecated, max_close, stored_debt
from protocol.errors import EvmRevert
from protocol.fixed_point.mantissa import mantissa_mul_down
from protocol.units import WAD


def position_values(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> tuple[dict[MarketId, int], dict[MarketId, int]]:
    """The account's collaterals and debts by market id, unweighted, as stored [USD x 1e18]; zeros left out.

    What can be seized is collateral here, entered or not. As `account_data`, nothing is accrued to `block_number`.
    """
    collaterals: dict[MarketId, int] = {}
    debts: dict[MarketId, int] = {}
    for market_id, position in market.accounts.get(user, EMPTY_ACCOUNT).positions.items():
        ctoken, price = ctoken_at(market, market_id), price_at(market_id, prices_mantissa)
        supplied = mantissa_mul_down(exchange_rate(ctoken), position.ctokens)
        collaterals[market_id] = mantissa_mul_down(price, supplied)
        debts[market_id] = mantissa_mul_down(price, borrow_balance(ctoken, position))
    return {i: v for i, v in collaterals.items() if v}, {i: v for i, v in debts.items() if v}


def payout_ratio(market: Market, user: User, collateral_id: MarketId) -> Fraction:
    """Value a liquidator receives of this collateral per value repaid, the protocol's part taken off."""
    incentive = Fraction(market.liquidation_incentive_mantissa, WAD)
    return incentive * (
        1 - Fraction(ctoken_at(market, collateral_id).rules.protocol_seize_share_mantissa, WAD)
    )


def is_toxic(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> bool:
    """Whether seizing this collateral lowers the health: it lies below incentive times its collateral factor.

    Seen as the call would see it. Raises `Rejected` where the Comptroller has no answer.
    """
    touched = _touched(market, call, block_number)
    sums = account_sums(touched, call.borrower, prices_mantissa=prices_mantissa)
    account = market.accounts.get(call.borrower, EMPTY_ACCOUNT)
    if call.collateral_id not in account.entered:
        return False
    factor = market.ctokens[call.collateral_id].config.collateral_factor_mantissa
    edge = market.liquidation_incentive_mantissa * factor
    return sums.collateral_usd_mantissa * WAD * WAD < edge * sums.borrows_usd_mantissa


def most_repayable(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> int:
    """The largest `repay_amount` that neither the close factor nor the cTokens of the pair refuse.

    [debt asset units] The contract cuts nothing, so a liquidator has to. Whether the account may be liquidated at all
    is not asked; where the contract has no rate for the pair it refuses any amount, and this is what the close
    factor allows. Of a token that keeps a part of a transfer, cTokens pay for a little more.
    """
    touched = _touched(market, call, block_number)
    owed = stored_debt(touched, call.borrower, call.debt_id)
    free = market.rules.has_deprecation and is_deprecated(touched.ctokens[call.debt_id])
    allowed = owed if free else max_close(touched, owed)
    ctokens = position_of(market, call.borrower, call.collateral_id).ctokens
    try:
        terms = liquidation_terms(touched, call.collateral_id, call.debt_id, prices_mantissa)
        return min(allowed, terms.most_repaid_from(ctokens))
    except (Rejected, EvmRevert):
        return allowed


def rounded_away(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> Fraction:
    """How far the integers of one call may lie off its fractions. [debt asset units]

    One cToken, one unit of debt with its incentive, and what the ratio of the two is cut by, of all that is repaid
    and of that cToken.
    """
    touched = _touched(market, call, block_number)
    terms = liquidation_terms(touched, call.collateral_id, call.debt_id, prices_mantissa)
    ratio = exact_ratio(terms)
    ctokens = position_of(market, call.borrower, call.collateral_id).ctokens
    one, repaid = 1 / ratio, max(Fraction(call.repay_amount), ctokens / ratio)
    cut = apart(ratio, Fraction(terms.ratio_mantissa, WAD))
    return one + Fraction(terms.incentive_mantissa, WAD) + cut * (repaid + one)


def apart(exact: Fraction, cut: Fraction) -> Fraction:
    """By which share of the smaller the two ratios differ; of all where one is cut to nothing."""
    low, high = sorted((exact, cut))
    return high / low - 1 if low else Fraction(1)


def residual_of_pair(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> tuple[int, Fraction]:
    """Closed form: what one unlimited call leaves of this debt, to the unit and without rounding. [asset units]

    The first is 0 where this collateral suffices; the second is then 0 or less, up to the ratio's rounding.
    """
    touched = _touched(market, call, block_number)
    terms = liquidation_terms(touched, call.collateral_id, call.debt_id, prices_mantissa)
    ctokens = position_of(market, call.borrower, call.collateral_id).ctokens
    debt = borrow_balance(touched.ctokens[call.debt_id], position_of(market, call.borrower, call.debt_id))
    integer = residual_if_exhausted(terms, collateral_ctokens=ctokens, debt=debt)
    return integer or 0, residual_exact(terms, collateral_ctokens=ctokens, debt=debt)


def _touched(market: Market, call: LiquidationCall, block_number: int) -> Market:
    """The market as a call finds it once its two cTokens have accrued."""
    fresh = {i: accrue(ctoken_at(market, i), block_number) for i in (call.debt_id, call.collateral_id)}
    return replace(market, ctokens={**market.ctokens, **fresh})
