"""The mainnet market built from npm artifacts does, to the integer, what the recorded bytecode does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from forks.aave_v3.mainnet_19471508 import (
    FiguresDiffer,
    MarketHandle,
    NotAFreshMainnet,
    build,
    code_differences,
    compare_figures,
    load,
    read_figures,
)
from forks.aave_v3.mainnet_19471508.placement import view
from forks.aave_v3.mainnet_19471508.slots import ATOKEN_TOTAL_SUPPLY, POOL_RESERVES, mapping_slot
from forks.aave_v3.mainnet_19471508.verify import require_figures
from forks.calldata import calldata
from forks.node import Node

RECORD = Path(__file__).parents[3] / "shared/mainnet/aave_v3_19471508/anvil_state.json.gz"
FIGURES = read_figures()
MAX_UINT256 = 2**256 - 1
DAY_S = 86_400
WHOLE = 10**18
"""Both tokens have 18 decimals."""

pytestmark = pytest.mark.node


def account(number: int) -> str:
    return f"0x{0xB000 + number:040x}"


WHALE, KEEPER, EARLY, LATE = (account(900 + number) for number in range(4))
SHORTS = {account(100 + n): (40_000 + 997 * n, 70 + 3 * n) for n in range(8)}
"""Borrower to (DAI supplied, share of its WETH borrowing power drawn in %)."""
LONGS = {account(n): (10 + n, 55 + 3 * n) for n in range(15)}
"""Borrower to (WETH supplied, share of its DAI borrowing power drawn in %)."""
MIXED = account(200)
USERS = [WHALE, KEEPER, EARLY, LATE, *LONGS, *SHORTS, MIXED, FIGURES.treasury]


@dataclass
class Rehearsal:
    """A course of actions on one market; everything observable goes into the journal."""

    node: Node
    market: MarketHandle
    journal: list[tuple[str, Any]] = field(default_factory=list)
    step: int = 0

    def token(self, symbol: str) -> str:
        return self.market.reserves[symbol].asset

    def price(self, symbol: str, price_base: int) -> None:
        self.node.set_storage(self.market.reserves[symbol].price_source, 0, price_base)

    def deal(self, symbol: str, to: str, amount: int) -> None:
        self.node.write("anvil_dealERC20", to, self.token(symbol), hex(amount))
        self.act(to, self.token(symbol), "approve(address,uint256)", self.market.pool, MAX_UINT256)

    def act(self, sender: str, target: str, signature: str, *arguments: Any) -> bool:
        """Send it; whether it went through. The journal gets status, revert data and the market's logs.

        Not the underlying tokens' own: the npm package's DAI is another ERC-20, with more approvals.
        """
        self.step += 1
        transaction = {"from": sender, "to": target, "data": calldata(signature, *arguments)}
        name = f"{self.step} {signature.partition('(')[0]}"
        self.journal.append((f"{name} revert data", self.node.revert_data(transaction)))
        receipt = self.node.send(transaction)
        self.journal.append((f"{name} status", receipt["status"]))
        underlying = {reserve.asset for reserve in self.market.reserves.values()}
        for log in (log for log in receipt["logs"] if log["address"] not in underlying):
            topics = [topic.hex() for topic in log["topics"]]
            self.journal.append((f"{name} log of {log['address']}", (topics, log["data"].hex())))
        return receipt["status"] == 1

    def pool(self, sender: str, signature: str, *arguments: Any) -> bool:
        return self.act(sender, self.market.pool, signature, *arguments)

    def liquidate(self, collateral: str, debt: str, user: str, cover: int, *, atoken: bool = False) -> bool:
        signature = "liquidationCall(address,address,address,uint256,bool)"
        went = self.pool(KEEPER, signature, self.token(collateral), self.token(debt), user, cover, atoken)
        self.look(f"after liquidation {self.step}", [user, KEEPER, FIGURES.treasury])
        return went

    def look(self, when: str, users: list[str]) -> None:
        """Note every figure of the reserves and of `users`."""
        questions = [*self._about_reserves(), *self._about(users)]
        calls = [
            ("eth_call", [{"to": target, "data": "0x" + calldata(signature, *arguments).hex()}, "latest"])
            for _, target, signature, *arguments in questions
        ]
        answers = self.node.rpc.batch(calls)
        self.journal += [
            (f"{when}: {name} {signature}", answer)
            for (name, _, signature, *_), answer in zip(questions, answers, strict=True)
        ]

    def account_data(self, user: str) -> tuple[int, ...]:
        six = "(uint256,uint256,uint256,uint256,uint256,uint256)"
        return view(self.node, self.market.pool, "getUserAccountData(address)", six, user)

    def _about_reserves(self) -> Iterator[tuple[Any, ...]]:
        for symbol, reserve in self.market.reserves.items():
            for getter in (
                "getReserveData",
                "getReserveNormalizedIncome",
                "getReserveNormalizedVariableDebt",
            ):
                yield symbol, self.market.pool, f"{getter}(address)", reserve.asset
            yield f"a{symbol}", reserve.atoken, "scaledTotalSupply()"
            yield f"debt {symbol}", reserve.variable_debt_token, "scaledTotalSupply()"
            yield f"{symbol} of the aToken", reserve.asset, "balanceOf(address)", reserve.atoken

    def _about(self, users: list[str]) -> Iterator[tuple[Any, ...]]:
        for user in users:
            yield user, self.market.pool, "getUserAccountData(address)", user
            yield user, self.market.pool, "getUserConfiguration(address)", user
            for symbol, reserve in self.market.reserves.items():
                for token in (reserve.atoken, reserve.variable_debt_token):
                    yield f"{symbol} {user} {token}", token, "scaledBalanceOf(address)", user
                    yield f"{symbol} {user} {token}", token, "balanceOf(address)", user
                yield f"{symbol} {user}", reserve.asset, "balanceOf(address)", user


def rehearse(node: Node, market: MarketHandle) -> Rehearsal:
    """Supply, borrow, wait, crash, liquidate every way there is, repay and withdraw."""
    show = Rehearsal(node, market)
    node.set_time(FIGURES.timestamp + 3_600)
    open_positions(show)
    show.look("opened", USERS)
    node.set_time(FIGURES.timestamp + 30 * DAY_S)
    show.look("a month later", USERS)
    crash_weth(show)
    squeeze_shorts(show)
    leave(show)
    show.look("closed", USERS)
    return show


def open_positions(show: Rehearsal) -> None:
    supply, borrow = (
        "supply(address,uint256,address,uint16)",
        "borrow(address,uint256,uint256,uint16,address)",
    )
    for symbol, amount in (("DAI", 40_000_000), ("WETH", 30_000)):
        show.deal(symbol, WHALE, amount * WHOLE)
        show.pool(WHALE, supply, show.token(symbol), amount * WHOLE, WHALE, 0)
        show.deal(symbol, KEEPER, amount * WHOLE)
    for users, collateral, debt in ((LONGS, "WETH", "DAI"), (SHORTS, "DAI", "WETH")):
        price_of_debt = next(reserve.price_base for reserve in FIGURES.reserves if reserve.symbol == debt)
        for user, (whole_tokens, percent_drawn) in users.items():
            show.deal(collateral, user, whole_tokens * WHOLE)
            show.pool(user, supply, show.token(collateral), whole_tokens * WHOLE, user, 0)
            drawn = show.account_data(user)[2] * percent_drawn * WHOLE // (100 * price_of_debt)
            assert show.pool(user, borrow, show.token(debt), drawn, 2, 0, user)
    for symbol, amount in (("WETH", 20), ("DAI", 30_000)):
        show.deal(symbol, MIXED, amount * WHOLE)
        show.pool(MIXED, supply, show.token(symbol), amount * WHOLE, MIXED, 0)
    assert show.pool(MIXED, borrow, show.token("DAI"), 45_000 * WHOLE, 2, 0, MIXED)
    assert show.pool(MIXED, borrow, show.token("WETH"), 5 * WHOLE, 2, 0, MIXED)
    assert not show.pool(MIXED, borrow, show.token("WETH"), 10**6 * WHOLE, 2, 0, MIXED)


def crash_weth(show: Rehearsal) -> None:
    """WETH falls in five moves: half close factors, full ones, exhausted collateral, and refusals."""
    assert not show.liquidate("WETH", "DAI", account(0), MAX_UINT256)
    falls = (2_800, False), (2_450, True), (2_150, False), (1_400, False), (1_390, False)
    for price, receive_atoken in falls:
        price_base = price * 10**8
        show.price("WETH", price_base)
        show.look(f"WETH at {price_base}", USERS)
        for user in (*LONGS, MIXED):
            show.liquidate("WETH", "DAI", user, MAX_UINT256, atoken=receive_atoken)
        show.liquidate("WETH", "DAI", account(9), 1_000 * WHOLE + 7)
    show.liquidate("DAI", "WETH", MIXED, WHOLE)


def squeeze_shorts(show: Rehearsal) -> None:
    """WETH rises above where the sellers are good for it."""
    show.node.set_time(FIGURES.timestamp + 31 * DAY_S)
    for price_base in (3_900 * 10**8, 4_500 * 10**8, 5_200 * 10**8):
        show.price("WETH", price_base)
        for user in SHORTS:
            show.liquidate("DAI", "WETH", user, MAX_UINT256)


def leave(show: Rehearsal) -> None:
    """The healthy repay and withdraw; the Pool mints what it owes the treasury."""
    show.node.set_time(FIGURES.timestamp + 40 * DAY_S)
    user = account(0)
    show.deal("DAI", user, 100_000 * WHOLE)
    show.pool(user, "repay(address,uint256,uint256,address)", show.token("DAI"), MAX_UINT256, 2, user)
    show.pool(user, "withdraw(address,uint256,address)", show.token("WETH"), MAX_UINT256, user)
    show.pool(WHALE, "withdraw(address,uint256,address)", show.token("DAI"), 5_000_000 * WHOLE, WHALE)
    show.pool(WHALE, "mintToTreasury(address[])", [show.token("WETH"), show.token("DAI")])


def with_residual_debt(journal: list[tuple[str, Any]]) -> list[str]:
    """Who ends with debt and no collateral."""
    closed = {
        name: bytes.fromhex(data[2:])
        for name, data in journal
        if name.startswith("closed") and "AccountData" in name
    }
    return [name for name, data in closed.items() if not any(data[:32]) and any(data[32:64])]


def fresh_node(anvil: Path) -> Node:
    return Node.start(anvil, chain_id=FIGURES.chain_id, timestamp=FIGURES.timestamp)


@pytest.fixture(scope="module")
def built(anvil: Path) -> Iterator[tuple[Node, MarketHandle]]:
    with fresh_node(anvil) as node:
        yield node, build(node)


@pytest.fixture(scope="module")
def recorded(anvil: Path) -> Iterator[tuple[Node, MarketHandle]]:
    if not RECORD.is_file():
        pytest.skip(f"the recorded state is not on this machine ({RECORD.name} of ../shared/mainnet)")
    with fresh_node(anvil) as node:
        yield node, load(node, RECORD)


@pytest.fixture(scope="module")
def built_journal(built: tuple[Node, MarketHandle]) -> list[tuple[str, Any]]:
    node, market = built
    with node.anchor():
        return rehearse(node, market).journal


def test_every_recorded_figure_is_read_back(built: tuple[Node, MarketHandle]):
    compared = compare_figures(built[0], FIGURES)

    assert [name for name, recorded, found in compared if recorded != found] == []
    assert len(compared) >= 60


def test_a_figure_that_was_not_written_is_named(built: tuple[Node, MarketHandle]):
    node, market = built
    atoken = market.reserves["WETH"].atoken

    with node.anchor():
        node.set_storage(atoken, ATOKEN_TOTAL_SUPPLY, FIGURES.reserves[0].total_scaled_atoken + 1)

        with pytest.raises(FiguresDiffer) as failure:
            require_figures(node, FIGURES)

    assert [name for name, _, _ in failure.value.differing] == ["WETH aToken scaled supply"]


def test_the_market_stands_at_the_real_addresses(built: tuple[Node, MarketHandle]):
    market = built[1]

    assert market.pool == "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
    assert market.provider == "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
    assert market.oracle == "0x54586bE62E3c3580375aE3723C145253060Ca0C2"
    assert {symbol: reserve.reserve_id for symbol, reserve in market.reserves.items()} == {
        "WETH": 0,
        "DAI": 4,
    }


def test_both_pool_revisions_are_told(built: tuple[Node, MarketHandle]):
    """The npm source of v3.0.2 answers 1, the bytecode deployed on mainnet 3."""
    market = built[1]

    assert (market.pool_revision, market.recorded_pool_revision, market.revision) == (1, 3, "3.0.2")


def test_differing_code_is_named_and_tokens_differ_in_metadata_alone(built: tuple[Node, MarketHandle]):
    differing = {difference.name: difference for difference in code_differences(built[0], FIGURES)}

    same_instructions = {name for name, difference in differing.items() if difference.metadata_only}
    assert same_instructions == {
        "ACLManager",
        "AaveOracle",
        "AToken implementation",
        "StableDebtToken implementation",
        "VariableDebtToken implementation",
    }
    assert set(differing) == set(FIGURES.contracts)


def test_two_builds_end_in_one_block_hash(anvil: Path, built: tuple[Node, MarketHandle]):
    with fresh_node(anvil) as other:
        build(other)
        last = other.w3.eth.block_number
        blocks = [node.rpc.call("eth_getBlockByNumber", hex(last), False) for node in (built[0], other)]

    assert blocks[0]["hash"] == blocks[1]["hash"]


def test_a_node_of_another_chain_or_time_or_with_a_market_is_refused(
    anvil: Path, built: tuple[Node, MarketHandle]
):
    with pytest.raises(NotAFreshMainnet, match="code at the Pool's address"):
        build(built[0])
    for chain_id, timestamp, named in ((31337, FIGURES.timestamp, "31337"), (1, 1_700_000_000, "1700000000")):
        with Node.start(anvil, chain_id=chain_id, timestamp=timestamp) as node:
            with pytest.raises(NotAFreshMainnet, match=named):
                build(node)
            assert node.w3.eth.block_number == 0


def test_the_rehearsal_liquidates_in_every_way(built_journal: list[tuple[str, Any]]):
    sent = [value for name, value in built_journal if name.endswith("liquidationCall status")]
    refused = {
        value for name, value in built_journal if name.endswith("liquidationCall revert data") and value
    }
    codes = {data[68 : 68 + data[67]].decode() for data in refused}

    assert sent.count(1) >= 30
    assert codes >= {"45", "46"}
    assert len(with_residual_debt(built_journal)) >= 5


def test_the_recorded_bytecode_and_storage_give_the_same_integers(
    built_journal: list[tuple[str, Any]], recorded: tuple[Node, MarketHandle]
):
    node, market = recorded

    with node.anchor():
        journal = rehearse(node, market).journal

    assert [mine for mine, theirs in zip(built_journal, journal, strict=False) if mine != theirs] == []
    assert len(built_journal) == len(journal)
    assert len(journal) > 6_000


def test_one_wei_of_difference_is_noticed(
    built: tuple[Node, MarketHandle], built_journal: list[tuple[str, Any]]
):
    node, market = built
    index_slot = mapping_slot(market.reserves["DAI"].asset, POOL_RESERVES) + 1
    word = int(node.rpc.call("eth_getStorageAt", market.pool, hex(index_slot), "latest"), 16)

    with node.anchor():
        node.set_storage(market.pool, index_slot, word + 1)
        journal = rehearse(node, market).journal

    assert journal != built_journal


def test_the_record_answers_the_carried_figures_and_code_hashes(recorded: tuple[Node, MarketHandle]):
    node, market = recorded

    assert [name for name, carried, found in compare_figures(node, FIGURES) if carried != found] == []
    assert code_differences(node, FIGURES) == ()
    assert (market.pool_revision, market.recorded_pool_revision, market.revision) == (3, 3, "3.0.2")
    assert "underlying asset of variableDebtWETH" in market.filled


def test_the_carried_weth_price_is_that_of_the_recorded_dai_weth_pool(recorded: tuple[Node, MarketHandle]):
    dai_weth_pool = "0xC2e9F25Be6257c210d7Adf0D4Cd6E3E881ba25f8"

    sqrt_price_x96 = view(recorded[0], dai_weth_pool, "slot0()", "uint160")

    assert FIGURES.reserves[0].price_base == (10**8 << 192) // sqrt_price_x96**2
    assert FIGURES.reserves[1].price_base == 10**8


def test_a_wrong_code_hash_in_the_figures_is_noticed(recorded: tuple[Node, MarketHandle]):
    contracts = dict(FIGURES.contracts)
    contracts["AaveOracle"] = replace(contracts["AaveOracle"], code_hash="0x00")

    found = code_differences(recorded[0], replace(FIGURES, contracts=contracts))

    assert [difference.name for difference in found] == ["AaveOracle"]
