"""The node's life cycle on real anvils: repeatable, quiet, undone when asked, and never left behind."""

import gzip
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from forks.errors import (
    BlockSplit,
    NodeDied,
    NodeNotReady,
    NotADevelopmentNode,
    PortTaken,
    RpcFailed,
    SnapshotGone,
    StateFileMalformed,
    UpstreamHangs,
)
from forks.guard import LocalNode
from forks.launch import GENESIS_TIMESTAMP
from forks.node import Node
from forks.upstream import fork_point
from tests.forks.processes import is_alive, running, wait_until_gone

pytestmark = pytest.mark.node

ALICE, BOB, CONTRACT = ("0x" + pair * 20 for pair in ("a1", "b0", "c0"))
FIXED_FEED = "0x5f545f5260205ff3"  # returns storage slot 0 to any call
REVERTS_WITH_2A = "0x602a5f5260205ffd"
LOOPS_FOREVER = "0x5b5f56"


def latest(node: Node) -> tuple[int, int]:
    block = node.rpc.call("eth_getBlockByNumber", "latest", False)
    return int(block["number"], 16), int(block["timestamp"], 16)


# --- a node of our own ---


def test_a_plain_node_starts_at_a_fixed_time_on_a_free_port_and_ends_with_its_block(anvil: Path):
    with Node.start(anvil) as first, Node.start(anvil) as second:
        assert first.url != second.url
        assert latest(first) == latest(second) == (0, GENESIS_TIMESTAMP)
        assert first.w3.eth.chain_id == 31337
        pids = [first.pid, second.pid]

    assert not any(is_alive(pid) for pid in pids if pid is not None)


def test_two_nodes_that_do_the_same_have_the_same_block_hash(anvil: Path):
    def run() -> str:
        with Node.start(anvil, chain_id=7, timestamp=1_600_000_000) as node:
            node.set_code(CONTRACT, FIXED_FEED)
            node.set_time(1_600_000_777)
            node.send({"from": ALICE, "to": CONTRACT})
            return node.rpc.call("eth_getBlockByNumber", "latest", False)["hash"]

    assert run() == run()


def test_time_stands_still_until_it_is_set_and_what_follows_is_at_the_time_set(node: Node):
    node.mine(3)
    assert latest(node) == (3, GENESIS_TIMESTAMP)

    node.set_time(GENESIS_TIMESTAMP + 100)
    assert latest(node) == (4, GENESIS_TIMESTAMP + 100)

    time.sleep(1.1)  # a clock that ran would show it
    node.send({"from": ALICE, "to": BOB})
    assert latest(node) == (5, GENESIS_TIMESTAMP + 100)


def test_any_address_sends_without_funds_and_a_reverted_transaction_gives_a_receipt(node: Node):
    node.set_code(CONTRACT, REVERTS_WITH_2A)
    transaction = {"from": ALICE, "to": CONTRACT, "data": b"\x01\x02"}

    assert node.send({"from": ALICE, "to": BOB})["status"] == 1
    assert node.send(transaction)["status"] == 0
    assert node.revert_data(transaction) == (42).to_bytes(32, "big")
    assert node.revert_data({"from": ALICE, "to": BOB}) is None


def test_a_call_that_fails_without_reverting_is_an_error_not_a_revert(node: Node):
    node.set_code(CONTRACT, LOOPS_FOREVER)

    with pytest.raises(RpcFailed):
        node.revert_data({"from": ALICE, "to": CONTRACT, "gas": 50_000})


def test_code_storage_and_balance_are_set(node: Node):
    node.set_code(CONTRACT, bytes.fromhex(FIXED_FEED[2:]))
    node.set_storage(CONTRACT, 0, 2**255 + 1)
    node.set_balance(ALICE, 10**18)

    assert int(node.rpc.call("eth_call", {"to": CONTRACT}, "latest"), 16) == 2**255 + 1
    assert node.w3.eth.get_balance(node.w3.to_checksum_address(ALICE)) == 10**18


def test_many_transactions_are_mined_in_their_order_in_one_block(node: Node):
    senders = [ALICE, BOB, ALICE, CONTRACT, BOB, ALICE]

    receipts = node.mine_many([{"from": sender, "to": BOB} for sender in senders])

    assert [receipt["from"].lower() for receipt in receipts] == senders
    assert [(receipt["blockNumber"], receipt["transactionIndex"]) for receipt in receipts] == [
        (1, index) for index in range(6)
    ]
    assert node.rpc.call("anvil_getAutomine") is True
    assert node.mine_many([]) == []


def test_transactions_that_do_not_fit_one_block_are_reported(node: Node):
    node.set_code(CONTRACT, LOOPS_FOREVER)
    node.write("evm_setBlockGasLimit", hex(1_500_000))

    with pytest.raises(BlockSplit):
        node.mine_many([{"from": ALICE, "to": CONTRACT, "gas": 1_000_000}] * 2)


def test_an_anchor_undoes_everything_also_after_an_error(node: Node):
    node.set_balance(ALICE, 5)
    before = latest(node)

    def change() -> None:
        node.set_balance(ALICE, 6)
        node.set_time(GENESIS_TIMESTAMP + 50)
        with node.anchor():
            node.set_balance(ALICE, 7)
        assert int(node.rpc.call("eth_getBalance", ALICE, "latest"), 16) == 6
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), node.anchor():
        change()

    assert int(node.rpc.call("eth_getBalance", ALICE, "latest"), 16) == 5
    assert latest(node) == before
    node.mine()
    assert latest(node) == (before[0] + 1, before[1])


def test_a_snapshot_serves_once_and_its_second_use_is_an_error(node: Node):
    snapshot_id = node.snapshot()
    node.revert(snapshot_id)

    with pytest.raises(SnapshotGone):
        node.revert(snapshot_id)


def test_a_port_in_use_is_named(anvil: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortTaken, match=str(port)) as refused:
            Node.start(anvil, port=port)

    assert refused.value.exit_code == 2


def test_a_start_that_fails_gives_the_last_words_of_the_node(anvil: Path):
    with pytest.raises(NodeDied, match="nosuchfork"):
        Node.start(anvil, hardfork="nosuchfork")


def test_a_node_that_never_listens_is_given_up(tmp_path: Path):
    sleeper = tmp_path / "anvil"
    sleeper.write_text("#!/bin/sh\necho warming up\nexec sleep 60\n")
    sleeper.chmod(0o755)

    with pytest.raises(NodeNotReady, match="warming up"):
        Node.start(sleeper, wait_s=1.0)


def test_a_node_that_dies_is_reported_as_dead_to_every_caller(anvil: Path):
    with Node.start(anvil) as node:
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)

        with pytest.raises(NodeDied, match="signal 9"):
            node.mine()
        with pytest.raises(NodeDied):
            _ = node.w3.eth.block_number


# --- a recorded state ---


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_recorded_state_is_loaded_and_stands_at_its_own_time(anvil: Path, tmp_path: Path, packed: bool):
    with Node.start(anvil) as node:
        node.set_balance(ALICE, 77)
        node.set_time(GENESIS_TIMESTAMP + 12_345)
        dump = gzip.decompress(bytes.fromhex(node.rpc.call("anvil_dumpState")[2:]))
    state = tmp_path / ("state.json.gz" if packed else "state.json")
    state.write_bytes(gzip.compress(dump) if packed else dump)

    with Node.start(anvil, state_file=state) as loaded:
        assert latest(loaded) == (2, GENESIS_TIMESTAMP + 12_345)  # one block on, so that it can be read
        assert int(loaded.rpc.call("eth_getBalance", ALICE, "latest"), 16) == 77


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"not json", b"\x1f\x8bnot gzip"])
def test_a_malformed_state_is_refused_by_its_own_name(anvil: Path, tmp_path: Path, content: bytes):
    state = tmp_path / "mine.json"
    state.write_bytes(content)

    with pytest.raises(StateFileMalformed, match=r"mine\.json"):
        Node.start(anvil, state_file=state)


def test_a_state_that_is_not_there_is_refused(anvil: Path, tmp_path: Path):
    with pytest.raises(StateFileMalformed, match="nowhere"):
        Node.start(anvil, state_file=tmp_path / "nowhere.json")


# --- a fork ---


def test_a_fork_starts_at_the_pinned_block_reads_lazily_and_leaves_its_upstream_alone(anvil: Path):
    with Node.start(anvil) as upstream:
        upstream.set_balance(ALICE, 5)
        upstream.set_time(GENESIS_TIMESTAMP + 60)
        upstream.set_balance(ALICE, 6)
        upstream.mine(2)
        point = fork_point(upstream.url, block=2, chain_id=31337)
        assert point.hardfork == "cancun"
        before = upstream.rpc.call("eth_getBlockByNumber", "latest", False)

        with Node.start(
            anvil, fork_url=point.url, fork_block=point.block_number, hardfork=point.hardfork
        ) as fork:
            assert latest(fork) == (2, point.timestamp) == (2, GENESIS_TIMESTAMP + 60)
            assert int(fork.rpc.call("eth_getBalance", ALICE, "latest"), 16) == 6
            fork.send({"from": ALICE, "to": BOB, "value": 4})
            fork.set_code(CONTRACT, FIXED_FEED)
            assert latest(fork) == (3, GENESIS_TIMESTAMP + 60)
            assert int(fork.rpc.call("eth_getBalance", BOB, "latest"), 16) == 4

        assert upstream.rpc.call("eth_getBlockByNumber", "latest", False) == before
        assert int(upstream.rpc.call("eth_getBalance", ALICE, "latest"), 16) == 6
        assert upstream.rpc.call("eth_getCode", CONTRACT, "latest") == "0x"


def test_the_key_of_an_upstream_shows_neither_in_the_arguments_of_the_node_nor_in_an_error(anvil: Path):
    with Node.start(anvil) as upstream:
        url = upstream.url.replace("http://", "http://user:0123456789abcdef@")
        with Node.start(anvil, fork_url=url, fork_block=0) as fork:
            assert "0123456789" not in Path(f"/proc/{fork.pid}/cmdline").read_text()
            upstream.close()
            with pytest.raises(RpcFailed) as failed:
                fork.rpc.call("eth_getBalance", BOB, "latest")

    assert "0123456789" not in str(failed.value)
    assert upstream.url in str(failed.value)


def test_a_fork_of_nothing_fails_without_showing_the_key(anvil: Path):
    with pytest.raises(NodeDied, match="failed to get fork block") as died:
        Node.start(anvil, fork_url="http://127.0.0.1:1/v3/0123456789abcdef", fork_block=1)

    assert "0123456789" not in str(died.value)


def test_a_fork_without_a_pinned_block_is_refused(anvil: Path):
    with pytest.raises(ValueError, match="pinned"):
        Node.start(anvil, fork_url="http://127.0.0.1:1")


# --- a node that already runs ---


def found_settings(node: Node) -> dict[str, Any]:
    pending = node.rpc.call("eth_getBlockByNumber", "pending", False)
    return {
        "latest": node.rpc.call("eth_getBlockByNumber", "latest", False),
        "balance": node.rpc.call("eth_getBalance", ALICE, "latest"),
        "automine": node.rpc.call("anvil_getAutomine"),
        "interval": node.rpc.call("anvil_getIntervalMining"),
        "base fee": pending["baseFeePerGas"],
    }


@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("automine", [True, False])
def test_a_found_node_is_left_as_it_was_and_alive(
    node: Node, error: type[BaseException] | None, automine: bool
):
    node.set_balance(ALICE, 3)
    node.write("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    node.mine()
    node.write("evm_setAutomine", automine)
    before = found_settings(node)

    try:
        with Node.attach(node.url) as attached:
            assert attached.pid is None
            attached.set_balance(ALICE, 4)
            attached.set_time(GENESIS_TIMESTAMP + 1_000)
            assert attached.send({"from": BOB, "to": ALICE})["status"] == 1
            if error is not None:
                raise error
    except (ZeroDivisionError, KeyboardInterrupt, SystemExit) as raised:
        assert error is type(raised)  # noqa: PT017 - three kinds, one of them none

    assert found_settings(node) == before


def test_a_found_node_that_mines_by_the_clock_does_so_again_afterwards(node: Node):
    node.write("evm_setIntervalMining", 3600)

    with Node.attach(node.url) as attached:
        assert attached.rpc.call("anvil_getIntervalMining") is None
        assert attached.send({"from": BOB, "to": ALICE})["status"] == 1

    assert node.rpc.call("anvil_getIntervalMining") == 3600


@pytest.mark.parametrize("automatic", [True, False])
def test_a_found_node_impersonates_anybody_afterwards_if_it_did_so_before(node: Node, automatic: bool):
    node.write("anvil_autoImpersonateAccount", automatic)

    with Node.attach(node.url) as attached:
        assert attached.send({"from": BOB, "to": ALICE})["status"] == 1

    answer = node.rpc.answer("eth_sendTransaction", [{"from": BOB, "to": ALICE}])
    assert ("No Signer" in str(answer.get("error"))) is not automatic


def test_an_account_that_somebody_impersonates_stays_impersonated(node: Node):
    node.write("anvil_autoImpersonateAccount", False)
    node.write("anvil_impersonateAccount", ALICE)

    with Node.attach(node.url):
        pass

    assert node.send({"from": ALICE, "to": BOB})["status"] == 1


def pool_of(node: Node) -> dict[str, dict[str, list[str]]]:
    """Hashes by nonce and sender, pending and queued."""
    pool = node.rpc.call("txpool_content")
    return {
        kind: {sender: [one["hash"] for one in by_nonce.values()] for sender, by_nonce in senders.items()}
        for kind, senders in pool.items()
    }


@pytest.mark.parametrize("interval_s", [0, 3_600])
@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_pending_transactions_of_a_found_node_are_not_mined_and_pending_afterwards(
    node: Node, interval_s: int, error: type[BaseException] | None
):
    node.write("anvil_autoImpersonateAccount", False)  # else its own accounts would not sign either
    signer, other = node.rpc.call("eth_accounts")[:2]
    node.write("evm_setAutomine", False)
    if interval_s:
        node.write("evm_setIntervalMining", interval_s)
    node.write("anvil_impersonateAccount", ALICE)
    node.set_balance(ALICE, 10**18)
    since_london = {"maxFeePerGas": hex(10**9), "maxPriorityFeePerGas": "0x0"}
    for transaction in (
        {"from": signer, "to": BOB, "value": "0x1", **since_london},
        {"from": signer, "to": BOB, "value": "0x2", "gasPrice": hex(10**9)},
        {"from": ALICE, "to": BOB, "value": "0x3", **since_london},
        {"from": ALICE, "value": "0x0", "data": "0x00", "gas": hex(100_000), "gasPrice": "0x1"},
        {"from": other, "to": BOB, "value": "0x4", "nonce": "0x9", **since_london},
    ):
        node.write("eth_sendTransaction", transaction)
    node.write("anvil_setNextBlockBaseFeePerGas", hex(2 * 10**9))
    before, settings = pool_of(node), found_settings(node)
    assert [len(hashes) for kind in before.values() for hashes in kind.values()] == [2, 2, 1]

    with suppress(KeyboardInterrupt), Node.attach(node.url) as attached:
        assert attached.send({"from": signer, "to": ALICE})["status"] == 1
        attached.set_time(GENESIS_TIMESTAMP + 1_000)
        assert int(attached.rpc.call("eth_getBalance", BOB, "latest"), 16) == 0
        if error is not None:
            raise error

    assert pool_of(node) == before
    assert found_settings(node) == settings
    node.write("anvil_setNextBlockBaseFeePerGas", "0x0")
    node.mine()
    assert int(node.rpc.call("eth_getBalance", BOB, "latest"), 16) == 1 + 2 + 3


@pytest.mark.parametrize(
    "refused",
    ["anvil_dropAllTransactions", "evm_revert", "evm_setBlockGasLimit", "anvil_removeBlockTimestampInterval"],
)
def test_one_step_of_the_restoring_that_fails_is_reported_and_leaves_the_others(
    node: Node, refused: str, monkeypatch: pytest.MonkeyPatch
):
    node.write("anvil_autoImpersonateAccount", False)
    node.write("evm_setAutomine", False)
    write = LocalNode.write

    def failing(rpc: LocalNode, method: str, *params: Any) -> Any:
        if method == refused:
            raise RpcFailed(method, -32603, "not now")
        return write(rpc, method, *params)

    with pytest.raises(RpcFailed, match=f"{refused} failed: not now"), Node.attach(node.url):
        monkeypatch.setattr(LocalNode, "write", failing)
    monkeypatch.undo()

    assert node.rpc.call("anvil_getAutomine") is False
    assert "No Signer" in str(node.rpc.answer("eth_sendTransaction", [{"from": BOB, "to": ALICE}]))


def test_a_found_node_that_falls_silent_is_waited_for_once(node: Node, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def silent(rpc: LocalNode, method: str, *params: Any) -> Any:
        asked.append(method)
        raise UpstreamHangs(node.url, method, 120.0, 1)

    with pytest.raises(UpstreamHangs), Node.attach(node.url):
        monkeypatch.setattr(LocalNode, "write", silent)

    assert len(asked) == 1


def test_a_snapshot_that_is_lost_meanwhile_is_reported(node: Node):
    earlier = node.snapshot()

    with pytest.raises(SnapshotGone), Node.attach(node.url):
        node.revert(earlier)


def test_a_port_without_a_node_cannot_be_attached_to(anvil: Path):
    with pytest.raises(NotADevelopmentNode):
        Node.attach("http://10.0.0.1:8545")


# --- whatever happens to us ---

VISITOR = """
import sys, time
from contextlib import suppress
from pathlib import Path
from forks.node import Node
anvil, url = sys.argv[1:]
with Node.start(Path(anvil)) as own:
    print(own.pid, flush=True)
    for stay in range(2):
        try:
            with Node.attach(url) as found:
                found.set_balance("0x" + "a1" * 20, 4)
                print("attached", flush=True)
                time.sleep(60)
        except (KeyboardInterrupt, SystemExit) as left:
            print(type(left).__name__, flush=True)
            sys.stdin.readline()
    time.sleep(60)
"""


def test_a_found_node_is_restored_and_an_own_one_gone_however_their_user_ends(anvil: Path, node: Node):
    def balance() -> int:
        return int(node.rpc.call("eth_getBalance", ALICE, "latest"), 16)

    node.set_balance(ALICE, 3)
    with running(VISITOR, anvil, node.url) as visitor:
        assert visitor.stdout is not None
        assert visitor.stdin is not None
        own_pid = int(visitor.stdout.readline())
        for number, left in ((signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "SystemExit")):
            assert visitor.stdout.readline() == "attached\n"
            assert balance() == 4
            visitor.send_signal(number)
            assert visitor.stdout.readline() == f"{left}\n"
            assert balance() == 3
            visitor.stdin.write("\n")
            visitor.stdin.flush()
        assert is_alive(own_pid)
        visitor.kill()

    wait_until_gone(own_pid)
    assert is_alive(node.pid or 0)


def test_a_node_outlives_the_thread_that_started_it(anvil: Path):
    started: list[Node] = []
    thread = threading.Thread(target=lambda: started.append(Node.start(anvil)))
    thread.start()
    thread.join()

    with started[0] as node:
        assert latest(node) == (0, GENESIS_TIMESTAMP)


def test_no_folder_is_left_behind(anvil: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Node.start(anvil) as node:
        node.mine(5)
        assert list(tmp_path.iterdir())

    assert not list(tmp_path.iterdir())
