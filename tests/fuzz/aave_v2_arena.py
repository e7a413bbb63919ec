"""The real Aave v2 to play cases on: one market per process, found by every case as it was deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from eth_utils.address import to_checksum_address

from forks.aave_v2.configuration import configuration_word, reserve_config
from forks.aave_v2.deploy import ERRORS, TREASURY, WETH, Deployment, administrator, create_strategy, deploy
from forks.aave_v2.parameters import ReserveParameters
from forks.aave_v2.reader import MarketReader
from forks.aave_v3.deploy import ADMIN
from forks.chain import Chain
from protocol import aave_v2
from tests import steps as draws
from tests.fuzz.arena import START, Arena
from tests.fuzz.scene import Scene
from tests.steps import LENDER, MAX, RAY, CaseV2, ReserveSetupV2

USERS = (*(to_checksum_address("0x" + f"{digit}a" * 20) for digit in (1, 2, 3)), TREASURY)
WALLET = 2**200
"""What everybody holds of every token: the model takes for granted that it is enough."""
RESERVES_SLOT = 53
"""Storage slot of the pool's mapping from asset to reserve, whose first word is the configuration."""
DEPOSIT = "deposit(address,uint256,address,uint16)"
RESERVE_INTEGERS = len(fields(aave_v2.Reserve)) - 5 - 1 + len(fields(aave_v2.StableTotals))
"""Without id, names, configuration and strategy; the stable totals are several."""
POSITION_INTEGERS = len(fields(aave_v2.Position)) - 1 + len(fields(aave_v2.StableDebt))
LIQUIDATION_WORDS = {"repaid": 0, "seized": 1}
"""Words of the data of LiquidationCall, the last event of a liquidation."""


def _reserve(symbol: str, decimals: int, *, curve: int = 0) -> ReserveParameters:
    optimal, base, slope1, slope2, stable1, stable2 = CURVES[curve]
    return ReserveParameters(
        symbol=symbol,
        decimals=decimals,
        ltv_bps=8_000,
        liquidation_threshold_bps=8_250,
        liquidation_bonus_bps=10_500,
        reserve_factor_bps=1_000,
        optimal_usage_ray=optimal * RAY // 1000,
        base_variable_rate_ray=base * RAY // 1000,
        variable_slope1_ray=slope1 * RAY // 1000,
        variable_slope2_ray=slope2 * RAY // 1000,
        stable_slope1_ray=stable1 * RAY // 1000,
        stable_slope2_ray=stable2 * RAY // 1000,
        market_borrow_rate_ray=0,
        price_base=10**18,
    )


CURVES = (
    (800, 0, 40, 600, 20, 600),
    (650, 0, 80, 1000, 100, 1000),
    (450, 10, 0, 3000, 0, 0),
    (900, 0, 0, 0, 0, 0),
)
"""Optimal usage, base, variable slopes and stable slopes, in thousandths."""
RESERVES = tuple(
    _reserve(symbol, decimals)
    for symbol, decimals in (("WETH", 18), ("USDC", 6), ("WBTC", 8), ("GUSD", 2), ("DAI", 18))
)


class ArenaV2(Arena):
    """A market of Aave v2."""

    rules = aave_v2
    has_stable_debt = True
    supply_signature = DEPOSIT
    supply_base = 100 * 10**18
    reserves_slot = RESERVES_SLOT
    users = USERS
    errors = ERRORS
    deployment: Deployment
    reader: MarketReader

    def __init__(self, chain: Chain) -> None:
        chain.set_time(START)
        self.chain = chain
        self.deployment = deploy(chain, RESERVES)
        self.reader = MarketReader(chain, self.deployment.pool)
        self.assets = [one.asset for one in self.deployment.reserves.values()]
        self._fill_wallets()
        self.curves = self._create_curves()

    def _fill_wallets(self) -> None:
        for user in USERS:
            for asset in self.assets:
                self.send(user, asset, "mint(uint256)", WALLET)
                self.send(user, asset, "approve(address,uint256)", self.deployment.pool, MAX)

    def _create_curves(self) -> list[str]:
        admin = administrator(self.chain)
        return [
            create_strategy(admin, self.deployment.provider, _reserve(f"curve{number}", 18, curve=number))
            for number in range(len(CURVES))
        ]

    def prepare(self, case: CaseV2) -> None:
        """Give every reserve the configuration, curve, stable rate, price and first supply of a case."""
        for asset, setup in zip(self.assets, case.setups, strict=True):
            self._set_up(asset, setup)
        lender = USERS[LENDER]
        for asset, reserve, setup in zip(self.assets, RESERVES, case.setups, strict=True):
            price_base = 10**18 if reserve.symbol == WETH else setup.price_base
            lent = self.supply_base * 10**reserve.decimals // price_base * setup.lent_permille // 1000
            if lent:
                self.must(lender, self.pool, DEPOSIT, asset, lent, lender, 0)

    def _set_up(self, asset: str, one: ReserveSetupV2) -> None:
        limits = (one.ltv_bps, one.liquidation_threshold_bps, one.liquidation_bonus_bps)
        settings: list[tuple[Any, ...]] = [
            ("configureReserveAsCollateral(address,uint256,uint256,uint256)", *limits),
            ("setReserveFactor(address,uint256)", one.reserve_factor_bps),
            ("setReserveInterestRateStrategyAddress(address,address)", self.curves[one.curve]),
        ]
        for function, *arguments in settings:
            assert self.configure(function, asset, *arguments), f"{function} {arguments} was refused"
        self._set_market_rate(asset, one.market_rate_ray)
        self.set_price(asset, one.price_base)

    def set_price(self, asset: str, price_base: int) -> None:
        """Let the oracle answer `price_base`, unless the asset is WETH."""
        self.must(ADMIN, self.deployment.prices, "setAssetPrice(address,uint256)", asset, price_base)

    def movable(self, reserve_id: int) -> bool:
        """All but WETH, which is the currency."""
        return RESERVES[reserve_id].symbol != WETH

    def _set_market_rate(self, asset: str, rate_ray: int) -> None:
        """Set the stable rate of `asset` at usage 0."""
        rates = self.deployment.lending_rate_oracle
        self.must(ADMIN, rates, "setMarketBorrowRate(address,uint256)", asset, rate_ray)

    def set_field(self, asset: str, field: str, value: int) -> None:
        """Write one field of a configuration word; what only v3 has is left alone."""
        if field in _FIELDS:
            config = replace(reserve_config(self.configuration_word(asset)), **{field: value})
            self.write_configuration(asset, configuration_word(config))

    def act(self, scene: Scene, step: draws.Step) -> None:
        """The pause of the whole pool and the oracle of stable rates."""
        match step:
            case draws.SetPause():
                self.must(ADMIN, self.deployment.configurator, "setPoolPause(bool)", step.paused)
            case draws.SetMarketRate():
                self._set_market_rate(scene.asset(step.reserve), step.rate_ray)
            case _:
                pass

    def lends(self, market: aave_v2.Market, user: str) -> list[int]:
        """Reserves with liquidity."""
        return [i for i, one in market.reserves.items() if one.virtual_underlying_balance]

    def account_data(self) -> dict[str, aave_v2.AccountData | None]:
        """`getUserAccountData` of every user."""
        return self.reader.account_data(self.users)

    def account_data_of(
        self, market: aave_v2.Market, user: str, at: Mapping[str, Any]
    ) -> aave_v2.AccountData:
        """What the model says of `user`."""
        return aave_v2.account_data(market, user, **at)

    def normalized_of(self, market: aave_v2.Market, reserve_id: int, now: int) -> tuple[int, int]:
        """What the model says that income and variable debt have grown to. [ray]"""
        reserve = market.reserves[reserve_id]
        return aave_v2.normalized_income(reserve, now), aave_v2.normalized_debt(reserve, now)

    def n_integers(self, market: aave_v2.Market) -> int:
        """What is stored of every reserve, and of every user in every reserve."""
        a_user = len(market.reserves) * POSITION_INTEGERS
        return len(market.reserves) * RESERVE_INTEGERS + len(self.users) * a_user

    def liquidation_said(self, outcome: aave_v2.Liquidated) -> dict[str, int]:
        """Debt repaid and collateral seized."""
        return {"repaid": outcome.debt_repaid, "seized": outcome.collateral_to_liquidator}

    def liquidation_told(
        self, receipt: Mapping[str, Any], market: aave_v2.Market, call: aave_v2.LiquidationCall
    ) -> dict[str, int]:
        """The same from LiquidationCall."""
        data = bytes(receipt["logs"][-1]["data"])
        return {
            name: int.from_bytes(data[32 * word : 32 * word + 32]) for name, word in LIQUIDATION_WORDS.items()
        }


_FIELDS = {one.name for one in fields(aave_v2.ReserveConfig)}
