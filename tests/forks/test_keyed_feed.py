"""The oracle of a few opcodes of our own answers what it was told, by whatever name it is asked."""

from __future__ import annotations

import pytest

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

from forks.aave_v3.getters import Question, ask
from forks.in_process.evm import Evm
from forks.keyed_feed import KEYED_FEED, set_answer

SOMEONE = "0x" + "1a" * 20
ASSET, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20


@pytest.mark.parametrize("hardfork", ["ISTANBUL", "CANCUN"])
def test_each_argument_has_its_own_answer_and_none_has_one_too(hardfork: str):
    evm = Evm(hardfork=hardfork)
    feed = str(evm.send({"from": SOMEONE, "data": KEYED_FEED.creation()})["contractAddress"])
    set_answer(evm, feed, 5, asked_about=ASSET)
    set_answer(evm, feed, 7)
    set_answer(evm, feed, 2**256 - 1, asked_about=9)
    questions = [
        Question(feed, "getUnderlyingPrice(address)", (ASSET,)),
        Question(feed, "getUnderlyingPrice(address)", (OTHER,)),
        Question(feed, "price()"),
        Question(feed, "ilks(bytes32)", ((9).to_bytes(32),)),
    ]

    answers = [answer.words for answer in ask(evm, questions)]
    assert answers == [(5, 0), (0, 0), (7, 0), (2**256 - 1, 0)]


def test_it_is_forgotten_with_what_else_a_case_did():
    evm = Evm()
    with evm.anchor():
        feed = str(evm.send({"from": SOMEONE, "data": KEYED_FEED.creation()})["contractAddress"])
        assert evm.code(feed).hex().startswith("6004355460")  # pyrevm pads it
    assert evm.code(feed) == b""
