"""What a drawn step comes to at the moment it is taken: who sends what, and which function mirrors it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from protocol.aave_v3 import (
    AccountData,
    Acted,
    Liquidated,
    LiquidationCall,
    Market,
    Revert,
    liquidation_call,
)
from protocol.aave_v3.borrow import borrow, repay
from protocol.aave_v3.deficit import eliminate_reserve_deficit
from protocol.aave_v3.emode import set_emode
from protocol.aave_v3.state import RateMode
from protocol.aave_v3.supply import set_collateral_use, supply, withdraw
from tests import steps as draws
from tests.fuzz.aave_v3_arena import SUPPLY, SUPPLY_BASE, Arena

LARGEST_SUPPLY = 10**50
LARGEST_PRICE = 2**255 - 1
WAD = 10**18


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contracts say before a step."""

    arena: Arena
    market: Market
    prices: Mapping[int, int]
    data: Mapping[str, AccountData | None]
    """None where the getter reverts."""
    now: int

    @property
    def pool(self) -> str:
        """Address of the pool."""
        return self.arena.deployment.pool

    def user(self, n: int) -> str:
        """Address of the n-th user."""
        return self.arena.users[n]

    def debtor(self, n: int, *, exactly: bool = False) -> str:
        """The n-th user if it owes anything or no other will do, else the first that does."""
        owing = [user for user in self.arena.users if self.owed(user)]
        user = self.user(n)
        return user if exactly or user in owing or not owing else owing[0]

    def asset(self, reserve_id: int) -> str:
        """Address of a reserve's token."""
        return self.market.reserves[reserve_id].asset

    def balance(self, user: str, reserve_id: int) -> int:
        """What `user` has supplied, with interest. [asset units]"""
        return self._of_user("atoken", user, reserve_id)

    def debt(self, user: str, reserve_id: int, mode: int) -> int:
        """What `user` owes in one mode, with interest. [asset units]"""
        if mode == draws.STABLE and not self.market.rules.has_stable_debt:
            return 0
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

    def lent(self, user: str) -> list[int]:
        """Reserves with something to lend, by the user's efficiency mode too, and rather not its own collateral."""
        lent = [i for i, one in self.market.reserves.items() if one.virtual_underlying_balance]
        category = self.market.emodes.get(self.market.accounts[user].emode)
        if category is not None:
            members = category.borrowable_bitmap or category.collateral_bitmap
            lent = [i for i in lent if members >> i & 1]
        own = set(self.collateral(user))
        return [i for i in lent if i not in own] or lent

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
    call: LiquidationCall | None = None


def move_of(scene: Scene, step: draws.Step) -> Move | None:
    """The call that a step is; None where it only sets something up."""
    if isinstance(step, draws.Cover) and scene.market.rules.deficit_cover is None:
        return None
    make = _MOVES.get(type(step))
    return make(scene, step) if make else None


def _supply(scene: Scene, step: draws.Supply) -> Move:
    user, other = scene.user(step.user), scene.user(step.on_behalf_of)
    amount = min(step.size.of(scene.in_tokens(SUPPLY_BASE, step.reserve)), LARGEST_SUPPLY)
    return Move(
        user,
        SUPPLY,
        (scene.asset(step.reserve), amount, other, 0),
        lambda: supply(scene.market, user, step.reserve, amount, on_behalf_of=other, timestamp=scene.now),
    )


def _withdraw(scene: Scene, step: draws.Withdraw) -> Move:
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.supplied(user))
    amount = step.size.of(scene.balance(user, reserve_id))
    at = {"prices_base": scene.prices, "timestamp": scene.now}
    return Move(
        user,
        "withdraw(address,uint256,address)",
        (scene.asset(reserve_id), amount, user),
        lambda: withdraw(scene.market, user, reserve_id, amount, **at),
    )


def _borrow(scene: Scene, step: draws.Borrow) -> Move:
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.lent(user))
    reserve, data = scene.market.reserves[reserve_id], scene.data[user]
    available = scene.in_tokens(data.available_borrows_base if data else 0, reserve_id)
    liquidity = reserve.virtual_underlying_balance
    amount = step.size.of(liquidity if step.of_liquidity else min(available, liquidity))
    mode = step.mode if scene.market.rules.has_stable_debt or not step.reserve.used else draws.VARIABLE
    at = {"prices_base": scene.prices, "timestamp": scene.now}
    return Move(
        user,
        "borrow(address,uint256,uint256,uint16,address)",
        (reserve.asset, amount, mode, 0, user),
        lambda: borrow(scene.market, user, reserve_id, amount, rate_mode=RateMode(mode), **at),
    )


def _repay(scene: Scene, step: draws.Repay) -> Move:
    payer, user = scene.user(step.payer), scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.owed(user))
    mode = step.mode
    if step.reserve.used and not scene.debt(user, reserve_id, mode):
        mode = draws.STABLE + draws.VARIABLE - mode
    amount = step.size.of(scene.debt(user, reserve_id, mode))
    return Move(
        payer,
        "repay(address,uint256,uint256,address)",
        (scene.asset(reserve_id), amount, mode, user),
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
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.supplied(user))
    at = {"prices_base": scene.prices, "timestamp": scene.now}
    return Move(
        user,
        "setUserUseReserveAsCollateral(address,bool)",
        (scene.asset(reserve_id), step.use),
        lambda: set_collateral_use(scene.market, user, reserve_id, use=step.use, **at),
    )


def _switch_emode(scene: Scene, step: draws.SwitchEMode) -> Move:
    user = scene.user(step.user)
    at = {"prices_base": scene.prices, "timestamp": scene.now}
    return Move(
        user,
        "setUserEMode(uint8)",
        (step.emode,),
        lambda: set_emode(scene.market, user, step.emode, **at),
    )


def _cover(scene: Scene, step: draws.Cover) -> Move:
    user, reserves = scene.user(step.user), scene.market.reserves
    reserve_id = scene.picked(step.reserve, [i for i, reserve in reserves.items() if reserve.deficit])
    amount = step.size.of(reserves[reserve_id].deficit)
    return Move(
        user,
        "eliminateReserveDeficit(address,uint256)",
        (scene.asset(reserve_id), amount),
        lambda: eliminate_reserve_deficit(scene.market, user, reserve_id, amount, timestamp=scene.now),
    )


def _liquidate(scene: Scene, step: draws.Liquidate) -> Move:
    liquidator, borrower = (
        scene.user(step.liquidator),
        scene.debtor(step.borrower, exactly=not step.debt.used),
    )
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
    return Move(
        liquidator,
        "liquidationCall(address,address,address,uint256,bool)",
        (scene.asset(collateral_id), scene.asset(debt_id), borrower, amount, step.receive_atoken),
        lambda: liquidation_call(scene.market, call, prices_base=scene.prices, timestamp=scene.now),
        call,
    )


_MOVES: Mapping[type, Callable[[Scene, Any], Move]] = {
    draws.Supply: _supply,
    draws.Withdraw: _withdraw,
    draws.Borrow: _borrow,
    draws.Repay: _repay,
    draws.SwitchCollateral: _switch_collateral,
    draws.SwitchEMode: _switch_emode,
    draws.Cover: _cover,
    draws.Liquidate: _liquidate,
}


def set_up(scene: Scene, step: draws.Step) -> int:
    """Do what the administrator, the oracle or time does, and return the time after it."""
    arena = scene.arena
    match step:
        case draws.Wait():
            arena.chain.set_time(scene.now + step.seconds)
            return scene.now + step.seconds
        case draws.SetPrice():
            arena.set_price(scene.asset(step.reserve), step.price_base)
        case draws.Steer():
            _steer(scene, step)
        case draws.Configure():
            arena.set_field(scene.asset(_any_used(scene, step.reserve)), step.field, step.value)
        case draws.SetMember():
            asset = scene.asset(_any_used(scene, step.reserve))
            arena.set_member(asset, step.emode, member=step.member)
            arena.read_listing()
        case draws.SetLtvZero():
            arena.set_ltv_zero(scene.asset(step.reserve), step.emode, zero=step.zero)
            arena.read_listing()
        case draws.SetGrace():
            arena.set_grace(scene.asset(step.reserve), step.seconds)
        case draws.SetSequencer():
            arena.set_sequencer(down=step.down, since=scene.now - step.for_seconds)
        case _:
            _set_up_by_users(scene, step)
    return scene.now


def _set_up_by_users(scene: Scene, step: draws.Step) -> None:
    """What users can do and the model does not: it is done, and read back."""
    arena = scene.arena
    match step:
        case draws.Transfer():
            user = scene.user(step.user)
            reserve_id = scene.picked(step.reserve, scene.supplied(user))
            atoken = arena.reader.listing.reserves[reserve_id].atoken
            amount = step.size.of(scene.balance(user, reserve_id))
            arena.send(user, atoken, "transfer(address,uint256)", scene.user(step.to), amount)
        case draws.SwapRateMode():
            user = scene.user(step.user)
            asset = scene.asset(scene.picked(step.reserve, scene.owed(user)))
            if scene.market.rules.has_stable_debt:
                arena.send(user, scene.pool, "swapBorrowRateMode(address,uint256)", asset, step.mode)
        case draws.MintUnbacked():
            amount = step.size.of(scene.in_tokens(SUPPLY_BASE, step.reserve))
            arena.mint_unbacked(scene.asset(step.reserve), amount)
        case draws.MintToTreasury():
            arena.send(scene.user(0), scene.pool, "mintToTreasury(address[])", arena.assets)
        case _:
            pass


def _any_used(scene: Scene, pick: draws.Pick) -> int:
    """One of the reserves that the first borrower has something to do with."""
    return scene.picked(pick, sorted(scene.market.accounts[scene.user(0)].positions))


def _steer(scene: Scene, step: draws.Steer) -> None:
    """Scale the prices of all that the account has on one side, so that its health factor comes out as wanted."""
    user = scene.debtor(step.user)
    data = scene.data[user]
    if data is None or not data.total_debt_base:
        return
    collateral, owed = set(scene.collateral(user)), set(scene.owed(user))
    scaled = (collateral - owed or collateral) if step.collateral else (owed - collateral or owed)
    wanted, found = step.permille * 10**15, data.health_factor_wad or 1
    for reserve_id in sorted(scaled):
        price = scene.prices[reserve_id]
        moved = price * wanted // found if step.collateral else price * found // wanted
        scene.arena.set_price(scene.asset(reserve_id), min(max(moved + step.offset, 0), LARGEST_PRICE))
