"""Venus isolated pools: what drawn cases hardly ever come to.

A market whose vTokens are worth nothing that can be said; bad debt that is gone before the auction of it ends; what
may be liquidated in a market that is given up.
"""

from __future__ import annotations

import pytest

from protocol.units import WAD
from tests.fuzz.tally import Tally
from tests.fuzz.worlds import arena
from tests.steps import Pick, Size
from tests.steps_venus_isolated import (
    BIDDER,
    AddReserves,
    Borrow,
    Case,
    CloseAuction,
    Deprecate,
    EnterMarkets,
    ExitMarket,
    FundRisk,
    Liquidate,
    MarketSetup,
    Mint,
    PlaceBid,
    StartAuction,
    Steer,
    Store,
    StoreBadDebt,
    Wait,
)

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

PERCENT = WAD // 100
SETUP = MarketSetup(
    collateral_factor_mantissa=75 * PERCENT,
    threshold_above_mantissa=5 * PERCENT,
    reserve_factor_mantissa=10 * PERCENT,
    seize_share_mantissa=5 * PERCENT,
    curve=0,
    price_millionths=10**6,
    lent_permille=1000,
    supply_cap_permille=None,
    borrow_cap_permille=None,
)
FIRST, SECOND = Pick(0, used=False), Pick(1, used=False)
MORE_RESERVES_THAN_ALL_ELSE = Store(
    0, cash=0, total_borrows=10, total_reserves=100, total_supply=1000, bad_debt=0, borrow_index=WAD
)
LOAN = (
    Mint(0, 1, Size()),
    EnterMarkets(0, (1,)),
    Borrow(0, FIRST, Size(), of_liquidity=False),
)


def played(*steps, minimum_usd_mantissa=0):
    """How often what came of these steps in a quiet pool, compared with the contracts."""
    from tests.fuzz.venus_isolated_play import play

    tally = Tally()
    case = Case(50 * PERCENT, 110 * PERCENT, minimum_usd_mantissa, (SETUP,) * 3, steps)
    play(arena("venus_isolated"), case, tally)
    return tally.outcomes


@pytest.mark.parametrize(
    "before",
    [(), (EnterMarkets(0, (0,)),), LOAN],
    ids=["not entered", "entered", "with debt"],
)
def test_no_market_is_left_whose_exchange_rate_cannot_be_told(before):
    outcomes = played(*before, MORE_RESERVES_THAN_ALL_ELSE, ExitMarket(0, FIRST))

    assert outcomes["ExitMarket: Panic(0x11)"] == 1


def test_an_auction_recovers_no_more_than_the_bad_debt_that_is_left():
    outcomes = played(
        StoreBadDebt(0, Size()),
        FundRisk(2000, 0),
        StartAuction(),
        PlaceBid(BIDDER, 0),
        StoreBadDebt(0, Size(permille=999)),
        Wait(101),
        CloseAuction(),
    )

    assert outcomes["CloseAuction: more than bad debt recovered from auction"] == 1


def test_an_auction_does_not_end_whose_reserves_are_gone():
    outcomes = played(
        StoreBadDebt(0, Size()),
        FundRisk(2000, 0),
        StartAuction(),
        PlaceBid(BIDDER, 0),
        FundRisk(0, 0),
        Wait(101),
        CloseAuction(),
    )

    assert outcomes["CloseAuction: Risk Fund: Insufficient pool reserve."] == 1


def test_reserves_are_not_added_to_a_market_whose_interest_cannot_be_told():
    outcomes = played(MORE_RESERVES_THAN_ALL_ELSE, Wait(1), AddReserves(0, Size(permille=1)))

    assert outcomes["AddReserves: Panic(0x11)"] == 1


@pytest.mark.parametrize(("n_of_three", "reason"), [(3, "goes through"), (2, "InsufficientShortfall")])
def test_all_debt_is_liquidated_freely_in_a_market_that_is_given_up(n_of_three, reason):
    outcomes = played(
        *LOAN,
        Deprecate(0, FIRST, n_of_three),
        Liquidate(BIDDER, 0, SECOND, FIRST, Size(), of="debt"),
    )

    assert outcomes[f"Liquidate: {reason}"] == 1


def test_collateral_that_was_not_entered_is_not_seized():
    outcomes = played(
        *LOAN,
        Mint(0, 2, Size()),
        Steer(0, 900, to_incentive=False, collateral=True),
        Liquidate(BIDDER, 0, Pick(2, used=False), FIRST, Size(permille=100), of="debt"),
    )

    assert outcomes["Liquidate: MarketNotCollateral"] == 1
