"""Model against chain, integer by integer: what is compared, and the record of every comparison.

Nothing here knows what a number should be. A state is flattened into named integers, once from the model's market
and once from what the chain answers, and the two are laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from eth_utils import keccak

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


class ParityBroken(Exception):
    """Model and chain disagree: the liquidation, the field and both integers."""

    exit_code = 1

    def __init__(self, difference: Comparison) -> None:
        self.difference = difference
        super().__init__(
            f"model and chain differ: {difference.subject}, {difference.field}: "
            f"model {difference.model}, chain {difference.chain} "
            f"(chain minus model {difference.chain - difference.model})"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One integer as the model said it and as the chain has it."""

    subject: str
    """What it belongs to: "liquidation 7", "opening", "end"."""
    field: str
    model: int
    chain: int
    changed: bool
    """Whether the chain's value differs from the chain's value before the transaction."""

    @property
    def differs(self) -> bool:
        """Whether the two integers are not one."""
        return self.model != self.chain


@dataclass(kw_only=True, slots=True)
class Ledger:
    """All comparisons of a run, in order; stops at the first difference unless told to collect."""

    stop_at_first: bool = True
    rows: list[Comparison] = field(default_factory=list)
    reverts: dict[str, int] = field(default_factory=dict)

    def compare(
        self,
        subject: str,
        model: Mapping[str, int],
        chain: Mapping[str, int],
        before: Mapping[str, int] | None,
    ) -> None:
        """Lay two sets of named integers side by side; a name only one side has is a difference too.

        `before` holds the chain's values before the transaction (None: nothing was sent).

        Raises:
            ParityBroken: at the first integer that differs.
        """
        for name in [*model, *(name for name in chain if name not in model)]:
            value = chain.get(name, MISSING)
            changed = before is not None and before.get(name, 0) != value
            row = Comparison(subject, name, model.get(name, MISSING), value, changed)
            self.rows.append(row)
            if row.differs and self.stop_at_first:
                raise ParityBroken(row)

    def refused(self, subject: str, predicted: str, on_chain: str) -> None:
        """Compare the reasons of two refusals."""
        self.reverts[on_chain] = self.reverts.get(on_chain, 0) + 1
        field = f"reverts {predicted}" if predicted == on_chain else f"reverts {predicted} / {on_chain}"
        row = Comparison(subject, field, error_number(predicted), error_number(on_chain), False)
        self.rows.append(row)
        if row.differs and self.stop_at_first:
            raise ParityBroken(row)

    @property
    def values_compared(self) -> int:
        """How many integers were laid side by side."""
        return len(self.rows)

    @property
    def values_changed(self) -> int:
        """How many of them the transaction had changed on the chain."""
        return sum(row.changed for row in self.rows)

    @property
    def values_differing(self) -> int:
        """How many differ."""
        return sum(row.differs for row in self.rows)


def error_number(name: str) -> int:
    """A refusal's name as an integer: the selector of the custom error of that name without arguments."""
    return int.from_bytes(keccak(text=f"{name}()")[:4])


MISSING = -(2**255)
"""Stands for a name that one side does not have; no chain value is negative."""
NOTHING = Position()


def flatten_market(market: Market, users: Iterable[User]) -> dict[str, int]:
    """Everything stored about the reserves and these users, as named integers."""
    named: dict[str, int] = {}
    for reserve in market.reserves.values():
        named.update(_flatten_reserve(market, reserve))
    for user in dict.fromkeys(users):
        named.update(_flatten_account(market, user, market.accounts.get(user, Account())))
    return named


def flatten_account_data(data: AccountData, prefix: str) -> dict[str, int]:
    """The six numbers of `getUserAccountData`."""
    return {f"{prefix}.{item.name}": getattr(data, item.name) for item in fields(data)}


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
