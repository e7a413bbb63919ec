"""`underwater crash --fork-url`: a real pool at a pinned block, its real borrowers, and an upstream left alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from click.testing import Result

from forks.aave_v3 import sources
from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.getters import Question, ask
from forks.aave_v3.opening import open_book
from forks.aave_v3.venue import AaveVenue
from forks.crash.accounts import FUNDER, account_of
from forks.crash.twin import Twin
from forks.crash.venue import transaction
from forks.node import Node
from forks.rpc import READ_METHODS
from stress.book import AaveTerms, load_book, rebuild, reserve_infos
from tests.cli_runs import (
    Relay,
    book_file,
    crash,
    deployed_market,
    manifest,
    require_one_line,
    summary,
)
from tests.forks.servers import FakeServer, serving

pytestmark = pytest.mark.node

ASSETS = ("WETH", "WBTC", "DAI", "USDC")
REAL = ("ether", "several", "both", "healthy")
READS = READ_METHODS | {"eth_getAccountInfo"}
"""What an upstream may be asked: by us, and by an anvil that finds another one there."""
KEY = "s3cr3tk3ys3cr3tk3y"


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A market with borrowers of its own: what is forked."""

    venue: AaveVenue
    block: int
    """At which it is forked; prices halve right after."""
    price_base: int
    """Of WETH at that block."""

    @property
    def node(self) -> Node:
        return self.venue.node

    def as_it_stands(self) -> list[Any]:
        rpc = self.node.rpc
        touched = [FUNDER, *map(account_of, REAL), account_of("desk"), self.venue.pool]
        block = rpc.call("eth_getBlockByNumber", "latest", False)
        return [block, *(rpc.call("eth_getTransactionCount", one, "latest") for one in touched)]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    with deployed_market(ASSETS) as venue:
        prices = venue.prices()
        infos = reserve_infos(venue.market(()), prices)
        plan = rebuild(load_book(book_file(tmp_path_factory.mktemp("book"))), infos, AaveTerms(venue.rules))
        venue.take_over_feeds(prices)
        open_book(venue, plan.openings, prices, bots=[])
        venue.node.set_time(venue.now() + 3 * 86_400)
        block = int(venue.node.rpc.call("eth_blockNumber"), 16)
        weth = venue.reserve_ids["WETH"]
        venue.node.mine()  # what is written into storage belongs to the block before
        venue.set_prices({weth: prices[weth] // 2})
        venue.node.set_time(venue.now() + 60)
        yield Upstream(venue=venue, block=block, price_base=prices[weth])


@dataclass(frozen=True, kw_only=True)
class Forked:
    """A crash on a fork behind a relay."""

    folder: Path
    result: Result
    relay: Relay
    before: list[Any]
    after: list[Any]


def fork(upstream: Upstream, folder: Path, *arguments: object) -> Forked:
    before = upstream.as_it_stands()
    relay = Relay(upstream.node.url)
    with serving(relay):
        url = f"{relay.url}/v2/{KEY}"
        options = ["--fork-url", url, "--block", upstream.block, "--pool", upstream.venue.pool]
        result = crash(folder, *options, *arguments)
    return Forked(folder=folder, result=result, relay=relay, before=before, after=upstream.as_it_stands())


@pytest.fixture(scope="module")
def forked(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Forked:
    folder = tmp_path_factory.mktemp("forked")
    done = fork(upstream, folder, "--book", book_file(folder))
    assert done.result.exit_code == 0, done.result.output
    return done


@pytest.fixture(scope="module")
def on_accounts(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Forked:
    folder = tmp_path_factory.mktemp("accounts")
    path = folder / "accounts.txt"
    two, others = REAL[:2], REAL[2:]
    path.write_text(
        "# borrowers\n" + "\n".join(map(account_of, two)) + "\n" + ", ".join(map(account_of, others))
    )
    done = fork(upstream, folder, "--accounts", path)
    assert done.result.exit_code == 0, done.result.output
    return done


# --- a book on the fork ---


def test_a_book_is_opened_on_the_pool_of_the_fork_and_no_integer_differs(forked: Forked):
    found = summary(forked.folder)

    assert (found["source"], found["revision"], found["values_differing"]) == ("fork", "3.6", 0)
    assert found["borrowers"] == 4
    assert found["liquidations"] >= 5
    assert found["multi_debt_liquidations"] > 0
    assert found["borrowers_with_residual_debt"] > 0


def test_assets_that_the_market_lacks_are_left_out_and_named(forked: Forked):
    assert "LINK is not in this market" in forked.result.stdout
    assert any("link left out" in note for note in manifest(forked.folder)["notes"])


def test_the_fork_stands_at_the_pinned_block(upstream: Upstream, forked: Forked):
    prices = pd.read_parquet(forked.folder / "out/prices.parquet")
    first = prices[prices["symbol"] == "WETH"].iloc[0]
    read_at = {params[-1] for params in forked.relay.parameters_of("eth_getStorageAt")}

    header = upstream.node.rpc.call("eth_getBlockByNumber", hex(upstream.block), False)
    made = manifest(forked.folder)

    assert (made["block"], made["block_hash"]) == (upstream.block, header["hash"])
    assert (made["chain_id"], made["pool"]) == (31_337, upstream.venue.pool)
    assert made["inputs"].keys() == {"scenario", "book", "package-lock"}
    assert int(first["observed_base"]) == upstream.price_base
    assert read_at == {hex(upstream.block)}


def test_state_is_fetched_when_it_is_needed(upstream: Upstream, forked: Forked):
    asked = ("eth_getAccountInfo", "eth_getCode")  # one by one, whichever the upstream knows
    fetched = {params[0].lower() for name in asked for params in forked.relay.parameters_of(name)}
    listed = upstream.venue.reader.listing.reserves

    assert upstream.venue.pool.lower() in fetched
    assert {one.atoken.lower() for one in listed} <= fetched
    assert forked.relay.parameters_of("eth_getStorageAt")
    assert account_of("nobody").lower() not in fetched


def test_the_upstream_is_only_read_and_stands_as_before(forked: Forked):
    assert forked.relay.methods
    assert set(forked.relay.methods) <= READS
    assert forked.after == forked.before


def test_the_key_of_the_upstream_is_shown_nowhere(forked: Forked, on_accounts: Forked):
    for done in (forked, on_accounts):
        assert KEY not in done.result.output
        for path in (done.folder / "out").iterdir():
            assert KEY.encode() not in path.read_bytes(), path.name


def test_caps_that_the_book_would_exceed_are_lifted_on_the_fork_alone_and_named(
    upstream: Upstream, tmp_path: Path
):
    venue, cap = upstream.venue, "setBorrowCap(address,uint256)"
    with venue.node.anchor():
        asked = Question(venue.reader.listing.provider, "getPoolConfigurator()")
        configurator = ask(venue.node, [asked])[0].address
        call = transaction(ADMIN, configurator, cap, (venue.assets["DAI"], 100_000))
        assert venue.node.send(call)["status"] == 1
        later = Upstream(venue=venue, block=int(venue.node.rpc.call("eth_blockNumber"), 16), price_base=0)

        done = fork(later, tmp_path, "--book", book_file(tmp_path))

        assert done.result.exit_code == 0, done.result.output
        assert "supply and borrow caps lifted: DAI\n" in done.result.stdout
        assert done.after == done.before
        assert venue.configurations()["DAI"] >> 80 & (1 << 36) - 1 == 100_000


def test_caps_that_leave_room_stay(forked: Forked):
    assert "caps lifted" not in forked.result.stdout


def test_the_environment_names_the_upstream_when_no_option_does(upstream: Upstream, tmp_path: Path):
    options = ["--pool", upstream.venue.pool, "--book", book_file(tmp_path), "--block", upstream.block]

    result = crash(tmp_path, *options, env={"ETH_RPC_URL": upstream.node.url})

    assert result.exit_code == 0, result.output
    assert summary(tmp_path)["source"] == "fork"


# --- real borrowers ---


def test_real_borrowers_are_crashed_and_liquidated(on_accounts: Forked):
    found = summary(on_accounts.folder)
    accounts = pd.read_parquet(on_accounts.folder / "out/accounts.parquet")

    assert (found["source"], found["values_differing"], found["borrowers"]) == ("fork", 0, 4)
    assert found["liquidations"] >= 5
    assert set(accounts["user"]) == {account_of(name) for name in REAL}
    made = manifest(on_accounts.folder)
    assert made["accounts"] == [account_of(name) for name in REAL]
    assert made["inputs"].keys() == {"scenario", "package-lock"}
    assert not (on_accounts.folder / "out/book.csv").exists()
    assert on_accounts.after == on_accounts.before
    assert set(on_accounts.relay.methods) <= READS


def test_real_borrowers_are_compared_before_anything_is_changed(upstream: Upstream, tmp_path: Path):
    """When their account data is compared, nothing has been written and no feed is ours."""
    writes: list[str] = []
    compared: list[list[str]] = []
    write, compare = Node.write, Twin.compare_accounts

    def recording(node: Node, method: str, *params: Any) -> Any:
        writes.append(method)
        return write(node, method, *params)

    def comparing(twin: Twin, subject: str, *arguments: Any) -> None:
        compared.append([subject, *writes])
        compare(twin, subject, *arguments)

    with patch.object(Node, "write", recording), patch.object(Twin, "compare_accounts", comparing):
        done = fork(upstream, tmp_path, "--accounts", ",".join(map(account_of, ("ether", "both"))).lower())

    assert done.result.exit_code == 0, done.result.output
    assert compared[0] == ["opening"]
    assert writes


@pytest.mark.parametrize(
    ("accounts", "words"),
    [
        ("0x" + "12" * 20, ("no position at block", "0x" + "12" * 20)),
        ("0x1234", ("'0x1234' is not an address",)),
        ("0x" + "zz" * 20, ("is not an address",)),
        ("missing.txt", ("'missing.txt' is neither an address nor a file",)),
    ],
)
def test_accounts_that_are_none_are_refused_in_one_line(
    upstream: Upstream, accounts: str, words: tuple[str, ...], tmp_path: Path
):
    done = fork(upstream, tmp_path, "--accounts", accounts)

    require_one_line(done.result, *words)
    assert not (tmp_path / "out").exists()


# --- upstreams that do not serve ---


def test_a_block_that_the_upstream_lacks_is_refused(upstream: Upstream, tmp_path: Path):
    result = crash(tmp_path, "--fork-url", upstream.node.url, "--block", 10**9)

    require_one_line(result, "has no block 1000000000")


def test_a_chain_without_a_known_pool_needs_its_address(upstream: Upstream, tmp_path: Path):
    require_one_line(crash(tmp_path, "--fork-url", upstream.node.url), "chain 31337", "--pool ADDRESS")


def test_a_revision_that_is_not_modelled_is_refused_with_its_number(upstream: Upstream, tmp_path: Path):
    """The pool's implementation answers 99 to every question."""
    with upstream.node.anchor():
        upstream.node.set_code(upstream.venue.pool, "0x60635f5260205ff3")
        upstream.node.mine()

        result = crash(tmp_path, "--fork-url", upstream.node.url, "--pool", upstream.venue.pool)

    require_one_line(result, "revision 99")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (FakeServer({}, hang=True), ("eth_chainId", "no answer within")),
        (FakeServer({}, status=429), ("answers 429",)),
        (FakeServer({}, body=b"<html>"), ("does not speak JSON-RPC",)),
    ],
    ids=["hangs", "answers 429", "answers HTML"],
)
def test_an_upstream_that_does_not_serve_is_named_without_its_key(
    server: FakeServer, words: tuple[str, ...], tmp_path: Path
):
    quick = partial(sources.fork_point, timeout_s=0.2, retries=1)
    with serving(server), patch.object(sources, "fork_point", quick):
        result = crash(tmp_path, "--fork-url", f"{server.url}/v2/{KEY}")

    require_one_line(result, *words)
    assert KEY not in result.output
    assert set(server.methods) <= READ_METHODS


STATE_READS = ("eth_getStorageAt", "eth_getAccountInfo", "eth_getCode", "eth_getBalance", "eth_getProof")


class Breaking(Relay):
    """Serves until it is told how to fail."""

    failure = ""

    def reply(self, request: Any) -> Any:
        if self.failure == "429":
            self.status = 429
        self.hang = self.failure == "hangs"
        if self.failure == "error" or (self.failure == "pruned" and request["method"] in STATE_READS):
            error = {"code": -32000, "message": f"no state at https://upstream.example/v2/{KEY}"}
            return {"jsonrpc": "2.0", "id": request["id"], "error": error}
        return super().reply(request)


@pytest.mark.parametrize(
    ("failure", "when", "words"),
    [
        ("429", "liquidate", ("liquidationCall failed", "429")),
        ("hangs", "liquidate", ("liquidationCall failed", "TimedOut")),
        ("error", "liquidate", ("liquidationCall failed", "no state")),
        ("pruned", "liquidate", ("eth_call failed", "no state")),
        ("error", "take_over_feeds", ("failed", "no state")),
    ],
)
def test_an_upstream_that_fails_in_the_middle_is_one_line_in_bounded_time(
    upstream: Upstream, failure: str, when: str, words: tuple[str, ...], tmp_path: Path
):
    relay = Breaking(upstream.node.url)
    step = getattr(AaveVenue, when)

    def breaking(venue: AaveVenue, *arguments: Any, **options: Any) -> Any:
        relay.failure = failure
        return step(venue, *arguments, **options)

    impatient = [
        patch("forks.launch._UPSTREAM_TIMEOUT_MS", 4_000),
        patch("forks.launch._UPSTREAM_RETRIES", 1),
        patch("forks.crash.sending.RECEIPT_WAIT_S", 2.0),
        patch.object(AaveVenue, when, breaking),
    ]
    with serving(relay), ExitStack() as patched:
        for one in impatient:
            patched.enter_context(one)
        where = ["--fork-url", f"{relay.url}/v2/{KEY}", "--block", upstream.block]
        result = crash(tmp_path, *where, "--pool", upstream.venue.pool, "--book", book_file(tmp_path))

    require_one_line(result, *words)
    assert relay.failure == failure
    assert KEY not in result.output
    assert not (tmp_path / "out").exists()


def test_a_transaction_that_is_never_mined_is_one_line(upstream: Upstream, tmp_path: Path):
    """Mining is off when the call is sent, and the node has nothing to say against it."""
    liquidate = AaveVenue.liquidate

    def unmined(venue: AaveVenue, *arguments: Any, **options: Any) -> Any:
        venue.node.write("evm_setAutomine", False)
        return liquidate(venue, *arguments, **options)

    with patch.object(AaveVenue, "liquidate", unmined), patch("forks.crash.sending.RECEIPT_WAIT_S", 0.5):
        done = fork(upstream, tmp_path, "--book", book_file(tmp_path))

    require_one_line(done.result, "liquidationCall of 0x", "was not mined within 0.5 s")
