"""Read a Morpho Blue market into `protocol.morpho_blue.state`, exactly, by the published getters.

`MarketReader` asks once which rate model it is and then reads all that moves in one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from forks.aave_v3.getters import Answer, Question, address_of, ask, ask_each, checksummed
from forks.chain import Chain
from forks.errors import ForkError
from forks.morpho_blue.deploy import MarketAddresses
from forks.rpc import Rpc
from protocol.morpho_blue import Account, AdaptiveCurve, Irm, Market, Totals, User, UtilizationOver365Days

_NO_ADDRESS = "0x" + "00" * 20


class NoSuchMarket(ForkError):
    """No market of that id was ever created."""

    def __init__(self, morpho: str, market_id: bytes) -> None:
        self.morpho, self.market_id = morpho, market_id
        super().__init__(
            f"{morpho} has no market 0x{market_id.hex()}: give the hash of a market's parameters"
        )


class UnknownRateModel(ForkError):
    """A market's rate model is none that the rules know."""

    def __init__(self, irm: str, morpho: str) -> None:
        self.irm, self.morpho = irm, morpho
        super().__init__(
            f"rate model {irm} is no AdaptiveCurveIrm of {morpho}: choose a market with that model or none"
        )


def read_addresses(source: Chain | Rpc, morpho: str, market_id: bytes) -> MarketAddresses:
    """The parameters of the market of this id. Raises NoSuchMarket, NotAMarket."""
    question = Question(morpho, "idToMarketParams(bytes32)", (market_id,))
    loan, collateral, oracle, irm, lltv_wad = ask(source, [question])[0].words
    if not loan | collateral | oracle | irm | lltv_wad:
        raise NoSuchMarket(morpho, market_id)
    return MarketAddresses(
        market_id=market_id,
        loan_token=address_of(loan),
        collateral_token=address_of(collateral),
        oracle=address_of(oracle),
        irm=address_of(irm),
        lltv_wad=lltv_wad,
    )


class MarketReader:
    """Reads one market again and again, created or not. source: a chain or any endpoint.

    mock_irm: where `IrmMock` stands, if it does: it has nothing to be known by. Raises UnknownRateModel.
    """

    def __init__(
        self, source: Chain | Rpc, morpho: str, market: MarketAddresses, *, mock_irm: str | None = None
    ) -> None:
        self._source = source
        self.morpho, self.addresses = morpho, market
        self._is_adaptive = _is_adaptive(source, morpho, market.irm)
        self._irm: Irm | None = UtilizationOver365Days() if market.irm == mock_irm else None
        if not self._is_adaptive and self._irm is None and market.irm != _NO_ADDRESS:
            raise UnknownRateModel(market.irm, morpho)

    def market(self, users: Iterable[User] = ()) -> Market:
        """The market at `latest` with the accounts of `users` and of the fee recipient, keys checksummed.

        Who has nothing in it has no account. Raises NotAMarket.
        """
        named = list(dict.fromkeys(checksummed(user) for user in users))
        recipient, totals, *others = ask(self._source, self._questions(named))
        if recipient.address not in named:
            others[len(named) : len(named)] = ask(self._source, [self._position(recipient.address)])
            named.append(recipient.address)
        if self._is_adaptive:
            self._irm = AdaptiveCurve(rate_at_target_per_second_wad=others.pop().word)
        accounts = {user: _account(answer) for user, answer in zip(named, others, strict=True)}
        return self._market(totals.words, accounts, fee_recipient=recipient.address)

    def price(self) -> int | None:
        """What the oracle answers [loan units for a collateral unit x 1e36]; None where it reverts."""
        answer = ask_each(self._source, [Question(self.addresses.oracle, "price()")])[0]
        return answer.word if answer else None

    def _questions(self, users: Iterable[User]) -> list[Question]:
        """Fee recipient, totals, a position each, and last the rate at target where the model stores one."""
        key = (self.addresses.market_id,)
        return [
            Question(self.morpho, "feeRecipient()"),
            Question(self.morpho, "market(bytes32)", key),
            *(self._position(user) for user in users),
            *([Question(self.addresses.irm, "rateAtTarget(bytes32)", key)] if self._is_adaptive else []),
        ]

    def _position(self, user: User) -> Question:
        return Question(self.morpho, "position(bytes32,address)", (self.addresses.market_id, user))

    def _market(
        self, words: Sequence[int], accounts: Mapping[User, Account], *, fee_recipient: User
    ) -> Market:
        """The market from the words of its struct."""
        return Market(
            lltv_wad=self.addresses.lltv_wad,
            irm=self._irm,
            total_supply=Totals(assets=words[0], shares=words[1]),
            total_borrow=Totals(assets=words[2], shares=words[3]),
            last_update_timestamp=words[4],
            fee_wad=words[5],
            fee_recipient=fee_recipient,
            accounts={user: account for user, account in accounts.items() if account != Account()},
        )


def _is_adaptive(source: Chain | Rpc, morpho: str, irm: str) -> bool:
    """Whether a rate model says that it works for `morpho`, as `AdaptiveCurveIrm` does."""
    (answer,) = ask_each(source, [Question(irm, "MORPHO()")])
    return answer is not None and answer.address == checksummed(morpho)


def _account(answer: Answer) -> Account:
    supply_shares, borrow_shares, collateral = answer.words
    return Account(supply_shares=supply_shares, borrow_shares=borrow_shares, collateral=collateral)
