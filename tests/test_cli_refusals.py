"""Bad input to `underwater crash`: one clear line, exit code 2, no process and no file left behind."""

from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from forks import toolchain
from tests.cli_runs import (
    BOOK,
    SCENARIO,
    crash,
    processes_in,
    require_one_line,
    scenario_file,
    underwater,
)

SOME_ADDRESS = "0x" + "11" * 20
URL = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def nothing_is_left_behind(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Our node and every draft live in temporary folders."""
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


# --- options ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fork-url", URL, "--state", "mainnet-19471508"), ("exclude each other",)),
        (("--fork-url", URL, "--node", URL), ("exclude each other",)),
        (("--state", "mainnet-19471508", "--node", URL), ("exclude each other",)),
        (("--accounts", SOME_ADDRESS, "--book", "default"), ("exclude each other",)),
        (("--node", ""), ("--node", "empty value")),
        (("--state", ""), ("--state", "empty value")),
        (("--fork-url=",), ("--fork-url", "empty value")),
        (("--pool", ""), ("--pool", "empty value")),
        (("--out", ""), ("--out", "empty value")),
        (("--node", URL, "--port", "18545"), ("leave them out with --node",)),
        (("--block", "5"), ("--block needs --fork-url",)),
        (("--block", "5", "--state", "mainnet-19471508"), ("--block needs --fork-url",)),
        (("--block", "-1"), ("--block", "-1")),
        (("--block", "latest"), ("--block", "latest")),
        (("--port", "0"), ("--port", "0")),
        (("--pool", SOME_ADDRESS), ("--pool needs",)),
        (("--pool", SOME_ADDRESS, "--state", "mainnet-19471508"), ("--pool", "has one pool")),
        (("--pool", "0x12"), ("--pool", "'0x12' is not an address")),
        (("--accounts", ""), ("--accounts", "empty value")),
        (("--fork-url", "example"), ("is not an RPC address",)),
        (("--fork-url", ","), ("is not an RPC address",)),
        (("--colour",), ("--colour",)),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: tuple[str, ...], words: tuple[str, ...], tmp_path: Path
):
    require_one_line(crash(tmp_path, *options), *words)


def test_an_unknown_verb_is_refused():
    require_one_line(underwater("crush"), "crush")


def test_accounts_need_a_market_that_has_them(tmp_path: Path):
    """Without a fork, a state or a node the market is deployed anew, and nobody is on it."""
    require_one_line(crash(tmp_path, "--accounts", SOME_ADDRESS), "no position", SOME_ADDRESS)


def test_an_address_in_the_environment_alone_forks_nothing(tmp_path: Path):
    """Only with a block, a pool or accounts of that chain does it stand for `--fork-url`."""
    nowhere = {"ETH_RPC_URL": URL}

    require_one_line(crash(tmp_path, "--anvil", "/nonexistent", env=nowhere), "no anvil that runs")
    require_one_line(crash(tmp_path, "--block", "5", env=nowhere), "cannot be reached")


# --- tools ---


def test_an_anvil_that_is_not_there_is_named(tmp_path: Path):
    missing = tmp_path / "anvil"

    require_one_line(crash(tmp_path, "--anvil", missing), f"no anvil that runs at {missing}", "make setup")
    require_one_line(crash(tmp_path, env={"ANVIL": str(missing)}), f"no anvil that runs at {missing} (ANVIL)")


def test_a_program_that_is_not_anvil_is_named(tmp_path: Path):
    result = crash(tmp_path, "--anvil", sys.executable)

    require_one_line(result, f"no anvil that runs at {sys.executable}")


def test_packages_that_are_not_installed_are_named(tmp_path: Path):
    result = crash(tmp_path, env={"UNDERWATER_NODE_MODULES": str(tmp_path), "ANVIL": None})

    require_one_line(result, "no anvil that runs at", "make setup")


@pytest.mark.parametrize("options", [(), ("--state", "mainnet-19471508")], ids=["deployed", "state"])
def test_without_node_the_compiler_cannot_run(
    options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    anvil = toolchain.find_anvil().path
    monkeypatch.setattr(toolchain, "_WHEEL_NODE", "none/*")
    empty: dict[str, str | None] = {"PATH": str(tmp_path), "UNDERWATER_CACHE": str(tmp_path / "cache")}

    result = crash(tmp_path, "--anvil", anvil, *options, env=empty)

    require_one_line(result, "no Node 18 or newer", "make setup")


def test_a_port_that_is_taken_is_named(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        require_one_line(crash(tmp_path, "--port", port), f"port {port} is taken")


# --- files ---


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("WETH = 60_000", "WETH = -1", ("collateral_usd", "above 0")),
        ("WETH = 60_000", "WETH = 0", ("collateral_usd", "above 0")),
        ("health_factor = 1.02", "health_factor = 1", ("ether", "health_factor", "above 1")),
        ("health_factor = 1.02", "", ("ether", "health_factor", "is missing")),
        ('name = "several"', 'name = "ether"', ("taken",)),
        ("[kinds.some]", "[kinds.some", ("is not TOML",)),
    ],
)
def test_a_malformed_book_is_refused(before: str, after: str, words: tuple[str, ...], tmp_path: Path):
    assert before in BOOK
    path = tmp_path / "bad.toml"
    path.write_text(BOOK.replace(before, after, 1))

    require_one_line(crash(tmp_path, "--book", path), "book bad.toml", *words)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("[120, 0.9]", "[120, 0]", ("market.default", "above 0")),
        ("[120, 0.9]", "[120, -0.9]", ("market.default", "above 0")),
        ("[120, 0.9]", "[-120, 0.9]", ("market.default",)),
        ("[market.default]", "[market.some]", ("default", "missing")),
        ("turnaround_s = 60\n[[", "turnround_s = 60\n[[", ("turn",)),
        ("seed = 1", "seed =", ("is not TOML",)),
    ],
)
def test_a_malformed_scenario_is_refused(before: str, after: str, words: tuple[str, ...], tmp_path: Path):
    assert before in SCENARIO
    path = tmp_path / "bad.toml"
    path.write_text(SCENARIO.format(n_steps=60).replace(before, after, 1))

    require_one_line(crash(tmp_path, "--scenario", path), "scenario bad.toml", *words)


def test_a_gas_token_that_the_market_lacks_is_refused(tmp_path: Path):
    path = tmp_path / "bad.toml"
    path.write_text(SCENARIO.format(n_steps=60).replace('token = "WETH"', 'token = "MATIC"'))

    require_one_line(crash(tmp_path, "--scenario", path), "MATIC is not on this market")


@pytest.mark.parametrize("option", ["--book", "--scenario"])
def test_an_unknown_name_is_refused_with_the_known_ones(option: str, tmp_path: Path):
    require_one_line(
        crash(tmp_path, option, "nonsuch"), "nonsuch", "default" if option == "--book" else "crash"
    )


@pytest.mark.parametrize("option", ["--book", "--scenario"])
def test_a_file_that_is_not_there_is_named_with_its_whole_path(option: str, tmp_path: Path):
    require_one_line(
        crash(tmp_path, option, "/nonexistent/some.toml"), "/nonexistent/some.toml", "cannot be read"
    )


def test_more_steps_than_memory_holds_are_refused(tmp_path: Path):
    path = scenario_file(tmp_path, n_steps=10**9)

    require_one_line(
        crash(tmp_path, "--scenario", path), path.name, "n_steps", "100000 or below", "1000000000"
    )


def test_a_book_of_which_nothing_fits_is_refused(tmp_path: Path):
    path = tmp_path / "stranger.toml"
    path.write_text(
        BOOK.replace("WETH", "XYZ").replace("DAI", "ZYX").replace("LINK", "YZX").replace("USDC", "ZXY")
    )

    require_one_line(crash(tmp_path, "--book", path), "nothing to do", "'stranger'")


# --- results ---


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/underwater"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_starts(place: str, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    out = tmp_path / place

    result = underwater(
        "crash", "--out", out, "--scenario", scenario_file(tmp_path), "--anvil", "/nonexistent"
    )

    require_one_line(result, f"cannot write to {out}")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("mine")

    require_one_line(crash(tmp_path), "cannot write to", "something else than results")
    assert (tmp_path / "out/thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("manifest", ["{}", '{"name": "my web app"}', "not even JSON"])
def test_a_folder_with_a_manifest_of_something_else_is_not_replaced(manifest: str, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/manifest.json").write_text(manifest)
    (tmp_path / "out/index.html").write_text("mine")

    require_one_line(crash(tmp_path), "cannot write to", "something else than results", "index.html")
    assert (tmp_path / "out/manifest.json").read_text() == manifest
    assert (tmp_path / "out/index.html").read_text() == "mine"


def test_the_folder_one_stands_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "thesis.tex").write_text("mine")
    monkeypatch.chdir(tmp_path)

    require_one_line(crash(tmp_path, "--out", "."), f"cannot write to {tmp_path}")
    assert (tmp_path / "thesis.tex").read_text() == "mine"
