"""What owner, oracle and time do between the calls that are compared, and what is written past all rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from forks.venus_isolated.parameters import UNLIMITED
from protocol.units import MAX_UINT256, WAD
from protocol.venus_isolated import Account, Action, Market, MarketId, Position
from tests import steps_venus_isolated as draws
from tests.fuzz.arena import START
from tests.fuzz.venus_isolated_arena import (
    BALANCES_SLOT,
    POOL_RESERVES_SLOT,
    VTOKEN_SLOTS,
    VTOKENS_SLOT,
    WALLET,
)
from tests.fuzz.venus_isolated_scene import Scene

LEAVE_MARKET = (draws.Wait, draws.SetPrice, draws.Steer)
"""Steps that touch nothing that is stored of a pool."""


def act(scene: Scene, step: draws.Act) -> int:
    """Do what a step sets up, and return the block after it."""
    arena = scene.arena
    match step:
        case draws.Wait():
            block = scene.block + step.blocks
            arena.chain.set_block(block, START)
            return block
        case draws.SetPrice():
            arena.set_price(step.market, step.price_mantissa)
        case draws.Steer():
            _steer(scene, step)
        case draws.SetMinimum():
            _set_minimum(scene, step)
        case draws.Pause():
            _pause(scene, step.market, step.action, on=step.on)
        case draws.Deprecate():
            _deprecate(scene, step)
        case draws.Configure():
            arena.configure(step.market, step.field, *_values(scene, step))
        case draws.ConfigurePool():
            arena.configure_pool(step.field, step.value)
        case draws.PauseAuctions():
            arena.ask_owner(arena.shortfall, "pauseAuctions()" if step.on else "resumeAuctions()")
        case _:
            _write(scene, step)
    return scene.block


def set_up_in(scene: Scene, step: draws.Act) -> Market | None:
    """What a step leaves of the pool; None where it is for the contracts to say."""
    market = scene.market
    match step:
        case draws.Store():
            moved = {f"{name}_underlying": getattr(step, name) for name in ("cash", *_AMOUNTS)}
            supply, index = step.total_supply, step.borrow_index
            return _with_vtoken(
                market, step.market, **moved, total_supply_vtokens=supply, borrow_index_mantissa=index
            )
        case draws.StoreBadDebt():
            bad_debt = step.size.of(scene.stake(step.market))
            return _with_vtoken(market, step.market, bad_debt_underlying=bad_debt)
        case draws.StorePosition():
            return _with_position(market, scene.user(step.user), step)
        case draws.FundRisk():
            fund = _fund(scene, step)
            return replace(market, shortfall=replace(market.shortfall, risk_fund_base_asset=fund))
        case draws.Wait() | draws.SetPrice() | draws.Steer():
            return market
        case _:
            return None


_AMOUNTS = ("total_borrows", "total_reserves", "bad_debt")


def _steer(scene: Scene, step: draws.Steer) -> None:
    user = scene.debtor(step.user)
    prices = scene.steered(user, step.permille, to_incentive=step.to_incentive, collateral=step.collateral)
    for market_id, price in prices.items():
        scene.arena.set_price(market_id, min(max(price + step.offset, 0), MAX_UINT256))


def _set_minimum(scene: Scene, step: draws.SetMinimum) -> None:
    data = scene.data(scene.debtor(step.user))
    if data is not None:
        minimum = data.total_collateral_usd_mantissa * step.permille // 1000 + step.offset
        scene.arena.configure_pool("minimum", max(minimum, 0))


def _pause(scene: Scene, market_id: MarketId, action: Action, *, on: bool) -> None:
    vtoken, function = scene.arena.vtokens[market_id], "setActionsPaused(address[],uint8[],bool)"
    scene.arena.ask_owner(scene.arena.comptroller, function, [vtoken], [int(action)], on)


def _deprecate(scene: Scene, step: draws.Deprecate) -> None:
    market_id = scene.picked(step.market, scene.owed(scene.debtor(step.user)))
    threshold = scene.market.vtokens[market_id].liquidation_threshold_mantissa
    scene.arena.configure(market_id, "factors", 0, threshold)
    if step.n_of_three > 1:
        scene.arena.configure(market_id, "reserve factor", WAD)
    if step.n_of_three != 2:
        _pause(scene, market_id, Action.BORROW, on=True)


def _values(scene: Scene, step: draws.Configure) -> tuple[int, ...]:
    """What a setting of a market takes: caps as a share of what there is, thresholds a little above the factor."""
    vtoken = scene.market.vtokens[step.market]
    held = vtoken.cash_underlying + vtoken.total_borrows_underlying
    match step.field:
        case "factors":
            return step.value, step.value + WAD // 20
        case "supply cap" | "borrow cap":
            return (UNLIMITED if step.value > 10_000 else held * step.value // 1000,)
        case _:
            return (step.value,)


def _write(scene: Scene, step: Any) -> None:
    arena = scene.arena
    match step:
        case draws.FundRisk():
            fund, at = _fund(scene, step), arena.comptroller
            arena.write(arena.deployment.risk_fund, POOL_RESERVES_SLOT, fund, of=at)
        case draws.StoreBadDebt():
            bad_debt = step.size.of(scene.stake(step.market))
            arena.write(arena.vtokens[step.market], VTOKEN_SLOTS["bad_debt"], bad_debt)
        case draws.Store():
            one = arena.reader.listed[step.market]
            for name, slot in VTOKEN_SLOTS.items():
                arena.write(one.vtoken, slot, getattr(step, name))
            arena.write(one.underlying, BALANCES_SLOT, step.cash, of=one.vtoken)
        case draws.StorePosition():
            user, vtoken = scene.user(step.user), arena.vtokens[step.market]
            arena.write(vtoken, VTOKENS_SLOT, step.vtokens, of=user)
            arena.write_loan(user, step.market, step.principal, step.index)
        case _:
            raise AssertionError(step)


def _fund(scene: Scene, step: draws.FundRisk) -> int:
    return min(max(scene.offered() * step.permille // 1000 + step.offset, 0), WALLET)


def _with_vtoken(market: Market, market_id: MarketId, **changes: int) -> Market:
    changed = replace(market.vtokens[market_id], **changes)
    return replace(market, vtokens={**market.vtokens, market_id: changed})


def _with_position(market: Market, user: str, step: draws.StorePosition) -> Market:
    position = Position(
        vtokens=step.vtokens,
        borrow_principal_underlying=step.principal,
        borrow_interest_index_mantissa=step.index,
    )
    account = market.accounts.get(user, Account())
    positions = {**account.positions, step.market: position}
    held = {id_: one for id_, one in sorted(positions.items()) if one != Position()}
    return replace(market, accounts={**market.accounts, user: replace(account, positions=held)})
