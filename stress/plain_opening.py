"""A book on a market whose assets have one threshold each and no categories: Compound v2, Morpho Blue, Venus."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from protocol.units import MAX_UINT256, WAD
from stress.opening import ReserveInfo, Worth

BPS = 10_000


class PlainTerms:
    """Threshold times collateral against debt; the contracts round in finer units than base."""

    def worth(
        self,
        supplies: Mapping[str, int],
        borrows: Mapping[str, int],
        emode: int,
        reserves: Mapping[str, ReserveInfo],
    ) -> Worth:
        """Exact, then rounded down; `emode` means nothing here."""
        held = {symbol: _value(units, reserves[symbol]) for symbol, units in supplies.items()}
        debt = sum((_value(units, reserves[symbol]) for symbol, units in borrows.items()), Fraction(0))
        weighted = sum(
            (value * reserves[symbol].liquidation_threshold_bps / BPS for symbol, value in held.items()),
            Fraction(0),
        )
        lends = sum((value * reserves[symbol].ltv_bps / BPS for symbol, value in held.items()), Fraction(0))
        return Worth(
            collateral_base=int(sum(held.values(), Fraction(0))),
            debt_base=int(debt),
            health_factor_wad=int(weighted * WAD / debt) if debt else MAX_UINT256,
            exceeds_ltv=debt > 0 and debt >= lends,
        )

    def debt_value(self, units: int, price_base: int, unit: int) -> int:
        """Rounded down."""
        return units * price_base // unit


def _value(units: int, info: ReserveInfo) -> Fraction:
    return Fraction(units * info.price_base, 10**info.decimals)
