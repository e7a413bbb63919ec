"""Plays a drawn case on the real Aave v3 and in the model, and lays every integer side by side.

After each step the market is read from the contracts; the model is given what was read before the step. So
every step is compared on its own, and a difference names the step that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_utils.crypto import keccak

from forks.aave_v3.events import liquidation_amounts
from forks.aave_v3.getters import Question, ask_each
from forks.aave_v3.parity import MISSING, flatten_account_data, flatten_market, flatten_outcome
from forks.aave_v3.reader import account_data_of
from forks.artifacts import decode_revert
from forks.calldata import calldata
from protocol.aave_v3 import (
    AccountData,
    Acted,
    Liquidated,
    Market,
    Revert,
    account_data,
    normalized_debt,
    normalized_income,
)
from protocol.errors import EvmRevert
from tests.fuzz.aave_v3_arena import START, Arena
from tests.fuzz.aave_v3_moves import Move, Scene, move_of, set_up
from tests.fuzz.tally import Tally
from tests.steps import Case, Step

AMOUNT_WORDS = {
    keccak(text=event): word
    for event, word in {
        "Supply(address,address,address,uint256,uint16)": 1,
        "Withdraw(address,address,address,uint256)": 0,
        "Borrow(address,address,address,uint256,uint8,uint256,uint16)": 1,
        "Repay(address,address,address,uint256,bool)": 0,
        "DeficitCovered(address,address,uint256)": 1,
    }.items()
}
"""Topic of the pool's events to the word of their data that is the amount."""
THE_DONE = "goes through"


class Differs(AssertionError):
    """Model and contracts disagree on one integer or on the reason of a refusal."""

    def __init__(self, place: int, step: Step | None, name: str, model: Any, chain: Any) -> None:
        super().__init__(f"step {place} {step}: {name}: model {model}, contracts {chain}")


def play(arena: Arena, case: Case, tally: Tally) -> None:
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
        self.arena, self.tally = arena, tally
        self.place, self.step = 0, None
        self.scene, self.read = self._look(START)

    def take(self, step: Step) -> None:
        """Take one step in both worlds and compare what came of it."""
        self.place, self.step = self.place + 1, step
        self.tally.steps += 1
        move = move_of(self.scene, step)
        if move is None:
            self.scene, self.read = self._look(set_up(self.scene, step))
            return
        outcome = move.model()
        receipt, reason = self._send(move)
        self.tally.count(f"{type(step).__name__}: {reason}")
        self._same("outcome", outcome.name if isinstance(outcome, Revert) else THE_DONE, reason)
        if isinstance(outcome, Revert):  # the EVM itself has undone what was done
            return
        self.scene, self.read = self._look(self.scene.now)
        self._equal("after", flatten_market(outcome.market, self.arena.users), self.read)
        self._equal("amounts", self._said(outcome), self._told(move, receipt))

    def _look(self, now: int) -> tuple[Scene, dict[str, int]]:
        """Read everything from the contracts, and compare what the model derives from it."""
        reader, users = self.arena.reader, self.arena.users
        market, prices = reader.market(users), reader.prices()
        data: dict[str, AccountData | None] = {}
        questions = [Question(reader.listing.pool, "getUserAccountData(address)", (user,)) for user in users]
        for user, answer in zip(users, ask_each(self.arena.chain, questions), strict=True):
            data[user] = account_data_of(answer) if answer else None
            model = _account_data(market, user, prices, now)
            self._equal(f"account data of {user}", _flat(model), _flat(data[user]))
        self._compare_indices(market, now)
        return Scene(self.arena, market, prices, data, now), flatten_market(market, users)

    def _compare_indices(self, market: Market, now: int) -> None:
        for reserve_id, (income, debt) in self.arena.reader.normalized().items():
            reserve = market.reserves[reserve_id]
            self._same("normalized income", normalized_income(reserve, market.rules, now), income)
            self._same("normalized debt", normalized_debt(reserve, market.rules, now), debt)

    def _send(self, move: Move) -> tuple[Mapping[str, Any], str]:
        """The receipt of a call of the pool, and why it was refused if it was."""
        chain = self.arena.chain
        data = calldata(move.signature, *move.arguments)
        call = {"from": move.sender, "to": self.scene.pool, "data": data}
        receipt = chain.send(call)
        if receipt["status"] == 1:
            return receipt, THE_DONE
        return receipt, decode_revert(chain.revert_data(call) or b"", self.arena.errors)

    def _said(self, outcome: Acted | Liquidated) -> dict[str, int]:
        """The amounts that the model says."""
        if isinstance(outcome, Liquidated):
            return flatten_outcome(outcome, outcome.market)
        return {"amount": outcome.amount}

    def _told(self, move: Move, receipt: Any) -> dict[str, int]:
        """The amounts that the events tell; 0 for a switch."""
        if move.call is not None:
            atoken = self.arena.reader.listing.reserves[move.call.collateral_id].atoken
            return liquidation_amounts(receipt, self.scene.market, move.call, atoken)
        amounts = [0]
        for log in receipt["logs"]:
            word = AMOUNT_WORDS.get(bytes(log["topics"][0]))
            if word is not None:
                amounts.append(int.from_bytes(bytes(log["data"])[32 * word : 32 * word + 32]))
        return {"amount": amounts[-1]}

    def _same(self, name: str, model: int | str, chain: int | str) -> None:
        self.tally.integers += 1
        if model != chain:
            raise Differs(self.place, self.step, name, model, chain)

    def _equal(self, name: str, model: Mapping[str, int], chain: Mapping[str, int]) -> None:
        self.tally.integers += len(chain)
        if model == chain:
            return
        for leaf in [*model, *(leaf for leaf in chain if leaf not in model)]:
            if model.get(leaf, MISSING) != chain.get(leaf, MISSING):
                raise Differs(self.place, self.step, f"{name} {leaf}", model.get(leaf), chain.get(leaf))


def _account_data(market: Market, user: str, prices: Mapping[int, int], now: int) -> AccountData | None:
    """What the model says of `user`; None where it says that the getter reverts."""
    try:
        return account_data(market, user, prices_base=prices, timestamp=now)
    except EvmRevert:
        return None


def _flat(data: AccountData | None) -> dict[str, int]:
    return flatten_account_data(data, "") if data else {"reverts": 1}
