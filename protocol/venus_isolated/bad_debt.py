"""`Comptroller.healAccount`: all collateral of a small account for part of its debts; the rest becomes bad debt.

Mirrors `healAccount`, contracts/Comptroller.sol, and `healBorrow` and `badDebtRecovered`,
contracts/VToken.sol (VenusProtocol/isolated-pools@58b76f81). Bad debt bears no interest, stays part of what
vTokens are worth, and counts as lent out; an auction may recover it (`shortfall.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, mul_div_down, sub
from protocol.units import WAD
from protocol.venus_isolated.amounts import healed_share
from protocol.venus_isolated.health import liquidation_threshold, liquidity_snapshot
from protocol.venus_isolated.interest import borrow_balance
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.liquidation import seize
from protocol.venus_isolated.state import Healed, Market, MarketId, Revert, Seized, User, VToken
from protocol.venus_isolated.validation import pre_repay_hook, require_shortfall, require_small_collateral


def heal_account(
    market: Market,
    user: User,
    liquidator: User,
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> Healed | Revert:
    """`liquidator` takes all collateral of `user` at `slot` and pays collateral / incentive of the debts.

    That writes off debt even of an account worth more than it owes, if not by the incentive. Raises
    `MissingPrice`, `NegativePrice`, `UnknownMarket` for input that the contract could not meet.
    """
    ledger = Ledger(market, slot)
    try:
        return _heal(ledger, user, liquidator, prices_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def share_to_heal(ledger: Ledger, user: User, prices_mantissa: Mapping[MarketId, int]) -> int:
    """The part of each debt that has to be paid to heal, at the stored indexes; reverts unless it can be healed."""
    data = liquidity_snapshot(ledger, user, prices_mantissa, liquidation_threshold)
    require_small_collateral(ledger, data.total_collateral_usd_mantissa)
    require_shortfall(data.shortfall_usd_mantissa)
    return healed_share(
        collateral_usd_mantissa=data.total_collateral_usd_mantissa,
        borrows_usd_mantissa=data.borrows_usd_mantissa,
        incentive_mantissa=ledger.liquidation_incentive_mantissa,
    )


def heal_borrow(ledger: Ledger, user: User, market_id: MarketId, repaid: int) -> int:
    """`healBorrow` in a market that has accrued: the debt ends, and what `repaid` does not cover is written off.

    Returns that. [underlying]
    """
    vtoken, position = ledger.vtoken(market_id), ledger.position(user, market_id)
    if repaid != 0:
        pre_repay_hook(vtoken)
    forgiven = sub(borrow_balance(vtoken, position), repaid)
    ledger.put(
        replace(
            vtoken,
            cash_underlying=add(vtoken.cash_underlying, repaid),
            total_borrows_underlying=sub(sub(vtoken.total_borrows_underlying, repaid), forgiven),
            bad_debt_underlying=add(vtoken.bad_debt_underlying, forgiven),
        )
    )
    index_mantissa = vtoken.borrow_index_mantissa
    clear = replace(position, borrow_principal_underlying=0, borrow_interest_index_mantissa=index_mantissa)
    ledger.put_position(user, market_id, clear)
    return forgiven


def bad_debt_recovered(vtoken: VToken, amount: int) -> VToken:
    """`badDebtRecovered`: the auction house has paid `amount` [underlying] of a market's bad debt back."""
    if amount > vtoken.bad_debt_underlying:
        raise EvmRevert(
            "more than bad debt recovered from auction", amount=amount, bad_debt=vtoken.bad_debt_underlying
        )
    return replace(vtoken, bad_debt_underlying=vtoken.bad_debt_underlying - amount)


def _heal(ledger: Ledger, user: User, liquidator: User, prices_mantissa: Mapping[MarketId, int]) -> Healed:
    """Every market the account is in accrues; then market by market, in the order of entry."""
    entered = [vtoken.market_id for vtoken in ledger.assets_in(user)]
    for market_id in entered:
        ledger.accrue(market_id)
    share_mantissa = share_to_heal(ledger, user, prices_mantissa)
    repaid: dict[MarketId, int] = {}
    seized: dict[MarketId, Seized] = {}
    forgiven: dict[MarketId, int] = {}
    for market_id in entered:
        position = ledger.position(user, market_id)
        owed = borrow_balance(ledger.vtoken(market_id), position)
        if position.vtokens != 0:
            seized[market_id] = seize(ledger, market_id, liquidator, user, position.vtokens)
        if owed != 0:
            repaid[market_id] = mul_div_down(share_mantissa, owed, WAD)
            forgiven[market_id] = heal_borrow(ledger, user, market_id, repaid[market_id])
    return Healed(
        market=ledger.market(),
        repaid_underlying=_in_order(repaid),
        seized=dict(sorted(seized.items())),
        bad_debt_underlying=_in_order(forgiven),
    )


def _in_order(amounts: Mapping[MarketId, int]) -> dict[MarketId, int]:
    """Amounts that are not zero, by market id."""
    return {market_id: amount for market_id, amount in sorted(amounts.items()) if amount}
