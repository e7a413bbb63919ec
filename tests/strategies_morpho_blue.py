"""Hypothesis strategies that draw whole cases for Morpho Blue: a market, an opening and then steps.

A step names users by number and amounts by their size: what they come to is settled when the step is taken, against
what the contracts say then, so that most steps are near a limit and many go through. Some cases begin with numbers
written straight into storage, of any magnitude: there the arithmetic overflows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from hypothesis import strategies as st

from protocol.morpho_blue.rates import MAX_RATE_AT_TARGET_WAD, MIN_RATE_AT_TARGET_WAD
from protocol.units import MAX_UINT256, WAD
from tests.steps import Size
from tests.steps_morpho_blue import (
    FEES,
    IRMS,
    LENDER,
    LLTVS_WAD,
    N_USERS,
    UINT128,
    AccrueInterest,
    Borrow,
    By,
    Case,
    CreateMarket,
    Holding,
    Liquidate,
    Repay,
    SetFee,
    SetFeeRecipient,
    SetPrice,
    Steer,
    Step,
    Store,
    Supply,
    SupplyCollateral,
    Wait,
    Withdraw,
    WithdrawCollateral,
)

DAY, YEAR = 86_400, 365 * 86_400
PRICES_E36 = (10**36, 2_000 * 10**24, 10**24, 10**48, 123_456_789 * 10**20, 10**36 + 1, 10**12)
ODD_PRICES_E36 = (0, 0, 1, 2, 10**60, 2**200, 2**255, MAX_UINT256)
LENT = (10**12, 10**24, 10**6, 10**18, 10**34, 999, 7, 1)
FEES_WAD = (0, WAD // 10, WAD // 4, 1, WAD // 4 + 1, 123_456_789_012_345_678, MAX_UINT256)
WAITS = (0, 1, 12, 3600, DAY, 30 * DAY, YEAR, 10 * YEAR)
AEONS = (100 * YEAR, 1000 * YEAR, 2**60, -1)

users = st.integers(0, N_USERS - 1)
borrowers = st.sampled_from((0, 0, 0, 0, 1, FEES))
others = st.sampled_from((None, None, None, 0, 1, LENDER, FEES))
"""For whom: itself, mostly."""
mostly = st.sampled_from((True,) * 7 + (False,))
ways = st.sampled_from(get_args(By)[:2])
either: tuple[By, ...] = ("assets", "shares") * 14 + ("both", "neither")
bys = st.sampled_from(either)
lltvs = st.sampled_from(LLTVS_WAD[:8] * 3 + LLTVS_WAD)
loan_sizes = st.sampled_from(LENT[:4] * 3 + LENT)
shares_of = st.builds(Size, st.integers(1, 1000))
limits = st.sampled_from(
    (
        Size(),
        Size(),
        Size(permille=500),
        Size(permille=500, offset=1),
        Size(permille=999),
        Size(offset=1),
        Size(offset=-1),
        Size(fixed=1),
        Size(fixed=2),
        Size(fixed=0),
        Size(fixed=UINT128),
        Size(fixed=UINT128 + 1),
        Size(fixed=MAX_UINT256),
    )
)
sizes = st.one_of(shares_of, limits)
ends = st.sampled_from(
    (Size(), Size(), Size(), Size(offset=-1), Size(offset=1), Size(offset=-2), Size(offset=2))
)
pledged = st.integers(50, 1000).map(Size)
borrowed = st.one_of(st.integers(300, 1000).map(Size), st.just(Size()))
waits = st.sampled_from(WAITS).map(Wait)


def _for(user: int, other: int | None) -> int:
    return user if other is None else other


supplies = st.builds(
    lambda user, other, *rest: Supply(user, _for(user, other), *rest), users, others, sizes, bys
)
pledges = st.builds(
    lambda user, other, size: SupplyCollateral(user, _for(user, other), size), users, others, sizes
)
withdrawals = st.builds(Withdraw, users, sizes, bys, st.booleans())
loans = st.builds(Borrow, borrowers, sizes, bys, st.booleans())
repayments = st.builds(Repay, users, borrowers, sizes, bys)
returns = st.builds(WithdrawCollateral, borrowers, sizes, st.booleans())
drains = st.builds(Withdraw, st.just(LENDER), ends, ways, st.just(True))
ordinary = st.one_of(
    supplies, withdrawals, loans, repayments, pledges, returns, drains, st.just(AccrueInterest())
)
rare: st.SearchStrategy[Step] = st.one_of(
    st.sampled_from(FEES_WAD).map(SetFee),
    users.map(SetFeeRecipient),
    st.sampled_from(PRICES_E36 + ODD_PRICES_E36).map(SetPrice),
    st.sampled_from(AEONS).map(Wait),
    st.just(CreateMarket()),
)
steers = st.builds(
    Steer,
    st.just(0),
    st.one_of(st.integers(980, 1300), st.sampled_from((1000, 1000, 1001, 999, 2000, 10_000, 100))),
    st.booleans(),
    st.sampled_from((0, 0, 1, -1)),
)
liquidations = st.builds(
    Liquidate,
    st.sampled_from((LENDER, LENDER, LENDER, 1, FEES, 0)),
    st.just(0),
    st.one_of(shares_of, ends, ends.map(replace), limits),
    bys,
    mostly.map(lambda usual: not usual),
)


@st.composite
def crashes(draw: st.DrawFn) -> tuple[Step, ...]:
    """The price moves against an account, now and then something else happens, then up to three calls."""
    user = draw(borrowers)
    steps: list[Step] = [replace(draw(steers), user=user)]
    if not draw(mostly):
        steps.append(draw(st.one_of(ordinary, rare, waits)))
    calls = draw(st.lists(liquidations, min_size=1, max_size=3))
    return (*steps, *(replace(call, borrower=user) for call in calls))


@st.composite
def openings(draw: st.DrawFn) -> list[Step]:
    """A market is created, somebody lends, one or two borrow."""
    steps: list[Step] = [CreateMarket()] if draw(st.integers(0, 39)) else []
    fee = draw(st.sampled_from(FEES_WAD[:4]))
    steps += [SetFee(fee)] if fee else []
    steps.append(Supply(LENDER, LENDER, Size(), "assets"))
    for user in draw(st.sampled_from(((0,), (0,), (0, 1), (0, FEES)))):
        steps.append(SupplyCollateral(user, user, draw(pledged)))
        steps.append(Borrow(user, draw(borrowed), draw(ways)))
    return steps


@st.composite
def magnitudes(draw: st.DrawFn) -> int:
    """Any number of 128 bits, the small ones as often as the great."""
    return draw(st.integers(0, 2 ** draw(st.integers(0, 128)) - 1))


numbers = st.one_of(magnitudes(), magnitudes(), st.sampled_from((0, 1, UINT128, UINT128 - 1, 10**18)))
holdings = st.builds(Holding, numbers, numbers, numbers)
stores = st.builds(
    Store,
    numbers,
    numbers,
    numbers,
    numbers,
    st.sampled_from(FEES_WAD[:4]),
    st.sampled_from((0, MIN_RATE_AT_TARGET_WAD, MAX_RATE_AT_TARGET_WAD, 4 * WAD // 100 // YEAR)),
    st.tuples(*[holdings] * N_USERS),
    st.integers(0, 19).map(bool),
)


KINDS = (ordinary,) * 5 + (waits, rare)


@st.composite
def rounds(draw: st.DrawFn) -> list[Step]:
    """What users do, now and then what is rare, time, and a crash."""
    steps: list[Step] = [draw(draw(st.sampled_from(KINDS))) for _ in range(draw(st.integers(0, 3)))]
    return [*steps, draw(waits), *draw(crashes())]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A market with some supply and some debt in it, or with any numbers, then up to three rounds."""
    steps: list[Any] = draw(openings()) if draw(st.integers(0, 4)) else [draw(stores)]
    for _ in range(draw(st.sampled_from((1, 1, 2, 3)))):
        steps += draw(rounds())
    return Case(
        draw(st.sampled_from(("AdaptiveCurveIrm", *IRMS))),
        draw(lltvs),
        draw(loan_sizes),
        draw(st.sampled_from(PRICES_E36)),
        tuple(steps),
    )
