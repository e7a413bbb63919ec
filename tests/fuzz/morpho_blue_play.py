"""Plays a drawn case on the real Morpho Blue and in the model, and lays every integer side by side.

After each step all is read from the contracts; the model is given what was read before the step. So every step is
compared on its own, and a difference names the step that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from forks.artifacts import ErrorTable, decode_revert
from protocol import morpho_blue as rules
from protocol.errors import EvmRevert
from protocol.morpho_blue import Account, AdaptiveCurve, Market, Totals
from protocol.units import MAX_UINT256
from tests import steps_morpho_blue as draws
from tests.fuzz.arena import START
from tests.fuzz.morpho_blue_arena import ArenaMorphoBlue, amounts_told
from tests.fuzz.morpho_blue_moves import Move, move_of
from tests.fuzz.morpho_blue_scene import Scene
from tests.fuzz.side_by_side import SideBySide
from tests.fuzz.tally import DONE, Tally

NO_NAMES = ErrorTable(by_selector={}, by_code={})
"""The contract reverts with strings, which are the names."""
HEALTHY = "position is healthy"
UNREAD = (draws.Wait, draws.SetPrice, draws.Steer)
"""Steps that touch nothing that is stored of a market."""
TOTALS, POSITION = 8, 3
"""Integers of a market, rate at target and fee recipient included, and of one position."""


def play(arena: ArenaMorphoBlue, case: draws.Case, tally: Tally) -> None:
    """Take the steps of `case` in its market. Raises Differs at the first difference."""
    with arena.chain.anchor():
        arena.set_price(case.price_e36)
        game = _Game(arena, case, tally)
        for step in case.steps:
            game.take(step)
    tally.cases += 1


class _Game:
    """One case under way: what the contracts say now, and the step that is being taken."""

    def __init__(self, arena: ArenaMorphoBlue, case: draws.Case, tally: Tally) -> None:
        self.arena, self.case, self.sides = arena, case, SideBySide(tally)
        self.reader = arena.readers[case.irm, case.lltv_wad]
        self.beside = arena.beside()
        self.scene = self._look(START)

    def take(self, step: draws.Step) -> None:
        """Take one step in both worlds and compare what came of it."""
        self.sides.begin(step)
        before, move = self.scene, move_of(self.scene, step)
        if move is None:
            now = self._set_up(step)
            self.scene = self._look(now, before.market if isinstance(step, UNREAD) else None)
            self._compare_market(_set_up_in(before.market, step, self.arena.users))
            return
        outcome = move.model()
        receipt, reason = self._send(move)
        self.sides.tally.count(f"{type(step).__name__}: {reason}")
        refused = isinstance(outcome, rules.Revert)
        self.sides.same("outcome", outcome.name if refused else DONE, reason)
        if refused:  # the EVM itself has undone what was done
            return
        self.scene = self._look(before.now)
        self._compare_market(outcome.market)
        self._compare_beside(*move.amounts.moved(outcome))
        said = move.amounts.told(outcome)
        self.sides.equal("amounts", said, amounts_told(self.arena, receipt, len(said)), len(said))

    def _set_up(self, step: draws.Step) -> int:
        """Do what a step sets up, and return the time after it."""
        scene = self.scene
        match step:
            case draws.Wait():
                self.arena.chain.set_time(scene.now + step.seconds)
                return scene.now + step.seconds
            case draws.SetPrice():
                self.arena.set_price(step.price_e36)
            case draws.Steer():
                price = scene.steered(step.user, step.permille, toxic=step.toxic)
                if price is not None:
                    self.arena.set_price(min(max(price + step.offset, 0), MAX_UINT256))
            case draws.SetFeeRecipient():
                self.arena.set_fee_recipient(scene.user(step.user))
            case draws.Store():
                self.arena.store(self.reader.addresses, step)
            case _:
                raise AssertionError(step)
        return scene.now

    def _look(self, now: int, market: Market | None = None) -> Scene:
        """Read everything from the contracts (but for a `market` that is known) and compare what derives from it."""
        market, price = market or self.reader.market(self.arena.users), self.reader.price()
        assert price is not None
        scene = Scene(self.arena, self.case, market, price, now)
        if market.irm is not None:
            chain = self.arena.rate_per_second(self.reader.addresses, market)
            self.sides.equal("borrow rate", _rate(scene), chain, 1)
        for user, account in market.accounts.items():
            if account.borrow_shares or account.collateral:
                self._compare_standing(scene, user, max(account.collateral // 2, 1))
        return scene

    def _compare_standing(self, scene: Scene, user: str, seized: int) -> None:
        """Whether `user` may be liquidated, and what half its collateral costs: no view tells, so a call is tried."""
        liquidator = self.arena.users[draws.LENDER]
        transaction = self.arena.transaction(liquidator, "liquidate", scene.params, user, seized, 0)
        answer = self.arena.chain.rpc.answer("eth_call", [transaction, "latest"])
        told: Any = _words(answer["result"]) if "result" in answer else _reason(answer["error"]["data"])
        call = rules.LiquidationCall(borrower=user, liquidator=liquidator, seized_assets=seized)
        outcome = rules.liquidate(scene.market, call, **scene.at)
        refused = isinstance(outcome, rules.Revert)
        said = outcome.name if refused else (outcome.seized_assets, outcome.repaid_assets)
        self.sides.equal(f"half the collateral of {user}", said, told, 1 if refused else 2)
        if scene.market.last_update_timestamp:
            self.sides.same(f"health of {user}", _is_healthy(scene, user), told == HEALTHY)

    def _send(self, move: Move) -> tuple[Mapping[str, Any], str]:
        """The receipt of a call of Morpho, and why it was refused if it was."""
        chain = self.arena.chain
        call = self.arena.transaction(move.sender, move.function, self.scene.params, *move.arguments)
        receipt = chain.send(call)
        if receipt["status"] == 1:
            return receipt, DONE
        return receipt, _reason((chain.revert_data(call) or b"").hex())

    def _compare_market(self, market: Market) -> None:
        """The market and every account: what the step must have changed, and what it must not."""
        n_integers = TOTALS + POSITION * len(self.arena.users)
        self.sides.equal("after", market, self.scene.market, n_integers)

    def _compare_beside(self, loan: int, collateral: int) -> None:
        """What Morpho has more of both tokens than before, and that the neighbour is as it was."""
        expected = [self.beside[0] + loan, self.beside[1] + collateral, *self.beside[2:]]
        self.beside = self.arena.beside()
        self.sides.equal("beside", tuple(expected), tuple(self.beside), len(expected))


def _set_up_in(market: Market, step: draws.Step, users: tuple[str, ...]) -> Market:
    """What a step that only sets something up leaves of `market`."""
    match step:
        case draws.SetFeeRecipient():
            return replace(market, fee_recipient=users[step.user])
        case draws.Store():
            return _stored(market, step, users)
        case _:
            return market


def _stored(market: Market, step: draws.Store, users: tuple[str, ...]) -> Market:
    accounts = {
        user: Account(
            supply_shares=one.supply_shares, borrow_shares=one.borrow_shares, collateral=one.collateral
        )
        for user, one in zip(users, step.holdings, strict=True)
    }
    rate = AdaptiveCurve(rate_at_target_per_second_wad=step.rate_at_target_per_second_wad)
    return replace(
        market,
        irm=rate if isinstance(market.irm, AdaptiveCurve) else market.irm,
        total_supply=Totals(assets=step.supply_assets, shares=step.supply_shares),
        total_borrow=Totals(assets=step.borrow_assets, shares=step.borrow_shares),
        last_update_timestamp=START if step.created else 0,
        fee_wad=step.fee_wad,
        accounts={user: one for user, one in accounts.items() if one != Account()},
    )


def _rate(scene: Scene) -> int | None:
    """What the model says that a loan costs since the last update; None where it says that the view reverts."""
    try:
        return rules.borrow_rate_view(scene.market, timestamp=scene.now)
    except EvmRevert:
        return None


def _is_healthy(scene: Scene, user: str) -> bool:
    """What the model's view says; no where it says that the contract does not come to the question."""
    try:
        return rules.account_data(scene.market, user, **scene.at).healthy
    except EvmRevert:
        return False


def _reason(revert_data: str) -> str:
    return decode_revert(bytes.fromhex(revert_data.removeprefix("0x")), NO_NAMES)


def _words(data: str) -> tuple[int, ...]:
    return tuple(int(data[start : start + 64], 16) for start in range(2, len(data), 64))
