"""Liquidations of Aave v2 as traces of Ethereum mainnet show them: balances at the block, no thresholds."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from forks.recordings.records import Decimals, Uint, distinct
from forks.recordings.records import Record as _Record
from protocol.aave_v2 import (
    Account,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    account_data,
)
from protocol.aave_v2.amounts import LIQUIDATION_CLOSE_FACTOR_BPS, Terms, seizure
from protocol.aave_v2.state import StableDebt
from protocol.errors import EvmRevert
from protocol.fixed_point.safe_math import percent_mul_half_up
from protocol.units import RAY

BORROWER, TREASURY = "borrower", "treasury"
NOW = 0
"""Balances are those of the block: nothing accrues any more."""


def _the_one_close_factor(value: int) -> int:
    if value != LIQUIDATION_CLOSE_FACTOR_BPS:
        raise PydanticCustomError(
            "close_factor",
            "must be {bps}, which Aave v2 has for every account, is {value}",
            {"bps": LIQUIDATION_CLOSE_FACTOR_BPS, "value": value},
        )
    return value


Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$", to_lower=True)]
Hash = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{64}$")]
CloseFactor = Annotated[Uint, AfterValidator(_the_one_close_factor)]


class HeldRecord(_Record):
    """What the user holds and owes of one asset, interest included."""

    asset: Address
    symbol: str
    decimals: Decimals
    price_base18: Uint
    atoken_balance_underlying: Uint
    variable_debt_underlying: Uint
    stable_debt_underlying: Uint
    liquidation_threshold_bps_external: Uint


class State(_Record):
    """The user at the block, and the two parameters of the call that a trace does not hold."""

    chain: str
    block: Uint
    transaction: Hash
    market: str
    user: Address
    close_factor_bps: CloseFactor
    collateral_liquidation_bonus_bps: Uint
    reserves: Annotated[list[HeldRecord], distinct("asset")]


class Action(_Record):
    """`liquidationCall`."""

    type: Literal["liquidation_call"]
    collateral_asset: Address
    debt_asset: Address
    debt_to_cover_underlying: Uint
    receive_atoken: bool


class Record(_Record):
    """State and action of one case."""

    state: State
    action: Action

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        known = {held.asset for held in self.state.reserves}
        for asset in (self.action.collateral_asset, self.action.debt_asset):
            if asset not in known:
                what = f"action names {asset}, which state.reserves lacks"
                raise PydanticCustomError("unknown_asset", "{what}", {"what": what})
        return self


def revisions() -> list[str]:
    """None: what the file calls a revision is the time of its blocks."""
    return []


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    try:
        return _amounts(record) | _totals(record.state)
    except EvmRevert as revert:
        return {"reverts": revert.name}


def _amounts(record: Record) -> dict[str, int]:
    """Half of what is owed at most, and what it takes."""
    state, action = record.state, record.action
    held = {one.asset: one for one in state.reserves}
    collateral, debt = held[action.collateral_asset], held[action.debt_asset]
    terms = Terms(
        collateral_price_base=collateral.price_base18,
        collateral_unit=10**collateral.decimals,
        debt_price_base=debt.price_base18,
        debt_unit=10**debt.decimals,
        bonus_bps=state.collateral_liquidation_bonus_bps,
    )
    owed = debt.variable_debt_underlying + debt.stable_debt_underlying
    most = percent_mul_half_up(owed, LIQUIDATION_CLOSE_FACTOR_BPS)
    seized = seizure(
        terms,
        debt_to_cover=min(action.debt_to_cover_underlying, most),
        collateral_balance=collateral.atoken_balance_underlying,
    )
    return {
        "debt_repaid_underlying": seized.debt,
        "collateral_to_liquidator_underlying": seized.collateral,
    }


def _totals(state: State) -> dict[str, int]:
    prices_base = {i: held.price_base18 for i, held in enumerate(state.reserves)}
    data = account_data(_market(state), BORROWER, prices_base=prices_base, timestamp=NOW)
    return {
        "total_collateral_base18": data.total_collateral_base,
        "total_debt_base18": data.total_debt_base,
    }


def _market(state: State) -> Market:
    positions = {
        i: Position(
            scaled_atoken=held.atoken_balance_underlying,
            scaled_variable_debt=held.variable_debt_underlying,
            collateral_enabled=held.atoken_balance_underlying != 0,
            borrowing=held.variable_debt_underlying + held.stable_debt_underlying != 0,
            stable_debt=StableDebt(principal=held.stable_debt_underlying, last_update_timestamp=NOW),
        )
        for i, held in enumerate(state.reserves)
    }
    return Market(
        reserves={i: _reserve(i, held) for i, held in enumerate(state.reserves)},
        accounts={BORROWER: Account(positions=positions), TREASURY: Account()},
        treasury=TREASURY,
    )


def _reserve(reserve_id: int, held: HeldRecord) -> Reserve:
    """A reserve at index 1, in which a balance is its scaled self.

    No threshold is known, and none is compared: 1 only says that the asset is collateral.
    """
    return Reserve(
        reserve_id=reserve_id,
        asset=held.asset,
        symbol=held.symbol,
        config=ReserveConfig(
            decimals=held.decimals,
            ltv_bps=0,
            liquidation_threshold_bps=1,
            liquidation_bonus_bps=0,
            reserve_factor_bps=0,
        ),
        strategy=RateStrategy(
            optimal_usage_ray=RAY,
            base_variable_rate_ray=0,
            variable_slope1_ray=0,
            variable_slope2_ray=0,
        ),
        liquidity_index_ray=RAY,
        variable_borrow_index_ray=RAY,
        liquidity_rate_ray=0,
        variable_borrow_rate_ray=0,
        last_update_timestamp=NOW,
        total_scaled_atoken=held.atoken_balance_underlying,
        total_scaled_variable_debt=held.variable_debt_underlying,
        virtual_underlying_balance=0,
    )
