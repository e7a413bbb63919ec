"""The real Venus isolated pools 1.0.0 to play cases on: one pool of three markets per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.getters import Answer, Question, ask, ask_each, checksummed
from forks.artifacts import venus_isolated
from forks.calldata import calldata
from forks.in_process.evm import Evm
from forks.keyed_feed import set_answer
from forks.venus_isolated.deploy import (
    Deployment,
    administrator,
    create_rate_model,
    deploy,
    mint_and_approve,
)
from forks.venus_isolated.parameters import (
    UNLIMITED,
    JumpRate,
    MarketParameters,
    PoolParameters,
    RateModel,
    WhitePaperRate,
)
from forks.venus_isolated.reader import ACCOUNT_BORROWS_SLOT, MarketReader
from protocol.units import MAX_UINT256, WAD
from protocol.venus_isolated import MarketId
from tests.fuzz.arena import START
from tests.steps_venus_isolated import Case, MarketSetup

FIRST_BLOCK = 40_000_000
"""When every case begins."""
SYMBOLS = ("COIN", "DOLLAR", "STONE")
DECIMALS = (18, 6, 8)
BASE = 1
"""The market whose underlying the risk fund holds."""
CURVES: tuple[RateModel, ...] = (
    JumpRate(
        base_rate_mantissa=2 * WAD // 100,
        multiplier_mantissa=15 * WAD // 100,
        jump_multiplier_mantissa=3 * WAD,
        kink_mantissa=80 * WAD // 100,
    ),
    WhitePaperRate(base_rate_mantissa=WAD // 50, multiplier_mantissa=WAD // 10),
    JumpRate(  # of the order of what is allowed at all, 5,256 % a year: beyond, a market is bricked
        base_rate_mantissa=0,
        multiplier_mantissa=10 * WAD,
        jump_multiplier_mantissa=100 * WAD,
        kink_mantissa=50 * WAD // 100,
    ),
)
MAX_LOOPS = 4
USERS = (
    *(to_checksum_address("0x" + f"{digit}a" * 20) for digit in (1, 2)),
    checksummed(ADMIN),
    "0x" + "33" * 20,
)
WALLET = 2**255
"""What everybody, the risk fund too, holds of every token: the model takes for granted that it is enough."""
LENT_USD, STAKE_USD = 10**6, 10**4
"""What the lender supplies at most, and what an amount without a whole is a share of."""

BALANCES_SLOT = 0
"""Of the underlying: mapping from a holder to its balance."""
VTOKEN_SLOTS = {
    "borrow_index": 210,
    "total_borrows": 211,
    "total_reserves": 212,
    "total_supply": 213,
    "bad_debt": 214,
}
VTOKENS_SLOT = 215
"""Of a vToken: mapping from a holder to its vTokens."""
POOL_RESERVES_SLOT = 306
"""Of the risk fund: mapping from a comptroller to what is held for it."""
EVENTS = {
    "Mint(address,uint256,uint256,uint256)": (0, 1),
    "Redeem(address,uint256,uint256,uint256)": (0, 1),
    "Borrow(address,uint256,uint256,uint256)": (0,),
    "RepayBorrow(address,address,uint256,uint256,uint256)": (0,),
    "LiquidateBorrow(address,address,uint256,address,uint256)": (0, 1),
    "Transfer(address,address,uint256)": (0,),
    "ReservesAdded(address,uint256,uint256)": (0,),
    "ReservesReduced(address,uint256,uint256)": (0,),
    "BadDebtIncreased(address,uint256,uint256,uint256)": (0,),
    "HealBorrow(address,address,uint256)": (0,),
    "AuctionClosed(address,uint256,address,uint256,uint256,address[],uint256[])": (2,),
}
"""Events to the words of their data that are amounts of the call."""
_TOLD = {keccak(text=event): (event.partition("(")[0], words) for event, words in EVENTS.items()}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the views say of an account; None where they revert."""

    liquidity: tuple[int, ...] | None
    borrowing_power: tuple[int, ...] | None
    owed: tuple[int | None, ...]
    """Market by market."""


class ArenaVenusIsolated:
    """A pool to play cases in; each case finds it as it was deployed."""

    users = USERS
    deployment: Deployment

    def __init__(self, chain: Evm) -> None:
        chain.set_block(FIRST_BLOCK, START)
        self.chain = chain
        self.deployment = deployment = deploy(chain, PARAMETERS)
        self.contracts = venus_isolated(("Comptroller", "VToken", "Shortfall"))
        self.comptroller, self.shortfall = deployment.comptroller, deployment.shortfall
        self.reader = MarketReader(
            chain, self.comptroller, shortfall=self.shortfall, risk_fund=deployment.risk_fund
        )
        self.vtokens = [one.vtoken for one in self.reader.listed]
        self._names = {one.vtoken: one.market_id for one in self.reader.listed}
        admin = administrator(chain)
        acl = ask(chain, [Question(self.comptroller, "accessControlManager()")])[0].address
        self.curves = [create_rate_model(admin, acl, curve) for curve in CURVES]
        self._fill_wallets()
        self._views = [question for user in self.users for question in self._views_of(user)]

    def _fill_wallets(self) -> None:
        for one in self.reader.listed:
            for user in self.users:
                for spender in (one.vtoken, self.shortfall):
                    mint_and_approve(self.chain, one.underlying, spender, user, 1)
                self.write(one.underlying, BALANCES_SLOT, WALLET, of=user)
        self.write(self.deployment.base_token, BALANCES_SLOT, WALLET, of=self.deployment.risk_fund)

    def prepare(self, case: Case) -> None:
        """Give the pool the settings, prices and first supplies of a case."""
        self.must(self.comptroller, "setCloseFactor(uint256)", case.close_factor_mantissa)
        self.must(self.comptroller, "setLiquidationIncentive(uint256)", case.incentive_mantissa)
        self.must(self.comptroller, "setMinLiquidatableCollateral(uint256)", case.minimum_usd_mantissa)
        for market_id, setup in enumerate(case.markets):
            self._prepare_market(market_id, setup)

    def _prepare_market(self, market_id: MarketId, setup: MarketSetup) -> None:
        price_mantissa = setup.price_millionths * 10 ** (30 - DECIMALS[market_id])
        self.set_price(market_id, price_mantissa)
        factor = setup.collateral_factor_mantissa
        lent = LENT_USD * WAD * WAD // price_mantissa * setup.lent_permille // 1000
        caps = {
            "supply cap": setup.supply_cap_permille,
            "borrow cap": setup.borrow_cap_permille,
        }
        settings = {
            "factors": (factor, factor + setup.threshold_above_mantissa),
            "reserve factor": (setup.reserve_factor_mantissa,),
            "seize share": (setup.seize_share_mantissa,),
            "curve": (setup.curve,),
        }
        for field, values in settings.items():
            assert self.configure(market_id, field, *values), (field, values)
        if lent:
            self.must(self.vtokens[market_id], "mint(uint256)", lent)
        for field, permille in caps.items():
            cap = UNLIMITED if permille is None else lent * permille // 1000
            assert self.configure(market_id, field, cap), (field, cap)

    def configure(self, market_id: MarketId, field: str, *values: int) -> bool:
        """Let the owner set something of a market; whether the contracts agreed."""
        vtoken, comptroller = self.vtokens[market_id], self.comptroller
        match field:
            case "factors":
                function = "setCollateralFactor(address,uint256,uint256)"
                return self.ask_owner(comptroller, function, vtoken, *values)
            case "reserve factor":
                return self.ask_owner(vtoken, "setReserveFactor(uint256)", *values)
            case "seize share":
                return self.ask_owner(vtoken, "setProtocolSeizeShare(uint256)", *values)
            case "curve":
                return self.ask_owner(vtoken, "setInterestRateModel(address)", self.curves[values[0]])
            case "supply cap":
                function = "setMarketSupplyCaps(address[],uint256[])"
                return self.ask_owner(comptroller, function, [vtoken], list(values))
            case "borrow cap":
                function = "setMarketBorrowCaps(address[],uint256[])"
                return self.ask_owner(comptroller, function, [vtoken], list(values))
            case _:
                raise AssertionError(field)

    def configure_pool(self, field: str, value: int) -> bool:
        """Let the owner set something of the pool or of its auction house; whether the contracts agreed."""
        target, function = {
            "close factor": (self.comptroller, "setCloseFactor(uint256)"),
            "incentive": (self.comptroller, "setLiquidationIncentive(uint256)"),
            "minimum": (self.comptroller, "setMinLiquidatableCollateral(uint256)"),
            "auction incentive": (self.shortfall, "updateIncentiveBps(uint256)"),
            "first bid": (self.shortfall, "updateWaitForFirstBidder(uint256)"),
            "next bid": (self.shortfall, "updateNextBidderBlockLimit(uint256)"),
            "least debt": (self.shortfall, "updateMinimumPoolBadDebt(uint256)"),
        }[field]
        return self.ask_owner(target, function, value)

    def ask_owner(self, target: str, signature: str, *arguments: Any) -> bool:
        """Send a transaction of the owner; whether it went through."""
        transaction = {"from": ADMIN, "to": target, "data": calldata(signature, *arguments)}
        return self.chain.send(transaction)["status"] == 1

    def must(self, target: str, signature: str, *arguments: Any) -> None:
        """Send a transaction of the setting, which may not be refused."""
        assert self.ask_owner(target, signature, *arguments), f"{signature} {arguments} was refused"

    def set_price(self, market_id: MarketId, price_mantissa: int) -> None:
        """Let the oracle answer `price_mantissa` for a market."""
        vtoken = self.vtokens[market_id]
        set_answer(self.chain, self.deployment.oracle, price_mantissa, asked_about=vtoken)

    def write(self, target: str, slot: int, word: int, *, of: str | None = None) -> None:
        """Write one word into storage; `of`: the key, where the slot is that of a mapping."""
        place = slot if of is None else place_of(slot, of)
        self.chain.set_storage(target, place, word)

    def write_loan(self, user: str, market_id: MarketId, principal: int, index: int) -> None:
        """Write what `user` owes in a market."""
        place = place_of(ACCOUNT_BORROWS_SLOT, user)
        self.chain.set_storage(self.vtokens[market_id], place, principal)
        self.chain.set_storage(self.vtokens[market_id], place + 1, index)

    def standings(self) -> dict[str, Standing]:
        """User to what the views say of it."""
        answers = iter(ask_each(self.chain, self._views))
        found = {}
        for user in self.users:
            liquidity, power = (_sums(next(answers)) for _ in range(2))
            owed = tuple(one.word if (one := next(answers)) else None for _ in self.vtokens)
            found[user] = Standing(liquidity, power, owed)
        return found

    def rates(self) -> dict[MarketId, tuple[int | None, ...]]:
        """Borrow rate, supply rate and exchange rate of every market; None where the view reverts."""
        getters = ("borrowRatePerBlock()", "supplyRatePerBlock()", "exchangeRateStored()")
        answers = ask_each(self.chain, [Question(one, getter) for one in self.vtokens for getter in getters])
        words = [one.word if one else None for one in answers]
        return {id_: tuple(words[3 * id_ : 3 * id_ + 3]) for id_ in range(len(self.vtokens))}

    def _views_of(self, user: str) -> list[Question]:
        sums = ("getAccountLiquidity(address)", "getBorrowingPower(address)")
        return [
            *(Question(self.comptroller, getter, (user,)) for getter in sums),
            *(Question(one, "borrowBalanceStored(address)", (user,)) for one in self.vtokens),
        ]

    def told(self, receipt: Mapping[str, Any], names: frozenset[str]) -> dict[str, tuple[int, ...]]:
        """Event and market to the amounts that events of these names tell of it, in their order."""
        found: dict[str, tuple[int, ...]] = {}
        for log in receipt["logs"]:
            name, words = _TOLD.get(bytes(log["topics"][0]), ("", ()))
            emitter = checksummed(log["address"])
            if name in names and (emitter in self._names or emitter == self.shortfall):
                key = f"{name} {self._names.get(emitter, '')}".rstrip()
                data = bytes(log["data"])
                amounts = (int.from_bytes(data[32 * word : 32 * word + 32]) for word in words)
                found[key] = (*found.get(key, ()), *amounts)
        return found


def place_of(mapping: int, address: str) -> int:
    """Storage slot of what a mapping holds for an address."""
    return int.from_bytes(keccak(int(address, 16).to_bytes(32) + mapping.to_bytes(32)))


def _sums(answer: Answer | None) -> tuple[int, ...] | None:
    """Liquidity and shortfall, without the error code before them."""
    return answer.words[1:] if answer else None


def _listing(market_id: MarketId) -> MarketParameters:
    decimals = DECIMALS[market_id]
    return MarketParameters(
        symbol=SYMBOLS[market_id],
        decimals=decimals,
        collateral_factor_mantissa=0,
        liquidation_threshold_mantissa=0,
        reserve_factor_mantissa=0,
        rate_model=CURVES[0],
        initial_exchange_rate_mantissa=10 ** (10 + decimals),
        price_mantissa=10 ** (36 - decimals),
        initial_supply_underlying=1,
        borrow_cap_underlying=MAX_UINT256,
    )


PARAMETERS = PoolParameters(
    close_factor_mantissa=WAD // 2,
    liquidation_incentive_mantissa=11 * WAD // 10,
    min_liquidatable_collateral_mantissa=0,
    markets=tuple(_listing(market_id) for market_id in range(len(SYMBOLS))),
    base=SYMBOLS[BASE],
    max_loops=MAX_LOOPS,
)
