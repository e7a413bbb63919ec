"""Plays a drawn case on the real Aave v2 and in the model, and lays every integer side by side.

After each step the market is read from the contracts; the model is given what was read before the step. So
every step is compared on its own, and a difference names the step that made it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from eth_utils.crypto import keccak

from forks.aave_v2.deploy import ERRORS
from forks.artifacts import decode_revert
from forks.calldata import calldata
from protocol.aave_v2 import (
    AccountData,
    Acted,
    Liquidated,
    Market,
    Position,
    Reserve,
    Revert,
    account_data,
    normalized_debt,
    normalized_income,
)
from protocol.errors import EvmRevert
from tests.fuzz.aave_v2_arena import START, USERS, Arena
from tests.fuzz.aave_v2_moves import Scene, move_of, set_up
from tests.fuzz.tally import Tally
from tests.strategies_v2 import Case, Step

AMOUNT_WORDS = {
    keccak(text=event): words
    for event, words in {
        "Deposit(address,address,address,uint256,uint16)": (1,),
        "Withdraw(address,address,address,uint256)": (0,),
        "Borrow(address,address,address,uint256,uint256,uint256,uint16)": (1,),
        "Repay(address,address,address,uint256)": (0,),
        "LiquidationCall(address,address,address,uint256,uint256,address,bool)": (0, 1),
    }.items()
}
"""Topic of the pool's events to the words of their data that are amounts."""
RESERVE_INTEGERS = len(fields(Reserve)) - 5 - 1 + 3
"""Without id, names, configuration and strategy, and with the three of the stable totals in place of one."""
POSITION_INTEGERS = len(fields(Position)) - 1 + 3
"""With the three of the stable debt in place of one."""


class Differs(AssertionError):
    """Model and contracts disagree on one integer or on the reason of a refusal."""

    def __init__(self, place: int, step: Step | None, name: str, model: Any, chain: Any) -> None:
        super().__init__(f"step {place} {step}: {name}: model {model}, contracts {chain}")


def play(arena: Arena, case: Case, tally: Tally) -> None:
    """Take the steps of `case` on a fresh market. Raises Differs at the first difference."""
    with arena.chain.anchor():
        arena.prepare(case.setups)
        game = _Game(arena, tally)
        for step in case.steps:
            game.take(step)
    tally.cases += 1


class _Game:
    """One case under way: what the contracts say now, and the step that is being taken."""

    def __init__(self, arena: Arena, tally: Tally) -> None:
        self.arena, self.tally = arena, tally
        self.place, self.step = 0, None
        self.scene = self._look(START)

    def take(self, step: Step) -> None:
        """Take one step in both worlds and compare what came of it."""
        self.place, self.step = self.place + 1, step
        self.tally.steps += 1
        before = self.scene
        move = move_of(before, step)
        if move is None:
            self.scene = self._look(set_up(before, step))
            return
        outcome, (receipt, reason) = move.model(), self._send(move.sender, move.signature, move.arguments)
        self.tally.count(f"{type(step).__name__}: {reason or 'goes through'}")
        self._equal("refused because of", outcome.name if isinstance(outcome, Revert) else None, reason)
        self.scene = self._look(before.now)
        if isinstance(outcome, Revert):
            self._equal("market", before.market, self.scene.market)
            return
        self._equal("market", outcome.market, self.scene.market)
        self._equal("amounts", amounts_of_model(outcome), amounts_of_events(self.scene.pool, receipt))

    def _look(self, now: int) -> Scene:
        """Read everything from the contracts, and compare what the model derives from it."""
        reader = self.arena.reader
        market, prices, data = reader.market(USERS), reader.prices(), reader.account_data(USERS)
        for user, chain in data.items():
            self._equal(f"account data of {user}", _account_data(market, user, prices, now), chain)
        for reserve_id, (income, debt) in reader.normalized().items():
            reserve = market.reserves[reserve_id]
            self._equal(f"normalized income of {reserve.symbol}", normalized_income(reserve, now), income)
            self._equal(f"normalized debt of {reserve.symbol}", normalized_debt(reserve, now), debt)
        return Scene(self.arena, market, prices, data, now)

    def _send(
        self, sender: str, signature: str, arguments: tuple[Any, ...]
    ) -> tuple[Mapping[str, Any], str | None]:
        """The receipt of a call of the pool, and why it was refused if it was."""
        chain = self.arena.chain
        call = {"from": sender, "to": self.scene.pool, "data": calldata(signature, *arguments)}
        receipt = chain.send(call)
        if receipt["status"] == 1:
            return receipt, None
        return receipt, decode_revert(chain.revert_data(call) or b"", ERRORS)

    def _equal(self, name: str, model: Any, chain: Any) -> None:
        """Compare whole values, and integer by integer where they differ."""
        model, chain = _without_empty(model), _without_empty(chain)
        self.tally.integers += _n_integers(chain)
        if model == chain:
            return
        ours, theirs = dict(_leaves(name, model)), dict(_leaves(name, chain))
        for leaf in [*ours, *(leaf for leaf in theirs if leaf not in ours)]:
            if ours.get(leaf) != theirs.get(leaf):
                raise Differs(self.place, self.step, leaf, ours.get(leaf), theirs.get(leaf))
        raise Differs(self.place, self.step, name, model, chain)


def _account_data(market: Market, user: str, prices: Mapping[int, int], now: int) -> AccountData | None:
    """What the model says of `user`; None where it says that the getter reverts."""
    try:
        return account_data(market, user, prices_base=prices, timestamp=now)
    except EvmRevert:
        return None


def amounts_of_model(outcome: Acted | Liquidated) -> tuple[int, ...]:
    """What the model says the event tells; nothing for a switch."""
    if isinstance(outcome, Liquidated):
        return outcome.debt_repaid, outcome.collateral_to_liquidator
    return (outcome.amount,) if outcome.amount else ()


def amounts_of_events(pool: str, receipt: Mapping[str, Any]) -> tuple[int, ...]:
    """The amounts in the last event of the pool that has any."""
    for log in reversed(receipt["logs"]):
        words = AMOUNT_WORDS.get(bytes(log["topics"][0]), ())
        if words and str(log["address"]).lower() == pool.lower():
            data = bytes(log["data"])
            return tuple(int.from_bytes(data[32 * word : 32 * word + 32]) for word in words)
    return ()


def _without_empty(value: Any) -> Any:
    """A market with the positions that say something only: whether others are listed is nobody's business."""
    if not isinstance(value, Market):
        return value
    accounts = {
        user: {i: held for i, held in sorted(value.accounts[user].positions.items()) if held != Position()}
        for user in sorted(value.accounts)
    }
    return {"reserves": dict(value.reserves), "accounts": accounts, "paused": value.paused}


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value inside `value` by its path."""
    if is_dataclass(value):
        inside = {one.name: getattr(value, one.name) for one in fields(value)}
    elif isinstance(value, Mapping):
        inside = value
    elif isinstance(value, tuple):
        inside = dict(enumerate(value))
    else:
        yield name, value
        return
    for key, one in inside.items():
        yield from _leaves(f"{name}.{key}", one)


def _n_integers(value: Any) -> int:
    """How many integers that can move are in `value`; a position that is absent counts as its zeros."""
    if isinstance(value, Mapping):
        n_positions = len(value["accounts"]) * len(value["reserves"])
        return n_positions * POSITION_INTEGERS + len(value["reserves"]) * RESERVE_INTEGERS
    if isinstance(value, tuple):
        return len(value)
    return len(fields(value)) if is_dataclass(value) else 1
