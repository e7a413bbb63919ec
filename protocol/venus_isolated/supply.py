"""Supplying and redeeming, and which markets count for an account.

Mirrors `_mintFresh`, `_redeemFresh` and `_transferTokens`, contracts/VToken.sol, and `enterMarkets` and
`exitMarket`, contracts/Comptroller.sol (VenusProtocol/isolated-pools@58b76f81). Taken for granted: the sender
may act for whom it acts, has what it supplies and has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, mul_div_down, sub
from protocol.units import WAD
from protocol.venus_isolated.interest import account_snapshot, exchange_rate
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import Acted, Action, Market, MarketId, Revert, User, VToken
from protocol.venus_isolated.validation import (
    add_to_market,
    check_redeem_allowed,
    pre_mint_hook,
    require_not_paused,
)


def mint(
    market: Market,
    user: User,
    market_id: MarketId,
    amount: int,
    *,
    on_behalf_of: User | None = None,
    slot: int,
) -> Acted | Revert:
    """`user` supplies `amount` [underlying] for itself or another at `slot`; raises `UnknownMarket`."""
    ledger, minter = Ledger(market, slot), user if on_behalf_of is None else on_behalf_of
    try:
        vtoken = ledger.accrue(market_id)
        vtokens = _mint_fresh(ledger, minter, vtoken, amount)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount, vtokens=vtokens)


def redeem(
    market: Market,
    user: User,
    market_id: MarketId,
    vtokens: int,
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> Acted | Revert:
    """`user` gives back `vtokens` at `slot` for what they are worth.

    Prices are read where the market was entered. Raises `MissingPrice`, `NegativePrice`, `UnknownMarket`.
    """
    ledger = Ledger(market, slot)
    try:
        vtoken = ledger.accrue(market_id)
        amount = _redeem_fresh(ledger, user, vtoken, vtokens, prices_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount, vtokens=vtokens)


def redeem_underlying(
    market: Market,
    user: User,
    market_id: MarketId,
    amount: int,
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> Acted | Revert:
    """`user` asks for `amount` [underlying] at `slot`, and may receive a little more; errors as in `redeem`.

    The vTokens that it costs are rounded up, and all they are worth is paid out.
    """
    ledger = Ledger(market, slot)
    try:
        vtoken = ledger.accrue(market_id)
        vtokens = vtokens_for(vtoken, amount)
        paid = _redeem_fresh(ledger, user, vtoken, vtokens, prices_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=paid, vtokens=vtokens)


def transfer(
    market: Market,
    user: User,
    receiver: User,
    market_id: MarketId,
    vtokens: int,
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> Acted | Revert:
    """`user` gives `vtokens` to another; nothing accrues. Errors as in `redeem`."""
    ledger = Ledger(market, slot)
    try:
        require_not_paused(ledger.vtoken(market_id), Action.TRANSFER)
        check_redeem_allowed(ledger, user, market_id, vtokens, prices_mantissa)
        _transfer(ledger, user, receiver, market_id, vtokens)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), vtokens=vtokens)


def enter_markets(market: Market, user: User, market_ids: Sequence[MarketId], *, slot: int) -> Acted | Revert:
    """From now on these markets count, as collateral and as debt; nothing accrues. Raises `UnknownMarket`."""
    ledger = Ledger(market, slot)
    try:
        for market_id in market_ids:
            add_to_market(ledger, user, market_id)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def exit_market(
    market: Market,
    user: User,
    market_id: MarketId,
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> Acted | Revert:
    """This market counts no more: nothing is owed in it, nor held that is needed. Errors as in `redeem`.

    The last market of the user's list takes its place there; nothing accrues.
    """
    ledger = Ledger(market, slot)
    try:
        _exit(ledger, user, market_id, prices_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def vtokens_for(vtoken: VToken, amount: int) -> int:
    """What `amount` [underlying] costs: rounded up, unless it is worth less than the first unit. [vTokens]"""
    rate_mantissa = exchange_rate(vtoken)
    vtokens = mul_div_down(amount, WAD, rate_mantissa)
    worth = mul_div_down(vtokens, rate_mantissa, WAD)
    return add(vtokens, 1) if worth not in {0, amount} else vtokens


def move_vtokens(ledger: Ledger, user: User, market_id: MarketId, *, given: int = 0, taken: int = 0) -> None:
    """Changes what a user holds; reverts `Panic(0x11)` where it holds less."""
    position = ledger.position(user, market_id)
    vtokens = add(sub(position.vtokens, taken), given)
    ledger.put_position(user, market_id, replace(position, vtokens=vtokens))


def _mint_fresh(ledger: Ledger, minter: User, vtoken: VToken, amount: int) -> int:
    pre_mint_hook(vtoken, amount)
    vtokens = mul_div_down(amount, WAD, exchange_rate(vtoken))
    ledger.put(
        replace(
            vtoken,
            cash_underlying=add(vtoken.cash_underlying, amount),
            total_supply_vtokens=add(vtoken.total_supply_vtokens, vtokens),
        )
    )
    move_vtokens(ledger, minter, vtoken.market_id, given=vtokens)
    return vtokens


def _redeem_fresh(
    ledger: Ledger, user: User, vtoken: VToken, vtokens: int, prices_mantissa: Mapping[MarketId, int]
) -> int:
    amount = mul_div_down(exchange_rate(vtoken), vtokens, WAD)
    if amount == 0:
        raise EvmRevert("redeemAmount is zero")
    require_not_paused(vtoken, Action.REDEEM)
    check_redeem_allowed(ledger, user, vtoken.market_id, vtokens, prices_mantissa)
    available = sub(vtoken.cash_underlying, vtoken.total_reserves_underlying)
    if available < amount:
        raise EvmRevert("RedeemTransferOutNotPossible", available=available, amount=amount)
    ledger.put(
        replace(
            vtoken,
            cash_underlying=vtoken.cash_underlying - amount,
            total_supply_vtokens=sub(vtoken.total_supply_vtokens, vtokens),
        )
    )
    move_vtokens(ledger, user, vtoken.market_id, taken=vtokens)
    return amount


def _transfer(ledger: Ledger, user: User, receiver: User, market_id: MarketId, vtokens: int) -> None:
    if user == receiver:
        raise EvmRevert("TransferNotAllowed")
    move_vtokens(ledger, user, market_id, taken=vtokens)
    move_vtokens(ledger, receiver, market_id, given=vtokens)


def _exit(ledger: Ledger, user: User, market_id: MarketId, prices_mantissa: Mapping[MarketId, int]) -> None:
    vtoken, position = ledger.vtoken(market_id), ledger.position(user, market_id)
    require_not_paused(vtoken, Action.EXIT_MARKET)
    vtokens, owed, _ = account_snapshot(vtoken, position)
    if owed != 0:
        raise EvmRevert("NonzeroBorrowBalance", owed=owed)
    check_redeem_allowed(ledger, user, market_id, vtokens, prices_mantissa)
    if ledger.is_member(user, market_id):
        *others, last = ledger.account(user).entered
        ledger.put_entered(user, tuple(last if i == market_id else i for i in others))
