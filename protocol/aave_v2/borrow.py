"""Borrowing and repaying: `LendingPool.borrow` and `LendingPool.repay`.

Mirrors `LendingPool`, contracts/protocol/lendingpool/LendingPool.sol (aave/protocol-v2@1.0.1). Taken for granted:
who borrows borrows for itself; who repays has the asset and has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v2.action_validation import validate_borrow, validate_repay
from protocol.aave_v2.health import price_at
from protocol.aave_v2.interest import variable_balance
from protocol.aave_v2.ledger import Ledger
from protocol.aave_v2.rates import with_new_rates
from protocol.aave_v2.stable_debt import stable_balance
from protocol.aave_v2.state import Acted, Market, RateMode, ReserveId, Revert, User
from protocol.aave_v2.validation import require_not_paused
from protocol.errors import EvmRevert
from protocol.fixed_point.safe_math import add, mul_div_down, ray_div_half_up


def borrow(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    rate_mode: RateMode = RateMode.VARIABLE,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Acted | Revert:
    """`user` takes a loan of `amount` [asset units] at `timestamp` [s] and observed prices.

    Raises `MissingPrice`, `NegativePrice`, `UnknownReserve`.
    """
    ledger = Ledger(market)
    try:
        require_not_paused(market)
        _borrow(ledger, user, reserve_id, amount, rate_mode, prices_base, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount)


def repay(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    rate_mode: RateMode = RateMode.VARIABLE,
    on_behalf_of: User | None = None,
    timestamp: int,
) -> Acted | Revert:
    """`user` pays back up to `amount` [asset units] of its own debt or another's at `timestamp` [s].

    2**256 - 1 is all, of its own debt only. What was really paid is in the result. Raises `UnknownReserve`.
    """
    ledger, debtor = Ledger(market), user if on_behalf_of is None else on_behalf_of
    try:
        require_not_paused(market)
        paid = _repay(ledger, debtor, reserve_id, amount, rate_mode, timestamp, repays_own=debtor == user)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=paid)


def _borrow(
    ledger: Ledger,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    rate_mode: RateMode,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> None:
    unit = 10 ** ledger.reserve(reserve_id).config.decimals
    loan_base = mul_div_down(price_at(reserve_id, prices_base), amount, unit)
    validate_borrow(
        ledger.market(),
        user,
        reserve_id,
        amount,
        loan_base,
        rate_mode,
        prices_base=prices_base,
        timestamp=timestamp,
    )
    reserve = ledger.accrue(reserve_id, timestamp)
    if rate_mode is RateMode.STABLE:
        ledger.mint_stable(user, reserve_id, amount, reserve.stable_borrow_rate_ray, timestamp)
    else:
        scaled = ray_div_half_up(amount, reserve.variable_borrow_index_ray)
        ledger.mint_vtoken(user, reserve_id, scaled)
    ledger.set_borrowing(user, reserve_id, borrowing=True)
    ledger.put(with_new_rates(ledger.reserve(reserve_id), taken=amount))
    ledger.transfer_underlying(reserve_id, taken=amount)


def _repay(
    ledger: Ledger,
    debtor: User,
    reserve_id: ReserveId,
    amount: int,
    rate_mode: RateMode,
    timestamp: int,
    *,
    repays_own: bool,
) -> int:
    position = ledger.position(debtor, reserve_id)
    stable = stable_balance(position.stable_debt, timestamp)
    variable = variable_balance(ledger.reserve(reserve_id), position, timestamp)
    debt = stable if rate_mode is RateMode.STABLE else variable
    validate_repay(ledger.reserve(reserve_id), amount, debt, repays_own=repays_own)
    paid = min(amount, debt)
    reserve = ledger.accrue(reserve_id, timestamp)
    if rate_mode is RateMode.STABLE:
        ledger.burn_stable(debtor, reserve_id, paid, timestamp)
    else:
        scaled = ray_div_half_up(paid, reserve.variable_borrow_index_ray)
        ledger.burn_vtoken(debtor, reserve_id, scaled)
    ledger.put(with_new_rates(ledger.reserve(reserve_id), added=paid))
    if paid == add(stable, variable):
        ledger.set_borrowing(debtor, reserve_id, borrowing=False)
    ledger.transfer_underlying(reserve_id, added=paid)
    return paid
