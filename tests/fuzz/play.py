"""Plays a drawn case on the real contracts and in the model, and lays every integer side by side.

After each step the market is read from the contracts; the model is given what was read before the step. So
every step is compared on its own, and a difference names the step that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eth_utils.crypto import keccak

from forks.artifacts import decode_revert
from forks.calldata import calldata
from protocol.errors import EvmRevert
from tests.fuzz.acts import act
from tests.fuzz.arena import START, Arena
from tests.fuzz.moves import Move, move_of
from tests.fuzz.scene import Scene
from tests.fuzz.side_by_side import SideBySide
from tests.fuzz.tally import DONE, Tally
from tests.steps import Case, CaseV2, SetPrice, Steer, Step, Wait

AMOUNT_WORDS = {
    keccak(text=event): word
    for event, word in {
        "Deposit(address,address,address,uint256,uint16)": 1,
        "Supply(address,address,address,uint256,uint16)": 1,
        "Withdraw(address,address,address,uint256)": 0,
        "Borrow(address,address,address,uint256,uint256,uint256,uint16)": 1,
        "Borrow(address,address,address,uint256,uint8,uint256,uint16)": 1,
        "Repay(address,address,address,uint256)": 0,
        "Repay(address,address,address,uint256,bool)": 0,
        "DeficitCovered(address,address,uint256)": 1,
    }.items()
}
"""Topic of the pool's events to the word of their data that is the amount."""
ACCOUNT_DATA = 6
"""Integers of `getUserAccountData`."""


def play(arena: Arena, case: Case | CaseV2, tally: Tally) -> None:
    """Take the steps of `case` on a fresh market. Raises Differs at the first difference."""
    with arena.chain.anchor():
        arena.prepare(case)
        game = _Game(arena, tally)
        for step in case.steps:
            game.take(step)
    tally.cases += 1


class _Game:
    """One case under way: what the contracts say now, and the step that is being taken."""

    def __init__(self, arena: Arena, tally: Tally) -> None:
        self.arena, self.sides = arena, SideBySide(tally)
        self.scene = self._look(START)
        self.n_integers = arena.n_integers(self.scene.market)

    def take(self, step: Step) -> None:
        """Take one step in both worlds and compare what came of it."""
        self.sides.begin(step)
        move = move_of(self.scene, step)
        if move is None:
            self._set_up(step)
            return
        outcome = move.model()
        receipt, reason = self._send(move)
        self.sides.tally.count(f"{type(step).__name__}: {reason}")
        refused = isinstance(outcome, self.arena.rules.Revert)
        self.sides.same("outcome", outcome.name if refused else DONE, reason)
        if refused:  # the EVM itself has undone what was done
            return
        before, self.scene = self.scene, self._look(self.scene.now)
        self._compare_markets(outcome.market, self.scene.market)
        if move.call is None:
            self.sides.same("amount", outcome.amount, _amount_told(receipt))
        else:
            told = self.arena.liquidation_told(receipt, before.market, move.call)
            self.sides.equal("amounts", self.arena.liquidation_said(outcome), told, len(told))

    def _set_up(self, step: Step) -> None:
        market = self.scene.market
        now = act(self.scene, step)
        self.scene = self._look(now, market if _leaves_market(market, step) else None)

    def _look(self, now: int, market: Any = None) -> Scene:
        """Read everything from the contracts (but for a `market` that is known) and compare what derives from it."""
        arena = self.arena
        market = market or arena.reader.market(arena.users)
        scene = Scene(arena, market, arena.reader.prices(), arena.account_data(), now)
        for user, chain in scene.data.items():
            said = _account_data(scene, user)
            self.sides.equal(f"account data of {user}", said, chain, ACCOUNT_DATA if chain else 1)
        for reserve_id, chain in arena.reader.normalized().items():
            said = arena.normalized_of(market, reserve_id, now)
            self.sides.equal(f"growth of reserve {reserve_id}", said, chain, len(chain))
        return scene

    def _send(self, move: Move) -> tuple[Mapping[str, Any], str]:
        """The receipt of a call of the pool, and why it was refused if it was."""
        chain = self.arena.chain
        data = calldata(move.signature, *move.arguments)
        call = {"from": move.sender, "to": self.arena.pool, "data": data}
        receipt = chain.send(call)
        if receipt["status"] == 1:
            return receipt, DONE
        return receipt, decode_revert(chain.revert_data(call) or b"", self.arena.errors)

    def _compare_markets(self, model: Any, chain: Any) -> None:
        """Every reserve and every account: what the step must have changed, and what it must not."""
        self.sides.equal("after", _comparable(model), _comparable(chain), self.n_integers)


def _leaves_market(market: Any, step: Step) -> bool:
    """Whether a step touches nothing that is read as the market: prices are not, and time only by a sentinel."""
    timeless = getattr(market, "sentinel_allows_liquidation", None) is None
    return isinstance(step, (SetPrice, Steer)) or (isinstance(step, Wait) and timeless)


def _account_data(scene: Scene, user: str) -> Any:
    """What the model says of `user`; None where it says that the getter reverts."""
    try:
        return scene.arena.account_data_of(scene.market, user, scene.at)
    except EvmRevert:
        return None


def _amount_told(receipt: Mapping[str, Any]) -> int:
    """The amount in the last event of the pool that has one; 0 for a switch."""
    for log in reversed(receipt["logs"]):
        word = AMOUNT_WORDS.get(bytes(log["topics"][0]))
        if word is not None:
            return int.from_bytes(bytes(log["data"])[32 * word : 32 * word + 32])
    return 0


def _comparable(market: Any) -> Any:
    """Reserves and accounts, and of these the positions that say something: an empty one may be listed or not."""
    accounts = {}
    for user in sorted(market.accounts):
        account = market.accounts[user]
        held = {i: one for i, one in sorted(account.positions.items()) if one != type(one)()}
        accounts[user] = replace(account, positions=held)
    return {"reserves": dict(market.reserves), "accounts": accounts}
