"""Read a Comet at any address into `protocol.compound_v3.state`, exactly, by the published getters.

`MarketReader` asks once for what never changes and then reads all that moves in one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from forks.aave_v3.getters import Answer, NotAMarket, Question, ask, checksummed
from forks.chain import Chain
from forks.compound_v3.errors import BitsAstray, PriceUnavailable
from forks.compound_v3.listing import Listed, Listing, read_listing
from forks.rpc import Rpc
from protocol.compound_v3 import BASE, Account, Asset, AssetId, Market, Pauses, User

_BITS_IN_ASSETS_IN = 16
"""`assetsIn` holds the bits of so many collaterals, `_reserved` those of the others."""


class MarketReader:
    """Reads one market again and again.

    source: a node or any endpoint. comet: address of the market (its proxy). block: at which the listing is read.
    Raises NotAComet.
    """

    def __init__(self, source: Chain | Rpc, comet: str, *, block: int | str = "latest") -> None:
        self.source = source
        self.listing: Listing = read_listing(source, comet, block=block)

    def market(self, users: Iterable[User] = (), *, block: int | str = "latest") -> Market:
        """The whole market at `block` with the accounts of `users`, keys checksummed.

        Who has nothing in it has no account. Raises BitsAstray.
        """
        listing, named = self.listing, list(dict.fromkeys(checksummed(user) for user in users))
        questions = [
            Question(listing.comet, "totalsBasic()"),
            Question(listing.config.base_asset, "balanceOf(address)", (listing.comet,)),
            *(question for one in listing.assets for question in _asset_questions(listing, one)),
            *(question for user in named for question in _account_questions(listing, user)),
        ]
        answers = iter(ask(self.source, questions, block))
        totals, base_balance = next(answers).words, next(answers).word
        assets = {one.asset_id: _asset(one, answers) for one in listing.assets}
        accounts = {user: _account(listing, user, answers) for user in named}
        return Market(
            rules=listing.rules,
            config=listing.config,
            base_supply_index_e15=totals[0],
            base_borrow_index_e15=totals[1],
            tracking_supply_index=totals[2],
            tracking_borrow_index=totals[3],
            total_supply_principal=totals[4],
            total_borrow_principal=totals[5],
            last_accrual_timestamp=totals[6],
            base_balance=base_balance,
            assets=assets,
            accounts={user: account for user, account in accounts.items() if account != Account()},
            pauses=_pauses(totals[7]),
        )

    def prices(self, *, block: int | str = "latest") -> dict[AssetId, int]:
        """What the contract reads of every feed, for one whole token [base]. Raises PriceUnavailable."""
        listing = self.listing
        feeds = {BASE: listing.base_price_feed} | {one.asset_id: one.price_feed for one in listing.assets}
        questions = [Question(listing.comet, "getPrice(address)", (feed,)) for feed in feeds.values()]
        try:
            answers = ask(self.source, questions, block)
        except NotAMarket as error:
            (feed,) = error.question.arguments
            raise PriceUnavailable(self._priced_by(feed), feed, error.reason) from error
        return {asset_id: answer.word for asset_id, answer in zip(feeds, answers, strict=True)}

    def _priced_by(self, feed: str) -> str:
        """Symbol of the first asset whose price comes from a feed."""
        symbols = {one.price_feed: one.symbol for one in reversed(self.listing.assets)}
        return self.listing.config.base_symbol if feed == self.listing.base_price_feed else symbols[feed]


def _asset_questions(listing: Listing, one: Listed) -> list[Question]:
    return [
        Question(listing.comet, "totalsCollateral(address)", (one.asset,)),
        Question(one.asset, "balanceOf(address)", (listing.comet,)),
    ]


def _asset(one: Listed, answers: Iterator[Answer]) -> Asset:
    total_supply, _reserved = next(answers).words
    return Asset(
        asset_id=one.asset_id,
        asset=one.asset,
        symbol=one.symbol,
        info=one.info,
        total_supply=total_supply,
        balance=next(answers).word,
    )


def _account_questions(listing: Listing, user: User) -> list[Question]:
    """Bits and balances of every collateral: one without the other must be seen."""
    return [
        Question(listing.comet, "userBasic(address)", (user,)),
        *(
            Question(listing.comet, "userCollateral(address,address)", (user, one.asset))
            for one in listing.assets
        ),
    ]


def _account(listing: Listing, user: User, answers: Iterator[Answer]) -> Account:
    principal, tracking_index, tracking_accrued, assets_in, reserved = next(answers).words
    balances = {one.asset_id: next(answers).words[0] for one in listing.assets}
    collateral = {asset_id: balance for asset_id, balance in balances.items() if balance}
    bits, held = assets_in | reserved << _BITS_IN_ASSETS_IN, sum(1 << asset_id for asset_id in collateral)
    if bits != held:
        raise BitsAstray(user, bits, held)
    return Account(
        principal=signed(principal),
        collateral=collateral,
        tracking_index=tracking_index,
        tracking_accrued=tracking_accrued,
    )


def signed(word: int) -> int:
    """A word of 256 bits as the signed number that it stands for."""
    return word - (word >> 255 << 256)


def _pauses(flags: int) -> Pauses:
    """From `pauseFlags`."""
    supply, transfer, withdraw, absorb, buy = _bits(flags, 5)
    return Pauses(supply=supply, transfer=transfer, withdraw=withdraw, absorb=absorb, buy=buy)


def _bits(flags: int, n_bits: int) -> Sequence[bool]:
    """The lowest bits, lowest first."""
    return [bool(flags >> place & 1) for place in range(n_bits)]
