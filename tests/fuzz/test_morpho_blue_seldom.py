"""Morpho Blue: what drawn cases hardly ever come to, and that the machine sees every kind of difference."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from protocol import morpho_blue as rules
from protocol.morpho_blue import account_data, amounts, rates
from protocol.morpho_blue import liquidation as liquidations
from protocol.morpho_blue.bad_debt import NO_BAD_DEBT
from protocol.morpho_blue.rates import curve
from protocol.units import WAD
from tests.fuzz import morpho_blue_moves as moves
from tests.fuzz.morpho_blue_arena import ArenaMorphoBlue
from tests.fuzz.side_by_side import Differs
from tests.fuzz.tally import Tally
from tests.fuzz.worlds import arena
from tests.steps import Size
from tests.steps_morpho_blue import (
    LENDER,
    UINT128,
    AccrueInterest,
    Borrow,
    Case,
    CreateMarket,
    Holding,
    Liquidate,
    SetFee,
    SetPrice,
    Step,
    Store,
    Supply,
    SupplyCollateral,
    Wait,
)

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

UNIT = Size(fixed=1)
LOAN = (
    CreateMarket(),
    SetFee(WAD // 10),
    Supply(LENDER, LENDER, Size()),
    SupplyCollateral(0, 0, Size(500)),
    Borrow(0, Size(900)),
    Wait(86_400),
)
beside = ArenaMorphoBlue.beside
CRASH = (*LOAN, SetPrice(10**35), Liquidate(LENDER, 0, Size(), "assets"))


def played(*steps: Step, irm: str | None = "AdaptiveCurveIrm") -> Tally:
    from tests.fuzz.morpho_blue_play import play

    tally = Tally()
    case = Case(irm, lltv_wad=86 * WAD // 100, lent=10**12, price_e36=10**36, steps=steps)
    play(arena("morpho_blue"), case, tally)
    return tally


@pytest.mark.parametrize("irm", ["AdaptiveCurveIrm", "IrmMock", None])
def test_before_the_last_update_nothing_goes_through_but_what_does_not_accrue(irm):
    """The view of the adaptive curve reverts then too; that of the other rate model does not look at the time."""
    outcomes = played(
        *LOAN, AccrueInterest(), Wait(-1), AccrueInterest(), SupplyCollateral(0, 0, UNIT), irm=irm
    )

    assert outcomes.outcomes["AccrueInterest: Panic(0x11)"] == 1
    assert outcomes.outcomes["SupplyCollateral: goes through"] == 2


def test_the_adaptation_of_the_rate_overflows_a_signed_word_at_a_time_that_no_clock_shows():
    """The view of the rate is compared after each wait: it answers to the last second, and then reverts."""
    borrowed_of_nothing = Store(1, 10**6, UINT128, 10**6, 0, 10**9, (Holding(),) * 4)
    speed_wad = rates.ADJUSTMENT_SPEED_WAD * rates.distance_from_target(UINT128 * WAD) // WAD
    longest_s = (2**255 - 1) // speed_wad

    tally = played(borrowed_of_nothing, Wait(longest_s), Wait(1), AccrueInterest())

    assert tally.outcomes["AccrueInterest: Panic(0x11)"] == 1


def test_a_loss_is_charged_to_the_lenders():
    assert played(*CRASH).outcomes["Liquidate: goes through"] == 1


def without_bad_debt(market, borrower):
    return market, NO_BAD_DEBT


def never_healthy(market, user, **at):
    return replace(account_data(market, user, **at), max_borrow_assets=0)


def neighbour_touched(self):
    *others, rate_at_target = beside(self)
    return [*others, rate_at_target + self.chain.timestamp]


@pytest.mark.parametrize(
    ("place", "name", "wrong", "seen_as"),
    [
        (rules, "set_fee", lambda *_, **__: rules.Revert(name="max fee exceeded"), "outcome"),
        (rules, "account_data", never_healthy, "health of "),
        (liquidations, "realize_bad_debt", without_bad_debt, "after.total_supply.assets"),
        (rates, "curve", lambda rate, error: curve(rate, error) + 1, "borrow rate"),
        (amounts, "liquidation_incentive_factor", lambda _: WAD, "half the collateral of "),
        (moves, "LIQUIDATION", moves.LIQUIDATION._replace(told=lambda _: (1,) * 5), "amounts.0"),
        (
            moves,
            "LIQUIDATION",
            moves.LIQUIDATION._replace(moved=lambda one: (one.repaid_assets, 0)),
            "beside.1",
        ),
        (ArenaMorphoBlue, "beside", neighbour_touched, "beside.20"),
    ],
)
def test_whatever_is_wrong_is_seen(monkeypatch, place, name, wrong, seen_as):
    arena("morpho_blue")  # deployed before anything is wrong
    monkeypatch.setattr(place, name, wrong)

    with pytest.raises(Differs, match=f": {re.escape(seen_as)}"):
        played(*CRASH)
