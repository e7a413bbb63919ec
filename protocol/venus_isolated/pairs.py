"""What a liquidator looks at before choosing: the account market by market, and one pair of them closely."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from protocol.fixed_point.uint256 import mul_div_down
from protocol.units import WAD
from protocol.venus_isolated.amounts import largest_repay
from protocol.venus_isolated.frontier import exhaustion, residual_if_exhausted, residual_if_healed
from protocol.venus_isolated.health import (
    liquidation_threshold,
    liquidity_snapshot,
    price_at,
)
from protocol.venus_isolated.interest import borrow_balance, exchange_rate, viewed_at
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.liquidation import seize_ratio_of
from protocol.venus_isolated.state import LiquidationCall, LiquidationOrder, Market, MarketId, User


def position_values(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> tuple[dict[MarketId, int], dict[MarketId, int]]:
    """The account's collaterals and debts by market id, valued as in `account_data` [USD x 1e18]; zeros left out."""
    ledger = Ledger(market, slot)
    collaterals: dict[MarketId, int] = {}
    debts: dict[MarketId, int] = {}
    for vtoken in ledger.assets_in(user):
        market_id, position = vtoken.market_id, ledger.position(user, vtoken.market_id)
        price_mantissa = price_at(market_id, prices_mantissa)
        vtoken_price = mul_div_down(exchange_rate(vtoken), price_mantissa, WAD)
        collaterals[market_id] = mul_div_down(vtoken_price, position.vtokens, WAD)
        debts[market_id] = mul_div_down(price_mantissa, borrow_balance(vtoken, position), WAD)
    return {i: v for i, v in collaterals.items() if v}, {i: v for i, v in debts.items() if v}


def payout_ratio(market: Market, user: User, collateral_id: MarketId) -> Fraction:
    """Value a liquidator receives of this collateral per value repaid, at observed prices: incentive less share.

    It is paid in vTokens, which are worth that only while there is cash to redeem them.
    """
    share_mantissa = market.vtokens[collateral_id].protocol_seize_share_mantissa
    return Fraction(market.liquidation_incentive_mantissa - share_mantissa, WAD)


def is_toxic(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> bool:
    """Whether seizing this collateral lowers the health: weighted collateral below incentive x threshold x debts."""
    ledger = _with_the_pair_accrued(market, call, slot)
    data = liquidity_snapshot(ledger, call.borrower, prices_mantissa, liquidation_threshold)
    threshold_mantissa = market.vtokens[call.collateral_id].liquidation_threshold_mantissa
    edge = market.liquidation_incentive_mantissa * threshold_mantissa * data.borrows_usd_mantissa
    return data.weighted_collateral_usd_mantissa * WAD * WAD < edge


def most_repayable(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> int:
    """The largest `repay_amount` that neither the close factor nor the collateral of the pair refuses.

    [debt asset units] The contract cuts nothing, so a liquidator has to. Whether the account may be liquidated
    at all is not asked.
    """
    ledger = _with_the_pair_accrued(market, call, slot)
    vtoken = ledger.vtoken(call.debt_id)
    debt = borrow_balance(vtoken, ledger.position(call.borrower, call.debt_id))
    if not market.rules.is_liquidated_freely(vtoken):
        debt = mul_div_down(market.close_factor_mantissa, debt, WAD)
    held = ledger.position(call.borrower, call.collateral_id).vtokens
    covered = largest_repay(seize_ratio_of(ledger, _order_of(call), prices_mantissa), held)
    return debt if covered is None else min(debt, covered)


def residual_of_pair(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> tuple[int, Fraction]:
    """Closed form: what repayments against this collateral leave of this debt, to the unit and without rounding.

    [debt asset units] The first is 0 where this collateral suffices; the second is then 0 or less, up to the
    rounding of the ratio at which collateral is taken, which is the borrower's gain.
    """
    ledger = _with_the_pair_accrued(market, call, slot)
    ratio_mantissa = seize_ratio_of(ledger, _order_of(call), prices_mantissa)
    held = ledger.position(call.borrower, call.collateral_id).vtokens
    debt = borrow_balance(ledger.vtoken(call.debt_id), ledger.position(call.borrower, call.debt_id))
    integer = residual_if_exhausted(ratio_mantissa, vtokens=held, debt=debt)
    worth = held * exchange_rate(ledger.vtoken(call.collateral_id)) * prices_mantissa[call.collateral_id]
    repaid = Fraction(worth, market.liquidation_incentive_mantissa * prices_mantissa[call.debt_id])
    return integer or 0, debt - repaid


def residual_of_healed(
    market: Market, user: User, debt_id: MarketId, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> tuple[int, Fraction]:
    """Closed form: what healing writes off of one debt, to the unit and without rounding. [debt asset units]

    The first is 0 where the collateral suffices; the second is then 0 or less.
    """
    left = residual_if_healed(market, user, prices_mantissa=prices_mantissa, slot=slot) or {}
    state = exhaustion(market, user, prices_mantissa=prices_mantissa, slot=slot)
    ledger = Ledger(market, slot)
    debt = borrow_balance(ledger.accrue(debt_id), ledger.position(user, debt_id))
    share = state.repayable_usd / state.debt_usd if state.debt_usd else Fraction(1)
    return left.get(debt_id, 0), debt * (1 - share)


def rounded_away(
    market: Market, call: LiquidationCall, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> Fraction:
    """How far the integers of one regular call, or order, may lie off its fractions. [debt asset units]

    One vToken, one unit of debt with its incentive, and what the ratio of the two is cut by, of all that is repaid
    and of that vToken.
    """
    ledger = _with_the_pair_accrued(market, call, slot)
    rate_mantissa = exchange_rate(ledger.vtoken(call.collateral_id))
    per_unit = market.liquidation_incentive_mantissa * prices_mantissa[call.debt_id]
    ratio = Fraction(per_unit, prices_mantissa[call.collateral_id] * rate_mantissa)
    cut = apart(ratio, Fraction(seize_ratio_of(ledger, _order_of(call), prices_mantissa), WAD))
    held = ledger.position(call.borrower, call.collateral_id).vtokens
    one, repaid = 1 / ratio, max(Fraction(call.repay_amount), held / ratio)
    return one + Fraction(market.liquidation_incentive_mantissa, WAD) + cut * (repaid + one)


def apart(exact: Fraction, cut: Fraction) -> Fraction:
    """By which share of the smaller the two ratios differ; of all where one is cut to nothing."""
    low, high = sorted((exact, cut))
    return high / low - 1 if low else Fraction(1)


def rounded_away_by_healing(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> Fraction:
    """How far what healing pays may lie off its fractions. [USD x 1e18]

    One unit of each debt, and what is cut off: the value of a vToken and of each side, the debts with the incentive,
    and the share of them that is paid.
    """
    ledger = Ledger(viewed_at(market, slot), slot)
    incentive = Fraction(market.liquidation_incentive_mantissa, WAD)
    total = 1 + exhaustion(market, user, prices_mantissa=prices_mantissa, slot=slot).debt_usd / WAD
    for vtoken in ledger.assets_in(user):
        position = ledger.position(user, vtoken.market_id)
        total += Fraction(position.vtokens, WAD) + 1
        if position.borrow_principal_underlying:
            total += incentive + Fraction(prices_mantissa[vtoken.market_id], WAD)
    return total


def _with_the_pair_accrued(market: Market, call: LiquidationCall, slot: int) -> Ledger:
    """As the call itself meets them: these two markets at `slot`, others as stored."""
    ledger = Ledger(market, slot)
    ledger.accrue(call.debt_id)
    ledger.accrue(call.collateral_id)
    return ledger


def _order_of(call: LiquidationCall) -> LiquidationOrder:
    return LiquidationOrder(
        collateral_id=call.collateral_id, debt_id=call.debt_id, repay_amount=call.repay_amount
    )
