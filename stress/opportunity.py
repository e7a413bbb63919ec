"""A borrower below health 1 as liquidators see it: what it has and owes, and what a call would come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from protocol.aave_v3 import LiquidationCall, Market, ReserveId, Revert, User, liquidation_quote
from protocol.aave_v3.amounts import Seizure
from protocol.units import MAX_UINT256

BASE_PER_USD = 10**8
NOBODY = ""
"""Stands for a liquidator where it does not matter who it is."""


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
    _pays: dict[tuple[ReserveId, ReserveId], bool] = field(default_factory=dict)

    def quote(self, call: LiquidationCall, *, heeds_dust_rule: bool = True) -> Seizure | Revert:
        """What the call comes to now, or why it is refused; without the dust rule for who does not heed it."""
        market = self.market
        if not heeds_dust_rule:
            market = replace(market, rules=replace(market.rules, enforces_min_leftover=False))
        return liquidation_quote(market, call, prices_base=self.observed_base, timestamp=self.timestamp)

    def margin_usd(self, call: LiquidationCall, seized: Seizure) -> float:
        """Seized less repaid, both at market prices, before gas."""
        return self._usd(call.collateral_id, seized.collateral) - self._usd(call.debt_id, seized.debt)

    def pays(self, collateral: ReserveId, debt: ReserveId) -> bool:
        """Whether repaying this debt for this collateral has a margin at all; asked once for all bots.

        Margins grow with the size of a call, so the largest call answers for every size.
        """
        pair = (collateral, debt)
        if pair not in self._pays:
            call = LiquidationCall(
                collateral_id=collateral,
                debt_id=debt,
                borrower=self.user,
                liquidator=NOBODY,
                debt_to_cover=MAX_UINT256,
            )
            seized = self.quote(call, heeds_dust_rule=False)
            self._pays[pair] = isinstance(seized, Seizure) and self.margin_usd(call, seized) > 0
        return self._pays[pair]

    def units_for(self, reserve_id: ReserveId, value_base: int) -> int:
        """Units of an asset that are worth so much at the observed price, rounded down [asset units]."""
        unit = 10 ** self.market.reserves[reserve_id].config.decimals
        return value_base * unit // self.observed_base[reserve_id]

    def _usd(self, reserve_id: ReserveId, amount: int) -> float:
        unit = 10 ** self.market.reserves[reserve_id].config.decimals
        return amount * self.market_base[reserve_id] / unit / BASE_PER_USD
