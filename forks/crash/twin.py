"""The chain beside the model: every event of a crash carried out on the node, every integer compared.

The engine yields an event before it happens, with what the model says of it. Here the block is made, the call is
sent, the chain is read, and the two are laid side by side; only then does the engine go on. The node has as many
blocks as the engine counts: one a step and one a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from forks.crash.ledger import Ledger
from forks.crash.venue import Amounts, Numbers, Sent, Venue
from protocol.model import At, Done, Refused, User
from stress.engine import Attempt, Engine, Run, Tick


@dataclass(kw_only=True, slots=True)
class Twin:
    """Carries a run of the engine out on a venue."""

    venue: Venue
    ledger: Ledger
    on_step: Callable[[], None] = lambda: None
    """Called at every block, for whoever shows progress."""
    chain: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What the chain alone says of each call, by index: block number, transaction hash, gas, amounts of events."""
    _clock: int = 0
    _height: int = 0
    """Number of the latest block, where the run counts blocks."""

    def run(self, engine: Engine) -> Run:
        """Carry out every event; compare as it goes and once more for the whole book at the end.

        Raises:
            ParityBroken: at the first integer that differs.
        """
        last: Tick | None = None
        for event in engine.events():
            if isinstance(event, Tick):
                self._tick(event)
                last = event
            else:
                self._attempt(event, len(self.chain))
        run = engine.finished()
        if last is not None:
            end = replace(last.at, block_number=max(last.at.block_number, self._height))
            self._stand_at(end)
            users = engine.crash.borrowers
            self.compare_accounts("end", run.market, users, end)
            self._compare_stored("end", run.market, users)
        return run

    def compare_accounts(self, subject: str, market: Any, users: Iterable[User], at: At) -> None:
        """What the rules make of each account, and what the contract says, at the block the node stands at."""
        users = list(users)
        model = self.venue.model_views(market, users, at)
        for user, said, found in zip(users, model, self.venue.views(users), strict=True):
            prefix = f"account.{user}"
            self.ledger.compare(subject, _under(prefix, said), _under(prefix, found), None)

    def _compare_stored(
        self, subject: str, market: Any, users: Sequence[User], before: Numbers | None = None
    ) -> None:
        """Everything stored, as the model has carried it on and as the chain has it; `before` as of the ledger."""
        chain = self.venue.market(users)
        stored = self.venue.stored
        self.ledger.compare(subject, stored(market, users), stored(chain, users), before)

    def _tick(self, tick: Tick) -> None:
        """Let the feed transmissions of this block land."""
        self.on_step()
        if tick.changed:
            self.venue.set_prices({i: tick.at.prices_base[i] for i in tick.changed})
            self._stand_at(tick.at)

    def _stand_at(self, at: At) -> None:
        """Stand at a block: later transactions share its time, so reading now previews them exactly."""
        behind = at.block_number - self._height - 1 if self._height else 0
        if behind > 0:
            self.venue.node.mine(behind)
        if behind >= 0 and (at.timestamp != self._clock or at.block_number != self._height):
            self.venue.node.set_time(at.timestamp)
        self._clock, self._height = at.timestamp, at.block_number

    def _attempt(self, attempt: Attempt, index: int) -> None:
        self._stand_at(attempt.seen)
        subject = f"liquidation {index}"
        users = self.venue.touched(attempt)
        before = self.venue.stored(self.venue.market(users), users)
        view_before = self._compare_before(subject, attempt)
        if isinstance(attempt.predicted, Refused):
            self._refused(subject, index, attempt, attempt.predicted, users, before)
        else:
            self._through(subject, index, attempt, attempt.predicted, users, before, view_before)

    def _compare_before(self, subject: str, attempt: Attempt) -> Numbers:
        """The borrower as the contract sees it, and what the pair's assets stand at, before anything is sent."""
        venue, market, seen = self.venue, attempt.market, attempt.seen
        borrower = [attempt.offer.borrower]
        (model,), (chain,) = venue.model_views(market, borrower, seen), venue.views(borrower)
        self.ledger.compare(subject, _under("before", model), _under("before", chain), None)
        self.ledger.compare(
            subject,
            _under("before", venue.model_pair_views(market, attempt.call, seen)),
            _under("before", venue.pair_views(attempt.call)),
            None,
        )
        return chain

    def _through(
        self,
        subject: str,
        index: int,
        attempt: Attempt,
        predicted: Done,
        users: Sequence[User],
        before: Numbers,
        view_before: Numbers,
    ) -> None:
        sent = self._send(index, attempt)
        if self.venue.refused(sent, ""):
            why = self.venue.refused(sent, self.venue.refusal(attempt.call))
            self.ledger.refused(subject, "goes through", why)
            return
        amounts = self.venue.amounts(sent, attempt)
        self.chain[index] |= _columns(amounts)
        self.ledger.compare(subject, self.venue.model_amounts(predicted, attempt).named, amounts.named, None)
        borrower = [attempt.offer.borrower]
        (model,) = self.venue.model_views(predicted.market, borrower, attempt.at)
        (chain,) = self.venue.views(borrower)
        self.ledger.compare(
            subject, _under("after", model), _under("after", chain), _under("after", view_before)
        )
        self._compare_stored(subject, predicted.market, users, before)

    def _refused(
        self,
        subject: str,
        index: int,
        attempt: Attempt,
        predicted: Refused,
        users: Sequence[User],
        before: Numbers,
    ) -> None:
        """A call the model says is refused: the reason, that it is refused indeed, and what it leaves behind."""
        previewed = self.venue.refusal(attempt.call)
        refusal = self.venue.refused(self._send(index, attempt), previewed)
        self.ledger.refused(subject, self.venue.expected(predicted), refusal or "goes through")
        self._compare_stored(subject, predicted.leaves(attempt.market), users, before)

    def _send(self, index: int, attempt: Attempt) -> Sent:
        sent = self.venue.liquidate(attempt.call)
        self._height = attempt.at.block_number
        self.chain[index] = {**sent.columns, **_columns(NOTHING_MOVED)}
        return sent


NOTHING_MOVED = Amounts(named={}, repaid=0, received=0, fee=0, written_off={})
"""Of a call that was refused."""


def _columns(amounts: Amounts) -> dict[str, str | dict[str, str]]:
    """The amounts as columns of the event table, beside what the model said."""
    return {
        "chain_debt_to_cover": str(amounts.repaid),
        "chain_liquidated_collateral_amount": str(amounts.received),
        "chain_protocol_fee": str(amounts.fee),
        "chain_deficits": {symbol: str(amount) for symbol, amount in amounts.written_off.items()},
    }


def _under(prefix: str, numbers: Mapping[str, int]) -> dict[str, int]:
    return {f"{prefix}.{name}": value for name, value in numbers.items()}
