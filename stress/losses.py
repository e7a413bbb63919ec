"""Who carries the residual debt of a crash: by asset, what was written off, what stays uncovered, and whose it is.

Suppliers' claims are those at the end, as the contract still counts them: where it writes debt off at once they have
shrunk by it already, elsewhere they are more than there is behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from protocol.model import Asset, AssetId, At, User
from protocol.units import BASE_PER_USD
from stress.engine import Crash, Run
from stress.residual import Residual

LOSS_COLUMNS = ("debt", "part", "amount", "loss_usd", "claims_usd", "loss_of_claims", "borne_by")
"""What a table without losses has too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """One part of the loss in one asset."""

    asset_id: AssetId
    part: str
    """ "written off" or "uncovered"."""
    amount: int
    """[asset units]"""
    borne_by: str


def losses(crash: Crash, run: Run, residuals: Mapping[User, Residual]) -> Iterator[Loss]:
    """Every part that is not nothing, in the order of the assets."""
    at, bearers = _at_end(crash, run), crash.rules.bearers
    written: dict[AssetId, int] = {}
    uncovered: dict[AssetId, int] = {}
    for user, left in residuals.items():
        for asset_id, amount in left.deficits.items():
            written[asset_id] = written.get(asset_id, 0) + amount
        for asset_id, amount in _uncovered(crash, run, user, left, at).items():
            uncovered[asset_id] = uncovered.get(asset_id, 0) + amount
    for asset_id in crash.assets:
        for part, amounts, who in (
            ("written off", written, bearers.written_off),
            ("uncovered", uncovered, bearers.uncovered),
        ):
            if amounts.get(asset_id):
                yield Loss(asset_id=asset_id, part=part, amount=amounts[asset_id], borne_by=who)


def losses_table(crash: Crash, run: Run, residuals: Mapping[User, Residual]) -> pd.DataFrame:
    """One row a part: the loss at market prices beside what all suppliers of the asset may claim."""
    at = _at_end(crash, run)
    rows = [
        {
            "debt": crash.assets[one.asset_id].symbol,
            "part": one.part,
            "amount": str(one.amount),
            "loss_usd": _usd(crash.assets[one.asset_id], one.amount, at.prices_base[one.asset_id]),
            "claims_usd": _usd(crash.assets[one.asset_id], claims, at.prices_base[one.asset_id]),
            "loss_of_claims": one.amount / claims if claims else float("nan"),
            "borne_by": one.borne_by,
        }
        for one in losses(crash, run, residuals)
        for claims in [crash.rules.claims(run.market, one.asset_id, at)]
    ]
    return pd.DataFrame(rows, columns=list(LOSS_COLUMNS))


def _at_end(crash: Crash, run: Run) -> At:
    return replace(run.end, prices_base=crash.market_at(len(crash.timestamps) - 1).prices_base)


def _uncovered(crash: Crash, run: Run, user: User, left: Residual, at: At) -> dict[AssetId, int]:
    """What of each debt nothing stands behind [asset units]: the account's whole, in proportion to its debts."""
    if not left.uncovered_base:
        return {}
    owed = {i: crash.rules.owed(run.market, user, i, at) for i in crash.rules.debts(run.market, user)}
    value = sum(_base(crash.assets[i], amount, at.prices_base[i]) for i, amount in owed.items())
    return {i: amount * left.uncovered_base // value for i, amount in owed.items()} if value else {}


def _base(asset: Asset, amount: int, price_base: int) -> int:
    return amount * price_base // 10**asset.decimals


def _usd(asset: Asset, amount: int, price_base: int) -> float:
    return _base(asset, amount, price_base) / BASE_PER_USD
