"""Hypothesis strategies that draw whole cases for Aave v3: a configuration, an opening and then steps.

A step names users and reserves by number and amounts by their size: what they come to is settled when the
step is taken, against what the contracts say then, so that most steps are near a limit and many go through.
What a revision does not have (stable debt, a sentinel) is drawn for it all the same and left out when taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Drain,
    EModeSetup,
    LeaveForDeficit,
    Liquidate,
    MintToTreasury,
    MintUnbacked,
    Pick,
    RebalanceStable,
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
odd_digits = st.integers(1, 9_999 * 6)
"""Four digits and six powers of ten: see `price_of`."""
odd_prices = st.sampled_from((0, 0, 1, 2, 10**20, 10**30, 2**128, 2**200, 2**255 - 1))


def price_of(number: int, least_exponent: int) -> int:
    """One to four digits and a power of ten from the least on, as one number says."""
    exponent, digits = divmod(number - 1, 9_999)
    return (digits + 1) * 10 ** (least_exponent + exponent)


def chosen(number: int, choices: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """One of each of several choices, as one number says: drawing many small numbers takes much longer."""
    found: dict[str, Any] = {}
    for name, values in choices.items():
        number, place = divmod(number, len(values))
        found[name] = values[place]
    return found


def numbers_of(choices: Mapping[str, Sequence[Any]]) -> st.SearchStrategy[int]:
    """The numbers that `chosen` takes. Below 2**24 all are drawn alike; from there on, mostly small ones."""
    return st.integers(0, prod(len(values) for values in choices.values()) - 1)


prices = st.one_of(round_prices, odd_digits.map(lambda number: price_of(number, 4)))
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
"""What a reserve is set to, one of each."""
LIMITS: dict[str, Sequence[int]] = {
    "ltv_tenths": (9, 8, 10, 7, 5, 10, 9, 3, 1, 0),
    "bonus_percent": (-1, *range(101)),
    "threshold_bps": (8_000, *range(5_000, 9_300), *range(5_000, 9_300), *range(1, 5_000), 9_900),
}
"""Loan to value as a part of the threshold, the bonus as a part of the largest (-1: the usual), the threshold."""
EMODES: dict[str, Sequence[Any]] = {
    "lift_bps": range(1, 601),
    "ltv_below_bps": range(301),
    "bonus_permille": range(0, 1001, 100),
    "price_source": (None, None, None, *range(N_RESERVES)),
}
tenths = st.integers(0, 10)


def limits_of(number: int) -> dict[str, int]:
    """Limits that the configurator takes: bonus above 100 %, threshold times bonus at most 100 %."""
    found = chosen(number, LIMITS)
    threshold, part = found["threshold_bps"], found["bonus_percent"]
    most = min((10_000 * 10_000 + 4_999) // threshold, 65_535)
    return {
        "ltv_bps": threshold * found["ltv_tenths"] // 10,
        "liquidation_threshold_bps": threshold,
        "liquidation_bonus_bps": min(10_500, most) if part < 0 else 10_001 + (most - 10_001) * part // 100,
    }


limits_of_reserves = numbers_of(LIMITS).map(limits_of)
reserve_setups = st.builds(
    lambda limits, others, price_base: ReserveSetup(
        **limits, **chosen(others, CHOICES), price_base=price_base
    ),
    limits_of_reserves,
    numbers_of(CHOICES),
    prices,
)
emode_setups = numbers_of(EMODES).map(lambda number: EModeSetup(**chosen(number, EMODES)))

supplies = st.builds(Supply, users, reserves, sizes, users)
withdrawals = st.builds(Withdraw, users, picks, sizes)
loans = st.builds(Borrow, borrowers, picks, sizes, modes, st.booleans())
good_loans = st.builds(Borrow, borrowers, picks, st.builds(Size, st.integers(50, 900)), modes, st.just(False))
last_loans = st.builds(Borrow, borrowers, picks, st.just(Size()), modes, st.just(False))
repayments = st.builds(Repay, users, borrowers, picks, sizes, modes)
liquidators = st.sampled_from((LENDER,) * 9 + (1,) * 4 + (TREASURY,) * 2 + (0,))
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
    st.builds(SwitchEMode, users, st.integers(0, N_EMODES + 1)),
    st.builds(SwitchEMode, borrowers, st.just(0)),
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


def alone(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Step, ...]]:
    """Each step as a move of its own."""
    return steps.map(lambda step: (step,))


@st.composite
def crashes(draw: st.DrawFn, settings: st.SearchStrategy[Step]) -> tuple[Step, ...]:
    """A price move against an account, now and then a setting, and up to three calls: what the rest is for."""
    user = draw(borrowers)
    steps: list[Step] = [replace(draw(steers), user=user)]
    match draw(st.integers(0, 15)):
        case 1 | 2 | 3:
            steps.append(draw(settings))
        case 4:
            steps.append(Drain(LENDER, user, draw(picks), Size(offset=-draw(st.integers(0, 1)))))
        case _:
            pass
    calls = draw(st.lists(liquidations, min_size=1, max_size=3))
    return (*steps, *(replace(call, borrower=user) for call in calls))


flag_changes = (("active", 0, 1), ("frozen", 1, 0), ("borrowing_enabled", 0, 1))
cap_changes = tuple((cap, value, 0) for cap in ("supply_cap", "borrow_cap") for value in (1, 10**9))
changes = st.sampled_from(
    (*flag_changes, *flag_changes, ("paused", 1, 0), ("stable_borrowing_enabled", 0, 1), *cap_changes)
)


@st.composite
def closures(draw: st.DrawFn) -> tuple[Step, ...]:
    """All reserves are closed in some respect, one is used all the same, and they are opened again."""
    field, closed, opened = draw(changes)
    who, here, other = draw(st.sampled_from((0, 0, LENDER))), Pick(draw(reserves)), draw(picks)
    uses: tuple[Step, ...] = (
        Supply(who, here.n, Size(500), who),
        Borrow(who, here, Size(fixed=10_000), VARIABLE, of_liquidity=False),
        Borrow(who, here, Size(100), STABLE, of_liquidity=False),
        Withdraw(who, here, Size(500)),
        Repay(who, who, here, Size(500), VARIABLE),
        SwitchCollateral(who, here, use=False),
        SwapRateMode(who, here, STABLE),
        RebalanceStable(who, here),
        Liquidate(LENDER, who, here, other, Size(500), receive_atoken=True),
    )
    use = draw(st.sampled_from(uses))
    return Configure(None, field, closed), use, Configure(None, field, opened)


@st.composite
def aeons(draw: st.DrawFn) -> tuple[Step, ...]:
    """So much time that an index is above 2, and one unit is no scaled unit any more."""
    who, here, one = draw(borrowers), draw(picks), Size(fixed=1)
    decade = Wait(10 * 365 * 86_400), Repay(LENDER, who, here, one, VARIABLE)
    uses: tuple[tuple[Step, ...], ...] = (
        tuple(Supply(who, reserve, one, who) for reserve in range(N_RESERVES)),
        (Borrow(who, here, one, VARIABLE, of_liquidity=False),),
        (Withdraw(who, here, one),),
        (Repay(who, who, here, one, VARIABLE),),
    )
    return (*decade * draw(st.integers(1, 3)), *draw(st.sampled_from(uses)))


@st.composite
def oddities(draw: st.DrawFn) -> tuple[Step, ...]:
    """What single steps hardly ever come to: a mode that does not fit, aTokens unbacked, debt worth nothing."""
    user, pick, mode = draw(borrowers), draw(picks), draw(st.integers(1, N_EMODES))
    loan = Borrow(user, pick, Size(fixed=10_000), STABLE, of_liquidity=False)
    return draw(
        st.sampled_from(
            (
                (Configure(None, "ltv_bps", 0), SwitchEMode(user, mode)),
                (SetLtvZero(pick.n, mode, zero=True), SwitchEMode(user, mode)),
                (SwitchEMode(user, mode), Configure(None, "borrowing_enabled", 0), SwitchEMode(user, 0)),
                (MintUnbacked(pick.n, Size(20_000)), Withdraw(LENDER, pick, Size(fixed=MAX))),
                (Steer(user, 10**30, collateral=False), Withdraw(user, pick, Size(500))),
                (Configure(None, "stable_borrowing_enabled", 0), loan),
            )
        )
    )


@st.composite
def coverings(draw: st.DrawFn) -> tuple[Step, ...]:
    """Somebody pays for what was lost, now and then with just as much as is needed, or with debt of its own."""
    cover = Cover(LENDER, draw(picks), draw(covers))
    match draw(st.integers(0, 7)):
        case 0 | 1 | 2:
            left = draw(st.sampled_from((1000, 1000, 1000, 500, 0)))
            return LeaveForDeficit(LENDER, cover.reserve, left), cover
        case 3:
            return (Borrow(LENDER, draw(picks), Size(1), VARIABLE, of_liquidity=True), cover)
        case 4:
            return (Configure(None, "active", 0), cover, Configure(None, "active", 1))
        case _:
            return (cover,)


others = st.one_of(
    alone(ordinary),
    alone(ordinary),
    alone(ordinary),
    alone(rare),
    alone(rare),
    alone(st.builds(Wait, waits)),
    closures(),
    closures(),
    aeons(),
    oddities(),
)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[Step, ...]:
    """Whatever users and governance do, then a crash, then perhaps somebody who covers what was lost."""
    steps = [step for move in draw(st.lists(others, max_size=2)) for step in move]
    steps += draw(crashes(configurations))
    if draw(st.integers(0, 3)) == 3:
        steps += draw(coverings())
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
            steps.append(SwitchEMode(user, draw(st.sampled_from((1, 1, 1, N_EMODES)))))
        opened = draw(st.lists(good_loans, min_size=1, max_size=2)) + draw(st.lists(last_loans, max_size=1))
        steps += [replace(loan, user=user) for loan in opened]
        if draw(st.integers(0, 5)) == 0:
            steps.append(Supply(user, draw(reserves), draw(shares), user))
    return steps


@st.composite
def refills(draw: st.DrawFn) -> tuple[Step, ...]:
    """After a crash little may be left: collateral and a loan anew."""
    user = draw(borrowers)
    return Supply(user, draw(reserves), draw(shares), user), replace(draw(good_loans), user=user)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A market with some supply and some debt in it, then up to three rounds."""
    setups = tuple(draw(reserve_setups) for _ in range(N_RESERVES))
    steps = [*draw(openings()), Wait(draw(waits))]
    for n_before in range(draw(st.sampled_from((1, 1, 2, 3)))):
        if n_before:
            steps += draw(refills())
        steps += draw(rounds())
    return Case(
        setups,
        tuple(draw(emode_setups) for _ in range(N_EMODES)),
        draw(st.booleans()),
        tuple(steps),
    )
