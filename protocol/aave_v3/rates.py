"""Interest rates: a kinked line over the share of the liquidity that is borrowed.

Mirrors `calculateInterestRates`, src/contracts/misc/DefaultReserveInterestRateStrategyV2.sol@v3.6.0 and
contracts/protocol/pool/DefaultReserveInterestRateStrategy.sol (aave/aave-v3-core@v1.19.3, and v1.16.2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.interest import stable_debt_total
from protocol.aave_v3.revisions import Rules
from protocol.aave_v3.state import RateStrategy, Reserve
from protocol.aave_v3.variants import Borrowed
from protocol.errors import EvmRevert
from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.fixed_point.uint256 import add, sub, to_uint
from protocol.fixed_point.wad_ray import ray_div_half_up, ray_mul_half_up
from protocol.units import BPS, MAX_UINT128, RAY

TRANSFER_EXCEEDS_BALANCE = "ERC20: transfer amount exceeds balance"
"""The error of the asset's own contract, as most of them word it."""


class Rates(NamedTuple):
    """Yearly rates of one reserve. [ray]"""

    liquidity_ray: int
    variable_ray: int
    stable_ray: int
    """Of a new stable loan, up to v3.0.2; 0 from v3.1 on."""


def with_new_rates(
    reserve: Reserve, rules: Rules, *, added: int = 0, taken: int = 0, stable_debt: int | None = None
) -> Reserve:
    """`updateInterestRatesAndVirtualBalance`: rates after liquidity came or went. Amounts in asset units.

    The reserve must be accrued. `stable_debt` is the total that a mint or burn of stable debt reported; else
    it is read from the totals. Reverts `Panic(0x11)` when more is taken than is there.
    """
    debt = rules.vtoken_balance(reserve.total_scaled_variable_debt, reserve.variable_borrow_index_ray)
    if stable_debt is None:
        stable_debt = stable_debt_total(reserve, rules, reserve.last_update_timestamp)
    rates = interest_rates(reserve, rules, debt=debt, added=added, taken=taken, stable_debt=stable_debt)
    updated = replace(
        reserve,
        liquidity_rate_ray=to_uint(rates.liquidity_ray, 128),
        stable_borrow_rate_ray=to_uint(rates.stable_ray, 128),
        variable_borrow_rate_ray=to_uint(rates.variable_ray, 128),
    )
    if not rules.virtual_accounting or is_gho(reserve.config, rules):
        return updated
    return with_liquidity_moved(updated, added=added, taken=taken)


def with_liquidity_moved(reserve: Reserve, *, added: int = 0, taken: int = 0) -> Reserve:
    """The reserve with its (virtual) underlying balance moved. Amounts in asset units."""
    if added == taken == 0:
        return reserve
    balance = add(reserve.virtual_underlying_balance, to_uint(added, 128), max_value=MAX_UINT128)
    return replace(reserve, virtual_underlying_balance=sub(balance, to_uint(taken, 128)))


def with_holdings_moved(reserve: Reserve, *, added: int = 0, taken: int = 0) -> Reserve:
    """The reserve with what its aToken holds moved by transfers, before v3.1. Amounts in asset units.

    Reverts as OpenZeppelin's ERC20 does when more is taken than is there, which the rates do not notice where
    nothing is owed.
    """
    held = add(reserve.virtual_underlying_balance, added)
    if taken > held:
        raise EvmRevert(TRANSFER_EXCEEDS_BALANCE, held=held, taken=taken)
    return replace(reserve, virtual_underlying_balance=held - taken)


def interest_rates(
    reserve: Reserve, rules: Rules, *, debt: int, added: int, taken: int, stable_debt: int = 0
) -> Rates:
    """`calculateInterestRates` for total variable `debt` and `stable_debt`, and the liquidity after the move."""
    strategy = reserve.strategy
    if is_gho(reserve.config, rules):
        return Rates(0, strategy.base_variable_rate_ray, 0)
    total = add(stable_debt, debt)
    usage_ray, supply_usage_ray = _usage(reserve, rules, debt=total, added=added, taken=taken)
    variable_ray = borrow_rate(strategy, usage_ray)
    stable_ray = stable_rate(strategy, usage_ray, _share(stable_debt, total)) if rules.has_stable_debt else 0
    borrowed = Borrowed(debt, variable_ray, stable_debt, reserve.stable_debt.average_rate_ray)
    income_ray = ray_mul_half_up(rules.overall_rate(borrowed), supply_usage_ray)
    liquidity_ray = percent_mul_half_up(income_ray, BPS - reserve.config.reserve_factor_bps)
    return Rates(liquidity_ray, variable_ray, stable_ray)


def _usage(reserve: Reserve, rules: Rules, *, debt: int, added: int, taken: int) -> tuple[int, int]:
    """The share of the liquidity that is borrowed, for borrowers and for suppliers. [ray]"""
    if debt == 0:
        return 0, 0
    available = sub(add(reserve.virtual_underlying_balance, added), taken)
    everything = add(available, debt)
    # What is not backed lowers what suppliers get, not what borrowers pay.
    unbacked = rules.unbacked_claims(reserve.unbacked, reserve.config.unbacked_mint_cap, reserve.deficit)
    return ray_div_half_up(debt, everything), ray_div_half_up(debt, add(everything, unbacked))


def _share(stable_debt: int, total: int) -> int:
    """Stable debt's part of all debt. [ray]"""
    return ray_div_half_up(stable_debt, total) if total else 0


def borrow_rate(strategy: RateStrategy, usage_ray: int) -> int:
    """The variable borrow rate per year at a usage. [ray]"""
    rise_ray = _rise(strategy, usage_ray, strategy.variable_slope1_ray, strategy.variable_slope2_ray)
    return strategy.base_variable_rate_ray + rise_ray


def stable_rate(strategy: RateStrategy, usage_ray: int, share_ray: int) -> int:
    """The rate per year of a new stable loan at a usage and stable debt's part of all debt. [ray]

    Up to v3.0.2, DefaultReserveInterestRateStrategy.sol.
    """
    stable = strategy.stable
    rate_ray = stable.base_rate_ray + _rise(strategy, usage_ray, stable.slope1_ray, stable.slope2_ray)
    optimal_ray = stable.optimal_stable_to_total_debt_ray
    if share_ray > optimal_ray:
        excess_ray = ray_div_half_up(share_ray - optimal_ray, RAY - optimal_ray)
        rate_ray += ray_mul_half_up(stable.excess_offset_ray, excess_ray)
    return rate_ray


def _rise(strategy: RateStrategy, usage_ray: int, slope1_ray: int, slope2_ray: int) -> int:
    """How far a rate lies above its base: flat up to the optimal usage, steep beyond it. [ray]"""
    optimal_ray = strategy.optimal_usage_ray
    if usage_ray > optimal_ray:
        excess_ray = ray_div_half_up(usage_ray - optimal_ray, RAY - optimal_ray)
        return slope1_ray + ray_mul_half_up(slope2_ray, excess_ray)
    return ray_div_half_up(ray_mul_half_up(slope1_ray, usage_ray), optimal_ray)
