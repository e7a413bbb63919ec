"""How many exact health factors one core reckons in a second: 10,000 accounts of two assets each.

Run by `make bench`; not part of the suite, as a shared machine's speed proves nothing. Beside it stands the
same through `account_data`, one account at a time, so that the ratio can be told from the machine.
"""

from __future__ import annotations

from random import Random

import pytest

from protocol.aave_v3 import (
    Account,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    account_data,
    health_factors,
    rules_of,
)
from protocol.units import BASE_PER_USD, RAY

ACCOUNTS, RESERVES, NOW = 10_000, 8, 1_700_000_000
PRICES = {i: (i + 1) * 137 * BASE_PER_USD // 10 for i in range(RESERVES)}


def reserve(reserve_id: int) -> Reserve:
    return Reserve(
        reserve_id=reserve_id,
        asset=f"R{reserve_id}",
        symbol=f"R{reserve_id}",
        config=ReserveConfig(
            decimals=(6, 8, 18, 18)[reserve_id % 4],
            ltv_bps=70_00,
            liquidation_threshold_bps=78_00,
            liquidation_bonus_bps=105_00,
            liquidation_protocol_fee_bps=10_00,
            reserve_factor_bps=10_00,
        ),
        strategy=RateStrategy(
            optimal_usage_ray=8 * RAY // 10,
            base_variable_rate_ray=0,
            variable_slope1_ray=RAY // 25,
            variable_slope2_ray=RAY,
        ),
        liquidity_index_ray=RAY + RAY // (reserve_id + 7),
        variable_borrow_index_ray=RAY + RAY // (reserve_id + 5),
        liquidity_rate_ray=RAY // 31,
        variable_borrow_rate_ray=RAY // 19,
        last_update_timestamp=NOW - 3_600,
        total_scaled_atoken=10**27,
        total_scaled_variable_debt=10**26,
        accrued_to_treasury_scaled=0,
        deficit=0,
        virtual_underlying_balance=10**27,
    )


def market(revision: str) -> Market:
    """Every account holds one reserve of the first half and owes one of the second."""
    rng, half = Random(7), RESERVES // 2
    accounts = {
        f"user {n}": Account(
            positions={
                rng.randrange(half): Position(
                    scaled_atoken=rng.randrange(1, 10**22), collateral_enabled=True
                ),
                half + rng.randrange(half): Position(
                    scaled_variable_debt=rng.randrange(1, 10**21), borrowing=True
                ),
            }
        )
        for n in range(ACCOUNTS)
    }
    return Market(
        rules=rules_of(revision),
        reserves={i: reserve(i) for i in range(RESERVES)},
        emodes={},
        accounts=accounts,
        treasury="treasury",
    )


@pytest.mark.parametrize("revision", ["3.0.2", "3.3", "3.6"])
def test_health_factors_of_all_accounts(benchmark, revision: str):
    book = market(revision)
    found = benchmark(health_factors, book, prices_base=PRICES, timestamp=NOW)
    benchmark.extra_info["per_second"] = round(ACCOUNTS / benchmark.stats["median"])

    assert len(found) == ACCOUNTS


def test_account_data_one_by_one(benchmark):
    book = market("3.6")

    def one_by_one() -> dict[str, int]:
        return {
            user: account_data(book, user, prices_base=PRICES, timestamp=NOW).health_factor_wad
            for user in book.accounts
        }

    found = benchmark(one_by_one)
    benchmark.extra_info["per_second"] = round(ACCOUNTS / benchmark.stats["median"])

    assert found == health_factors(book, prices_base=PRICES, timestamp=NOW)
