"""A Comet on a chain, read, asked, absorbed and compared, against a server that answers from recorded absorptions.

This proves asking, decoding, sending and comparing. That the rules are the contract's is proven by the recordings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from typing import Any
from unittest.mock import patch

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from forks.artifacts import decode_revert
from forks.compound_v3.calls import ERRORS
from forks.compound_v3.calls import absorb as absorb_call
from forks.compound_v3.calls import buy_collateral as buy_call
from forks.compound_v3.errors import BitsAstray, NotAComet, PriceUnavailable
from forks.compound_v3.events import amounts, model_absorption, model_purchase
from forks.compound_v3.reader import MarketReader
from forks.compound_v3.views import (
    account_views,
    market_views,
    model_account_views,
    model_market_views,
    stored,
)
from forks.crash.venue import Call, transaction
from forks.errors import RpcFailed, Unreachable, WriteRefused
from forks.guard import verify_local_development_node
from forks.node import Node
from forks.recordings.vector_file import RecordedCase
from forks.rpc import Rpc
from protocol.compound_v3 import (
    BASE,
    Account,
    Asset,
    Bought,
    LiquidationCall,
    Market,
    Revert,
    absorb,
    rules_of,
)
from protocol.compound_v3.rule_set import RULE_SET
from tests.forks.comet_server import (
    ABSORBER,
    BASE_FEED,
    BASE_TOKEN,
    BORROWER,
    COMET,
    ODD,
    PLAIN,
    RECORDING,
    Beyond,
    RecordedComet,
    address,
    feed,
    token,
)
from tests.forks.servers import FakeServer, serving
from tests.protocol.reverts import REVERTS

CASES = pytest.mark.parametrize("case", RECORDING.cases, ids=lambda case: case.name)
FIRST = RECORDING.cases[0]
REFUSED = next(case for case in RECORDING.cases if "reverts" in case.expect)
SURPLUS = next(
    case for case in RECORDING.cases if int(case.expect.get("after", {}).get("principal_signed", 0)) > 0
)


@contextmanager
def reading(case: RecordedCase, beyond: Beyond = PLAIN) -> Iterator[tuple[RecordedComet, MarketReader]]:
    """The recorded market behind an endpoint that may only be read."""
    with serving(RecordedComet(case, beyond)) as server:
        assert isinstance(server, RecordedComet)
        rpc = Rpc(server.url, retries=0)
        try:
            yield server, MarketReader(rpc, COMET)
        finally:
            rpc.close()


@contextmanager
def on_a_node(case: RecordedCase) -> Iterator[tuple[RecordedComet, Node, MarketReader]]:
    """The same behind what passes the write guard."""
    with serving(RecordedComet(case)) as server, ExitStack() as life:
        assert isinstance(server, RecordedComet)
        local = verify_local_development_node(server.url)
        life.callback(local.close)
        node = Node(server.url, local, life.pop_all(), None)
        with node:
            yield server, node, MarketReader(node, COMET)


def changed(case: RecordedCase, **state: Any) -> RecordedCase:
    return replace(case, state={**case.state, **state})


# --- reading ---


@CASES
def test_the_market_that_is_read_is_the_market_that_was_recorded(case: RecordedCase):
    with reading(case, ODD) as (server, reader):
        market, prices = reader.market([BORROWER.lower(), ABSORBER]), reader.prices()

        assert market == server.market()
        assert prices == server.prices()
        assert server.refused == []


def told_in_order(alter: Callable[[int, str, list[int]], list[int]]) -> Callable[[str, list[int]], list[int]]:
    """What becomes of the answers of one read, which are counted."""
    place = -1

    def altered(name: str, words: list[int]) -> list[int]:
        nonlocal place
        place += 1
        return alter(place, name, words)

    return altered


def read_through(server: RecordedComet) -> tuple[Market, Mapping[int, int]]:
    with serving(server):
        rpc = Rpc(server.url, retries=0)
        try:
            reader = MarketReader(rpc, COMET)
            return reader.market([BORROWER]), reader.prices()
        finally:
            rpc.close()


UNUSED = {("totalsCollateral(address)", 1), ("userCollateral(address,address)", 1)}
"""`_reserved`: nothing stands in it."""


def test_no_word_of_an_answer_is_read_past():
    """Each word of each answer but a reserved one, off by one, is another market or none."""
    answers: list[tuple[str, int]] = []
    server = RecordedComet(FIRST, ODD)
    server.altered = lambda name, words: answers.append((name, len(words))) or words
    right = read_through(server)
    unseen: set[tuple[str, int]] = set()
    for place, (name, n_words) in enumerate(answers):
        for word in range(n_words):
            off = RecordedComet(FIRST, ODD)
            off.altered = told_in_order(
                lambda at, _, words, place=place, word=word: [
                    one + (at == place and i == word) for i, one in enumerate(words)
                ]
            )
            try:
                if read_through(off) == right:
                    unseen.add((name, word))
            except (NotAComet, BitsAstray, RpcFailed):
                continue

    assert len(answers) == 24 + 4 + 2 + 2 * 4 + 5 + 5  # getters, collaterals, totals, theirs, account, prices
    assert unseen == UNUSED


BREAKS: dict[str, tuple[str, Any]] = {
    "a debt read without its sign": ("forks.compound_v3.reader.signed", lambda word: word),
    "pauses in another order": (
        "forks.compound_v3.reader._bits",
        lambda flags, n: [bool(flags >> n - 1 - place & 1) for place in range(n)],
    ),
    "the curves' rates in another order": (
        "forks.compound_v3.listing._RATES",
        (
            "Kink()",
            "PerSecondInterestRateBase()",
            "PerSecondInterestRateSlopeHigh()",
            "PerSecondInterestRateSlopeLow()",
        ),
    ),
}


@pytest.mark.parametrize(("where", "instead"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_decoding_is_seen(where: str, instead: Any):
    with patch(where, instead), reading(FIRST, ODD) as (server, reader):
        assert reader.market([BORROWER]) != server.market()


def test_who_has_nothing_has_no_account_and_nobody_is_read_twice():
    with reading(FIRST) as (_, reader):
        market = reader.market([ABSORBER, BORROWER, BORROWER.lower()])

    assert list(market.accounts) == [BORROWER]
    assert market.accounts[BORROWER] != Account()


def test_everything_is_asked_in_one_batch_and_the_configuration_only_once():
    with reading(FIRST) as (server, reader):
        asked = len(server.bodies)
        reader.market([BORROWER])
        reader.market([BORROWER])

        assert asked == 3  # constants, collaterals, symbols
        assert len(server.bodies) == asked + 2


def test_the_version_is_the_one_that_takes_as_many_collaterals():
    for most, revision in ((24, "CometWithExtendedAssetList"), (15, "Comet")):
        with reading(FIRST, replace(PLAIN, max_assets=most)) as (_, reader):
            assert reader.listing.rules == rules_of(revision)
            assert reader.listing.assets[0].asset == token(0)


def test_thirteen_collaterals_are_of_the_first_version():
    one = FIRST.state["assets"][0]
    assets = [{**one, "asset_index": str(i)} for i in range(13)]
    borrower = {"principal_signed": "-1", "collateral": ["1"] * 13}
    many = changed(FIRST, assets=assets, borrower=borrower)
    with reading(many, replace(PLAIN, max_assets=15)) as (server, reader):
        assert reader.listing.rules == rules_of("Comet@63e98e5d")
        assert set(reader.market([BORROWER]).accounts[BORROWER].collateral) == set(range(13))
        assert reader.market() == replace(server.market(), rules=rules_of("Comet@63e98e5d"), accounts={})


def test_the_bits_of_collaterals_beyond_the_sixteenth_are_read():
    one = FIRST.state["assets"][0]
    assets = [{**one, "asset_index": str(i)} for i in range(20)]
    held = ["0"] * 15 + ["7", "8", "0", "9", "0"]
    many = changed(FIRST, assets=assets, borrower={"principal_signed": "-1", "collateral": held})
    with reading(many) as (server, reader):
        assert reader.market([BORROWER]) == server.market()


def test_tokens_of_one_symbol_are_told_apart_and_old_ones_answer_32_bytes():
    class Namesakes(RecordedComet):
        def _answered(self, view: Callable[[], Any], name: str = "") -> Any:
            if name == "symbol()":
                return "0x" + b"OLD".ljust(32, b"\0").hex()
            return super()._answered(view, name)

    with serving(Namesakes(FIRST)) as server:
        reader = MarketReader(Rpc(server.url, retries=0), COMET)

    symbols = [reader.listing.config.base_symbol, *(one.symbol for one in reader.listing.assets)]
    assert symbols[0] == f"OLD@{BASE_TOKEN[:8]}"
    assert len(set(symbols)) == len(symbols) == 5


# --- what cannot be read ---


def test_what_is_no_comet_is_refused():
    with serving(FakeServer({"eth_call": "0x"})) as empty, serving(RecordedComet(FIRST)) as other:
        with pytest.raises(NotAComet, match=r"does not answer baseIndexScale\(\).*give the address"):
            MarketReader(Rpc(empty.url, retries=0), COMET)
        with pytest.raises(RpcFailed, match="not recorded"):
            MarketReader(Rpc(other.url, retries=0), address("another"))


@pytest.mark.parametrize(
    ("name", "word", "what"),
    [
        ("baseIndexScale()", 10**18, "baseIndexScale() is 1000000000000000000, not 1000000000000000"),
        ("priceScale()", 10**18, "priceScale() is"),
        ("maxAssets()", 99, "it lists 4 collaterals of at most 99"),
        ("numAssets()", 25, "it lists 25 collaterals of at most 24"),
        ("getAssetInfo(uint8)", 7, "its collaterals are at offsets [7, 7, 7, 7]"),
    ],
)
def test_a_comet_that_is_not_modelled_is_refused(name: str, word: int, what: str):
    server = RecordedComet(FIRST)
    server.altered = lambda asked, words: [word, *words[1:]] if asked == name else words
    with serving(server), pytest.raises(NotAComet, match=re.escape(what)):
        MarketReader(Rpc(server.url, retries=0), COMET)


def test_an_answer_of_another_length_is_refused():
    server = RecordedComet(FIRST)
    server.altered = lambda asked, words: [*words, 0] if asked == "baseScale()" else words
    with serving(server), pytest.raises(NotAComet, match=r"baseScale\(\)"):
        MarketReader(Rpc(server.url, retries=0), COMET)


@pytest.mark.parametrize(("asset_id", "symbol"), [(BASE, "BASE"), (2, "A2")])
def test_a_feed_that_reverts_is_named(asset_id: int, symbol: str):
    assets = [{**one, "price8": "0"} if i == asset_id else one for i, one in enumerate(FIRST.state["assets"])]
    prices = {"price_base_price8": "0"} if asset_id == BASE else {"assets": assets}
    with reading(changed(FIRST, **prices)) as (_, reader), pytest.raises(PriceUnavailable) as refused:
        reader.prices()

    at = BASE_FEED if asset_id == BASE else feed(asset_id)
    assert (refused.value.symbol, refused.value.feed) == (symbol, at)
    assert "BadPrice" in str(refused.value)


def test_bits_that_are_not_those_of_the_balances_are_refused():
    with reading(FIRST) as (server, reader):
        server.altered = lambda asked, words: (
            [*words[:3], words[3] ^ 2, words[4]] if asked.startswith("userBasic") else words
        )
        with pytest.raises(BitsAstray, match=r"marked as holding collaterals 0b1101 and holds 0b1111"):
            reader.market([BORROWER])


@pytest.mark.parametrize("requests", range(4))
def test_a_server_that_dies_midway_leaves_no_market(requests: int):
    server = RecordedComet(FIRST)
    server.alive_for = 0
    with serving(server):
        rpc = Rpc(server.url, retries=0)
        with pytest.raises(Unreachable):
            MarketReader(rpc, COMET)
        server.alive_for = None
        reader = MarketReader(rpc, COMET)
        n_questions = 2 + 2 * 4 + 5  # totals, base, collaterals, account
        server.alive_for = requests * n_questions // 4
        with pytest.raises(Unreachable):
            reader.market([BORROWER])
        server.alive_for = None
        assert reader.market([BORROWER]) == server.market()


def test_what_the_record_does_not_tell_is_refused_and_counted():
    with reading(FIRST) as (server, reader):
        with pytest.raises(RpcFailed, match="not recorded: quote of 5 for asset 0"):
            market_views(reader, [(0, 5)])
        assert server.refused == ["quote of 5 for asset 0"]
        with pytest.raises(RpcFailed, match="does not exist"):
            Rpc(server.url, retries=0).call("eth_getStorageAt", COMET, "0x0", "latest")
        with pytest.raises(WriteRefused):
            Rpc(server.url, retries=0).call("eth_sendTransactionSync", {})


# --- views ---


@CASES
def test_every_view_and_every_quote_is_what_the_model_says(case: RecordedCase):
    with reading(case, ODD) as (server, reader):
        users, quotes, at = [BORROWER, ABSORBER], server.quotes(), server.at()
        market = reader.market(users)

        accounts, whole = account_views(reader, users), market_views(reader, quotes)
        assert accounts == model_account_views(market, users, **at)
        assert whole == model_market_views(market, quotes, **at)
        assert [len(one) for one in accounts] == [4, 4]
        assert len(whole) == 3 + 5 + 3 + len(market.assets) + len(set(quotes))
        assert accounts[0]["borrowBalanceOf"] == int(case.expect["before"]["debt_base"])
        assert server.refused == []


def test_a_model_off_by_a_unit_is_seen_in_what_the_views_say():
    with reading(FIRST) as (server, reader):
        market, at = reader.market([BORROWER]), server.at()
        said = market_views(reader)
        assert said == model_market_views(market, **at)
        for name in ("base_balance", "total_supply_principal", "total_borrow_principal"):
            off = replace(market, **{name: getattr(market, name) + 1})
            assert said != model_market_views(off, **at)


def test_a_view_that_reverts_has_no_value_on_either_side():
    worthless = changed(FIRST, assets=[{**one, "price8": "0"} for one in FIRST.state["assets"]])

    class Worthless(RecordedComet):
        def _price(self, asked: str) -> int:
            return super()._price(asked)

        def _liquidity(self, user: str, factor: str) -> int:
            for i in range(len(self.record.state.assets)):
                self._price(feed(i))
            return super()._liquidity(user, factor)

        def _quote(self, asset_id: int, amount: int) -> int:
            self._price(feed(asset_id))
            return super()._quote(asset_id, amount)

    with serving(Worthless(worthless)) as server:
        assert isinstance(server, RecordedComet)
        reader = MarketReader(Rpc(server.url, retries=0), COMET)
        market, at, quotes = reader.market([BORROWER]), server.at(), server.quotes()
        (said,), whole = account_views(reader, [BORROWER]), market_views(reader, quotes)

        assert list(said) == ["balanceOf", "borrowBalanceOf"]
        assert [said] == model_account_views(market, [BORROWER], **at)
        assert whole == model_market_views(market, quotes, **at)
        assert not any(name.startswith("quote") for name in whole)


# --- an absorption ---


def sent(call: Call) -> dict[str, Any]:
    return transaction(call.sender, call.to, call.function, call.arguments)


def absorption(reader: MarketReader, call: LiquidationCall) -> dict[str, Any]:
    return sent(absorb_call(reader.listing, call))


def purchase_of(reader: MarketReader, *arguments: Any) -> dict[str, Any]:
    return sent(buy_call(reader.listing, *arguments))


def refusal(node: Node, asked: dict[str, Any]) -> str:
    data = node.revert_data(asked)
    return "" if data is None else decode_revert(data, ERRORS)


def without_the_empty(market: Market) -> Market:
    """As a reader reads it: who has nothing any more has no account."""
    return replace(market, accounts={u: one for u, one in market.accounts.items() if one != Account()})


@CASES
def test_an_absorption_is_sent_and_everything_after_it_is_as_foretold(case: RecordedCase):
    with on_a_node(case) as (server, node, reader):
        before, at = reader.market([BORROWER]), server.at()
        foretold = absorb(before, server.call(), **at)
        asked = absorption(reader, server.call())
        reason = refusal(node, asked)
        receipt = node.send(asked)
        after = reader.market([BORROWER])

        if isinstance(foretold, Revert):
            assert (reason, receipt["status"], receipt["logs"]) == (foretold.name, 0, [])
            assert after == before
        else:
            assert (reason, receipt["status"]) == ("", 1)
            assert amounts(receipt["logs"], reader.listing) == model_absorption(
                foretold.market, foretold.absorbed
            )
            assert after == without_the_empty(foretold.market)
            assert stored(after, [BORROWER]) == stored(foretold.market, [BORROWER])
        assert account_views(reader, [BORROWER]) == model_account_views(after, [BORROWER], **at)
        assert market_views(reader) == model_market_views(after, **at)
        assert server.refused == []


def test_every_case_is_either_absorbed_or_refused():
    refused = [case for case in RECORDING.cases if "reverts" in case.expect]

    assert (len(RECORDING.cases), len(refused)) == (100, 20)


def off_by_one(value: Any) -> Iterator[Any]:
    """The value with each integer in it that can move off by one, one at a time."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from ({**value, key: other} for other in off_by_one(one))
    elif isinstance(value, Market | Asset | Account):
        for one in fields(value):
            if one.name not in {"rules", "config", "pauses", "asset_id", "asset", "symbol", "info"}:
                yield from (
                    replace(value, **{one.name: other}) for other in off_by_one(getattr(value, one.name))
                )
    else:
        yield value + 1


def test_no_integer_that_moves_is_left_out_of_what_is_compared():
    market = RecordedComet(FIRST, ODD).market()
    others = list(off_by_one(market))

    assert len(others) == 8 + 2 * 4 + 3 + 4  # market, collaterals, account, its collaterals
    assert all(stored(other, [BORROWER]) != stored(market, [BORROWER]) for other in others)
    assert len(stored(market, [BORROWER])) == len(others)


def test_what_is_supplied_beyond_the_debt_is_told_by_the_markets_own_token():
    with on_a_node(SURPLUS) as (server, node, reader):
        receipt = node.send(absorption(reader, server.call()))
        told = amounts(receipt["logs"], reader.listing)
        (said,) = account_views(reader, [BORROWER])

    assert told[f"Transfer.{BORROWER}.amount"] == said["balanceOf"] > 0


def test_only_the_recorded_transaction_is_taken_and_only_once():
    with on_a_node(FIRST) as (server, node, reader):
        asked = absorption(reader, server.call())
        other = absorption(reader, replace(server.call(), accounts=(BORROWER, BORROWER)))
        purchase = purchase_of(reader, 0, 0, 1, ABSORBER)
        for one in (other, purchase):
            with pytest.raises(RpcFailed, match="not recorded"):
                node.send(one)
        assert node.send(asked)["status"] == 1
        with pytest.raises(RpcFailed, match="not recorded"):
            node.send(asked)
        assert len(server.refused) == 3


# --- names ---


def test_a_refusal_has_the_name_that_the_model_gives_it():
    for name in ("NotLiquidatable", "NotForSale", "InvalidInt256", "BadPrice", "BadNonce"):
        assert decode_revert(keccak(text=f"{name}()")[:4], ERRORS) == name
    assert decode_revert(bytes.fromhex("4e487b71") + (0x12).to_bytes(32, "big"), ERRORS) == "Panic(0x12)"
    own = {
        name
        for module, names in REVERTS.items()
        if module.startswith("protocol.compound_v3")
        for name in names
        if not re.match(r"Panic|ERC20|InvalidUInt", name)
    }
    assert own <= set(ERRORS.by_selector.values()), own - set(ERRORS.by_selector.values())
    with on_a_node(REFUSED) as (server, node, reader):
        assert refusal(node, absorption(reader, server.call())) == "NotLiquidatable"


def test_a_purchase_is_told_by_its_event_and_by_both_tokens():
    """By hand: no purchase was recorded."""
    with reading(FIRST) as (_, reader):
        market, listing = reader.market([BORROWER]), reader.listing
    logs = [
        log(BASE_TOKEN, "Transfer(address,address,uint256)", [ABSORBER, COMET], [5]),
        log(token(2), "Transfer(address,address,uint256)", [COMET, ABSORBER], [7]),
        log(COMET, "BuyCollateral(address,address,uint256,uint256)", [ABSORBER, token(2)], [5, 7]),
        log(token(1), "BuyCollateral(address,address,uint256,uint256)", [ABSORBER, token(2)], [1, 1]),
        log(address("elsewhere"), "Transfer(address,address,uint256)", [ABSORBER, COMET], [1]),
        log(COMET, "Supply(address,address,uint256)", [ABSORBER, ABSORBER], [1]),
        {"address": COMET, "topics": [], "data": b""},
    ]
    told = amounts(logs, listing)

    assert told == {
        "received.BASE": 5, "sent.A2": 7, "BuyCollateral.A2.baseAmount": 5, "BuyCollateral.A2.collateralAmount": 7,
    }  # fmt: skip
    assert told == model_purchase(Bought(market=market, base_amount=5, collateral_amount=7), 2)
    assert amounts(logs + logs, listing)["BuyCollateral.A2.collateralAmount"] == 14


def log(emitter: str, event: str, indexed: list[str], told: list[int]) -> Mapping[str, Any]:
    topics = [keccak(text=event), *(encode(["address"], [one]) for one in indexed)]
    return {"address": emitter, "topics": topics, "data": encode(["uint256"] * len(told), told)}


def test_the_transactions_call_the_contract_by_its_signatures():
    with reading(FIRST) as (server, reader):
        absorbs = absorption(reader, server.call())
        buys = purchase_of(reader, 1, 3, 4, ABSORBER)

    assert (absorbs["from"], absorbs["to"], buys["from"], buys["to"]) == (ABSORBER, COMET, ABSORBER, COMET)
    assert absorbs["data"] == keccak(text="absorb(address,address[])")[:4] + encode(
        ["address", "address[]"], [ABSORBER, [BORROWER]]
    )
    assert buys["data"] == keccak(text="buyCollateral(address,uint256,uint256,address)")[:4] + encode(
        ["address", "uint256", "uint256", "address"], [token(1), 3, 4, ABSORBER]
    )


def test_what_was_read_stands_behind_the_common_interface():
    with reading(FIRST) as (_, reader):
        market = reader.market([BORROWER])

    assert list(RULE_SET.users_with_debt(market)) == [BORROWER]
    assert {i: one.address for i, one in RULE_SET.assets(market).items()} == {
        BASE: BASE_TOKEN, **{i: token(i) for i in range(4)},
    }  # fmt: skip
