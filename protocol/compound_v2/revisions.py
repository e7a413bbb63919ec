"""Where the releases of Compound v2 differ: two tables, of the Comptroller and of the cTokens.

One Comptroller stands over cTokens of several releases: those of 2019 are immutable and still there. So a market has
a row of the first table and each of its cTokens a row of the second. No formula asks for a release. A row is the row
before it with what changed, so the tables read as a change note. Counterfactuals are made the same way:
`dataclasses.replace(rules, protocol_seize_share_mantissa=0)`.

Read in compound-finance/compound-protocol at the commits named. Every row says what executed contract stands behind
it: the published artifacts are cTokens of 2.9 under the Comptrollers up to 2.9. What older cTokens do otherwise was
read, but for the one liquidation of 2020 of which the logs are known, and so was all of 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Final

from protocol.compound_v2.reporter import (
    ComptrollerError,
    FailureInfo,
    Refusal,
    Rejected,
    ReturnedCode,
    TokenError,
)
from protocol.errors import EvmRevert, UnknownRevision
from protocol.fixed_point.careful_math import PANICS, ArithmeticFault, Fault, renamed
from protocol.fixed_point.mantissa import (
    mantissa_div_doubly_scaled_down,
    mantissa_div_down,
    mantissa_mul_down,
    mantissa_mul_half_up,
)


class Witness(Enum):
    """What the row was compared with, value by value."""

    ARTIFACTS = "published artifacts"
    MAINNET = "one liquidation: mainnet; rest: read, not executed"
    NONE = "read, not executed"


OfTwo = Callable[[int, int], int]
Tells = Callable[[ArithmeticFault], Exception]
TellsStep = Callable[[ArithmeticFault, FailureInfo], Exception]

SAFE_MATH: Final[Mapping[Fault, str]] = {
    Fault.ADDITION: "SafeMath: addition overflow",
    Fault.SUBTRACTION: "SafeMath: subtraction underflow",
    Fault.MULTIPLICATION: "SafeMath: multiplication overflow",
    Fault.DIVISION: "SafeMath: division by zero",
}
"""The words of contracts/SafeMath.sol@ae4388e, which the rate models use."""

NO_ERROR_MATH: Final[Mapping[Fault, str]] = {
    Fault.ADDITION: "addition overflow",
    Fault.SUBTRACTION: "subtraction underflow",
    Fault.MULTIPLICATION: "multiplication overflow",
    Fault.DIVISION: "divide by zero",
}
"""The words of contracts/ExponentialNoError.sol@ae4388e."""

MATH_ERRORS: Final[Mapping[Fault, int]] = {
    Fault.ADDITION: 2,
    Fault.SUBTRACTION: 3,
    Fault.MULTIPLICATION: 2,
    Fault.DIVISION: 1,
}
"""`MathError` of contracts/CarefulMath.sol@ae4388e."""


# --- how a fault is told ---


def _as_panic(fault: ArithmeticFault, *_: object) -> EvmRevert:
    return renamed(fault, PANICS)


def _as_words(fault: ArithmeticFault) -> EvmRevert:
    return renamed(fault, NO_ERROR_MATH)


def _as_message(fault: ArithmeticFault, message: str) -> EvmRevert:
    return EvmRevert(message, **fault.numbers)


def _as_step_code(fault: ArithmeticFault, info: FailureInfo) -> ReturnedCode:
    return ReturnedCode(TokenError.MATH_ERROR, info, MATH_ERRORS[fault.fault])


def _as_step_message(fault: ArithmeticFault, info: FailureInfo) -> EvmRevert:
    return _as_message(fault, info.name)


def _as_math_error(_: ArithmeticFault) -> Rejected:
    return Rejected(ComptrollerError.MATH_ERROR)


def _as_snapshot_error(_: ArithmeticFault) -> Rejected:
    return Rejected(ComptrollerError.SNAPSHOT_ERROR)


# --- the Comptroller ---


@dataclass(frozen=True, kw_only=True, slots=True)
class ComptrollerRules:
    """What one release of the Comptroller does where others do otherwise."""

    release: str
    source: str
    """Path and commit."""
    witness: Witness
    multiply: OfTwo
    """(mantissa, mantissa) -> mantissa, of collateral factor, exchange rate, price and incentive"""
    fault: Tells
    """What it makes of arithmetic without a result."""
    cap_fault: Tells
    """The same, where a borrow is added to the total to hold it against the cap."""
    enters_on_borrow: bool
    """A loan makes its market one that is looked at; before, the borrower had to enter it first."""
    limits_markets: bool
    """An account may be in so many markets only (`maxAssets`)."""
    has_guardian: bool
    """Minting, borrowing, seizing can be paused."""
    has_borrow_caps: bool
    has_deprecation: bool
    """A market without collateral factor, whose borrowing is paused and whose reserve factor is 1, is liquidated
    whatever the account is worth and up to the whole debt (`isDeprecated`)."""


_G1 = ComptrollerRules(
    release="G1",
    source="contracts/ComptrollerG1.sol@ae4388e",
    witness=Witness.ARTIFACTS,
    multiply=mantissa_mul_half_up,
    fault=_as_math_error,
    cap_fault=partial(_as_message, message="total borrows overflow"),
    enters_on_borrow=False,
    limits_markets=True,
    has_guardian=False,
    has_borrow_caps=False,
    has_deprecation=False,
)
_G2 = replace(
    _G1,
    release="G2",
    source="contracts/ComptrollerG2.sol@ae4388e",
    enters_on_borrow=True,
    has_guardian=True,
)
_G3 = replace(_G2, release="G3", source="contracts/ComptrollerG3.sol@ae4388e")
_G4 = replace(_G3, release="G4", source="contracts/ComptrollerG4.sol@ae4388e")
_G5 = replace(_G4, release="G5", source="contracts/ComptrollerG5.sol@ae4388e", has_borrow_caps=True)
_G6 = replace(
    _G5,
    release="G6",
    source="contracts/ComptrollerG6.sol@ae4388e",
    multiply=mantissa_mul_down,
    fault=_as_words,
    cap_fault=_as_words,
    limits_markets=False,
)
_G7 = replace(_G6, release="G7", source="contracts/ComptrollerG7.sol@ae4388e")
_COMPTROLLER_2_9 = replace(
    _G7, release="2.9", source="contracts/Comptroller.sol@ae4388e", has_deprecation=True
)
_COMPTROLLER_2022 = replace(
    _COMPTROLLER_2_9,
    release="2022",
    source="contracts/Comptroller.sol@a3214f6",
    witness=Witness.NONE,
    fault=_as_panic,
    cap_fault=_as_panic,
)

COMPTROLLERS: Final = (_G1, _G2, _G3, _G4, _G5, _G6, _G7, _COMPTROLLER_2_9, _COMPTROLLER_2022)
"""Every release of the Comptroller, from August 2019 on. What G3, G4 and G7 changed is COMP alone."""


# --- the cTokens ---


@dataclass(frozen=True, kw_only=True, slots=True)
class CTokenRules:
    """What one release of a cToken does where others do otherwise."""

    release: str
    source: str
    """Path and commit."""
    witness: Witness
    max_borrow_rate_mantissa: int
    """Per block; above it nothing can be done with the market any more. [mantissa]"""
    accrues_again: bool
    """Asks the rate model a second time in the block in which it has accrued already."""
    sizes_seizure_first: bool
    """Settles what is seized before the debt is repaid, from the amount asked for, and refuses by code; seizes from
    outside even itself, which its guard against re-entrance refuses."""
    counts_received: bool
    """Counts what a transfer brought, not what was asked for."""
    protocol_seize_share_mantissa: int
    """Part of what is seized that becomes reserves; 0 where the code has none. [mantissa]"""
    checks_cash_first: bool
    """Of a redemption without tokens or without cash it names the want of cash."""
    tokens_of: OfTwo
    """(underlying, exchange rate [mantissa]) -> cTokens, rounded down"""
    refuse: Callable[[Refusal, int], Exception]
    """What it says when it refuses, and a detail."""
    step_fault: TellsStep
    """What it makes of arithmetic without a result."""
    late_fault: TellsStep
    """The same, where it has taken a transfer in already."""
    view_fault: Callable[[ArithmeticFault, str], EvmRevert]
    """What its views and requirements revert with: the message they have."""
    seize_fault: Tells
    snapshot_fault: Tells
    """What the Comptroller makes of an account of which it cannot tell the balances."""


def _as_code(refusal: Refusal, detail: int) -> ReturnedCode:
    return refusal.as_code(detail)


def _as_custom_error(refusal: Refusal, detail: int) -> EvmRevert:
    return refusal.as_custom_error(detail)


_CTOKEN_2_0 = CTokenRules(
    release="2.0",
    source="contracts/CToken.sol@f754de9",
    witness=Witness.NONE,
    max_borrow_rate_mantissa=5 * 10**14,
    accrues_again=True,
    sizes_seizure_first=True,
    counts_received=False,
    protocol_seize_share_mantissa=0,
    checks_cash_first=False,
    tokens_of=mantissa_div_doubly_scaled_down,
    refuse=_as_code,
    step_fault=_as_step_code,
    late_fault=_as_step_code,
    view_fault=_as_message,
    seize_fault=_as_words,
    snapshot_fault=_as_snapshot_error,
)
_CTOKEN_2_2 = replace(
    _CTOKEN_2_0, release="2.2", source="contracts/CToken.sol@681833a", max_borrow_rate_mantissa=5 * 10**12
)
_CTOKEN_2_3 = replace(
    _CTOKEN_2_2,
    release="2.3",
    source="contracts/CToken.sol@bcf0bc7",
    witness=Witness.MAINNET,  # 26 November 2020
    sizes_seizure_first=False,
    counts_received=True,
    late_fault=_as_step_message,
)
_CTOKEN_2_6 = replace(
    _CTOKEN_2_3,
    release="2.6",
    source="contracts/CToken.sol@cce8c88",
    witness=Witness.NONE,
    accrues_again=False,
)
_CTOKEN_2_9 = replace(
    _CTOKEN_2_6,
    release="2.9",
    source="contracts/CToken.sol@ae4388e",
    witness=Witness.ARTIFACTS,
    protocol_seize_share_mantissa=28 * 10**15,
)
_CTOKEN_2022 = replace(
    _CTOKEN_2_9,
    release="2022",
    source="contracts/CToken.sol@a3214f6",
    witness=Witness.NONE,
    checks_cash_first=True,
    tokens_of=mantissa_div_down,
    refuse=_as_custom_error,
    step_fault=_as_panic,
    late_fault=_as_panic,
    view_fault=_as_panic,
    seize_fault=_as_panic,
    snapshot_fault=_as_panic,
)

CTOKENS: Final = (_CTOKEN_2_0, _CTOKEN_2_2, _CTOKEN_2_3, _CTOKEN_2_6, _CTOKEN_2_9, _CTOKEN_2022)
"""Every release of the cTokens, from the first public one on."""


def comptroller_rules_of(release: str) -> ComptrollerRules:
    """The Comptroller's row; raises `UnknownRevision`."""
    for rules in COMPTROLLERS:
        if rules.release == release:
            return rules
    raise UnknownRevision(
        release, [rules.release for rules in COMPTROLLERS], protocol="Compound v2's Comptroller"
    )


def ctoken_rules_of(release: str) -> CTokenRules:
    """A cToken's row; raises `UnknownRevision`."""
    for rules in CTOKENS:
        if rules.release == release:
            return rules
    raise UnknownRevision(release, [rules.release for rules in CTOKENS], protocol="Compound v2's cTokens")
