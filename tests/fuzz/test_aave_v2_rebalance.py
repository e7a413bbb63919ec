"""Aave v2: stable loans of nearly all there is, put to another rate: what drawn cases hardly ever come to."""

from __future__ import annotations

import pytest

from tests.fuzz.aave_v2_arena import ArenaV2
from tests.fuzz.play import play
from tests.fuzz.tally import Tally
from tests.steps import (
    RAY,
    STABLE,
    VARIABLE,
    Borrow,
    CaseV2,
    Pick,
    RebalanceStable,
    ReserveSetupV2,
    SetMarketRate,
    Size,
    Supply,
    SwapRateMode,
    Wait,
)

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

LENT = Pick(1, used=False)
SETUPS = tuple(
    ReserveSetupV2(
        ltv_bps=8_000,
        liquidation_threshold_bps=8_500,
        liquidation_bonus_bps=10_500,
        reserve_factor_bps=1_000,
        curve=2,  # no slopes of the stable rate, and steep ones of the variable rate
        market_rate_ray=3 * RAY // 100,
        price_base=price_base,
        lent_permille=10_000,
    )
    for price_base in (10**18, 10**15, 10**15, 10**15, 10**15)
)
CASE = CaseV2(
    SETUPS,
    (
        Supply(0, 2, Size(permille=20_000), 0),
        Borrow(0, LENT, Size(), STABLE, of_liquidity=True),
        RebalanceStable(0, LENT),
        *[Borrow(0, LENT, Size(), STABLE, of_liquidity=True)] * 12,
        Wait(86_400),
        SetMarketRate(1, RAY // 50),
        RebalanceStable(0, LENT),
        Wait(1_000),
        RebalanceStable(0, LENT),
        RebalanceStable(3, LENT),
        SwapRateMode(0, LENT, STABLE),
        Wait(1_000),
        SwapRateMode(0, LENT, VARIABLE),
    ),
)


def test_the_model_rebalances_as_the_contracts_do():
    from forks.in_process.evm import Evm

    tally = Tally()
    play(ArenaV2(Evm()), CASE, tally)

    assert tally.outcomes["Borrow: goes through"] == 13
    assert tally.outcomes["RebalanceStable: goes through"] == 2
    assert tally.outcomes["RebalanceStable: MathDivisionByZero"] == 1
    assert tally.outcomes["RebalanceStable: InterestRateRebalanceConditionsNotMet"] == 1
    assert tally.outcomes["SwapRateMode: goes through"] == 2
