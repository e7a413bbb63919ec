"""A market that holds one account and nothing else, under any rule set that offers the interface of Aave v2 and v3.

What an account holds and owes is given in asset units; the scaled balances are what the rule set itself would
have stored for a supply and a loan of that much. Liquidity is ample, so that no call lacks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from protocol import aave_v2, aave_v3
from protocol.aave_v2 import frontier as v2_frontier
from protocol.aave_v2 import interest as v2_interest
from protocol.aave_v2 import liquidation as v2_liquidation
from protocol.aave_v2 import pairs as v2_pairs
from protocol.aave_v3 import frontier as v3_frontier
from protocol.aave_v3 import health as v3_health
from protocol.aave_v3 import interest as v3_interest
from protocol.aave_v3 import liquidation as v3_liquidation
from protocol.aave_v3 import pairs as v3_pairs
from protocol.fixed_point.wad_ray import ray_div_half_up
from protocol.units import RAY

BORROWER, LIQUIDATOR, TREASURY = "borrower", "liquidator", "treasury"
NOW = 1_700_000_000
EMODE = 1
AMPLE = 10
"""Supplies and liquidity beyond the account's own amounts, as a multiple of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One asset, and what the account has in it."""

    symbol: str
    decimals: int
    price_base: int
    ltv_bps: int = 0
    liquidation_threshold_bps: int = 0
    liquidation_bonus_bps: int = 0
    """Includes the 100 %."""
    liquidation_protocol_fee_bps: int = 0
    """Share of the bonus; Aave v2 has none."""
    reserve_factor_bps: int = 0
    supplied: int = 0
    """[asset units] At the last update."""
    borrowed: int = 0
    """[asset units] At the variable rate, at the last update."""
    is_collateral: bool = True
    """Whether the account has switched its supply on as collateral."""
    in_emode: bool = False
    liquidity_index_ray: int = RAY
    variable_borrow_index_ray: int = RAY
    supply_rate_ray: int = 0
    borrow_rate_ray: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EMode:
    """The efficiency mode the account is in."""

    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallAccount:
    """One account: its assets in reserve order, its efficiency mode, and how long ago the reserves were updated."""

    assets: Sequence[Asset]
    emode: EMode | None = None
    elapsed_s: int = 0

    @property
    def prices_base(self) -> dict[int, int]:
        """Oracle prices by reserve id. [base]"""
        return {i: asset.price_base for i, asset in enumerate(self.assets)}


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSet:
    """A rule set that can be asked about a small market."""

    name: str
    """Its revision."""
    witness: str
    """What executed contract stands behind it."""
    package: Any
    frontier: Any
    pairs: Any
    market: Callable[[SmallAccount], Any]
    close: Callable[..., int]
    """(market, call, prices_base, timestamp) -> the most that the call may repay of a debt, were there collateral."""
    columns: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What its table of revisions says, by column; empty for a rule set without revisions."""


def rule_sets() -> dict[str, RuleSet]:
    """Every rule set by its revision, oldest first."""
    v2 = RuleSet(
        name="2.0",
        witness="published artifacts",
        package=aave_v2,
        frontier=v2_frontier,
        pairs=v2_pairs,
        market=aave_v2_market,
        close=_aave_v2_close,
    )
    return {one.name: one for one in (v2, *(_aave_v3(rules) for rules in aave_v3.REVISIONS))}


def _aave_v3(rules: aave_v3.Rules) -> RuleSet:
    names = [name for name in aave_v3.Rules.__dataclass_fields__ if name not in _NOT_A_RULE]
    return RuleSet(
        name=rules.revision,
        witness=rules.witness.value,
        package=aave_v3,
        frontier=v3_frontier,
        pairs=v3_pairs,
        market=partial(aave_v3_market, rules),
        close=_aave_v3_close,
        columns={name: getattr(rules, name) for name in names},
    )


def _aave_v2_close(
    market: aave_v2.Market, call: aave_v2.LiquidationCall, prices_base: Mapping[int, int], timestamp: int
) -> int:
    owed = market.accounts[call.borrower].positions[call.debt_id]
    return v2_liquidation.max_liquidatable_debt(
        v2_interest.debt_balance(market.reserves[call.debt_id], owed, timestamp)
    )


def _aave_v3_close(
    market: aave_v3.Market, call: aave_v3.LiquidationCall, prices_base: Mapping[int, int], timestamp: int
) -> int:
    account, rules = market.accounts[call.borrower], market.rules
    held, owed = account.positions[call.collateral_id], account.positions[call.debt_id]
    income_ray = v3_interest.normalized_income(market.reserves[call.collateral_id], rules, timestamp)
    return v3_liquidation.max_liquidatable_debt(
        market,
        v3_liquidation.liquidation_terms(market, account, call.collateral_id, call.debt_id, prices_base),
        v3_health.account_totals(market, account, prices_base=prices_base, timestamp=timestamp),
        rules.atoken_balance(held.scaled_atoken, income_ray),
        v3_interest.debt_balance(market.reserves[call.debt_id], owed, rules, timestamp),
    )


_NOT_A_RULE = ("revision", "pool_revisions", "witness", "actions")
"""Which row it is, what it was compared with, and what no liquidation asks."""


def aave_v3_market(rules: aave_v3.Rules, account: SmallAccount) -> aave_v3.Market:
    """The account on a market of these rules, last updated `elapsed_s` before `NOW`."""
    members = sum(1 << i for i, asset in enumerate(account.assets) if asset.in_emode)
    mode = account.emode
    reserves: dict[int, aave_v3.Reserve] = {}
    positions: dict[int, aave_v3.Position] = {}
    for i, asset in enumerate(account.assets):
        held = rules.atoken_mint_scaled(asset.supplied, asset.liquidity_index_ray)
        owed = rules.vtoken_mint_scaled(asset.borrowed, asset.variable_borrow_index_ray)
        reserves[i] = aave_v3.Reserve(
            config=aave_v3.ReserveConfig(
                liquidation_protocol_fee_bps=asset.liquidation_protocol_fee_bps,
                emode_category=EMODE if asset.in_emode else 0,
                **_configuration(asset),
            ),
            strategy=aave_v3.RateStrategy(**_NO_RATES),
            accrued_to_treasury_scaled=0,
            deficit=0,
            **_stored(i, asset, account.elapsed_s, held, owed),
        )
        if held or owed:
            positions[i] = aave_v3.Position(**_position(asset, held, owed))
    emodes = {
        EMODE: aave_v3.EModeCategory(
            emode_id=EMODE,
            ltv_bps=mode.ltv_bps,
            liquidation_threshold_bps=mode.liquidation_threshold_bps,
            liquidation_bonus_bps=mode.liquidation_bonus_bps,
            collateral_bitmap=members,
        )
    } if mode else {}  # fmt: skip
    return aave_v3.Market(
        rules=rules,
        reserves=reserves,
        emodes=emodes,
        accounts={BORROWER: aave_v3.Account(positions=positions, emode=EMODE if mode else 0)},
        treasury=TREASURY,
    )


def aave_v2_market(account: SmallAccount) -> aave_v2.Market:
    """The account on a market of Aave v2: no protocol fee, no efficiency mode."""
    reserves: dict[int, aave_v2.Reserve] = {}
    positions: dict[int, aave_v2.Position] = {}
    for i, asset in enumerate(account.assets):
        held = ray_div_half_up(asset.supplied, asset.liquidity_index_ray)
        owed = ray_div_half_up(asset.borrowed, asset.variable_borrow_index_ray)
        reserves[i] = aave_v2.Reserve(
            config=aave_v2.ReserveConfig(**_configuration(asset)),
            strategy=aave_v2.RateStrategy(**_NO_RATES),
            **_stored(i, asset, account.elapsed_s, held, owed),
        )
        if held or owed:
            positions[i] = aave_v2.Position(**_position(asset, held, owed))
    return aave_v2.Market(
        reserves=reserves, accounts={BORROWER: aave_v2.Account(positions=positions)}, treasury=TREASURY
    )


_NO_RATES: dict[str, Any] = {
    "optimal_usage_ray": RAY // 2,
    "base_variable_rate_ray": 0,
    "variable_slope1_ray": 0,
    "variable_slope2_ray": 0,
}


def _configuration(asset: Asset) -> dict[str, Any]:
    names = (
        "decimals",
        "ltv_bps",
        "liquidation_threshold_bps",
        "liquidation_bonus_bps",
        "reserve_factor_bps",
    )
    return {name: getattr(asset, name) for name in names}


def _stored(reserve_id: int, asset: Asset, elapsed_s: int, held: int, owed: int) -> dict[str, Any]:
    return {
        "reserve_id": reserve_id,
        "asset": asset.symbol,
        "symbol": asset.symbol,
        "liquidity_index_ray": asset.liquidity_index_ray,
        "variable_borrow_index_ray": asset.variable_borrow_index_ray,
        "liquidity_rate_ray": asset.supply_rate_ray,
        "variable_borrow_rate_ray": asset.borrow_rate_ray,
        "last_update_timestamp": NOW - elapsed_s,
        "total_scaled_atoken": AMPLE * (held + owed),
        "total_scaled_variable_debt": owed,
        "virtual_underlying_balance": AMPLE * (asset.supplied + asset.borrowed),
    }


def _position(asset: Asset, held: int, owed: int) -> dict[str, Any]:
    return {
        "scaled_atoken": held,
        "scaled_variable_debt": owed,
        "collateral_enabled": bool(held) and asset.is_collateral,
        "borrowing": bool(owed),
    }
