"""Hypothesis strategies that draw whole cases for Aave v2, of the same steps as those for v3.

Its base currency is ETH, so prices are drawn anew, and that of WETH stands; what v2 has of its own is a pause of
the whole pool, an oracle of stable rates, and two ways to change a stable rate that the model knows.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.steps import (
    LENDER,
    N_RESERVES,
    RAY,
    STABLE,
    VARIABLE,
    Borrow,
    CaseV2,
    Configure,
    Drain,
    RebalanceStable,
    ReserveSetupV2,
    SetMarketRate,
    SetPause,
    SetPrice,
    Size,
    Step,
    Supply,
    SwapRateMode,
    SwitchCollateral,
    Transfer,
    Wait,
)
from tests.strategies import (
    aeons,
    alone,
    borrowers,
    chosen,
    closures,
    crashes,
    good_loans,
    last_loans,
    limits_of_reserves,
    loans,
    mostly,
    numbers_of,
    odd_digits,
    oddities,
    own_repayments,
    own_supplies,
    picks,
    price_of,
    repayments,
    reserves,
    shares,
    sizes,
    supplies,
    switches,
    users,
    waits,
    withdrawals,
)

N_CURVES = 4
prices = st.one_of(
    st.sampled_from((10**18, 5 * 10**14, 15 * 10**18)), odd_digits.map(lambda number: price_of(number, 12))
)
odd_prices = st.sampled_from((0, 0, 1, 10**30, 2**128, 2**200, 2**255))
flags = ("active", "frozen", "borrowing_enabled", "stable_borrowing_enabled")


CHOICES: dict[str, tuple[int, ...]] = {
    "reserve_factor_bps": (1_000, 0, 1, 2_500, 10_000),
    "curve": tuple(range(N_CURVES)),
    "market_rate_ray": (3 * RAY // 100, 0, 39 * RAY // 1000 + 1),
    "lent_permille": (10_000, 20_000, 3_000, 1_000, 100, 0),
}
"""What a reserve is set to, one of each."""
reserve_setups = st.builds(
    lambda limits, others, price_base: ReserveSetupV2(
        **limits, **chosen(others, CHOICES), price_base=price_base
    ),
    limits_of_reserves,
    numbers_of(CHOICES),
    prices,
)
configurations = st.one_of(
    st.builds(Configure, picks, st.sampled_from(flags), st.integers(0, 1)),
    st.builds(Configure, picks, st.just("reserve_factor_bps"), st.sampled_from((0, 1_000, 10_000))),
    st.builds(Configure, picks, st.just("liquidation_threshold_bps"), st.sampled_from((0, 5_000))),
    st.builds(Configure, picks, st.just("ltv_bps"), st.sampled_from((0, 4_000))),
    st.builds(SetPause, st.booleans()),
)


@st.composite
def droughts(draw: st.DrawFn) -> tuple[Step, ...]:
    """Somebody borrows all that is at hand of a borrower's collateral; then a crash."""
    drain = Drain(LENDER, 0, draw(picks), Size(offset=-draw(st.integers(0, 1))))
    return (drain, *draw(crashes(configurations)))


ordinary = st.one_of(supplies, withdrawals, loans, repayments, own_repayments(), own_supplies(), switches)
rare = st.one_of(
    st.builds(SwitchCollateral, users, picks, st.booleans()),
    st.builds(SwapRateMode, borrowers, picks, st.sampled_from((VARIABLE, STABLE))),
    st.builds(RebalanceStable, borrowers, picks),
    configurations,
    st.builds(SetPrice, reserves, st.one_of(prices, odd_prices)),
    st.builds(SetMarketRate, reserves, st.sampled_from((0, RAY // 50, RAY // 2))),
    st.builds(Transfer, users, users, picks, sizes),
)
moves = st.one_of(
    *(crashes(configurations) for _ in range(4)),  # one object four times would count once
    droughts(),
    closures(),
    alone(ordinary),
    alone(ordinary),
    alone(rare),
    alone(st.builds(Wait, waits)),
    aeons(),
    oddities(),
)


@st.composite
def openings(draw: st.DrawFn) -> list[Step]:
    """Collateral that a loan is then taken against, by one borrower or two."""
    steps: list[Step] = []
    for user in draw(st.sampled_from(((0,), (0,), (0, 1)))):
        supplied = draw(st.lists(st.tuples(reserves, shares), min_size=1, max_size=3))
        steps += [Supply(user, reserve, size, user) for reserve, size in supplied]
        opened: list[Any] = draw(st.lists(good_loans, min_size=1, max_size=2))
        opened += draw(st.lists(last_loans, max_size=1))
        steps += [Borrow(user, one.reserve, one.size, one.mode, one.of_liquidity) for one in opened]
    if draw(mostly):
        steps.append(Wait(draw(waits)))
    return steps


@st.composite
def cases(draw: st.DrawFn) -> CaseV2:
    """A market with some supply and some debt in it, then up to seven moves."""
    setups = tuple(draw(reserve_setups) for _ in range(N_RESERVES))
    steps = draw(openings())
    for move in draw(st.lists(moves, min_size=2, max_size=6)):
        steps += move
    return CaseV2(setups, tuple(steps))
