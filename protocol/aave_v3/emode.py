"""Entering, changing and leaving an efficiency mode: `Pool.setUserEMode`.

Mirrors `executeSetUserEMode`, src/contracts/protocol/libraries/logic/SupplyLogic.sol@v3.6.0; up to v3.5 in
EModeLogic.sol.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v3.action_rules import EModeSwitch
from protocol.aave_v3.action_validation import validate_health_factor, validate_set_emode
from protocol.aave_v3.health import EMPTY_ACCOUNT
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.state import Acted, Market, ReserveId, Revert, User
from protocol.errors import EvmRevert


def set_emode(
    market: Market, user: User, emode_id: int, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Acted | Revert:
    """`user` enters the category `emode_id`, or leaves for none with 0, at `timestamp` [s].

    Nothing is accrued. Raises `MissingPrice`, `NegativePrice` and `UnknownReserve` for what the account uses.
    """
    ledger, before = Ledger(market), market.accounts.get(user, EMPTY_ACCOUNT).emode
    leniently = market.rules.actions.emode_switch is EModeSwitch.HEALTHY_WHEN_LEAVING
    if emode_id == before and not leniently:
        return Acted(market=market)
    try:
        validate_set_emode(ledger, user, emode_id, market.emodes.get(emode_id) if emode_id else None)
        ledger.set_emode(user, emode_id)
        if before != 0 or not leniently:
            validate_health_factor(ledger, user, prices_base=prices_base, timestamp=timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market())
