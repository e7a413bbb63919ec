"""What a drawn step comes to at the moment it is taken: a call, said to the contracts and to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from forks.calldata import calldata
from protocol import venus_isolated as rules
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT256
from protocol.venus_isolated import LiquidationOrder, MarketId
from tests import steps_venus_isolated as draws
from tests.fuzz.venus_isolated_arena import WALLET
from tests.fuzz.venus_isolated_scene import Scene
from tests.steps import Size

NOTHING = 1_000
"""What a share is taken of where the whole is 0."""
Amounts = Mapping[str, tuple[int, ...]]
"""Event and market to the amounts in the events, as `ArenaVenusIsolated.told` has them."""


@dataclass(frozen=True, slots=True)
class Move:
    """One call, said twice."""

    sender: str
    target: str
    data: bytes
    model: Callable[[], Any]
    """What the model says: an outcome or Revert."""
    events: frozenset[str] = frozenset()
    """Names of the events whose amounts are compared."""
    said: Callable[[Any], Amounts] = lambda _: {}
    """What the model's outcome says that these tell."""


def move_of(scene: Scene, step: draws.Step) -> Move | None:
    """The call that a step is; None where it only sets something up."""
    make = _MOVES.get(type(step))
    return make(scene, step) if make else None


def _mint(scene: Scene, step: draws.Mint) -> Move:
    user, id_ = scene.user(step.user), step.market
    amount = min(_amount(step.size, scene.stake(id_)), WALLET // 8)
    return Move(
        user,
        scene.arena.vtokens[id_],
        calldata("mint(uint256)", amount),
        lambda: rules.mint(scene.market, user, id_, amount, slot=scene.block),
        frozenset({"Mint"}),
        lambda one: {f"Mint {id_}": (one.amount, one.vtokens)},
    )


def _redeem(scene: Scene, step: draws.Redeem) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, scene.held(user))
    vtokens = _amount(step.size, scene.position(user, id_).vtokens)
    return Move(
        user,
        scene.arena.vtokens[id_],
        calldata("redeem(uint256)", vtokens),
        lambda: rules.redeem(scene.market, user, id_, vtokens, **scene.at),
        *_redeemed(id_),
    )


def _redeem_underlying(scene: Scene, step: draws.RedeemUnderlying) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, scene.held(user))
    whole = scene.liquidity(id_) if step.of_liquidity else scene.redeemable(user, id_)
    amount = _amount(step.size, whole)
    return Move(
        user,
        scene.arena.vtokens[id_],
        calldata("redeemUnderlying(uint256)", amount),
        lambda: rules.redeem_underlying(scene.market, user, id_, amount, **scene.at),
        *_redeemed(id_),
    )


def _redeemed(id_: MarketId) -> tuple[frozenset[str], Callable[[Any], Amounts]]:
    return frozenset({"Redeem"}), lambda one: {f"Redeem {id_}": (one.amount, one.vtokens)}


def _borrow(scene: Scene, step: draws.Borrow) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, scene.lendable(user))
    whole = scene.liquidity(id_) if step.of_liquidity else scene.borrowable(user, id_)
    amount = _amount(step.size, whole)
    return Move(
        user,
        scene.arena.vtokens[id_],
        calldata("borrow(uint256)", amount),
        lambda: rules.borrow(scene.market, user, id_, amount, **scene.at),
        frozenset({"Borrow"}),
        lambda one: {f"Borrow {id_}": (one.amount,)},
    )


def _repay(scene: Scene, step: draws.Repay) -> Move:
    payer, user = scene.user(step.payer), scene.debtor(step.user)
    id_ = scene.picked(step.market, scene.owed(user))
    amount = _amount(step.size, scene.debt(user, id_))
    itself = payer == user
    data = calldata("repayBorrow(uint256)", amount)
    if not itself:
        data = calldata("repayBorrowBehalf(address,uint256)", user, amount)
    return Move(
        payer,
        scene.arena.vtokens[id_],
        data,
        lambda: rules.repay_borrow(
            scene.market, payer, id_, amount, on_behalf_of=None if itself else user, slot=scene.block
        ),
        frozenset({"RepayBorrow"}),
        lambda one: {f"RepayBorrow {id_}": (one.amount,)},
    )


def _transfer(scene: Scene, step: draws.Transfer) -> Move:
    user, to = scene.user(step.user), scene.user(step.to)
    id_ = scene.picked(step.market, scene.held(user))
    vtokens = _amount(step.size, scene.position(user, id_).vtokens)
    return Move(
        user,
        scene.arena.vtokens[id_],
        calldata("transfer(address,uint256)", to, vtokens),
        lambda: rules.transfer(scene.market, user, to, id_, vtokens, **scene.at),
        frozenset({"Transfer"}),
        lambda one: {f"Transfer {id_}": (one.vtokens,)},
    )


def _enter_markets(scene: Scene, step: draws.EnterMarkets) -> Move:
    user, ids = scene.user(step.user), step.markets
    return Move(
        user,
        scene.arena.comptroller,
        calldata("enterMarkets(address[])", [scene.arena.vtokens[id_] for id_ in ids]),
        lambda: rules.enter_markets(scene.market, user, ids, slot=scene.block),
    )


def _exit_market(scene: Scene, step: draws.ExitMarket) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, list(scene.account(user).entered))
    return Move(
        user,
        scene.arena.comptroller,
        calldata("exitMarket(address)", scene.arena.vtokens[id_]),
        lambda: rules.exit_market(scene.market, user, id_, **scene.at),
    )


def _accrue_interest(scene: Scene, step: draws.AccrueInterest) -> Move:
    id_ = step.market
    return Move(
        scene.user(draws.BIDDER),
        scene.arena.vtokens[id_],
        calldata("accrueInterest()"),
        lambda: _accrued(scene, id_),
    )


def _accrued(scene: Scene, id_: MarketId) -> rules.Acted | rules.Revert:
    """What comes of accruing one market, as an action would say it."""
    market = scene.market
    try:
        accrued = rules.accrue(market.vtokens[id_], market.rules, scene.block)
    except EvmRevert as revert:
        return rules.Revert(name=revert.name, numbers=revert.numbers)
    return rules.Acted(market=replace(market, vtokens={**market.vtokens, id_: accrued}))


def _add_reserves(scene: Scene, step: draws.AddReserves) -> Move:
    id_ = step.market
    amount = min(_amount(step.size, scene.stake(id_)), WALLET // 8)
    return Move(
        scene.user(draws.BIDDER),
        scene.arena.vtokens[id_],
        calldata("addReserves(uint256)", amount),
        lambda: rules.add_reserves(scene.market, id_, amount, slot=scene.block),
        frozenset({"ReservesAdded"}),
        lambda one: {f"ReservesAdded {id_}": (one.amount,)},
    )


def _reduce_reserves(scene: Scene, step: draws.ReduceReserves) -> Move:
    id_, vtoken = step.market, scene.viewed.vtokens[step.market]
    whole = vtoken.cash_underlying if step.of_liquidity else vtoken.total_reserves_underlying
    amount = _amount(step.size, whole)
    return Move(
        scene.user(draws.BIDDER),
        scene.arena.vtokens[id_],
        calldata("reduceReserves(uint256)", amount),
        lambda: rules.reduce_reserves(scene.market, id_, amount, slot=scene.block),
        frozenset({"ReservesReduced"}),
        lambda one: {f"ReservesReduced {id_}": (one.amount,)},
    )


def _liquidate(scene: Scene, step: draws.Liquidate) -> Move:
    liquidator, borrower = scene.user(step.liquidator), scene.debtor(step.borrower)
    debt_id = scene.picked(step.debt, scene.owed(borrower))
    collateral_id = scene.picked(step.collateral, scene.held(borrower))
    order = LiquidationOrder(collateral_id=collateral_id, debt_id=debt_id, repay_amount=0)
    debt = scene.debt(borrower, debt_id)
    whole = {
        "close factor": debt * scene.market.close_factor_mantissa // 10**18,
        "debt": debt,
        "collateral": scene.payable(borrower, order),
    }[step.of]
    amount = _amount(step.size, whole)
    call = rules.LiquidationCall(
        collateral_id=collateral_id,
        debt_id=debt_id,
        borrower=borrower,
        liquidator=liquidator,
        repay_amount=amount,
    )
    collateral = scene.arena.vtokens[collateral_id]
    return Move(
        liquidator,
        scene.arena.vtokens[debt_id],
        calldata("liquidateBorrow(address,uint256,address)", borrower, amount, collateral),
        lambda: rules.liquidate_borrow(scene.market, call, **scene.at),
        _SEIZURE | {"LiquidateBorrow"},
        lambda one: _of_legs(
            [rules.Leg(order=order, repaid_underlying=one.repaid_underlying, seized=one.seized)]
        ),
    )


def _liquidate_account(scene: Scene, step: draws.LiquidateAccount) -> Move:
    liquidator, borrower = scene.user(step.liquidator), scene.debtor(step.borrower)
    orders: list[LiquidationOrder] = []
    picks = step.collateral * (step.n_parts * draws.N_MARKETS)
    for debt_id in scene.owed(borrower):
        left = _amount(step.size, scene.debt(borrower, debt_id))
        for part in range(step.n_parts, 0, -1):
            collateral_id = scene.picked(picks[len(orders)], scene.held(borrower))
            amount = left // part
            left -= amount
            orders.append(LiquidationOrder(collateral_id=collateral_id, debt_id=debt_id, repay_amount=amount))
    vtokens = scene.arena.vtokens
    said = [(vtokens[one.collateral_id], vtokens[one.debt_id], one.repay_amount) for one in orders]
    return Move(
        liquidator,
        scene.arena.comptroller,
        scene.arena.contracts["Comptroller"].call("liquidateAccount", borrower, said),
        lambda: rules.liquidate_account(scene.market, borrower, liquidator, orders, **scene.at),
        _SEIZURE | {"LiquidateBorrow"},
        lambda one: _of_legs(one.legs),
    )


def _heal(scene: Scene, step: draws.Heal) -> Move:
    liquidator, borrower = scene.user(step.liquidator), scene.debtor(step.borrower)
    return Move(
        liquidator,
        scene.arena.comptroller,
        calldata("healAccount(address)", borrower),
        lambda: rules.heal_account(scene.market, borrower, liquidator, **scene.at),
        _SEIZURE | {"BadDebtIncreased"},
        lambda one: (
            {f"BadDebtIncreased {id_}": (amount,) for id_, amount in one.bad_debt_underlying.items()}
            | _of_seizures(one.seized.items())
        ),
    )


_SEIZURE = frozenset({"Transfer", "ReservesAdded"})


def _of_legs(legs: Any) -> Amounts:
    said = _of_seizures((leg.order.collateral_id, leg.seized) for leg in legs)
    for leg in legs:
        key = f"LiquidateBorrow {leg.order.debt_id}"
        said[key] = (*said.get(key, ()), leg.repaid_underlying, leg.seized.seized_vtokens)
    return said


def _of_seizures(seizures: Any) -> dict[str, tuple[int, ...]]:
    said: dict[str, tuple[int, ...]] = {}
    for id_, one in seizures:
        parts = (one.liquidator_seized_vtokens, one.protocol_seized_vtokens)
        said[f"Transfer {id_}"] = (*said.get(f"Transfer {id_}", ()), *parts)
        key = f"ReservesAdded {id_}"
        said[key] = (*said.get(key, ()), one.protocol_seized_underlying)
    return said


def _start_auction(scene: Scene, step: draws.StartAuction) -> Move:
    return _of_house(
        scene, draws.BIDDER, "startAuction(address)", lambda: rules.start_auction(scene.market, **scene.at)
    )


def _restart_auction(scene: Scene, step: draws.RestartAuction) -> Move:
    return _of_house(
        scene,
        draws.BIDDER,
        "restartAuction(address)",
        lambda: rules.restart_auction(scene.market, **scene.at),
    )


def _close_auction(scene: Scene, step: draws.CloseAuction) -> Move:
    move = _of_house(
        scene,
        draws.BIDDER,
        "closeAuction(address)",
        lambda: rules.close_auction(scene.market, slot=scene.block),
    )
    return replace(
        move, events=frozenset({"AuctionClosed"}), said=lambda one: {"AuctionClosed": (one.amount,)}
    )


def _place_bid(scene: Scene, step: draws.PlaceBid) -> Move:
    bid = step.fixed_bps
    if bid is None:
        bid = min(max(scene.bid_to_beat() + step.offset_bps, 0), MAX_UINT256)
    start = scene.market.shortfall.auction.start_slot + step.of_another
    user = scene.user(step.user)
    return _of_house(
        scene,
        step.user,
        "placeBid(address,uint256,uint256)",
        lambda: rules.place_bid(scene.market, user, bid, auction_start_slot=start, slot=scene.block),
        bid,
        start,
    )


def _of_house(scene: Scene, user: int, signature: str, model: Callable[[], Any], *arguments: int) -> Move:
    data = calldata(signature, scene.arena.comptroller, *arguments)
    return Move(scene.user(user), scene.arena.shortfall, data, model)


def _amount(size: Size, whole: int) -> int:
    """The share of `whole` that a call can be given; where there is nothing, of so much as there might be."""
    return min(size.of(whole or NOTHING), MAX_UINT256)


_MOVES: Mapping[type, Callable[[Scene, Any], Move]] = {
    draws.Mint: _mint,
    draws.Redeem: _redeem,
    draws.RedeemUnderlying: _redeem_underlying,
    draws.Borrow: _borrow,
    draws.Repay: _repay,
    draws.Transfer: _transfer,
    draws.EnterMarkets: _enter_markets,
    draws.ExitMarket: _exit_market,
    draws.AccrueInterest: _accrue_interest,
    draws.AddReserves: _add_reserves,
    draws.ReduceReserves: _reduce_reserves,
    draws.Liquidate: _liquidate,
    draws.LiquidateAccount: _liquidate_account,
    draws.Heal: _heal,
    draws.StartAuction: _start_auction,
    draws.RestartAuction: _restart_auction,
    draws.CloseAuction: _close_auction,
    draws.PlaceBid: _place_bid,
}
