"""A market of Morpho Blue on a node, as the crash asks of it: read, price, positions, `liquidate`.

Its oracle shows one price, of the collateral in loan assets: what it shows is compared with the two prices in dollars
that it was made of. The contract has no view of an account's health; debts are compared by what a repayment costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from forks.crash.example_assets import ExampleAsset
from forks.crash.node_venue import NodeVenue, all_owed
from forks.crash.sending import mined
from forks.crash.venue import Amounts, Call, Numbers, Sent, transaction
from forks.morpho_blue.deploy import Deployment, MarketAddresses, fund, set_price
from forks.morpho_blue.opening import PARAMS, equip, open_book
from forks.morpho_blue.reader import MarketReader
from protocol.model import Asset, AssetId, At, Refused, User
from protocol.morpho_blue import Account, LiquidationCall
from protocol.morpho_blue.rule_set import (
    COLLATERAL,
    LOAN,
    RULE_SET,
    IsolatedLiquidation,
    IsolatedMarket,
    MorphoBlue,
    oracle_price_e36,
)
from protocol.units import WAD
from stress.book import Book, Opening, PlainTerms, RebuiltBook, ReserveInfo, rebuild
from stress.engine import Attempt

LIQUIDATE = f"liquidate({PARAMS},address,uint256,uint256,bytes)"
LIQUIDATED = keccak(
    text="Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)",
)
AMOUNTS = ("repaidAssets", "repaidShares", "seizedAssets", "badDebtAssets", "badDebtShares")
"""Of the event, in its order."""
BPS_WAD = WAD // 10_000


@dataclass(kw_only=True, slots=True)
class MorphoBlueVenue(NodeVenue):
    """The singleton and one of its markets."""

    reader: MarketReader
    deployment: Deployment
    pair: tuple[ExampleAsset, ExampleAsset]
    """What is lent, what is pledged."""
    _prices_base: dict[AssetId, int] = field(default_factory=dict[AssetId, int])

    def __post_init__(self) -> None:
        """Show the prices that the pair begins with."""
        self.set_prices({LOAN: self.pair[0].price_base, COLLATERAL: self.pair[1].price_base})

    @property
    def address(self) -> str:
        """The singleton."""
        return self.deployment.morpho

    @property
    def addresses(self) -> MarketAddresses:
        """The market's parameters."""
        return self.deployment.markets[0]

    @property
    def rule_set(self) -> MorphoBlue:
        """The rules behind the interface."""
        return RULE_SET

    @property
    def title(self) -> str:
        """With the market's pair and threshold."""
        loan, collateral = (one.symbol for one in self.pair)
        return f"Morpho Blue ({collateral}/{loan} {self.addresses.lltv_wad / WAD:.1%})"

    @property
    def summary(self) -> Mapping[str, Any]:
        """Which market."""
        return {"market_id": "0x" + self.addresses.market_id.hex(), "lltv_wad": str(self.addresses.lltv_wad)}

    def market(self, users: Iterable[User]) -> IsolatedMarket:
        """Everything stored, at the latest block."""
        return self._with_pair(self.reader.market(users))

    def is_empty(self, market: IsolatedMarket, user: User) -> bool:
        """Whether it has nothing in the market."""
        return user not in market.market.accounts

    def prices(self) -> dict[AssetId, int]:
        """What the oracle's price was made of [base]."""
        return dict(self._prices_base)

    def take_over_feeds(self, prices_base: Mapping[AssetId, int]) -> None:
        """The oracle is ours from the beginning."""
        self.set_prices(prices_base)

    def set_prices(self, prices_base: Mapping[AssetId, int]) -> None:
        """Let the oracle show the ratio of these prices from now on [base]."""
        self._prices_base |= prices_base
        set_price(self.node, self.addresses, self._price_e36(self._prices_base))

    def plan(self, book: Book, prices_base: Mapping[AssetId, int]) -> RebuiltBook:
        """One LLTV is threshold and loan-to-value."""
        lltv_bps = self.addresses.lltv_wad // BPS_WAD
        infos = {
            one.symbol: ReserveInfo(
                decimals=one.decimals,
                ltv_bps=lltv_bps,
                liquidation_threshold_bps=lltv_bps,
                price_base=prices_base[i],
                can_be_collateral=i == COLLATERAL,
                can_be_borrowed=i == LOAN,
            )
            for i, one in zip((LOAN, COLLATERAL), self.pair, strict=True)
        }
        return rebuild(book, infos, PlainTerms())

    def open(
        self, openings: Sequence[Opening], prices_base: Mapping[AssetId, int], bots: Sequence[User]
    ) -> None:
        """See `open_book`."""
        open_book(self, openings, bots=bots)

    def fund(self, symbol: str, user: str, amount: int) -> None:
        """Let `user` hold exactly `amount` of a token, which Morpho may take."""
        fund(self.node, self.deployment, symbol, user, amount)

    def equip(self, bots: Sequence[User], market: IsolatedMarket) -> None:
        """See `equip`."""
        at = At(prices_base=self.prices(), timestamp=self.now(), block_number=self.node.block_number())
        equip(self, all_owed(self.rule_set, market, at), bots=bots)

    def touched(self, attempt: Attempt) -> Sequence[User]:
        """The borrower and who gets the fee of the interest; of the liquidator nothing is stored."""
        return [attempt.offer.borrower, attempt.market.market.fee_recipient]

    def stored(self, market: IsolatedMarket, users: Iterable[User]) -> Numbers:
        """The market's struct, the rate at target, and the positions of these accounts."""
        one = market.market
        named = {
            "market.totalSupplyAssets": one.total_supply.assets,
            "market.totalSupplyShares": one.total_supply.shares,
            "market.totalBorrowAssets": one.total_borrow.assets,
            "market.totalBorrowShares": one.total_borrow.shares,
            "market.lastUpdate": one.last_update_timestamp,
            "market.fee": one.fee_wad,
            "rateAtTarget": getattr(one.irm, "rate_at_target_per_second_wad", 0),
        }
        for user in dict.fromkeys(users):
            named |= dict(_position(user, one.accounts.get(user, Account())))
        return named

    def views(self, users: Sequence[User]) -> Sequence[Numbers]:
        """What each account has, as stored, and what the oracle shows: there are no other views."""
        market, price = self.market(users), self.reader.price()
        return [{**self._view(market, user), "price": price or 0} for user in users]

    def model_views(self, market: IsolatedMarket, users: Sequence[User], at: At) -> Sequence[Numbers]:
        """The same of the model: the price of the two in dollars."""
        price = oracle_price_e36(market, at.prices_base)
        return [{**self._view(market, user), "price": price} for user in users]

    def pair_views(self, call: LiquidationCall) -> Numbers:
        """None: indices are not shown."""
        return {}

    def model_pair_views(self, market: IsolatedMarket, call: LiquidationCall, at: At) -> Numbers:
        """None."""
        return {}

    def liquidate(self, call: LiquidationCall) -> Sent:
        """Send the real `liquidate`. Raises RpcFailed, NotMined."""
        return Sent(receipts=(mined(self.node, self._sent(call), call.borrower, self.reason),))

    def refusal(self, call: LiquidationCall) -> str:
        """The error with which the call would revert."""
        one = self._sent(call)
        return self.reason(transaction(one.sender, one.to, one.function, one.arguments))

    def refused(self, sent: Sent, previewed: str) -> str:
        """The error with which it reverted."""
        return "" if sent.through else previewed or "goes through when previewed"

    def expected(self, refused: Refused) -> str:
        """The canonical name of the error."""
        return refused.name

    def amounts(self, sent: Sent, attempt: Attempt) -> Amounts:
        """Of `Liquidate`."""
        named: dict[str, int] = {}
        for log in sent.logs:
            if bytes(log["topics"][0]) == LIQUIDATED:
                told = decode(["uint256"] * len(AMOUNTS), bytes(log["data"]))
                named = {f"event.Liquidate.{n}": amount for n, amount in zip(AMOUNTS, told, strict=True)}
        return self._amounts(named)

    def model_amounts(self, done: IsolatedLiquidation, attempt: Attempt) -> Amounts:
        """The same of the model."""
        said = done.liquidated
        of_event = (
            said.repaid_assets,
            said.repaid_shares,
            said.seized_assets,
            said.bad_debt_assets,
            said.bad_debt_shares,
        )
        return self._amounts({f"event.Liquidate.{n}": a for n, a in zip(AMOUNTS, of_event, strict=True)})

    def _amounts(self, named: Numbers) -> Amounts:
        bad_debt = named.get("event.Liquidate.badDebtAssets", 0)
        return Amounts(
            named=named,
            repaid=named.get("event.Liquidate.repaidAssets", 0),
            received=named.get("event.Liquidate.seizedAssets", 0),
            fee=0,
            written_off={self.pair[0].symbol: bad_debt} if bad_debt else {},
        )

    def _view(self, market: IsolatedMarket, user: User) -> dict[str, int]:
        return {name.rpartition(".")[2]: value for name, value in _position(user, _account(market, user))}

    def _sent(self, call: LiquidationCall) -> Call:
        arguments = (self.addresses.params, call.borrower, call.seized_assets, call.repaid_shares, b"")
        return Call(call.liquidator, self.address, LIQUIDATE, arguments)

    def _with_pair(self, market: Any) -> IsolatedMarket:
        loan, collateral = (
            Asset(symbol=one.symbol, address=address, decimals=one.decimals)
            for one, address in zip(
                self.pair, (self.addresses.loan_token, self.addresses.collateral_token), strict=True
            )
        )
        return IsolatedMarket(loan=loan, collateral=collateral, market=market)

    def _price_e36(self, prices_base: Mapping[AssetId, int]) -> int:
        return oracle_price_e36(self.market(()), prices_base)


def _account(market: IsolatedMarket, user: User) -> Account:
    return market.market.accounts.get(user, Account())


def _position(user: User, account: Account) -> Iterator[tuple[str, int]]:
    yield f"user.{user}.supplyShares", account.supply_shares
    yield f"user.{user}.borrowShares", account.borrow_shares
    yield f"user.{user}.collateral", account.collateral
