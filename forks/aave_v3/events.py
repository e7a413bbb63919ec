"""The amounts that a liquidation's own events report."""

from __future__ import annotations

from collections.abc import Mapping

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.types import LogReceipt, TxReceipt

from protocol.aave_v3 import LiquidationCall, Market

LIQUIDATION_CALL = keccak(text="LiquidationCall(address,address,address,uint256,uint256,address,bool)")
DEFICIT_CREATED = keccak(text="DeficitCreated(address,address,uint256)")
TRANSFER = keccak(text="Transfer(address,address,uint256)")
TELLS_TRANSFERS_TWICE = {"3.0.0"}
"""Revisions whose aTokens tell a transfer in a liquidation twice, first as the scaled amount."""


def liquidation_amounts(
    receipt: TxReceipt, market: Market, call: LiquidationCall, collateral_atoken: str
) -> dict[str, int]:
    """Amounts of LiquidationCall, of every DeficitCreated, and of the fee that goes to the treasury as aTokens."""
    symbols: dict[str, str] = {to_checksum_address(r.asset): r.symbol for r in market.reserves.values()}
    amounts: dict[str, int] = {}
    to_treasury: list[int] = []
    for log in receipt["logs"]:
        topic = bytes(log["topics"][0]) if log["topics"] else b""
        if topic == LIQUIDATION_CALL:
            repaid, seized, _, _ = decode(["uint256", "uint256", "address", "bool"], bytes(log["data"]))
            amounts["event.LiquidationCall.debtToCover"] = repaid
            amounts["event.LiquidationCall.liquidatedCollateralAmount"] = seized
        elif topic == DEFICIT_CREATED:
            name = f"event.DeficitCreated.{symbols[_address(log, 2)]}"
            amounts[name] = amounts.get(name, 0) + _amount(log)
        elif topic == TRANSFER and _is_fee(log, market, call, collateral_atoken):
            to_treasury.append(_amount(log))
    if market.rules.revision in TELLS_TRANSFERS_TWICE:
        to_treasury = to_treasury[1::2]
    handed_over = call.receive_atoken and call.liquidator.lower() == market.treasury.lower()
    amounts["event.protocolFee"] = sum(
        to_treasury[handed_over:]
    )  # what it bought itself comes before the fee
    return amounts


def _is_fee(log: LogReceipt, market: Market, call: LiquidationCall, atoken: str) -> bool:
    """A Transfer of the collateral's aToken from the borrower to the treasury."""
    return (
        log["address"].lower() == atoken.lower()
        and _address(log, 1).lower() == call.borrower.lower()
        and _address(log, 2).lower() == market.treasury.lower()
    )


def _amount(log: LogReceipt) -> int:
    return int(decode(["uint256"], bytes(log["data"]))[0])


def _address(log: Mapping[str, object] | LogReceipt, topic: int) -> str:
    return to_checksum_address(bytes(log["topics"][topic])[12:])  # type: ignore[index]
