"""The terms of `underwater frontier` as options: what is given, who takes it, and the usual value of the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import click

from protocol.units import BASE_PER_USD, BPS, WAD
from stress.pair_protocols import BONUS, FEE, THRESHOLD, PairProtocol

MOST_USD = 1e18
"""Prices and sizes stay below: their products have to fit the chain's 256 bits."""
MOST_HEALTH_FACTOR = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class _Option:
    """One term as an option."""

    flag: str
    kind: click.ParamType
    help: str


_SHARE = click.IntRange(0, BPS)
_OPTIONS: Mapping[str, _Option] = {
    THRESHOLD: _Option(
        flag="--lt-bps",
        kind=click.IntRange(1, BPS),
        help="Liquidation threshold, in the protocol's own word collateral factor or LLTV.",
    ),
    BONUS: _Option(
        flag="--bonus-bps",
        kind=click.IntRange(BPS, 65_535),
        help="Liquidation bonus or incentive, its 100 % included.",
    ),
    FEE: _Option(flag="--fee-bps", kind=_SHARE, help="Aave: protocol fee, a share of the bonus; not in v2."),
    "close_factor_bps": _Option(
        flag="--close-factor-bps",
        kind=click.IntRange(1, BPS),
        help="Compound v2, Venus: share of a debt that one call may repay.",
    ),
    "liquidation_factor_bps": _Option(
        flag="--liquidation-factor-bps",
        kind=click.IntRange(1, BPS),
        help="Compound v3: share of the collateral's value that is credited.",
    ),
    "store_front_price_factor_bps": _Option(
        flag="--store-front-factor-bps",
        kind=_SHARE,
        help="Compound v3: share of the liquidation penalty that a buyer gets.",
    ),
    "protocol_seize_share_bps": _Option(
        flag="--seize-share-bps",
        kind=_SHARE,
        help="Venus: the protocol's part of what is seized, a share of the debt repaid.",
    ),
    "min_liquidatable_collateral_base": _Option(
        flag="--min-collateral-usd",
        kind=click.FloatRange(min=0),
        help="Venus: collateral worth no more is liquidated or healed as a whole.",
    ),
    "target_health_factor_wad": _Option(
        flag="--v4-target-health-factor",
        kind=click.FloatRange(min=1),
        help="v4: a call repays no more than brings the account here; it stands where others have a close factor.",
    ),
    "health_factor_for_max_bonus_wad": _Option(
        flag="--v4-max-bonus-health-factor",
        kind=click.FloatRange(0, 1, max_open=True),
        help="v4: from here down the bonus is the whole one.",
    ),
    "liquidation_bonus_factor_bps": _Option(
        flag="--v4-bonus-factor-bps",
        kind=_SHARE,
        help="v4: share of the bonus that is paid just below a health factor of 1.",
    ),
}
"""By the name of the term, which ends in its scale."""


def term_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Every term as an option of the command, which gets them by name; None: not given."""
    for name, one in reversed(list(_OPTIONS.items())):
        command = click.option(one.flag, name, type=one.kind, help=one.help)(command)
    return command


def given_terms(raw: Mapping[str, float | None], asked: Sequence[PairProtocol]) -> dict[str, int]:
    """The options that were given, at their scale; raises `UsageError` for one that no protocol asked takes."""
    given = {name: _scale_of(name)(value) for name, value in raw.items() if value is not None}
    for name in given:
        if not any(name in one.usual for one in asked):
            taken = ", ".join(_OPTIONS[term].flag for one in asked for term in one.usual)
            names = ", ".join(one.name for one in asked)
            raise click.UsageError(f"{_OPTIONS[name].flag} is no term of {names}: it takes {taken}")
    return given


def usual_terms(asked: Sequence[PairProtocol]) -> list[str]:
    """What stands for an option that is not given, one sentence a protocol."""
    return [
        f"{one.name}: "
        + ", ".join(f"{_OPTIONS[name].flag} {_unscaled(name, value):g}" for name, value in one.usual.items())
        for one in asked
    ]


def flags(names: Sequence[str]) -> str:
    """Terms as their options."""
    return ", ".join(_OPTIONS[name].flag for name in names)


def base_of(usd: float) -> int:
    """Dollars as the oracle's integer [base]. Refuses what no chain can hold."""
    if not usd < MOST_USD:  # also not a number
        raise click.UsageError(f"{usd} dollars are no price or size: give less than {MOST_USD:g}")
    return int(Fraction(str(usd)) * BASE_PER_USD)


def _scale_of(name: str) -> Callable[[float], int]:
    """From what is given to what the chain stores."""
    if name.endswith("_wad"):
        return partial(_wad, _OPTIONS[name].flag)
    return base_of if name.endswith("_base") else int


def _unscaled(name: str, value: int) -> float:
    scales = {"_wad": WAD, "_base": BASE_PER_USD}
    return next((value / scale for suffix, scale in scales.items() if name.endswith(suffix)), value)


def _wad(flag: str, health_ratio: float) -> int:
    """A health factor as the contract stores it. [wad]"""
    if not health_ratio < MOST_HEALTH_FACTOR:  # also not a number
        raise click.UsageError(
            f"{flag} {health_ratio} is no health factor: give less than {MOST_HEALTH_FACTOR:g}"
        )
    return int(Fraction(str(health_ratio)) * WAD)
