"""What an absorption and a purchase move: by their own events, and by the model under the same names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from forks.aave_v3.getters import checksummed
from forks.compound_v3.listing import Listing
from protocol.compound_v3 import AbsorbedAccount, AssetId, Bought, Market, User
from protocol.compound_v3.principal import present_value
from protocol.units import WAD

ABSORB_DEBT = keccak(text="AbsorbDebt(address,address,uint256,uint256)")
ABSORB_COLLATERAL = keccak(text="AbsorbCollateral(address,address,address,uint256,uint256)")
BUY_COLLATERAL = keccak(text="BuyCollateral(address,address,uint256,uint256)")
TRANSFER = keccak(text="Transfer(address,address,uint256)")

_NOBODY = "0x" + "00" * 20

Named = Iterator[tuple[str, int]]


def amounts(logs: Iterable[Mapping[str, Any]], listing: Listing) -> dict[str, int]:
    """Every amount that the logs of one or more transactions tell of a market; those of one name are summed.

    Of each account absorbed, what was paid out, taken and supplied; of each purchase, what was paid and sold; and
    what the tokens themselves say that the contract received and sent.
    """
    found: dict[str, int] = {}
    for log in logs:
        for name, amount in _told(log, listing):
            found[name] = found.get(name, 0) + amount
    return found


def model_absorption(market: Market, absorbed: Iterable[AbsorbedAccount]) -> dict[str, int]:
    """What the events of an absorption must tell; `market` as it is after."""
    found: dict[str, int] = {}
    for one in absorbed:
        for asset_id, taken in one.collateral.items():
            prefix = f"AbsorbCollateral.{one.user}.{market.assets[asset_id].symbol}"
            found |= {f"{prefix}.collateralAbsorbed": taken.amount, f"{prefix}.usdValue": taken.value_base}
        prefix = f"AbsorbDebt.{one.user}"
        found[f"{prefix}.basePaidOut"] = one.base_paid_out
        found[f"{prefix}.usdValue"] = one.value_of_base_paid_out_base
        if (principal := market.accounts[one.user].principal) > 0:
            found[f"Transfer.{one.user}.amount"] = present_value(market, principal)
    return found


def debt_forgiven(told: Mapping[str, int], listing: Listing, user: User, base_price_base: int) -> int:
    """What an absorption forgave: paid out beyond the credit for the collateral. [base asset units]

    No event tells it: the credit is each event's value by the liquidation factor, in base units at the price of
    the moment [base].
    """
    credit_base = 0
    for one in listing.assets:
        value_base = told.get(f"AbsorbCollateral.{user}.{one.symbol}.usdValue", 0)
        credit_base += value_base * one.info.liquidation_factor_wad // WAD
    credit = credit_base * listing.config.base_scale // base_price_base
    return told.get(f"AbsorbDebt.{user}.basePaidOut", 0) - credit


def model_purchase(outcome: Bought, asset_id: AssetId) -> dict[str, int]:
    """What the events of a purchase, and of the tokens in it, must tell."""
    market = outcome.market
    symbol, base_symbol = market.assets[asset_id].symbol, market.config.base_symbol
    return {
        f"received.{base_symbol}": outcome.base_amount,
        f"sent.{symbol}": outcome.collateral_amount,
        f"BuyCollateral.{symbol}.baseAmount": outcome.base_amount,
        f"BuyCollateral.{symbol}.collateralAmount": outcome.collateral_amount,
    }


def _told(log: Mapping[str, Any], listing: Listing) -> Named:
    topic, emitter = bytes(log["topics"][0]) if log["topics"] else b"", checksummed(log["address"])
    symbols = {one.asset: one.symbol for one in listing.assets} | {
        listing.config.base_asset: listing.config.base_symbol
    }
    if topic == TRANSFER:
        yield from _transferred(log, listing, symbols.get(emitter, ""), of_itself=emitter == listing.comet)
    elif emitter != listing.comet:
        return
    elif topic == ABSORB_DEBT:
        yield from _pair(log, f"AbsorbDebt.{_party(log, 2)}", "basePaidOut", "usdValue")
    elif topic == ABSORB_COLLATERAL:
        prefix = f"AbsorbCollateral.{_party(log, 2)}.{symbols[_party(log, 3)]}"
        yield from _pair(log, prefix, "collateralAbsorbed", "usdValue")
    elif topic == BUY_COLLATERAL:
        yield from _pair(log, f"BuyCollateral.{symbols[_party(log, 2)]}", "baseAmount", "collateralAmount")


def _transferred(log: Mapping[str, Any], listing: Listing, symbol: str, *, of_itself: bool) -> Named:
    """The market's own token out of nothing, or another that it receives or sends."""
    source, target = _party(log, 1), _party(log, 2)
    (amount,) = decode(["uint256"], bytes(log["data"]))
    if of_itself and source == _NOBODY:
        yield f"Transfer.{target}.amount", amount
    elif symbol and target == listing.comet:
        yield f"received.{symbol}", amount
    elif symbol and source == listing.comet:
        yield f"sent.{symbol}", amount


def _pair(log: Mapping[str, Any], prefix: str, first: str, second: str) -> Named:
    """The two amounts of an event."""
    one, other = decode(["uint256", "uint256"], bytes(log["data"]))
    yield f"{prefix}.{first}", one
    yield f"{prefix}.{second}", other


def _party(log: Mapping[str, Any], topic: int) -> str:
    """Checksummed address in an indexed place."""
    return checksummed("0x" + bytes(log["topics"][topic])[12:].hex())
