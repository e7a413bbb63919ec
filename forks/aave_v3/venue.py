"""A real Aave v3 pool on a local node: what the crash reads from it and does to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode
from eth_utils import keccak
from eth_utils.abi import collapse_if_tuple  # noqa: F401
from web3.types import TxReceipt

from forks.aave_v3 import reader, tokens
from forks.artifacts import decode_revert
from forks.feeds import FeedControl
from forks.node import Node
from protocol.aave_v3 import AccountData, LiquidationCall, Market, ReserveId, Rules, User

LIQUIDATION_CALL_ABI = [
    {
        "type": "function",
        "name": "liquidationCall",
        "stateMutability": "nonpayable",
        "inputs": [
            {"name": "collateralAsset", "type": "address"},
            {"name": "debtAsset", "type": "address"},
            {"name": "borrower", "type": "address"},
            {"name": "debtToCover", "type": "uint256"},
            {"name": "receiveAToken", "type": "bool"},
        ],
        "outputs": [],
    }
]
