"""What a crash leaves on disk: tables as parquet and CSV, figures, every compared value, summary and manifest.

The folder is written beside its place and moved there when it is whole: nothing half-written is ever found.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from forks.aave_v3.errors import CannotWrite
from forks.aave_v3.parity import Ledger
from stress import figures
from stress.causes import CAUSES

MANIFEST = "manifest.json"
PACKAGES = ("web3", "eth-abi", "numpy", "pandas", "pyarrow", "matplotlib")


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Everything that is written, as tables and plain values."""

    summary: Mapping[str, Any]
    manifest: Mapping[str, Any]
    prices: pd.DataFrame
    events: pd.DataFrame
    accounts: pd.DataFrame
    delays_s: tuple[int, ...]
    residual_by_delay_usd: tuple[float, ...]
    ledger: Ledger


def require_writable(folder: Path) -> None:
    """Refuse a place where results cannot go, or where they would take the place of something else.

    Raises:
        CannotWrite: with the reason.
    """
    folder = folder.resolve()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise CannotWrite(
            folder, f"it holds something else than results (no {MANIFEST}), which would be lost"
        )
    if folder.exists() and not folder.is_dir():
        raise CannotWrite(folder, "it is not a folder")
    nearest = next(one for one in folder.parents if one.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=nearest):
            pass
    except OSError as error:
        raise CannotWrite(folder, f"{nearest}: {error.strerror}") from error


def write(results: Results, folder: Path) -> None:
    """Replace `folder` by these results. Raises CannotWrite."""
    try:
        folder = folder.resolve()  # "." has no name
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise CannotWrite(folder, error.strerror or type(error).__name__) from error
    try:
        draft.chmod(0o755)
        _tables(results, draft)
        _figures(results, draft)
        _json(draft / "summary.json", results.summary)
        _json(draft / MANIFEST, {**results.manifest, "files": _hashes(draft)})
        _swap(draft, folder)
    except OSError as error:
        raise CannotWrite(folder, error.strerror or type(error).__name__) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def versions() -> dict[str, str]:
    """Python and the packages whose numbers are in the results."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "underwater": version("underwater"),
        **{name: version(name) for name in PACKAGES},
    }


def summary_counts(accounts: pd.DataFrame, events: pd.DataFrame, ledger: Ledger) -> dict[str, Any]:
    """The counts of `summary.json` that follow from the tables."""
    through = events[events["outcome"] == "liquidated"]
    several_debts = accounts.set_index("user")["n_debts"]
    causes = accounts.loc[accounts["cause"] != "", "cause"].value_counts()
    names = [*CAUSES, "several", *(["market"] if "market" in causes else [])]
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
    for name, table in (("prices", results.prices), ("events", events), ("accounts", accounts)):
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


def _swap(draft: Path, folder: Path) -> None:
    """Put the finished folder in its place; an older one goes first."""
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
        folder.replace(old / folder.name)
        draft.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draft.replace(folder)


def plain(config: Any) -> Any:
    """A frozen configuration as plain JSON values."""
    return json.loads(json.dumps(asdict(config)))
