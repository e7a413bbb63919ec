"""Accounts for the tests of traps: coins (even ids, 18 decimals) held, dollars (odd ids, 6 decimals) owed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol import aave_v2
from protocol.aave_v3 import (
    Account,
    Liquidated,
    Market,
    Position,
    Revert,
    account_data,
    liquidation_call,
    rules_of,
)
from tests.protocol.as_v2 import as_v2, call_v2
from tests.protocol.markets import (
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    TREASURY,
    WHALE,
    call,
    config,
    reserve,
)

COIN_2, DOLLAR_2, DOLLAR_3 = 2, 3, 5
LENT = 10**6
"""[whole tokens] What the whale supplies of each reserve."""
ALL = ("3.0.0", "3.0.1", "3.0.2", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7")


def since(first: str, last: str = ALL[-1]) -> tuple[str, ...]:
    """The revisions from `first` to `last`, both included."""
    return ALL[ALL.index(first) : ALL.index(last) + 1]


def trapped(
    revision: str,
    *,
    holds: Mapping[int, int],
    owes: Mapping[int, int],
    configs: Mapping[int, Mapping[str, Any]] | None = None,
    reserves: Mapping[int, Mapping[str, Any]] | None = None,
    **changes: Any,
) -> Market:
    """A market whose borrower holds and owes these scaled amounts by reserve id; all that it holds is collateral.

    `configs` and `reserves` change the configuration and the state of single reserves, `changes` the market.
    """
    used: set[int] = {COIN, DOLLAR, *holds, *owes, *(configs or {}), *(reserves or {})}
    ids = sorted(used)
    decimals = {i: 6 if i % 2 else 18 for i in ids}
    lent = {i: LENT * 10 ** decimals[i] for i in ids}
    usual: dict[str, Any] = {
        "rules": rules_of(revision),
        "reserves": {
            i: reserve(
                i,
                supply=lent[i] + holds.get(i, 0),
                debt=owes.get(i, 0),
                **{
                    "config": config(**{"decimals": decimals[i], **(configs or {}).get(i, {})}),
                    **(reserves or {}).get(i, {}),
                },
            )
            for i in ids
        },
        "emodes": {},
        "accounts": {
            WHALE: Account(positions={i: Position(scaled_atoken=lent[i]) for i in ids}),
            BORROWER: Account(
                positions={
                    i: Position(
                        scaled_atoken=holds.get(i, 0),
                        collateral_enabled=i in holds,
                        scaled_variable_debt=owes.get(i, 0),
                        borrowing=i in owes,
                    )
                    for i in sorted({*holds, *owes})
                }
            ),
        },
        "treasury": TREASURY,
    }
    return Market(**{**usual, **changes})


def usd(**prices: float) -> dict[int, int]:
    """Base prices by name, in dollars: `usd(coin=1000)`; what is not named is worth one dollar."""
    named = {"coin": COIN, "dollar": DOLLAR, "coin_2": COIN_2, "dollar_2": DOLLAR_2, "dollar_3": DOLLAR_3}
    return {i: round(prices.get(name, 1) * 10**8) for name, i in named.items()}


def outcome(
    state: Market, prices_base: Mapping[int, int], *, at: int = NOW, **changes: Any
) -> Liquidated | Revert:
    """What comes of a call on the coin and the dollar for as much as allowed, unless told otherwise."""
    return liquidation_call(state, call(**changes), prices_base=prices_base, timestamp=at)


def done(state: Market, prices_base: Mapping[int, int], *, at: int = NOW, **changes: Any) -> Liquidated:
    """The same, where it has to go through."""
    found = outcome(state, prices_base, at=at, **changes)
    assert isinstance(found, Liquidated), found
    return found


def outcome_v2(
    state: Market, prices_base: Mapping[int, int], *, at: int = NOW, **changes: Any
) -> aave_v2.Liquidated | aave_v2.Revert:
    """What comes of the same call on the same market under the rules of v2."""
    return aave_v2.liquidation_call(
        as_v2(state), call_v2(call(**changes)), prices_base=prices_base, timestamp=at
    )


def done_v2(
    state: Market, prices_base: Mapping[int, int], *, at: int = NOW, **changes: Any
) -> aave_v2.Liquidated:
    """The same, where it has to go through."""
    found = outcome_v2(state, prices_base, at=at, **changes)
    assert isinstance(found, aave_v2.Liquidated), found
    return found


def refused(state: Market, prices_base: Mapping[int, int], *, at: int = NOW, **changes: Any) -> str:
    """The same, where it has to be refused: why."""
    found = outcome(state, prices_base, at=at, **changes)
    assert isinstance(found, Revert), found
    return found.name


def health(state: Market, prices_base: Mapping[int, int], *, user: str = BORROWER, at: int = NOW) -> int:
    """The health factor of an account. [wad]"""
    return account_data(state, user, prices_base=prices_base, timestamp=at).health_factor_wad


def left(found: Liquidated, reserve_id: int, *, user: str = BORROWER) -> Position:
    """What an account has in a reserve after a liquidation."""
    return found.market.accounts[user].positions.get(reserve_id, Position())


def coins(amount: float) -> int:
    """[wei] of a coin."""
    return round(amount * 1000) * ONE_COIN // 1000


def dollars(amount: float) -> int:
    """[units] of a dollar."""
    return round(amount * 1000) * ONE_DOLLAR // 1000
