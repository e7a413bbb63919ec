"""Build the market of mainnet block 19471508 on a fresh node: npm artifacts and the recorded figures."""

from __future__ import annotations

from forks.aave_v3.mainnet_19471508.contracts import place_contracts
from forks.aave_v3.mainnet_19471508.figures import Figures, ReserveFigures, read_figures
from forks.aave_v3.mainnet_19471508.market import MarketHandle, read_recorded_market
from forks.aave_v3.mainnet_19471508.placement import DEPLOYER, call_as
from forks.aave_v3.mainnet_19471508.slots import (
    DEBT_TOKEN_TOTAL_SUPPLY,
    Words,
    atoken_words,
    pool_words,
)
from forks.aave_v3.mainnet_19471508.verify import require_figures
from forks.errors import ForkError
from forks.feeds import FeedControl
from forks.node import Node


class NotAFreshMainnet(ForkError):
    """A node on which the market cannot be built: another chain, an earlier time, or a Pool is there."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the recorded market needs a fresh node: {reason}")


def build(node: Node) -> MarketHandle:
    """Build the market on `node`: chain id 1, time not before the figures', nothing at the addresses.

    Every figure is read back through the contracts' getters before the market is handed out. Raises
    NotAFreshMainnet, SetupReverted, FiguresDiffer.
    """
    figures = read_figures()
    _require_fresh(node, figures)
    place_contracts(node, figures)
    _list_reserves(node, figures)
    for reserve in figures.reserves:
        _fund_atoken(node, reserve)
    _write_figures(node, figures)
    set_recorded_prices(node, figures)
    require_figures(node, figures)
    return read_recorded_market(node, figures)


def set_recorded_prices(node: Node, figures: Figures) -> None:
    """Put the fixed feed at every recorded price source, answering the recorded price."""
    feeds = FeedControl(node, figures.address("AaveOracle"), [reserve.asset for reserve in figures.reserves])
    for reserve in figures.reserves:
        feeds.set_price(reserve.asset, reserve.price_base)


def _require_fresh(node: Node, figures: Figures) -> None:
    chain_id = int(node.rpc.call("eth_chainId"), 16)
    timestamp = int(node.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    if chain_id != figures.chain_id:
        raise NotAFreshMainnet(f"its chain id is {chain_id}, not {figures.chain_id}")
    if timestamp < figures.timestamp:
        raise NotAFreshMainnet(f"its time is {timestamp}, before the record's {figures.timestamp}")
    if node.rpc.call("eth_getCode", figures.address("Pool"), "latest") != "0x":
        raise NotAFreshMainnet(f"there is code at the Pool's address {figures.address('Pool')}")


def _list_reserves(node: Node, figures: Figures) -> None:
    """List the reserves with the recorded configuration, as the configurator does it."""
    pool = figures.address("Pool")
    for reserve in figures.reserves:
        contracts = (reserve.atoken, reserve.stable_debt_token, reserve.variable_debt_token, reserve.strategy)
        signature = "initReserve(address,address,address,address,address)"
        call_as(node, figures.configurator, pool, signature, reserve.asset, *contracts)
        bitmap = (reserve.configuration,)
        call_as(
            node, figures.configurator, pool, "setConfiguration(address,(uint256))", reserve.asset, bitmap
        )


def _fund_atoken(node: Node, reserve: ReserveFigures) -> None:
    """Give the aToken the underlying tokens it held, through the token's own functions."""
    amount = reserve.underlying_held_by_atoken
    if reserve.symbol == "WETH":
        node.set_balance(reserve.atoken, amount)
        call_as(node, reserve.atoken, reserve.asset, "deposit()", value=amount)
    else:
        call_as(node, DEPLOYER, reserve.asset, "mint(address,uint256)", reserve.atoken, amount)


def _write_figures(node: Node, figures: Figures) -> None:
    """Write into storage what only years of use would bring about: indices, rates, times, scaled totals."""
    _write(node, figures.address("Pool"), pool_words(figures))
    for reserve in figures.reserves:
        _write(node, reserve.atoken, atoken_words(figures, reserve))
        _write(
            node, reserve.variable_debt_token, {DEBT_TOKEN_TOTAL_SUPPLY: reserve.total_scaled_variable_debt}
        )


def _write(node: Node, contract: str, words: Words) -> None:
    for slot, word in words.items():
        node.set_storage(contract, slot, word)
