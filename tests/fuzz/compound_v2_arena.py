"""The real Compound v2 to play cases on: four markets under every generation of Comptroller, in one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.getters import Question, ask_each, checksummed
from forks.calldata import calldata
from forks.compound_v2.deploy import Deployment, create_rate_model, deploy, fund, owner, set_price
from forks.compound_v2.failures import failures
from forks.compound_v2.parameters import (
    DaiRate,
    JumpRate,
    MarketParameters,
    PoolParameters,
    RateModel,
    WhitePaperRate,
)
from forks.compound_v2.reader import ACCOUNT_BORROWS_SLOT, MarketReader, place_of
from forks.in_process.evm import Evm
from protocol.compound_v2 import MarketId
from protocol.units import WAD
from tests.fuzz.arena import START
from tests.steps_compound_v2 import CENT, ETHER, LENDER, Case, Generation, MarketSetup

FIRST_BLOCK = 15_000_000
"""When every case begins."""
SYMBOLS = ("ETH", "DOLLAR", "COIN", "CENT")
DECIMALS = (18, 6, 18, 2)
CONTRACTS = ("CEther", "CErc20Delegator", "CErc20Immutable", "CErc20Delegator")
RELEASES: dict[Generation, str] = {
    "ComptrollerG1": "G1",
    "ComptrollerG2": "G2",
    "ComptrollerG3": "G3",
    "ComptrollerG4": "G4",
    "ComptrollerG5": "G5",
    "ComptrollerG6": "G6",
    "ComptrollerG7": "G7",
    "Comptroller": "2.9",
}
CURVES: tuple[RateModel, ...] = (
    JumpRate(
        base_rate_mantissa=2 * WAD // 100,
        multiplier_mantissa=20 * WAD // 100,
        jump_multiplier_mantissa=2 * WAD,
        kink_mantissa=80 * WAD // 100,
    ),
    WhitePaperRate(base_rate_mantissa=WAD // 50, multiplier_mantissa=WAD // 10),
    DaiRate(
        jump_multiplier_mantissa=WAD,
        kink_mantissa=80 * WAD // 100,
        dsr_ray=10**27 + 10**18,
        duty_ray=10**27 + 3 * 10**18,
    ),
    JumpRate(  # of the order of what is allowed at all, 1,051 % a year: beyond, a market is bricked
        base_rate_mantissa=0,
        multiplier_mantissa=2 * WAD,
        jump_multiplier_mantissa=20 * WAD,
        kink_mantissa=50 * WAD // 100,
        version=1,
    ),
)
USERS = tuple(to_checksum_address("0x" + f"{digit}a" * 20) for digit in (1, 2, 3, 4))
WALLET = 2**200
"""What everybody holds of every asset: the model takes for granted that it is enough."""
PAID = WALLET // 2**10
"""What no call pays more of."""
LENT_USD, STAKE_USD = 10**6, 10**4
"""What the lender supplies at most, and what an amount without a whole is a share of."""

TOKEN_BALANCES_SLOT, FEE_TOKEN_BALANCES_SLOT, FEE_SLOT = 0, 5, 6
"""Of the assets: mapping from a holder to its balance, and what `CENT` keeps of a transfer."""
CTOKEN_SLOTS = {"borrow_index": 10, "total_borrows": 11, "total_reserves": 12, "total_supply": 13}
CTOKENS_SLOT = 14
"""Of a cToken: mapping from a holder to its cTokens."""
MARKETS_SLOT = 9
"""Of a Comptroller: mapping from a cToken to a struct of which the first word says whether it is listed."""
EVENTS = {
    "Mint(address,uint256,uint256)": (1, 2),
    "Redeem(address,uint256,uint256)": (1, 2),
    "Borrow(address,uint256,uint256,uint256)": (1,),
    "RepayBorrow(address,address,uint256,uint256,uint256)": (2,),
    "LiquidateBorrow(address,address,uint256,address,uint256)": (2, 4),
    "Transfer(address,address,uint256)": (0,),
    "ReservesAdded(address,uint256,uint256)": (1,),
}
"""Events to the words of their data that are amounts of the call."""
_TOLD = {keccak(text=event): (event.partition("(")[0], words) for event, words in EVENTS.items()}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the views say of an account; None where they revert."""

    liquidity: tuple[int, ...] | None
    """Error, liquidity, shortfall."""
    snapshots: tuple[tuple[int, ...] | None, ...]
    """Market by market: error, cTokens, debt, exchange rate."""


class Pool:
    """The markets under one Comptroller, and what cases are played with there."""

    users = USERS

    def __init__(self, chain: Evm, generation: Generation) -> None:
        self.chain = chain
        self.deployment: Deployment = deploy(chain, _parameters(generation))
        self.comptroller = self.deployment.comptroller
        self.ctokens = [one.ctoken for one in self.deployment.markets.values()]
        self.underlyings = [one.underlying for one in self.deployment.markets.values()]
        self.reader = MarketReader(
            chain, self.comptroller, ctokens=self.ctokens, release=RELEASES[generation]
        )
        self._names = {ctoken: market_id for market_id, ctoken in enumerate(self.ctokens)}
        admin = owner(chain, generation)
        self.curves = [create_rate_model(chain, admin, curve) for curve in CURVES]
        for user in self.users:
            for market_id, symbol in enumerate(SYMBOLS):
                fund(chain, self.deployment, symbol, user, WALLET)
                self._settle_comp(user, market_id)
        self._views = [question for user in self.users for question in self._views_of(user)]

    def _settle_comp(self, user: str, market_id: MarketId) -> None:
        """Let COMP, which the model leaves out, count from now on for `user`, and come to nothing.

        The published Comptroller counts it from the start else, without any speed, and overflows where there is much.
        """
        for function in ("mint", "repayBorrow"):
            data, value = paying(market_id, function, (), (), 0)
            call = {"from": user, "to": self.ctokens[market_id], "data": data, "value": value}
            assert self.goes_through(call), function
        self.write_position(user, market_id, ctokens=0, principal=0, index=0)  # as if never touched

    @contextmanager
    def prepared(self, case: Case) -> Iterator[None]:
        """Meanwhile the markets have the settings, prices and first supplies of a case; then all is as before."""
        try:
            with self.chain.anchor():
                self._prepare(case)
                yield
        finally:  # a balance that was set is not undone
            self.chain.set_balance(self.ctokens[ETHER], 0)

    def _prepare(self, case: Case) -> None:
        assert self.configure_pool("close factor", case.close_factor_mantissa)
        assert self.configure_pool("incentive", case.incentive_mantissa)
        self.configure_pool("most markets", case.max_assets)
        for market_id, setup in enumerate(case.markets):
            self._prepare_market(market_id, setup)
        self.configure(CENT, "fee", case.fee_bps)

    def _prepare_market(self, market_id: MarketId, setup: MarketSetup) -> None:
        price_mantissa = setup.price_millionths * 10 ** (30 - DECIMALS[market_id])
        self.set_price(market_id, price_mantissa)
        settings = {
            "collateral factor": setup.collateral_factor_mantissa,
            "reserve factor": setup.reserve_factor_mantissa,
            "curve": setup.curve,
        }
        for field, value in settings.items():
            assert self.configure(market_id, field, value), (field, value)
        lent = LENT_USD * WAD * WAD // price_mantissa * setup.lent_permille // 1000
        if lent:
            data, value = mint_data(market_id, lent)
            call = {"from": self.users[LENDER], "to": self.ctokens[market_id], "data": data, "value": value}
            assert self.goes_through(call), lent
        if setup.borrow_cap_permille is not None and self.reader.rules.has_borrow_caps:
            assert self.configure(market_id, "borrow cap", lent * setup.borrow_cap_permille // 1000)

    def configure(self, market_id: MarketId, field: str, value: int) -> bool:
        """Let the owner set something of a market; whether the contracts agreed."""
        ctoken = self.ctokens[market_id]
        match field:
            case "collateral factor":
                return self.ask_owner(
                    self.comptroller, "_setCollateralFactor(address,uint256)", ctoken, value
                )
            case "reserve factor":
                return self.ask_owner(ctoken, "_setReserveFactor(uint256)", value)
            case "curve":
                return self.ask_owner(ctoken, "_setInterestRateModel(address)", self.curves[value])
            case "borrow cap":
                function = "_setMarketBorrowCaps(address[],uint256[])"
                return self.ask_owner(self.comptroller, function, [ctoken], [value])
            case "listed":
                self.chain.set_storage(self.comptroller, place_of(MARKETS_SLOT, ctoken), value)
                return True
            case "fee":
                self.chain.set_storage(self._token(CENT), FEE_SLOT, value)
                return True
            case _:
                raise AssertionError(field)

    def configure_pool(self, field: str, value: int) -> bool:
        """Let the owner set something of the Comptroller; whether it agreed."""
        function = {
            "close factor": "_setCloseFactor(uint256)",
            "incentive": "_setLiquidationIncentive(uint256)",
            "most markets": "_setMaxAssets(uint256)",
        }[field]
        return self.ask_owner(self.comptroller, function, value)

    def ask_owner(self, target: str, signature: str, *arguments: Any) -> bool:
        """Send a transaction of the owner; whether it went through."""
        return self.goes_through({"from": ADMIN, "to": target, "data": calldata(signature, *arguments)})

    def goes_through(self, transaction: Mapping[str, Any]) -> bool:
        """Send a transaction; whether it neither reverted nor failed."""
        receipt = self.chain.send(transaction)
        return receipt["status"] == 1 and not failures(receipt)

    def set_price(self, market_id: MarketId, price_mantissa: int) -> None:
        """Let the oracle answer `price_mantissa` for a market."""
        set_price(self.chain, self.deployment, SYMBOLS[market_id], price_mantissa)

    def write_balance(self, market_id: MarketId, holder: str, amount: int) -> None:
        """Let `holder` have that much of a market's asset."""
        if market_id == ETHER:
            self.chain.set_balance(holder, amount)
            return
        slot = FEE_TOKEN_BALANCES_SLOT if market_id == CENT else TOKEN_BALANCES_SLOT
        self.chain.set_storage(self._token(market_id), place_of(slot, holder), amount)

    def write_position(
        self, user: str, market_id: MarketId, *, ctokens: int, principal: int, index: int
    ) -> None:
        """Write what `user` holds and owes in a market."""
        loan = place_of(ACCOUNT_BORROWS_SLOT, user)
        for slot, word in ((place_of(CTOKENS_SLOT, user), ctokens), (loan, principal), (loan + 1, index)):
            self.chain.set_storage(self.ctokens[market_id], slot, word)

    def _token(self, market_id: MarketId) -> str:
        underlying = self.underlyings[market_id]
        assert underlying is not None
        return underlying

    def standings(self) -> dict[str, Standing]:
        """User to what the views say of it."""
        answers = iter(ask_each(self.chain, self._views))
        found = {}
        for user in self.users:
            liquidity, *snapshots = (
                one.words if (one := next(answers)) else None for _ in range(1 + len(self.ctokens))
            )
            found[user] = Standing(liquidity, tuple(snapshots))
        return found

    def rates(self) -> dict[MarketId, tuple[int | None, ...]]:
        """Borrow rate, supply rate and exchange rate of every market; None where the view reverts."""
        getters = ("borrowRatePerBlock()", "supplyRatePerBlock()", "exchangeRateStored()")
        answers = ask_each(self.chain, [Question(one, getter) for one in self.ctokens for getter in getters])
        words = [one.word if one else None for one in answers]
        return {id_: tuple(words[3 * id_ : 3 * id_ + 3]) for id_ in range(len(self.ctokens))}

    def _views_of(self, user: str) -> list[Question]:
        return [
            Question(self.comptroller, "getAccountLiquidity(address)", (user,)),
            *(Question(one, "getAccountSnapshot(address)", (user,)) for one in self.ctokens),
        ]

    def told(self, receipt: Mapping[str, Any], names: frozenset[str]) -> dict[str, tuple[int, ...]]:
        """Event and market to the amounts that events of these names tell of it, in their order."""
        found: dict[str, tuple[int, ...]] = {}
        for log in receipt["logs"]:
            name, words = _TOLD.get(bytes(log["topics"][0]), ("", ()))
            emitter = checksummed(log["address"])
            if name in names and emitter in self._names:
                key = f"{name} {self._names[emitter]}"
                data = bytes(log["data"])
                amounts = (int.from_bytes(data[32 * word : 32 * word + 32]) for word in words)
                found[key] = (*found.get(key, ()), *amounts)
        return found


class ArenaCompoundV2:
    """Markets under each Comptroller, deployed when a case first asks for it; each case finds them as deployed."""

    def __init__(self, chain: Evm) -> None:
        self.chain = chain
        self._pools: dict[Generation, Pool] = {}

    def pool(self, generation: Generation) -> Pool:
        """The markets under this Comptroller, at the block at which every case begins."""
        self.chain.set_block(FIRST_BLOCK, START)
        if generation not in self._pools:
            self._pools[generation] = Pool(self.chain, generation)
        return self._pools[generation]


def mint_data(market_id: MarketId, amount: int) -> tuple[bytes, int]:
    """Calldata and ether of a call that supplies `amount`."""
    return paying(market_id, "mint", (), (), amount)


def paying(
    market_id: MarketId, function: str, types: tuple[str, ...], arguments: tuple[Any, ...], amount: int
) -> tuple[bytes, int]:
    """Calldata and ether of a call that pays `amount`, which stands after the first argument but for ether."""
    if market_id == ETHER:
        return calldata(f"{function}({','.join(types)})", *arguments), amount
    all_types = (*types[:1], "uint256", *types[1:])
    return calldata(f"{function}({','.join(all_types)})", *arguments[:1], amount, *arguments[1:]), 0


def _parameters(generation: Generation) -> PoolParameters:
    return PoolParameters(
        close_factor_mantissa=WAD // 2,
        liquidation_incentive_mantissa=108 * WAD // 100,
        markets=tuple(_listing(market_id) for market_id in range(len(SYMBOLS))),
        comptroller=generation,
    )


def _listing(market_id: MarketId) -> MarketParameters:
    decimals = DECIMALS[market_id]
    return MarketParameters(
        symbol=SYMBOLS[market_id],
        decimals=decimals,
        collateral_factor_mantissa=0,
        reserve_factor_mantissa=0,
        rate_model=CURVES[0],
        initial_exchange_rate_mantissa=2 * 10 ** (8 + decimals),
        price_mantissa=10 ** (36 - decimals),
        contract=CONTRACTS[market_id],
        transfer_fee_bps=1 if market_id == CENT else 0,
    )
