"""Plays a drawn case on the real Compound v2 and in the model, and lays every integer side by side.

After each step all is read from the contracts; the model is given what was read before the step. So every step is
compared on its own, and a difference names the step that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from eth_abi.abi import decode

from forks.artifacts import ErrorTable, decode_revert
from forks.compound_v2.failures import failures
from protocol import compound_v2 as rules
from protocol.compound_v2 import Account, CToken, Market, Position
from protocol.compound_v2.health import snapshot
from protocol.compound_v2.reporter import Rejected, ReturnedCode, TokenError
from protocol.errors import EvmRevert
from tests import steps_compound_v2 as draws
from tests.fuzz.compound_v2_acts import LEAVE_MARKET, act, set_up_in
from tests.fuzz.compound_v2_arena import FIRST_BLOCK, ArenaCompoundV2, Pool, Standing
from tests.fuzz.compound_v2_moves import Move, move_of
from tests.fuzz.compound_v2_scene import Scene
from tests.fuzz.side_by_side import SideBySide
from tests.fuzz.tally import DONE, Tally

NO_NAMES = ErrorTable(by_selector={}, by_code={})
"""The contracts revert with strings, which are the names."""
COMPTROLLER, CTOKEN, POSITION = 4, 19, 4
"""Integers of the Comptroller, of one market with its rate model and settings, and of one position."""


def play(arena: ArenaCompoundV2, case: draws.Case, tally: Tally) -> None:
    """Take the steps of `case` in its markets. Raises Differs at the first difference."""
    pool = arena.pool(case.comptroller)
    with pool.prepared(case):
        game = _Game(pool, tally)
        for step in case.steps:
            game.take(step)
    tally.cases += 1


class _Game:
    """One case under way: what the contracts say now, and the step that is being taken."""

    def __init__(self, pool: Pool, tally: Tally) -> None:
        self.pool, self.sides = pool, SideBySide(tally)
        self.scene = self._look(FIRST_BLOCK)
        n_markets = len(pool.ctokens)
        self.n_integers = COMPTROLLER + n_markets * (CTOKEN + POSITION * len(pool.users))

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
        outcome, codes = move.model(), self._codes(step, move)
        receipt, reason, raw = self._send(move)
        self.sides.tally.count(f"{type(step).__name__}: {reason}")
        went_wrong = isinstance(outcome, rules.Failure | rules.Revert)
        self.sides.same("outcome", outcome.raw if went_wrong else DONE, raw)
        if isinstance(outcome, rules.Failure):
            self.sides.same("cause", outcome.name, reason)
        if isinstance(outcome, rules.Revert):  # the EVM itself has undone what was done
            return
        self.scene = self._look(before.block)
        self._compare_market(outcome.market)
        if went_wrong:  # it goes through all the same, and what it did before it failed stays
            return
        said = move.said(outcome)
        self.sides.equal("amounts", said, self.pool.told(receipt, move.events), sum(map(len, said.values())))
        if codes is not None:
            self.sides.equal("codes", tuple(map(int, outcome.codes)), codes, len(codes))

    def _look(self, block: int, market: Market | None = None) -> Scene:
        """Read everything from the contracts (but for a `market` that is known) and compare what derives from it."""
        pool = self.pool
        scene = Scene(pool, market or pool.reader.market(pool.users), pool.reader.prices(), block)
        chain = pool.standings()
        n_integers = len(chain) * (3 + 4 * len(pool.ctokens))
        self.sides.equal("views", {user: _standing(scene, user) for user in chain}, chain, n_integers)
        if market is None:
            said = {id_: _rates(ctoken) for id_, ctoken in scene.market.ctokens.items()}
            self.sides.equal("rates", said, pool.rates(), 3 * len(said))
        return scene

    def _codes(self, step: draws.Step, move: Move) -> tuple[int, ...] | None:
        """What entering markets would return: a receipt does not tell."""
        if not isinstance(step, draws.EnterMarkets):
            return None
        answer = self.pool.chain.rpc.call("eth_call", move.transaction, "latest")
        return decode(["uint256[]"], bytes.fromhex(answer[2:]))[0]

    def _send(self, move: Move) -> tuple[Mapping[str, Any], str, str]:
        """The receipt of a call; why it did nothing, if so, and in the contracts' own words."""
        chain = self.pool.chain
        receipt = chain.send(move.transaction)
        if receipt["status"] != 1:
            said = decode_revert(chain.revert_data(move.transaction) or b"", NO_NAMES)
            return receipt, said, said
        told = failures(receipt)
        if not told:
            return receipt, DONE, DONE
        first, last = told[0], told[-1]
        of_token = first.emitter != self.pool.comptroller
        return receipt, first.token_cause if of_token else first.comptroller_cause, last.raw

    def _compare_market(self, market: Market) -> None:
        """The markets and every account: what the step must have changed, and what it must not."""
        said, told = _comparable(market), _comparable(self.scene.market)
        self.sides.equal("after", said, told, self.n_integers)


def _standing(scene: Scene, user: str) -> Standing:
    """What the model says that the views answer."""
    data = _or_none(rules.account_data, scene.market, user, **scene.at)
    liquidity = (int(data.error), data.liquidity_usd_mantissa, data.shortfall_usd_mantissa) if data else None
    positions = scene.market.accounts.get(user, Account()).positions
    snapshots = [
        _snapshot(ctoken, positions.get(id_, Position())) for id_, ctoken in scene.market.ctokens.items()
    ]
    return Standing(liquidity, tuple(snapshots))


def _snapshot(ctoken: CToken, position: Position) -> tuple[int, ...]:
    try:
        return (TokenError.NO_ERROR, *snapshot(ctoken, position))
    except Rejected:
        return (TokenError.MATH_ERROR, 0, 0, 0)


def _rates(ctoken: CToken) -> tuple[int | None, ...]:
    stored = {
        "cash": ctoken.cash_underlying,
        "borrows": ctoken.total_borrows_underlying,
        "reserves": ctoken.total_reserves_underlying,
    }
    factor = ctoken.config.reserve_factor_mantissa
    return (
        _or_none(rules.borrow_rate, ctoken.rate_model, **stored),
        _or_none(rules.supply_rate, ctoken.rate_model, **stored, reserve_factor_mantissa=factor),
        _or_none(rules.exchange_rate, ctoken),
    )


def _or_none(view: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return view(*arguments, **named)
    except (EvmRevert, ReturnedCode):
        return None


def _comparable(market: Market) -> Market:
    """The market without accounts in which nothing is set: these may be listed or not."""
    accounts = {user: one for user, one in sorted(market.accounts.items()) if one != Account()}
    return replace(market, accounts=accounts)
