"""Who liquidates: a bot with finite money that compares what it would seize with what it pays, at market prices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, isinf

from protocol.model import AssetId, Offer, Quote, Refused, User
from protocol.units import BASE_PER_USD
from stress.opportunity import Opportunity
from stress.scenario import Liquidator

ROUNDING_USD = 0.01
"""A quote may come out better than the rate says by the rounding of a few units; far less than this."""
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

    def would_send(self, seen: Opportunity) -> Offer | None:
        """What it would do now, or None: too soon, no money, no margin, or gas eats the profit."""
        last = self._last_sent.get(seen.user)
        if self.rules.blind and last is not None and seen.at.timestamp < last + self.rules.retry_s:
            return None
        free_usd = self.free_usd(seen.at.timestamp)
        if free_usd <= 0:
            return None
        for collateral, debt in seen.pairs(self._payable(seen)):
            if not self._could_profit(seen, collateral, debt, free_usd):
                continue
            for cover in self._covers(seen, debt, free_usd):
                offer = Offer(
                    borrower=seen.user,
                    liquidator=self.account,
                    collateral_id=collateral,
                    debt_id=debt,
                    repay=cover,
                    keep_shares=self.rules.receive_atoken,
                )
                if self._profits(seen, offer, free_usd):
                    return offer
        return None

    @property
    def heeds_dust_rule(self) -> bool:
        """A blind bot does not look what it would leave behind."""
        return not self.rules.blind

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

    def _payable(self, seen: Opportunity) -> list[AssetId]:
        """The debts it has the asset of; all, where money has no limit: an asset it lacks is money it lacks."""
        return [i for i in seen.debts_base if self._has(seen, i)]

    def _has(self, seen: Opportunity, asset_id: AssetId) -> bool:
        """Whether it pays in this asset."""
        known = self.rules.debt_assets
        return self.unlimited or not known or seen.assets[asset_id].symbol in known

    def _could_profit(self, seen: Opportunity, collateral: AssetId, debt: AssetId, free_usd: float) -> bool:
        """Whether the most that could be paid would leave enough after gas: spares asking for a quote."""
        margin_usd = seen.most_margin_usd(collateral, debt, free_usd)
        return margin_usd - seen.gas_cost_usd >= self.rules.min_profit_usd - ROUNDING_USD

    def _covers(self, seen: Opportunity, debt: AssetId, free_usd: float) -> Iterator[int | None]:
        """Amounts it tries in turn: all that is allowed, or what its money buys, then what leaves enough behind."""
        whole = seen.units_for(debt, seen.debts_base[debt])
        affordable = whole if isinf(free_usd) else seen.units_for(debt, int(free_usd * BASE_PER_USD))
        yield None if whole <= affordable else affordable
        rest = min(whole - seen.units_for(debt, LEFTOVER_USD * BASE_PER_USD), affordable)
        if rest > 0 and not self.rules.blind:
            yield rest

    def _profits(self, seen: Opportunity, offer: Offer, free_usd: float) -> bool:
        """Whether it goes through, can be paid and leaves enough after gas."""
        quote = seen.quote(offer, heeds_dust_rule=self.heeds_dust_rule)
        if isinstance(quote, Refused) or not self._affords(seen, quote, free_usd):
            return False
        return seen.margin_usd(quote) - seen.gas_cost_usd >= self.rules.min_profit_usd

    def _affords(self, seen: Opportunity, quote: Quote, free_usd: float) -> bool:
        """Whether it has all that the call takes, which may be more than the pair's debt."""
        if not all(self._has(seen, i) for i, amount in quote.paid.items() if amount):
            return False
        return seen.paid_usd(quote) <= free_usd + ROUNDING_USD
