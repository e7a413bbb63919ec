"""What owner, oracle and time do between the calls that are compared, and what is written past all rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from protocol.compound_v2 import Account, Market, MarketId, Position
from protocol.units import MAX_UINT256, WAD
from tests import steps_compound_v2 as draws
from tests.fuzz.arena import START
from tests.fuzz.compound_v2_arena import CTOKEN_SLOTS, PAID, paying
from tests.fuzz.compound_v2_scene import Scene

LAST_BLOCK = 2**32 - 1
"""COMP, which the model leaves out, counts blocks no further."""
LEAVE_MARKET = (draws.Wait, draws.SetPrice, draws.Steer)
"""Steps that touch nothing that is stored of a market."""


def act(scene: Scene, step: draws.Act) -> int:
    """Do what a step sets up, and return the block after it."""
    pool = scene.pool
    match step:
        case draws.Wait():
            block = min(scene.block + step.blocks, LAST_BLOCK)
            pool.chain.set_block(block, START)
            return block
        case draws.SetPrice():
            pool.set_price(step.market, step.price_mantissa)
        case draws.Steer():
            _steer(scene, step)
        case draws.Pause():
            _pause(scene, step.market, step.action, on=step.on)
        case draws.Deprecate():
            _deprecate(scene, step)
        case draws.Configure():
            pool.configure(step.market, step.field, _value(scene, step))
        case draws.ConfigurePool():
            pool.configure_pool(step.field, step.value)
        case draws.Reserves():
            _move_reserves(scene, step)
        case _:
            _write(scene, step)
    return scene.block


def set_up_in(scene: Scene, step: draws.Act) -> Market | None:
    """What a step leaves of the markets; None where it is for the contracts to say."""
    market = scene.market
    match step:
        case draws.Donate():
            return _with_ctoken(market, step.market, cash_underlying=_donated(scene, step))
        case draws.Store():
            stored = {f"{name}_underlying": getattr(step, name) for name in _AMOUNTS}
            supply, index = step.total_supply, step.borrow_index
            return _with_ctoken(
                market, step.market, **stored, total_supply_ctokens=supply, borrow_index_mantissa=index
            )
        case draws.StorePosition():
            return _with_position(market, scene.user(step.user), step)
        case draws.Wait() | draws.SetPrice() | draws.Steer():
            return market
        case _:
            return None


_AMOUNTS = ("cash", "total_borrows", "total_reserves")


def _steer(scene: Scene, step: draws.Steer) -> None:
    user = scene.debtor(step.user)
    prices = scene.steered(user, step.permille, to_incentive=step.to_incentive, collateral=step.collateral)
    for market_id, price in prices.items():
        scene.pool.set_price(market_id, min(max(price + step.offset, 0), MAX_UINT256))


def _pause(scene: Scene, market_id: MarketId, action: str, *, on: bool) -> None:
    pool = scene.pool
    match action:
        case "mint":
            pool.ask_owner(pool.comptroller, "_setMintPaused(address,bool)", pool.ctokens[market_id], on)
        case "borrow":
            pool.ask_owner(pool.comptroller, "_setBorrowPaused(address,bool)", pool.ctokens[market_id], on)
        case _:
            pool.ask_owner(pool.comptroller, "_setSeizePaused(bool)", on)


def _deprecate(scene: Scene, step: draws.Deprecate) -> None:
    market_id = scene.picked(step.market, scene.owed(scene.debtor(step.user)))
    scene.pool.configure(market_id, "collateral factor", 0)
    if step.n_of_three > 1:
        scene.pool.configure(market_id, "reserve factor", WAD)
    if step.n_of_three != 2:
        _pause(scene, market_id, "borrow", on=True)


def _value(scene: Scene, step: draws.Configure) -> int:
    """What a setting takes: a cap is a share of all loans."""
    if step.field != "borrow cap":
        return step.value
    return scene.viewed.ctokens[step.market].total_borrows_underlying * step.value // 1000


def _move_reserves(scene: Scene, step: draws.Reserves) -> None:
    pool, id_ = scene.pool, step.market
    ctoken = scene.viewed.ctokens[id_]
    if not step.add:
        amount = min(step.size.of(ctoken.total_reserves_underlying), MAX_UINT256)
        pool.ask_owner(pool.ctokens[id_], "_reduceReserves(uint256)", amount)
        return
    data, value = paying(id_, "_addReserves", (), (), min(step.size.of(scene.stake(id_)), PAID))
    user = scene.user(draws.LIQUIDATOR)
    pool.chain.send({"from": user, "to": pool.ctokens[id_], "data": data, "value": value})


def _write(scene: Scene, step: Any) -> None:
    pool = scene.pool
    match step:
        case draws.Donate():
            pool.write_balance(step.market, pool.ctokens[step.market], _donated(scene, step))
        case draws.Store():
            ctoken = pool.ctokens[step.market]
            for name, slot in CTOKEN_SLOTS.items():
                pool.chain.set_storage(ctoken, slot, getattr(step, name))
            pool.write_balance(step.market, ctoken, step.cash)
        case draws.StorePosition():
            pool.write_position(
                scene.user(step.user),
                step.market,
                ctokens=step.ctokens,
                principal=step.principal,
                index=step.index,
            )
        case _:
            raise AssertionError(step)


def _donated(scene: Scene, step: draws.Donate) -> int:
    """What a cToken holds once it was given something."""
    given = min(step.size.of(scene.stake(step.market)), PAID)
    return scene.market.ctokens[step.market].cash_underlying + given


def _with_ctoken(market: Market, market_id: MarketId, **changes: int) -> Market:
    changed = replace(market.ctokens[market_id], **changes)
    return replace(market, ctokens={**market.ctokens, market_id: changed})


def _with_position(market: Market, user: str, step: draws.StorePosition) -> Market:
    position = Position(
        ctokens=step.ctokens,
        borrow_principal_underlying=step.principal,
        borrow_interest_index_mantissa=step.index,
    )
    account = market.accounts.get(user, Account())
    positions = {**account.positions, step.market: position}
    held = {id_: one for id_, one in sorted(positions.items()) if one != Position()}
    return replace(market, accounts={**market.accounts, user: replace(account, positions=held)})
