"""A liquidation call as the Pool of a rollup takes it in short: two words instead of five arguments.

Mirrors `encodeLiquidationCall`, src/contracts/helpers/L2Encoder.sol, and `decodeLiquidationCallParams`,
src/contracts/protocol/libraries/logic/CalldataLogic.sol (aave-dao/aave-v3-origin@v3.6.0); the same since v3.0.0.
"""

from __future__ import annotations

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.errors import ForkError
from protocol.aave_v3 import LiquidationCall, User
from protocol.units import MAX_UINT128, MAX_UINT256

SELECTOR = keccak(text="liquidationCall(bytes32,bytes32)")[:4]
"""Of `L2Pool.liquidationCall`, which stands beside the function of five arguments."""
_LENGTH = 4 + 2 * 32
_ADDRESS_BITS, _ID_BITS, _AMOUNT_BITS = 160, 16, 128


class AmountTooWide(ForkError):
    """An amount of debt that the short form has no room for."""

    def __init__(self, debt_to_cover: int) -> None:
        self.debt_to_cover = debt_to_cover
        super().__init__(
            f"debt to cover {debt_to_cover} is wider than 128 bits: ask for less, or for all with 2**256 - 1"
        )


class NotAShortCall(ForkError):
    """Data that is no liquidation call in short."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(
            f"{len(data)} bytes beginning with 0x{data[:4].hex()} are no liquidationCall(bytes32,bytes32): "
            f"it has {_LENGTH} and begins with 0x{SELECTOR.hex()}"
        )


def encode_liquidation_call(call: LiquidationCall) -> bytes:
    """Data of the short call; the borrower is an address, the liquidator is who sends it. Raises AmountTooWide.

    2**256 - 1 is packed as 2**128 - 1, and an amount of just 2**128 - 1 is read as all there is, too.
    """
    amount = MAX_UINT128 if call.debt_to_cover == MAX_UINT256 else call.debt_to_cover
    if amount > MAX_UINT128:
        raise AmountTooWide(call.debt_to_cover)
    who = call.collateral_id | call.debt_id << _ID_BITS | int(call.borrower, 16) << 2 * _ID_BITS
    how_much = amount | call.receive_atoken << _AMOUNT_BITS
    return SELECTOR + who.to_bytes(32) + how_much.to_bytes(32)


def decode_liquidation_call(data: bytes, liquidator: User) -> LiquidationCall:
    """The call that such data make when `liquidator` sends them; bits beyond the fields are ignored.

    Raises NotAShortCall.
    """
    if len(data) != _LENGTH or data[:4] != SELECTOR:
        raise NotAShortCall(data)
    who, how_much = int.from_bytes(data[4:36]), int.from_bytes(data[36:])
    amount = _field(how_much, 0, _AMOUNT_BITS)
    borrower = _field(who, 2 * _ID_BITS, _ADDRESS_BITS)
    return LiquidationCall(
        collateral_id=_field(who, 0, _ID_BITS),
        debt_id=_field(who, _ID_BITS, _ID_BITS),
        borrower=to_checksum_address(borrower.to_bytes(20)),
        liquidator=liquidator,
        debt_to_cover=MAX_UINT256 if amount == MAX_UINT128 else amount,
        receive_atoken=bool(_field(how_much, _AMOUNT_BITS, 1)),
    )


def _field(word: int, position: int, width: int) -> int:
    return word >> position & (1 << width) - 1
