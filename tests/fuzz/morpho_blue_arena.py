"""The real Morpho Blue to play cases on: one per process, a market for each rate model and LLTV, none created yet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.getters import Question, ask
from forks.calldata import calldata
from forks.chain import Chain, Transaction
from forks.morpho_blue.deploy import (
    FEE_RECIPIENT,
    Deployment,
    MarketAddresses,
    administrator,
    deploy,
    fund,
    market_id,
    set_price,
)
from forks.morpho_blue.parameters import MarketParameters
from forks.morpho_blue.reader import MarketReader
from protocol.morpho_blue import Market
from protocol.units import WAD
from tests.fuzz.arena import START
from tests.steps_morpho_blue import IRMS, LENDER, LLTVS_WAD, Store

USERS = (*(to_checksum_address("0x" + f"{digit}a" * 20) for digit in (1, 2, 3)), FEE_RECIPIENT)
WALLET = 2**200
"""What everybody, Morpho too, holds of both tokens: the model takes for granted that it is enough."""
NEIGHBOUR = MarketParameters(
    loan="USDC", collateral="WETH", lltv_wad=WAD // 2, oracle_price=10**36, fee_wad=WAD // 10
)
"""A market of the same tokens that has suppliers and a borrower, and that no step may touch."""
PARAMS = "(address,address,address,address,uint256)"
SIGNATURES = {
    "createMarket": f"({PARAMS})",
    "accrueInterest": f"({PARAMS})",
    "setFee": f"({PARAMS},uint256)",
    "supply": f"({PARAMS},uint256,uint256,address,bytes)",
    "withdraw": f"({PARAMS},uint256,uint256,address,address)",
    "borrow": f"({PARAMS},uint256,uint256,address,address)",
    "repay": f"({PARAMS},uint256,uint256,address,bytes)",
    "supplyCollateral": f"({PARAMS},uint256,address,bytes)",
    "withdrawCollateral": f"({PARAMS},uint256,address,address)",
    "liquidate": f"({PARAMS},address,uint256,uint256,bytes)",
    "borrowRateView": f"({PARAMS},(uint128,uint128,uint128,uint128,uint128,uint128))",
}
Params = tuple[str, str, str, str, int]
POSITIONS_SLOT, MARKETS_SLOT = 2, 3
"""Storage slots of the mappings from a market's id to its positions and to its totals."""
RATES_SLOT = 0
"""That of the rate model's mapping from id to rate at target."""


class ArenaMorphoBlue:
    """A singleton to play cases in; each case finds it as it was deployed."""

    users = USERS
    deployment: Deployment

    def __init__(self, chain: Chain) -> None:
        chain.set_time(START)
        self.chain = chain
        self.deployment = deploy(chain, [NEIGHBOUR])
        self.morpho = self.deployment.morpho
        self.neighbour = self.deployment.markets[0]
        admin = administrator(chain)
        for lltv_wad in LLTVS_WAD:
            admin.call("Morpho", self.morpho, "enableLltv", lltv_wad)
        self._fill_wallets()
        self._settle_neighbour()
        self.readers: Mapping[tuple[str | None, int], MarketReader] = {
            (irm, lltv_wad): self._reader(irm, lltv_wad) for irm in IRMS for lltv_wad in LLTVS_WAD
        }
        self._beside = self._beside_questions()

    def _fill_wallets(self) -> None:
        for name, token in self.deployment.tokens.items():
            for user in self.users:
                fund(self.chain, self.deployment, name, user, WALLET)
            data = calldata("setBalance(address,uint256)", self.morpho, WALLET)
            self.chain.send({"from": ADMIN, "to": token, "data": data})

    def _settle_neighbour(self) -> None:
        lender, borrower = self.users[LENDER], self.users[0]
        self.must(lender, "supply", 10**12, 0, lender)
        self.must(borrower, "supplyCollateral", 10**12, borrower)
        self.must(borrower, "borrow", 10**11, 0, borrower, borrower)

    def _reader(self, irm: str | None, lltv_wad: int) -> MarketReader:
        """A reader of the market with that rate model and LLTV, which shares the neighbour's tokens and oracle."""
        loan, collateral, oracle, _, _ = self.neighbour.params
        at = self.deployment.irms[irm]
        addresses = MarketAddresses(
            market_id=market_id((loan, collateral, oracle, at, lltv_wad)),
            loan_token=loan,
            collateral_token=collateral,
            oracle=oracle,
            irm=at,
            lltv_wad=lltv_wad,
        )
        return MarketReader(self.chain, self.morpho, addresses, mock_irm=self.deployment.irms["IrmMock"])

    def transaction(self, sender: str, function: str, params: Params, *arguments: int | str) -> Transaction:
        """A call about the market of these parameters, ready to be sent; bytes at its end are left empty."""
        return {"from": sender, "to": self.morpho, "data": call_data(function, params, *arguments)}

    def must(self, sender: str, function: str, *arguments: int | str) -> None:
        """Send a transaction of the setting about the neighbour, which may not be refused."""
        receipt = self.chain.send(self.transaction(sender, function, self.neighbour.params, *arguments))
        assert receipt["status"] == 1, f"{function} {arguments} was refused"

    def set_fee_recipient(self, user: str) -> None:
        """Let the owner name who gets the fees of all markets; the same again is refused, and nothing lost."""
        data = calldata("setFeeRecipient(address)", user)
        self.chain.send({"from": ADMIN, "to": self.morpho, "data": data})

    def set_price(self, price_e36: int) -> None:
        """Let the oracle of all markets answer `price_e36`."""
        set_price(self.chain, self.neighbour, price_e36)

    def beside(self) -> list[int]:
        """Words of what no market holds: what Morpho has of both tokens; then all that is stored of the neighbour."""
        return [word for answer in ask(self.chain, self._beside) for word in answer.words]

    def _beside_questions(self) -> list[Question]:
        market, irm = self.neighbour.market_id, self.neighbour.irm
        tokens = (self.neighbour.loan_token, self.neighbour.collateral_token)
        return [
            *(Question(token, "balanceOf(address)", (self.morpho,)) for token in tokens),
            Question(self.morpho, "market(bytes32)", (market,)),
            *(Question(self.morpho, "position(bytes32,address)", (market, user)) for user in self.users),
            Question(irm, "rateAtTarget(bytes32)", (market,)),
        ]

    def rate_per_second(self, at: MarketAddresses, market: Market) -> int | None:
        """What the rate model says that a loan costs since the last update [wad]; None where it reverts."""
        supply, borrow = market.total_supply, market.total_borrow
        totals = (supply.assets, supply.shares, borrow.assets, borrow.shares)
        data = call_data("borrowRateView", at.params, *totals, market.last_update_timestamp, market.fee_wad)
        call = {"to": at.irm, "data": data}
        answer = self.chain.rpc.answer("eth_call", [call, "latest"])
        return int(answer["result"], 16) if "result" in answer else None

    def store(self, at: MarketAddresses, step: Store) -> None:
        """Write all that is stored of a market, past what any call would let come about."""
        totals = _slot(at.market_id, MARKETS_SLOT)
        self._write(totals, step.supply_assets, step.supply_shares)
        self._write(totals + 1, step.borrow_assets, step.borrow_shares)
        self._write(totals + 2, START if step.created else 0, step.fee_wad)
        positions = _slot(at.market_id, POSITIONS_SLOT)
        for user, one in zip(self.users, step.holdings, strict=True):
            place = _slot(encode(["address"], [user]), positions)
            self.chain.set_storage(self.morpho, place, one.supply_shares)
            self._write(place + 1, one.borrow_shares, one.collateral)
        rate = step.rate_at_target_per_second_wad
        self.chain.set_storage(
            self.deployment.irms["AdaptiveCurveIrm"], _slot(at.market_id, RATES_SLOT), rate
        )

    def _write(self, slot: int, low: int, high: int) -> None:
        self.chain.set_storage(self.morpho, slot, low | high << 128)


@cache
def _selector(function: str) -> bytes:
    return keccak(text=f"{function}{SIGNATURES[function]}")[:4]


@lru_cache(maxsize=1_000)
def _words(*values: int | str) -> bytes:
    """Numbers and addresses as 32 bytes each."""
    return b"".join((int(one, 16) if isinstance(one, str) else one).to_bytes(32) for one in values)


def call_data(function: str, params: Params, *arguments: int | str) -> bytes:
    """Data of a call whose first argument is a market: encoded by hand, for there are some hundred in a case."""
    data = _selector(function) + _words(*params) + _words(*arguments)
    if SIGNATURES[function].endswith(",bytes)"):
        data += _words(32 * (len(params) + len(arguments) + 1), 0)  # where they are, and that they are none
    return data


def amounts_told(arena: ArenaMorphoBlue, receipt: Mapping[str, Any], n_words: int) -> tuple[int, ...]:
    """The last words of Morpho's last event: the amounts of the call."""
    own = [log for log in receipt["logs"] if log["address"] == arena.morpho]
    data = bytes(own[-1]["data"]) if n_words else b""
    starts = range(len(data) - 32 * n_words, len(data), 32)
    return tuple(int.from_bytes(data[start : start + 32]) for start in starts)


def _slot(key: bytes, mapping: int) -> int:
    """Storage slot of what a mapping holds under `key`."""
    return int.from_bytes(keccak(key + mapping.to_bytes(32)))
