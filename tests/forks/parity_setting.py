"""A small real market for the test that parity can fail: one borrower for every branch of a liquidation.

Everything is set up once on one node; a case moves prices and time, sends its calls beside the model, and the node
goes back to where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from forks.aave_v3 import tokens
from forks.aave_v3.deploy import ADMIN, deploy
from forks.aave_v3.opening import VARIABLE_RATE, season
from forks.aave_v3.parameters import MarketParameters, load_parameters
from forks.aave_v3.reader import MarketReader
from forks.aave_v3.venue import AaveVenue
from forks.artifacts import aave_v36
from forks.crash.ledger import Comparison, Ledger
from forks.crash.twin import Twin
from forks.crash.venue import transaction
from forks.node import Node
from protocol.aave_v3 import (
    Liquidated,
    LiquidationCall,
    Market,
    Rules,
)
from protocol.aave_v3.rule_set import RULE_SET
from protocol.model import At, Offer
from protocol.units import MAX_UINT256
from stress.engine import Attempt, Engine, Run, Tick
from tests.forks.parity_cases import (
    BILLION,
    BORROWERS,
    CASES,
    LIQUIDATOR,
    POSITIONS,
    SENTINEL,
    Case,
    Position,
)

START = 1_742_379_600
ANSWERS_SLOT_0 = "0x5f545f5260205ff3"


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

    def finished(self) -> Run:
        return Run(market=self.market, attempts=tuple(self.attempts), end=self.at)

    @property
    def at(self) -> At:
        return At(prices_base=self.prices_base, timestamp=self.timestamp)

    def events(self) -> Iterator[Tick | Attempt]:
        yield Tick(step=0, at=self.at, changed=tuple(self.prices_base))
        for call in self.calls:
            attempt = Attempt(
                step=0,
                seen=self.at,
                at=self.at,
                bot="test",
                offer=_offer(call),
                call=call,
                market=self.market,
                market_base=self.prices_base,
                before=RULE_SET.standing(self.market, self.at)(call.borrower),
                predicted=RULE_SET.liquidate(self.market, call, self.at),
                gas_cost_usd=0.0,
                paid_usd=0.0,
            )
            yield attempt
            self.attempts.append(attempt)
            if isinstance(attempt.predicted, Liquidated):
                self.market = attempt.predicted.market


@dataclass(kw_only=True)
class Setting:
    """The market with everybody on it."""

    venue: AaveVenue
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


def _venue(node: Node) -> AaveVenue:
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
    return AaveVenue(
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


def _open(venue: AaveVenue, user: str, position: Position) -> None:
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


def _send(venue: AaveVenue, sender: str, symbol: str, function: str, arguments: tuple[Any, ...]) -> None:
    venue.require(transaction(sender, venue.assets[symbol], function, arguments))


def _offer(call: LiquidationCall) -> Offer:
    return Offer(
        borrower=call.borrower,
        liquidator=call.liquidator,
        collateral_id=call.collateral_id,
        debt_id=call.debt_id,
        repay=call.debt_to_cover,
        keep_shares=call.receive_atoken,
    )
