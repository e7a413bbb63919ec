"""What amounts are worth by a market's rules: account data on a market whose indices are all 1."""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v3 import (
    Account,
    AccountData,
    EModeCategory,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    Rules,
    account_data,
)
from protocol.units import RAY
from stress.opening import ReserveInfo

_USER = "borrower"
_NO_RATE = RateStrategy(
    optimal_usage_ray=RAY, base_variable_rate_ray=0, variable_slope1_ray=0, variable_slope2_ray=0
)


def values_of(
    supplies: Mapping[str, int],
    borrows: Mapping[str, int],
    emode: int,
    *,
    reserves: Mapping[str, ReserveInfo],
    rules: Rules,
) -> AccountData:
    """Account data of these supplies and borrows ([token units] by symbol) in category `emode`."""
    ids = {s: index for index, s in enumerate(reserves) if s in supplies or s in borrows}
    positions = {
        index: Position(
            scaled_atoken=supplies.get(symbol, 0),
            scaled_variable_debt=borrows.get(symbol, 0),
            collateral_enabled=symbol in supplies,
            borrowing=symbol in borrows,
        )
        for symbol, index in ids.items()
    }
    market = Market(
        rules=rules,
        reserves={index: _reserve(index, symbol, reserves[symbol]) for symbol, index in ids.items()},
        emodes=_emode(emode, reserves),
        accounts={_USER: Account(positions=positions, emode=emode)},
        treasury="",
    )
    prices = {index: reserves[symbol].price_base for symbol, index in ids.items()}
    return account_data(market, _USER, prices_base=prices, timestamp=0)


def _reserve(reserve_id: int, symbol: str, info: ReserveInfo) -> Reserve:
    return Reserve(
        reserve_id=reserve_id,
        asset=symbol,
        symbol=symbol,
        config=ReserveConfig(
            decimals=info.decimals,
            ltv_bps=info.ltv_bps,
            liquidation_threshold_bps=info.liquidation_threshold_bps,
            liquidation_bonus_bps=100_00,
            liquidation_protocol_fee_bps=0,
            reserve_factor_bps=0,
        ),
        strategy=_NO_RATE,
        liquidity_index_ray=RAY,
        variable_borrow_index_ray=RAY,
        liquidity_rate_ray=0,
        variable_borrow_rate_ray=0,
        last_update_timestamp=0,
        total_scaled_atoken=0,
        total_scaled_variable_debt=0,
        accrued_to_treasury_scaled=0,
        deficit=0,
        virtual_underlying_balance=0,
    )


def _emode(emode: int, reserves: Mapping[str, ReserveInfo]) -> dict[int, EModeCategory]:
    members = {i: info.emodes[emode] for i, info in enumerate(reserves.values()) if emode in info.emodes}
    if not members:
        return {}
    terms = next(iter(members.values()))
    return {
        emode: EModeCategory(
            emode_id=emode,
            ltv_bps=terms.ltv_bps,
            liquidation_threshold_bps=terms.liquidation_threshold_bps,
            liquidation_bonus_bps=100_00,
            collateral_bitmap=sum(1 << index for index in members),
        )
    }
