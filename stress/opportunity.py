"""A borrower below health 1 as liquidators see it: what it has and owes, and what a call would come to."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.model import Asset, AssetId, At, Offer, Quote, Refused, RuleSet, User
from protocol.units import BASE_PER_USD


@dataclass(frozen=True, kw_only=True, slots=True)
class Opportunity:
    """One borrower in one block."""

    rules: RuleSet[Any, Any]
    assets: Mapping[AssetId, Asset]
    market: Any
    """With its indices grown to now: for reading."""
    user: User
    step: int
    at: At
    """The block, and what the protocol reads in it."""
    market_base: Mapping[AssetId, int]
    gas_cost_usd: float
    collaterals_base: Mapping[AssetId, int]
    """At observed prices, as in account data."""
    debts_base: Mapping[AssetId, int]
    _margins: dict[tuple[AssetId, AssetId], float] = field(default_factory=dict)
    _most_paid_usd: dict[tuple[AssetId, AssetId], float] = field(default_factory=dict)
    _quotes: dict[Hashable, Quote | Refused] = field(default_factory=dict)

    def call(self, offer: Offer, *, heeds_dust_rule: bool = True) -> Any:
        """What is sent of this; as if there were no dust rule by who does not heed it."""
        return self.rules.call(self._market(heeds_dust_rule=heeds_dust_rule), offer, self.at)

    def quote(self, offer: Offer, *, heeds_dust_rule: bool = True) -> Quote | Refused:
        """What the call would come to, or why it is refused; the same for every bot, so it is asked once for all."""
        asked = (
            offer.collateral_id,
            offer.debt_id,
            offer.repay,
            offer.keep_shares,
            offer.liquidator == self.user,
            heeds_dust_rule,
        )
        if asked not in self._quotes:
            market, call = (
                self._market(heeds_dust_rule=heeds_dust_rule),
                self.call(offer, heeds_dust_rule=heeds_dust_rule),
            )
            self._quotes[asked] = self.rules.quote(market, call, self.at)
        return self._quotes[asked]

    def margin_usd(self, quote: Quote) -> float:
        """What the liquidator would get less what it would pay, at market prices, before gas."""
        prices = self.market_base
        return usd(self.assets, prices, quote.received) - usd(self.assets, prices, quote.paid)

    def paid_usd(self, quote: Quote) -> float:
        """What the liquidator would pay, at observed prices."""
        return usd(self.assets, self.at.prices_base, quote.paid)

    def most_margin_usd(self, collateral: AssetId, debt: AssetId, paid_usd: float) -> float:
        """More than a call offered for this pair comes to that pays no more than so much: without asking for a quote.

        By the best rate of any pair, as the call may move others as well.
        """
        pair = (collateral, debt)
        if pair not in self._most_paid_usd:
            most_base = self.rules.most_paid_base(self.market, self.user, pair, self._values)
            self._most_paid_usd[pair] = float(most_base / BASE_PER_USD)
        best = max(self.margin_ratio(i, j) for i in self.collaterals_base for j in self.debts_base)
        return best * min(paid_usd, self._most_paid_usd[pair])

    def margin_ratio(self, collateral: AssetId, debt: AssetId) -> float:
        """Margin before gas per dollar repaid (at the observed price), whatever the size; asked once for all bots.

        Falls below 0 where the oracle shows the collateral dearer than the market by more than the bonus.
        """
        pair = (collateral, debt)
        if pair not in self._margins:
            payout = float(self.rules.payout_ratio(self.market, self.user, collateral))
            self._margins[pair] = payout * self._market_over_observed(
                collateral
            ) - self._market_over_observed(debt)
        return self._margins[pair]

    def pairs(self, debts: Collection[AssetId]) -> Iterator[tuple[AssetId, AssetId]]:
        """Pairs that have a margin, largest collateral first, then largest debt; ties by reserve id."""
        for collateral in _largest_first(self.collaterals_base, self.collaterals_base):
            for debt in _largest_first(self.debts_base, debts):
                if self.margin_ratio(collateral, debt) > 0:
                    yield collateral, debt

    def units_for(self, asset_id: AssetId, value_base: int) -> int:
        """Units of an asset that are worth so much at the observed price, rounded down [asset units]."""
        unit = 10 ** self.assets[asset_id].decimals
        return value_base * unit // self.at.prices_base[asset_id]

    def _market(self, *, heeds_dust_rule: bool) -> Any:
        return self.market if heeds_dust_rule else self.rules.without_dust_rule(self.market)

    @property
    def _values(self) -> tuple[Mapping[AssetId, int], Mapping[AssetId, int]]:
        return self.collaterals_base, self.debts_base

    def _market_over_observed(self, asset_id: AssetId) -> float:
        return self.market_base[asset_id] / self.at.prices_base[asset_id]


def usd(
    assets: Mapping[AssetId, Asset], prices_base: Mapping[AssetId, int], amounts: Mapping[AssetId, int]
) -> float:
    """What amounts of assets are worth together at these prices."""
    return sum(
        amount * prices_base[i] / 10 ** assets[i].decimals / BASE_PER_USD for i, amount in amounts.items()
    )


def _largest_first(values: Mapping[AssetId, int], among: Collection[AssetId]) -> list[AssetId]:
    return sorted(among, key=lambda asset_id: (-values[asset_id], asset_id))
