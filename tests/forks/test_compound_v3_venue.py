"""A crash carried out on a Comet, beside the model: on recorded absorptions, with the node's own twin.

What answers is `comet_server`, where purchases are paused: a record holds none. So what is carried out is reading,
`absorb`, a purchase that is refused, and comparing all of it. Feeds and money are tried on a real node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forks.aave_v3.getters import Question, ask
from forks.artifacts import morpho_blue
from forks.compound_v3.calls import ERRORS
from forks.compound_v3.errors import AccountsNeeded, FeedShared, NoCometHere, NotAComet, PriceNotPositive
from forks.compound_v3.events import debt_forgiven
from forks.compound_v3.feeds import RoundFeeds, shared_note
from forks.compound_v3.reader import MarketReader
from forks.compound_v3.sources import open_venue
from forks.compound_v3.venue import CompoundV3Venue
from forks.crash.ledger import Ledger, ParityBroken, error_number
from forks.crash.node_venue import node_facts
from forks.crash.twin import Twin
from forks.crash.venue import Amounts
from forks.crash.where import Where
from forks.errors import RpcFailed
from forks.guard import verify_local_development_node
from forks.node import Node
from forks.recordings.vector_file import RecordedCase
from protocol.compound_v3 import BASE, Market
from protocol.compound_v3.rule_set import RULE_SET, Absorbed
from protocol.compound_v3.store_front import cost_of_collateral
from stress.engine import Crash, Engine
from stress.prices import Prices
from stress.scenario import FeedRules, Liquidator, Scenario, Shock
from tests.forks.comet_server import ABSORBER, BORROWER, COMET, PLAIN, RECORDING, RecordedComet, address
from tests.forks.servers import FakeServer, serving

CASES = pytest.mark.parametrize("case", RECORDING.cases, ids=lambda case: case.name)
NOT_SOLD = replace(PLAIN, pauses=(False, False, False, False, True))
FIRST = RECORDING.cases[0]


@contextmanager
def standing(case: RecordedCase) -> Iterator[tuple[RecordedComet, CompoundV3Venue]]:
    """The recorded market on what passes the write guard."""
    with serving(RecordedComet(case, NOT_SOLD)) as server, ExitStack() as life:
        assert isinstance(server, RecordedComet)
        local = verify_local_development_node(server.url)
        life.callback(local.close)
        with Node(server.url, local, life.pop_all(), None) as node:
            reader = MarketReader(node, COMET)
            venue = CompoundV3Venue(
                node=node, source="node", errors=ERRORS, reader=reader, **node_facts(node, {"Comet": COMET})
            )
            yield server, venue


def crash_of(venue: CompoundV3Venue, market: Market, prices: Mapping[int, int], timestamp: int) -> Crash:
    """One block at the recorded prices, and a bot that finds all collateral cheap: it trades at twice as much."""
    symbols = {i: one.symbol for i, one in RULE_SET.assets(market).items()}
    observed = {symbols[i]: (price,) for i, price in prices.items()}
    traded = {symbols[i]: (price if i == BASE else 2 * price,) for i, price in prices.items()}
    return Crash(
        rules=venue.rule_set,
        market=market,
        scenario=Scenario(
            name="recorded",
            seconds_per_step=12,
            n_steps=1,
            seed=1,
            shocks={"default": Shock(knots=((0, 10**6),))},
            feeds={
                "default": FeedRules(
                    deviation_threshold_ppb=0, heartbeat_s=1, round_period_s=1, offchain_latency_s=0
                )
            },
            liquidators=(Liquidator(name="bot", capital_usd=1e40, turnaround_s=0),),
            gas_units=1,
            gas_price_gwei=((0, 0.0),),
            gas_token="BASE",  # noqa: S106  (a token)
        ),
        prices=Prices(timestamps=(timestamp,), market=traded, observed=observed, feeds={}),
        bots={"bot": ABSORBER},
        borrowers=(BORROWER,),
    )


def carried_out(server: RecordedComet, venue: CompoundV3Venue) -> tuple[Ledger, Engine, Twin]:
    prices, ledger = venue.prices(), Ledger()
    market = venue.market([BORROWER, ABSORBER])
    venue.take_over_feeds(prices)
    engine = Engine(crash=crash_of(venue, market, prices, server.record.state.timestamp))
    twin = Twin(venue=venue, ledger=ledger)
    twin.run(engine)
    return ledger, engine, twin


def n_values(case: RecordedCase, *, absorbed: bool) -> int:
    """Integers that must be laid side by side."""
    n_assets, account, market = len(case.state["assets"]), 4, 8 + 2 * len(case.state["assets"])
    at_end = account + market + 3 + n_assets
    if not absorbed:
        return at_end
    surplus = int(case.expect["after"]["principal_signed"]) > 0
    told = 2 * len(case.expect["collateral_absorbed"]) + 2 + surplus + 2  # events, forgiven, not sold
    views_of_market = 3 + 5 + 3 + n_assets
    return account + views_of_market + told + account + market + 2 * (3 + n_assets) + at_end


@CASES
def test_a_crash_on_a_recorded_market_is_foretold_to_the_integer(case: RecordedCase):
    with standing(case) as (server, venue):
        possible = RULE_SET.standing(server.market(), server.now())(BORROWER).is_liquidatable
        ledger, engine, twin = carried_out(server, venue)

        assert server.refused == []
        assert ledger.values_differing == 0
        assert server.absorbed is possible
        assert len(engine.attempts) == len(twin.chain) == possible
        assert ledger.values_compared == n_values(case, absorbed=possible)
        if possible:
            (attempt,) = engine.attempts
            assert isinstance(attempt.predicted, Absorbed)
            assert attempt.predicted.account.debt_forgiven == int(
                case.expect["debt_not_covered_by_collateral_base"]
            )


def test_most_recorded_absorptions_are_carried_out():
    """The others were possible although `isLiquidatable` said no, or were refused."""
    told = [RecordedComet(case) for case in RECORDING.cases]
    possible = [RULE_SET.standing(one.market(), one.now())(BORROWER).is_liquidatable for one in told]

    assert (len(possible), sum(possible)) == (100, 67)


@pytest.mark.parametrize("name", ["totalsCollateral(address)", "totalsBasic()", "borrowBalanceOf(address)"])
def test_a_chain_that_says_something_else_after_it_is_noticed(name: str):
    with standing(FIRST) as (server, venue):
        server.altered = lambda asked, words: [words[0] + (server.absorbed and asked == name), *words[1:]]
        with pytest.raises(ParityBroken) as broken:
            carried_out(server, venue)

    assert broken.value.difference.chain == broken.value.difference.model + 1


def test_events_that_tell_something_else_are_noticed(monkeypatch: pytest.MonkeyPatch):
    logs = RecordedComet._logs
    monkeypatch.setattr(RecordedComet, "_logs", lambda self: logs(self)[1:])
    with standing(FIRST) as (server, venue), pytest.raises(ParityBroken, match="AbsorbCollateral"):
        carried_out(server, venue)


def test_the_amounts_say_what_was_forgiven_and_that_nothing_was_sold():
    with standing(FIRST) as (server, venue):
        _, engine, twin = carried_out(server, venue)
        (attempt,) = engine.attempts
        said = venue.model_amounts(attempt.predicted, attempt)  # type: ignore[arg-type]

    forgiven = int(FIRST.expect["debt_not_covered_by_collateral_base"])
    assert isinstance(said, Amounts)
    assert (said.repaid, said.received, said.written_off) == (0, 0, {"BASE": forgiven})
    assert said.named["debtForgiven"] == forgiven
    assert said.named["purchaseRefused"] == error_number("Paused")
    assert twin.chain[0]["chain_deficits"] == {"BASE": str(forgiven)}


@CASES
def test_what_was_forgiven_follows_from_the_events(case: RecordedCase):
    if "reverts" in case.expect:
        return
    told = {f"AbsorbDebt.{BORROWER}.basePaidOut": int(case.expect["base_paid_out"])}
    for one in case.expect["collateral_absorbed"]:
        told[f"AbsorbCollateral.{BORROWER}.A{one['asset_index']}.usdValue"] = int(one["usd_value8"])
    with standing(case) as (server, venue):
        found = debt_forgiven(told, venue.reader.listing, BORROWER, server.prices()[BASE])

    assert found == int(case.expect["debt_not_covered_by_collateral_base"])


def test_a_comet_is_named_by_what_it_lends_and_takes_no_book():
    with standing(FIRST) as (server, venue):
        market = server.market()
        assert (venue.title, venue.address) == ("Compound v3 (BASE)", COMET)
        assert venue.summary == {"revision": "CometWithExtendedAssetList"}
        assert venue.is_empty(market, ABSORBER)
        assert not venue.is_empty(market, BORROWER)
        for refused in (lambda: venue.plan(None, {}), lambda: venue.open((), {}, ())):  # type: ignore[arg-type]
            with pytest.raises(AccountsNeeded, match="--accounts"):
                refused()


# --- feeds and money, on a real node ---


def listing(*feeds: str, token: str = "") -> Any:
    config = SimpleNamespace(base_symbol="BASE", base_asset=token, base_scale=10**6)
    assets = [
        SimpleNamespace(asset_id=i, symbol=f"A{i}", price_feed=feed) for i, feed in enumerate(feeds[1:])
    ]
    return SimpleNamespace(comet=COMET, config=config, base_price_feed=feeds[0], assets=assets)


def answers(node: Node, feed: str) -> tuple[int, ...]:
    return ask(node, [Question(feed, "latestRoundData()")])[0].words


@pytest.mark.node
def test_a_feed_that_was_taken_over_answers_a_round_with_our_price(node: Node):
    one, other = address("one"), address("other")
    feeds = RoundFeeds(node, listing(one, other), {BASE: 10**8, 0: 7})
    assert answers(node, one) == (0, 10**8, 0, 0, 0)
    assert answers(node, other) == (0, 7, 0, 0, 0)

    feeds.set_prices({0: 2**63})
    assert answers(node, other)[1] == 2**63
    assert answers(node, one)[1] == 10**8
    assert feeds.shared == []
    with pytest.raises(PriceNotPositive, match="price 0 of A0"):
        feeds.set_prices({BASE: 5, 0: 0})
    assert answers(node, one)[1] == 10**8


@pytest.mark.node
def test_assets_of_one_feed_move_together_or_not_at_all(node: Node):
    one, other = address("one"), address("other")
    feeds = RoundFeeds(node, listing(one, other, other), {BASE: 1, 0: 2, 1: 2})

    assert feeds.shared == [("A0", "A1")]
    assert shared_note(("A0", "A1")) == "A0, A1 share one price feed: they move together or not at all"
    feeds.set_prices({0: 3, 1: 3})
    assert answers(node, other)[1] == 3
    for apart in ({0: 4}, {0: 4, 1: 5}):
        with pytest.raises(FeedShared, match="A0 4, A1"):
            feeds.set_prices(apart)
    assert answers(node, other)[1] == 3


@pytest.mark.node
def test_liquidators_get_twice_what_all_collateral_costs_and_let_it_be_taken(node: Node):
    token = node.send({"from": ABSORBER, "data": morpho_blue()["ERC20Mock"].creation()})["contractAddress"]
    server = RecordedComet(FIRST)
    reader: Any = SimpleNamespace(listing=listing(address("one"), token=str(token)), prices=server.prices)
    venue = CompoundV3Venue(
        node=node, source="node", errors=ERRORS, reader=reader, **node_facts(node, {"Comet": COMET})
    )
    market = server.market()
    venue.equip([ABSORBER], market)
    cost = sum(
        cost_of_collateral(market, i, amount, prices_base=server.prices())
        for i, amount in market.accounts[BORROWER].collateral.items()
    )

    allowance = Question(str(token), "allowance(address,address)", (ABSORBER, COMET))
    held, allowed = ask(node, [Question(str(token), "balanceOf(address)", (ABSORBER,)), allowance])
    assert cost > 0
    assert (held.word, allowed.word) == (2 * cost, 2**256 - 1)


# --- where it is ---


@pytest.mark.node
def test_a_chain_without_a_comet_is_refused_in_one_line(node: Node):
    nothing = address("nothing")
    node.set_code(COMET, "0x00")
    for pool, cause in ((nothing, NoCometHere), (None, NoCometHere), (COMET, NotAComet)):
        with pytest.raises(cause, match="no Comet"), open_venue(Where(node_url=node.url, pool=pool), print):
            pass


@pytest.mark.node
def test_a_comet_is_looked_for_on_a_fork_and_in_a_state(node: Node, tmp_path: Path):
    """What stands there answers nothing: it is found, and is none."""
    node.set_code(COMET, "0x00")
    node.mine()
    state = tmp_path / "state.json"
    state.write_bytes(bytes.fromhex(node.write("anvil_dumpState")[2:]))
    for where in (Where(fork_urls=node.url, pool=COMET), Where(state=str(state), pool=COMET)):
        with pytest.raises(NotAComet, match=r"baseIndexScale\(\)"), open_venue(where, print):
            pass
    for where in (Where(fork_urls=node.url), Where(state=str(state))):
        with pytest.raises(NoCometHere, match="--pool ADDRESS"), open_venue(where, print):
            pass


def test_an_endpoint_that_forks_nothing_is_refused():
    with (
        serving(FakeServer({})) as server,
        pytest.raises(RpcFailed, match="does not exist"),
        open_venue(Where(fork_urls=server.url), print),
    ):
        pass
