"""What one who absorbs and buys looks at before choosing: the account asset by asset, and what a purchase pays."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from protocol.compound_v3.frontier import absorption, proceeds_factor
from protocol.compound_v3.health import EMPTY_ACCOUNT, asset_at, held, price_at, value_of
from protocol.compound_v3.interest import borrow_balance_of, viewed_at
from protocol.compound_v3.liquidation import absorb
from protocol.compound_v3.state import BASE, AssetId, LiquidationCall, Market, Revert, User
from protocol.fixed_point.uint256 import mul_div_down


def position_values(
    market: Market, user: User, *, prices_base: Mapping[AssetId, int], timestamp: int
) -> tuple[dict[AssetId, int], dict[AssetId, int]]:
    """The account's collaterals and its debt by asset id, each rounded down [base]; zeros left out.

    Errors as in `account_data`.
    """
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    collaterals = {
        asset_id: value_of(balance, asset_at(market, asset_id), prices_base)
        for asset_id, balance in held(account)
    }
    owed = borrow_balance_of(market, user, timestamp)
    debt = mul_div_down(owed, price_at(BASE, prices_base), market.config.base_scale) if owed else 0
    return {i: v for i, v in collaterals.items() if v}, ({BASE: debt} if debt else {})


def payout_ratio(market: Market, asset_id: AssetId) -> Fraction:
    """Value a buyer receives of this collateral per value paid at the store front, at observed prices."""
    return 1 / proceeds_factor(market, asset_at(market, asset_id).info)


def residual_of_account(
    market: Market, user: User, *, prices_base: Mapping[AssetId, int], timestamp: int
) -> tuple[int, Fraction]:
    """The debt that absorbing the account forgives: to the unit, and in closed form. [base asset units]

    The second is 0 or less where the collateral covers the debt. 0 and 0 for an account that cannot be absorbed.
    """
    call = LiquidationCall(absorber=user, accounts=(user,))
    outcome = absorb(viewed_at(market, timestamp), call, prices_base=prices_base, timestamp=timestamp)
    if isinstance(outcome, Revert):
        return 0, Fraction(0)
    settled = absorption(market, user, prices_base=prices_base, timestamp=timestamp)
    value = settled.debt_base - settled.credit_base
    return outcome.absorbed[0].debt_forgiven, value * market.config.base_scale / price_at(BASE, prices_base)
