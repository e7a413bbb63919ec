"""What a drawn step comes to at the moment it is taken: who sends what, and which function mirrors it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests import steps as draws
from tests.fuzz.scene import Scene

LARGEST_SUPPLY = 10**30


@dataclass(frozen=True, slots=True)
class Move:
    """One call of the pool, said twice: to the contracts and to the model."""

    sender: str
    signature: str
    arguments: tuple[Any, ...]
    model: Callable[[], Any]
    """What the model says: Acted, Liquidated or Revert."""
    call: Any = None
    """The LiquidationCall, if it is one."""


def move_of(scene: Scene, step: draws.Step) -> Move | None:
    """The call that a step is; None where it only sets something up, or is unknown to these rules."""
    make = _MOVES.get(type(step))
    if make is None or not hasattr(scene.arena.rules, _MIRROR[make]):
        return None
    if isinstance(step, (draws.Cover, draws.LeaveForDeficit)) and scene.market.rules.deficit_cover is None:
        return None
    return make(scene, step)


def _supply(scene: Scene, step: draws.Supply) -> Move:
    user, other = scene.user(step.user), scene.user(step.on_behalf_of)
    whole = scene.in_tokens(scene.arena.supply_base, step.reserve)
    amount = min(step.size.of(whole), LARGEST_SUPPLY)
    return Move(
        user,
        scene.arena.supply_signature,
        (scene.asset(step.reserve), amount, other, 0),
        lambda: scene.arena.rules.supply(
            scene.market, user, step.reserve, amount, on_behalf_of=other, timestamp=scene.now
        ),
    )


def _withdraw(scene: Scene, step: draws.Withdraw) -> Move:
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.supplied(user))
    return _withdrawal(scene, user, reserve_id, step.size.of(scene.balance(user, reserve_id)))


def _leave_for_deficit(scene: Scene, step: draws.LeaveForDeficit) -> Move:
    user, reserve_id = scene.user(step.user), _in_deficit(scene, step.reserve)
    left = scene.market.reserves[reserve_id].deficit * step.permille // 1000
    return _withdrawal(scene, user, reserve_id, max(scene.balance(user, reserve_id) - left, 0))


def _withdrawal(scene: Scene, user: str, reserve_id: int, amount: int) -> Move:
    return Move(
        user,
        "withdraw(address,uint256,address)",
        (scene.asset(reserve_id), amount, user),
        lambda: scene.arena.rules.withdraw(scene.market, user, reserve_id, amount, **scene.at),
    )


def _borrow(scene: Scene, step: draws.Borrow) -> Move:
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.lent(user))
    mode = step.mode if scene.arena.has_stable_debt or not step.reserve.used else draws.VARIABLE
    data = scene.data[user]
    available = scene.in_tokens(data.available_borrows_base if data else 0, reserve_id)
    liquidity = scene.market.reserves[reserve_id].virtual_underlying_balance
    at_once = liquidity // 4 if mode == draws.STABLE else liquidity  # the most that one loan may take
    amount = step.size.of(at_once if step.of_liquidity else min(available, liquidity))
    return _loan(scene, user, reserve_id, amount, mode)


def _drain(scene: Scene, step: draws.Drain) -> Move:
    collateral = scene.collateral(scene.debtor(step.debtor))
    reserve_id = scene.picked(step.collateral, collateral)
    liquidity = scene.market.reserves[reserve_id].virtual_underlying_balance
    return _loan(scene, scene.user(step.user), reserve_id, step.size.of(liquidity), draws.VARIABLE)


def _loan(scene: Scene, user: str, reserve_id: int, amount: int, mode: int) -> Move:
    rules = scene.arena.rules
    return Move(
        user,
        "borrow(address,uint256,uint256,uint16,address)",
        (scene.asset(reserve_id), amount, mode, 0, user),
        lambda: rules.borrow(
            scene.market, user, reserve_id, amount, rate_mode=rules.RateMode(mode), **scene.at
        ),
    )


def _repay(scene: Scene, step: draws.Repay) -> Move:
    payer, user, rules = scene.user(step.payer), scene.user(step.user), scene.arena.rules
    reserve_id = scene.picked(step.reserve, scene.owed(user))
    mode = step.mode
    if step.reserve.used and not scene.debt(user, reserve_id, mode):
        mode = draws.STABLE + draws.VARIABLE - mode
    amount = step.size.of(scene.debt(user, reserve_id, mode))
    return Move(
        payer,
        "repay(address,uint256,uint256,address)",
        (scene.asset(reserve_id), amount, mode, user),
        lambda: rules.repay(
            scene.market,
            payer,
            reserve_id,
            amount,
            rate_mode=rules.RateMode(mode),
            on_behalf_of=user,
            timestamp=scene.now,
        ),
    )


def _switch_collateral(scene: Scene, step: draws.SwitchCollateral) -> Move:
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.supplied(user))
    return Move(
        user,
        "setUserUseReserveAsCollateral(address,bool)",
        (scene.asset(reserve_id), step.use),
        lambda: scene.arena.rules.set_collateral_use(
            scene.market, user, reserve_id, use=step.use, **scene.at
        ),
    )


def _switch_emode(scene: Scene, step: draws.SwitchEMode) -> Move:
    user = scene.user(step.user)
    return Move(
        user,
        "setUserEMode(uint8)",
        (step.emode,),
        lambda: scene.arena.rules.set_emode(scene.market, user, step.emode, **scene.at),
    )


def _cover(scene: Scene, step: draws.Cover) -> Move:
    user, reserve_id = scene.user(step.user), _in_deficit(scene, step.reserve)
    amount = step.size.of(scene.market.reserves[reserve_id].deficit)
    return Move(
        user,
        "eliminateReserveDeficit(address,uint256)",
        (scene.asset(reserve_id), amount),
        lambda: scene.arena.rules.eliminate_reserve_deficit(
            scene.market, user, reserve_id, amount, timestamp=scene.now
        ),
    )


def _in_deficit(scene: Scene, pick: draws.Pick) -> int:
    reserves = scene.market.reserves
    return scene.picked(pick, [i for i, reserve in reserves.items() if reserve.deficit])


def _liquidate(scene: Scene, step: draws.Liquidate) -> Move:
    liquidator = scene.user(step.liquidator)
    borrower = scene.debtor(step.borrower, exactly=not step.debt.used)
    collateral_id = scene.picked(step.collateral, scene.collateral(borrower))
    debt_id = scene.picked(step.debt, scene.owed(borrower))
    call = scene.arena.rules.LiquidationCall(
        collateral_id=collateral_id,
        debt_id=debt_id,
        borrower=borrower,
        liquidator=liquidator,
        debt_to_cover=step.size.of(scene.whole_debt(borrower, debt_id)),
        receive_atoken=step.receive_atoken,
    )
    assets = scene.asset(collateral_id), scene.asset(debt_id)
    return Move(
        liquidator,
        "liquidationCall(address,address,address,uint256,bool)",
        (*assets, borrower, call.debt_to_cover, call.receive_atoken),
        lambda: scene.arena.rules.liquidation_call(scene.market, call, **scene.at),
        call,
    )


def _swap_rate_mode(scene: Scene, step: draws.SwapRateMode) -> Move:
    user, rules = scene.user(step.user), scene.arena.rules
    reserve_id = scene.picked(step.reserve, scene.owed(user))
    return Move(
        user,
        "swapBorrowRateMode(address,uint256)",
        (scene.asset(reserve_id), step.mode),
        lambda: rules.swap_rate_mode(
            scene.market, user, reserve_id, rules.RateMode(step.mode), timestamp=scene.now
        ),
    )


def _rebalance_stable(scene: Scene, step: draws.RebalanceStable) -> Move:
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.owed(user))
    return Move(
        user,
        "rebalanceStableBorrowRate(address,address)",
        (scene.asset(reserve_id), user),
        lambda: scene.arena.rules.rebalance_stable(scene.market, user, reserve_id, timestamp=scene.now),
    )


_MOVES: Mapping[type, Callable[[Scene, Any], Move]] = {
    draws.Supply: _supply,
    draws.Withdraw: _withdraw,
    draws.Borrow: _borrow,
    draws.Repay: _repay,
    draws.SwitchCollateral: _switch_collateral,
    draws.SwitchEMode: _switch_emode,
    draws.Cover: _cover,
    draws.Drain: _drain,
    draws.LeaveForDeficit: _leave_for_deficit,
    draws.Liquidate: _liquidate,
    draws.SwapRateMode: _swap_rate_mode,
    draws.RebalanceStable: _rebalance_stable,
}
_MIRROR: Mapping[Callable[[Scene, Any], Move], str] = {
    _supply: "supply",
    _withdraw: "withdraw",
    _borrow: "borrow",
    _repay: "repay",
    _switch_collateral: "set_collateral_use",
    _switch_emode: "set_emode",
    _drain: "borrow",
    _leave_for_deficit: "withdraw",
    _cover: "eliminate_reserve_deficit",
    _liquidate: "liquidation_call",
    _swap_rate_mode: "swap_rate_mode",
    _rebalance_stable: "rebalance_stable",
}
"""The function of the model that each needs."""
