"""The borrowers of the small market that parity is tested on, and what is done to each: one branch a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_utils import keccak, to_checksum_address

from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.venue import AaveVenue
from forks.crash.venue import transaction
from protocol.units import MAX_UINT256

BILLION = 10**9
ALL = MAX_UINT256
SENTINEL = "0x5e47000000000000000000000000000000000001"


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
    prepare: Callable[[AaveVenue], None] = lambda venue: None
    """What the administrator does first."""


def administrator(venue: AaveVenue, target: str, function: str, arguments: tuple[Any, ...]) -> None:
    provider = venue.reader.listing.provider
    data = keccak(text=target)[:4].hex()
    answer = venue.node.rpc.call("eth_call", {"to": provider, "data": f"0x{data}"}, "latest")
    venue.require(transaction(ADMIN, to_checksum_address(answer[-40:]), function, arguments))


def configure(function: str, *arguments: Any) -> Callable[[AaveVenue], None]:
    """An administrator's call; a symbol as first argument stands for the asset's address."""

    def call(venue: AaveVenue) -> None:
        asset, *rest = arguments
        administrator(venue, "getPoolConfigurator()", function, (venue.assets[asset], *rest))

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
