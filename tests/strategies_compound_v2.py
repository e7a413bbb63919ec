"""Hypothesis strategies that draw whole cases for Compound v2: its settings, an opening and then steps.

A step names users and markets by number and amounts by their size: what they come to is settled when the step is
taken, against what the contracts say then, so that most steps are near a limit and many go through. Some cases begin
with numbers written straight into storage, of any magnitude: there the arithmetic overflows.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from protocol.units import MAX_UINT256, WAD
from tests.steps import Pick, Size
from tests.steps_compound_v2 import (
    CENT,
    LENDER,
    LIQUIDATOR,
    N_MARKETS,
    N_USERS,
    AccrueInterest,
    Act,
    Borrow,
    Case,
    Configure,
    ConfigurePool,
    Deprecate,
    Donate,
    EnterMarkets,
    ExitMarket,
    Generation,
    Liquidate,
    MarketSetup,
    Mint,
    Pause,
    Redeem,
    RedeemUnderlying,
    Repay,
    Reserves,
    SetPrice,
    Steer,
    Step,
    Store,
    StorePosition,
    Wait,
)

PERCENT = WAD // 100
YEAR = 2_102_400
"""[blocks]"""
AEON = 2**32
"""[blocks] In which interest comes to more than can be told."""
EVERY = tuple(range(N_MARKETS))

GENERATIONS: tuple[Generation, ...] = (
    *("Comptroller", "Comptroller", "Comptroller", "Comptroller", "Comptroller"),
    *("ComptrollerG5", "ComptrollerG5", "ComptrollerG2", "ComptrollerG2"),
    *("ComptrollerG1", "ComptrollerG3", "ComptrollerG4", "ComptrollerG6", "ComptrollerG7"),
)
generations = st.sampled_from(GENERATIONS)
users = st.integers(0, N_USERS - 1)
borrowers = st.sampled_from((0, 0, 0, 0, 1))
markets = st.integers(0, N_MARKETS - 1)
mostly = st.sampled_from((True,) * 7 + (False,))
seldom = mostly.map(lambda usual: not usual)
picks = st.builds(Pick, st.integers(0, 5), mostly)
limits = st.sampled_from(
    (
        Size(),
        Size(),
        Size(permille=500),
        Size(permille=500, offset=1),
        Size(offset=1),
        Size(offset=-1),
        Size(offset=2),
        Size(fixed=0),
        Size(fixed=1),
        Size(fixed=2),
        Size(fixed=2**180),
        Size(fixed=MAX_UINT256),
    )
)
shares = st.builds(Size, st.integers(1, 1000))
sizes = st.one_of(shares, limits)
nearly = st.sampled_from((Size(), Size(), Size(permille=999), Size(permille=950), Size(offset=-1)))
brinks = st.sampled_from((Size(), Size(), Size(offset=1), Size(offset=1), Size(offset=-1)))
usual_waits = (0, 0, 1, 1, 2, 100, 6_500, 200_000, YEAR, 10 * YEAR)
waits = st.sampled_from((*usual_waits * 4, -1, AEON)).map(Wait)

setups = st.builds(
    MarketSetup,
    st.sampled_from((75, 75, 75, 75, 50, 60, 90, 0)).map(lambda percent: percent * PERCENT),
    st.sampled_from((0, 10 * PERCENT, 25 * PERCENT, 123_456_789_012_345_678, WAD)),
    st.sampled_from((0, 0, 1, 2, 3)),
    st.sampled_from((10**6, 2_000 * 10**6, 50_123_457, 300_000, 7, 60_000 * 10**6)),
    st.sampled_from((1000, 1000, 100, 10, 10, 1)),
    st.sampled_from((None,) * 15 + (2, 500, 1)),
)

mints = st.builds(Mint, users, markets, sizes)
small = st.sampled_from((1, 2, 99, 101, 10**9, 2 * 10**8 + 1)).map(lambda amount: Size(fixed=amount))
"""About what one unit of a cToken is worth."""
redemptions = st.one_of(
    st.builds(Redeem, users, picks, sizes),
    st.builds(RedeemUnderlying, users, picks, st.one_of(sizes, small), seldom),
)
drains = st.builds(
    RedeemUnderlying,
    st.just(LENDER),
    picks,
    st.one_of(nearly, st.just(Size(offset=1))),
    st.just(True),
)
loans = st.builds(Borrow, borrowers, picks, sizes, seldom)
repayments = st.builds(Repay, users, borrowers, picks, sizes, seldom)
entries = st.builds(EnterMarkets, users, st.lists(markets, min_size=1, max_size=4).map(tuple))
exits = st.builds(ExitMarket, users, picks)
ordinary = st.one_of(
    *(mints, redemptions, drains, loans, loans, repayments, repayments, entries, exits),
    st.builds(AccrueInterest, markets),
    st.builds(Reserves, markets, sizes, st.booleans()),
    st.builds(Donate, markets, sizes),
)

fields = st.one_of(
    st.builds(
        Configure, markets, st.just("collateral factor"), st.sampled_from((0, 50 * PERCENT, 90 * PERCENT))
    ),
    st.builds(Configure, markets, st.just("reserve factor"), st.sampled_from((0, WAD, 20 * PERCENT))),
    st.builds(Configure, markets, st.just("curve"), st.integers(0, 3)),
    st.builds(Configure, markets, st.just("borrow cap"), st.sampled_from((0, 1000, 1001, 2000))),
    st.builds(Configure, markets, st.just("listed"), st.sampled_from((0, 0, 1))),
    st.builds(Configure, st.just(CENT), st.just("fee"), st.sampled_from((0, 1, 10_000, 37))),
)
of_pool = st.one_of(
    st.builds(
        ConfigurePool, st.just("close factor"), st.sampled_from((6, 50, 90)).map(lambda one: one * PERCENT)
    ),
    st.builds(ConfigurePool, st.just("incentive"), st.sampled_from((WAD, 105 * PERCENT, 150 * PERCENT))),
    st.builds(ConfigurePool, st.just("most markets"), st.integers(0, 4)),
)
pauses = st.builds(Pause, markets, st.sampled_from(("mint", "borrow", "seize")), mostly)
rare: st.SearchStrategy[Act] = st.one_of(
    st.builds(SetPrice, markets, st.sampled_from((0, 0, 1, 10**18, 10**30, 2**200, 2**255, MAX_UINT256))),
    fields,
    of_pool,
    pauses,
    st.builds(Deprecate, borrowers, picks, st.sampled_from((3, 3, 3, 1, 2))),
)

steers = st.builds(
    Steer,
    st.just(0),
    st.one_of(
        st.integers(700, 1010), st.integers(950, 1005), st.sampled_from((1000, 999, 1001, 500, 100, 1, 2000))
    ),
    seldom,
    mostly,
    st.sampled_from((0, 0, 0, 1, -1)),
)
falls = st.builds(Steer, st.just(0), st.integers(500, 999), st.just(False), mostly)
"""After which the account is short."""
liquidations = st.builds(
    Liquidate,
    st.sampled_from((LENDER, LIQUIDATOR, LIQUIDATOR, LIQUIDATOR, 1, 1, 0)),
    st.just(0),
    picks,
    picks,
    st.one_of(shares, shares, brinks, limits),
    st.sampled_from(("close factor", "close factor", "close factor", "collateral", "collateral", "debt")),
)


@st.composite
def crashes(draw: st.DrawFn) -> list[Step]:
    """Prices move against an account, now and then something else happens, then up to three liquidations."""
    user = draw(borrowers)
    steps: list[Step] = [replace(draw(st.one_of(falls, falls, steers)), user=user)]
    if not draw(mostly):
        steps.append(draw(st.one_of(ordinary, rare, waits)))
    called = draw(st.lists(liquidations, min_size=1, max_size=3))
    return [*steps, *(replace(call, borrower=user) for call in called)]


@st.composite
def openings(draw: st.DrawFn) -> list[Step]:
    """One or two supply in one market or two, enter them, or all, and borrow."""
    steps: list[Step] = []
    for user in draw(st.sampled_from(((0,), (0,), (0, 1)))):
        held = draw(st.sampled_from(((0,), (1,), (2,), (3,), (0, 1), (2, 0), (1, 2), (3, 0))))
        steps += [Mint(user, market, Size(draw(st.sampled_from((1000, 500, 10, 2))))) for market in held]
        steps.append(EnterMarkets(user, draw(st.sampled_from((held, EVERY, EVERY)))))
        for n in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
            whole = Size(draw(st.integers(300, 1000)))
            steps.append(Borrow(user, Pick(n, draw(mostly)), whole, of_liquidity=False))
    return steps


@st.composite
def magnitudes(draw: st.DrawFn) -> int:
    """Any number of up to 140 bits, the small ones as often as the great; now and then of more."""
    most = draw(st.sampled_from((140,) * 5 + (195, 195, 255)))
    return draw(st.integers(0, 2 ** draw(st.integers(0, most)) - 1))


numbers = st.one_of(magnitudes(), magnitudes(), st.sampled_from((0, 1, WAD, 2**140 - 1)))
cash = numbers.map(lambda number: min(number, 2**180))
"""What a cToken can hold of an asset so that nobody's balance overflows."""
indices = st.one_of(st.integers(WAD, 100 * WAD), numbers)
alike = st.integers(0, 10**9)
quiet_stores = st.builds(Store, markets, *[alike] * 4, st.integers(WAD, 10 * WAD))
WILD = (
    st.one_of(st.builds(Store, markets, cash, *[numbers] * 3, indices), quiet_stores),
    st.builds(StorePosition, borrowers, markets, numbers, numbers, indices),
)
"""Markets and positions of any numbers."""
COUNTABLE = (
    st.one_of(
        st.builds(Store, markets, cash, *[numbers] * 3, indices.map(lambda one: min(max(one, 1), 2**100))),
        quiet_stores,
    ),
    st.builds(
        StorePosition,
        borrowers,
        markets,
        numbers,
        numbers.map(lambda one: min(one, 2**120)),
        indices.map(lambda one: max(one, 2**60)),
    ),
)
"""The same with debts that can be told and have no more than 196 bits: since G3 COMP counts them whenever somebody
repays, reverts where it cannot, and is left out of the model."""


@st.composite
def writings(draw: st.DrawFn, comptroller: Generation) -> list[Step]:
    """Any numbers in a market or two and in the positions of who borrows."""
    stores, holdings = WILD if comptroller in {"ComptrollerG1", "ComptrollerG2"} else COUNTABLE
    steps: list[Step] = [
        *draw(st.lists(stores, min_size=1, max_size=2)),
        *draw(st.lists(holdings, max_size=3)),
    ]
    steps.append(EnterMarkets(0, draw(st.sampled_from((EVERY, (0,), (1, 2), (3,))))))
    if draw(seldom):
        steps.append(Wait(AEON))
    return [*steps, *draw(st.lists(st.one_of(ordinary, ordinary, liquidations), max_size=3))]


@st.composite
def forbidden(draw: st.DrawFn) -> list[Step]:
    """Something is paused or not listed in a market, and then somebody means to do it there."""
    market = draw(markets)
    here, little = Pick(market, used=False), Size(permille=1)
    tried: dict[str, Step] = {
        "mint": Mint(0, market, little),
        "borrow": Borrow(0, here, little, of_liquidity=False),
    }
    if draw(st.booleans()):
        action = draw(st.sampled_from(("mint", "borrow", "seize")))
        pause = Pause(market, action, on=True)
        return [pause, tried[action]] if action in tried else [pause]  # a crash follows
    more: list[Step] = [
        *tried.values(),
        Redeem(LENDER, here, little),
        Repay(LIQUIDATOR, 0, here, little, on_behalf=True),
        EnterMarkets(0, (market,)),
        ExitMarket(0, here),
    ]
    return [Configure(market, "listed", 0), draw(st.sampled_from(more))]


KINDS = (ordinary,) * 6 + (waits, rare)


@st.composite
def rounds(draw: st.DrawFn) -> list[Step]:
    """What users do, now and then what is rare, time, and a crash."""
    steps: list[Step] = [draw(draw(st.sampled_from(KINDS))) for _ in range(draw(st.integers(0, 3)))]
    if not draw(mostly):
        steps += draw(forbidden())
    return [*steps, draw(waits), *draw(crashes())]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Markets with some supply and some debt in them, or with any numbers, then one or two rounds."""
    comptroller = draw(generations)
    written = draw(st.integers(0, 5)) == 0
    steps = draw(writings(comptroller)) if written else draw(openings())
    for _ in range(draw(st.sampled_from((1, 1, 1, 2)))):
        steps += draw(rounds())
    return Case(
        comptroller,
        draw(st.sampled_from((50, 50, 90, 6))) * PERCENT,
        draw(st.sampled_from((108, 105, 110, 100))) * PERCENT + draw(st.sampled_from((0, 0, 7))),
        draw(st.sampled_from((20, 20, 20, 20, 20, 2))),
        draw(st.sampled_from((0, 0, 10, 100))),
        draw(st.tuples(*[setups] * N_MARKETS)),
        tuple(steps),
    )
