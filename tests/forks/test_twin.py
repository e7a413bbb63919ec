"""The twin on a real chain: what is sent and when, what is compared, and what it does not let pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from forks.aave_v3.venue import AaveVenue
from forks.crash.accounts import FUNDER
from forks.crash.ledger import Ledger, ParityBroken
from forks.crash.twin import Twin
from forks.crash.venue import transaction
from tests.forks.parity_cases import BORROWERS, CASES, LIQUIDATOR
from tests.forks.parity_setting import Script, Setting, open_setting

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def opened(anvil) -> Iterator[Setting]:
    with open_setting(anvil) as setting:
        yield setting


@pytest.fixture
def setting(opened) -> Iterator[Setting]:
    with opened.venue.node.anchor():
        yield opened


def carried_out(setting: Setting, script: Script, *, stop_at_first: bool = True) -> Twin:
    twin = Twin(venue=setting.venue, ledger=Ledger(stop_at_first=stop_at_first))
    twin.run(script)  # type: ignore[arg-type]
    return twin


def of_case(setting: Setting, name: str, **changes: object) -> Script:
    """The script of a case by the right model, or by one whose rules have these columns."""
    market = setting.market
    return setting.script(CASES[name], replace(market, rules=replace(market.rules, **changes)))


def test_every_call_is_sent_at_the_time_of_its_attempt_refused_ones_too(setting):
    rpc = setting.venue.node.rpc
    for name, status in (("part", "0x1"), ("dust", "0x0")):
        script = of_case(setting, name)
        with setting.venue.node.anchor():
            twin = carried_out(setting, script)

            assert list(twin.chain) == list(range(len(script.calls)))
            for found in twin.chain.values():
                receipt = rpc.call("eth_getTransactionReceipt", found["transaction_hash"])
                block = rpc.call("eth_getBlockByNumber", receipt["blockNumber"], False)
                assert int(block["timestamp"], 16) == script.timestamp
                assert (receipt["status"], receipt["from"]) == (status, LIQUIDATOR.lower())
                assert receipt["to"] == setting.venue.pool.lower()
                assert found["gas_used"] == int(receipt["gasUsed"], 16) > 21_000
                assert found["block_number"] == int(receipt["blockNumber"], 16)


def test_the_observed_prices_are_on_the_chain_when_the_call_is_sent(setting):
    script = of_case(setting, "mixed")
    carried_out(setting, script)

    assert setting.venue.prices() == dict(script.prices_base)
    assert setting.venue.prices() != dict(setting.prices_base)


def test_what_is_compared_of_a_liquidation_is_whole_and_only_its_effects_count_as_changed(setting):
    twin = carried_out(setting, of_case(setting, "exhausted"))
    rows = {row.field: row for row in twin.ledger.rows if row.subject == "liquidation 0"}
    borrower, treasury, n_reserves = BORROWERS["exhausted"], setting.market.treasury, 9

    assert len(rows) == 6 + 4 + (3 + 3) + 6 + 13 * n_reserves + 3 * (2 + 2 * n_reserves)
    assert not any(row.changed for field, row in rows.items() if field.startswith(("before.", "event.")))
    for field in (
        "after.total_debt_base",
        "after.health_factor_wad",
        "reserve.WBTC.liquidity_index_ray",
        "reserve.WBTC.virtual_underlying_balance",
        "reserve.USDC.accrued_to_treasury_scaled",
        "reserve.USDC.deficit",
        "reserve.USDT.deficit",
        "reserve.DAI.deficit",
        f"user.{borrower}.bitmap",
        f"user.{borrower}.USDT.scaled_variable_debt",
        f"user.{treasury}.WBTC.scaled_atoken",
    ):
        assert rows[field].changed, field
    for field in ("reserve.WETH.liquidity_rate_ray", "reserve.LINK.deficit", f"user.{LIQUIDATOR}.bitmap"):
        assert not rows[field].changed, field


def test_after_a_refusal_everything_is_compared_again_and_nothing_has_moved(setting):
    twin = carried_out(setting, of_case(setting, "dust"))
    rows = [row for row in twin.ledger.rows if row.subject == "liquidation 0"]

    assert twin.ledger.reverts == {"MustNotLeaveDust": 1}
    assert len(rows) == 6 + 4 + 1 + 13 * 9 + 3 * (2 + 2 * 9)
    assert not any(row.changed for row in rows)


def test_something_that_moves_while_a_call_is_refused_is_noticed(setting, monkeypatch):
    def with_a_supply_beside_it(self: AaveVenue, call):
        sent = liquidate(self, call)
        arguments = (self.assets["LINK"], 1_000, FUNDER, 0)
        self.fund("LINK", FUNDER, 1_000)
        self.require(transaction(FUNDER, self.pool, "supply(address,uint256,address,uint16)", arguments))
        return sent

    liquidate = AaveVenue.liquidate
    monkeypatch.setattr(AaveVenue, "liquidate", with_a_supply_beside_it)

    with pytest.raises(ParityBroken, match=r"liquidation 0, reserve\.LINK\."):
        carried_out(setting, of_case(setting, "dust"))


def test_a_refusal_that_the_model_did_not_foresee_is_named_by_the_contracts_error(setting):
    with pytest.raises(ParityBroken, match="reverts goes through / MustNotLeaveDust"):
        carried_out(setting, of_case(setting, "dust", enforces_min_leftover=False))


def test_a_refusal_foretold_that_goes_through_is_a_difference_and_so_is_what_it_moved(setting):
    script = of_case(setting, "half", balance_bits=24)
    twin = carried_out(setting, script, stop_at_first=False)
    differing = [row.field for row in twin.ledger.rows if row.differs]

    assert differing[0] == "reverts SafeCastOverflowedUintDowncast / goes through"
    assert "reserve.WBTC.virtual_underlying_balance" in differing
    assert twin.ledger.reverts == {"goes through": 1}


def test_the_end_is_compared_for_borrowers_that_no_call_touched(setting):
    script = of_case(setting, "healthy")
    user = BORROWERS["healthy"]
    account = script.market.accounts[user]
    weth = account.positions[0]
    richer = replace(
        account, positions={**account.positions, 0: replace(weth, scaled_atoken=weth.scaled_atoken + 10**10)}
    )
    script.market = replace(script.market, accounts={**script.market.accounts, user: richer})

    with pytest.raises(ParityBroken, match=f"end, account.{user}.total_collateral_base") as broken:
        carried_out(setting, script)
    assert broken.value.difference.subject == "end"


def test_a_fee_paid_to_somebody_else_than_the_treasury_is_noticed(setting, monkeypatch):
    """The fee is read from the event of its transfer, not reckoned from the other amounts."""
    script = of_case(setting, "half")
    script.market = replace(script.market, treasury=FUNDER)

    with pytest.raises(ParityBroken, match=r"event\.protocolFee"):
        carried_out(setting, script)
