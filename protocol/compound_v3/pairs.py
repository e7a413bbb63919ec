"""What one who absorbs and buys looks at before choosing: the account asset by asset, and what a purchase pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from protocol.compound_v3.frontier import absorption, proceeds_factor
from protocol.compound_v3.health import EMPTY_ACCOUNT, asset_at, held, price_at, value_of
from protocol.compound_v3.interest import balance_of, borrow_balance_of, viewed_at
from protocol.compound_v3.liquidation import absorb
from protocol.compound_v3.principal import present_value
from protocol.compound_v3.state import BASE, AssetId, AssetInfo, LiquidationCall, Market, Revert, User
from protocol.fixed_point.uint256 import mul_div_down
from protocol.units import MAX_UINT256, WAD


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


def health_factor_wad(market: Market, user: User, *, prices_base: Mapping[AssetId, int]) -> int:
    """Collateral by liquidation factors per debt, as `isLiquidatable` sees both: at the stored indices.

    Below 1 just where that view says yes; 2**256 - 1 without debt. No number of the contract. [wad] Errors as in
    `account_data`.
    """
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    owed = max(-present_value(market, account.principal), 0)
    debt_base = mul_div_down(owed, price_at(BASE, prices_base), market.config.base_scale)
    if not debt_base:
        return MAX_UINT256
    weighted_base = _weighted_base(
        market, user, prices_base, lambda info: info.liquidate_collateral_factor_wad
    )
    return mul_div_down(weighted_base, WAD, debt_base)


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


def residual_of_pair(
    market: Market, user: User, *, prices_base: Mapping[AssetId, int], timestamp: int
) -> tuple[int, Fraction]:
    """Closed form: what absorbing the account forgives, to the unit and before the last rounding. [base asset units]

    The debt less all that is credited for the collateral, every value and credit rounded down to its 8 decimals as
    the contract does; what is credited turns into whole base units rounded down, so that what remains is rounded
    up. The first is 0 where the collateral covers the debt; the second is then 0 or less.
    """
    credit = Fraction(
        _credit_base(market, user, prices_base) * market.config.base_scale, price_at(BASE, prices_base)
    )
    exact = borrow_balance_of(market, user, timestamp) - credit
    return max(-(-exact // 1), 0), exact


def gap_base(market: Market, user: User, *, prices_base: Mapping[AssetId, int], timestamp: int) -> Fraction:
    """Debt less what is credited for all the collateral, or what is supplied and the credit as less than 0. [base]

    The same before and after an absorption, but for what that forgives and for what it rounds of base units.
    """
    owed = borrow_balance_of(market, user, timestamp) - balance_of(market, user, timestamp)
    debt_base = Fraction(owed * price_at(BASE, prices_base), market.config.base_scale)
    return debt_base - _credit_base(market, user, prices_base)


def _credit_base(market: Market, user: User, prices_base: Mapping[AssetId, int]) -> int:
    """What an absorption credits for all the collateral. [base]"""
    return _weighted_base(market, user, prices_base, lambda info: info.liquidation_factor_wad)


def _weighted_base(
    market: Market, user: User, prices_base: Mapping[AssetId, int], factor_of: Callable[[AssetInfo], int]
) -> int:
    """Each collateral's value and its product with a factor rounded down, and summed up. [base]"""
    total_base = 0
    for asset_id, balance in held(market.accounts.get(user, EMPTY_ACCOUNT)):
        asset = asset_at(market, asset_id)
        total_base += mul_div_down(value_of(balance, asset, prices_base), factor_of(asset.info), WAD)
    return total_base
