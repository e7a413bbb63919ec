"""Changing the rate of a debt: `LendingPool.swapBorrowRateMode` and `rebalanceStableBorrowRate`.

Mirrors `LendingPool`, contracts/protocol/lendingpool/LendingPool.sol (aave/protocol-v2@1.0.1). Neither asks for
health. [Removed in v3.2; v3.0 to 3.1 have them, without a model here]
"""

from __future__ import annotations

from protocol.aave_v2.action_validation import validate_rebalance_stable, validate_swap_rate_mode
from protocol.aave_v2.interest import variable_balance
from protocol.aave_v2.ledger import Ledger
from protocol.aave_v2.rates import with_new_rates
from protocol.aave_v2.stable_debt import stable_balance
from protocol.aave_v2.state import Acted, Market, RateMode, ReserveId, Revert, User
from protocol.aave_v2.validation import require_not_paused
from protocol.errors import EvmRevert
from protocol.fixed_point.safe_math import ray_div_half_up


def swap_rate_mode(
    market: Market, user: User, reserve_id: ReserveId, rate_mode: RateMode, *, timestamp: int
) -> Acted | Revert:
    """`user` turns all its debt of `rate_mode` in a reserve into the other mode at `timestamp` [s].

    Raises `UnknownReserve`.
    """
    ledger = Ledger(market)
    try:
        require_not_paused(market)
        _swap(ledger, user, reserve_id, rate_mode, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def rebalance_stable(
    market: Market, debtor: User, reserve_id: ReserveId, *, timestamp: int
) -> Acted | Revert:
    """Anyone puts the stable debt of `debtor` to the reserve's stable rate of today, at `timestamp` [s].

    Raises `UnknownReserve`.
    """
    ledger = Ledger(market)
    try:
        require_not_paused(market)
        _rebalance(ledger, debtor, reserve_id, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())


def _swap(ledger: Ledger, user: User, reserve_id: ReserveId, rate_mode: RateMode, timestamp: int) -> None:
    position = ledger.position(user, reserve_id)
    stable = stable_balance(position.stable_debt, timestamp)
    variable = variable_balance(ledger.reserve(reserve_id), position, timestamp)
    validate_swap_rate_mode(
        ledger.reserve(reserve_id), position, rate_mode, stable=stable, variable=variable, timestamp=timestamp
    )
    reserve = ledger.accrue(reserve_id, timestamp)
    index_ray = reserve.variable_borrow_index_ray
    if rate_mode is RateMode.STABLE:
        ledger.burn_stable(user, reserve_id, stable, timestamp)
        ledger.mint_vtoken(user, reserve_id, ray_div_half_up(stable, index_ray))
    else:
        ledger.burn_vtoken(user, reserve_id, ray_div_half_up(variable, index_ray))
        ledger.mint_stable(user, reserve_id, variable, reserve.stable_borrow_rate_ray, timestamp)
    ledger.put(with_new_rates(ledger.reserve(reserve_id)))


def _rebalance(ledger: Ledger, debtor: User, reserve_id: ReserveId, timestamp: int) -> None:
    debt = stable_balance(ledger.position(debtor, reserve_id).stable_debt, timestamp)
    validate_rebalance_stable(ledger.reserve(reserve_id), timestamp)
    rate_ray = ledger.accrue(reserve_id, timestamp).stable_borrow_rate_ray
    ledger.burn_stable(debtor, reserve_id, debt, timestamp)
    ledger.mint_stable(debtor, reserve_id, debt, rate_ray, timestamp)
    ledger.put(with_new_rates(ledger.reserve(reserve_id)))
