"""What of Aave v3 is compared: a state flattened into named integers, of the model's market or of the chain's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from protocol.aave_v3 import Account, AccountData, Liquidated, Market, Position, Reserve, User
from protocol.aave_v3.state import StableDebt, StableTotals

MOVING_RESERVE_FIELDS = (
    "liquidity_index_ray",
    "variable_borrow_index_ray",
    "liquidity_rate_ray",
    "variable_borrow_rate_ray",
    "last_update_timestamp",
    "total_scaled_atoken",
    "total_scaled_variable_debt",
    "accrued_to_treasury_scaled",
    "deficit",
    "virtual_underlying_balance",
    "isolation_mode_total_debt",
    "unbacked",
    "stable_borrow_rate_ray",
)
STABLE_DEBT = "stable_debt"
"""Field of a reserve, and of a position, that holds several integers: each is compared, up to v3.0.2."""


NOTHING = Position()


def flatten_market(market: Market, users: Iterable[User]) -> dict[str, int]:
    """Everything stored about the reserves and these users, as named integers."""
    named: dict[str, int] = {}
    for reserve in market.reserves.values():
        named.update(_flatten_reserve(market, reserve))
    for user in dict.fromkeys(users):
        named.update(_flatten_account(market, user, market.accounts.get(user, Account())))
    return named


def flatten_account_data(data: AccountData) -> dict[str, int]:
    """The six numbers of `getUserAccountData`."""
    return {item.name: getattr(data, item.name) for item in fields(data)}


def flatten_outcome(outcome: Liquidated, market: Market) -> dict[str, int]:
    """The amounts of the events of a liquidation."""
    deficits = {
        f"event.DeficitCreated.{market.reserves[i].symbol}": amount for i, amount in outcome.deficits.items()
    }
    return {
        "event.LiquidationCall.debtToCover": outcome.debt_repaid,
        "event.LiquidationCall.liquidatedCollateralAmount": outcome.collateral_to_liquidator,
        "event.protocolFee": outcome.protocol_fee,
        **deficits,
    }


def _flatten_reserve(market: Market, reserve: Reserve) -> Iterator[tuple[str, int]]:
    prefix = f"reserve.{reserve.symbol}"
    for name in MOVING_RESERVE_FIELDS:
        yield f"{prefix}.{name}", getattr(reserve, name)
    if market.rules.has_stable_debt:
        yield from _flatten_parts(f"{prefix}.{STABLE_DEBT}", reserve.stable_debt)


def _flatten_account(market: Market, user: User, account: Account) -> Iterator[tuple[str, int]]:
    """Scaled and stable balances where there are any, and the user's bitmap as the contract stores it."""
    bitmap = 0
    for reserve_id, position in account.positions.items():
        bitmap |= (position.borrowing << (2 * reserve_id)) | (
            position.collateral_enabled << (2 * reserve_id + 1)
        )
    yield f"user.{user}.bitmap", bitmap
    yield f"user.{user}.emode", account.emode
    for reserve_id, reserve in market.reserves.items():
        position = account.positions.get(reserve_id, NOTHING)
        prefix = f"user.{user}.{reserve.symbol}"
        yield f"{prefix}.scaled_atoken", position.scaled_atoken
        yield f"{prefix}.scaled_variable_debt", position.scaled_variable_debt
        if market.rules.actions.forbids_repaying_at_once:
            yield f"{prefix}.variable_debt_index_ray", position.variable_debt_index_ray
        if market.rules.has_stable_debt:
            yield from _flatten_parts(f"{prefix}.{STABLE_DEBT}", position.stable_debt)


def _flatten_parts(prefix: str, parts: StableTotals | StableDebt) -> Iterator[tuple[str, int]]:
    for item in fields(parts):
        yield f"{prefix}.{item.name}", getattr(parts, item.name)
