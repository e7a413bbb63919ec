"""The real Aave v2 to play cases on: one market per process, found by every case as it was deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v2.deploy import TREASURY, WETH, Deployment, administrator, create_strategy, deploy
from forks.aave_v2.parameters import ReserveParameters
from forks.aave_v2.reader import MarketReader
from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.getters import Question, ask
from forks.calldata import calldata
from forks.chain import Chain
from tests.strategies_v2 import MAX, RAY, ReserveSetup

USERS = (*(to_checksum_address("0x" + f"{digit}a" * 20) for digit in (1, 2, 3)), TREASURY)
WALLET = 2**200
"""What everybody holds of every token: the model takes for granted that it is enough."""
RESERVES_SLOT = 53
"""Storage slot of the pool's mapping from asset to reserve, whose first word is the configuration."""
SUPPLY_BASE = 100 * 10**18
"""What a whole supply is worth: 100 ETH."""
DEPOSIT = "deposit(address,uint256,address,uint16)"
START = 1_700_000_000


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


class Arena:
    """One deployed market to play cases in; each case finds it as it was deployed."""

    def __init__(self, chain: Chain) -> None:
        chain.set_time(START)
        self.chain = chain
        self.deployment: Deployment = deploy(chain, RESERVES)
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

    def send(self, sender: str, target: str, signature: str, *arguments: Any) -> Mapping[str, Any]:
        """Send a transaction and return its receipt, whatever became of it."""
        return self.chain.send({"from": sender, "to": target, "data": calldata(signature, *arguments)})

    def must(self, sender: str, target: str, signature: str, *arguments: Any) -> None:
        """Send a transaction of the setting, which may not be refused."""
        receipt = self.send(sender, target, signature, *arguments)
        assert receipt["status"] == 1, f"{signature} {arguments} was refused"

    def word(self, target: str, signature: str, *arguments: Any) -> int:
        """The first word that a view answers."""
        return ask(self.chain, [Question(target, signature, arguments)])[0].word

    def prepare(self, setups: tuple[ReserveSetup, ...]) -> None:
        """Give every reserve the configuration, curve, stable rate, price and first supply of a case."""
        configurator = self.deployment.configurator
        for asset, one in zip(self.assets, setups, strict=True):
            limits = (one.ltv_bps, one.liquidation_threshold_bps, one.liquidation_bonus_bps)
            curve = "setReserveInterestRateStrategyAddress(address,address)"
            self.must(
                ADMIN,
                configurator,
                "configureReserveAsCollateral(address,uint256,uint256,uint256)",
                asset,
                *limits,
            )
            self.must(ADMIN, configurator, "setReserveFactor(address,uint256)", asset, one.reserve_factor_bps)
            self.must(ADMIN, configurator, curve, asset, self.curves[one.curve])
            self.set_market_rate(asset, one.market_rate_ray)
            self.set_price(asset, one.price_base)
        for asset, reserve, one in zip(self.assets, RESERVES, setups, strict=True):
            price_base = 10**18 if reserve.symbol == WETH else one.price_base
            lent = SUPPLY_BASE * 10**reserve.decimals // price_base * one.lent_permille // 100
            if lent:
                self.must(USERS[1], self.deployment.pool, DEPOSIT, asset, lent, USERS[1], 0)

    def set_price(self, asset: str, price_base: int) -> None:
        """Set what the oracle answers for `asset`, unless that is WETH."""
        self.must(ADMIN, self.deployment.prices, "setAssetPrice(address,uint256)", asset, price_base)

    def set_market_rate(self, asset: str, rate_ray: int) -> None:
        """Set the stable rate of `asset` at usage 0."""
        rates = self.deployment.lending_rate_oracle
        self.must(ADMIN, rates, "setMarketBorrowRate(address,uint256)", asset, rate_ray)

    def set_configuration(self, asset: str, word: int) -> None:
        """Write the configuration word of a reserve past the conditions that the configurator makes."""
        slot = int.from_bytes(keccak(encode(["address", "uint256"], [asset, RESERVES_SLOT])))
        self.chain.set_storage(self.deployment.pool, slot, word)

    def set_pause(self, *, paused: bool) -> None:
        """Pause the whole pool, or end that."""
        self.must(ADMIN, self.deployment.configurator, "setPoolPause(bool)", paused)
