"""Supplying, withdrawing, and which markets count: `mint`, `redeem...`, `enterMarkets`, `exitMarket`.

Mirrors contracts/CToken.sol and contracts/Comptroller.sol (compound-finance/compound-protocol@ae4388e). Taken for
granted: the user has the asset and has approved it. That nothing else happens between accruing and the rest, the
contracts' checks of freshness, is true of every call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from protocol.compound_v2.health import ctoken_at, snapshot
from protocol.compound_v2.interest import exchange_rate
from protocol.compound_v2.ledger import Ledger
from protocol.compound_v2.reporter import (
    MINT_REJECTED,
    REDEEM_REJECTED,
    REDEEM_WITHOUT_CASH,
    ComptrollerError,
    ComptrollerFailureInfo,
    FailureInfo,
    Rejected,
    ReturnedCode,
)
from protocol.compound_v2.state import Acted, CToken, Failure, Market, MarketId, Revert, User
from protocol.compound_v2.validation import enter, failing_at, mint_allowed, outcome, redeem_allowed, refusing
from protocol.errors import EvmRevert
from protocol.fixed_point.careful_math import add, sub, told
from protocol.fixed_point.mantissa import mantissa_mul_down


def accrue_interest(market: Market, market_id: MarketId, *, block_number: int) -> Acted | Failure | Revert:
    """`accrueInterest`: anyone may bring one cToken to `block_number`. Raises `UnknownMarket`."""
    ledger = Ledger(market)

    def body() -> Acted:
        ledger.accrue(market_id, block_number)
        return Acted(market=ledger.market())

    return outcome(ledger, body)


def mint(
    market: Market, user: User, market_id: MarketId, amount: int, *, block_number: int
) -> Acted | Failure | Revert:
    """`user` gives `amount` [asset units] at `block_number` for cTokens. Raises `UnknownMarket`."""
    ledger = Ledger(market, called=market_id, value=amount)

    def body() -> Acted:
        with failing_at(FailureInfo.MINT_ACCRUE_INTEREST_FAILED):
            ledger.accrue(market_id, block_number)
        counted, ctokens = _mint(ledger, user, market_id, amount)
        return Acted(market=ledger.market(), amount=counted, ctokens=ctokens)

    return outcome(ledger, body, payable="mint" if ctoken_at(market, market_id).is_ether else "")


def redeem(
    market: Market,
    user: User,
    market_id: MarketId,
    ctokens: int,
    *,
    prices_mantissa: Mapping[MarketId, int],
    block_number: int,
) -> Acted | Failure | Revert:
    """`user` gives back `ctokens` at `block_number` for what they are worth, rounded down.

    Raises `UnknownMarket`; where the market is entered, `MissingPrice` and `PriceNoUint`.
    """
    return _redeemed(market, user, market_id, ctokens, 0, prices_mantissa, block_number)


def redeem_underlying(
    market: Market,
    user: User,
    market_id: MarketId,
    amount: int,
    *,
    prices_mantissa: Mapping[MarketId, int],
    block_number: int,
) -> Acted | Failure | Revert:
    """`user` takes out `amount` [asset units] for cTokens worth it, rounded down in its favour; as `redeem`."""
    return _redeemed(market, user, market_id, 0, amount, prices_mantissa, block_number)


def enter_markets(market: Market, user: User, market_ids: Iterable[MarketId]) -> Acted:
    """`enterMarkets`: what `user` has in these counts, and can then be borrowed against; a code for each of them."""
    ledger = Ledger(market)
    codes = tuple(_entered(ledger, user, market_id) for market_id in market_ids)
    return Acted(market=ledger.market(), codes=codes)


def exit_market(
    market: Market, user: User, market_id: MarketId, *, prices_mantissa: Mapping[MarketId, int]
) -> Acted | Failure | Revert:
    """`exitMarket`: what `user` has there stops counting, if it owes nothing there and stays solvent.

    By stored balances: nothing is accrued. Raises `UnknownMarket`; where the market is entered, `MissingPrice` and
    `PriceNoUint`.
    """
    ledger = Ledger(market)

    def body() -> Acted:
        _exit(ledger, user, market_id, prices_mantissa)
        return Acted(market=ledger.market())

    return outcome(ledger, body)


def _mint(ledger: Ledger, user: User, market_id: MarketId, amount: int) -> tuple[int, int]:
    """`mintFresh`: what was counted and the cTokens it made, which can be none."""
    ctoken, held = ledger.ctoken(market_id), ledger.position(user, market_id)
    rules = ctoken.rules
    with refusing(rules, MINT_REJECTED):
        mint_allowed(ledger.market(), market_id)
    with told(lambda fault: rules.step_fault(fault, FailureInfo.MINT_EXCHANGE_RATE_READ_FAILED)):
        rate = exchange_rate(ctoken, cash=ledger.cash_within(market_id))
    counted = ledger.counted(market_id, amount)
    with told(lambda fault: rules.late_fault(fault, FailureInfo.MINT_EXCHANGE_CALCULATION_FAILED)):
        made = rules.tokens_of(counted, rate)
    with told(lambda fault: rules.late_fault(fault, FailureInfo.MINT_NEW_TOTAL_SUPPLY_CALCULATION_FAILED)):
        supply = add(ctoken.total_supply_ctokens, made)
    with told(lambda fault: rules.late_fault(fault, FailureInfo.MINT_NEW_ACCOUNT_BALANCE_CALCULATION_FAILED)):
        balance = add(held.ctokens, made)
    ledger.take_in(market_id, amount)
    ledger.put(replace(ledger.ctoken(market_id), total_supply_ctokens=supply))
    ledger.put_position(user, market_id, replace(held, ctokens=balance))
    return counted, made


def _redeemed(
    market: Market,
    user: User,
    market_id: MarketId,
    ctokens: int,
    amount: int,
    prices_mantissa: Mapping[MarketId, int],
    block_number: int,
) -> Acted | Failure | Revert:
    ledger = Ledger(market)

    def body() -> Acted:
        with failing_at(FailureInfo.REDEEM_ACCRUE_INTEREST_FAILED):
            ledger.accrue(market_id, block_number)
        paid, burned = _worth(ledger.ctoken(market_id), ctokens, amount)
        _redeem(ledger, user, market_id, burned, paid, prices_mantissa)
        return Acted(market=ledger.market(), amount=paid, ctokens=burned)

    return outcome(ledger, body)


def _worth(ctoken: CToken, ctokens: int, amount: int) -> tuple[int, int]:
    """Asset units to pay and cTokens to burn, of which one is asked for."""
    rules = ctoken.rules
    with told(lambda fault: rules.step_fault(fault, FailureInfo.REDEEM_EXCHANGE_RATE_READ_FAILED)):
        rate = exchange_rate(ctoken)
    if ctokens > 0:
        with told(
            lambda fault: rules.step_fault(fault, FailureInfo.REDEEM_EXCHANGE_TOKENS_CALCULATION_FAILED)
        ):
            return mantissa_mul_down(rate, ctokens), ctokens
    with told(lambda fault: rules.step_fault(fault, FailureInfo.REDEEM_EXCHANGE_AMOUNT_CALCULATION_FAILED)):
        return amount, rules.tokens_of(amount, rate)


def _redeem(
    ledger: Ledger,
    user: User,
    market_id: MarketId,
    ctokens: int,
    amount: int,
    prices_mantissa: Mapping[MarketId, int],
) -> None:
    """`redeemFresh`, from the Comptroller's word on."""
    ctoken, held = ledger.ctoken(market_id), ledger.position(user, market_id)
    rules = ctoken.rules
    with refusing(rules, REDEEM_REJECTED):
        redeem_allowed(ledger.market(), user, market_id, ctokens, prices_mantissa=prices_mantissa)
    if rules.checks_cash_first:
        _require_cash(ctoken, amount)
    with told(lambda fault: rules.step_fault(fault, FailureInfo.REDEEM_NEW_TOTAL_SUPPLY_CALCULATION_FAILED)):
        supply = sub(ctoken.total_supply_ctokens, ctokens)
    with told(
        lambda fault: rules.step_fault(fault, FailureInfo.REDEEM_NEW_ACCOUNT_BALANCE_CALCULATION_FAILED)
    ):
        balance = sub(held.ctokens, ctokens)
    _require_cash(ctoken, amount)
    ledger.put(replace(ctoken, total_supply_ctokens=supply))
    ledger.put_position(user, market_id, replace(held, ctokens=balance))
    ledger.pay_out(market_id, amount)
    if ctokens == 0 and amount > 0:
        raise EvmRevert("redeemTokens zero", amount=amount)


def _require_cash(ctoken: CToken, amount: int) -> None:
    """What is lent out cannot be paid out: at full utilization a cToken is worth waiting for."""
    if ctoken.cash_underlying < amount:
        raise ctoken.rules.refuse(REDEEM_WITHOUT_CASH, 0)


def _entered(ledger: Ledger, user: User, market_id: MarketId) -> ComptrollerError:
    ctoken_at(ledger.market(), market_id)
    try:
        enter(ledger, user, market_id)
    except Rejected as rejected:
        return rejected.error
    return ComptrollerError.NO_ERROR


def _exit(ledger: Ledger, user: User, market_id: MarketId, prices_mantissa: Mapping[MarketId, int]) -> None:
    try:
        held = snapshot(ledger.ctoken(market_id), ledger.position(user, market_id))
    except Rejected:
        raise EvmRevert("exitMarket: getAccountSnapshot failed") from None
    if held.borrow_balance != 0:
        raise ReturnedCode(
            ComptrollerError.NONZERO_BORROW_BALANCE, ComptrollerFailureInfo.EXIT_MARKET_BALANCE_OWED
        )
    try:
        redeem_allowed(ledger.market(), user, market_id, held.ctokens, prices_mantissa=prices_mantissa)
    except Rejected as rejected:
        raise ReturnedCode(
            ComptrollerError.REJECTION,
            ComptrollerFailureInfo.EXIT_MARKET_REJECTION,
            int(rejected.error),
            cause=rejected.error.name,
        ) from None
    if market_id in ledger.account(user).entered:
        ledger.leave(user, market_id)
