"""`absorb`, step by step in the contract's order: the protocol takes an account's collateral and its debt.

No part of a debt, no liquidator's payment, no bonus: the reserves pay, and get the tokens to sell. The one
that calls earns points that depend on gas; they are not modelled.

Mirrors `absorb` and `absorbInternal`, contracts/CometWithExtendedAssetList.sol
(compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.compound_v3.amounts import Settlement, repay_and_supply_amount, settlement
from protocol.compound_v3.health import asset_at, held, price_at, value_of
from protocol.compound_v3.ledger import Ledger
from protocol.compound_v3.principal import present_value, principal_value
from protocol.compound_v3.state import (
    BASE,
    AbsorbedAccount,
    AbsorbedCollateral,
    AssetId,
    Liquidated,
    LiquidationCall,
    Market,
    Revert,
    User,
)
from protocol.compound_v3.validation import require_liquidatable, require_not_paused
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, mul_div_down
from protocol.units import WAD


def absorb(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[AssetId, int], timestamp: int
) -> Liquidated | Revert:
    """What the call does to the market at `timestamp` [s] and observed prices, or the error it reverts with.

    All of the accounts or none: one that is healthy, or listed twice, makes it revert. Raises `MissingPrice`,
    `UnknownReserve` for input that the contract could not meet.
    """
    ledger = Ledger(market)
    try:
        require_not_paused(market.pauses.absorb)
        ledger.accrue(timestamp)
        absorbed = tuple(_absorb_account(ledger, user, prices_base) for user in call.accounts)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Liquidated(market=ledger.market, absorbed=absorbed)


def _absorb_account(ledger: Ledger, user: User, prices_base: Mapping[AssetId, int]) -> AbsorbedAccount:
    """`absorbInternal`."""
    require_liquidatable(ledger.market, ledger.account(user), prices_base)
    old_balance = present_value(ledger.market, ledger.account(user).principal)
    base_price_base, base_scale = price_at(BASE, prices_base), ledger.market.config.base_scale
    collateral, credit_base = _seize_all(ledger, user, prices_base)
    settled = settlement(old_balance, credit_base, base_price_base=base_price_base, base_scale=base_scale)
    _settle(ledger, user, settled)
    base_paid_out = settled.new_balance - old_balance
    return AbsorbedAccount(
        user=user,
        collateral=collateral,
        base_paid_out=base_paid_out,
        value_of_base_paid_out_base=mul_div_down(base_paid_out, base_price_base, base_scale),
        debt_forgiven=settled.debt_forgiven,
    )


def _seize_all(
    ledger: Ledger, user: User, prices_base: Mapping[AssetId, int]
) -> tuple[Mapping[AssetId, AbsorbedCollateral], int]:
    """Every collateral into the protocol's own; returns what was taken, and the credit for it. [base]"""
    taken: dict[AssetId, AbsorbedCollateral] = {}
    credit_base = 0
    for asset_id, amount in held(ledger.account(user)):
        asset = asset_at(ledger.market, asset_id)
        ledger.take_collateral(user, asset_id, amount)
        ledger.move_total_collateral(asset_id, taken=amount)
        value_base = value_of(amount, asset, prices_base)
        weighted_base = mul_div_down(value_base, asset.info.liquidation_factor_wad, WAD)
        credit_base = add(credit_base, weighted_base)
        taken[asset_id] = AbsorbedCollateral(amount=amount, value_base=value_base)
    return taken, credit_base


def _settle(ledger: Ledger, user: User, settled: Settlement) -> None:
    """The account's debt is gone, and what is credited beyond it is supplied."""
    old_principal = ledger.account(user).principal
    new_principal = principal_value(ledger.market, settled.new_balance)
    ledger.set_principal(user, new_principal)
    repaid, supplied = repay_and_supply_amount(old_principal, new_principal)
    ledger.move_totals(supplied=supplied, repaid=repaid)
