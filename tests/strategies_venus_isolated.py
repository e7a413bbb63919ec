"""Hypothesis strategies that draw whole cases for a Venus isolated pool: its settings, an opening and then steps.

A step names users and markets by number and amounts by their size: what they come to is settled when the step is
taken, against what the contracts say then, so that most steps are near a limit and many go through. Some cases begin
with numbers written straight into storage, of any magnitude: there the arithmetic overflows.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from protocol.units import MAX_UINT256, WAD
from protocol.venus_isolated import Action
from tests.steps import Pick, Size
from tests.steps_venus_isolated import (
    BIDDER,
    LENDER,
    N_MARKETS,
    N_USERS,
    AccrueInterest,
    Act,
    AddReserves,
    Borrow,
    Case,
    CloseAuction,
    Configure,
    ConfigurePool,
    Deprecate,
    EnterMarkets,
    ExitMarket,
    FundRisk,
    Heal,
    Liquidate,
    LiquidateAccount,
    MarketSetup,
    Mint,
    Pause,
    PauseAuctions,
    PlaceBid,
    Redeem,
    RedeemUnderlying,
    ReduceReserves,
    Repay,
    RestartAuction,
    SetMinimum,
    SetPrice,
    StartAuction,
    Steer,
    Step,
    Store,
    StoreBadDebt,
    StorePosition,
    Transfer,
    Wait,
)

PERCENT = WAD // 100
YEAR = 10_512_000
"""[blocks]"""


def _fixed(amount: int) -> Size:
    return Size(fixed=amount)


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
        Size(fixed=2**200),
        Size(fixed=MAX_UINT256),
    )
)
shares = st.builds(Size, st.integers(1, 1000))
sizes = st.one_of(shares, limits)
nearly = st.sampled_from((Size(), Size(), Size(permille=999), Size(permille=950), Size(offset=-1)))
waits = st.sampled_from((0, 0, 1, 1, 2, 100, 28_800, 200_000, YEAR, 10 * YEAR)).map(Wait)

setups = st.builds(
    MarketSetup,
    st.sampled_from((75, 75, 75, 50, 90, 0)).map(lambda percent: percent * PERCENT),
    st.sampled_from((5, 5, 0, 10)).map(lambda percent: percent * PERCENT),
    st.sampled_from((0, 10 * PERCENT, 25 * PERCENT, 123_456_789_012_345_678, WAD)),
    st.sampled_from((5 * PERCENT, 5 * PERCENT, 0, 1)),
    st.sampled_from((0, 0, 0, 1, 2)),
    st.sampled_from((10**6, 1_000 * 10**6, 50_123_457, 300_000, 7, 60_000 * 10**6)),
    st.sampled_from((1000, 1000, 100, 10, 10, 1)),
    st.sampled_from((None,) * 9 + (1_002, 1_500)),
    st.sampled_from((None,) * 9 + (2, 500, 0)),
)

mints = st.builds(Mint, users, markets, sizes)
small = st.sampled_from((1, 2, 99, 101, 10**9, 10**10 + 1)).map(_fixed)
"""About what one unit of a vToken is worth."""
redemptions = st.one_of(
    st.builds(Redeem, users, picks, sizes),
    st.builds(RedeemUnderlying, users, picks, st.one_of(sizes, small), seldom),
)
drains = st.builds(RedeemUnderlying, st.just(LENDER), picks, nearly, st.just(True))
loans = st.builds(Borrow, borrowers, picks, sizes, seldom)
repayments = st.builds(Repay, users, borrowers, picks, sizes)
transfers = st.builds(Transfer, users, users, picks, sizes)
entries = st.builds(EnterMarkets, users, st.lists(markets, min_size=1, max_size=4).map(tuple))
exits = st.builds(ExitMarket, users, picks)
ordinary = st.one_of(
    *(mints, redemptions, drains, loans, loans, repayments, transfers, entries, exits),
    st.builds(AccrueInterest, markets),
    st.builds(AddReserves, markets, sizes),
    st.builds(ReduceReserves, markets, sizes, seldom),
)

fields = st.one_of(
    st.builds(Configure, markets, st.just("factors"), st.sampled_from((0, 50 * PERCENT, 90 * PERCENT))),
    st.builds(Configure, markets, st.just("reserve factor"), st.sampled_from((0, WAD, 20 * PERCENT))),
    st.builds(Configure, markets, st.just("seize share"), st.sampled_from((0, 3 * PERCENT, 8 * PERCENT))),
    st.builds(Configure, markets, st.just("curve"), st.integers(0, 2)),
    st.builds(
        Configure, markets, st.sampled_from(("supply cap", "borrow cap")), st.sampled_from((0, 1000, 1001))
    ),
)
of_pool = st.one_of(
    st.builds(
        ConfigurePool, st.just("close factor"), st.sampled_from((5, 50, 90)).map(lambda one: one * PERCENT)
    ),
    st.builds(ConfigurePool, st.just("incentive"), st.sampled_from((WAD, 105 * PERCENT, 150 * PERCENT))),
)
pauses = st.builds(Pause, markets, st.sampled_from(list(Action)), mostly)
rare: st.SearchStrategy[Act] = st.one_of(
    st.builds(SetPrice, markets, st.sampled_from((0, 0, 1, 10**18, 10**30, 2**200, 2**255, MAX_UINT256))),
    fields,
    of_pool,
    pauses,
    pauses,
    st.builds(Deprecate, borrowers, picks, st.sampled_from((3, 3, 3, 1, 2))),
)

bad_debts = st.builds(
    StoreBadDebt, markets, st.one_of(shares, st.sampled_from((0, 1, 2, 9_999, 2**200)).map(_fixed))
)

steers = st.builds(
    Steer,
    st.just(0),
    st.one_of(
        st.integers(700, 1010), st.integers(950, 1005), st.sampled_from((1000, 999, 1001, 500, 100, 1, 2000))
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from((0, 0, 0, 1, -1)),
)
minimums = st.builds(
    SetMinimum, st.just(0), st.sampled_from((1000, 1000, 1000, 900, 2000, 0)), st.sampled_from((0, 0, 1, -1))
)
liquidators = st.sampled_from((LENDER, BIDDER, BIDDER, 1, 0))
liquidations = st.builds(
    Liquidate,
    liquidators,
    st.just(0),
    picks,
    picks,
    st.one_of(shares, nearly, limits),
    st.sampled_from(("close factor", "close factor", "debt", "collateral", "collateral")),
)
batches = st.builds(
    LiquidateAccount,
    liquidators,
    st.just(0),
    st.lists(picks, min_size=1, max_size=3).map(tuple),
    st.sampled_from((Size(),) * 7 + (Size(offset=-1), Size(offset=1), Size(permille=500), Size(fixed=0))),
    st.sampled_from((1, 1, 1, 2, 3, 10)),
)
healings = st.builds(Heal, liquidators, st.just(0))
calls = st.one_of(liquidations, liquidations, batches, healings, healings)


def _crash(permilles: st.SearchStrategy[int], *, to_incentive: bool) -> st.SearchStrategy[Steer]:
    offsets = st.sampled_from((0, 0, 0, 1, -1))
    return st.builds(Steer, st.just(0), permilles, st.just(to_incentive), mostly, offsets)


CRASHES = {
    "regular": (
        _crash(st.one_of(st.integers(850, 1001), st.sampled_from((1000, 999, 500, 100))), to_incentive=False),
        st.builds(SetMinimum, st.just(0), st.sampled_from((0, 500, 500, 1000)), st.sampled_from((0, -1, -1))),
        liquidations,
    ),
    "whole": (  # worth more than debts and incentive, if less than what the threshold asks
        _crash(st.one_of(st.integers(999, 1150), st.integers(1001, 1060)), to_incentive=True),
        st.builds(SetMinimum, st.just(0), st.just(1000), st.sampled_from((0, 0, 0, 1, -1))),
        batches,
    ),
    "heal": (
        _crash(st.one_of(st.integers(500, 1001), st.sampled_from((1000, 999, 100, 1))), to_incentive=True),
        st.builds(SetMinimum, st.just(0), st.just(1000), st.sampled_from((0, 0, 0, 1, -1))),
        healings,
    ),
    "any": (steers, minimums, calls),
}
"""Where the prices go, which accounts are small then, and which calls have something to do."""


@st.composite
def crashes(draw: st.DrawFn) -> list[Step]:
    """Prices move against an account, now and then something else happens, then up to three calls."""
    user = draw(borrowers)
    steps: list[Step] = [] if draw(mostly) else [draw(bad_debts)]
    fall, minimum, fitting = CRASHES[draw(st.sampled_from(("regular", "regular", "whole", "heal", "any")))]
    steps += [replace(draw(fall), user=user), replace(draw(minimum), user=user)]
    if not draw(mostly):
        steps.append(draw(st.one_of(ordinary, rare, waits, bad_debts)))
    found = [draw(fitting), *draw(st.lists(st.one_of(fitting, fitting, fitting, calls), max_size=2))]
    return [*steps, *(replace(call, borrower=user) for call in found)]


@st.composite
def openings(draw: st.DrawFn) -> list[Step]:
    """One or two supply in one market or two, enter them, and borrow."""
    steps: list[Step] = []
    for user in draw(st.sampled_from(((0,), (0,), (0, 1)))):
        held = draw(st.sampled_from(((0,), (1,), (2,), (0, 1), (2, 0), (1, 2))))
        steps += [Mint(user, market, Size(draw(st.sampled_from((1000, 500, 10, 2))))) for market in held]
        steps.append(EnterMarkets(user, held))
        for n in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
            whole = Size(draw(st.integers(300, 1000)))
            steps.append(Borrow(user, Pick(n, draw(mostly)), whole, of_liquidity=False))
    return steps


bids = st.builds(
    PlaceBid,
    st.sampled_from((BIDDER, LENDER, 1)),
    st.sampled_from((0, 0, 1, -1, 5, -5, 100, -100, 2_000, -2_000)),
    st.sampled_from((None,) * 12 + (0, 1, 10_000, 10_001)),
    st.sampled_from((False,) * 11 + (True,)),
)
first_bids = st.builds(PlaceBid, st.just(BIDDER), st.sampled_from((0, 0, 0, 1, -1)))
block_waits = st.sampled_from((0, 1, 1, 50, 99, 100, 101, 101, 200)).map(Wait)
of_house = st.one_of(
    st.builds(ConfigurePool, st.just("auction incentive"), st.sampled_from((1, 1_000, 10_000))),
    st.builds(
        ConfigurePool, st.sampled_from(("first bid", "next bid")), st.sampled_from((1, 100, MAX_UINT256))
    ),
    st.builds(ConfigurePool, st.just("least debt"), st.sampled_from((0, 1_000 * WAD, 10**30))),
    st.builds(PauseAuctions, st.booleans()),
    st.builds(SetPrice, markets, st.sampled_from((0, 10**18, 10**30))),
)
funds = st.builds(
    FundRisk,
    st.sampled_from((0, 100, 500, 999, 1000, 1000, 1001, 2000, 5000)),
    st.sampled_from((0, 0, 1, -1, 2)),
)
auction_steps = st.one_of(
    *(bids, bids, bids, block_waits, block_waits, st.builds(CloseAuction), st.builds(CloseAuction)),
    *(st.builds(StartAuction), st.builds(RestartAuction), of_house, bad_debts, funds),
)


@st.composite
def bidding(draw: st.DrawFn) -> list[Step]:
    """Bids, and an end when nobody may bid any more, or a block too early."""
    steps: list[Step] = [draw(first_bids), *draw(st.lists(bids, max_size=2))]
    return [*steps, Wait(draw(st.sampled_from((101, 101, 100)))), CloseAuction()]


@st.composite
def waiting(draw: st.DrawFn) -> list[Step]:
    """Nobody bids in time, or only just."""
    late: list[Step] = [draw(first_bids), RestartAuction()]
    return [Wait(draw(st.sampled_from((100, 101)))), *draw(st.permutations(late))]


@st.composite
def auctions(draw: st.DrawFn) -> list[Step]:
    """Bad debt, something to sell, and then what bidders do."""
    steps: list[Step] = draw(st.lists(bad_debts, min_size=1, max_size=2))
    steps += [draw(funds), StartAuction()]
    if draw(mostly):
        steps += draw(st.one_of(bidding(), waiting()))
    return [*steps, *draw(st.lists(auction_steps, max_size=5))]


@st.composite
def magnitudes(draw: st.DrawFn) -> int:
    """Any number of up to 140 bits, the small ones as often as the great."""
    return draw(st.integers(0, 2 ** draw(st.integers(0, 140)) - 1))


numbers = st.one_of(magnitudes(), magnitudes(), st.sampled_from((0, 1, WAD, 2**140 - 1)))
indices = st.one_of(st.integers(WAD, 100 * WAD), numbers)
alike = st.integers(0, 10**9)
stores = st.one_of(
    st.builds(Store, markets, *[numbers] * 5, indices),
    st.builds(Store, markets, *[alike] * 5, st.integers(WAD, 10 * WAD)),
)
holdings = st.builds(StorePosition, borrowers, markets, numbers, numbers, indices)


@st.composite
def writings(draw: st.DrawFn) -> list[Step]:
    """Any numbers in a market or two and in the positions of who borrows."""
    steps: list[Step] = [
        *draw(st.lists(stores, min_size=1, max_size=2)),
        *draw(st.lists(holdings, max_size=3)),
    ]
    steps.append(EnterMarkets(0, draw(st.sampled_from(((0, 1, 2), (0,), (1, 2))))))
    return [*steps, *draw(st.lists(st.one_of(ordinary, exits), max_size=3))]


KINDS = (ordinary,) * 6 + (waits, rare)


@st.composite
def forbidden(draw: st.DrawFn) -> list[Step]:
    """One action is paused in a market, and then somebody means to do it there."""
    market, action = draw(markets), draw(st.sampled_from(list(Action)))
    here, little = Pick(market, used=False), Size(permille=1)
    tried: dict[Action, Step] = {
        Action.MINT: Mint(0, market, little),
        Action.REDEEM: Redeem(LENDER, here, little),
        Action.BORROW: Borrow(0, here, little, of_liquidity=False),
        Action.REPAY: Repay(BIDDER, 0, here, little),
        Action.TRANSFER: Transfer(LENDER, BIDDER, here, little),
        Action.ENTER_MARKET: draw(
            st.sampled_from((EnterMarkets(0, (market,)), Borrow(0, here, little, of_liquidity=False)))
        ),
        Action.EXIT_MARKET: ExitMarket(0, here),
    }
    pause = Pause(market, action, on=True)
    return [pause, tried[action]] if action in tried else [pause]  # a crash follows


@st.composite
def rounds(draw: st.DrawFn) -> list[Step]:
    """What users do, now and then what is rare, time, and a crash, which an auction may follow."""
    steps: list[Step] = [draw(draw(st.sampled_from(KINDS))) for _ in range(draw(st.integers(0, 2)))]
    if not draw(mostly):
        steps += draw(forbidden())
    steps += [draw(waits), *draw(crashes())]
    return steps if draw(mostly) else steps + draw(auctions())


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A pool with some supply and some debt in it, or with any numbers, then up to three rounds; or an auction."""
    kind = draw(st.integers(0, 12))
    if kind in {0, 1}:
        steps = draw(auctions())
    else:
        steps = draw(writings()) if kind in {2, 3} else draw(openings())
        for _ in range(draw(st.sampled_from((1, 1, 1, 2)))):
            steps += draw(rounds())
    return Case(
        draw(st.sampled_from((50, 50, 90, 5))) * PERCENT,
        draw(st.sampled_from((110, 105, 105, 108))) * PERCENT + draw(st.sampled_from((0, 0, 7))),
        draw(st.sampled_from((0, 100, 100, 1_000, 10**5))) * WAD,
        draw(st.tuples(*[setups] * N_MARKETS)),
        tuple(steps),
    )
