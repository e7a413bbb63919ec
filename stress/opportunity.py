"""A borrower below health 1 as liquidators see it: what it has and owes, and what a call would come to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.model import Asset, AssetId, At, Offer, Refused, RuleSet, User
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

    def margin_usd(self, offer: Offer, *, heeds_dust_rule: bool = True) -> float | Refused:
        """What it would get less what it would repay, at market prices, before gas; or why it is refused.

        Without the dust rule for who does not heed it.
        """
        market = self.market if heeds_dust_rule else self.rules.without_dust_rule(self.market)
        quote = self.rules.quote(market, self.rules.call(market, offer, self.at), self.at)
        if isinstance(quote, Refused):
            return quote
        repaid, received = quote
        return self._usd(offer.collateral_id, received) - self._usd(offer.debt_id, repaid)

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

    def _market_over_observed(self, asset_id: AssetId) -> float:
        return self.market_base[asset_id] / self.at.prices_base[asset_id]

    def _usd(self, asset_id: AssetId, amount: int) -> float:
        unit = 10 ** self.assets[asset_id].decimals
        return amount * self.market_base[asset_id] / unit / BASE_PER_USD


def _largest_first(values: Mapping[AssetId, int], among: Collection[AssetId]) -> list[AssetId]:
    return sorted(among, key=lambda asset_id: (-values[asset_id], asset_id))
