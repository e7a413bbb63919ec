"""What is written of a crash: whole or not at all, and counts that follow from the tables."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from forks.crash import report
from forks.crash.errors import CannotWrite
from forks.crash.ledger import Ledger
from forks.crash.stopwatch import Stopwatch
from stress import figures
from stress.causes import CAUSES


def ledger() -> Ledger:
    made = Ledger(stop_at_first=False)
    made.compare("liquidation 0", {"a": 2**255, "b": 1}, {"a": 2**255, "b": 2}, {"a": 0, "b": 2})
    made.refused("liquidation 1", "MustNotLeaveDust", "MustNotLeaveDust")
    return made


def events() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user": ["ann", "ann", "ben"],
            "seconds": [12, 24, 36],
            "outcome": ["liquidated", "MustNotLeaveDust", "liquidated"],
            "observed_usd": [1.0, 2.0, 3.0],
            "deficits": [{"USDC": str(2**70)}, {}, {}],
            "chain_deficits": [{"USDC": str(2**70)}, {}, {}],
            "collateral_symbol": ["WETH"] * 3,
        }
    )


def accounts() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user": ["ann", "ben", "carl"],
            "n_debts": [2, 1, 0],
            "cause": ["toxic", "several", ""],
            "residual_usd": [10.25, 0.5, 0.0],
            "frontier_residual": [{"USDC": "1"}, {}, {}],
            "frontier_agrees": [True, True, True],
        }
    )


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> report.Results:
    """Small tables; the figures, which have tests of their own, are empty files."""
    for name in ("market_against_oracle", "borrowers_before_and_after", "residual_against_delay"):
        monkeypatch.setattr(figures, name, lambda *args: args[-1].write_bytes(b""))
    return report.Results(
        summary={"liquidations": 2},
        manifest={"seed": 1, "versions": {"underwater": "0.1.0"}},
        prices=pd.DataFrame({"seconds": [0], "market_usd": [1.0]}),
        events=events(),
        accounts=accounts(),
        losses=pd.DataFrame({"debt": ["USDC"], "loss_usd": [10.25]}),
        book=pd.DataFrame({"borrower": ["ann"], "collateral_off_base": ["1"]}),
        delays_s=(0,),
        residual_by_delay_usd=(0.0,),
        ledger=ledger(),
    )


def write(results: report.Results, out: Path) -> None:
    report.write(results, out, Stopwatch())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_is_made_with_its_parents_and_nothing_beside_it(results, tmp_path):
    write(results, tmp_path / "a/b/out")

    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["out"]
    assert json.loads((tmp_path / "a/b/out/summary.json").read_text())["liquidations"] == 2


def test_the_seconds_of_the_summary_have_the_writing_in_them(results, tmp_path):
    watch = Stopwatch(seconds={"crash": 1.5})
    report.write(results, tmp_path / "out", watch)
    seconds = json.loads((tmp_path / "out/summary.json").read_text())["seconds"]

    assert list(seconds) == ["crash", "write"]
    assert seconds["write"] > 0
    assert seconds == watch.seconds


def test_an_older_folder_is_replaced_whole(results, tmp_path):
    out = tmp_path / "out"
    write(results, out)

    write(replace(results, summary={"liquidations": 3}, book=None), out)

    assert not (out / "book.csv").exists()
    assert json.loads((out / "summary.json").read_text())["liquidations"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_person_adds_while_the_crash_runs_is_not_lost(results, tmp_path):
    out = tmp_path / "out"
    write(results, out)
    (out / "notes.md").write_text("mine")
    before = tree(tmp_path)

    with pytest.raises(CannotWrite, match=r"notes\.md"):
        write(replace(results, summary={"liquidations": 3}), out)

    assert tree(tmp_path) == before


def test_an_older_folder_is_put_back_where_the_new_one_cannot_take_its_place(results, tmp_path, monkeypatch):
    out, move = tmp_path / "out", Path.replace
    write(results, out)
    before = tree(tmp_path)

    def fails_at_last(path: Path, target: Path) -> Path:
        if target == out and path.parent == tmp_path:
            raise OSError(5, "Input/output error")
        return move(path, target)

    monkeypatch.setattr(Path, "replace", fails_at_last)
    with pytest.raises(CannotWrite, match="Input/output"):
        write(replace(results, summary={"liquidations": 3}), out)

    assert tree(tmp_path) == before


@pytest.mark.parametrize("older", [False, True], ids=["nothing before", "an older run before"])
@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), ValueError("no figure")], ids=repr
)
def test_what_fails_half_way_leaves_everything_as_it_was(results, tmp_path, monkeypatch, older, failure):
    def fails(*args):
        raise failure

    if older:
        write(results, tmp_path / "out")
    before = tree(tmp_path)
    monkeypatch.setattr(figures, "residual_against_delay", fails)

    with pytest.raises(CannotWrite if isinstance(failure, OSError) else ValueError):
        write(replace(results, summary={"liquidations": 9}), tmp_path / "out")

    assert tree(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"] * older


def test_the_manifest_has_the_hash_of_every_other_file(results, tmp_path):
    write(results, tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())

    assert manifest["seed"] == 1
    assert manifest["files"].keys() == tree(tmp_path / "out").keys() - {"manifest.json"}
    assert len(set(manifest["files"].values())) > 5


def test_parity_is_written_with_integers_of_any_size_as_texts(results, tmp_path):
    write(results, tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out/parity.parquet")

    assert list(table.columns) == ["liquidation", "field", "model", "chain", "changed"]
    assert table["model"].tolist()[:2] == [str(2**255), "1"]
    assert table["chain"].tolist()[:2] == [str(2**255), "2"]
    assert table["changed"].tolist() == [True, False, False]
    assert table["field"].tolist() == ["a", "b", "reverts MustNotLeaveDust"]


def test_amounts_by_asset_are_json_in_both_forms_of_a_table(results, tmp_path):
    write(results, tmp_path / "out")
    for table in (pd.read_parquet(tmp_path / "out/events.parquet"), pd.read_csv(tmp_path / "out/events.csv")):
        for name in ("deficits", "chain_deficits"):
            assert [json.loads(text) for text in table[name]] == [{"USDC": str(2**70)}, {}, {}]


def test_a_table_of_no_calls_has_no_column_of_the_chain_and_is_written(results, tmp_path):
    write(replace(results, events=events().drop(columns="chain_deficits").iloc[:0]), tmp_path / "out")

    assert len(pd.read_parquet(tmp_path / "out/events.parquet")) == 0


def test_the_counts_of_the_summary_follow_from_the_tables():
    counts = report.summary_counts(accounts(), events(), ledger())

    assert counts == {
        "values_compared": 3,
        "values_changed": 1,
        "values_differing": 1,
        "reverts_compared": {"MustNotLeaveDust": 1},
        "liquidations": 2,
        "multi_debt_liquidations": 1,
        "borrowers": 3,
        "borrowers_with_residual_debt": 2,
        "residual_debt_usd": 10.75,
        "causes": {**dict.fromkeys(CAUSES, 0), "toxic": 1, "several": 1},
        "beyond_every_cause": 0,
        "frontier_agrees": True,
    }


def test_a_debt_that_no_cause_removes_is_counted_beside_the_causes():
    counts = report.summary_counts(accounts().assign(cause=["market", "several", ""]), events(), ledger())

    assert counts["beyond_every_cause"] == 1
    assert counts["causes"] == {**dict.fromkeys(CAUSES, 0), "several": 1}


def test_one_account_that_the_closed_form_contradicts_makes_it_disagree():
    one = accounts().assign(frontier_agrees=[True, False, True])

    assert report.summary_counts(one, events(), ledger())["frontier_agrees"] is False


# --- where results may go ---------------------------------------------------------------------------------------


def results_in(out: Path) -> None:
    folder_with(out, OURS, "events.csv")


def folder_with(out: Path, manifest: str, *names: str) -> None:
    out.mkdir()
    (out / report.MANIFEST).write_text(manifest)
    for name in names:
        (out / name).write_text("mine")


OURS = json.dumps({"versions": {"underwater": "0.1.0"}, "files": {"events.csv": "its hash"}})


@pytest.mark.parametrize("make", [None, Path.mkdir, results_in], ids=["new", "empty", "results"])
def test_a_new_an_empty_and_a_folder_of_results_may_be_written(tmp_path, make):
    if make:
        make(tmp_path / "out")

    report.require_writable(tmp_path / "out")


def test_a_folder_of_something_else_is_refused_and_kept(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(CannotWrite, match=r"thesis\.tex"):
        report.require_writable(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    "manifest",
    ["", "{}", "[]", "null", '{"name": "my web app"}', OURS.replace("underwater", "firefox")],
    ids=["empty", "object", "list", "null", "of a web app", "of another program"],
)
def test_a_folder_with_a_manifest_that_is_not_ours_is_refused_and_kept(results, tmp_path, manifest):
    folder_with(tmp_path / "out", manifest, "events.csv")
    before = tree(tmp_path)

    with pytest.raises(CannotWrite, match="something else than results"):
        report.require_writable(tmp_path / "out")
    with pytest.raises(CannotWrite, match="something else than results"):
        write(results, tmp_path / "out")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("/")])
@pytest.mark.parametrize("name", ["notes.md", "events.csv"])
def test_one_thing_among_results_that_is_not_of_them_is_refused(tmp_path, make, name):
    folder_with(tmp_path / "out", OURS)
    make(tmp_path / "out" / name)
    is_a_result = name == "events.csv" and make is Path.touch

    with nullcontext() if is_a_result else pytest.raises(CannotWrite, match=name):
        report.require_writable(tmp_path / "out")


@pytest.mark.parametrize("below", ["", "out"])
def test_a_file_in_the_way_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")

    with pytest.raises(CannotWrite, match="file"):
        report.require_writable(tmp_path / "file" / below)
