"""Load a recorded chain state into a node and find the market in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from eth_abi.exceptions import DecodingError

from forks.aave_v3.mainnet_19471508.build import set_recorded_prices
from forks.aave_v3.mainnet_19471508.figures import Figures, ReserveFigures, read_figures
from forks.aave_v3.mainnet_19471508.market import (
    MarketHandle,
    hash_of_code,
    read_market_handle,
    read_recorded_market,
)
from forks.aave_v3.mainnet_19471508.placement import view
from forks.aave_v3.mainnet_19471508.slots import (
    ATOKEN_TREASURY,
    DEBT_TOKEN_UNDERLYING,
    WETH9_DECIMALS,
    WETH9_SYMBOL,
    short_string,
)
from forks.errors import ForkError, RpcFailed, StateFileMalformed
from forks.node import Node
from forks.state_file import StateFile, describe_state, gzipped_state
from protocol.aave_v3 import rules_of


class NoPool(ForkError):
    """A state in which no Aave v3 Pool was found at the address that was named or known."""

    def __init__(self, path: Path, pool: str | None) -> None:
        self.path, self.pool = path, pool
        where = f"none answers at {pool}" if pool else "no known address is in it"
        super().__init__(f"no Aave v3 Pool found in {path} ({where}): name it with --pool ADDRESS")


class WrongNodeForState(ForkError):
    """A node started with another chain id or time than the state's own."""

    def __init__(self, what: str, found: int, needed: int) -> None:
        self.what, self.found, self.needed = what, found, needed
        super().__init__(
            f"the node's {what} is {found}, the state needs {needed}: start a node for this state"
        )


def load(node: Node, path: Path, *, pool: str | None = None) -> MarketHandle:
    """Load the anvil dump at `path` into `node`; the market of `pool`, or of the known Pool in it.

    The node must stand at the chain id, and not before the time, that `describe_state(path)` names. Where
    this is the recorded state of mainnet block 19471508, fixed feeds with the recorded prices take the place
    of the aggregators it lacks, and the few words of its tokens that it lacks are filled: see `filled`.
    Raises StateFileMalformed, NoPool, WrongNodeForState, UnknownRevision.
    """
    state = describe_state(path)
    _require_node(node, state)
    address = pool or state.pool
    if not address:
        raise NoPool(path, None)
    _load(node, path)
    figures = read_figures()
    if _is_the_record(state, address, figures):
        return read_recorded_market(node, figures, filled=_complete(node, figures))
    try:
        return read_market_handle(node, address)
    except (RpcFailed, DecodingError) as error:
        with suppress(RpcFailed, DecodingError):  # a pool that answers otherwise may be of another revision
            rules_of(view(node, address, "POOL_REVISION()", "uint256"))
        raise NoPool(path, address) from error


def _load(node: Node, path: Path) -> None:
    try:
        node.write("anvil_loadState", "0x" + gzipped_state(path).hex())
    except RpcFailed as error:
        raise StateFileMalformed(path, error.message) from error
    node.mine()  # views underflow until one block stands on the loaded one


def _require_node(node: Node, state: StateFile) -> None:
    chain_id = int(node.rpc.call("eth_chainId"), 16)
    timestamp = int(node.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    if state.chain_id is not None and chain_id != state.chain_id:
        raise WrongNodeForState("chain id", chain_id, state.chain_id)
    if timestamp < state.timestamp:
        raise WrongNodeForState("time", timestamp, state.timestamp)


def _is_the_record(state: StateFile, pool: str, figures: Figures) -> bool:
    """Whether the figures were read from this state: its Pool, in its recorded code, at its block."""
    implementation = figures.contracts["Pool implementation"]
    account = state.accounts.get(implementation.address.lower(), {"code": "0x"})
    return (
        pool.lower() == figures.address("Pool").lower()
        and state.block_number == figures.block_number
        and hash_of_code(bytes.fromhex(account["code"][2:])) == implementation.code_hash
    )


def _complete(node: Node, figures: Figures) -> tuple[str, ...]:
    """Write the words without which the recorded market cannot be used, where they read zero; name them."""
    filled: list[str] = []
    for reserve in figures.reserves:
        for what, token, slot, word in _needed_words(figures, reserve):
            if int(node.rpc.call("eth_getStorageAt", token, hex(slot), "latest"), 16) == 0:
                node.set_storage(token, slot, word)
                filled.append(f"{what}{reserve.symbol}")
    set_recorded_prices(node, figures)
    return (*filled, *(f"price feed of {reserve.symbol}" for reserve in figures.reserves))


def _needed_words(figures: Figures, reserve: ReserveFigures) -> Iterator[tuple[str, str, int, int]]:
    """(what it is of, contract, slot, word) of what the recorder's run had not touched."""
    underlying = int(reserve.asset, 16)
    yield "underlying asset of variableDebt", reserve.variable_debt_token, DEBT_TOKEN_UNDERLYING, underlying
    yield "treasury of a", reserve.atoken, ATOKEN_TREASURY, int(figures.treasury, 16)
    if reserve.symbol == "WETH":  # DAI's are constants of its code
        yield "symbol of ", reserve.asset, WETH9_SYMBOL, short_string(reserve.symbol)
        yield "decimals of ", reserve.asset, WETH9_DECIMALS, reserve.decimals
