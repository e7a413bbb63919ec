"""The packed words of an Aave v2 LendingPool: reserve configuration and user configuration.

Mirrors `contracts/protocol/libraries/configuration/ReserveConfiguration.sol` (aave/protocol-v2@1.0.1).
"""

from __future__ import annotations

from protocol.aave_v2.state import ReserveConfig


def reserve_config(word: int) -> ReserveConfig:
    """The configuration word of a reserve, taken apart."""
    return ReserveConfig(
        ltv_bps=_bits(word, 0, 16),
        liquidation_threshold_bps=_bits(word, 16, 16),
        liquidation_bonus_bps=_bits(word, 32, 16),
        decimals=_bits(word, 48, 8),
        active=bool(_bits(word, 56, 1)),
        frozen=bool(_bits(word, 57, 1)),
        borrowing_enabled=bool(_bits(word, 58, 1)),
        stable_borrowing_enabled=bool(_bits(word, 59, 1)),
        reserve_factor_bps=_bits(word, 64, 16),
    )


def configuration_word(config: ReserveConfig) -> int:
    """The word that `reserve_config` takes apart: what the configurator writes."""
    return (
        config.ltv_bps
        | config.liquidation_threshold_bps << 16
        | config.liquidation_bonus_bps << 32
        | config.decimals << 48
        | config.active << 56
        | config.frozen << 57
        | config.borrowing_enabled << 58
        | config.stable_borrowing_enabled << 59
        | config.reserve_factor_bps << 64
    )


def is_borrowing(user_word: int, reserve_id: int) -> bool:
    """The borrowing bit of a user's configuration word."""
    return bool(_bits(user_word, 2 * reserve_id, 1))


def is_collateral(user_word: int, reserve_id: int) -> bool:
    """The collateral bit of a user's configuration word."""
    return bool(_bits(user_word, 2 * reserve_id + 1, 1))


def _bits(word: int, position: int, width: int) -> int:
    return word >> position & (1 << width) - 1
