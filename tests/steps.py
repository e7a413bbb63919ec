"""A drawn case of Aave as data: what is set before it, and the steps that users, governance and time take.

One vocabulary for all versions. A step that a version does not know is drawn for it all the same, and left out.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX = 2**256 - 1
RAY = 10**27
N_USERS = 4
"""Two borrowers, then who lends to all and may cover deficits, then the treasury."""
LENDER, TREASURY = 2, 3
N_RESERVES = 5
N_CURVES = 5
N_EMODES = 2
STABLE, VARIABLE = 1, 2


@dataclass(frozen=True, slots=True)
class Size:
    """A share of some whole, give or take some units, or a fixed amount."""

    permille: int = 1000
    offset: int = 0
    fixed: int | None = None

    def of(self, whole: int) -> int:
        """The amount that this is of `whole`."""
        if self.fixed is not None:
            return self.fixed
        return max(whole * self.permille // 1000 + self.offset, 0)


@dataclass(frozen=True, slots=True)
class Pick:
    """The n-th reserve of all, or of those that an account uses for the purpose."""

    n: int
    used: bool = True


@dataclass(frozen=True, slots=True)
class Supply:
    user: int
    reserve: int
    size: Size
    on_behalf_of: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    user: int
    reserve: Pick
    size: Size


@dataclass(frozen=True, slots=True)
class Borrow:
    user: int
    reserve: Pick
    size: Size
    mode: int
    of_liquidity: bool
    """Of what the reserve has at hand, instead of what the account may still borrow."""


@dataclass(frozen=True, slots=True)
class Repay:
    payer: int
    user: int
    reserve: Pick
    size: Size
    mode: int


@dataclass(frozen=True, slots=True)
class SwitchCollateral:
    user: int
    reserve: Pick
    use: bool


@dataclass(frozen=True, slots=True)
class SwitchEMode:
    user: int
    emode: int


@dataclass(frozen=True, slots=True)
class Liquidate:
    liquidator: int
    borrower: int
    collateral: Pick
    debt: Pick
    size: Size
    receive_atoken: bool


@dataclass(frozen=True, slots=True)
class Cover:
    """Pay off a deficit with aTokens (from v3.3 on)."""

    user: int
    reserve: Pick
    size: Size


@dataclass(frozen=True, slots=True)
class Drain:
    """Borrow all that there is at hand of what `debtor` has as collateral."""

    user: int
    debtor: int
    collateral: Pick
    size: Size


@dataclass(frozen=True, slots=True)
class LeaveForDeficit:
    """Withdraw all of a reserve but a share of its deficit (from v3.3 on)."""

    user: int
    reserve: Pick
    permille: int


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: int


@dataclass(frozen=True, slots=True)
class SetPrice:
    reserve: int
    price_base: int


@dataclass(frozen=True, slots=True)
class Steer:
    """Move prices of an account's collateral (or debt) so that its health factor comes near `permille`."""

    user: int
    permille: int
    collateral: bool
    offset: int = 0
    """[base] Added to the prices that come of it."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Give one field of a reserve's configuration word another value, past what the configurator asks first."""

    reserve: Pick | None
    """None: of every reserve."""
    field: str
    value: int


@dataclass(frozen=True, slots=True)
class SetMember:
    """Let a reserve into an efficiency mode or out of it."""

    reserve: Pick
    emode: int
    member: bool


@dataclass(frozen=True, slots=True)
class SetLtvZero:
    """Take the loan to value of a member of an efficiency mode away or give it back (from v3.6 on)."""

    reserve: int
    emode: int
    zero: bool


@dataclass(frozen=True, slots=True)
class SetGrace:
    """No liquidation of a reserve for some seconds (from v3.1 on)."""

    reserve: int
    seconds: int


@dataclass(frozen=True, slots=True)
class SetSequencer:
    """What the sentinel's sequencer says of itself: down or up, and for how long."""

    down: bool
    for_seconds: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """aTokens change hands."""

    user: int
    to: int
    reserve: Pick
    size: Size


@dataclass(frozen=True, slots=True)
class SetPause:
    """The whole pool is paused, or no longer (v2)."""

    paused: bool


@dataclass(frozen=True, slots=True)
class SetMarketRate:
    """What the oracle of stable rates answers for a reserve (v2)."""

    reserve: int
    rate_ray: int


@dataclass(frozen=True, slots=True)
class SwapRateMode:
    """A debt changes its rate mode (up to v3.1)."""

    user: int
    reserve: Pick
    mode: int


@dataclass(frozen=True, slots=True)
class RebalanceStable:
    """Somebody has an account's stable rate set to what it would be now (up to v3.1)."""

    user: int
    reserve: Pick


@dataclass(frozen=True, slots=True)
class MintUnbacked:
    """A bridge mints aTokens that nothing stands behind (up to v3.3)."""

    reserve: int
    size: Size


@dataclass(frozen=True, slots=True)
class MintToTreasury:
    """The treasury gets the aTokens that it has earned."""


Step = (
    Supply
    | Withdraw
    | Borrow
    | Repay
    | SwitchCollateral
    | SwitchEMode
    | Liquidate
    | Cover
    | Drain
    | LeaveForDeficit
    | Wait
    | SetPrice
    | Steer
    | Configure
    | SetMember
    | SetLtvZero
    | SetGrace
    | SetSequencer
    | SetPause
    | SetMarketRate
    | Transfer
    | SwapRateMode
    | RebalanceStable
    | MintUnbacked
    | MintToTreasury
)


@dataclass(frozen=True, slots=True)
class ReserveSetupV2:
    """What the administrator of Aave v2 sets before a case, within the configurator's bounds."""

    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    reserve_factor_bps: int
    curve: int
    market_rate_ray: int
    price_base: int
    lent_permille: int
    """What the lender supplies, of a fixed value."""


@dataclass(frozen=True, slots=True)
class ReserveSetup:
    """What the administrator of Aave v3 sets before a case, within the configurator's bounds."""

    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    protocol_fee_bps: int
    reserve_factor_bps: int
    curve: int
    price_base: int
    debt_ceiling: int
    siloed: bool
    borrowable_in_isolation: bool
    stable: bool
    emode: int
    lent_permille: int
    """What the lender supplies, of a fixed value."""


@dataclass(frozen=True, slots=True)
class EModeSetup:
    """An efficiency mode before a case; its limits are its members' and something more."""

    lift_bps: int
    """How far its threshold is above the highest of its members."""
    ltv_below_bps: int
    bonus_permille: int
    """Which of the allowed bonuses."""
    price_source: int | None
    """The reserve whose price its members have (up to v3.1)."""


@dataclass(frozen=True, slots=True)
class CaseV2:
    """Everything that is done to a fresh market of Aave v2."""

    setups: tuple[ReserveSetupV2, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is done to a fresh market of Aave v3."""

    setups: tuple[ReserveSetup, ...]
    emodes: tuple[EModeSetup, ...]
    sentinel: bool
    steps: tuple[Step, ...]
