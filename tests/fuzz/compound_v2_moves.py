"""What a drawn step comes to at the moment it is taken: a call, said to the contracts and to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from forks.calldata import calldata
from protocol import compound_v2 as rules
from protocol.compound_v2 import MarketId
from protocol.units import MAX_UINT256, WAD
from tests import steps_compound_v2 as draws
from tests.fuzz.compound_v2_arena import PAID, mint_data, paying
from tests.fuzz.compound_v2_scene import Scene
from tests.steps import Size

NOTHING = 1_000
"""What a share is taken of where the whole is 0."""
Amounts = Mapping[str, tuple[int, ...]]
"""Event and market to the amounts in the events, as `Pool.told` has them."""


@dataclass(frozen=True, slots=True)
class Move:
    """One call, said twice."""

    sender: str
    target: str
    payload: tuple[bytes, int]
    """Calldata, and the ether that comes with it."""
    model: Callable[[], Any]
    """What the model says: an outcome, Failure or Revert."""
    events: frozenset[str] = frozenset()
    """Names of the events whose amounts are compared."""
    said: Callable[[Any], Amounts] = lambda _: {}
    """What the model's outcome says that these tell."""

    @property
    def transaction(self) -> dict[str, Any]:
        """The call as JSON-RPC names it."""
        data, value = self.payload
        return {"from": self.sender, "to": self.target, "data": data, "value": value}


def move_of(scene: Scene, step: draws.Step) -> Move | None:
    """The call that a step is; None where it only sets something up."""
    make = _MOVES.get(type(step))
    return make(scene, step) if make else None


def _mint(scene: Scene, step: draws.Mint) -> Move:
    user, id_ = scene.user(step.user), step.market
    amount = min(_amount(step.size, scene.stake(id_)), PAID)
    return Move(
        user,
        scene.pool.ctokens[id_],
        mint_data(id_, amount),
        lambda: rules.mint(scene.market, user, id_, amount, block_number=scene.block),
        frozenset({"Mint"}),
        lambda one: {f"Mint {id_}": (one.amount, one.ctokens)},
    )


def _redeem(scene: Scene, step: draws.Redeem) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, scene.held(user))
    ctokens = _amount(step.size, scene.position(user, id_).ctokens)
    return Move(
        user,
        scene.pool.ctokens[id_],
        (calldata("redeem(uint256)", ctokens), 0),
        lambda: rules.redeem(scene.market, user, id_, ctokens, **scene.at),
        *_redeemed(id_),
    )


def _redeem_underlying(scene: Scene, step: draws.RedeemUnderlying) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, scene.held(user))
    whole = scene.liquidity(id_) if step.of_liquidity else scene.redeemable(user, id_)
    amount = _amount(step.size, whole)
    return Move(
        user,
        scene.pool.ctokens[id_],
        (calldata("redeemUnderlying(uint256)", amount), 0),
        lambda: rules.redeem_underlying(scene.market, user, id_, amount, **scene.at),
        *_redeemed(id_),
    )


def _redeemed(id_: MarketId) -> tuple[frozenset[str], Callable[[Any], Amounts]]:
    return frozenset({"Redeem"}), lambda one: {f"Redeem {id_}": (one.amount, one.ctokens)}


def _borrow(scene: Scene, step: draws.Borrow) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, scene.lendable(user))
    whole = scene.liquidity(id_) if step.of_liquidity else scene.borrowable(user, id_)
    amount = _amount(step.size, whole)
    return Move(
        user,
        scene.pool.ctokens[id_],
        (calldata("borrow(uint256)", amount), 0),
        lambda: rules.borrow(scene.market, user, id_, amount, **scene.at),
        frozenset({"Borrow"}),
        lambda one: {f"Borrow {id_}": (one.amount,)},
    )


def _repay(scene: Scene, step: draws.Repay) -> Move:
    payer, user = scene.user(step.payer), scene.debtor(step.user)
    id_ = scene.picked(step.market, scene.owed(user))
    debt = scene.debt(user, id_)
    amount = _payment(step.size, debt, whole_is_paid=id_ != draws.ETHER and debt <= PAID)
    payload = paying(id_, "repayBorrowBehalf", ("address",), (user,), amount)
    model = partial(rules.repay_borrow_behalf, scene.market, payer, user)
    if payer == user and not step.on_behalf:
        payload = paying(id_, "repayBorrow", (), (), amount)
        model = partial(rules.repay_borrow, scene.market, payer)
    return Move(
        payer,
        scene.pool.ctokens[id_],
        payload,
        lambda: model(id_, amount, block_number=scene.block),
        frozenset({"RepayBorrow"}),
        lambda one: {f"RepayBorrow {id_}": (one.amount,)},
    )


def _enter_markets(scene: Scene, step: draws.EnterMarkets) -> Move:
    user, ids = scene.user(step.user), step.markets
    return Move(
        user,
        scene.pool.comptroller,
        (calldata("enterMarkets(address[])", [scene.pool.ctokens[id_] for id_ in ids]), 0),
        lambda: rules.enter_markets(scene.market, user, ids),
    )


def _exit_market(scene: Scene, step: draws.ExitMarket) -> Move:
    user = scene.user(step.user)
    id_ = scene.picked(step.market, list(scene.account(user).entered))
    return Move(
        user,
        scene.pool.comptroller,
        (calldata("exitMarket(address)", scene.pool.ctokens[id_]), 0),
        lambda: rules.exit_market(scene.market, user, id_, prices_mantissa=scene.prices),
    )


def _accrue_interest(scene: Scene, step: draws.AccrueInterest) -> Move:
    return Move(
        scene.user(draws.LIQUIDATOR),
        scene.pool.ctokens[step.market],
        (calldata("accrueInterest()"), 0),
        lambda: rules.accrue_interest(scene.market, step.market, block_number=scene.block),
    )


def _liquidate(scene: Scene, step: draws.Liquidate) -> Move:
    liquidator, borrower = scene.user(step.liquidator), scene.debtor(step.borrower)
    debt_id = scene.picked(step.debt, scene.owed(borrower))
    collateral_id = scene.picked(step.collateral, scene.held(borrower))
    debt = scene.debt(borrower, debt_id)
    whole = {
        "close factor": debt * scene.market.close_factor_mantissa // WAD,
        "debt": debt,
        "collateral": scene.payable(borrower, debt_id, collateral_id),
    }[step.of]
    amount = _payment(step.size, whole, whole_is_paid=debt_id != draws.ETHER)
    call = rules.LiquidationCall(
        collateral_id=collateral_id,
        debt_id=debt_id,
        borrower=borrower,
        liquidator=liquidator,
        repay_amount=amount,
    )
    named = (borrower, scene.pool.ctokens[collateral_id])
    return Move(
        liquidator,
        scene.pool.ctokens[debt_id],
        paying(debt_id, "liquidateBorrow", ("address", "address"), named, amount),
        lambda: rules.liquidate_borrow(scene.market, call, **scene.at),
        frozenset({"LiquidateBorrow", "Transfer", "ReservesAdded"}),
        lambda one: _of_liquidation(call, one),
    )


def _of_liquidation(call: rules.LiquidationCall, one: rules.Liquidated) -> Amounts:
    return {
        f"LiquidateBorrow {call.debt_id}": (one.repaid_underlying, one.seized_ctokens),
        f"Transfer {call.collateral_id}": (one.liquidator_seized_ctokens, one.protocol_seized_ctokens),
        f"ReservesAdded {call.collateral_id}": (one.protocol_seized_underlying,),
    }


def _amount(size: Size, whole: int) -> int:
    """The share of `whole` that a call can be given; where there is nothing, of so much as there might be."""
    return min(size.of(whole or NOTHING), MAX_UINT256)


def _payment(size: Size, whole: int, *, whole_is_paid: bool) -> int:
    """The same of what is paid, which everybody is taken to have: 2**256 - 1 only where it is a word for all."""
    amount = _amount(size, whole)
    return amount if amount == MAX_UINT256 and whole_is_paid else min(amount, PAID)


_MOVES: Mapping[type, Callable[[Scene, Any], Move]] = {
    draws.Mint: _mint,
    draws.Redeem: _redeem,
    draws.RedeemUnderlying: _redeem_underlying,
    draws.Borrow: _borrow,
    draws.Repay: _repay,
    draws.EnterMarkets: _enter_markets,
    draws.ExitMarket: _exit_market,
    draws.AccrueInterest: _accrue_interest,
    draws.Liquidate: _liquidate,
}
