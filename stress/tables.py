"""A finished crash as tables: prices by step, one row a call, one row a borrower.

Chain integers are strings in the tables (they exceed 64 bits); dollars and ratios are floats for reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from protocol.model import Done, Offer, User
from protocol.units import BASE_PER_USD, MAX_UINT256, WAD
from stress.attribution import Explanation
from stress.closed_form import ClosedForm
from stress.engine import Attempt, Crash, Run
from stress.residual import Residual

EVENT_COLUMNS = (
    "step", "seconds", "timestamp", "user", "collateral_asset", "collateral_symbol", "debt_asset", "debt_symbol",
    "outcome", "debt_to_cover", "liquidated_collateral_amount", "protocol_fee", "deficits", "n_deficits",
    "liquidator", "bot", "receive_a_token", "health_factor_before", "observed_usd", "market_usd", "gas_cost_usd",
)  # fmt: skip
"""What a table of no events has too."""


def prices_table(crash: Crash) -> pd.DataFrame:
    """One row a step and asset: seconds, timestamp, symbol, market and observed price in base and in dollars."""
    start = crash.timestamps[0]
    rows = [
        {
            "seconds": timestamp - start,
            "timestamp": timestamp,
            "symbol": symbol,
            "market_base": str(market[step]),
            "observed_base": str(crash.prices.observed[symbol][step]),
            "market_usd": market[step] / BASE_PER_USD,
            "observed_usd": crash.prices.observed[symbol][step] / BASE_PER_USD,
        }
        for symbol, market in crash.prices.market.items()
        for step, timestamp in enumerate(crash.timestamps)
    ]
    return pd.DataFrame(rows)


def events_table(
    crash: Crash, run: Run, chain: Mapping[int, Mapping[str, Any]] | None = None
) -> pd.DataFrame:
    """One row a call that was sent, refused ones included; `chain` adds block number and gas used by index."""
    rows = [
        _event(crash, attempt) | dict((chain or {}).get(index, {}))
        for index, attempt in enumerate(run.attempts)
    ]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(EVENT_COLUMNS))


def _event(crash: Crash, attempt: Attempt) -> dict[str, Any]:
    assets, offer, outcome = crash.assets, attempt.offer, attempt.predicted
    collateral, debt = assets[offer.collateral_id], assets[offer.debt_id]
    through = isinstance(outcome, Done)
    return {
        "step": attempt.step,
        "seconds": attempt.at.timestamp - crash.timestamps[0],
        "timestamp": attempt.at.timestamp,
        "user": offer.borrower,
        "collateral_asset": collateral.address,
        "collateral_symbol": collateral.symbol,
        "debt_asset": debt.address,
        "debt_symbol": debt.symbol,
        "outcome": "liquidated" if through else outcome.name,
        "debt_to_cover": str(outcome.repaid if through else _asked(offer)),
        "liquidated_collateral_amount": str(outcome.received if through else 0),
        "protocol_fee": str(outcome.fee if through else 0),
        "deficits": {assets[i].symbol: str(a) for i, a in outcome.written_off.items()} if through else {},
        "n_deficits": len(outcome.written_off) if through else 0,
        "liquidator": offer.liquidator,
        "bot": attempt.bot,
        "receive_a_token": offer.keep_shares,
        "health_factor_before": attempt.before.health_factor_wad / WAD,
        "observed_usd": attempt.at.prices_base[offer.collateral_id] / BASE_PER_USD,
        "market_usd": attempt.market_base[offer.collateral_id] / BASE_PER_USD,
        "gas_cost_usd": attempt.gas_cost_usd,
    }


def _asked(offer: Offer) -> int:
    """What a refused call wanted to repay; the most there is where it asked for all."""
    return MAX_UINT256 if offer.repay is None else offer.repay


def accounts_table(
    crash: Crash,
    run: Run,
    names: Mapping[User, str],
    residuals: Mapping[User, Residual],
    explanations: Mapping[User, Explanation],
    closed_forms: Mapping[User, ClosedForm],
) -> pd.DataFrame:
    """One row a borrower: before, after, residual debt, its cause and the closed form beside it."""
    rows = [
        _account(crash, run, user, names)
        | _loss(residuals[user], explanations.get(user))
        | _closed_form(closed_forms[user])
        for user in crash.borrowers
    ]
    return pd.DataFrame(rows)


def _account(crash: Crash, run: Run, user: User, names: Mapping[User, str]) -> dict[str, Any]:
    """At market prices: those of the start equal the oracle's."""
    at_end = replace(run.end, prices_base=crash.market_at(len(crash.timestamps) - 1).prices_base)
    before = crash.rules.standing(crash.market, crash.market_at(0))(user)
    after = crash.rules.standing(run.market, at_end)(user)
    return {
        "borrower": names.get(user, user),
        "user": user,
        "emode": before.emode,
        "collateral_before_usd": before.collateral_base / BASE_PER_USD,
        "debt_before_usd": before.debt_base / BASE_PER_USD,
        "health_before": _ratio(before.health_factor_wad),
        "collateral_after_usd": after.collateral_base / BASE_PER_USD,
        "debt_after_usd": after.debt_base / BASE_PER_USD,
        "health_after": _ratio(after.health_factor_wad),
        "n_debts": len(crash.rules.debts(crash.market, user)),
        "n_liquidations": sum(attempt.offer.borrower == user for attempt, _ in run.liquidations()),
    }


def _loss(left: Residual, explanation: Explanation | None) -> dict[str, Any]:
    return {
        "residual_usd": left.total_base / BASE_PER_USD,
        "deficit_usd": left.deficit_base / BASE_PER_USD,
        "uncovered_usd": left.uncovered_base / BASE_PER_USD,
        "cause": explanation.verdict if explanation else "",
        "removed_by": ", ".join(explanation.removed_by or explanation.together) if explanation else "",
    }


def _closed_form(form: ClosedForm) -> dict[str, Any]:
    return {
        "liquidatable_at_drop": _share(form.liquidatable_at),
        "toxic_at_drop": _share(form.toxic_at),
        "debt_must_remain_at_drop": _share(form.exhausted_at),
        "frontier_residual": {symbol: str(amount) for symbol, amount in form.residual.items()},
        "frontier_residual_usd": float(form.gap_base / BASE_PER_USD),
        "frontier_agrees": form.agrees,
    }


def _share(fraction: Any) -> float | None:
    return None if fraction is None else float(fraction)


def _ratio(health_factor_wad: int) -> float:
    return float("nan") if health_factor_wad == MAX_UINT256 else health_factor_wad / WAD
