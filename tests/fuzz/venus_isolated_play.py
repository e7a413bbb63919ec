"""Plays a drawn case on the real Venus pool and in the model, and lays every integer side by side.

After each step all is read from the contracts; the model is given what was read before the step. So every step is
compared on its own, and a difference names the step that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from forks.artifacts import decode_revert
from protocol import venus_isolated as rules
from protocol.errors import EvmRevert
from protocol.venus_isolated import Account, Market, Position
from tests import steps_venus_isolated as draws
from tests.fuzz.side_by_side import SideBySide
from tests.fuzz.tally import DONE, Tally
from tests.fuzz.venus_isolated_acts import LEAVE_MARKET, act, set_up_in
from tests.fuzz.venus_isolated_arena import FIRST_BLOCK, ArenaVenusIsolated
from tests.fuzz.venus_isolated_moves import Move, move_of
from tests.fuzz.venus_isolated_scene import Scene

POOL, VTOKEN, POSITION = 25, 25, 4
"""Integers of pool and auction, of one market with what is paused in it, and of one position."""


def play(arena: ArenaVenusIsolated, case: draws.Case, tally: Tally) -> None:
    """Take the steps of `case` in its pool. Raises Differs at the first difference."""
    with arena.chain.anchor():
        arena.prepare(case)
        game = _Game(arena, tally)
        for step in case.steps:
            game.take(step)
    tally.cases += 1


class _Game:
    """One case under way: what the contracts say now, and the step that is being taken."""

    def __init__(self, arena: ArenaVenusIsolated, tally: Tally) -> None:
        self.arena, self.sides = arena, SideBySide(tally)
        self.scene = self._look(FIRST_BLOCK)
        n_markets = len(arena.vtokens)
        self.n_integers = POOL + n_markets * (VTOKEN + POSITION * len(arena.users))

    def take(self, step: Any) -> None:
        """Take one step in both worlds and compare what came of it."""
        self.sides.begin(step)
        before, move = self.scene, move_of(self.scene, step)
        if move is None:
            block = act(before, step)
            self.scene = self._look(block, before.market if isinstance(step, LEAVE_MARKET) else None)
            expected = set_up_in(before, step)
            if expected is not None:
                self._compare_market(expected)
            return
        outcome = move.model()
        receipt, reason = self._send(move)
        self.sides.tally.count(f"{type(step).__name__}: {reason}")
        refused = isinstance(outcome, rules.Revert)
        self.sides.same("outcome", outcome.name if refused else DONE, reason)
        if refused:  # the EVM itself has undone what was done
            return
        self.scene = self._look(before.block)
        self._compare_market(outcome.market)
        said = move.said(outcome)
        n_amounts = sum(map(len, said.values()))
        self.sides.equal("amounts", said, self.arena.told(receipt, move.events), n_amounts)

    def _look(self, block: int, market: Market | None = None) -> Scene:
        """Read everything from the contracts (but for a `market` that is known) and compare what derives from it."""
        arena = self.arena
        scene = Scene(arena, market or arena.reader.market(arena.users), arena.reader.prices(), block)
        for user, chain in arena.standings().items():
            sums = (_sums(rules.account_data, scene, user), _sums(rules.borrowing_power, scene, user))
            self.sides.equal(f"liquidity of {user}", sums, (chain.liquidity, chain.borrowing_power), 4)
            self.sides.equal(f"debts of {user}", _debts(scene.market, user), chain.owed, len(chain.owed))
        if market is None:
            said = {id_: _rates(vtoken) for id_, vtoken in scene.market.vtokens.items()}
            self.sides.equal("rates", said, arena.rates(), 3 * len(said))
        return scene

    def _send(self, move: Move) -> tuple[Mapping[str, Any], str]:
        """The receipt of a call, and why it was refused if it was."""
        chain = self.arena.chain
        call = {"from": move.sender, "to": move.target, "data": move.data}
        receipt = chain.send(call)
        if receipt["status"] == 1:
            return receipt, DONE
        return receipt, decode_revert(chain.revert_data(call) or b"", self.arena.contracts.errors)

    def _compare_market(self, market: Market) -> None:
        """The pool and every account: what the step must have changed, and what it must not."""
        said, told = _comparable(market), _comparable(self.scene.market)
        self.sides.equal("after", said, told, self.n_integers)


def _sums(view: Callable[..., Any], scene: Scene, user: str) -> tuple[int, int] | None:
    """Liquidity and shortfall as the model says them; None where it says that the view reverts."""
    data = _or_none(view, scene.market, user, **scene.at)
    return None if data is None else (data.liquidity_usd_mantissa, data.shortfall_usd_mantissa)


def _debts(market: Market, user: str) -> tuple[int | None, ...]:
    positions = market.accounts.get(user, Account()).positions
    return tuple(
        _or_none(rules.borrow_balance, vtoken, positions.get(id_, Position()))
        for id_, vtoken in market.vtokens.items()
    )


def _rates(vtoken: rules.VToken) -> tuple[int | None, ...]:
    return tuple(
        _or_none(view, vtoken) for view in (rules.borrow_rate, rules.supply_rate, rules.exchange_rate)
    )


def _or_none(view: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return view(*arguments, **named)
    except EvmRevert:
        return None


def _comparable(market: Market) -> Market:
    """The market without accounts in which nothing is set: these may be listed or not."""
    accounts = {user: one for user, one in sorted(market.accounts.items()) if one != Account()}
    return replace(market, accounts=accounts)
