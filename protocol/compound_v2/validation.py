"""What the Comptroller allows, asked in its own order; and what a call makes of an error.

Mirrors the policy hooks of contracts/Comptroller.sol (compound-finance/compound-protocol@ae4388e). A hook raises
`Rejected` with the Comptroller's error, or reverts where it does. COMP, which the hooks distribute besides, is left
out: it changes no balance of any market. Of itself it reverts only at debts that cannot be told or that exceed
2**256 / 1e18, and at blocks from 2**32 on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from protocol.compound_v2.health import EMPTY_ACCOUNT, Change, account_sums, known_price, position_of
from protocol.compound_v2.interest import borrow_balance
from protocol.compound_v2.ledger import Ledger
from protocol.compound_v2.reporter import (
    ComptrollerError,
    FailureInfo,
    Refusal,
    Rejected,
    ReturnedCode,
    Worded,
)
from protocol.compound_v2.revisions import CTokenRules
from protocol.compound_v2.state import CToken, Failure, LiquidationCall, Market, MarketId, Revert, User
from protocol.errors import EvmRevert
from protocol.fixed_point.careful_math import add, told
from protocol.fixed_point.mantissa import mantissa_mul_down
from protocol.units import WAD

Prices = Mapping[MarketId, int]
Done = TypeVar("Done")


def mint_allowed(market: Market, market_id: MarketId) -> None:
    """`mintAllowed`."""
    config = market.ctokens[market_id].config
    if market.rules.has_guardian and config.mint_paused:
        raise EvmRevert("mint is paused")
    _require_listed(market, market_id)


def redeem_allowed(
    market: Market, user: User, market_id: MarketId, ctokens: int, *, prices_mantissa: Prices
) -> None:
    """`redeemAllowedInternal`: what is not collateral can go whatever the account owes."""
    _require_listed(market, market_id)
    if market_id in _entered(market, user):
        change = Change(market_id=market_id, redeem_ctokens=ctokens)
        _require_liquidity(market, user, change, prices_mantissa)


def borrow_allowed(
    ledger: Ledger, user: User, market_id: MarketId, amount: int, *, prices_mantissa: Prices
) -> None:
    """`borrowAllowed`: enters the market for the borrower, which stays even where the loan is then rejected."""
    market = ledger.market()
    rules, ctoken = market.rules, market.ctokens[market_id]
    if rules.has_guardian and ctoken.config.borrow_paused:
        raise EvmRevert("borrow is paused")
    _require_listed(market, market_id)
    if market_id not in _entered(market, user):
        if not rules.enters_on_borrow:
            raise Rejected(ComptrollerError.MARKET_NOT_ENTERED)
        enter(ledger, user, market_id)
    known_price(market_id, prices_mantissa)
    _require_below_cap(market, ctoken, amount)
    change = Change(market_id=market_id, borrow_underlying=amount)
    _require_liquidity(ledger.market(), user, change, prices_mantissa)


def repay_allowed(market: Market, market_id: MarketId) -> None:
    """`repayBorrowAllowed`."""
    _require_listed(market, market_id)


def liquidate_allowed(market: Market, call: LiquidationCall, *, prices_mantissa: Prices) -> None:
    """`liquidateBorrowAllowed`: the close factor bounds what is asked for, of this one debt."""
    _require_listed(market, call.debt_id)
    _require_listed(market, call.collateral_id)
    if market.rules.has_deprecation:
        owed = stored_debt(market, call.borrower, call.debt_id)
        if is_deprecated(market.ctokens[call.debt_id]):
            if call.repay_amount > owed:
                raise EvmRevert(
                    "Can not repay more than the total borrow", repay_amount=call.repay_amount, owed=owed
                )
            return
    sums = account_sums(market, call.borrower, prices_mantissa=prices_mantissa)
    if sums.shortfall_usd_mantissa == 0:
        raise Rejected(ComptrollerError.INSUFFICIENT_SHORTFALL)
    if call.repay_amount > max_close(market, stored_debt(market, call.borrower, call.debt_id)):
        raise Rejected(ComptrollerError.TOO_MUCH_REPAY)


def seize_allowed(market: Market, call: LiquidationCall) -> None:
    """`seizeAllowed`: nobody asks whether the borrower has entered what is seized."""
    if market.rules.has_guardian and market.seize_paused:
        raise EvmRevert("seize is paused")
    _require_listed(market, call.collateral_id)
    _require_listed(market, call.debt_id)


def is_deprecated(ctoken: CToken) -> bool:
    """`isDeprecated`: governance has given the market up, and every loan of it can be liquidated."""
    config = ctoken.config
    return (
        config.collateral_factor_mantissa == 0
        and config.borrow_paused
        and config.reserve_factor_mantissa == WAD
    )


def max_close(market: Market, owed: int) -> int:
    """The most that one call may repay of a debt. [debt asset units]"""
    with told(market.rules.fault):
        return mantissa_mul_down(market.close_factor_mantissa, owed)


def stored_debt(market: Market, user: User, market_id: MarketId) -> int:
    """`borrowBalanceStored`. [asset units]"""
    ctoken = market.ctokens[market_id]
    message = "borrowBalanceStored: borrowBalanceStoredInternal failed"
    with told(lambda fault: ctoken.rules.view_fault(fault, message)):
        return borrow_balance(ctoken, position_of(market, user, market_id))


def enter(ledger: Ledger, user: User, market_id: MarketId) -> None:
    """`addToMarketInternal`; raises `Rejected`."""
    market = ledger.market()
    _require_listed(market, market_id)
    already = _entered(market, user)
    if market_id in already:
        return
    if market.rules.limits_markets and len(already) >= market.max_assets:
        raise Rejected(ComptrollerError.TOO_MANY_ASSETS)
    ledger.enter(user, market_id)


def _require_listed(market: Market, market_id: MarketId) -> None:
    if not market.ctokens[market_id].config.listed:
        raise Rejected(ComptrollerError.MARKET_NOT_LISTED)


def _require_below_cap(market: Market, ctoken: CToken, amount: int) -> None:
    cap = ctoken.config.borrow_cap_underlying
    if not market.rules.has_borrow_caps or cap == 0:
        return
    with told(market.rules.cap_fault):
        next_borrows = add(ctoken.total_borrows_underlying, amount)
    if next_borrows >= cap:
        raise EvmRevert("market borrow cap reached", next_total_borrows=next_borrows, cap=cap)


def _require_liquidity(market: Market, user: User, change: Change, prices_mantissa: Prices) -> None:
    sums = account_sums(market, user, prices_mantissa=prices_mantissa, change=change)
    if sums.shortfall_usd_mantissa > 0:
        raise Rejected(ComptrollerError.INSUFFICIENT_LIQUIDITY)


def _entered(market: Market, user: User) -> tuple[MarketId, ...]:
    return market.accounts.get(user, EMPTY_ACCOUNT).entered


# --- what becomes of an error ---


@contextmanager
def refusing(rules: CTokenRules, refusal: Refusal) -> Generator[None, None, None]:
    """What the Comptroller rejects within, a cToken refuses in its release's way."""
    try:
        yield
    except Rejected as rejected:
        raise rules.refuse(refusal, int(rejected.error)) from None


@contextmanager
def failing_at(info: FailureInfo) -> Generator[None, None, None]:
    """A code that comes back from within is passed on as this step's failure, without its detail."""
    try:
        yield
    except ReturnedCode as code:
        raise ReturnedCode(code.error, info, cause=code.cause) from None


def outcome(ledger: Ledger, body: Callable[[], Done], *, payable: str = "") -> Done | Failure | Revert:
    """The result of a call as a value. `payable` names a function of CEther that makes a revert of every code."""
    try:
        return body()
    except ReturnedCode as code:
        if not payable:
            return Failure(
                market=ledger.market(), error=code.error, info=code.info, detail=code.detail, name=code.cause
            )
        revert: EvmRevert = Worded(code.cause, f"{payable} failed ({int(code.error):02d})")
    except EvmRevert as raised:
        revert = raised
    raw = revert.raw if isinstance(revert, Worded) else revert.name
    return Revert(name=revert.name, raw=raw, numbers=revert.numbers)
