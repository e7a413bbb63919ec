"""Where Aave v3.0.2 stores what no function can set: storage slots and how the figures are packed in them.

Mirrors the layouts of `contracts/protocol/pool/PoolStorage.sol`, `libraries/types/DataTypes.sol` and
`tokenization/base/IncentivizedERC20.sol` (aave/aave-v3-core@v1.19.3).
"""

from __future__ import annotations

from eth_utils.crypto import keccak

from forks.aave_v3.mainnet_19471508.figures import Figures, ReserveFigures

POOL_RESERVES = 52
"""Pool `_reserves`: mapping asset -> ReserveData."""
POOL_RESERVES_LIST = 54
"""Pool `_reservesList`: mapping reserve id -> asset."""
POOL_LIMITS = 59
"""Pool `_maxStableRateBorrowSizePercent` (64 bits), `_reservesCount` (16 bits)."""
ATOKEN_USER_STATE = 52
"""AToken `_userState`: mapping user -> scaled balance, liquidity index at its last change (128 bits each)."""
ATOKEN_TOTAL_SUPPLY = 54
"""AToken `_totalSupply`: scaled."""
ATOKEN_TREASURY = 60
"""AToken `_treasury`."""
DEBT_TOKEN_UNDERLYING = 55
"""VariableDebtToken `_underlyingAsset`."""
DEBT_TOKEN_TOTAL_SUPPLY = 58
"""VariableDebtToken `_totalSupply`: scaled."""

WETH9_SYMBOL = 1
"""WETH9 `symbol`."""
WETH9_DECIMALS = 2
"""WETH9 `decimals`."""

Words = dict[int, int]
"""Storage of one contract: slot to 256-bit word."""


def mapping_slot(key: int | str, root: int) -> int:
    """Slot of `mapping[key]` whose mapping stands at slot `root`; `key` is an integer or an address."""
    number = int(key, 16) if isinstance(key, str) else key
    return int.from_bytes(keccak(number.to_bytes(32, "big") + root.to_bytes(32, "big")), "big")


def short_string(text: str) -> int:
    """The storage word of a string of up to 31 bytes: bytes from the left, twice the length at the right."""
    content = text.encode()
    return int.from_bytes(content.ljust(31, b"\0"), "big") << 8 | 2 * len(content)


def reserve_words(reserve: ReserveFigures) -> Words:
    """The accounting words of `DataTypes.ReserveData` that only time and use would bring about."""
    start = mapping_slot(reserve.asset, POOL_RESERVES)
    return {
        start + 1: _packed((reserve.liquidity_index_ray, 128), (reserve.liquidity_rate_ray, 128)),
        start + 2: _packed((reserve.variable_borrow_index_ray, 128), (reserve.variable_borrow_rate_ray, 128)),
        start + 3: _packed(
            (reserve.stable_borrow_rate_ray, 128),
            (reserve.last_update_timestamp, 40),
            (reserve.reserve_id, 16),
        ),
        start + 8: _packed((reserve.accrued_to_treasury_scaled, 128), (reserve.unbacked, 128)),
        start + 9: _packed((reserve.isolation_mode_total_debt, 128)),
    }


def pool_words(figures: Figures) -> Words:
    """The Pool's words: every reserve's accounting, the list under the recorded ids, the number of reserves.

    Listing gave the reserves the ids 0, 1, ...; the ids between the recorded ones stay empty, which the Pool
    reads as dropped reserves.
    """
    words: Words = {mapping_slot(index, POOL_RESERVES_LIST): 0 for index, _ in enumerate(figures.reserves)}
    for reserve in figures.reserves:
        words |= reserve_words(reserve)
        words[mapping_slot(reserve.reserve_id, POOL_RESERVES_LIST)] = int(reserve.asset, 16)
    words[POOL_LIMITS] = _packed((figures.max_stable_rate_borrow_size_bps, 64), (figures.reserves_count, 16))
    return words


def atoken_words(figures: Figures, reserve: ReserveFigures) -> Words:
    """The aToken's words: its scaled supply, and the treasury's part of it."""
    treasury = _packed((reserve.treasury_scaled_atoken, 128), (reserve.treasury_last_index_ray, 128))
    return {
        ATOKEN_TOTAL_SUPPLY: reserve.total_scaled_atoken,
        mapping_slot(figures.treasury, ATOKEN_USER_STATE): treasury,
    }


def _packed(*values_and_bits: tuple[int, int]) -> int:
    """One word from (value, bits), lowest first; OverflowError if a value is wider than its field."""
    word = offset = 0
    for value, bits in values_and_bits:
        if value >> bits:
            raise OverflowError(f"{value} does not fit in {bits} bits")
        word |= value << offset
        offset += bits
    return word
