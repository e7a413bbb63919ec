"""`underwater crash --node`: an anvil that somebody else runs, used and left exactly as it was found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from forks.child import Child
from forks.crash.accounts import account_of
from forks.guard import verify_local_development_node
from forks.rpc import Rpc
from forks.toolchain import find_anvil
from tests.cli_runs import (
    Relay,
    book_file,
    crash,
    deployed_market,
    manifest,
    require_one_line,
    scenario_file,
    summary,
)
from tests.forks.processes import REPOSITORY, is_alive
from tests.forks.servers import FakeServer, serving

pytestmark = pytest.mark.node

ONE_OF_ITS_ACCOUNTS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@contextmanager
def somebodys_anvil(anvil: Path, folder: Path, *options: str) -> Iterator[tuple[Child, str]]:
    """An anvil started as a person would, with anvil's own defaults, and something on it."""
    child = Child([str(anvil), "--port", "0", *options], cwd=folder, env=os.environ)
    try:
        deadline = time.monotonic() + 60
        while "Listening on " not in child.output():
            assert time.monotonic() < deadline, child.output()
            time.sleep(0.01)
        url = "http://" + child.output().partition("Listening on ")[2].split()[0]
        rpc = verify_local_development_node(url)
        rpc.write(
            "eth_sendTransactionSync", {"from": ONE_OF_ITS_ACCOUNTS, "to": account_of("x"), "value": "0x1"}
        )
        rpc.close()
        yield child, url
    finally:
        child.stop()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, str]]:
    with somebodys_anvil(find_anvil().path, tmp_path_factory.mktemp("anvil")) as running:
        yield running


def as_it_stands(url: str) -> list[Any]:
    """Everything that a run could change and somebody could notice."""
    rpc = Rpc(url)
    try:
        info = rpc.call("anvil_nodeInfo")
        latest = rpc.call("eth_getBlockByNumber", "latest", False)
        pending = rpc.call("eth_getBlockByNumber", "pending", False)
        people = [ONE_OF_ITS_ACCOUNTS, account_of("x"), account_of("desk"), account_of("ether")]
        asked = [
            (name, [one, "latest"])
            for one in people
            for name in ("eth_getBalance", "eth_getTransactionCount")
        ]
        settings = [info["environment"], info["hardFork"], pending["gasLimit"], pending["baseFeePerGas"]]
        return [latest, *settings, *rpc.batch(asked)]
    finally:
        rpc.close()


def test_a_market_is_deployed_on_a_node_that_has_none_and_gone_afterwards(
    found: tuple[Child, str], tmp_path: Path
):
    child, url = found
    before = as_it_stands(url)

    result = crash(tmp_path, "--node", url, "--book", book_file(tmp_path))

    assert result.exit_code == 0, result.output
    done = summary(tmp_path)
    assert (done["source"], done["values_differing"], done["borrowers"]) == ("node", 0, 5)
    assert manifest(tmp_path)["inputs"].keys() == {"scenario", "book", "parameters", "package-lock"}
    assert as_it_stands(url) == before
    assert is_alive(child.pid)


def test_the_default_book_fits_a_node_with_the_gas_limit_of_mainnet(found: tuple[Child, str], tmp_path: Path):
    result = crash(tmp_path, "--node", found[1], "--scenario", scenario_file(tmp_path, n_steps=5))

    assert result.exit_code == 0, result.output
    assert summary(tmp_path)["borrowers"] == 78


def test_a_market_that_is_there_is_used_and_stays_as_it_was(tmp_path: Path):
    with deployed_market(["WETH", "DAI", "USDC"]) as venue:
        url = venue.node.url
        before = as_it_stands(url)

        result = crash(tmp_path, "--node", url, "--pool", venue.pool, "--book", book_file(tmp_path))

        assert result.exit_code == 0, result.output
        assert summary(tmp_path)["source"] == "node"
        assert summary(tmp_path)["liquidations"] > 0
        assert summary(tmp_path)["contracts"]["Pool"] == venue.contracts["Pool"]
        assert as_it_stands(url) == before
        assert venue.node.pid is not None
        assert is_alive(venue.node.pid)


def test_where_no_pool_is_it_is_said(found: tuple[Child, str], tmp_path: Path):
    before = as_it_stands(found[1])

    require_one_line(
        crash(tmp_path, "--node", found[1], "--pool", "0x" + "11" * 20), "no Aave v3 pool at 0x11"
    )
    assert as_it_stands(found[1]) == before


def test_a_revision_that_is_not_modelled_is_refused_with_its_number(found: tuple[Child, str], tmp_path: Path):
    """Code that answers 99 to every question stands at the pool's address."""
    pool = account_of("pool of revision 99")
    rpc = verify_local_development_node(found[1])
    rpc.write("anvil_setCode", pool, "0x60635f5260205ff3")
    rpc.close()
    before = as_it_stands(found[1])

    require_one_line(crash(tmp_path, "--node", found[1], "--pool", pool), "revision 99")
    assert as_it_stands(found[1]) == before


@pytest.mark.parametrize(
    ("number", "n_requests"),
    [(signal.SIGTERM, 30), (signal.SIGINT, 400)],
    ids=["ended while the market is deployed", "interrupted later"],
)
def test_a_node_is_left_as_found_when_the_run_is_ended_in_the_middle(
    found: tuple[Child, str], number: signal.Signals, n_requests: int, tmp_path: Path
):
    child, url = found
    before = as_it_stands(url)
    with serving(Relay(url)) as relay:
        command = [sys.executable, "-m", "scripts.crash", "--node", relay.url, "--out", str(tmp_path / "out")]
        with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
            while len(relay.methods) < n_requests:
                assert process.poll() is None, process.stderr
                time.sleep(0.005)
            process.send_signal(number)
            _, shown = process.communicate(timeout=60)

    assert process.returncode == 128 + number
    assert (
        shown.strip().splitlines()[-1]
        == f"underwater: {'interrupted' if number == signal.SIGINT else 'terminated'}"
    )
    assert "Traceback" not in shown
    assert not (tmp_path / "out").exists()
    assert as_it_stands(url) == before
    assert is_alive(child.pid)


def test_a_node_that_is_not_a_development_node_gets_the_two_questions_and_nothing_else(tmp_path: Path):
    answers = {"web3_clientVersion": "Geth/v1.14.0-stable/linux-amd64/go1.22", "eth_chainId": "0x1"}
    with serving(FakeServer(answers)) as geth:
        result = crash(tmp_path, "--node", geth.url)

    require_one_line(result, geth.url, "not a local development node", "nothing was written")
    assert set(geth.methods) <= {"web3_clientVersion", "anvil_nodeInfo"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", ("127.0.0.1:9",)),
        ("https://mainnet.example/v3/s3cr3tk3y", ("not a local development node",)),
        ("http://203.0.113.7:8545", ("203.0.113.7 is not a loopback address",)),
        ("8545", ("is not an RPC address",)),
    ],
)
def test_an_address_that_no_node_can_have_is_refused(url: str, words: tuple[str, ...], tmp_path: Path):
    result = crash(tmp_path, "--node", url)

    require_one_line(result, *words)
    assert "s3cr3tk3y" not in result.output
