"""A Comet as named integers, of the chain and of the model under the same names: to be laid side by side.

What the views answer, 1 and 0 for yes and no; one that reverts has no value, on either side. And everything that
is stored and can move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from forks.aave_v3.getters import Question, ask_each, checksummed
from forks.compound_v3.reader import MarketReader, signed
from protocol.compound_v3 import (
    Account,
    Asset,
    AssetId,
    Market,
    Revert,
    User,
    balance_of,
    borrow_balance_of,
    borrow_rate,
    collateral_reserves,
    quote_collateral,
    reserves,
    supply_rate,
    total_borrow,
    total_supply,
    utilization,
)
from protocol.compound_v3.health import is_borrow_collateralized, is_liquidatable
from protocol.errors import EvmRevert

Numbers = Mapping[str, int]
"""Named integers."""
Quote = tuple[AssetId, int]
"""A collateral and what is offered for it [base asset units]."""

_ACCOUNT_VIEWS = ("balanceOf", "borrowBalanceOf", "isBorrowCollateralized", "isLiquidatable")
_PAUSES = ("Supply", "Transfer", "Withdraw", "Absorb", "Buy")
_PLAIN_VIEWS = ("totalSupply", "totalBorrow", "getReserves", *(f"is{action}Paused" for action in _PAUSES))


def account_views(
    reader: MarketReader, users: Iterable[User], *, block: int | str = "latest"
) -> list[Numbers]:
    """What the contract says of each of `users`."""
    named = [checksummed(user) for user in users]
    comet = reader.listing.comet
    asked = [
        {view: Question(comet, f"{view}(address)", (user,)) for view in _ACCOUNT_VIEWS} for user in named
    ]
    found = iter(ask_each(reader.source, [q for one in asked for q in one.values()], block))
    answers = [{view: next(found) for view in one} for one in asked]
    return [{view: answer.word for view, answer in one.items() if answer} for one in answers]


def model_account_views(
    market: Market, users: Iterable[User], *, prices_base: Mapping[AssetId, int], timestamp: int
) -> list[Numbers]:
    """The same of the model, for users by checksummed address."""

    def of(user: User) -> Numbers:
        account = market.accounts.get(user, Account())
        return _answered(
            {
                "balanceOf": lambda: balance_of(market, user, timestamp),
                "borrowBalanceOf": lambda: borrow_balance_of(market, user, timestamp),
                "isBorrowCollateralized": lambda: is_borrow_collateralized(market, account, prices_base),
                "isLiquidatable": lambda: is_liquidatable(market, account, prices_base),
            }
        )

    return [of(user) for user in users]


def market_views(
    reader: MarketReader, quotes: Iterable[Quote] = (), *, block: int | str = "latest"
) -> Numbers:
    """What the contract says of the market, of the reserves of every collateral, and of `quotes`.

    Rates are those at the utilization that it tells: asked for in a second batch.
    """
    comet, assets = reader.listing.comet, {one.asset_id: one for one in reader.listing.assets}
    asked = {view: Question(comet, f"{view}()") for view in (*_PLAIN_VIEWS, "getUtilization")}
    for one in assets.values():
        asked[f"getCollateralReserves.{one.symbol}"] = Question(
            comet, "getCollateralReserves(address)", (one.asset,)
        )
    for asset_id, amount in quotes:
        one = assets[asset_id]
        asked[f"quoteCollateral.{one.symbol}.{amount}"] = Question(
            comet, "quoteCollateral(address,uint256)", (one.asset, amount)
        )
    found = _asked(reader, asked, block)
    if "getReserves" in found:
        found["getReserves"] = signed(found["getReserves"])
    if "getUtilization" in found:
        at = (found["getUtilization"],)
        rates = {view: Question(comet, f"{view}(uint256)", at) for view in ("getSupplyRate", "getBorrowRate")}
        found |= _asked(reader, rates, block)
    return found


def model_market_views(
    market: Market, quotes: Iterable[Quote] = (), *, prices_base: Mapping[AssetId, int], timestamp: int
) -> Numbers:
    """The same of the model."""
    pauses, flags = market.pauses, {}
    for action in _PAUSES:
        flags[f"is{action}Paused"] = int(getattr(pauses, action.lower()))
    views: dict[str, Callable[[], int]] = {
        "totalSupply": lambda: total_supply(market, timestamp),
        "totalBorrow": lambda: total_borrow(market, timestamp),
        "getReserves": lambda: reserves(market, timestamp),
        "getUtilization": lambda: utilization(market),
        "getSupplyRate": lambda: supply_rate(market, utilization(market)),
        "getBorrowRate": lambda: borrow_rate(market, utilization(market)),
    }
    for one in market.assets.values():
        views[f"getCollateralReserves.{one.symbol}"] = _reserves_of(one)
    sold = {
        f"quoteCollateral.{market.assets[asset_id].symbol}.{amount}": quote_collateral(
            market, asset_id, amount, prices_base=prices_base
        )
        for asset_id, amount in quotes
    }
    return flags | _answered(views) | {n: one for n, one in sold.items() if not isinstance(one, Revert)}


def stored(market: Market, users: Sequence[User]) -> Numbers:
    """Everything stored that can move, with the accounts of `users`, who may have none."""
    numbers = {
        "base_supply_index_e15": market.base_supply_index_e15,
        "base_borrow_index_e15": market.base_borrow_index_e15,
        "tracking_supply_index": market.tracking_supply_index,
        "tracking_borrow_index": market.tracking_borrow_index,
        "total_supply_principal": market.total_supply_principal,
        "total_borrow_principal": market.total_borrow_principal,
        "last_accrual_timestamp": market.last_accrual_timestamp,
        "base_balance": market.base_balance,
    }
    for one in market.assets.values():
        numbers[f"asset.{one.symbol}.total_supply"] = one.total_supply
        numbers[f"asset.{one.symbol}.balance"] = one.balance
    for user in users:
        account, prefix = market.accounts.get(user, Account()), f"account.{user}"
        numbers[f"{prefix}.principal"] = account.principal
        numbers[f"{prefix}.tracking_index"] = account.tracking_index
        numbers[f"{prefix}.tracking_accrued"] = account.tracking_accrued
        for i, one in market.assets.items():
            numbers[f"{prefix}.collateral.{one.symbol}"] = account.collateral.get(i, 0)
    return numbers


def _asked(reader: MarketReader, asked: Mapping[str, Question], block: int | str) -> dict[str, int]:
    answers = ask_each(reader.source, asked.values(), block)
    return {name: answer.word for name, answer in zip(asked, answers, strict=True) if answer}


def _answered(views: Mapping[str, Callable[[], int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, view in views.items():
        with suppress(EvmRevert):
            found[name] = int(view())
    return found


def _reserves_of(asset: Asset) -> Callable[[], int]:
    return lambda: collateral_reserves(asset)
