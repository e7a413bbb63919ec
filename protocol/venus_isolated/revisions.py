"""Where the releases of the isolated pools differ: a table, one row per release, one column per difference.

No formula asks for a release. A row is the row before it with what changed, so the table reads as a change
note; the marks say in which release between the two each change came. Whether a market counts blocks or
seconds is no rule: it is how a deployment was configured, and all here is per slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from protocol.errors import UnknownRevision
from protocol.venus_isolated import variants

if TYPE_CHECKING:
    from protocol.venus_isolated.state import VToken


class Witness(Enum):
    """What the row was compared with, value by value."""

    ARTIFACTS = "published artifacts"
    VECTORS = "liquidations: recorded vectors; rest: read, not executed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What one release does where the other does otherwise. Each column names the formula or the choice."""

    revision: str
    witness: Witness

    after_accrual: Callable[[VToken], VToken]
    """(market as accrued) -> the market, its reserves withdrawn if it is time"""
    may_reduce_reserves: Callable[[VToken], bool]
    """Whether reserves can be withdrawn by hand in the slot to which the market has accrued."""
    take_seize_share: Callable[[VToken, int], VToken]
    """(market whose vTokens were burned, their worth [underlying]) -> the market when the protocol has it"""
    is_liquidated_freely: Callable[[VToken], bool]
    """Whether debts of this market are liquidated without shortfall and beyond the close factor."""
    counts_to_borrow_cap: Callable[[VToken], int]
    """What is lent out already, as the borrow cap counts it [underlying]"""
    risk_fund_value: Callable[[int, int | None], int]
    """(risk fund [base asset units], price of the base asset [mantissa] or none) -> [USD x 1e18]"""
    risk_fund_too_small: str
    """The error of a risk fund that holds less than an auction sold."""


_V1_0_0 = Rules(
    revision="1.0.0",
    witness=Witness.ARTIFACTS,
    after_accrual=variants.reserves_stay,
    may_reduce_reserves=variants.always,
    take_seize_share=variants.share_into_reserves,
    is_liquidated_freely=variants.is_deprecated,
    counts_to_borrow_cap=variants.borrows_alone,
    risk_fund_value=variants.risk_fund_unpriced,
    risk_fund_too_small="Risk Fund: Insufficient pool reserve.",
)

_V4_4_0 = replace(
    _V1_0_0,
    revision="4.4.0",
    witness=Witness.VECTORS,
    after_accrual=variants.reserves_withdrawn,  # [New in v2.2.0]
    may_reduce_reserves=variants.unless_just_withdrawn,  # [New in v2.2.0]
    take_seize_share=variants.share_paid_out,  # [Modified in v2.2.0: no longer added to the reserves]
    is_liquidated_freely=variants.is_forced,  # [Modified in v2.1.0: a switch instead of deprecation]
    counts_to_borrow_cap=variants.borrows_and_bad_debt,  # [Modified in v2.0.0]
    risk_fund_value=variants.risk_fund_priced,  # [Modified in v2.0.0]
    risk_fund_too_small="InsufficientPoolReserve",  # [Modified by v3.3.0: of RiskFundV2, in a project of its own]
)

REVISIONS: tuple[Rules, ...] = (_V1_0_0, _V4_4_0)
"""All modelled releases, oldest first."""


def rules_of(revision: str) -> Rules:
    """The row of one release; raises `UnknownRevision`."""
    for rules in REVISIONS:
        if rules.revision == revision:
            return rules
    known = [rules.revision for rules in REVISIONS]
    raise UnknownRevision(revision, known, protocol="Venus isolated pools")
