"""A book on an Aave v3 market: its reserves, and what amounts are worth where all indices are 1."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from protocol.aave_v3 import (
    Account,
    AccountData,
    EModeCategory,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    ReserveId,
    Rules,
    account_data,
)
from protocol.units import RAY
from stress.opening import EModeTerms, ReserveInfo, Worth

_USER = "borrower"
_NO_RATE = RateStrategy(
    optimal_usage_ray=RAY, base_variable_rate_ray=0, variable_slope1_ray=0, variable_slope2_ray=0
)


def reserve_infos(
    market: Market, prices_base: Mapping[ReserveId, int], *, not_borrowable: Collection[str] = ()
) -> dict[str, ReserveInfo]:
    """What a book needs to know of every reserve of a market, by symbol.

    Reserves that are inactive, paused, without loan-to-value or isolated are no collateral here. The market
    does not say what may be borrowed: `not_borrowable` names the symbols that may not.
    """
    infos = dict[str, ReserveInfo]()
    for reserve_id, reserve in market.reserves.items():
        config = reserve.config
        usable = config.active and not config.paused
        infos[reserve.symbol] = ReserveInfo(
            decimals=config.decimals,
            ltv_bps=config.ltv_bps,
            liquidation_threshold_bps=config.liquidation_threshold_bps,
            price_base=prices_base[reserve_id],
            can_be_collateral=usable and config.ltv_bps > 0 and config.debt_ceiling == 0,
            can_be_borrowed=usable and reserve.symbol not in not_borrowable,
            emodes={
                emode_id: EModeTerms(
                    ltv_bps=category.ltv_bps, liquidation_threshold_bps=category.liquidation_threshold_bps
                )
                for emode_id, category in market.emodes.items()
                if category.collateral_bitmap >> reserve_id & 1
            },
        )
    return infos


@dataclass(frozen=True, slots=True)
class AaveTerms:
    """A market with an Aave v3 pool's rules, as `Terms`."""

    rules: Rules

    def worth(
        self,
        supplies: Mapping[str, int],
        borrows: Mapping[str, int],
        emode: int,
        reserves: Mapping[str, ReserveInfo],
    ) -> Worth:
        """By `account_data`."""
        data = values_of(supplies, borrows, emode, reserves=reserves, rules=self.rules)
        return Worth(
            collateral_base=data.total_collateral_base,
            debt_base=data.total_debt_base,
            health_factor_wad=data.health_factor_wad,
            exceeds_ltv=data.total_debt_base > 0 and data.available_borrows_base == 0,
        )

    def debt_value(self, units: int, price_base: int, unit: int) -> int:
        """Rounded up or down as the revision has it."""
        return self.rules.debt_value(units, price_base, unit)


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
