"""Who liquidates: a bot with finite money that compares what it would seize with what it pays, at market prices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, isinf

from protocol.aave_v3 import LiquidationCall, ReserveId, Revert, User
from protocol.units import MAX_UINT256
from stress.opportunity import BASE_PER_USD, Opportunity
from stress.scenario import Liquidator

LEFTOVER_USD = 1_001
"""What a careful bot leaves on both sides when the whole is not to be had: the dust rule asks for 1,000."""


@dataclass(kw_only=True, slots=True)
class BoundMoney:
    """Which bot has bound how much money, and when."""

    entries: dict[str, list[tuple[int, float]]] = field(default_factory=dict[str, list[tuple[int, float]]])
    """(timestamp, usd) by bot, in the order of time."""

    def bind(self, bot: str, timestamp: int, usd: float) -> None:
        """Note that `bot` paid so much; calls come in the order of time."""
        self.entries.setdefault(bot, []).append((timestamp, usd))

    def bound(self, bot: str, since: int, until: int) -> float:
        """Dollars that `bot` bound in (since, until]."""
        entries = self.entries.get(bot, [])
        first = bisect_right(entries, (since, inf))
        return sum(usd for _, usd in entries[first : bisect_right(entries, (until, inf))])


@dataclass(kw_only=True, slots=True)
class Bot:
    """A liquidator at work: its rules, its account and the money it has bound so far."""

    rules: Liquidator
    account: User
    taken: BoundMoney
    """Money bound by calls that are not part of this run; those of this run are added to `own`."""
    unlimited: bool = False
    own: BoundMoney = field(default_factory=BoundMoney)
    _last_sent: dict[User, int] = field(default_factory=dict)

    def would_send(self, seen: Opportunity) -> LiquidationCall | None:
        """The call it would send now, or None: too soon, no pair, no margin, no money, or gas eats the profit."""
        if (
            self.rules.blind
            and seen.timestamp < self._last_sent.get(seen.user, -(10**9)) + self.rules.retry_s
        ):
            return None
        pair = self._pair(seen)
        if pair is None or not seen.pays(*pair):
            return None
        for cover in self._covers(seen, pair[1]):
            call = LiquidationCall(
                collateral_id=pair[0],
                debt_id=pair[1],
                borrower=seen.user,
                liquidator=self.account,
                debt_to_cover=cover,
                receive_atoken=self.rules.receive_atoken,
            )
            if self._profits(seen, call):
                return call
        return None

    def sent(self, user: User, timestamp: int) -> None:
        """Remember when it last sent a call for `user`."""
        self._last_sent[user] = timestamp

    def paid(self, timestamp: int, usd: float) -> None:
        """Bind money that it paid."""
        self.own.bind(self.rules.name, timestamp, usd)

    def free_usd(self, timestamp: int) -> float:
        """Dollars it can pay at once."""
        if self.unlimited:
            return inf
        since = timestamp - self.rules.turnaround_s
        name = self.rules.name
        bound = self.own.bound(name, since, timestamp) + self.taken.bound(name, since, timestamp)
        return self.rules.capital_usd - bound

    def _pair(self, seen: Opportunity) -> tuple[ReserveId, ReserveId] | None:
        """The largest collateral and the largest debt it can pay, by observed value; ties by reserve id."""
        payable = {
            i: value
            for i, value in seen.debts_base.items()
            if not self.rules.debt_assets or seen.market.reserves[i].symbol in self.rules.debt_assets
        }
        if not seen.collaterals_base or not payable:
            return None
        return _largest(seen.collaterals_base), _largest(payable)

    def _covers(self, seen: Opportunity, debt: ReserveId) -> Iterator[int]:
        """Amounts it tries in turn: all that is allowed, or what its money buys, then what leaves enough behind."""
        free_usd, debt_base = self.free_usd(seen.timestamp), seen.debts_base[debt]
        if free_usd <= 0:
            return
        affordable = MAX_UINT256 if isinf(free_usd) else seen.units_for(debt, int(free_usd * BASE_PER_USD))
        whole = seen.units_for(debt, debt_base)
        yield MAX_UINT256 if whole <= affordable else affordable
        rest = min(whole - seen.units_for(debt, LEFTOVER_USD * BASE_PER_USD), affordable)
        if rest > 0 and not self.rules.blind:
            yield rest

    def _profits(self, seen: Opportunity, call: LiquidationCall) -> bool:
        """Whether the call goes through and leaves enough after gas; a blind bot does not heed the dust rule."""
        seized = seen.quote(call, heeds_dust_rule=not self.rules.blind)
        if isinstance(seized, Revert):
            return False
        return seen.margin_usd(call, seized) - seen.gas_cost_usd >= self.rules.min_profit_usd


def _largest(values: Mapping[ReserveId, int]) -> ReserveId:
    return min(values, key=lambda reserve_id: (-values[reserve_id], reserve_id))
