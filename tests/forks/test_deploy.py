"""The deployed market is the real one: its code, its parameters, and the same in every run."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from forks.aave_v3 import tokens
from forks.aave_v3.deploy import ADMIN, SetupReverted, deploy
from forks.aave_v3.getters import Question, ask
from forks.aave_v3.parameters import load_parameters
from forks.aave_v3.reader import MarketReader
from forks.aave_v3.tokens import BalanceNotFound, TokenNotMintable, balance_of, deal, mint
from forks.node import Node
from protocol.aave_v3 import RateStrategy, rules_of

pytestmark = pytest.mark.node

PARAMETERS = load_parameters()
BPS_TO_RAY = 10**23
POOL_RUNTIME_BYTES = 21_490
"""Of PoolInstance with the compiler, settings and OpenZeppelin release of the real deployment."""


@pytest.fixture(scope="module")
def deployed(anvil):
    with Node.start(anvil) as node:
        yield node, deploy(node)


@pytest.fixture(scope="module")
def listing(deployed):
    node, deployment = deployed
    return MarketReader(node, deployment.pool)


def test_the_reserves_are_those_of_the_record_in_its_order():
    assert [one.symbol for one in PARAMETERS.reserves] == [
        "WETH",
        "wstETH",
        "WBTC",
        "USDC",
        "DAI",
        "LINK",
        "AAVE",
        "cbETH",
        "USDT",
    ]
    assert {one.decimals for one in PARAMETERS.reserves} == {6, 8, 18}


@pytest.mark.parametrize("reserve_id", range(len(PARAMETERS.reserves)))
def test_what_the_chain_answers_for_a_reserve_is_what_the_data_file_says(deployed, listing, reserve_id):
    _, deployment = deployed
    said, market = PARAMETERS.reserves[reserve_id], listing.market()
    found = market.reserves[reserve_id]

    assert (found.symbol, found.asset) == (said.symbol, deployment.tokens[said.symbol])
    for name in (
        "decimals",
        "ltv_bps",
        "liquidation_threshold_bps",
        "liquidation_bonus_bps",
        "liquidation_protocol_fee_bps",
        "reserve_factor_bps",
    ):
        assert getattr(found.config, name) == getattr(said, name), name
    assert found.config.active
    assert not found.config.paused
    assert found.strategy == RateStrategy(
        optimal_usage_ray=said.optimal_usage_bps * BPS_TO_RAY,
        base_variable_rate_ray=said.base_variable_rate_bps * BPS_TO_RAY,
        variable_slope1_ray=said.variable_slope1_bps * BPS_TO_RAY,
        variable_slope2_ray=said.variable_slope2_bps * BPS_TO_RAY,
    )
    assert listing.prices()[reserve_id] == said.price_base


@pytest.mark.parametrize("reserve", PARAMETERS.reserves, ids=lambda one: one.symbol)
def test_caps_and_flags_are_those_of_the_data_file(deployed, reserve):
    node, deployment = deployed
    token = (deployment.tokens[reserve.symbol],)
    caps, flags, flash = ask(
        node,
        [
            Question(deployment.data_provider, "getReserveCaps(address)", token),
            Question(deployment.data_provider, "getReserveConfigurationData(address)", token),
            Question(deployment.data_provider, "getFlashLoanEnabled(address)", token),
        ],
    )

    assert caps.words == (reserve.borrow_cap_tokens, reserve.supply_cap_tokens)
    assert bool(flags.words[6]) is reserve.borrowing_enabled
    assert bool(flash.word) is reserve.flash_loan_enabled


def test_the_efficiency_mode_is_that_of_the_data_file(listing):
    (said,), emodes = PARAMETERS.emodes, listing.market().emodes
    ids = {one.symbol: place for place, one in enumerate(PARAMETERS.reserves)}

    assert list(emodes) == [said.emode_id]
    assert emodes[1].ltv_bps == said.ltv_bps
    assert emodes[1].liquidation_threshold_bps == said.liquidation_threshold_bps
    assert emodes[1].liquidation_bonus_bps == said.liquidation_bonus_bps
    assert emodes[1].collateral_bitmap == sum(1 << ids[symbol] for symbol in said.members)


def test_the_pool_is_the_real_one(deployed, listing):
    node, deployment = deployed
    address, code_hash = deployment.contracts["PoolInstance"]
    code = bytes.fromhex(node.rpc.call("eth_getCode", address, "latest")[2:])

    assert len(code) == POOL_RUNTIME_BYTES
    assert code_hash == "0x" + keccak(code).hex()
    assert deployment.pool_revision == 10
    assert listing.listing.rules == rules_of("3.6")
    assert (listing.listing.treasury, listing.listing.oracle) == (deployment.treasury, deployment.oracle)
    assert len({code_hash for _, code_hash in deployment.contracts.values()}) > 15


def test_two_deployments_are_the_same_to_the_block_hash(anvil, deployed):
    node, deployment = deployed
    with Node.start(anvil) as other:
        again = deploy(other)
        hashes = [
            one.rpc.call("eth_getBlockByNumber", other.rpc.call("eth_blockNumber"), False)["hash"]
            for one in (other, node)
        ]

    assert again == deployment
    assert hashes[0] == hashes[1]


def test_a_refused_step_names_itself_and_the_reason(node):
    first = replace(PARAMETERS.reserves[0], ltv_bps=PARAMETERS.reserves[0].liquidation_threshold_bps + 1)
    with pytest.raises(SetupReverted, match=r"configureReserveAsCollateral.*InvalidReserveParams"):
        deploy(node, replace(PARAMETERS, reserves=(first,), emodes=()))


def test_tokens_are_minted_and_dealt(deployed):
    node, deployment = deployed
    owner, (token, other) = ADMIN, list(deployment.tokens.values())[:2]
    with node.anchor():
        mint(node, token, owner, 7)
        mint(node, token, owner, 8)
        deal(node, other, owner, 3)

        assert balance_of(node, token, owner) == 15
        assert balance_of(node, other, owner) == 3


def test_a_balance_is_dealt_where_anvil_does_not_find_it(deployed):
    """The probing of slots, which stands behind anvil's own search."""
    node, deployment = deployed
    with node.anchor():
        tokens._write_balance(node, deployment.tokens["WBTC"], ADMIN, 21 * 10**14)
        assert balance_of(node, deployment.tokens["WBTC"], ADMIN) == 21 * 10**14


def test_what_is_no_token_is_refused(deployed):
    node, deployment = deployed
    with node.anchor():
        with pytest.raises(TokenNotMintable, match=deployment.provider):
            mint(node, deployment.provider, ADMIN, 1)
        constant = "0x" + "c0" * 20
        node.set_code(constant, "0x600560005260206000f3")  # whatever is asked: 5
        slot = int.from_bytes(keccak(encode(["address", "uint256"], [ADMIN, 3])), "big")
        with pytest.raises(BalanceNotFound, match=constant):
            deal(node, constant, ADMIN, 1)
        assert int(node.rpc.call("eth_getStorageAt", constant, hex(slot), "latest"), 16) == 0
