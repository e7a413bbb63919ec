"""What a crash leaves on disk: tables as parquet and CSV, figures, every compared value, summary and manifest.

The folder is written beside its place and moved there when it is whole: nothing half-written is ever found.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forks.crash.errors import CannotWrite
from forks.crash.ledger import Ledger
from forks.crash.stopwatch import Stopwatch
from stress import figures
from stress.causes import CAUSES

MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Everything that is written, as tables and plain values."""

    summary: Mapping[str, Any]
    """All but the seconds, which are known when everything else is written."""
    manifest: Mapping[str, Any]
    """All but the hashes of what is written."""
    prices: pd.DataFrame
    events: pd.DataFrame
    accounts: pd.DataFrame
    losses: pd.DataFrame
    book: pd.DataFrame | None
    """None: accounts were found, no book was opened."""
    delays_s: tuple[int, ...]
    residual_by_delay_usd: tuple[float, ...]
    ledger: Ledger


def require_writable(folder: Path) -> None:
    """Refuse a place where results cannot go, or where they would take the place of something else.

    Raises:
        CannotWrite: with the reason.
    """
    folder = folder.resolve()
    _require_ours(folder)
    nearest = next(one for one in folder.parents if one.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=nearest):
            pass
    except OSError as error:
        raise CannotWrite(folder, f"{nearest}: {error.strerror}") from error


def write(results: Results, folder: Path, watch: Stopwatch) -> None:
    """Replace `folder` by these results; making tables and figures is the phase "write" of the summary.

    Raises CannotWrite.
    """
    try:
        folder = folder.resolve()  # "." has no name
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise CannotWrite(folder, error.strerror or type(error).__name__) from error
    try:
        draft.chmod(0o755)
        with watch.phase("write"):
            _tables(results, draft)
            _figures(results, draft)
        _json(draft / "summary.json", {**results.summary, "seconds": watch.seconds})
        _json(draft / MANIFEST, {**results.manifest, "files": _hashes(draft)})
        _swap(draft, folder)
    except OSError as error:
        raise CannotWrite(folder, error.strerror or type(error).__name__) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def summary_counts(accounts: pd.DataFrame, events: pd.DataFrame, ledger: Ledger) -> dict[str, Any]:
    """The counts of `summary.json` that follow from the tables."""
    through = events[events["outcome"] == "liquidated"]
    several_debts = accounts.set_index("user")["n_debts"]
    causes = accounts.loc[accounts["cause"] != "", "cause"].value_counts()
    names = [*CAUSES, "several"]
    return {
        "values_compared": ledger.values_compared,
        "values_changed": ledger.values_changed,
        "values_differing": ledger.values_differing,
        "reverts_compared": dict(sorted(ledger.reverts.items())),
        "liquidations": len(through),
        "multi_debt_liquidations": int((through["user"].map(several_debts) > 1).sum()),
        "borrowers": len(accounts),
        "borrowers_with_residual_debt": int((accounts["residual_usd"] > 0).sum()),
        "residual_debt_usd": round(float(accounts["residual_usd"].sum()), 2),
        "causes": {name: int(causes.get(name, 0)) for name in names},
        "beyond_every_cause": int(causes.get("market", 0)),
        "frontier_agrees": bool(accounts["frontier_agrees"].all()),
    }


def parity_table(ledger: Ledger) -> pd.DataFrame:
    """Every compared value: liquidation, field, model, chain (integers as strings), changed."""
    return pd.DataFrame(
        {
            "liquidation": [row.subject for row in ledger.rows],
            "field": [row.field for row in ledger.rows],
            "model": [str(row.model) for row in ledger.rows],
            "chain": [str(row.chain) for row in ledger.rows],
            "changed": [row.changed for row in ledger.rows],
        }
    )


def _tables(results: Results, folder: Path) -> None:
    nested = [name for name in ("deficits", "chain_deficits") if name in results.events]  # no call, no chain
    events = results.events.assign(**{name: results.events[name].map(json.dumps) for name in nested})
    accounts = results.accounts.assign(
        frontier_residual=results.accounts["frontier_residual"].map(json.dumps)
    )
    tables = {"prices": results.prices, "events": events, "accounts": accounts, "losses": results.losses}
    if results.book is not None:
        tables["book"] = results.book
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
        table.to_csv(folder / f"{name}.csv", index=False)
    parity_table(results.ledger).to_parquet(folder / "parity.parquet", index=False)


def _figures(results: Results, folder: Path) -> None:
    figures.market_against_oracle(results.prices, results.events, folder / "market_against_oracle.png")
    figures.borrowers_before_and_after(results.accounts, folder / "borrowers.png")
    figures.residual_against_delay(
        results.delays_s, results.residual_by_delay_usd, folder / "residual_against_delay.png"
    )


def _json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=False) + "\n")


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _require_ours(folder: Path) -> None:
    """Refuse a folder that has anything in it which is not of an earlier run. Raises CannotWrite."""
    if not folder.is_dir():
        if folder.exists():
            raise CannotWrite(folder, "it is not a folder")
        return
    ours = _written_before(folder)
    strangers = sorted(
        path.name
        for path in folder.iterdir()
        if path.name not in ours or path.is_symlink() or not path.is_file()
    )
    if strangers:
        shown = ", ".join(strangers[:3]) + (", ..." if len(strangers) > 3 else "")
        raise CannotWrite(folder, f"it holds something else than results, which would be lost: {shown}")


def _written_before(folder: Path) -> set[str]:
    """Names of the files that the manifest in a folder lists, and its own; none if it is not one of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        if not manifest["versions"]["underwater"]:
            return set()
        return {MANIFEST, *manifest["files"]}
    except (OSError, ValueError, LookupError, TypeError):
        return set()


def _swap(draft: Path, folder: Path) -> None:
    """Put the finished folder in the place of an older one, which is put back where that fails."""
    _require_ours(folder)
    if not folder.exists():
        draft.replace(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    old = folder.replace(aside / folder.name)
    try:
        draft.replace(folder)
    except BaseException:
        old.replace(folder)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
