"""The real Aave v3 of one revision, deployed in this process once, and how a case's configuration is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from forks.aave_v3.configuration import emode_category_of
from forks.aave_v3.deploy import ADMIN, Administrator, Deployment, deploy
from forks.aave_v3.deploy_v30 import TREASURY, create_strategy_v30, deploy_v30
from forks.aave_v3.events import liquidation_amounts
from forks.aave_v3.getters import Question, ask_each
from forks.aave_v3.parameters import MarketParameters, ReserveParameters, StableParameters
from forks.aave_v3.parity import flatten_market, flatten_outcome
from forks.aave_v3.reader import MarketReader, account_data_of
from forks.artifacts import aave_v36
from forks.chain import Chain
from forks.feeds import FIXED_FEED
from protocol import aave_v3
from tests import steps as draws
from tests.fuzz.acts import any_used
from tests.fuzz.arena import START, Arena
from tests.fuzz.scene import Scene
from tests.steps import LENDER, MAX, Case, EModeSetup, ReserveSetup

REVISIONS = ("3.0.0", "3.0.1", "3.0.2", "3.6")
USERS = tuple(to_checksum_address("0x" + f"{digit}a" * 20) for digit in (1, 2, 3))
WALLET = 10**60
"""What everybody holds of every token: the model takes for granted that it is enough."""
SUPPLY_BASE = 10_000 * 10**8
"""[base] What the whole of a drawn supply is worth."""
NO_FEED = to_checksum_address("0x" + "0fee" * 10)
"""The oracle's fallback: answers 0, so that a price can be 0 as well."""
SENTINEL_GRACE_S = 3600
SUPPLY = "supply(address,uint256,address,uint16)"
CURVES = (
    (8_000, 0, 400, 6_000),
    (6_500, 0, 800, 10_000),
    (4_500, 100, 0, 30_000),
    (9_000, 0, 0, 0),
    (9_900, 200, 300, 5_000),
)
"""Optimal usage, base and slopes of the variable rate. [bps]"""
STABLE_CURVES = (
    StableParameters(slope1_bps=50, slope2_bps=3_000, optimal_stable_to_total_debt_bps=2_000),
    StableParameters(base_offset_bps=100, excess_offset_bps=800, optimal_stable_to_total_debt_bps=1),
    StableParameters(),
    StableParameters(optimal_stable_to_total_debt_bps=10_000, slope2_bps=100),
    StableParameters(base_offset_bps=300, slope1_bps=700, slope2_bps=20_000, excess_offset_bps=1),
)
RESERVES_SLOT = 52
"""Storage slot of the pool's mapping from asset to reserve, whose first word is the configuration."""
FIELDS: Mapping[str, tuple[int, int]] = {
    "ltv_bps": (0, 16),
    "liquidation_threshold_bps": (16, 16),
    "liquidation_bonus_bps": (32, 16),
    "active": (56, 1),
    "frozen": (57, 1),
    "borrowing_enabled": (58, 1),
    "stable_borrowing_enabled": (59, 1),
    "paused": (60, 1),
    "borrowable_in_isolation": (61, 1),
    "siloed": (62, 1),
    "reserve_factor_bps": (64, 16),
    "borrow_cap": (80, 36),
    "supply_cap": (116, 36),
    "protocol_fee_bps": (152, 16),
    "emode_category": (168, 8),
    "debt_ceiling": (212, 40),
}
"""Name to position and width in the configuration word."""


def _reserve(symbol: str, decimals: int, *, curve: int = 0) -> ReserveParameters:
    optimal, base, slope1, slope2 = CURVES[curve]
    return ReserveParameters(
        symbol=symbol,
        name=symbol,
        mainnet_asset="",
        decimals=decimals,
        ltv_bps=8_000,
        liquidation_threshold_bps=8_250,
        liquidation_bonus_bps=10_500,
        liquidation_protocol_fee_bps=1_000,
        reserve_factor_bps=1_000,
        borrowing_enabled=True,
        borrowable_in_isolation=True,
        flash_loan_enabled=False,
        borrow_cap_tokens=0,
        supply_cap_tokens=0,
        optimal_usage_bps=optimal,
        base_variable_rate_bps=base,
        variable_slope1_bps=slope1,
        variable_slope2_bps=slope2,
        price_base=10**8,
    )


RESERVES = tuple(
    _reserve(symbol, decimals)
    for symbol, decimals in (("WETH", 18), ("USDC", 6), ("WBTC", 8), ("GUSD", 2), ("DAI", 18))
)
FEWEST_DECIMALS = 6
"""From v3.2 on nothing with fewer is listed."""


class ArenaV3(Arena):
    """A market of Aave v3, whatever its revision."""

    rules = aave_v3
    supply_signature = SUPPLY
    supply_base = SUPPLY_BASE
    reserves_slot = RESERVES_SLOT
    deployment: Deployment
    admin: Administrator
    reader: MarketReader

    def __init__(self, chain: Chain, revision: str) -> None:
        self.chain, self.revision = chain, revision
        self.has_stable_debt = aave_v3.rules_of(revision).has_stable_debt
        chain.set_time(START)
        self._deploy()
        one = self.deployment
        self.errors = self.admin.contracts.errors
        self.users = (*USERS, to_checksum_address(one.treasury))
        self.assets = list(one.tokens.values())
        self._units = {asset: 10 ** self.word(asset, "decimals()") for asset in self.assets}
        self._sentinel, self._sequencer = self._create_sentinel()
        self._fallback_to_zero()
        umbrella = (b"UMBRELLA", self.users[LENDER])
        self.must(ADMIN, one.provider, "setAddress(bytes32,address)", *umbrella)
        self._fill_wallets()

    def _deploy(self) -> None:
        """Set `deployment` and `admin`."""
        raise NotImplementedError

    def _set_curve(self, asset: str, curve: int) -> None:
        raise NotImplementedError

    def _set_stable(self, asset: str, *, enabled: bool) -> None:
        """Allow stable loans, where there are any."""

    def _create_emode(self, emode_id: int, limits: Sequence[int], one: EModeSetup) -> None:
        raise NotImplementedError

    def set_member(self, asset: str, emode_id: int, *, member: bool) -> None:
        """Let an asset into an efficiency mode or out of it, if the configurator allows that."""
        raise NotImplementedError

    def _create_sentinel(self) -> tuple[str, str]:
        sequencer = self.admin.create("SequencerOracle", ADMIN)
        arguments = (self.deployment.provider, sequencer, SENTINEL_GRACE_S)
        return self.admin.create("PriceOracleSentinel", *arguments), sequencer

    def _fallback_to_zero(self) -> None:
        self.chain.set_code(NO_FEED, FIXED_FEED)
        self.must(ADMIN, self.deployment.oracle, "setFallbackOracle(address)", NO_FEED)

    def _fill_wallets(self) -> None:
        for user in (*self.users, ADMIN):
            for asset in self.assets:
                self.must(ADMIN, asset, "mint(address,uint256)", user, WALLET)
                self.must(user, asset, "approve(address,uint256)", self.deployment.pool, MAX)

    def prepare(self, case: Case) -> None:
        """Give the market the configuration, prices and first supplies of a case; read it anew."""
        for asset, setup in zip(self.assets, case.setups, strict=True):
            self._set_up(asset, setup)
        for emode_id, emode in enumerate(case.emodes, 1):
            self._set_up_emode(emode_id, emode, case.setups)
        if case.sentinel:
            self.must(ADMIN, self.deployment.provider, "setPriceOracleSentinel(address)", self._sentinel)
        lender = self.users[LENDER]
        for asset, setup in zip(self.assets, case.setups, strict=True):
            lent = SUPPLY_BASE * self._units[asset] // setup.price_base * setup.lent_permille // 1000
            if lent:
                self.must(lender, self.deployment.pool, SUPPLY, asset, lent, lender, 0)
        self.read_listing()

    def read_listing(self) -> None:
        """Read anew what a reader reads only once: curves and efficiency modes."""
        self.reader = MarketReader(self.chain, self.deployment.pool, revision=self.revision)

    def _set_up(self, asset: str, one: ReserveSetup) -> None:
        limits = (one.ltv_bps, one.liquidation_threshold_bps, one.liquidation_bonus_bps)
        settings: dict[tuple[Any, ...], Any] = {
            ("configureReserveAsCollateral(address,uint256,uint256,uint256)", *limits): None,
            ("setLiquidationProtocolFee(address,uint256)", one.protocol_fee_bps): 1_000,
            ("setReserveFactor(address,uint256)", one.reserve_factor_bps): 1_000,
            ("setDebtCeiling(address,uint256)", one.debt_ceiling): 0,
            ("setSiloedBorrowing(address,bool)", one.siloed): False,
            ("setBorrowableInIsolation(address,bool)", one.borrowable_in_isolation): True,
        }
        for (function, *arguments), deployed in settings.items():
            if arguments != [deployed]:
                assert self.configure(function, asset, *arguments), f"{function} {arguments} was refused"
        self._set_curve(asset, one.curve)
        self._set_stable(asset, enabled=one.stable)
        self.set_price(asset, one.price_base)

    def _set_up_emode(self, emode_id: int, one: EModeSetup, setups: Sequence[ReserveSetup]) -> None:
        """Create a category whose limits are above those of its members, as the configurator asked once."""
        members = [i for i, setup in enumerate(setups) if setup.emode == emode_id]
        highest = max((setups[i].liquidation_threshold_bps for i in members), default=0)
        threshold = min(highest + one.lift_bps, 9_998)
        most = min((10_000 * 10_000 + 4_999) // threshold, 65_535)
        bonus = 10_001 + (most - 10_001) * one.bonus_permille // 1000
        self._create_emode(emode_id, (max(threshold - one.ltv_below_bps, 1), threshold, bonus), one)
        for i in members:
            self.set_member(self.assets[i], emode_id, member=True)

    def set_price(self, asset: str, price_base: int) -> None:
        """Let the oracle answer `price_base`."""
        source = (0xFEED << 144) + self.assets.index(asset)  # the fixed feed that the deployment put there
        self.chain.set_storage(f"0x{source:040x}", 0, price_base)

    def set_field(self, asset: str, field: str, value: int) -> None:
        """Write one field of a configuration word, without what the configurator asks first."""
        position, width = FIELDS[field]
        kept = self.configuration_word(asset) & ~(((1 << width) - 1) << position)
        self.write_configuration(asset, kept | value << position)

    def act(self, scene: Scene, step: draws.Step) -> None:
        """Efficiency modes, grace periods and the sentinel; what users do and the model does not."""
        match step:
            case draws.SetMember():
                asset = scene.asset(any_used(scene, step.reserve))
                self.set_member(asset, step.emode, member=step.member)
                self.read_listing()
            case draws.SetLtvZero():
                self.set_ltv_zero(scene.asset(step.reserve), step.emode, zero=step.zero)
                self.read_listing()
            case draws.SetGrace():
                self.set_grace(scene.asset(step.reserve), step.seconds)
            case draws.SetSequencer():
                since = scene.now - step.for_seconds
                self.must(ADMIN, self._sequencer, "setAnswer(bool,uint256)", step.down, since)
            case _:
                self._act_of_users(scene, step)

    def _act_of_users(self, scene: Scene, step: draws.Step) -> None:
        """What users can do and the model does not: it is done, and read back."""
        match step:
            case draws.SwapRateMode():
                self._swap_rate_mode(scene, step)
            case draws.MintUnbacked():
                amount = step.size.of(scene.in_tokens(SUPPLY_BASE, step.reserve))
                self.mint_unbacked(scene.asset(step.reserve), amount)
            case draws.MintToTreasury():
                self.send(scene.user(0), self.pool, "mintToTreasury(address[])", self.assets)
            case _:
                pass

    def _swap_rate_mode(self, scene: Scene, step: draws.SwapRateMode) -> None:
        user = scene.user(step.user)
        asset = scene.asset(scene.picked(step.reserve, scene.owed(user)))
        if self.has_stable_debt:
            self.send(user, self.pool, "swapBorrowRateMode(address,uint256)", asset, step.mode)

    def lends(self, market: aave_v3.Market, user: str) -> list[int]:
        """Reserves with liquidity that the user's efficiency mode lends."""
        lent = [i for i, one in market.reserves.items() if one.virtual_underlying_balance]
        category = market.emodes.get(market.accounts[user].emode)
        if category is None:
            return lent
        members = category.borrowable_bitmap or category.collateral_bitmap
        return [i for i in lent if members >> i & 1]

    def account_data(self) -> dict[str, aave_v3.AccountData | None]:
        """`getUserAccountData` of every user."""
        questions = [Question(self.pool, "getUserAccountData(address)", (user,)) for user in self.users]
        answers = zip(self.users, ask_each(self.chain, questions), strict=True)
        return {user: account_data_of(answer) if answer else None for user, answer in answers}

    def account_data_of(
        self, market: aave_v3.Market, user: str, at: Mapping[str, Any]
    ) -> aave_v3.AccountData:
        """What the model says of `user`."""
        return aave_v3.account_data(market, user, **at)

    def normalized_of(self, market: aave_v3.Market, reserve_id: int, now: int) -> tuple[int, int]:
        """What the model says that income and variable debt have grown to. [ray]"""
        reserve, rules = market.reserves[reserve_id], market.rules
        return (
            aave_v3.normalized_income(reserve, rules, now),
            aave_v3.normalized_debt(reserve, rules, now),
        )

    def n_integers(self, market: aave_v3.Market) -> int:
        """As many as parity compares after an action."""
        return len(flatten_market(market, self.users))

    def liquidation_said(self, outcome: aave_v3.Liquidated) -> dict[str, int]:
        """Debt repaid, collateral seized, fee and deficits."""
        return flatten_outcome(outcome, outcome.market)

    def liquidation_told(
        self, receipt: Any, market: aave_v3.Market, call: aave_v3.LiquidationCall
    ) -> dict[str, int]:
        """The same from LiquidationCall, DeficitCreated and the transfer to the treasury."""
        atoken = self.reader.listing.reserves[call.collateral_id].atoken
        return liquidation_amounts(receipt, market, call, atoken)

    def set_grace(self, asset: str, seconds: int) -> None:
        """Forbid liquidations of an asset for some seconds, where there is such a thing."""

    def set_ltv_zero(self, asset: str, emode_id: int, *, zero: bool) -> None:
        """Take a member's loan to value away, where there is such a thing."""

    def mint_unbacked(self, asset: str, amount: int) -> None:
        """Let a bridge mint aTokens for the lender, where there are bridges."""


class ArenaV30(ArenaV3):
    """3.0.0, 3.0.1 or 3.0.2, from published artifacts."""

    def _deploy(self) -> None:
        parameters = MarketParameters(reserves=RESERVES, emodes=())
        self.deployment, self.admin = deploy_v30(self.chain, self.revision, parameters)
        provider = self.deployment.provider
        self._curves = [
            create_strategy_v30(self.admin, provider, _reserve(f"curve{n}", 18, curve=n), STABLE_CURVES[n])
            for n in range(len(CURVES))
        ]
        self.must(ADMIN, self.deployment.acl, "addBridge(address)", ADMIN)
        for asset in self.deployment.tokens.values():
            assert self.configure("setUnbackedMintCap(address,uint256)", asset, 10**9)

    def _set_curve(self, asset: str, curve: int) -> None:
        self.configure("setReserveInterestRateStrategyAddress(address,address)", asset, self._curves[curve])

    def _set_stable(self, asset: str, *, enabled: bool) -> None:
        self.configure("setReserveStableRateBorrowing(address,bool)", asset, enabled)

    def _create_emode(self, emode_id: int, limits: Sequence[int], one: EModeSetup) -> None:
        source = "0x" + "00" * 20 if one.price_source is None else self.assets[one.price_source]
        function = "setEModeCategory(uint8,uint16,uint16,uint16,address,string)"
        assert self.configure(function, emode_id, *limits, source, "mode")

    def set_member(self, asset: str, emode_id: int, *, member: bool) -> None:
        word = self.configuration_word(asset)
        if member or emode_category_of(word) == emode_id:
            self.configure("setAssetEModeCategory(address,uint8)", asset, emode_id if member else 0)

    def mint_unbacked(self, asset: str, amount: int) -> None:
        signature = "mintUnbacked(address,uint256,address,uint16)"
        self.send(ADMIN, self.deployment.pool, signature, asset, amount, self.users[LENDER], 0)


class ArenaV36(ArenaV3):
    """3.6, from published sources."""

    def _deploy(self) -> None:
        reserves = tuple(replace(one, decimals=max(one.decimals, FEWEST_DECIMALS)) for one in RESERVES)
        parameters, contracts = MarketParameters(reserves=reserves, emodes=()), aave_v36()
        self.deployment = deploy(self.chain, parameters, contracts, treasury=TREASURY)
        self.admin = Administrator(self.chain, contracts)

    def _set_curve(self, asset: str, curve: int) -> None:
        data = encode(["uint16", "uint32", "uint32", "uint32"], CURVES[curve])
        self.configure("setReserveInterestRateData(address,bytes)", asset, data)

    def _create_emode(self, emode_id: int, limits: Sequence[int], one: EModeSetup) -> None:
        function = "setEModeCategory(uint8,uint16,uint16,uint16,string)"
        assert self.configure(function, emode_id, *limits, "mode")

    def set_member(self, asset: str, emode_id: int, *, member: bool) -> None:
        self.configure("setAssetCollateralInEMode(address,uint8,bool)", asset, emode_id, member)
        self.configure("setAssetBorrowableInEMode(address,uint8,bool)", asset, emode_id, member)

    def set_grace(self, asset: str, seconds: int) -> None:
        self.configure("setReservePause(address,bool,uint40)", asset, False, seconds)

    def set_ltv_zero(self, asset: str, emode_id: int, *, zero: bool) -> None:
        self.configure("setAssetLtvzeroInEMode(address,uint8,bool)", asset, emode_id, zero)


def arena_of(chain: Chain, revision: str) -> ArenaV3:
    """The market of a revision, deployed on `chain`."""
    return (ArenaV36 if revision == "3.6" else ArenaV30)(chain, revision)
