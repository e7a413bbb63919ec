"""Every recorded figure, asked again of the market's own getters."""

from __future__ import annotations

from collections.abc import Iterator

from forks.aave_v3.mainnet_19471508.figures import Figures, ReserveFigures
from forks.aave_v3.mainnet_19471508.market import RESERVE_DATA
from forks.aave_v3.mainnet_19471508.placement import view
from forks.errors import ForkError
from forks.node import Node

Value = int | str
Comparison = tuple[str, Value, Value]
"""Name of the figure, as recorded, as the node answers."""


class FiguresDiffer(ForkError):
    """Getters of the built market that do not answer the recorded figure."""

    def __init__(self, differing: list[Comparison]) -> None:
        self.differing = differing
        name, recorded, found = differing[0]
        super().__init__(
            f"{len(differing)} figures differ from the record, first {name}: {recorded} there, {found} here"
        )


def require_figures(node: Node, figures: Figures) -> None:
    """Raise FiguresDiffer unless the node answers every figure as recorded."""
    differing = [
        comparison for comparison in compare_figures(node, figures) if comparison[1] != comparison[2]
    ]
    if differing:
        raise FiguresDiffer(differing)


def compare_figures(node: Node, figures: Figures) -> list[Comparison]:
    """Each figure of the record beside the node's answer; addresses in lower case."""
    compared = [*_market(node, figures)]
    for reserve in figures.reserves:
        compared += [*_reserve_data(node, figures, reserve), *_totals(node, figures, reserve)]
        compared += _strategy(node, reserve)
    return compared


def _market(node: Node, figures: Figures) -> Iterator[Comparison]:
    pool, provider = figures.address("Pool"), figures.address("PoolAddressesProvider")
    listed = ",".join(reserve.asset.lower() for reserve in figures.reserves)
    yield "reserves list", listed, ",".join(view(node, pool, "getReservesList()", "address[]"))
    stable_size = view(node, pool, "MAX_STABLE_RATE_BORROW_SIZE_PERCENT()", "uint256")
    yield "maximum stable rate borrow size", figures.max_stable_rate_borrow_size_bps, stable_size
    for getter, address in (
        ("getPriceOracle()", figures.address("AaveOracle")),
        ("getACLManager()", figures.address("ACLManager")),
        ("getACLAdmin()", figures.acl_admin),
    ):
        yield getter, address.lower(), view(node, provider, getter, "address")


def _reserve_data(node: Node, figures: Figures, reserve: ReserveFigures) -> Iterator[Comparison]:
    """The fields of `DataTypes.ReserveData`, in its order."""
    recorded: dict[str, Value] = {
        "configuration": reserve.configuration,
        "liquidity index": reserve.liquidity_index_ray,
        "liquidity rate": reserve.liquidity_rate_ray,
        "variable borrow index": reserve.variable_borrow_index_ray,
        "variable borrow rate": reserve.variable_borrow_rate_ray,
        "stable borrow rate": reserve.stable_borrow_rate_ray,
        "last update timestamp": reserve.last_update_timestamp,
        "reserve id": reserve.reserve_id,
        "aToken": reserve.atoken.lower(),
        "stable debt token": reserve.stable_debt_token.lower(),
        "variable debt token": reserve.variable_debt_token.lower(),
        "rate strategy": reserve.strategy.lower(),
        "accrued to treasury": reserve.accrued_to_treasury_scaled,
        "unbacked": reserve.unbacked,
        "isolation mode total debt": reserve.isolation_mode_total_debt,
    }
    found = view(node, figures.address("Pool"), "getReserveData(address)", RESERVE_DATA, reserve.asset)
    for (name, value), answer in zip(recorded.items(), found, strict=True):
        yield f"{reserve.symbol} {name}", value, answer


def _totals(node: Node, figures: Figures, reserve: ReserveFigures) -> Iterator[Comparison]:
    oracle = figures.address("AaveOracle")
    for name, recorded, found in (
        ("aToken scaled supply", reserve.total_scaled_atoken, view(node, reserve.atoken, _SCALED, "uint256")),
        (
            "scaled debt",
            reserve.total_scaled_variable_debt,
            view(node, reserve.variable_debt_token, _SCALED, "uint256"),
        ),
        (
            "treasury's scaled aToken",
            reserve.treasury_scaled_atoken,
            view(node, reserve.atoken, "scaledBalanceOf(address)", "uint256", figures.treasury),
        ),
        (
            "treasury's last index",
            reserve.treasury_last_index_ray,
            view(node, reserve.atoken, "getPreviousIndex(address)", "uint256", figures.treasury),
        ),
        (
            "underlying held by the aToken",
            reserve.underlying_held_by_atoken,
            view(node, reserve.asset, "balanceOf(address)", "uint256", reserve.atoken),
        ),
        (
            "price source",
            reserve.price_source.lower(),
            view(node, oracle, "getSourceOfAsset(address)", "address", reserve.asset),
        ),
        ("price", reserve.price_base, view(node, oracle, "getAssetPrice(address)", "uint256", reserve.asset)),
    ):
        yield f"{reserve.symbol} {name}", recorded, found


def _strategy(node: Node, reserve: ReserveFigures) -> Iterator[Comparison]:
    curve = reserve.rate_strategy
    for getter, recorded in (
        ("OPTIMAL_USAGE_RATIO()", curve.optimal_usage_ratio_ray),
        ("OPTIMAL_STABLE_TO_TOTAL_DEBT_RATIO()", curve.optimal_stable_to_total_debt_ratio_ray),
        ("getBaseVariableBorrowRate()", curve.base_variable_borrow_rate_ray),
        ("getVariableRateSlope1()", curve.variable_rate_slope1_ray),
        ("getVariableRateSlope2()", curve.variable_rate_slope2_ray),
        ("getStableRateSlope1()", curve.stable_rate_slope1_ray),
        ("getStableRateSlope2()", curve.stable_rate_slope2_ray),
        ("getStableRateExcessOffset()", curve.stable_rate_excess_offset_ray),
        ("getBaseStableBorrowRate()", curve.variable_rate_slope1_ray + curve.base_stable_rate_offset_ray),
    ):
        yield f"{reserve.symbol} strategy {getter}", recorded, view(node, reserve.strategy, getter, "uint256")


_SCALED = "scaledTotalSupply()"
