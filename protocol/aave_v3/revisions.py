"""Where the versions of Aave v3 differ: a table, one row per revision, one column per difference.

No formula asks for a version. A row is the row before it with what changed, so the table reads as a change
note. Counterfactuals are made the same way: `dataclasses.replace(rules, enforces_min_leftover=False)`.

Every row says what executed contract stands behind it. Of 3.2 to 3.5 and 3.7 that is liquidations alone: what else a
column changes there (loans, supplies, eMode, isolation, sentinel, deficits covered) was read, and of 3.1 everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from protocol.aave_v3 import action_rules, variants
from protocol.aave_v3.action_rules import ActionRules
from protocol.errors import UnknownRevision
from protocol.fixed_point.compounding import compounded_growth_binomial, compounded_growth_taylor
from protocol.fixed_point.percentage import (
    percent_div_down,
    percent_div_half_up,
    percent_div_up,
    percent_mul_down,
    percent_mul_half_up,
    percent_mul_up,
)
from protocol.fixed_point.uint256 import mul_div_down, mul_div_up
from protocol.fixed_point.wad_ray import (
    ray_div_down,
    ray_div_half_up,
    ray_div_up,
    ray_mul_down,
    ray_mul_half_up,
    ray_mul_up,
)

if TYPE_CHECKING:
    from protocol.aave_v3.state import EModeCategory

OfTwo = Callable[[int, int], int]
OfThree = Callable[[int, int, int], int]


class Witness(Enum):
    """What the row was compared with, value by value."""

    ARTIFACTS = "published artifacts"
    SOURCES = "published sources"
    VECTORS = "liquidations: recorded vectors; rest: read, not executed"
    NONE = "read, not executed"


class Gho(Enum):
    """How a reserve without virtual accounting is treated: GHO alone."""

    BEFORE_DISCOUNT = "account data count its debt without the discount, a liquidation with it"
    DISCOUNTED = "account data count the discount too; interest not collected is forgiven, not a deficit"
    ORDINARY = "it is a reserve like any other"


class IsolatedDebt(Enum):
    """When a repayment lowers the debt counted against an isolated collateral's ceiling."""

    IF_STILL_ISOLATED = "the account is in isolation mode at that moment"
    IF_CEILING = "the seized collateral has a debt ceiling"
    NEVER = "there is no isolation mode"


class LiquidatorCollateral(Enum):
    """When aTokens received in a liquidation become the liquidator's collateral by themselves."""

    IF_FIRST = "the liquidator held none before"
    IF_FIRST_OR_OWN = "as before, or an account liquidates itself and all its collateral"
    NEVER = "the liquidator has to enable it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What one revision does where others do otherwise. Each column names the formula or the choice."""

    revision: str
    pool_revisions: tuple[int, ...]
    """Answers of `POOL_REVISION()` that mean this revision without doubt."""
    witness: Witness

    compounded_growth: OfTwo
    """(rate per year [ray], elapsed [s]) -> growth of the debt index [ray]"""
    atoken_balance: OfTwo
    """(scaled, liquidity index [ray]) -> [asset units]"""
    vtoken_balance: OfTwo
    """(scaled, variable borrow index [ray]) -> [asset units]"""
    atoken_mint_scaled: OfTwo
    """([asset units], liquidity index [ray]) -> scaled"""
    atoken_take_scaled: OfTwo
    """([asset units], liquidity index [ray]) -> scaled, of a burn or a transfer"""
    vtoken_mint_scaled: OfTwo
    """([asset units], variable borrow index [ray]) -> scaled, of a borrow"""
    vtoken_burn_scaled: OfTwo
    """([asset units], variable borrow index [ray]) -> scaled"""
    debt_growth: OfThree
    """(scaled debt, index, next index [ray]) -> interest accrued [asset units]"""
    nests_debt_accrual: bool
    """The stored debt index stands still where suppliers earn nothing; what the views show goes on."""
    has_stable_debt: bool
    """There is debt at stable rates; else its token answers 0 or is not there."""
    overall_rate: Callable[[variants.Borrowed], int]
    """Rate that suppliers' income is computed from [ray]"""
    unbacked_claims: OfThree
    """(unbacked [asset units], cap of it [whole tokens], deficit [asset units]) -> supply without assets
    [asset units]"""

    debt_value: OfThree
    """([asset units], price [base], unit) -> [base]"""
    health_factor: OfThree
    """(collateral [base], sum of value x threshold [base x bps], debt [base]) -> [wad]"""
    available_borrows: OfTwo
    """(collateral [base], average ltv [bps]) -> [base], before the debt is taken off"""
    user_ltv: Callable[[int, EModeCategory | None, int], int]
    """(ltv of the reserve [bps], category of the user, reserve id) -> [bps]"""
    prices_by_category: bool
    """A category may price its members by a source of its own."""
    collateral_needs_threshold: bool
    """A reserve whose own liquidation threshold is 0 is no collateral, not even inside an eMode."""

    forbids_self_liquidation: bool
    has_sentinel: bool
    has_grace_period: bool
    max_liquidatable_debt: Callable[[variants.DebtLimits], int]
    max_collateral: OfTwo
    """(collateral worth the debt [asset units], bonus [bps]) -> [asset units]"""
    debt_needed: OfTwo
    """(debt worth the collateral [asset units], bonus [bps]) -> [asset units]"""
    collateral_without_bonus: OfTwo
    """([asset units], bonus [bps]) -> [asset units]"""
    protocol_fee: OfTwo
    """(bonus part [asset units], fee [bps]) -> [asset units]"""
    caps_fee: bool
    """A fee that rounds beyond what the borrower has left is cut to that; else the call reverts."""
    enforces_min_leftover: bool
    """The dust rule: a call that ends neither debt nor collateral must leave 1000 of base value of both."""
    depletion: Callable[[variants.SeizedCollateral], variants.Depletion]
    clears_collateral_last: bool
    """The collateral bit goes when all tokens have moved; else before any does."""
    debt_ends: Callable[[int, int], bool]
    """(debt neither repaid nor written off [asset units], scaled debt left) -> borrowing bit is cleared"""

    accrues_collateral_first: bool
    """Both reserves are accrued before anything is read; else the collateral reserve when it is burned."""
    accrues_same_asset_twice: bool
    """One asset on both sides: its treasury share is taken twice, from a cache that has become stale."""
    gho: Gho
    isolated_debt: IsolatedDebt
    collateral_needs_ltv: bool
    """A reserve without loan to value cannot be enabled as collateral."""
    enables_isolated_by_itself: bool
    """A first supply of an isolated asset becomes collateral, as one of any other."""
    liquidator_collateral: LiquidatorCollateral
    deficit_cover: Callable[[variants.Cover], variants.Covered] | None
    """How a deficit is paid off with aTokens; None = there are no deficits."""
    virtual_accounting: bool
    """Rates follow a virtual balance moved with them; else what the aToken holds, moved by transfers."""
    balance_bits: int
    """Width of a stored scaled balance."""
    actions: ActionRules
    """How users may supply, withdraw, borrow and repay: a row of `action_rules`."""


_V3_0_0 = Rules(
    revision="3.0.0",
    pool_revisions=(),
    witness=Witness.ARTIFACTS,
    compounded_growth=compounded_growth_binomial,
    atoken_balance=ray_mul_half_up,
    vtoken_balance=ray_mul_half_up,
    atoken_mint_scaled=ray_div_half_up,
    atoken_take_scaled=ray_div_half_up,
    vtoken_mint_scaled=ray_div_half_up,
    vtoken_burn_scaled=ray_div_half_up,
    debt_growth=variants.debt_growth_of_balances,
    nests_debt_accrual=True,
    has_stable_debt=True,
    overall_rate=variants.overall_rate_weighted,
    unbacked_claims=variants.unbacked_if_mintable,
    debt_value=mul_div_down,
    health_factor=variants.health_of_average,
    available_borrows=percent_mul_half_up,
    user_ltv=variants.ltv_if_reserve_has_one,
    prices_by_category=True,
    collateral_needs_threshold=True,
    forbids_self_liquidation=False,
    has_sentinel=True,
    has_grace_period=False,
    max_liquidatable_debt=variants.close_share_of_reserve_debt,
    max_collateral=percent_mul_half_up,
    debt_needed=percent_div_half_up,
    collateral_without_bonus=percent_div_half_up,
    protocol_fee=percent_mul_half_up,
    caps_fee=False,
    enforces_min_leftover=False,
    depletion=variants.depletion_without_fee,
    clears_collateral_last=True,
    debt_ends=variants.debt_ends_with_amount,
    accrues_collateral_first=False,
    accrues_same_asset_twice=False,
    gho=Gho.BEFORE_DISCOUNT,
    isolated_debt=IsolatedDebt.IF_STILL_ISOLATED,
    collateral_needs_ltv=False,
    enables_isolated_by_itself=True,
    liquidator_collateral=LiquidatorCollateral.IF_FIRST,
    deficit_cover=None,
    virtual_accounting=False,
    balance_bits=128,
    actions=action_rules.V3_0_0,
)
_V3_0_1 = replace(
    _V3_0_0,
    revision="3.0.1",
    nests_debt_accrual=False,
    unbacked_claims=variants.unbacked_and_deficit,
    caps_fee=True,
    depletion=variants.depletion_without_write_off,
    clears_collateral_last=False,
    actions=action_rules.V3_0_1,
)
_V3_0_2 = replace(
    _V3_0_1,
    revision="3.0.2",
    pool_revisions=(3,),
    collateral_needs_ltv=True,
    enables_isolated_by_itself=False,
)
_V3_1 = replace(
    _V3_0_2,
    revision="3.1",
    pool_revisions=(4,),
    witness=Witness.NONE,
    has_stable_debt=False,
    has_grace_period=True,
    virtual_accounting=True,
    actions=action_rules.V3_1,
)
_V3_2 = replace(
    _V3_1,
    revision="3.2",
    pool_revisions=(5, 6),
    witness=Witness.VECTORS,
    overall_rate=variants.overall_rate_variable,
    prices_by_category=False,
    actions=action_rules.V3_2,
)
_V3_3 = replace(
    _V3_2,
    revision="3.3",
    pool_revisions=(7,),
    max_liquidatable_debt=variants.close_share_of_total_debt,
    enforces_min_leftover=True,
    depletion=variants.depletion_of_amounts,
    gho=Gho.DISCOUNTED,
    isolated_debt=IsolatedDebt.IF_CEILING,
    liquidator_collateral=LiquidatorCollateral.IF_FIRST_OR_OWN,
    deficit_cover=variants.cover_of_amounts,
)
_V3_4 = replace(
    _V3_3,
    revision="3.4",
    pool_revisions=(8,),
    compounded_growth=compounded_growth_taylor,
    unbacked_claims=variants.deficit_alone,
    forbids_self_liquidation=True,
    debt_ends=variants.debt_ends_with_scaled,
    gho=Gho.ORDINARY,
    liquidator_collateral=LiquidatorCollateral.IF_FIRST,
    balance_bits=120,
    actions=action_rules.V3_4,
)
_V3_5 = replace(
    _V3_4,
    revision="3.5",
    pool_revisions=(9,),
    atoken_balance=ray_mul_down,
    vtoken_balance=ray_mul_up,
    atoken_mint_scaled=ray_div_down,
    atoken_take_scaled=ray_div_up,
    vtoken_mint_scaled=ray_div_up,
    vtoken_burn_scaled=ray_div_down,
    debt_growth=variants.debt_growth_of_index,
    debt_value=mul_div_up,
    health_factor=variants.health_of_sum,
    available_borrows=percent_mul_down,
    debt_needed=percent_div_up,
    accrues_collateral_first=True,
    accrues_same_asset_twice=True,
    deficit_cover=variants.cover_of_scaled,
    actions=action_rules.V3_5,
)
_V3_6 = replace(
    _V3_5,
    revision="3.6",
    pool_revisions=(10,),
    witness=Witness.SOURCES,
    user_ltv=variants.ltv_of_category_first,
    collateral_needs_threshold=False,
    liquidator_collateral=LiquidatorCollateral.NEVER,
    actions=action_rules.V3_6,
)
_V3_7 = replace(
    _V3_6,
    revision="3.7",
    pool_revisions=(11,),
    witness=Witness.VECTORS,
    user_ltv=variants.ltv_of_isolated_category,
    has_sentinel=False,
    max_collateral=percent_mul_down,
    collateral_without_bonus=percent_div_down,
    protocol_fee=percent_mul_up,
    depletion=variants.depletion_of_scaled,
    accrues_same_asset_twice=False,
    isolated_debt=IsolatedDebt.NEVER,
    actions=action_rules.V3_7,
)

REVISIONS: tuple[Rules, ...] = (
    _V3_0_0,
    _V3_0_1,
    _V3_0_2,
    _V3_1,
    _V3_2,
    _V3_3,
    _V3_4,
    _V3_5,
    _V3_6,
    _V3_7,
)
"""Every modelled revision, oldest first."""


def rules_of(pool_revision: int | str) -> Rules:
    """The rules of a revision, by the Pool's `POOL_REVISION()` or by name ("3.6").

    Raises `UnknownRevision` for anything not modelled, and for the numbers 1 and 2: the sources of 3.0.0,
    3.0.1 and 3.0.2 all answer 1, and deployments counted upwards from there each for itself, so whoever
    deployed them has to say which one it is by name. The 3 is the mainnet market's.
    """
    for rules in REVISIONS:
        if pool_revision == rules.revision or pool_revision in rules.pool_revisions:
            return rules
    raise UnknownRevision(pool_revision, [_known(rules) for rules in REVISIONS])


def _known(rules: Rules) -> str:
    numbers = " or ".join(str(number) for number in rules.pool_revisions)
    return f"{rules.revision} (POOL_REVISION {numbers})" if numbers else f"{rules.revision} (by name only)"
