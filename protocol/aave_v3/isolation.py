"""Isolation mode: one collateral with a debt ceiling, alone, and the debt counted against the ceiling.

Mirrors `IsolationModeLogic`, src/contracts/protocol/libraries/logic/IsolationModeLogic.sol@v3.6.0, and
`UserConfiguration.getIsolationModeState`; there up to v3.6. Debt is counted in 2 decimals and without
interest.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.revisions import IsolatedDebt
from protocol.aave_v3.state import Reserve, ReserveConfig, ReserveId, User
from protocol.fixed_point.uint256 import add, sub, to_uint
from protocol.units import MAX_UINT128

DEBT_CEILING_DECIMALS = 2
"""Decimals in which debt is counted against a debt ceiling."""


def isolation_mode(ledger: Ledger, user: User) -> Reserve | None:
    """`getIsolationModeState`: the isolated asset if it is the user's only collateral, else None."""
    enabled = [reserve_id for reserve_id, held in ledger.positions(user) if held.collateral_enabled]
    if len(enabled) != 1:
        return None
    return ledger.reserve(enabled[0]) if debt_ceiling(ledger, enabled[0]) != 0 else None


def debt_ceiling(ledger: Ledger, reserve_id: ReserveId) -> int:
    """The ceiling of an isolated collateral [2 decimals], 0 for others. [Modified in v3.7: always 0]"""
    if ledger.rules.isolated_debt is IsolatedDebt.NEVER:
        return 0
    return ledger.reserve(reserve_id).config.debt_ceiling


def isolated_units(config: ReserveConfig, amount: int) -> int:
    """`convertToIsolatedDebtUnits`: an amount of a debt asset in the unit of ceilings, rounded down.

    Reverts `Panic(0x11)` for an asset of fewer than two decimals.
    """
    return to_uint(amount // 10 ** sub(config.decimals, DEBT_CEILING_DECIMALS), 128)


def lower_isolated_debt(ledger: Ledger, isolated_id: ReserveId, debt_id: ReserveId, repaid: int) -> None:
    """`updateIsolatedDebt`: less debt counted against an isolated collateral. `repaid` in asset units."""
    isolated = ledger.reserve(isolated_id)
    units = isolated_units(ledger.reserve(debt_id).config, repaid)
    # Debt against a ceiling is counted without interest, so more than all of it may be repaid.
    left = max(isolated.isolation_mode_total_debt - units, 0)
    ledger.put(replace(isolated, isolation_mode_total_debt=left))


def lower_isolated_debt_if_isolated(ledger: Ledger, user: User, debt_id: ReserveId, repaid: int) -> None:
    """`updateIsolatedDebtIfIsolated`: the same for a user in isolation mode, else nothing."""
    isolated = isolation_mode(ledger, user)
    if isolated is not None:
        lower_isolated_debt(ledger, isolated.reserve_id, debt_id, repaid)


def raise_isolated_debt(ledger: Ledger, isolated_id: ReserveId, debt_id: ReserveId, borrowed: int) -> None:
    """More debt counted against an isolated collateral; the ceiling is the caller's business."""
    isolated = ledger.reserve(isolated_id)
    units = isolated_units(ledger.reserve(debt_id).config, borrowed)
    total = add(isolated.isolation_mode_total_debt, units, max_value=MAX_UINT128)
    ledger.put(replace(isolated, isolation_mode_total_debt=total))


def may_be_collateral(ledger: Ledger, user: User, reserve_id: ReserveId) -> bool:
    """`validateUseAsCollateral`: whether the user may enable a reserve, by what is enabled already.

    [Modified in v3.0.2: the reserve must have a loan to value]
    """
    config = ledger.reserve(reserve_id).config
    ltv_bps = ledger.rules.user_ltv(config.ltv_bps, ledger.category(user), reserve_id)
    if ledger.rules.collateral_needs_ltv and ltv_bps == 0:
        return False
    if not any(held.collateral_enabled for _, held in ledger.positions(user)):
        return True
    return debt_ceiling(ledger, reserve_id) == 0 and isolation_mode(ledger, user) is None


def becomes_collateral_by_itself(ledger: Ledger, user: User, reserve_id: ReserveId) -> bool:
    """`validateAutomaticUseAsCollateral`, for one without the role of an isolated collateral supplier.

    [New in v3.0.2: an isolated asset waits to be enabled; before, the same as `may_be_collateral`]
    """
    isolated = debt_ceiling(ledger, reserve_id) != 0
    if isolated and not ledger.rules.enables_isolated_by_itself:
        return False
    return may_be_collateral(ledger, user, reserve_id)
