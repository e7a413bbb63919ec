"""The packed words of an Aave v3 Pool: reserve configuration and user configuration."""

from __future__ import annotations

from protocol.aave_v3 import ReserveConfig

_ACTIVE, _PAUSED = 56, 60


def reserve_config(
    word: int, *, grace_until_timestamp: int = 0, virtual_accounting_by_bit: bool = False
) -> ReserveConfig:
    """The configuration word of a reserve, taken apart; `virtual_accounting_by_bit` holds from v3.1 to v3.3.

    Mirrors `src/contracts/protocol/libraries/configuration/ReserveConfiguration.sol`
    (aave-dao/aave-v3-origin@v3.6.0); what a release has, it has where the others do.
    """
    return ReserveConfig(
        ltv_bps=_bits(word, 0, 16),
        liquidation_threshold_bps=_bits(word, 16, 16),
        liquidation_bonus_bps=_bits(word, 32, 16),
        decimals=_bits(word, 48, 8),
        active=bool(_bits(word, _ACTIVE, 1)),
        frozen=bool(_bits(word, 57, 1)),
        paused=bool(_bits(word, _PAUSED, 1)),
        borrowing_enabled=bool(_bits(word, 58, 1)),
        stable_borrowing_enabled=bool(_bits(word, 59, 1)),
        virtual_accounting=not virtual_accounting_by_bit or bool(_bits(word, 252, 1)),
        borrow_cap=_bits(word, 80, 36),
        supply_cap=_bits(word, 116, 36),
        unbacked_mint_cap=_bits(word, 176, 36),
        siloed_borrowing=bool(_bits(word, 62, 1)),
        borrowable_in_isolation=bool(_bits(word, 61, 1)),
        reserve_factor_bps=_bits(word, 64, 16),
        liquidation_protocol_fee_bps=_bits(word, 152, 16),
        debt_ceiling=_bits(word, 212, 40),
        liquidation_grace_until_timestamp=grace_until_timestamp,
    )


def emode_category_of(word: int) -> int:
    """The one category of a reserve, as its configuration word holds it up to v3.1."""
    return _bits(word, 168, 8)


def can_be_borrowed(word: int) -> bool:
    """Whether a reserve with this configuration word lends now: active, borrowing on, not frozen, not paused."""
    active, frozen, borrowing, paused = (_bits(word, position, 1) for position in (56, 57, 58, 60))
    return bool(active and borrowing) and not (frozen or paused)


def caps_of(word: int) -> tuple[int, int]:
    """Supply cap and borrow cap of a reserve [whole tokens], 0 for none."""
    return _bits(word, 116, 36), _bits(word, 80, 36)


def without_caps(word: int) -> int:
    """The same configuration word with neither cap."""
    return word & ~(((1 << 72) - 1) << 80)


def is_borrowing(user_word: int, reserve_id: int) -> bool:
    """The borrowing bit of a user's configuration word."""
    return bool(_bits(user_word, 2 * reserve_id, 1))


def is_collateral(user_word: int, reserve_id: int) -> bool:
    """The collateral bit of a user's configuration word."""
    return bool(_bits(user_word, 2 * reserve_id + 1, 1))


def _bits(word: int, position: int, width: int) -> int:
    return word >> position & (1 << width) - 1
