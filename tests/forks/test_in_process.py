"""The EVM in this process: it does what a node does, says what it cannot do, and undoes what it did."""

from __future__ import annotations

import builtins

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.deploy_v30 import PACKAGES, TREASURY, deploy_v30
from forks.aave_v3.getters import Question, ask
from forks.aave_v3.parameters import MarketParameters, load_parameters
from forks.aave_v3.reader import MarketReader
from forks.artifacts import hardhat_artifact
from forks.calldata import calldata
from forks.errors import RpcFailed
from forks.in_process.errors import CheckpointGone, CodeInPlace, NotAnswered, PyrevmMissing, SenderHasCode
from forks.in_process.evm import Evm

HOLDER, OTHER = "0x" + "1a" * 20, "0x" + "2b" * 20
RETURNS_TIME = "0x4260005260206000f3"
REVERTS_WITH_WORD = "0x602a60005260206000fd"


@pytest.fixture
def evm():
    return Evm(timestamp=1_700_000_000)


@pytest.fixture
def token(evm):
    code = hardhat_artifact("@aave/core-v3", "MintableERC20").creation("Token", "TKN", 18)
    return evm.send({"from": HOLDER, "data": code})["contractAddress"]


def balance(evm, token):
    return ask(evm, [Question(token, "balanceOf(address)", (HOLDER,))])[0].word


def mint(evm, token, amount):
    return evm.send({"from": HOLDER, "to": token, "data": calldata("mint(uint256)", amount)})


def test_a_transaction_changes_the_state_and_tells_its_events(evm, token):
    receipt = mint(evm, token, 5)

    assert receipt["status"] == 1
    assert [bytes(log["data"])[-1] for log in receipt["logs"]] == [5]
    assert balance(evm, token) == 5


def test_a_refused_transaction_changes_nothing_and_says_why(evm, token):
    transfer = {"from": HOLDER, "to": token, "data": calldata("transfer(address,uint256)", OTHER, 1)}

    assert evm.send(transfer)["status"] == 0
    assert b"ERC20: transfer amount exceeds balance" in evm.revert_data(transfer)
    assert evm.revert_data({**transfer, "data": calldata("transfer(address,uint256)", OTHER, 0)}) is None


def test_a_block_has_the_number_and_the_time_that_are_asked_for(evm):
    number, time = "0x4360005260206000f3", RETURNS_TIME
    before = evm.snapshot()
    evm.set_block(19_000_000, 1_800_000_000)
    answers = [
        int(evm.rpc.call("eth_call", {"from": HOLDER, "to": at, "data": "0x"}, "latest"), 16)
        for at in (put(evm, OTHER, number), put(evm, HOLDER[:-2] + "1b", time))
    ]

    assert answers == [19_000_000, 1_800_000_000]
    assert evm.send({"from": HOLDER, "to": OTHER, "data": "0x"})["blockNumber"] == 19_000_000
    evm.revert(before)
    assert (evm.block_number, evm.timestamp) == (1, 1_700_000_000)


def put(evm, address, code):
    evm.set_code(address, code)
    return address


def test_a_call_changes_nothing(evm, token):
    evm.rpc.call("eth_call", {"from": HOLDER, "to": token, "data": calldata("mint(uint256)", 7)}, "latest")

    assert balance(evm, token) == 0


def test_a_revert_goes_back_to_the_checkpoint_whatever_was_taken_since(evm, token):
    first = evm.snapshot()
    mint(evm, token, 1)
    evm.set_time(1_800_000_000)
    second = evm.snapshot()
    mint(evm, token, 2)
    evm.revert(first)

    assert (balance(evm, token), evm.timestamp) == (0, 1_700_000_000)
    with pytest.raises(CheckpointGone, match=second):
        evm.revert(second)


def test_the_clock_stands_still_until_it_is_moved(evm):
    evm.set_code(OTHER, RETURNS_TIME)
    assert int(evm.rpc.call("eth_call", {"to": OTHER}, "latest"), 16) == 1_700_000_000
    evm.set_time(1_700_000_013)
    assert int(evm.rpc.call("eth_call", {"to": OTHER}, "latest"), 16) == 1_700_000_013


def test_one_sender_creates_one_contract_after_the_other_as_on_a_node(evm):
    code = hardhat_artifact("@aave/core-v3", "MintableERC20").creation("Token", "TKN", 18)
    created = [evm.send({"from": ADMIN, "data": code})["contractAddress"] for _ in range(2)]

    nonces = (b"\x80", b"\x01")  # 0 and 1, as RLP has them
    hashes = [keccak(b"\xd6\x94" + bytes.fromhex(ADMIN[2:]) + nonce) for nonce in nonces]
    assert created == [to_checksum_address(one[12:]) for one in hashes]
    assert evm.code(created[0]) == evm.code(created[1]) != b""


def test_storage_and_code_are_as_they_were_set(evm, token):
    evm.set_storage(token, 7, 11)

    assert (evm.storage(token, 7), evm.rpc.call("eth_getStorageAt", token, "0x7", "latest")) == (
        11,
        f"0x{11:064x}",
    )
    assert evm.rpc.call("eth_getCode", OTHER, "latest") == "0x"
    with pytest.raises(CodeInPlace, match=token):
        evm.set_code(token, RETURNS_TIME)


def test_what_it_cannot_do_it_names(evm, token):
    with pytest.raises(NotAnswered, match="eth_getLogs"):
        evm.rpc.call("eth_getLogs", {})
    with pytest.raises(SenderHasCode, match=token):
        evm.send({"from": token, "to": token, "data": b""})
    evm.set_code(OTHER, "0xfe")
    with pytest.raises(RpcFailed, match="InvalidFEOpcode"):
        evm.revert_data({"from": HOLDER, "to": OTHER})


def test_the_bytes_of_a_revert_are_the_contracts_own(evm):
    evm.set_code(OTHER, REVERTS_WITH_WORD)

    assert evm.revert_data({"from": HOLDER, "to": OTHER}) == bytes(31) + b"\x2a"


def test_without_pyrevm_one_line_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "pyrevm":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PyrevmMissing, match="install pyrevm"):
        Evm()


@pytest.mark.parametrize("revision", PACKAGES)
def test_the_first_releases_stand_as_they_were_listed(evm, revision):
    parameters = MarketParameters(reserves=load_parameters().reserves[:3], emodes=())
    deployment, _ = deploy_v30(evm, revision, parameters)
    reader = MarketReader(evm, deployment.pool, revision=revision)
    market = reader.market([HOLDER])

    assert (market.rules.revision, market.treasury) == (revision, TREASURY)
    for reserve, asked in zip(market.reserves.values(), parameters.reserves, strict=True):
        config, strategy = reserve.config, reserve.strategy
        assert (reserve.symbol, config.decimals, config.ltv_bps) == (
            asked.symbol,
            asked.decimals,
            asked.ltv_bps,
        )
        assert strategy.variable_slope2_ray == asked.variable_slope2_bps * 10**23
        assert strategy.stable.base_rate_ray == strategy.variable_slope1_ray
        assert reader.prices()[reserve.reserve_id] == asked.price_base


def test_many_calls_are_answered_together_as_they_are_one_by_one(evm, token):
    mint(evm, token, 5)
    refusing = "0x" + "3c" * 20
    evm.set_code(refusing, REVERTS_WITH_WORD)
    halting = "0x" + "4d" * 20
    evm.set_code(halting, "0xfe")
    empty = "0x" + "5e" * 20
    questions = [
        Question(token, "balanceOf(address)", (HOLDER,)),
        Question(refusing, "answer()"),
        Question(token, "symbol()"),
        Question(halting, "answer()"),
        Question(empty, "answer()"),
        Question(token, "allowance(address,address)", (HOLDER, OTHER)),
    ]
    calls = [("eth_call", [{"to": one.target, "data": one.data}, "latest"]) for one in questions]

    together = evm.rpc.answers(calls)

    assert together == [evm.rpc.answer(method, params) for method, params in calls]
    assert int(together[0]["result"], 16) == 5
    assert "error" in together[1]
    assert "error" in together[3]
    assert together[4] == {"result": "0x"}
    assert evm.rpc.answers([]) == []
