"""Liquidations of Compound v2 as traces of Ethereum mainnet show them: balances, no collateral factors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from forks.recordings.records import Record as _Record
from forks.recordings.records import Uint, distinct
from protocol.compound_v2.amounts import Terms
from protocol.errors import EvmRevert
from protocol.fixed_point.mantissa import mantissa_mul_down

Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$", to_lower=True)]
Hash = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{64}$")]


class HeldRecord(_Record):
    """What the borrower holds and owes in one market, as the Comptroller read it."""

    ctoken: Address
    ctokens: Uint
    borrow_balance_underlying: Uint
    exchange_rate_mantissa: Uint
    price_mantissa: Uint


class State(_Record):
    """The borrower at the call; the close factor is the one that was in force, not read in the trace."""

    chain: str
    block: Uint
    transaction: Hash
    comptroller: Address
    liquidation_incentive_mantissa: Uint
    price_borrowed_mantissa: Uint
    price_collateral_mantissa: Uint
    exchange_rate_collateral_mantissa: Uint
    borrow_balance_underlying: Uint
    close_factor_mantissa_assumed: Uint | None
    account: Annotated[list[HeldRecord], distinct("ctoken")]


class Action(_Record):
    """`liquidateBorrow` and the cToken it is called on."""

    type: Literal["liquidate_borrow"]
    borrowed_ctoken: Address
    collateral_ctoken: Address
    repay_amount_underlying: Uint


class Record(_Record):
    """State and action of one case, whose two accounts of the same figures agree."""

    state: State
    action: Action

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for what in _contradictions(self.state, self.action):
            raise PydanticCustomError("contradiction", "{what}", {"what": what})
        return self


def _contradictions(state: State, action: Action) -> Iterator[str]:
    held = {one.ctoken: one for one in state.account}
    for ctoken in (action.borrowed_ctoken, action.collateral_ctoken):
        if ctoken not in held:
            yield f"action names {ctoken}, which state.account lacks"
            return
    borrowed, collateral = held[action.borrowed_ctoken], held[action.collateral_ctoken]
    for name, there in (
        ("price_borrowed_mantissa", borrowed.price_mantissa),
        ("price_collateral_mantissa", collateral.price_mantissa),
        ("exchange_rate_collateral_mantissa", collateral.exchange_rate_mantissa),
        ("borrow_balance_underlying", borrowed.borrow_balance_underlying),
    ):
        if getattr(state, name) != there:
            yield f"state.{name} is {getattr(state, name)}, in state.account it is {there}"


def revisions() -> list[str]:
    """None: what the file calls a revision is the time of its blocks."""
    return []


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    try:
        return _amounts(record)
    except EvmRevert as revert:
        return {"reverts": revert.name}


def _amounts(record: Record) -> dict[str, int]:
    """What the repayment takes, refused where it is more than one call may repay or than is there."""
    state, repaid = record.state, record.action.repay_amount_underlying
    close_factor = state.close_factor_mantissa_assumed
    if close_factor is not None and repaid > mantissa_mul_down(close_factor, state.borrow_balance_underlying):
        raise EvmRevert("TOO_MUCH_REPAY", repaid=repaid)
    terms = Terms(
        incentive_mantissa=state.liquidation_incentive_mantissa,
        debt_price_mantissa=state.price_borrowed_mantissa,
        collateral_price_mantissa=state.price_collateral_mantissa,
        exchange_rate_mantissa=state.exchange_rate_collateral_mantissa,
    )
    seized = terms.seized_for(repaid)
    held = {one.ctoken: one.ctokens for one in state.account}[record.action.collateral_ctoken]
    if seized > held:
        raise EvmRevert("LIQUIDATE_SEIZE_TOO_MUCH", seized=seized, held=held)
    return {"seize_ctokens": seized, "ratio_mantissa": terms.ratio_mantissa}
