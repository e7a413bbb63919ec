"""Hypothesis strategies that draw whole cases for Aave v3: a configuration, an opening and then steps.

A step names users and reserves by number and amounts by their size: what they come to is settled when the
step is taken, against what the contracts say then, so that most steps are near a limit and many go through.
What a revision does not have (stable debt, a sentinel) is drawn for it all the same and left out when taken.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from hypothesis import strategies as st

from tests.steps import (
    LENDER,
    MAX,
    N_CURVES,
    N_EMODES,
    N_RESERVES,
    N_USERS,
    STABLE,
    TREASURY,
    VARIABLE,
    Borrow,
    Case,
    Configure,
    Cover,
    EModeSetup,
    Liquidate,
    MintToTreasury,
    MintUnbacked,
    Pick,
    Repay,
    ReserveSetup,
    SetGrace,
    SetLtvZero,
    SetMember,
    SetPrice,
    SetSequencer,
    Size,
    Steer,
    Step,
    Supply,
    SwapRateMode,
    SwitchCollateral,
    SwitchEMode,
    Transfer,
    Wait,
    Withdraw,
)

users = st.integers(0, N_USERS - 1)
borrowers = st.sampled_from((0, 0, 0, 0, 1, TREASURY))
reserves = st.integers(0, N_RESERVES - 1)
emodes = st.integers(0, N_EMODES)
modes = st.sampled_from((VARIABLE, VARIABLE, STABLE))
mostly = st.sampled_from((True,) * 7 + (False,))
picks = st.builds(Pick, st.integers(0, N_RESERVES - 1), mostly)
shares = st.builds(Size, st.integers(1, 1000))
limits = st.sampled_from(
    (
        Size(),
        Size(),
        Size(fixed=MAX),
        Size(permille=500),
        Size(permille=500, offset=1),
        Size(permille=999),
        Size(offset=1),
        Size(offset=-1),
        Size(fixed=1),
        Size(fixed=2),
        Size(fixed=0),
    )
)
sizes = st.one_of(shares, limits)
covers = st.one_of(st.just(Size(fixed=MAX)), st.just(Size()), shares, limits)
waits = st.sampled_from((0, 1, 2, 13, 600, 3600, 86_400, 30 * 86_400, 365 * 86_400, 10 * 365 * 86_400))
round_prices = st.sampled_from((10**8, 10**8, 2 * 10**8, 2000 * 10**8, 5 * 10**7, 60_000 * 10**8))
prices = st.one_of(
    round_prices,
    st.builds(lambda digits, exponent: digits * 10**exponent, st.integers(1, 9999), st.integers(4, 9)),
)
odd_prices = st.sampled_from((0, 0, 1, 2, 10**20, 10**30, 2**128, 2**200, 2**255 - 1))


CHOICES: dict[str, tuple[Any, ...]] = {
    "protocol_fee_bps": (1_000, 0, 1, 2_000, 5_000, 10_000),
    "reserve_factor_bps": (1_000, 0, 1, 2_500, 10_000),
    "curve": tuple(range(N_CURVES)),
    "debt_ceiling": (0, 0, 0, 0, 0, 1, 100_000, 10**9),
    "siloed": (False,) * 9 + (True,),
    "borrowable_in_isolation": (True, True, True, False),
    "stable": (True, True, True, False),
    "emode": (0, 1, 1, 2),
    "lent_permille": (1000, 20_000, 2000, 1000, 500, 20, 0),
}
"""What a reserve is set to, one of each; drawn as one number, which is much faster than one by one."""
N_CHOICES = prod(len(values) for values in CHOICES.values())
thresholds = st.one_of(st.integers(5_000, 9_300), st.just(8_000), st.integers(1, 9_900))
tenths = st.integers(0, 10)


@st.composite
def reserve_setups(draw: st.DrawFn) -> ReserveSetup:
    """Limits that the configurator takes: bonus above 100 %, threshold times bonus at most 100 %."""
    threshold = draw(thresholds)
    most = min((10_000 * 10_000 + 4_999) // threshold, 65_535)
    bonus = draw(st.one_of(st.just(min(10_500, most)), st.integers(10_001, most), st.just(most)))
    chosen, number = {}, draw(st.integers(0, N_CHOICES - 1))
    for name, values in CHOICES.items():
        number, place = divmod(number, len(values))
        chosen[name] = values[place]
    return ReserveSetup(
        ltv_bps=threshold * draw(tenths) // 10,
        liquidation_threshold_bps=threshold,
        liquidation_bonus_bps=bonus,
        price_base=draw(prices),
        **chosen,
    )


emode_setups = st.builds(
    EModeSetup,
    lift_bps=st.integers(1, 600),
    ltv_below_bps=st.integers(0, 300),
    bonus_permille=st.integers(0, 1000),
    price_source=st.one_of(st.none(), st.none(), reserves),
)

supplies = st.builds(Supply, users, reserves, sizes, users)
withdrawals = st.builds(Withdraw, users, picks, sizes)
loans = st.builds(Borrow, borrowers, picks, sizes, modes, st.booleans())
good_loans = st.builds(Borrow, borrowers, picks, st.builds(Size, st.integers(50, 900)), modes, st.just(False))
last_loans = st.builds(Borrow, borrowers, picks, st.just(Size()), modes, st.just(False))
repayments = st.builds(Repay, users, borrowers, picks, sizes, modes)
liquidators = st.sampled_from((1, 1, 1, LENDER, LENDER, TREASURY, 0))
liquidations = st.builds(Liquidate, liquidators, borrowers, picks, picks, covers, st.booleans())
steers = st.builds(
    Steer,
    borrowers,
    st.one_of(st.integers(300, 1100), st.sampled_from((999, 951, 950, 950, 949, 1000, 900, 100, 10))),
    mostly,
    st.sampled_from((0, 0, 0, 1, -1)),
)
flags = ("active", "frozen", "paused", "borrowing_enabled", "stable_borrowing_enabled")
configurations = st.one_of(
    st.builds(Configure, picks, st.sampled_from(flags), st.integers(0, 1)),
    st.builds(Configure, picks, st.sampled_from(("siloed", "borrowable_in_isolation")), st.integers(0, 1)),
    st.builds(Configure, picks, st.just("reserve_factor_bps"), st.sampled_from((0, 1_000, 10_000))),
    st.builds(Configure, picks, st.just("liquidation_threshold_bps"), st.sampled_from((0, 5_000))),
    st.builds(Configure, picks, st.just("liquidation_bonus_bps"), st.sampled_from((0, 10_500))),
    st.builds(Configure, picks, st.just("ltv_bps"), st.sampled_from((0, 0, 4_000))),
    st.builds(Configure, picks, st.just("protocol_fee_bps"), st.sampled_from((0, 1_000, 10_000))),
    st.builds(Configure, picks, st.just("debt_ceiling"), st.sampled_from((0, 1, 10**9))),
    st.builds(Configure, picks, st.just("borrow_cap"), st.sampled_from((0, 1, 1_000, 10**9))),
    st.builds(Configure, picks, st.just("supply_cap"), st.sampled_from((0, 1, 1_000, 10**9))),
)
switches = st.builds(SwitchCollateral, borrowers, picks, mostly)
emode_switches = st.builds(SwitchEMode, borrowers, emodes)


@st.composite
def own_supplies(draw: st.DrawFn) -> Supply:
    """Somebody supplies for nobody else."""
    user = draw(borrowers)
    return Supply(user, draw(reserves), draw(shares), user)


@st.composite
def own_repayments(draw: st.DrawFn) -> Repay:
    """Somebody pays for nobody else."""
    user = draw(borrowers)
    return Repay(user, user, draw(picks), draw(sizes), draw(modes))


ordinary = st.one_of(
    supplies, withdrawals, loans, repayments, own_repayments(), own_supplies(), switches, emode_switches
)
rare = st.one_of(
    st.builds(SwitchCollateral, users, picks, st.booleans()),
    st.builds(SwitchEMode, users, emodes),
    configurations,
    configurations,
    st.builds(SetPrice, reserves, st.one_of(prices, odd_prices)),
    st.builds(SetMember, picks, st.integers(1, N_EMODES), st.booleans()),
    st.builds(SetLtvZero, reserves, st.integers(1, N_EMODES), mostly),
    st.builds(SetGrace, reserves, st.sampled_from((0, 1, 3600))),
    st.builds(SetSequencer, st.booleans(), st.sampled_from((0, 1, 3599, 3600, 3601, 86_400))),
    st.builds(Transfer, users, users, picks, sizes),
    st.builds(SwapRateMode, borrowers, picks, modes),
    st.builds(MintUnbacked, reserves, shares),
    st.just(MintToTreasury()),
    st.builds(Cover, users, picks, sizes),
)
coverings = st.builds(Cover, st.just(LENDER), picks, sizes)


def alone(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Step, ...]]:
    """Each step as a move of its own."""
    return steps.map(lambda step: (step,))


@st.composite
def crashes(draw: st.DrawFn) -> tuple[Step, ...]:
    """A price move against an account and up to three calls after it: what the rest is there for."""
    user = draw(borrowers)
    steps: list[Step] = [replace(draw(steers), user=user)]
    if draw(st.integers(0, 4)) == 0:
        steps.append(draw(configurations))
    calls = draw(st.lists(liquidations, min_size=1, max_size=3))
    return (*steps, *(replace(call, borrower=user) for call in calls))


others = st.one_of(alone(ordinary), alone(ordinary), alone(rare), alone(st.builds(Wait, waits)))


@st.composite
def rounds(draw: st.DrawFn) -> tuple[Step, ...]:
    """Whatever users and governance do, then a crash, then perhaps somebody who covers what was lost."""
    steps = [step for move in draw(st.lists(others, max_size=3)) for step in move]
    steps += draw(crashes())
    if draw(st.integers(0, 3)) == 3:
        steps.append(draw(coverings))
    return tuple(steps)


@st.composite
def openings(draw: st.DrawFn) -> list[Step]:
    """Collateral for one or two borrowers, perhaps an efficiency mode, and loans against it."""
    steps: list[Step] = []
    for user in draw(st.sampled_from(((0,), (0,), (0, 1), (0, TREASURY)))):
        supplied = draw(st.lists(st.tuples(reserves, shares), min_size=1, max_size=3))
        steps += [Supply(user, reserve, size, user) for reserve, size in supplied]
        if draw(mostly):
            steps.append(SwitchCollateral(user, Pick(0), use=True))
        if draw(tenths) > 7:
            steps.append(SwitchEMode(user, draw(st.integers(1, N_EMODES))))
        opened = draw(st.lists(good_loans, min_size=1, max_size=2)) + draw(st.lists(last_loans, max_size=1))
        steps += [replace(loan, user=user) for loan in opened]
        if draw(st.integers(0, 5)) == 0:
            steps.append(Supply(user, draw(reserves), draw(shares), user))
    return steps


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A market with some supply and some debt in it, then up to three rounds and a few steps more."""
    setups = tuple(draw(reserve_setups()) for _ in range(N_RESERVES))
    steps = [*draw(openings()), Wait(draw(waits))]
    for _ in range(draw(st.integers(1, 3))):
        steps += draw(rounds())
    return Case(
        setups,
        tuple(draw(emode_setups) for _ in range(N_EMODES)),
        draw(st.booleans()),
        tuple(steps),
    )
