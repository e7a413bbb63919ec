"""A borrower below health 1 as liquidators see it: what it has and owes, and what a call would come to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from protocol.aave_v3 import LiquidationCall, Market, ReserveId, Revert, User, liquidation_quote
from protocol.aave_v3.amounts import Seizure
from protocol.aave_v3.pairs import payout_ratio
from protocol.units import BASE_PER_USD


@dataclass(frozen=True, kw_only=True, slots=True)
class Opportunity:
    """One borrower in one block."""

    market: Market
    """With its indices grown to `timestamp`: for reading."""
    user: User
    step: int
    timestamp: int
    observed_base: Mapping[ReserveId, int]
    market_base: Mapping[ReserveId, int]
    gas_cost_usd: float
    collaterals_base: Mapping[ReserveId, int]
    """At observed prices, as in account data."""
    debts_base: Mapping[ReserveId, int]
    _margins: dict[tuple[ReserveId, ReserveId], float] = field(default_factory=dict)

    def quote(self, call: LiquidationCall, *, heeds_dust_rule: bool = True) -> Seizure | Revert:
        """What the call comes to now, or why it is refused; without the dust rule for who does not heed it."""
        market = self.market
        if not heeds_dust_rule:
            market = replace(market, rules=replace(market.rules, enforces_min_leftover=False))
        return liquidation_quote(market, call, prices_base=self.observed_base, timestamp=self.timestamp)

    def margin_usd(self, call: LiquidationCall, seized: Seizure) -> float:
        """Seized less repaid, both at market prices, before gas."""
        return self._usd(call.collateral_id, seized.collateral) - self._usd(call.debt_id, seized.debt)

    def margin_ratio(self, collateral: ReserveId, debt: ReserveId) -> float:
        """Margin before gas per dollar repaid (at the observed price), whatever the size; asked once for all bots.

        Falls below 0 where the oracle shows the collateral dearer than the market by more than the bonus.
        """
        pair = (collateral, debt)
        if pair not in self._margins:
            payout = float(payout_ratio(self.market, self.user, collateral))
            self._margins[pair] = payout * self._market_over_observed(
                collateral
            ) - self._market_over_observed(debt)
        return self._margins[pair]

    def pairs(self, debts: Collection[ReserveId]) -> Iterator[tuple[ReserveId, ReserveId]]:
        """Pairs that have a margin, largest collateral first, then largest debt; ties by reserve id."""
        for collateral in _largest_first(self.collaterals_base, self.collaterals_base):
            for debt in _largest_first(self.debts_base, debts):
                if self.margin_ratio(collateral, debt) > 0:
                    yield collateral, debt

    def units_for(self, reserve_id: ReserveId, value_base: int) -> int:
        """Units of an asset that are worth so much at the observed price, rounded down [asset units]."""
        unit = 10 ** self.market.reserves[reserve_id].config.decimals
        return value_base * unit // self.observed_base[reserve_id]

    def _market_over_observed(self, reserve_id: ReserveId) -> float:
        return self.market_base[reserve_id] / self.observed_base[reserve_id]

    def _usd(self, reserve_id: ReserveId, amount: int) -> float:
        unit = 10 ** self.market.reserves[reserve_id].config.decimals
        return amount * self.market_base[reserve_id] / unit / BASE_PER_USD


def _largest_first(values: Mapping[ReserveId, int], among: Collection[ReserveId]) -> list[ReserveId]:
    return sorted(among, key=lambda reserve_id: (-values[reserve_id], reserve_id))
