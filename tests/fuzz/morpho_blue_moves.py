"""What a drawn step comes to at the moment it is taken: a call, said to the contract and to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from forks.aave_v3.deploy import ADMIN
from protocol import morpho_blue as rules
from protocol.units import MAX_UINT256
from tests import steps_morpho_blue as draws
from tests.fuzz.morpho_blue_scene import Scene
from tests.steps import Size

NOTHING = 1_000
"""What a share is taken of where the whole is 0, for that is refused as no amount at all before all else."""


class Amounts(NamedTuple):
    """What is read off an outcome of the model to be laid beside the contracts."""

    told: Callable[[Any], tuple[int, ...]]
    """The amounts at the end of the event."""
    moved: Callable[[Any], tuple[int, int]]
    """What Morpho has more than before of the loan token and of the collateral token."""


NONE = Amounts(lambda _: (), lambda _: (0, 0))
LOAN_IN = Amounts(lambda one: (one.assets, one.shares), lambda one: (one.assets, 0))
LOAN_OUT = Amounts(LOAN_IN.told, lambda one: (-one.assets, 0))
COLLATERAL_IN = Amounts(lambda one: (one.assets,), lambda one: (0, one.assets))
COLLATERAL_OUT = Amounts(COLLATERAL_IN.told, lambda one: (0, -one.assets))
LIQUIDATION = Amounts(
    lambda one: (
        one.repaid_assets,
        one.repaid_shares,
        one.seized_assets,
        one.bad_debt_assets,
        one.bad_debt_shares,
    ),
    lambda one: (one.repaid_assets, -one.seized_assets),
)


@dataclass(frozen=True, slots=True)
class Move:
    """One call of Morpho, said twice."""

    sender: str
    function: str
    arguments: tuple[Any, ...]
    """Without the market's parameters, which come first."""
    model: Callable[[], Any]
    """What the model says: Acted, Liquidated or Revert."""
    amounts: Amounts = NONE


def move_of(scene: Scene, step: draws.Step) -> Move | None:
    """The call that a step is; None where it only sets something up."""
    make = _MOVES.get(type(step))
    return make(scene, step) if make else None


def _create_market(scene: Scene, step: draws.CreateMarket) -> Move:
    return Move(
        scene.user(draws.LENDER),
        "createMarket",
        (),
        lambda: rules.create_market(scene.market, timestamp=scene.now),
    )


def _supply(scene: Scene, step: draws.Supply) -> Move:
    user, other = scene.user(step.user), scene.user(step.on_behalf_of)
    assets, shares = _sized(step.size, step.by, scene.lent())
    return Move(
        user,
        "supply",
        (assets, shares, other),
        lambda: rules.supply(scene.market, user, assets, shares, on_behalf_of=other, timestamp=scene.now),
        LOAN_IN,
    )


def _withdraw(scene: Scene, step: draws.Withdraw) -> Move:
    user = scene.user(step.user)
    whole = scene.liquidity() if step.of_liquidity else scene.supplied(step.user)
    assets, shares = _sized(step.size, step.by, whole)
    return Move(
        user,
        "withdraw",
        (assets, shares, user, user),
        lambda: rules.withdraw(scene.market, user, assets, shares, timestamp=scene.now),
        LOAN_OUT,
    )


def _borrow(scene: Scene, step: draws.Borrow) -> Move:
    user = scene.user(step.user)
    whole = scene.borrowable(step.user, of_liquidity=step.of_liquidity)
    assets, shares = _sized(step.size, step.by, whole)
    return Move(
        user,
        "borrow",
        (assets, shares, user, user),
        lambda: rules.borrow(scene.market, user, assets, shares, **scene.at),
        LOAN_OUT,
    )


def _repay(scene: Scene, step: draws.Repay) -> Move:
    debtor = scene.debtor(step.user)
    payer, user = scene.user(step.payer), scene.user(debtor)
    assets, shares = _sized(step.size, step.by, scene.owed(debtor))
    return Move(
        payer,
        "repay",
        (assets, shares, user),
        lambda: rules.repay(scene.market, payer, assets, shares, on_behalf_of=user, timestamp=scene.now),
        LOAN_IN,
    )


def _supply_collateral(scene: Scene, step: draws.SupplyCollateral) -> Move:
    user, other = scene.user(step.user), scene.user(step.on_behalf_of)
    assets = _amount(step.size, scene.pledgeable())
    return Move(
        user,
        "supplyCollateral",
        (assets, other),
        lambda: rules.supply_collateral(scene.market, user, assets, on_behalf_of=other, timestamp=scene.now),
        COLLATERAL_IN,
    )


def _withdraw_collateral(scene: Scene, step: draws.WithdrawCollateral) -> Move:
    user = scene.user(step.user)
    whole = scene.free(step.user) if step.of_free else scene.account(step.user).collateral
    assets = _amount(step.size, whole)
    return Move(
        user,
        "withdrawCollateral",
        (assets, user, user),
        lambda: rules.withdraw_collateral(scene.market, user, assets, **scene.at),
        COLLATERAL_OUT,
    )


def _liquidate(scene: Scene, step: draws.Liquidate) -> Move:
    borrower, liquidator = scene.debtor(step.borrower), scene.user(step.liquidator)
    whole = scene.liquidatable(borrower, of_more=step.of_more)
    seized, repaid = _sized(step.size, step.by, whole)
    call = rules.LiquidationCall(
        borrower=scene.user(borrower), liquidator=liquidator, seized_assets=seized, repaid_shares=repaid
    )
    return Move(
        liquidator,
        "liquidate",
        (call.borrower, seized, repaid),
        lambda: rules.liquidate(scene.market, call, **scene.at),
        LIQUIDATION,
    )


def _accrue_interest(scene: Scene, step: draws.AccrueInterest) -> Move:
    return Move(
        scene.user(draws.LENDER),
        "accrueInterest",
        (),
        lambda: rules.accrue_interest(scene.market, timestamp=scene.now),
    )


def _set_fee(scene: Scene, step: draws.SetFee) -> Move:
    return Move(
        ADMIN,
        "setFee",
        (step.fee_wad,),
        lambda: rules.set_fee(scene.market, step.fee_wad, timestamp=scene.now),
    )


def _sized(size: Size, by: draws.By, whole: tuple[int, int]) -> tuple[int, int]:
    """The two amounts of a call, of which `by` says which are not left at 0."""
    assets, shares = (_amount(size, one) for one in whole)
    return (assets if by in {"assets", "both"} else 0), (shares if by in {"shares", "both"} else 0)


def _amount(size: Size, whole: int) -> int:
    """The share of `whole` that a call can be given; where there is nothing, of so much as there might be."""
    return min(size.of(whole or NOTHING), MAX_UINT256)


_MOVES: Mapping[type, Callable[[Scene, Any], Move]] = {
    draws.CreateMarket: _create_market,
    draws.Supply: _supply,
    draws.Withdraw: _withdraw,
    draws.Borrow: _borrow,
    draws.Repay: _repay,
    draws.SupplyCollateral: _supply_collateral,
    draws.WithdrawCollateral: _withdraw_collateral,
    draws.Liquidate: _liquidate,
    draws.AccrueInterest: _accrue_interest,
    draws.SetFee: _set_fee,
}
