"""Steps of the model made wrong, one idea each: from the right function to one that errs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from protocol.aave_v3 import variants
from protocol.fixed_point.wad_ray import wad_div_half_up
from protocol.units import BPS

Wrap = Callable[[Any], Any]
"""From the right function (or constant) to the wrong one."""


def instead(value: Any) -> Wrap:
    return lambda right: value


def without_emode(right: Any) -> Any:
    return lambda reserve, category: right(reserve, None)


def without_added(right: Any) -> Any:
    return lambda reserve, rules, **moved: right(reserve, rules, **{**moved, "added": 0})


def without_taken(right: Any) -> Any:
    return lambda reserve, rules, **moved: right(reserve, rules, **{**moved, "taken": 0})


def rates_without_deficit(right: Any) -> Any:
    def wrong(reserve: Any, rules: Any, **moved: int) -> Any:
        return right(replace(reserve, deficit=0), rules, **moved)

    return wrong


def deficit_not_booked(right: Any) -> Any:
    def wrong(ledger: Any, borrower: Any, reserve_id: Any, **amounts: Any) -> int:
        before = ledger.reserve(reserve_id).deficit
        deficit = right(ledger, borrower, reserve_id, **amounts)
        ledger.put(replace(ledger.reserve(reserve_id), deficit=before))
        return deficit

    return wrong


def fee_uncapped(right: Any) -> Any:
    def wrong(ledger: Any, call: Any, index_ray: int, fee: int, treasury: str) -> int:
        scaled = ledger.rules.atoken_take_scaled(fee, index_ray)
        ledger.transfer_atoken(call.borrower, treasury, call.collateral_id, scaled)
        return fee

    return wrong


def fee_to_the_liquidator(right: Any) -> Any:
    return lambda ledger, call, index_ray, fee, treasury: right(ledger, call, index_ray, fee, call.liquidator)


def kinkless(right: Any) -> Any:
    def wrong(strategy: Any, usage_ray: int) -> int:
        return right(replace(strategy, variable_slope2_ray=strategy.variable_slope1_ray), usage_ray)

    return wrong


def only_debt_asset(right: Any) -> Any:
    return lambda ledger, borrower, timestamp: {}


def fee_of_everything(right: Any) -> Any:
    def wrong(rules: Any, terms: Any, **amounts: int) -> Any:
        return right(replace(rules, collateral_without_bonus=lambda amount, bonus: 0), terms, **amounts)

    return wrong


def validates_as_if(**changes: Any) -> Wrap:
    def wrap(right: Any) -> Any:
        return lambda *args, **kwargs: right(*args, **{**kwargs, **changes})

    return wrap


def never_paused(right: Any) -> Any:
    def wrong(market: Any, call: Any, *, collateral: Any, debt: Any, **rest: Any) -> None:
        running = replace(collateral, config=replace(collateral.config, paused=False))
        right(market, call, collateral=running, debt=debt, **rest)

    return wrong


def always_collateral(right: Any) -> Any:
    def wrong(market: Any, call: Any, *, collateral_position: Any, **rest: Any) -> None:
        enabled = replace(collateral_position, collateral_enabled=True)
        right(market, call, collateral_position=enabled, **rest)

    return wrong


def written_off_too_early(right: Any) -> Any:
    return lambda seized: variants.Depletion(reserve=right(seized).reserve, account=right(seized).reserve)


def health_rounded_up(collateral: int, weighted: int, debt: int) -> int:
    return -(-wad_div_half_up(weighted, debt) // BPS)


def total_stays(name: str) -> Wrap:
    """Tokens are burned, their total supply `name` is not lowered."""

    def wrap(right: Any) -> Any:
        def wrong(ledger: Any, user: Any, reserve_id: Any, scaled: int) -> None:
            before = getattr(ledger.reserve(reserve_id), name)
            right(ledger, user, reserve_id, scaled)
            ledger.put(replace(ledger.reserve(reserve_id), **{name: before}))

        return wrong

    return wrap
