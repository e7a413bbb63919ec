"""The real Aave v3 in this process, set to a situation by hand; every call is made in both worlds and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from forks.aave_v3.events import liquidation_amounts
from forks.aave_v3.parity import flatten_market, flatten_outcome
from forks.aave_v3.reader import MarketReader
from forks.artifacts import decode_revert
from forks.calldata import calldata
from protocol.aave_v3 import Liquidated, LiquidationCall, Market, Revert, liquidation_call
from protocol.units import MAX_UINT256
from tests.fuzz.aave_v3_arena import RESERVES_SLOT, SUPPLY, ArenaV3, arena_of
from tests.fuzz.arena import START

WETH, USDC, WBTC, GUSD, DAI = range(5)
USERS_CONFIG_SLOT = 53
"""Storage slot of the pool's mapping from user to its bits."""
LIQUIDATION = "liquidationCall(address,address,address,uint256,bool)"


@cache
def _arena(revision: str) -> ArenaV3:
    from forks.in_process.evm import Evm

    return arena_of(Evm(), revision)


@contextmanager
def stage_of(revision: str) -> Iterator[Stage]:
    """A stage on the contracts of a revision, which are left as they were found. Every price is a dollar."""
    arena = _arena(revision)
    with arena.chain.anchor():
        arena.read_listing()
        yield Stage(arena)


class Stage:
    """A borrower, a liquidator and a lender of everything, and the clock."""

    def __init__(self, arena: ArenaV3) -> None:
        self.arena, self.now = arena, START
        self.borrower, self.liquidator, self.lender, _ = arena.users
        for reserve_id in range(5):
            self.supply(self.lender, reserve_id, 10**6 * self.unit(reserve_id))

    @property
    def reader(self) -> MarketReader:
        """Reads what the contracts hold."""
        return self.arena.reader

    def unit(self, reserve_id: int) -> int:
        """One whole token. [asset units]"""
        return 10 ** self.arena.word(self.asset(reserve_id), "decimals()")

    def asset(self, reserve_id: int) -> str:
        """Address of a reserve's token."""
        return self.arena.assets[reserve_id]

    def market(self) -> Market:
        """What the contracts hold now."""
        return self.reader.market(self.arena.users)

    def prices(self) -> dict[int, int]:
        """What the oracle answers now."""
        return self.reader.prices()

    def must(self, sender: str, signature: str, *arguments: Any) -> None:
        """A call of the pool that may not be refused."""
        self.arena.must(sender, self.arena.deployment.pool, signature, *arguments)

    def supply(self, user: str, reserve_id: int, amount: int, *, on_behalf_of: str | None = None) -> None:
        """`user` supplies, for itself unless told otherwise."""
        self.must(user, SUPPLY, self.asset(reserve_id), amount, on_behalf_of or user, 0)

    def borrow(self, user: str, reserve_id: int, amount: int) -> None:
        """`user` borrows at the variable rate."""
        signature = "borrow(address,uint256,uint256,uint16,address)"
        self.must(user, signature, self.asset(reserve_id), amount, 2, 0, user)

    def set_price(self, reserve_id: int, dollars: float) -> None:
        """Let the feed of a reserve answer."""
        self.arena.set_price(self.asset(reserve_id), round(dollars * 10**8))

    def feed(self, reserve_id: int) -> str:
        """Address of the feed behind a reserve's price."""
        oracle = self.arena.deployment.oracle
        return f"0x{self.arena.word(oracle, 'getSourceOfAsset(address)', self.asset(reserve_id)):040x}"

    def wait(self, seconds: int) -> None:
        """Move the clock."""
        self.now += seconds
        self.arena.chain.set_time(self.now)

    def set_index(self, reserve_id: int, index_ray: int) -> None:
        """Write a reserve's liquidity index, its rate staying as it is."""
        reserve = self.market().reserves[reserve_id]
        word = index_ray | reserve.liquidity_rate_ray << 128
        slot = _slot(self.asset(reserve_id), RESERVES_SLOT) + 1
        self.arena.chain.set_storage(self.arena.deployment.pool, slot, word)

    def set_collateral_bit(self, user: str, reserve_id: int, *, on: bool) -> None:
        """Write one collateral bit of a user."""
        pool = self.arena.deployment.pool
        word, bit = self.arena.word(pool, "getUserConfiguration(address)", user), 1 << 2 * reserve_id + 1
        word = word | bit if on else word & ~bit
        self.arena.chain.set_storage(pool, _slot(user, USERS_CONFIG_SLOT), word)

    def liquidate(
        self,
        collateral_id: int,
        debt_id: int,
        *,
        debt_to_cover: int = MAX_UINT256,
        receive_atoken: bool = False,
        data: bytes | None = None,
    ) -> Liquidated | str:
        """The call in both worlds: every integer equal after it, or both refuse it for the same reason.

        `data` is what is sent in place of the usual five arguments.
        """
        call = LiquidationCall(
            collateral_id=collateral_id,
            debt_id=debt_id,
            borrower=self.borrower,
            liquidator=self.liquidator,
            debt_to_cover=debt_to_cover,
            receive_atoken=receive_atoken,
        )
        market = self.market()
        model = liquidation_call(market, call, prices_base=self.prices(), timestamp=self.now)
        usual = (self.asset(collateral_id), self.asset(debt_id), self.borrower, debt_to_cover, receive_atoken)
        transaction = {
            "from": self.liquidator,
            "to": self.arena.deployment.pool,
            "data": data or calldata(LIQUIDATION, *usual),
        }
        receipt = self.arena.chain.send(transaction)
        if isinstance(model, Revert):
            assert receipt["status"] == 0
            reason = self.arena.chain.revert_data(transaction) or b""
            assert decode_revert(reason, self.arena.errors) == model.name
            return model.name
        assert receipt["status"] == 1
        self._require_equal(market, call, model, receipt)
        return model

    def _require_equal(
        self, before: Market, call: LiquidationCall, model: Liquidated, receipt: Mapping[str, Any]
    ) -> None:
        users = self.arena.users
        assert flatten_market(model.market, users) == flatten_market(self.market(), users)
        atoken = self.reader.listing.reserves[call.collateral_id].atoken
        told: Any = receipt
        assert flatten_outcome(model, model.market) == liquidation_amounts(told, before, call, atoken)


def _slot(key: str, root: int) -> int:
    return int.from_bytes(keccak(encode(["address", "uint256"], [key, root])))
