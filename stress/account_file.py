"""An account in a TOML file, to be asked under any rule set; `accounts/example.toml` is the commented example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from protocol.units import BASE_PER_USD, BPS, MAX_UINT128, MAX_UINT256, RAY
from stress.book_fields import Entry
from stress.small_market import NOW, Asset, EMode, SmallAccount
from stress.toml_file import TomlFileError, read_toml

MOST_DECIMALS = 36
MOST_OF_A_BALANCE = 2**120 - 1
"""[asset units] What every revision can store; from v3.4 on a balance has 120 bits."""


class AccountFileError(ValueError):
    """An account file that cannot be used: which file, entry and field, and what is wrong with it."""

    exit_code = 2

    def __init__(self, file: str, entry: str = "", field: str = "", what: str = "") -> None:
        self.file, self.entry, self.field = file, entry, field
        where = ", ".join(part for part in (file, entry, field) if part)
        super().__init__(f"account {where}: {what}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One liquidation of the account; ids are places in the list of assets."""

    collateral_id: int
    debt_id: int
    debt_to_cover: int = MAX_UINT256
    """[debt asset units]"""
    receive_atoken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountFile:
    """What a file holds."""

    account: SmallAccount
    call: Call


def read_account(path: Path) -> AccountFile:
    """Read an account file. Raises `AccountFileError`, which names the field."""
    try:
        document = read_toml(path)
    except TomlFileError as error:
        hint = "; of a vector file give --case too, the case to ask" if "JSON" in str(error) else ""
        raise AccountFileError(str(path), what=f"{error}{hint}") from None
    return parse_account(document, where=str(path))


def parse_account(document: Mapping[str, Any], *, where: str) -> AccountFile:
    """Turn a TOML document, its floats read as `Decimal`, into an account; errors name `where`."""
    top = _Entry(file=where, name="", fields=document)
    assets = [
        _asset(_Entry(file=where, name=f"asset {place}", fields=fields))
        for place, fields in enumerate(top.tables("asset"), start=1)
    ]
    _require_a_loan(top, assets)
    account = SmallAccount(assets=assets, emode=_emode(top), elapsed_s=_elapsed_s(top))
    call = _call(top, assets)
    top.refuse_unknown()
    return AccountFile(account=account, call=call)


@dataclass(slots=True)
class _Entry(Entry):
    """A table of an account file: refuses in its own name, and knows the units."""

    def error(self, key: str, what: str) -> AccountFileError:
        return AccountFileError(self.file, self.name, key, what)

    def bps(self, key: str, *, most: int = BPS) -> int:
        value = self.count(key, default=0)
        if value > most:
            raise self.error(key, f"must be {most} bps or less, is {value}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        self.known.add(key)
        value = self.fields.get(key, default)
        if type(value) is not bool:
            raise self.error(key, f"must be true or false, is {value!r}")
        return value

    def whole(self, key: str, scale: int, *, default: Decimal | None = None, most: int = MAX_UINT128) -> int:
        """A number of 0 or above in units of 1/`scale`; a part of a unit is refused, not rounded."""
        value = self.number(key) if default is None or key in self.fields else default
        self.known.add(key)
        if value < 0 or _is_less_than_a_unit(value):
            raise self.error(key, f"must be 0 or above, in whole units of 1/{scale:,}, is {value}")
        units = Fraction(value) * scale if value <= most else most + 1
        if units > most:
            raise self.error(key, f"must be {most:,} units of 1/{scale:,} or less, is {value}")
        if units.denominator != 1:
            raise self.error(key, f"must be 0 or above, in whole units of 1/{scale:,}, is {value}")
        return int(units)


def _is_less_than_a_unit(value: Decimal) -> bool:
    """Too small for any scale: its exact fraction would have as many digits as its exponent says."""
    return value != 0 and value.adjusted() < -MOST_DECIMALS


def _asset(entry: _Entry) -> Asset:
    decimals = entry.count("decimals")
    if decimals > MOST_DECIMALS:
        raise entry.error("decimals", f"must be {MOST_DECIMALS} or less, is {decimals}")
    unit, none = 10**decimals, Decimal(0)
    asset = Asset(
        symbol=entry.text("symbol"),
        decimals=decimals,
        price_base=entry.whole("price_usd", BASE_PER_USD),
        ltv_bps=entry.bps("ltv_bps"),
        liquidation_threshold_bps=entry.bps("liquidation_threshold_bps"),
        liquidation_bonus_bps=entry.bps("liquidation_bonus_bps", most=2**16 - 1),
        liquidation_protocol_fee_bps=entry.bps("liquidation_protocol_fee_bps"),
        reserve_factor_bps=entry.bps("reserve_factor_bps"),
        supplied=entry.whole("supplied", unit, default=none, most=MOST_OF_A_BALANCE),
        borrowed=entry.whole("borrowed", unit, default=none, most=MOST_OF_A_BALANCE),
        is_collateral=entry.flag("is_collateral", default=True),
        in_emode=entry.flag("in_emode", default=False),
        liquidity_index_ray=_index(entry, "liquidity_index_ray"),
        variable_borrow_index_ray=_index(entry, "variable_borrow_index_ray"),
        supply_rate_ray=entry.whole("supply_rate", RAY, default=none),
        borrow_rate_ray=entry.whole("borrow_rate", RAY, default=none),
    )
    entry.refuse_unknown()
    return asset


def _index(entry: _Entry, key: str) -> int:
    value = entry.count(key, default=RAY)
    if not RAY <= value <= MAX_UINT128:
        raise entry.error(key, f"must be from 1e27 to {MAX_UINT128:,} (128 bits), is {value:,}")
    return value


def _elapsed_s(top: _Entry) -> int:
    value = top.count("elapsed_s", default=0)
    if value > NOW:
        raise top.error("elapsed_s", f"must be {NOW:,} or less, as the clock starts in 1970, is {value:,}")
    return value


def _emode(top: _Entry) -> EMode | None:
    fields = top.table("emode", default={})
    if not fields:
        return None
    entry = _Entry(file=top.file, name="[emode]", fields=fields)
    mode = EMode(
        ltv_bps=entry.bps("ltv_bps"),
        liquidation_threshold_bps=entry.bps("liquidation_threshold_bps"),
        liquidation_bonus_bps=entry.bps("liquidation_bonus_bps", most=2**16 - 1),
    )
    entry.refuse_unknown()
    return mode


def _require_a_loan(top: _Entry, assets: list[Asset]) -> None:
    symbols = [asset.symbol for asset in assets]
    if len(set(symbols)) < len(symbols):
        raise top.error("asset", f"names a symbol twice: {', '.join(symbols)}")
    if not any(asset.supplied for asset in assets) or not any(asset.borrowed for asset in assets):
        raise top.error(
            "asset", "must supply something and borrow something, or there is nothing to liquidate"
        )


def _call(top: _Entry, assets: list[Asset]) -> Call:
    fields = top.table("call", default={})
    entry = _Entry(file=top.file, name="[call]", fields=fields)
    collateral_id = _chosen(entry, "collateral", assets, [_value(asset, asset.supplied) for asset in assets])
    debt_id = _chosen(entry, "debt", assets, [_value(asset, asset.borrowed) for asset in assets])
    cover = MAX_UINT256
    if "debt_to_cover" in fields:
        cover = entry.whole("debt_to_cover", 10 ** assets[debt_id].decimals)
    entry.known.add("debt_to_cover")
    call = Call(
        collateral_id=collateral_id,
        debt_id=debt_id,
        debt_to_cover=cover,
        receive_atoken=entry.flag("receive_atoken", default=False),
    )
    entry.refuse_unknown()
    return call


def _value(asset: Asset, amount: int) -> Decimal:
    return Decimal(amount * asset.price_base) / 10**asset.decimals


def _chosen(entry: _Entry, key: str, assets: list[Asset], values: list[Decimal]) -> int:
    """The place of the named asset, or of the largest."""
    entry.known.add(key)
    if key not in entry.fields:
        return values.index(max(values))
    symbols = [asset.symbol for asset in assets]
    if entry.fields[key] not in symbols:
        raise entry.error(key, f"must be one of {', '.join(symbols)}, is {entry.fields[key]!r}")
    return symbols.index(entry.fields[key])
