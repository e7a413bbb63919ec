"""Hypothesis strategies that draw whole cases for Aave v2: a configuration, an opening and then steps.

A step names users and reserves by number and amounts by their size: what they come to is settled when the
step is taken, against what the contracts say then, so that most steps are near a limit and many go through.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

RAY = 10**27
MAX = 2**256 - 1
N_USERS = 4
"""Three accounts and, as the last, the treasury."""
N_RESERVES = 5
N_CURVES = 4
STABLE, VARIABLE = 1, 2


@dataclass(frozen=True, slots=True)
class Size:
    """A share of some whole, give or take a unit, or a fixed amount."""

    permille: int = 1000
    offset: int = 0
    fixed: int | None = None

    def of(self, whole: int) -> int:
        """The amount that this is of `whole`."""
        if self.fixed is not None:
            return self.fixed
        return max(whole * self.permille // 1000 + self.offset, 0)


@dataclass(frozen=True, slots=True)
class Pick:
    """The n-th reserve of all, or of those that an account uses for the purpose."""

    n: int
    used: bool


@dataclass(frozen=True, slots=True)
class Supply:
    user: int
    reserve: int
    size: Size
    on_behalf_of: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    user: int
    reserve: Pick
    size: Size


@dataclass(frozen=True, slots=True)
class Borrow:
    user: int
    reserve: int
    size: Size
    mode: int
    of_liquidity: bool
    """Of what the reserve has at hand, instead of what the account may still borrow."""


@dataclass(frozen=True, slots=True)
class Repay:
    payer: int
    user: int
    reserve: Pick
    size: Size
    mode: int


@dataclass(frozen=True, slots=True)
class SwitchCollateral:
    user: int
    reserve: Pick
    use: bool


@dataclass(frozen=True, slots=True)
class SwapRateMode:
    user: int
    reserve: Pick
    mode: int


@dataclass(frozen=True, slots=True)
class RebalanceStable:
    user: int
    reserve: Pick


@dataclass(frozen=True, slots=True)
class Liquidate:
    liquidator: int
    borrower: int
    collateral: Pick
    debt: Pick
    size: Size
    receive_atoken: bool


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: int


@dataclass(frozen=True, slots=True)
class SetPrice:
    reserve: int
    price_base: int


@dataclass(frozen=True, slots=True)
class Steer:
    """Move the price of an account's collateral (or debt) so that its health factor comes near `permille`."""

    user: int
    permille: int
    collateral: bool


@dataclass(frozen=True, slots=True)
class Configure:
    """Give one field of a reserve's configuration another value, as the configurator's word can."""

    reserve: int
    field: str
    value: int


@dataclass(frozen=True, slots=True)
class SetPause:
    paused: bool


@dataclass(frozen=True, slots=True)
class SetMarketRate:
    reserve: int
    rate_ray: int


Step = (
    Supply
    | Withdraw
    | Borrow
    | Repay
    | SwitchCollateral
    | SwapRateMode
    | RebalanceStable
    | Liquidate
    | Wait
    | SetPrice
    | Steer
    | Configure
    | SetPause
    | SetMarketRate
)


@dataclass(frozen=True, slots=True)
class ReserveSetup:
    """What the administrator sets before a case, within the configurator's bounds."""

    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    reserve_factor_bps: int
    curve: int
    market_rate_ray: int
    price_base: int
    lent_permille: int
    """What the second account has lent to the reserve before the case, of ten times a whole supply."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is done to a fresh market."""

    setups: tuple[ReserveSetup, ...]
    steps: tuple[Step, ...]


users = st.integers(0, N_USERS - 1)
borrowers = st.sampled_from((0, 0, 0, 0, 0, 0, 0, 1, 2, 3))
liquidators = st.sampled_from((2, 1, 2, 0, 3))
reserves = st.integers(0, N_RESERVES - 1)
movable = st.integers(1, N_RESERVES - 1)
"""Reserves whose price can be moved: all but WETH."""
modes = st.sampled_from((VARIABLE, VARIABLE, STABLE))
used_or_any = st.sampled_from((True, True, True, True, True, True, False))
picks = st.builds(Pick, st.integers(0, N_RESERVES - 1), used_or_any)
shares = st.builds(Size, st.integers(1, 1000))
large_shares = st.builds(Size, st.integers(400, 1000))
limits = st.sampled_from(
    (
        Size(),
        Size(fixed=MAX),
        Size(permille=500),
        Size(permille=500, offset=1),
        Size(offset=1),
        Size(offset=-1),
        Size(fixed=1),
        Size(fixed=2),
        Size(fixed=0),
    )
)
sizes = st.one_of(shares, limits)
waits = st.sampled_from((0, 1, 2, 13, 600, 3600, 86_400, 30 * 86_400, 365 * 86_400, 10 * 365 * 86_400))
prices = st.one_of(
    st.builds(lambda digits, exponent: digits * 10**exponent, st.integers(1, 9999), st.integers(10, 17)),
    st.sampled_from((10**18, 5 * 10**14, 15 * 10**18)),
)
odd_prices = st.sampled_from((0, 1, 10**30, 2**128, 2**200, 2**255))


thresholds = st.one_of(st.integers(5_000, 9_500), st.integers(5_000, 9_500), st.integers(1, 9_900))


@st.composite
def reserve_setups(draw: st.DrawFn) -> ReserveSetup:
    """Limits that the configurator takes: bonus above 100 %, threshold times bonus at most 100 %."""
    threshold = draw(thresholds)
    most = min((10_000 * 10_000 + 4_999) // threshold, 65_535)
    usual = min(10_500, most)
    return ReserveSetup(
        ltv_bps=draw(
            st.sampled_from(
                (threshold * 9 // 10, threshold, threshold // 2, threshold, threshold * 9 // 10, 0)
            )
        ),
        liquidation_threshold_bps=threshold,
        liquidation_bonus_bps=draw(st.one_of(st.just(usual), st.integers(10_001, most), st.just(most))),
        reserve_factor_bps=draw(st.sampled_from((1_000, 0, 1, 2_500, 10_000))),
        curve=draw(st.integers(0, N_CURVES - 1)),
        market_rate_ray=draw(st.sampled_from((3 * RAY // 100, 0, 39 * RAY // 1000 + 1))),
        price_base=draw(prices),
        lent_permille=draw(st.sampled_from((1_000, 1_000, 300, 10, 0))),
    )


supplies = st.builds(Supply, users, reserves, sizes, users)
own_supplies = st.builds(
    lambda user, reserve, size: Supply(user, reserve, size, user), users, reserves, shares
)
withdrawals = st.builds(Withdraw, users, picks, sizes)
loans = st.builds(Borrow, borrowers, reserves, sizes, modes, st.booleans())
good_loans = st.builds(Borrow, st.just(0), reserves, large_shares, modes, st.just(False))
repayments = st.builds(Repay, users, borrowers, picks, sizes, modes)
own_repayments = st.builds(
    lambda user, reserve, size, mode: Repay(user, user, reserve, size, mode), borrowers, picks, sizes, modes
)
liquidations = st.builds(Liquidate, liquidators, borrowers, picks, picks, sizes, st.booleans())
flags = st.sampled_from(("active", "frozen", "borrowing_enabled", "stable_borrowing_enabled"))
health = st.one_of(st.integers(300, 999), st.sampled_from((999, 950, 900, 1000, 1001, 100)))
steers = st.builds(Steer, borrowers, health, st.booleans())


@st.composite
def crashes(draw: st.DrawFn) -> tuple[Step, ...]:
    """A price move against one account and what comes after it, calls above all: what the rest is there for."""
    user = st.just(draw(st.sampled_from((0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3))))
    calls = st.builds(Liquidate, liquidators, user, picks, picks, sizes, st.booleans())
    own = st.one_of(
        st.builds(Borrow, user, reserves, sizes, modes, st.booleans()),
        st.builds(Withdraw, user, picks, sizes),
        st.builds(SwitchCollateral, user, picks, st.booleans()),
        st.builds(Repay, users, user, picks, sizes, modes),
    )
    steer = draw(st.builds(Steer, user, health, st.booleans()))
    return (steer, *draw(st.lists(st.one_of(calls, calls, calls, calls, own), min_size=1, max_size=3)))


@st.composite
def droughts(draw: st.DrawFn) -> tuple[Step, ...]:
    """Somebody borrows all of what a reserve has at hand; then a crash."""
    drain = Borrow(1, draw(reserves), draw(st.sampled_from((Size(), Size(offset=-1)))), VARIABLE, True)
    return (drain, *draw(crashes()))


@st.composite
def closures(draw: st.DrawFn) -> tuple[Step, ...]:
    """A reserve is closed in some respect, used all the same, and opened again."""
    reserve, flag = draw(reserves), draw(flags)
    here, whoever = Pick(reserve, False), draw(borrowers)
    other = draw(picks)
    use = draw(
        st.sampled_from(
            (
                Supply(whoever, reserve, Size(500), whoever),
                Borrow(whoever, reserve, Size(100), VARIABLE, False),
                Borrow(whoever, reserve, Size(100), STABLE, False),
                Withdraw(whoever, here, Size(500)),
                Repay(whoever, whoever, here, Size(500), VARIABLE),
                SwitchCollateral(whoever, here, False),
                SwapRateMode(whoever, here, VARIABLE),
                RebalanceStable(whoever, here),
                Liquidate(2, whoever, here, other, Size(500), False),
                Liquidate(2, whoever, other, here, Size(500), True),
            )
        )
    )
    open_ = int(flag != "frozen")
    return (Configure(reserve, flag, 1 - open_), use, Configure(reserve, flag, open_))


configurations = st.one_of(
    st.builds(Configure, reserves, flags, st.integers(0, 1)),
    st.builds(Configure, reserves, st.just("reserve_factor_bps"), st.sampled_from((0, 1_000, 10_000))),
    st.builds(Configure, reserves, st.just("liquidation_threshold_bps"), st.sampled_from((0, 5_000))),
    st.builds(Configure, reserves, st.just("ltv_bps"), st.sampled_from((0, 4_000))),
)
ordinary = st.one_of(supplies, withdrawals, loans, loans, repayments, own_repayments, liquidations)
rare = st.one_of(
    st.builds(SwitchCollateral, users, picks, st.booleans()),
    st.builds(SwapRateMode, borrowers, picks, modes),
    st.builds(RebalanceStable, borrowers, picks),
    configurations,
    st.builds(SetPause, st.booleans()),
    steers,
    st.builds(SetPrice, reserves, st.one_of(prices, odd_prices)),
    st.builds(SetMarketRate, reserves, st.sampled_from((0, RAY // 50, RAY // 2))),
)
moves = st.one_of(
    crashes(),
    crashes(),
    crashes(),
    droughts(),
    closures(),
    ordinary.map(lambda step: (step,)),
    rare.map(lambda step: (step,)),
    st.builds(Wait, waits).map(lambda step: (step,)),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A market with some supply and some debt in it, then up to seven moves."""
    setups = tuple(draw(reserve_setups()) for _ in range(N_RESERVES))
    supplied, apart = draw(movable), draw(movable)
    steps: list[Step] = [
        Supply(0, supplied, draw(large_shares), 0),
        *draw(st.lists(own_supplies, max_size=2)),
        Borrow(0, (supplied + apart) % N_RESERVES, draw(large_shares), VARIABLE, False),
        *draw(st.lists(good_loans, max_size=2)),
        Wait(draw(waits)),
    ]
    for move in draw(st.lists(moves, min_size=2, max_size=7)):
        steps += move
    return Case(setups, tuple(steps))
