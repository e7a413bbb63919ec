"""What a book becomes on a market: exact token amounts, and how far they are from the figures of the book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from stress.book_file import Borrower


@dataclass(frozen=True, kw_only=True, slots=True)
class EModeTerms:
    """What a collateral counts for inside an efficiency mode."""

    ltv_bps: int
    liquidation_threshold_bps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveInfo:
    """What rebuilding a book needs to know of one asset of a market."""

    decimals: int
    ltv_bps: int
    liquidation_threshold_bps: int
    price_base: int
    """Oracle price of one whole token at the opening."""
    can_be_collateral: bool = True
    can_be_borrowed: bool = True
    emodes: Mapping[int, EModeTerms] = field(default_factory=dict[int, EModeTerms])
    """By category, where the asset is one of its collaterals."""

    def threshold_bps(self, emode: int) -> int:
        """Liquidation threshold for an account of category `emode` (0 = none)."""
        terms = self.emodes.get(emode)
        return terms.liquidation_threshold_bps if terms else self.liquidation_threshold_bps

    @property
    def unit_base(self) -> Fraction:
        """Value of the smallest unit of the token, in the whole base units that values are counted in."""
        return Fraction(-(-self.price_base // 10**self.decimals))

    @property
    def step(self) -> int:
        """The fewest token units that are worth 1 base unit: 1 for tokens of few decimals."""
        return self.at_least(1)

    def at_least(self, value_base: int) -> int:
        """The fewest token units worth at least `value_base`."""
        return -(-value_base * 10**self.decimals // self.price_base)

    def at_most(self, value_base: int) -> int:
        """The most token units worth at most `value_base`."""
        return value_base * 10**self.decimals // self.price_base

    def most_debt(self, value_base: int, terms: Terms) -> int:
        """The most token units of debt that the rules, rounding up or down, value at `value_base` or less."""
        if_down = self.at_least(value_base + 1) - 1
        fits = terms.debt_value(if_down, self.price_base, 10**self.decimals) <= value_base
        return if_down if fits else self.at_most(value_base)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """What amounts are worth by the rules of a market, on a fresh one."""

    collateral_base: int
    debt_base: int
    health_factor_wad: int
    """2**256 - 1 without debt."""
    exceeds_ltv: bool
    """The debt is above what is lent at these prices, or at the very limit of it."""


class Terms(Protocol):
    """How a protocol values what a book asks for."""

    def worth(
        self,
        supplies: Mapping[str, int],
        borrows: Mapping[str, int],
        emode: int,
        reserves: Mapping[str, ReserveInfo],
    ) -> Worth:
        """Of these supplies and borrows, [token units] by symbol, in category `emode`."""
        ...

    def debt_value(self, units: int, price_base: int, unit: int) -> int:
        """Of so many units of a debt, `unit` of which are a whole token [base]."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The figures an opening should have: those of the record, or of the design."""

    collateral_base: int
    debt_base: int
    health_factor_wad: int
    """2**256 - 1 without debt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """One borrower on this market: what to supply as collateral and borrow, and the account data that makes.

    The account data is what the market's rules compute where every index is 1, as on a fresh market.
    """

    borrower: Borrower
    emode: int
    supplies: Mapping[str, int]
    """[token units] by symbol, all of it collateral."""
    borrows: Mapping[str, int]
    """[token units] by symbol."""
    target: Target
    collateral_base: int
    debt_base: int
    health_factor_wad: int
    health_factor_band_wad: tuple[int, int]
    """The health factors that one smallest unit (worth 1 base unit or more) of each amount implies."""
    exceeds_ltv: bool
    """The debt is above what the loan-to-value ratios lend at these prices, or at the very limit of it."""
    largest_unit_base: tuple[Fraction, Fraction]
    """Value of one smallest unit, of the coarsest supply and of the coarsest borrow."""
    notes: tuple[str, ...] = ()
    """What had to be done otherwise on this market."""

    @property
    def off_base(self) -> tuple[int, int]:
        """Collateral and debt minus the target's [base]."""
        return self.collateral_base - self.target.collateral_base, self.debt_base - self.target.debt_base

    @property
    def off_units(self) -> tuple[Fraction, Fraction]:
        """The same in smallest units of the coarsest token supplied, and of the coarsest borrowed."""
        return self.off_base[0] / self.largest_unit_base[0], self.off_base[1] / self.largest_unit_base[1]

    @property
    def is_within_band(self) -> bool:
        """Whether the target's health factor is one that a smallest unit of each value implies."""
        low, high = self.health_factor_band_wad
        return low <= self.target.health_factor_wad <= high


@dataclass(frozen=True, kw_only=True, slots=True)
class RebuiltBook:
    """A book on a market: the openings in the book's order, and every difference from the book, named."""

    openings: tuple[Opening, ...]
    left_out: tuple[str, ...]
    """Borrowers that have no place on the market: one line each, with the reason."""
    asset_notes: tuple[str, ...]
    """Assets of the book that the market lacks, or holds to another threshold: one line each."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Every difference from the book, one line each: assets, borrowers left out, borrowers changed."""
        changed = [f"{o.borrower.name}: {note}" for o in self.openings for note in o.notes]
        return (*self.asset_notes, *self.left_out, *changed)
