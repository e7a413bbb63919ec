"""A small real market for the test that parity can fail: one borrower for every branch of a liquidation.

Everything is set up once on one node; a case moves prices and time, sends its calls beside the model, and the node
goes back to where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from eth_utils import keccak, to_checksum_address

from forks.aave_v3 import tokens
from forks.aave_v3.deploy import ADMIN, deploy
from forks.aave_v3.opening import FUNDER, VARIABLE_RATE, season
from forks.aave_v3.parameters import MarketParameters, load_parameters
from forks.aave_v3.parity import Comparison, Ledger, ParityBroken
from forks.aave_v3.reader import MarketReader
from forks.aave_v3.twin import Twin
from forks.aave_v3.venue import Venue, transaction
from forks.artifacts import aave_v36
from forks.node import Node
from protocol.aave_v3 import (
    Liquidated,
    LiquidationCall,
    Market,
    Rules,
    account_data,
    liquidation_call,
)
from protocol.units import MAX_UINT256
from stress.engine import Attempt, Engine, Tick

BILLION = 10**9
START = 1_742_379_600
ALL = MAX_UINT256
SENTINEL = "0x5e47000000000000000000000000000000000001"
ANSWERS_SLOT_0 = "0x5f545f5260205ff3"


def address(name: str) -> str:
    return to_checksum_address(keccak(text=f"parity {name}")[12:])


LIQUIDATOR = address("liquidator")


@dataclass(frozen=True, kw_only=True)
class Position:
    """What a borrower opens with."""

    supplies: Mapping[str, int]
    borrows: Mapping[str, int] = field(default_factory=dict)
    emode: int = 0


POSITIONS = {
    "single": Position(supplies={"WBTC": 310_000_007}, borrows={"USDC": 180_000_123_457}),
    "two debts": Position(
        supplies={"WETH": 100 * 10**18 + 3}, borrows={"USDC": 90_000_654_321, "DAI": 60_000 * 10**18 + 12_345}
    ),
    "mixed": Position(
        supplies={"WETH": 30 * 10**18 + 7, "LINK": 5_000 * 10**18 + 1, "USDC": 20_000_000_001},
        borrows={"DAI": 100_000 * 10**18 + 77},
    ),
    "exhausted": Position(
        supplies={"WBTC": 200_000_001},
        borrows={"USDC": 90_000_000_001, "USDT": 10_000_000_003, "DAI": 10_000 * 10**18 + 5},
    ),
    "emode": Position(supplies={"wstETH": 100 * 10**18 + 9}, borrows={"WETH": 105 * 10**18 + 11}, emode=1),
    "dust": Position(supplies={"WETH": 3 * 10**18 + 1}, borrows={"USDC": 4_500_000_007}),
    "small": Position(supplies={"WETH": 10**18 + 1}, borrows={"USDC": 1_500_000_001}),
    "isolated": Position(supplies={"AAVE": 400 * 10**18 + 13}, borrows={"USDC": 40_000_000_019}),
    "only in emode": Position(
        supplies={"cbETH": 100 * 10**18 + 17}, borrows={"WETH": 95 * 10**18 + 3}, emode=1
    ),
    "same asset": Position(
        supplies={"USDC": 60_000_000_011, "LINK": 3_000 * 10**18 + 21}, borrows={"USDC": 70_000_000_023}
    ),
    "healthy": Position(
        supplies={"WETH": 10 * 10**18 + 23, "USDC": 3_000_000_029}, borrows={"DAI": 5_000 * 10**18 + 31}
    ),
    "healthy in emode": Position(
        supplies={"wstETH": 10 * 10**18 + 29, "LINK": 100 * 10**18 + 1}, borrows={"WETH": 5 * 10**18}, emode=1
    ),
}
BORROWERS = {name: address(name) for name in POSITIONS}


@dataclass(frozen=True, kw_only=True)
class Send:
    """One call of a case, by symbols and names."""

    collateral: str
    debt: str
    cover: int = ALL
    receive_atoken: bool = False
    by_borrower: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One borrower, what prices and time do, and what is sent."""

    borrower: str
    sends: tuple[Send, ...] = ()
    prices_ppb: Mapping[str, int] = field(default_factory=dict)
    elapsed_s: int = 86_413
    prepare: Callable[[Venue], None] = lambda venue: None
    """What the administrator does first."""


def configure(function: str, *arguments: Any) -> Callable[[Venue], None]:
    """An administrator's call; a symbol as first argument stands for the asset's address."""

    def call(venue: Venue) -> None:
        asset, *rest = arguments
        _administrator(venue, "getPoolConfigurator()", function, (venue.assets[asset], *rest))

    return call


CASES = {
    "half": Case(
        borrower="single", prices_ppb={"WBTC": 865_000_000}, sends=(Send(collateral="WBTC", debt="USDC"),)
    ),
    "half of all debt": Case(
        borrower="two debts", prices_ppb={"WETH": 903_000_000}, sends=(Send(collateral="WETH", debt="USDC"),)
    ),
    "whole": Case(
        borrower="single", prices_ppb={"WBTC": 790_000_000}, sends=(Send(collateral="WBTC", debt="USDC"),)
    ),
    "all but one unit of the collateral": Case(
        borrower="single", prices_ppb={"WBTC": 730_634_256}, sends=(Send(collateral="WBTC", debt="USDC"),)
    ),
    "part": Case(
        borrower="single",
        prices_ppb={"WBTC": 790_000_000},
        sends=(Send(collateral="WBTC", debt="USDC", cover=20_093_333_333),) * 2,
    ),
    "a year later": Case(
        borrower="single",
        prices_ppb={"WBTC": 880_000_000},
        elapsed_s=365 * 86_400 + 1,
        sends=(Send(collateral="WBTC", debt="USDC"),),
    ),
    "mixed": Case(
        borrower="mixed",
        prices_ppb={"WETH": 830_000_000, "LINK": 830_000_000},
        sends=(Send(collateral="LINK", debt="DAI"),),
    ),
    "exhausted": Case(
        borrower="exhausted",
        prices_ppb={"WBTC": 451_000_000},
        elapsed_s=86_437,  # the fee's round-up exceeds what is left
        sends=(Send(collateral="WBTC", debt="USDC"),),
    ),
    "one collateral of three gone": Case(
        borrower="mixed",
        prices_ppb={"WETH": 600_000_000, "LINK": 600_000_000},
        sends=(Send(collateral="LINK", debt="DAI"),),
    ),
    "emode": Case(
        borrower="emode", prices_ppb={"wstETH": 920_000_000}, sends=(Send(collateral="wstETH", debt="WETH"),)
    ),
    "dust": Case(
        borrower="dust",
        prices_ppb={"WETH": 860_000_000},
        sends=(Send(collateral="WETH", debt="USDC", cover=4_000_000_000),),
    ),
    "small": Case(
        borrower="small", prices_ppb={"WETH": 900_000_000}, sends=(Send(collateral="WETH", debt="USDC"),)
    ),
    "isolated": Case(
        borrower="isolated",
        prices_ppb={"AAVE": 720_000_000},
        sends=(Send(collateral="AAVE", debt="USDC", cover=10_000_000_001),),
    ),
    "isolated and exhausted": Case(
        borrower="isolated", prices_ppb={"AAVE": 500_000_000}, sends=(Send(collateral="AAVE", debt="USDC"),)
    ),
    "only in emode": Case(
        borrower="only in emode",
        prices_ppb={"cbETH": 900_000_000},
        sends=(Send(collateral="cbETH", debt="WETH"),),
    ),
    "same asset": Case(
        borrower="same asset", prices_ppb={"LINK": 700_000_000}, sends=(Send(collateral="USDC", debt="USDC"),)
    ),
    "as atokens": Case(
        borrower="single",
        prices_ppb={"WBTC": 865_000_000},
        sends=(Send(collateral="WBTC", debt="USDC", receive_atoken=True),),
    ),
    "by itself": Case(
        borrower="single",
        prices_ppb={"WBTC": 865_000_000},
        sends=(Send(collateral="WBTC", debt="USDC", by_borrower=True),),
    ),
    "healthy": Case(borrower="healthy"),
    "healthy in emode": Case(borrower="healthy in emode"),
    "no loan to value": Case(
        borrower="healthy in emode",
        prepare=configure(
            "configureReserveAsCollateral(address,uint256,uint256,uint256)", "wstETH", 0, 81_00, 106_00
        ),
    ),
    "above the threshold": Case(borrower="single", sends=(Send(collateral="WBTC", debt="USDC"),)),
    "not collateral": Case(
        borrower="single", prices_ppb={"WBTC": 865_000_000}, sends=(Send(collateral="WETH", debt="USDC"),)
    ),
    "not borrowed": Case(
        borrower="single", prices_ppb={"WBTC": 865_000_000}, sends=(Send(collateral="WBTC", debt="DAI"),)
    ),
    "paused": Case(
        borrower="single",
        prices_ppb={"WBTC": 865_000_000},
        sends=(Send(collateral="WBTC", debt="USDC"),),
        prepare=configure("setReservePause(address,bool,uint40)", "WBTC", True, 0),
    ),
    "in grace": Case(
        borrower="single",
        prices_ppb={"WBTC": 865_000_000},
        elapsed_s=600,
        sends=(Send(collateral="WBTC", debt="USDC"),),
        prepare=configure("setReservePause(address,bool,uint40)", "WBTC", False, 3_600),
    ),
    "sentinel": Case(
        borrower="single",
        prices_ppb={"WBTC": 865_000_000},
        sends=(Send(collateral="WBTC", debt="USDC"),),
        prepare=lambda venue: venue.node.set_storage(SENTINEL, 0, 0),
    ),
}


@dataclass(kw_only=True)
class Script:
    """Stands in for the engine: the events of one case, the model's word on each before it happens."""

    market: Market
    prices_base: Mapping[int, int]
    timestamp: int
    borrower: str
    calls: tuple[LiquidationCall, ...]
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def crash(self) -> SimpleNamespace:
        return SimpleNamespace(borrowers=(self.borrower,))

    def events(self) -> Iterator[Tick | Attempt]:
        at: Any = {"prices_base": self.prices_base, "timestamp": self.timestamp}
        yield Tick(
            step=0,
            timestamp=self.timestamp,
            observed_base=self.prices_base,
            changed=tuple(self.prices_base),
        )
        for call in self.calls:
            attempt = Attempt(
                step=0,
                timestamp=self.timestamp,
                bot="test",
                call=call,
                market=self.market,
                observed_base=self.prices_base,
                market_base=self.prices_base,
                before=account_data(self.market, call.borrower, **at),
                predicted=liquidation_call(self.market, call, **at),
                gas_cost_usd=0.0,
            )
            yield attempt
            self.attempts.append(attempt)
            if isinstance(attempt.predicted, Liquidated):
                self.market = attempt.predicted.market


@dataclass(kw_only=True)
class Setting:
    """The market with everybody on it."""

    venue: Venue
    market: Market
    prices_base: Mapping[int, int]
    opened: int

    def run(self, name: str, rules: Rules | None = None, *, stop_at_first: bool = True) -> Ledger:
        """Carry a case out on both sides, the model by `rules` (default: those of the pool)."""
        case, ledger = CASES[name], Ledger(stop_at_first=stop_at_first)
        with self.venue.node.anchor():
            case.prepare(self.venue)
            users = [BORROWERS[case.borrower], LIQUIDATOR]
            market = self.venue.market(users)
            script = self.script(case, replace(market, rules=rules or market.rules))
            Twin(venue=self.venue, ledger=ledger).run(cast("Engine", script))
        return ledger

    def first_difference(self, name: str, rules: Rules | None = None) -> str | None:
        """The field that stops a case, with the role of an account in place of its address."""
        try:
            self.run(name, rules)
        except ParityBroken as broken:
            return self.field_of(broken.difference, BORROWERS[CASES[name].borrower])
        return None

    def field_of(self, row: Comparison, borrower: str) -> str:
        named = {borrower: "borrower", LIQUIDATOR: "liquidator", self.market.treasury: "treasury"}
        found = row.field
        for one, role in named.items():
            found = found.replace(one, role)
        return found

    def script(self, case: Case, market: Market) -> Script:
        ids, borrower = self.venue.reserve_ids, BORROWERS[case.borrower]
        prices = {
            i: price * case.prices_ppb.get(market.reserves[i].symbol, BILLION) // BILLION
            for i, price in self.prices_base.items()
        }
        return Script(
            market=market,
            prices_base=prices,
            timestamp=self.opened + case.elapsed_s,
            borrower=borrower,
            calls=tuple(
                LiquidationCall(
                    collateral_id=ids[send.collateral],
                    debt_id=ids[send.debt],
                    borrower=borrower,
                    liquidator=borrower if send.by_borrower else LIQUIDATOR,
                    debt_to_cover=send.cover,
                    receive_atoken=send.receive_atoken,
                )
                for send in case.sends
            ),
        )


@contextmanager
def open_setting(anvil: Path) -> Iterator[Setting]:
    """Deploy, configure, season and open everything on one node."""
    with Node.start(anvil, timestamp=START) as node:
        venue = _venue(node)
        prices = venue.prices()
        season(venue, prices)
        venue.take_over_feeds(prices)
        for name, position in POSITIONS.items():
            _open(venue, BORROWERS[name], position)
        for symbol in venue.borrowable():
            venue.fund(symbol, LIQUIDATOR, 10**12 * 10**18)
            _send(venue, LIQUIDATOR, symbol, "approve(address,uint256)", (venue.pool, MAX_UINT256))
        market = venue.market([*BORROWERS.values(), LIQUIDATOR])
        yield Setting(venue=venue, market=market, prices_base=prices, opened=venue.now())


def _parameters() -> MarketParameters:
    """cbETH is collateral inside its eMode alone; AAVE, which nobody may borrow, has a base rate all the same."""
    changes: dict[str, dict[str, int]] = {
        "cbETH": {"ltv_bps": 0, "liquidation_threshold_bps": 0, "liquidation_bonus_bps": 0},
        "AAVE": {"base_variable_rate_bps": 1_00, "reserve_factor_bps": 10_00},
        "LINK": {"base_variable_rate_bps": 50},
    }
    found = load_parameters()
    reserves = tuple(replace(one, **cast("Any", changes.get(one.symbol, {}))) for one in found.reserves)
    return replace(found, reserves=reserves)


def _venue(node: Node) -> Venue:
    contracts = aave_v36()
    deployment = deploy(node, _parameters(), contracts)
    node.set_code(SENTINEL, ANSWERS_SLOT_0)
    node.set_storage(SENTINEL, 0, 1)
    for target, function, arguments in (
        (deployment.provider, "setPriceOracleSentinel(address)", (SENTINEL,)),
        (
            deployment.configurator,
            "setDebtCeiling(address,uint256)",
            (deployment.tokens["AAVE"], 10_000_000_00),
        ),
    ):
        assert node.send(transaction(ADMIN, target, function, arguments))["status"] == 1, function
    return Venue(
        node=node,
        source="deployed",
        reader=MarketReader(node, deployment.pool),
        pool_revision=deployment.pool_revision,
        errors=contracts.errors,
        fund_token=partial(tokens.mint, node),
        contracts={},
        node_version="",
        start_block=0,
    )


def _open(venue: Venue, user: str, position: Position) -> None:
    if position.emode:
        venue.require(transaction(user, venue.pool, "setUserEMode(uint8)", (position.emode,)))
    for symbol, amount in position.supplies.items():
        asset = venue.assets[symbol]
        venue.fund(symbol, user, amount)
        _send(venue, user, symbol, "approve(address,uint256)", (venue.pool, MAX_UINT256))
        supply = (asset, amount, user, 0)
        venue.require(transaction(user, venue.pool, "supply(address,uint256,address,uint16)", supply))
        enable = (asset, True)
        venue.require(transaction(user, venue.pool, "setUserUseReserveAsCollateral(address,bool)", enable))
    for symbol, amount in position.borrows.items():
        borrow = (venue.assets[symbol], amount, VARIABLE_RATE, 0, user)
        venue.require(transaction(user, venue.pool, "borrow(address,uint256,uint256,uint16,address)", borrow))


def _send(venue: Venue, sender: str, symbol: str, function: str, arguments: tuple[Any, ...]) -> None:
    venue.require(transaction(sender, venue.assets[symbol], function, arguments))


def _administrator(venue: Venue, target: str, function: str, arguments: tuple[Any, ...]) -> None:
    provider = venue.reader.listing.provider
    data = keccak(text=target)[:4].hex()
    answer = venue.node.rpc.call("eth_call", {"to": provider, "data": f"0x{data}"}, "latest")
    venue.require(transaction(ADMIN, to_checksum_address(answer[-40:]), function, arguments))


__all__ = ["ADMIN", "BORROWERS", "CASES", "FUNDER", "LIQUIDATOR", "Setting", "open_setting"]
