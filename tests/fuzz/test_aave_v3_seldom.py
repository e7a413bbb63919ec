"""Aave v3: what drawn cases hardly ever come to.

So much interest that one unit is no scaled unit any more; collateral in the very asset that is repaid, and little
of it at hand: what the liquidator repays comes in only after what it seizes has gone out.
"""

from __future__ import annotations

import pytest

from tests.fuzz.tally import Tally
from tests.fuzz.worlds import arena
from tests.steps import (
    LENDER,
    VARIABLE,
    Borrow,
    Case,
    Drain,
    EModeSetup,
    Liquidate,
    Pick,
    Repay,
    ReserveSetup,
    SetPrice,
    Size,
    Supply,
    SwitchCollateral,
    Wait,
)

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

LENT, UNIT = Pick(1, used=False), Size(fixed=1)
RESERVE = ReserveSetup(
    ltv_bps=7_200,
    liquidation_threshold_bps=8_000,
    liquidation_bonus_bps=10_500,
    protocol_fee_bps=1_000,
    reserve_factor_bps=1_000,
    curve=2,  # steep above 45 % of usage
    price_base=10**8,
    debt_ceiling=0,
    siloed=False,
    borrowable_in_isolation=True,
    stable=True,
    emode=0,
    lent_permille=500,
)
EMODE = EModeSetup(lift_bps=1, ltv_below_bps=0, bonus_permille=0, price_source=None)
CASE = Case(
    (RESERVE,) * 5,
    (EMODE, EMODE),
    False,
    (
        Supply(0, 0, Size(), 0),
        SwitchCollateral(0, Pick(0), use=True),
        Borrow(0, LENT, Size(), VARIABLE, of_liquidity=False),
        Wait(10 * 365 * 86_400),
        Repay(LENDER, 0, LENT, UNIT, VARIABLE),
        Wait(10 * 365 * 86_400),
        Borrow(LENDER, LENT, UNIT, VARIABLE, of_liquidity=False),
        Supply(0, LENT.n, UNIT, 0),
    ),
)


@pytest.mark.parametrize(
    ("revision", "of_a_loan", "of_a_supply"),
    [
        ("3.0.0", "InvalidMintAmount", "InvalidMintAmount"),
        ("3.0.1", "InvalidMintAmount", "InvalidMintAmount"),
        ("3.0.2", "InvalidMintAmount", "InvalidMintAmount"),
        ("3.6", "Panic(0x11)", "InvalidAmount"),
    ],
)
def test_one_unit_is_refused_when_it_is_no_scaled_unit(revision, of_a_loan, of_a_supply):
    from tests.fuzz.play import play

    tally = Tally()
    play(arena(revision), CASE, tally)

    assert tally.outcomes[f"Borrow: {of_a_loan}"] == 1
    assert tally.outcomes[f"Supply: {of_a_supply}"] == 1


SAME = Pick(0, used=False)
DRAINED = Case(
    (RESERVE,) * 5,
    (EMODE, EMODE),
    False,
    (
        Supply(0, 1, Size(), 0),
        Supply(0, SAME.n, Size(100), 0),
        SwitchCollateral(0, Pick(1, used=False), use=True),
        SwitchCollateral(0, SAME, use=True),
        Borrow(0, SAME, Size(500), VARIABLE, of_liquidity=False),
        SetPrice(1, 10**7),
        Drain(LENDER, 0, SAME, Size(900)),
        Liquidate(1, 0, SAME, SAME, Size(), receive_atoken=False),
        Liquidate(1, 0, SAME, SAME, Size(), receive_atoken=True),
    ),
)


@pytest.mark.parametrize(
    ("revision", "reason"),
    [
        ("3.0.0", "Panic(0x11)"),  # the rates subtract first
        ("3.0.1", "Panic(0x11)"),
        ("3.0.2", "Panic(0x11)"),
        ("3.6", "ERC20: transfer amount exceeds balance"),
    ],
)
def test_what_is_repaid_is_not_there_yet_when_the_same_asset_is_seized(revision, reason):
    from tests.fuzz.play import play

    tally = Tally()
    play(arena(revision), DRAINED, tally)

    assert tally.outcomes[f"Liquidate: {reason}"] == 1
    assert tally.outcomes["Liquidate: goes through"] == 1
