"""The chain beside the model: every event of a crash carried out on the node, every integer compared.

The engine yields an event before it happens, with what the model says of it. Here the block is made, the call is
sent, the chain is read, and the two are laid side by side; only then does the engine go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from web3.types import TxReceipt

from forks.aave_v3 import events
from forks.aave_v3.parity import Ledger, flatten_account_data, flatten_market, flatten_outcome
from forks.aave_v3.venue import Venue
from protocol.aave_v3 import (
    AccountData,
    LiquidationCall,
    Market,
    User,
    account_data,
    normalized_debt,
    normalized_income,
)
from protocol.model import Refused
from stress.engine import Attempt, Engine, Run, Tick

LIQUIDATION_GAS = 3_000_000


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
            self._move_clock(last.at.timestamp)
            users = engine.crash.borrowers
            self.compare_accounts("end", run.market, users, last.at.prices_base, last.at.timestamp)
            self._compare_stored("end", run.market, users)
        return run

    def compare_accounts(
        self,
        subject: str,
        market: Market,
        users: Iterable[User],
        prices_base: Mapping[int, int],
        timestamp: int,
    ) -> None:
        """What the rules make of each account, and what the pool says, at the block the node stands at."""
        users = list(users)
        at = {"prices_base": prices_base, "timestamp": timestamp}
        for user, chain in zip(users, self.venue.account_data(users), strict=True):
            self.ledger.compare(
                subject,
                flatten_account_data(account_data(market, user, **at), f"account.{user}"),
                flatten_account_data(chain, f"account.{user}"),
                None,
            )

    def _compare_stored(
        self, subject: str, market: Market, users: Iterable[User], before: Mapping[str, int] | None = None
    ) -> None:
        """Everything stored, as the model has carried it on and as the chain has it; `before` as of the ledger."""
        users = list(users)
        chain = self.venue.market(users)
        self.ledger.compare(subject, flatten_market(market, users), flatten_market(chain, users), before)

    def _tick(self, tick: Tick) -> None:
        """Let the feed transmissions of this block land."""
        self.on_step()
        if tick.changed:
            self.venue.set_prices({i: tick.at.prices_base[i] for i in tick.changed})
            self._move_clock(tick.at.timestamp)

    def _move_clock(self, timestamp: int) -> None:
        """Stand at `timestamp`: later transactions share it, so reading now previews them exactly."""
        if timestamp != self._clock:
            self.venue.node.set_time(timestamp)
            self._clock = timestamp

    def _attempt(self, attempt: Attempt, index: int) -> None:
        self._move_clock(attempt.at.timestamp)
        subject = f"liquidation {index}"
        call = attempt.call
        users = [call.borrower, call.liquidator, attempt.market.treasury]
        before = flatten_market(self.venue.market(users), users)
        data_before = self._compare_before(subject, attempt)
        if isinstance(attempt.predicted, Refused):
            self._refused(subject, index, attempt, attempt.predicted, users, before)
        else:
            self._through(subject, index, attempt, attempt.predicted, users, before, data_before)

    def _compare_before(self, subject: str, attempt: Attempt) -> AccountData:
        """The borrower's account data and both indices as of now, before anything is sent."""
        call = attempt.call
        chain = self.venue.account_data([call.borrower])[0]
        self.ledger.compare(
            subject,
            flatten_account_data(_account_data(attempt.market, attempt), "before"),
            flatten_account_data(chain, "before"),
            None,
        )
        rules = attempt.market.rules
        model: dict[str, int] = {}
        found: dict[str, int] = {}
        pair = sorted({call.collateral_id, call.debt_id})
        for reserve_id, (income_ray, debt_ray) in self.venue.normalized(pair).items():
            reserve = attempt.market.reserves[reserve_id]
            name = f"before.normalized_income.{reserve.symbol}"
            model[name], found[name] = normalized_income(reserve, rules, attempt.at.timestamp), income_ray
            name = f"before.normalized_debt.{reserve.symbol}"
            model[name], found[name] = normalized_debt(reserve, rules, attempt.at.timestamp), debt_ray
        self.ledger.compare(subject, model, found, None)
        return chain

    def _through(
        self,
        subject: str,
        index: int,
        attempt: Attempt,
        predicted: Any,
        users: list[User],
        before: dict[str, int],
        data_before: AccountData,
    ) -> None:
        call = attempt.call
        receipt = self._send(index, call)
        if receipt["status"] != 1:
            self.ledger.refused(subject, "goes through", self.venue.refusal(call))
            return
        atoken = self.venue.listed()[call.collateral_id].atoken
        amounts = events.liquidation_amounts(receipt, attempt.market, call, atoken)
        self.chain[index] |= events.as_columns(amounts)
        self.ledger.compare(subject, flatten_outcome(predicted, attempt.market), amounts, None)
        after = _account_data(predicted.market, attempt)
        self.ledger.compare(
            subject,
            flatten_account_data(after, "after"),
            flatten_account_data(self.venue.account_data([attempt.call.borrower])[0], "after"),
            flatten_account_data(data_before, "after"),
        )
        self._compare_stored(subject, predicted.market, users, before)

    def _refused(
        self,
        subject: str,
        index: int,
        attempt: Attempt,
        predicted: Refused,
        users: list[User],
        before: dict[str, int],
    ) -> None:
        """A call the model says is refused: the reason, that it is refused indeed, and that nothing moved."""
        reason = self.venue.refusal(attempt.call)
        receipt = self._send(index, attempt.call)
        self.ledger.refused(subject, predicted.name, reason if receipt["status"] == 0 else "goes through")
        self._compare_stored(subject, attempt.market, users, before)

    def _send(self, index: int, call: LiquidationCall) -> TxReceipt:
        receipt = self.venue.liquidate(call, gas=LIQUIDATION_GAS)
        self.chain[index] = {
            "block_number": receipt["blockNumber"],
            "transaction_hash": receipt["transactionHash"].to_0x_hex(),
            "gas_used": receipt["gasUsed"],
            **events.as_columns({}),
        }
        return receipt


def _account_data(market: Market, attempt: Attempt) -> AccountData:
    """Of the borrower, in a market and at the moment of a call."""
    at = attempt.at
    return account_data(market, attempt.call.borrower, prices_base=at.prices_base, timestamp=at.timestamp)
