"""Questions to an Aave v3 market and their answers as words: many calls, one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address

from forks.calldata import calldata
from forks.chain import Chain, Reads
from forks.errors import ForkError, RpcFailed
from forks.rpc import Rpc

_REVERTED = 3  # JSON-RPC code of a call that the contract refused


@dataclass(frozen=True, slots=True)
class Question:
    """A view call: the contract, the signature of the function, its static arguments."""

    target: str
    signature: str
    arguments: tuple[Any, ...] = ()

    @property
    def data(self) -> str:
        """Calldata in hex."""
        return _calldata(self.signature, self.arguments)


class NotAMarket(ForkError):
    """A contract does not answer as that of a market does."""

    def __init__(self, question: Question, reason: str) -> None:
        self.question, self.reason = question, reason
        super().__init__(
            f"{question.target} does not answer {question.signature} ({reason}): give the address of the "
            "protocol's main contract, such as Aave's Pool, and a block at which it exists"
        )


class Answer(NamedTuple):
    """What a view call returned."""

    question: Question
    data: bytes

    @property
    def words(self) -> tuple[int, ...]:
        """The answer as 256-bit words. Raises NotAMarket where it is empty, as from one without code."""
        self._must_say_something()
        starts = range(0, len(self.data) - 31, 32)
        return tuple(int.from_bytes(self.data[start : start + 32], "big") for start in starts)

    @property
    def word(self) -> int:
        """The first word. Raises NotAMarket as `words` does."""
        self._must_say_something()
        return int.from_bytes(self.data[:32], "big")

    @property
    def address(self) -> str:
        """The first word as a checksummed address."""
        return address_of(self.word)

    def decoded(self, abi_type: str) -> Any:
        """The answer as one value of `abi_type`."""
        return decode([abi_type], self.data)[0]

    def _must_say_something(self) -> None:
        if not self.data:
            raise NotAMarket(self.question, "empty answer")


def ask(source: Chain | Rpc, questions: Iterable[Question], block: int | str = "latest") -> list[Answer]:
    """Ask all `questions` at `block` in one batch and return the answers in their order.

    Raises NotAMarket for the first call that reverts, RpcFailed for any other failure.
    """
    asked = list(questions)
    answers = rpc_of(source).answers(_calls(asked, block))
    return [_answer(question, answer) for question, answer in zip(asked, answers, strict=True)]


def ask_each(
    source: Chain | Rpc, questions: Iterable[Question], block: int | str = "latest"
) -> list[Answer | None]:
    """As `ask`, with None where a call reverts or answers nothing: for what a contract may not have."""
    asked = list(questions)
    answers = rpc_of(source).answers(_calls(asked, block))
    return [_answer_if_any(question, answer) for question, answer in zip(asked, answers, strict=True)]


def address_of(word: int) -> str:
    """The checksummed address in a word."""
    return checksummed(f"0x{word:040x}")


@lru_cache(maxsize=100_000)
def checksummed(address: str) -> str:
    """`address` with its checksum: worked out once, since a market is read again and again."""
    return to_checksum_address(address)


def rpc_of(source: Chain | Rpc) -> Reads:
    """The raw JSON-RPC of a chain of our own, or the endpoint itself."""
    return source if isinstance(source, Rpc) else source.rpc


@lru_cache(maxsize=100_000)
def _calldata(signature: str, arguments: tuple[Any, ...]) -> str:
    """Encoded once: the same few thousand questions are asked after every transaction."""
    return "0x" + calldata(signature, *arguments).hex()


def _calls(questions: Sequence[Question], block: int | str) -> list[tuple[str, list[Any]]]:
    tag = hex(block) if isinstance(block, int) else block
    return [("eth_call", [{"to": one.target, "data": one.data}, tag]) for one in questions]


def _answer(question: Question, answer: dict[str, Any]) -> Answer:
    if (error := answer.get("error")) is not None:
        if error.get("code") == _REVERTED:
            raise NotAMarket(question, error.get("message", "reverted"))
        raise RpcFailed("eth_call", error.get("code", 0), error.get("message", ""), error.get("data"))
    return Answer(question, bytes.fromhex(answer["result"][2:]))


def _answer_if_any(question: Question, answer: dict[str, Any]) -> Answer | None:
    try:
        found = _answer(question, answer)
    except NotAMarket:
        return None
    return found if found.data else None
