"""A market in memory with the real parameters, and a whole book or a few borrowers on it: no chain needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eth_utils import keccak, to_checksum_address

from forks.aave_v3.parameters import load_parameters
from protocol.aave_v3 import (
    Account,
    EModeCategory,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    ReserveId,
    rules_of,
)
from protocol.aave_v3.rule_set import RULE_SET
from protocol.units import RAY
from stress.aave_opening import AaveTerms, reserve_infos
from stress.book import load_book
from stress.engine import Crash
from stress.opening import Opening
from stress.prices import price_paths
from stress.rebuild import rebuild
from stress.scenario import FeedRules, Liquidator, Scenario, Shock
from stress.scenario_file import load_scenario

START = 1_742_379_600
LIQUIDITY_TOKENS = 10**9
ROUND_USD = {
    "WETH": 2_000, "wstETH": 2_400, "WBTC": 80_000, "USDC": 1, "DAI": 1, "LINK": 10, "AAVE": 160, "cbETH": 2_200,
    "USDT": 1,
}  # fmt: skip
"""Start prices of the small crashes: easy to reckon with."""

AT_ONCE = FeedRules(deviation_threshold_ppb=0, heartbeat_s=3_600, round_period_s=12, offchain_latency_s=0)
"""A feed that shows the market in every block of 12 s."""
RICH = Liquidator(name="rich", capital_usd=1e12, turnaround_s=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pledge:
    """A borrower of a small crash: token units by symbol, all supplies collateral."""

    supplies: Mapping[str, int] = field(default_factory=dict[str, int])
    borrows: Mapping[str, int] = field(default_factory=dict[str, int])
    emode: int = 0


def address(name: str) -> str:
    return name if name.startswith("0x") else to_checksum_address(keccak(text=name)[12:])


def empty_market(revision: str = "3.6") -> tuple[Market, dict[ReserveId, int]]:
    """Reserves with the carried mainnet parameters, much liquidity and no borrower; and their prices."""
    parameters = load_parameters()
    reserves = {
        index: Reserve(
            reserve_id=index,
            asset=p.mainnet_asset,
            symbol=p.symbol,
            config=ReserveConfig(
                decimals=p.decimals,
                ltv_bps=p.ltv_bps,
                liquidation_threshold_bps=p.liquidation_threshold_bps,
                liquidation_bonus_bps=p.liquidation_bonus_bps,
                liquidation_protocol_fee_bps=p.liquidation_protocol_fee_bps,
                reserve_factor_bps=p.reserve_factor_bps,
            ),
            strategy=RateStrategy(
                optimal_usage_ray=p.optimal_usage_bps * 10**23,
                base_variable_rate_ray=p.base_variable_rate_bps * 10**23,
                variable_slope1_ray=p.variable_slope1_bps * 10**23,
                variable_slope2_ray=p.variable_slope2_bps * 10**23,
            ),
            liquidity_index_ray=RAY + RAY // 37,
            variable_borrow_index_ray=RAY + RAY // 29,
            liquidity_rate_ray=RAY // 50,
            variable_borrow_rate_ray=RAY // 25,
            last_update_timestamp=START - 3_600,
            total_scaled_atoken=LIQUIDITY_TOKENS * 10**p.decimals,
            total_scaled_variable_debt=LIQUIDITY_TOKENS // 2 * 10**p.decimals,
            accrued_to_treasury_scaled=0,
            deficit=0,
            virtual_underlying_balance=LIQUIDITY_TOKENS // 2 * 10**p.decimals,
        )
        for index, p in enumerate(parameters.reserves)
    }
    ids = {reserve.symbol: index for index, reserve in reserves.items()}
    emodes = {
        e.emode_id: EModeCategory(
            emode_id=e.emode_id,
            ltv_bps=e.ltv_bps,
            liquidation_threshold_bps=e.liquidation_threshold_bps,
            liquidation_bonus_bps=e.liquidation_bonus_bps,
            collateral_bitmap=sum(1 << ids[symbol] for symbol in e.members),
        )
        for e in parameters.emodes
    }
    market = Market(
        rules=rules_of(revision), reserves=reserves, emodes=emodes, accounts={}, treasury=address("treasury")
    )
    return market, {index: p.price_base for index, p in enumerate(parameters.reserves)}


def with_book(market: Market, openings: Mapping[str, Opening | Pledge]) -> Market:
    """The market with every opening on it, each balance scaled by the stored index."""
    ids = {reserve.symbol: index for index, reserve in market.reserves.items()}
    accounts = dict(market.accounts)
    for user, opening in openings.items():
        positions: dict[ReserveId, Position] = {}
        for symbol in sorted({*opening.supplies, *opening.borrows}, key=ids.__getitem__):
            reserve = market.reserves[ids[symbol]]
            supplied, owed = opening.supplies.get(symbol, 0), opening.borrows.get(symbol, 0)
            positions[ids[symbol]] = Position(
                scaled_atoken=supplied * RAY // reserve.liquidity_index_ray,
                scaled_variable_debt=owed * RAY // reserve.variable_borrow_index_ray,
                collateral_enabled=supplied > 0,
                borrowing=owed > 0,
            )
        accounts[user] = Account(positions=positions, emode=opening.emode)
    return replace(market, accounts=accounts)


def pledge(supplies_usd: Mapping[str, float], borrows_usd: Mapping[str, float], emode: int = 0) -> Pledge:
    """A borrower by dollars at the round start prices."""
    market, _ = empty_market()
    decimals = {reserve.symbol: reserve.config.decimals for reserve in market.reserves.values()}

    def tokens(usd: Mapping[str, float]) -> dict[str, int]:
        return {
            symbol: round(value * 10 ** decimals[symbol]) // ROUND_USD[symbol]
            for symbol, value in usd.items()
        }

    return Pledge(supplies=tokens(supplies_usd), borrows=tokens(borrows_usd), emode=emode)


def small_scenario(
    weth: list[tuple[int, float]],
    *,
    n_steps: int,
    bots: tuple[Liquidator, ...] = (RICH,),
    feed: FeedRules = AT_ONCE,
    gwei: float = 0,
    outages: tuple[tuple[int, int], ...] = (),
) -> Scenario:
    """Ether alone moves, along (step, ratio) knots; blocks of 12 s; every feed the same; gas of 400,000 units."""
    return Scenario(
        name="small",
        seconds_per_step=12,
        n_steps=n_steps,
        seed=1,
        shocks={
            "default": Shock(knots=((0, 10**6),)),
            "WETH": Shock(knots=tuple((12 * step, round(ratio * 10**6)) for step, ratio in weth)),
        },
        feeds={"default": feed},
        liquidators=bots,
        gas_units=400_000,
        gas_price_gwei=((0, gwei),),
        gas_token="LINK",  # noqa: S106  (a coin)
        transmission_outages=outages,
    )


def small_crash(scenario: Scenario, pledges: Mapping[str, Pledge], revision: str = "3.6") -> Crash:
    """A crash that happens to these borrowers alone, by name."""
    market, _ = empty_market(revision)
    start = {symbol: usd * 10**8 for symbol, usd in ROUND_USD.items()}
    market = with_book(market, {address(name): pledged for name, pledged in pledges.items()})
    return _crash(market, scenario, start, tuple(address(name) for name in pledges))


def crash_of(
    scenario: Scenario | None = None, book: str = "default", revision: str = "3.6", only: str | None = None
) -> Crash:
    """The default crash on the default book, in memory."""
    scenario = scenario or load_scenario("crash")
    market, prices = empty_market(revision)
    plan = rebuild(load_book(book), reserve_infos(market, prices), AaveTerms(market.rules))
    openings = {address(o.borrower.name): o for o in plan.openings if only is None or o.borrower.name == only}
    market = with_book(market, openings)
    start = {reserve.symbol: prices[index] for index, reserve in market.reserves.items()}
    return _crash(market, scenario, start, tuple(openings))


def _crash(
    market: Market, scenario: Scenario, start_base: Mapping[str, int], borrowers: tuple[str, ...]
) -> Crash:
    return Crash(
        rules=RULE_SET,
        market=market,
        scenario=scenario,
        prices=price_paths(scenario, start_base, START),
        bots={bot.name: address(bot.name) for bot in scenario.liquidators},
        borrowers=borrowers,
    )
