"""Paying off a deficit with aTokens, by the one who may: Umbrella, which holds other people's first loss.

Mirrors `Pool.eliminateReserveDeficit` and `executeEliminateDeficit`,
src/contracts/protocol/libraries/logic/LiquidationLogic.sol@v3.6.0 and its forms from v3.3 on. How Umbrella
comes by the aTokens is not modelled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.interest import accrue
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_new_rates
from protocol.aave_v3.state import Acted, Market, ReserveId, Revert, User
from protocol.aave_v3.variants import Cover, Covered
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import EMPTY_REVERT, sub, to_uint


def eliminate_reserve_deficit(
    market: Market, caller: User, reserve_id: ReserveId, amount: int, *, timestamp: int
) -> Acted | Revert:
    """`caller` burns aTokens for up to `amount` [asset units] of a deficit at `timestamp` [s]; what it covered.

    No liquidity moves: the suppliers' claims shrink to what there is. Before v3.3 the pool has no such call,
    which is an `EmptyRevert`. Raises `UnknownReserve`.
    """
    try:
        return _execute(market, caller, reserve_id, amount, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def _execute(market: Market, caller: User, reserve_id: ReserveId, amount: int, timestamp: int) -> Acted:
    ledger = Ledger(market)
    reserve, cover_rule = ledger.reserve(reserve_id), market.rules.deficit_cover
    if cover_rule is None:
        raise EvmRevert(EMPTY_REVERT)
    if caller != market.umbrella:
        raise EvmRevert("CallerNotUmbrella")
    if amount == 0:
        raise EvmRevert("InvalidAmount")
    if reserve.deficit == 0:
        raise EvmRevert("ReserveNotInDeficit", reserve_id=reserve_id)
    if any(position.borrowing for _, position in ledger.positions(caller)):
        raise EvmRevert("UserCannotHaveDebt")
    ledger.put(accrue(reserve, market.rules, timestamp))
    if not reserve.config.active:
        raise EvmRevert("ReserveInactive", reserve_id=reserve_id)
    covered = min(amount, reserve.deficit)
    if not is_gho(reserve.config, market.rules):  # GHO is paid in itself and destroyed. [Modified in v3.4]
        _burn_atokens(ledger, caller, reserve_id, covered, cover_rule)
    reserve = ledger.reserve(reserve_id)
    less = replace(reserve, deficit=sub(reserve.deficit, to_uint(covered, 128)))
    ledger.put(with_new_rates(less, market.rules))
    return Acted(market=ledger.market(), amount=covered)


def _burn_atokens(
    ledger: Ledger, caller: User, reserve_id: ReserveId, covered: int, rule: Callable[[Cover], Covered]
) -> None:
    reserve, position, rules = ledger.reserve(reserve_id), ledger.position(caller, reserve_id), ledger.rules
    index_ray = reserve.liquidity_index_ray
    cover = Cover(
        amount=covered,
        balance=rules.atoken_balance(position.scaled_atoken, index_ray),
        scaled=rules.atoken_take_scaled(covered, index_ray),
        scaled_balance=position.scaled_atoken,
    )
    found = rule(cover)
    if not found.enough:
        raise EvmRevert("NotEnoughAvailableUserBalance", wanted=covered, balance=cover.balance)
    if position.collateral_enabled and found.whole:
        ledger.set_collateral_enabled(caller, reserve_id, enabled=False)
    ledger.burn_atoken(caller, reserve_id, cover.scaled)
