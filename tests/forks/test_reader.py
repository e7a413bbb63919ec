"""What is read gives, in the model, what the chain itself says: v3.6 and v3.0.2, every integer."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.deploy import ADMIN, deploy
from forks.aave_v3.getters import NotAMarket, Question, address_of, ask
from forks.aave_v3.listing import NoSuchReserve, ReserveNotModelled, _distinct
from forks.aave_v3.mainnet_19471508 import build, read_figures
from forks.aave_v3.reader import (
    MarketReader,
    ReserveLeftOut,
)
from forks.aave_v3.tokens import balance_of
from forks.aave_v3.venue import AaveVenue
from forks.artifacts import aave_v36, hardhat_artifact
from forks.node import Node
from protocol.aave_v3 import (
    Position,
    account_data,
    atoken_balance,
    normalized_debt,
    normalized_income,
    vtoken_balance,
)
from protocol.aave_v3.state import StableDebt, StableTotals
from protocol.errors import UnknownRevision
from tests.forks.aave_actions import VARIABLE_RATE, Market, account

pytestmark = pytest.mark.node

SINGLE, MIXED, CORRELATED, SUPPLIER, EMPTY, LENT = (to_checksum_address(account(n)) for n in range(1, 7))
BORROWERS = (SINGLE, MIXED, CORRELATED, SUPPLIER, EMPTY, LENT)
OPENED = 1_700_000_000
LATER = OPENED + 1_234_567
LATER_ON_MAINNET = 1_712_345_678


@pytest.fixture(scope="module")
def market(anvil):
    """Positions opened at one time, and the clock moved on."""
    with Node.start(anvil, timestamp=OPENED) as node:
        contracts = aave_v36()
        market = Market(node=node, deployment=deploy(node, contracts=contracts), contracts=contracts)
        for symbol, amount in {"USDC": 10**13, "DAI": 10**24, "WETH": 10**22, "USDT": 10**13}.items():
            market.supply(SUPPLIER, symbol, amount)
        market.supply(SINGLE, "WBTC", 123_456_789)
        market.borrow(SINGLE, "USDC", 70_000_000_001)
        for symbol, amount in {"WETH": 10**19 + 7, "LINK": 3 * 10**20, "USDT": 999_999_999}.items():
            market.supply(MIXED, symbol, amount)
        market.borrow(MIXED, "DAI", 9 * 10**21 + 1)
        node.set_time(OPENED + 86_399)
        market.borrow(MIXED, "USDC", 1_234_567)
        market.set_emode(CORRELATED, 1)
        market.supply(CORRELATED, "wstETH", 10**19 + 1)
        market.supply(CORRELATED, "WBTC", 1_000_001)
        market.borrow(CORRELATED, "WETH", 9 * 10**18)
        market.send(SUPPLIER, "ATokenInstance", _atoken(market, "USDC"), "transfer", LENT, 5_000_001)
        token = market.deployment.tokens["USDC"]
        pool = market.deployment.pool
        market.send(LENT, "PoolInstance", pool, "setUserUseReserveAsCollateral", token, False)
        node.set_time(LATER)
        yield market


def _atoken(market, symbol):
    reserves = MarketReader(market.node, market.deployment.pool).listing.reserves
    return next(one.atoken for one in reserves if one.symbol == symbol)


@pytest.fixture(scope="module")
def reader(market):
    return MarketReader(market.node, market.deployment.pool)


@pytest.mark.parametrize("user", BORROWERS, ids=["single", "mixed", "emode", "supplier", "empty", "lent"])
def test_the_model_says_of_an_account_what_the_pool_says(market, reader, user):
    state, prices = reader.market(BORROWERS), reader.prices()
    said = reader.account_data([user])[user]

    assert account_data(state, user, prices_base=prices, timestamp=LATER) == said


def test_the_efficiency_mode_and_the_debts_are_really_there(reader):
    state = reader.market(BORROWERS)

    assert state.accounts[CORRELATED].emode == 1
    assert sum(one.borrowing for one in state.accounts[MIXED].positions.values()) == 2
    assert state.accounts[EMPTY].positions == {}
    assert state.accounts[LENT].positions[3].scaled_atoken > 0
    assert not state.accounts[LENT].positions[3].collateral_enabled


def test_a_position_read_wrong_would_be_seen(market, reader):
    """The comparison above can fail: one scaled unit of WBTC, one bit, one index."""
    state, prices = reader.market([SINGLE]), reader.prices()
    said = reader.account_data([SINGLE])[SINGLE]
    held = state.accounts[SINGLE].positions
    wrong = {
        "balance": {**held, 2: replace(held[2], scaled_atoken=held[2].scaled_atoken - 1)},
        "bit": {**held, 2: replace(held[2], collateral_enabled=False)},
        "debt": {**held, 3: replace(held[3], scaled_variable_debt=held[3].scaled_variable_debt + 1)},
    }
    for name, positions in wrong.items():
        accounts = {**state.accounts, SINGLE: replace(state.accounts[SINGLE], positions=positions)}
        changed = replace(state, accounts=accounts)
        assert account_data(changed, SINGLE, prices_base=prices, timestamp=LATER) != said, name


def test_normalized_indices_of_the_model_are_the_pools(market, reader):
    state = reader.market()
    said = reader.normalized()
    computed = {
        reserve_id: (
            normalized_income(one, state.rules, LATER),
            normalized_debt(one, state.rules, LATER),
        )
        for reserve_id, one in state.reserves.items()
    }

    assert computed == said
    assert sum(income > 10**27 for income, _ in said.values()) >= 3


def test_balances_of_the_model_are_the_tokens(market, reader):
    state = reader.market(BORROWERS)
    for one in reader.listing.reserves:
        reserve = state.reserves[one.reserve_id]
        indices = normalized_income(reserve, state.rules, LATER), normalized_debt(reserve, state.rules, LATER)
        for user in BORROWERS:
            held = state.accounts[user].positions.get(one.reserve_id, Position())
            supplied = atoken_balance(held.scaled_atoken, indices[0], state.rules)
            owed = vtoken_balance(held.scaled_variable_debt, indices[1], state.rules)
            assert supplied == balance_of(market.node, one.atoken, user)
            assert owed == balance_of(market.node, one.variable_debt_token, user)


def test_a_reader_sees_what_has_changed_and_an_old_block_stays(market, reader):
    before = reader.market([SINGLE])
    block = int(market.node.rpc.call("eth_blockNumber"), 16)
    with market.node.anchor():
        market.supply(SINGLE, "WBTC", 1_000)
        after = reader.market([SINGLE])

        assert after.accounts[SINGLE].positions[2] != before.accounts[SINGLE].positions[2]
        assert after.reserves[2].last_update_timestamp == LATER
        assert reader.market([SINGLE], block=block) == before


def test_pause_grace_and_sentinel_are_read(market):
    node, deployment = market.node, market.deployment
    weth, configurator = deployment.tokens["WETH"], "PoolConfiguratorInstance"
    with node.anchor():
        pause = "setReservePause(address,bool,uint40)"
        market.send(ADMIN, configurator, deployment.configurator, pause, weth, True, 0)
        assert MarketReader(node, deployment.pool).market().reserves[0].config.paused
        market.send(ADMIN, configurator, deployment.configurator, pause, weth, False, 3_600)
        found = MarketReader(node, deployment.pool).market().reserves[0].config
        assert (found.paused, found.liquidation_grace_until_timestamp) == (False, LATER + 3_600)
        sentinel = account(99)
        node.set_code(sentinel, "0x5f545f5260205ff3")
        provider = deployment.provider
        market.send(ADMIN, "PoolAddressesProvider", provider, "setPriceOracleSentinel", sentinel)
        assert MarketReader(node, deployment.pool).market().sentinel_allows_liquidation is False
        node.set_storage(sentinel, 0, 1)
        assert MarketReader(node, deployment.pool).market().sentinel_allows_liquidation is True
    assert MarketReader(node, deployment.pool).market().sentinel_allows_liquidation is None


def test_some_reserves_can_be_left_out_but_not_those_of_an_account(market):
    node, pool = market.node, market.deployment.pool
    some = MarketReader(node, pool, reserves=["WBTC", market.deployment.tokens["USDC"].lower()])

    assert [one.symbol for one in some.market([SINGLE]).reserves.values()] == ["WBTC", "USDC"]
    with pytest.raises(ReserveLeftOut, match="left out"):
        some.market([MIXED])
    with pytest.raises(NoSuchReserve, match="GHO"):
        MarketReader(node, pool, reserves=["GHO", "WBTC"])


def test_a_revision_that_is_not_modelled_is_refused_with_its_number(market):
    node, deployment = market.node, market.deployment
    answers_77 = account(98)
    node.set_code(answers_77, "0x604d60005260206000f3")  # whatever is asked: 77
    with pytest.raises(UnknownRevision, match="77"):
        MarketReader(node, answers_77)
    assert MarketReader(node, deployment.pool, revision="3.5").listing.rules.revision == "3.5"


@pytest.mark.parametrize("of", ["nothing", "a token"])
def test_what_is_no_pool_is_refused(market, of):
    address = account(97) if of == "nothing" else market.deployment.tokens["WETH"]
    with pytest.raises(NotAMarket, match="POOL_REVISION"):
        MarketReader(market.node, address)


@pytest.fixture(scope="module")
def older(anvil):
    """The market of v3.0.2 at mainnet's addresses, with one borrower of WETH against DAI."""
    figures = read_figures()
    with Node.start(anvil, chain_id=figures.chain_id, timestamp=figures.timestamp + 60) as node:
        handle = build(node)
        pool, dai, weth = handle.pool, handle.reserves["DAI"].asset, handle.reserves["WETH"].asset
        node.write("anvil_dealERC20", SINGLE, dai, hex(10**22))
        actions = [
            ("ERC20", dai, ("approve", pool, 10**22)),
            ("Pool", pool, ("supply", dai, 10**22, SINGLE, 0)),
            ("Pool", pool, ("borrow", weth, 10**18 + 1, VARIABLE_RATE, 0, SINGLE)),
        ]
        for artifact, target, call in actions:
            data = hardhat_artifact("@aave/core-v3", artifact).call(*call)
            assert node.send({"from": SINGLE, "to": target, "data": data})["status"] == 1, call
        node.set_time(LATER_ON_MAINNET)
        yield node, pool, handle.reserves["WETH"]


def test_v302_reads_as_exactly_once_its_revision_is_named(older):
    node, pool, _ = older
    reader = MarketReader(node, pool, revision="3.0.2")
    state, said = reader.market([SINGLE]), reader.account_data([SINGLE])[SINGLE]

    assert said.total_debt_base > 0
    assert account_data(state, SINGLE, prices_base=reader.prices(), timestamp=LATER_ON_MAINNET) == said
    for reserve_id, indices in reader.normalized().items():
        reserve = state.reserves[reserve_id]
        income = normalized_income(reserve, state.rules, LATER_ON_MAINNET)
        assert (income, normalized_debt(reserve, state.rules, LATER_ON_MAINNET)) == indices
        assert reserve.virtual_underlying_balance > 0
        assert reserve.strategy.variable_slope1_ray > 0


def test_v302_without_a_name_is_refused_because_its_sources_all_call_themselves_1(older):
    node, pool, _ = older
    with pytest.raises(UnknownRevision, match="1"):
        MarketReader(node, pool)


def test_stable_rate_debt_is_read_with_its_rate_and_since_when(older):
    node, pool, weth = older
    with node.anchor():
        node.set_code(weth.stable_debt_token, "0x600560005260806000f3")  # whatever is asked: 5, 0, 0, 0
        state = MarketReader(node, pool, revision="3.0.2").market([SINGLE])

    assert state.reserves[weth.reserve_id].stable_debt == StableTotals(principal=5)
    found = state.accounts[SINGLE].positions[weth.reserve_id].stable_debt
    assert found == StableDebt(principal=5, rate_ray=5, last_update_timestamp=5)


def test_unbacked_atokens_are_read(older):
    node, pool, weth = older
    reserve_slot = int.from_bytes(keccak(encode(["address", "uint256"], [weth.asset, 52])), "big")
    with node.anchor():
        node.set_storage(pool, reserve_slot + 8, 5 << 128)
        state = MarketReader(node, pool, revision="3.0.2").market()

    assert state.reserves[weth.reserve_id].unbacked == 5


def venue_of(reader):
    return AaveVenue(
        node=reader._source,
        source="node",
        reader=reader,
        pool_revision=1,
        errors=aave_v36().errors,
        fund_token=lambda token, to, amount: None,
        contracts={},
        node_version="",
        start_block=0,
    )


ANSWERS_5, REVERTS = "0x600560005260206000f3", "0x60006000fd"


@pytest.mark.parametrize(
    ("contract", "code"),
    [("variable_debt_token", ANSWERS_5), ("strategy", REVERTS), ("strategy", "0x")],
    ids=["debt at a discount", "a strategy that answers otherwise", "no strategy"],
)
def test_a_reserve_of_its_own_kind_is_left_out_unless_it_is_used_or_asked_for(older, contract, code):
    node, pool, weth = older
    with node.anchor():
        node.set_code(getattr(weth, contract), code)
        reader = MarketReader(node, pool, revision="3.0.2")

        assert set(reader.listing.not_modelled.values()) == {"WETH"}
        assert venue_of(reader).notes == ["WETH left out: its rate strategy or debt token is not modelled"]
        assert [one.symbol for one in reader.listing.reserves] == ["DAI"]
        assert reader.market([MIXED]).reserves.keys() == {one.reserve_id for one in reader.listing.reserves}
        with pytest.raises(ReserveLeftOut, match=f"{SINGLE} uses WETH, which is not modelled"):
            reader.market([SINGLE])
        with pytest.raises(ReserveNotModelled, match="WETH"):
            MarketReader(node, pool, revision="3.0.2", reserves=["WETH"])


def test_a_market_of_which_no_reserve_is_modelled_is_refused(market):
    node, pool = market.node, market.deployment.pool
    weth = market.deployment.tokens["WETH"]
    strategy = address_of(ask(node, [Question(pool, "getReserveData(address)", (weth,))])[0].words[11])
    with node.anchor():
        node.set_code(strategy, REVERTS)  # one for all
        with pytest.raises(ReserveNotModelled, match="WETH, wstETH, WBTC"):
            MarketReader(node, pool)


def test_tokens_that_share_a_symbol_are_told_apart_by_their_address():
    symbols = {"0xAAAA00": "USDC", "0xBBBB11": "USDC", "0xCCCC22": "DAI"}
    assert _distinct(symbols) == {"0xAAAA00": "USDC@0xAAAA00", "0xBBBB11": "USDC@0xBBBB11", "0xCCCC22": "DAI"}
