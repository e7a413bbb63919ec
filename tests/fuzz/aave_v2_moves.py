"""What a drawn step comes to at the moment it is taken: who sends what, and which function mirrors it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from forks.aave_v2.configuration import configuration_word
from protocol.aave_v2 import (
    AccountData,
    Acted,
    Liquidated,
    LiquidationCall,
    Market,
    RateMode,
    Revert,
    borrow,
    liquidation_call,
    rebalance_stable,
    repay,
    set_collateral_use,
    supply,
    swap_rate_mode,
    withdraw,
)
from tests import strategies_v2 as draws
from tests.fuzz.aave_v2_arena import DEPOSIT, SUPPLY_BASE, USERS, Arena

LARGEST_SUPPLY = 10**30
LARGEST_PRICE = 2**255 - 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contracts say before a step."""

    arena: Arena
    market: Market
    prices: Mapping[int, int]
    data: Mapping[str, AccountData | None]
    now: int

    @property
    def pool(self) -> str:
        """Address of the pool."""
        return self.arena.deployment.pool

    def balance(self, user: str, reserve_id: int) -> int:
        """What `user` has supplied, with interest. [asset units]"""
        return self._of_user("atoken", user, reserve_id)

    def debt(self, user: str, reserve_id: int, mode: int) -> int:
        """What `user` owes in one mode, with interest. [asset units]"""
        token = "stable_debt_token" if mode == draws.STABLE else "variable_debt_token"
        return self._of_user(token, user, reserve_id)

    def _of_user(self, token: str, user: str, reserve_id: int) -> int:
        listed = self.arena.reader.listing.reserves[reserve_id]
        return self.arena.word(getattr(listed, token), "balanceOf(address)", user)

    def in_tokens(self, value_base: int, reserve_id: int) -> int:
        """How much of a reserve a value in base currency is. [asset units]"""
        unit = 10 ** self.market.reserves[reserve_id].config.decimals
        return value_base * unit // max(self.prices[reserve_id], 1)

    def picked(self, pick: draws.Pick, used: list[int]) -> int:
        """The reserve that a pick comes to where `used` are those that would make sense."""
        return used[pick.n % len(used)] if pick.used and used else pick.n

    def supplied(self, user: str) -> list[int]:
        """Reserves in which `user` has aTokens."""
        return [i for i, held in self.market.accounts[user].positions.items() if held.scaled_atoken]

    def collateral(self, user: str) -> list[int]:
        """Reserves that `user` uses as collateral."""
        return [i for i, held in self.market.accounts[user].positions.items() if held.collateral_enabled]

    def owed(self, user: str) -> list[int]:
        """Reserves in which `user` has debt."""
        return [
            i
            for i, held in self.market.accounts[user].positions.items()
            if held.scaled_variable_debt or held.stable_debt.principal
        ]


@dataclass(frozen=True, slots=True)
class Move:
    """One call of the pool, said twice: to the contracts and to the model."""

    sender: str
    signature: str
    arguments: tuple[Any, ...]
    model: Callable[[], Acted | Liquidated | Revert]


def move_of(scene: Scene, step: draws.Step) -> Move | None:
    """The call that a step is; None where it only sets something up."""
    make = _MOVES.get(type(step))
    return make(scene, step) if make else None


def _supply(scene: Scene, step: draws.Supply) -> Move:
    user, other = USERS[step.user], USERS[step.on_behalf_of]
    amount = min(step.size.of(scene.in_tokens(SUPPLY_BASE, step.reserve)), LARGEST_SUPPLY)
    asset = scene.market.reserves[step.reserve].asset
    return Move(
        user,
        DEPOSIT,
        (asset, amount, other, 0),
        lambda: supply(scene.market, user, step.reserve, amount, on_behalf_of=other, timestamp=scene.now),
    )


def _withdraw(scene: Scene, step: draws.Withdraw) -> Move:
    user = USERS[step.user]
    reserve_id = scene.picked(step.reserve, scene.supplied(user))
    amount = step.size.of(scene.balance(user, reserve_id))
    return Move(
        user,
        "withdraw(address,uint256,address)",
        (scene.market.reserves[reserve_id].asset, amount, user),
        lambda: withdraw(
            scene.market, user, reserve_id, amount, prices_base=scene.prices, timestamp=scene.now
        ),
    )


def _borrow(scene: Scene, step: draws.Borrow) -> Move:
    user, reserve = USERS[step.user], scene.market.reserves[step.reserve]
    data = scene.data[user]
    available = scene.in_tokens(data.available_borrows_base if data else 0, step.reserve)
    liquidity = reserve.virtual_underlying_balance
    if step.mode == draws.STABLE:
        liquidity //= 4
    amount = step.size.of(liquidity if step.of_liquidity else min(available, liquidity))
    return Move(
        user,
        "borrow(address,uint256,uint256,uint16,address)",
        (reserve.asset, amount, step.mode, 0, user),
        lambda: borrow(
            scene.market,
            user,
            step.reserve,
            amount,
            rate_mode=RateMode(step.mode),
            prices_base=scene.prices,
            timestamp=scene.now,
        ),
    )


def _repay(scene: Scene, step: draws.Repay) -> Move:
    payer, user = USERS[step.payer], USERS[step.user]
    reserve_id = scene.picked(step.reserve, scene.owed(user))
    mode = step.mode
    if step.reserve.used and not scene.debt(user, reserve_id, mode):
        mode = draws.STABLE + draws.VARIABLE - mode
    amount = step.size.of(scene.debt(user, reserve_id, mode))
    return Move(
        payer,
        "repay(address,uint256,uint256,address)",
        (scene.market.reserves[reserve_id].asset, amount, mode, user),
        lambda: repay(
            scene.market,
            payer,
            reserve_id,
            amount,
            rate_mode=RateMode(mode),
            on_behalf_of=user,
            timestamp=scene.now,
        ),
    )


def _switch_collateral(scene: Scene, step: draws.SwitchCollateral) -> Move:
    user = USERS[step.user]
    reserve_id = scene.picked(step.reserve, scene.supplied(user))
    return Move(
        user,
        "setUserUseReserveAsCollateral(address,bool)",
        (scene.market.reserves[reserve_id].asset, step.use),
        lambda: set_collateral_use(
            scene.market, user, reserve_id, use=step.use, prices_base=scene.prices, timestamp=scene.now
        ),
    )


def _liquidate(scene: Scene, step: draws.Liquidate) -> Move:
    liquidator, borrower = USERS[step.liquidator], USERS[step.borrower]
    collateral_id = scene.picked(step.collateral, scene.collateral(borrower))
    debt_id = scene.picked(step.debt, scene.owed(borrower))
    owed = sum(scene.debt(borrower, debt_id, mode) for mode in (draws.STABLE, draws.VARIABLE))
    amount = step.size.of(owed)
    call = LiquidationCall(
        collateral_id=collateral_id,
        debt_id=debt_id,
        borrower=borrower,
        liquidator=liquidator,
        debt_to_cover=amount,
        receive_atoken=step.receive_atoken,
    )
    assets = [scene.market.reserves[i].asset for i in (collateral_id, debt_id)]
    return Move(
        liquidator,
        "liquidationCall(address,address,address,uint256,bool)",
        (*assets, borrower, amount, step.receive_atoken),
        lambda: liquidation_call(scene.market, call, prices_base=scene.prices, timestamp=scene.now),
    )


def _swap_rate_mode(scene: Scene, step: draws.SwapRateMode) -> Move:
    user = USERS[step.user]
    reserve_id = scene.picked(step.reserve, scene.owed(user))
    return Move(
        user,
        "swapBorrowRateMode(address,uint256)",
        (scene.market.reserves[reserve_id].asset, step.mode),
        lambda: swap_rate_mode(scene.market, user, reserve_id, RateMode(step.mode), timestamp=scene.now),
    )


def _rebalance_stable(scene: Scene, step: draws.RebalanceStable) -> Move:
    user = USERS[step.user]
    reserve_id = scene.picked(step.reserve, scene.owed(user))
    return Move(
        user,
        "rebalanceStableBorrowRate(address,address)",
        (scene.market.reserves[reserve_id].asset, user),
        lambda: rebalance_stable(scene.market, user, reserve_id, timestamp=scene.now),
    )


_MOVES: Mapping[type, Callable[[Scene, Any], Move]] = {
    draws.Supply: _supply,
    draws.Withdraw: _withdraw,
    draws.Borrow: _borrow,
    draws.Repay: _repay,
    draws.SwitchCollateral: _switch_collateral,
    draws.Liquidate: _liquidate,
    draws.SwapRateMode: _swap_rate_mode,
    draws.RebalanceStable: _rebalance_stable,
}


def set_up(scene: Scene, step: draws.Step) -> int:
    """Do what the administrator, the oracle or time does, and return the time after it."""
    arena, market = scene.arena, scene.market
    match step:
        case draws.Wait():
            arena.chain.set_time(scene.now + step.seconds)
            return scene.now + step.seconds
        case draws.SetPrice():
            arena.set_price(market.reserves[step.reserve].asset, step.price_base)
        case draws.Steer():
            _steer(scene, step)
        case draws.Configure():
            reserve = market.reserves[step.reserve]
            config = replace(
                reserve.config, **{step.field: type(getattr(reserve.config, step.field))(step.value)}
            )
            arena.set_configuration(reserve.asset, configuration_word(config))
        case draws.SetPause():
            arena.set_pause(paused=step.paused)
        case draws.SetMarketRate():
            arena.set_market_rate(market.reserves[step.reserve].asset, step.rate_ray)
    return scene.now


def _steer(scene: Scene, step: draws.Steer) -> None:
    """Scale the prices of what the account has only supplied, or only owes, but not WETH's."""
    user = USERS[step.user]
    data = scene.data[user]
    if data is None or not data.total_debt_base:
        return
    wanted, found = step.permille * 10**15, max(data.health_factor_wad, 1)
    supplied, owed = scene.collateral(user), scene.owed(user)
    threshold = {i: scene.market.reserves[i].config.liquidation_threshold_bps for i in supplied}
    sides = [
        (supplied, owed, threshold, wanted, found),
        (owed, supplied, dict.fromkeys(owed, 1), found, wanted),
    ]
    for used, others, weights, over, under in sides if step.collateral else reversed(sides):
        values = {i: _value(scene, user, i) * weights[i] for i in used}
        movable = [i for i in used if i not in others and i and values[i]]
        own = sum(values[i] for i in movable)
        # What stays is in the sum too: these must make up for it.
        moved = own * under + sum(values.values()) * (over - under)
        if own and moved > 0:
            for i in movable:
                price = scene.prices[i] * moved // (own * under)
                scene.arena.set_price(scene.market.reserves[i].asset, min(price, LARGEST_PRICE))
            return


def _value(scene: Scene, user: str, reserve_id: int) -> int:
    """What the account has and owes in one reserve, roughly."""
    debts = (scene.debt(user, reserve_id, mode) for mode in (draws.STABLE, draws.VARIABLE))
    amount = scene.balance(user, reserve_id) + sum(debts)
    return amount * scene.prices[reserve_id] // 10 ** scene.market.reserves[reserve_id].config.decimals
