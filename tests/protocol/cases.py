"""Recorded liquidations: read, run through the model, and laid out as one flat dictionary of leaves.

Two sources give the same `Case`: the project's own files in `tests/vectors/aave_v3` (few) and, where it is
there, the folder `../shared/vectors/aave_v3` beside the project (all). A leaf is one compared value, named
by its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from protocol.aave_v3 import (
    Account,
    EModeCategory,
    LiquidationCall,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    Revert,
    account_data,
    atoken_balance,
    liquidation_call,
    normalized_debt,
    normalized_income,
    rules_of,
    vtoken_balance,
)

OWN = Path(__file__).parents[1] / "vectors" / "aave_v3"
SHARED = Path(__file__).parents[3] / "shared" / "vectors" / "aave_v3"
BPS_TO_RAY = 10**23
BORROWER, LIQUIDATOR, TREASURY = "borrower", "liquidator", "treasury"
STORED = (
    "liquidity_index_ray",
    "variable_borrow_index_ray",
    "liquidity_rate_ray",
    "variable_borrow_rate_ray",
    "last_update_timestamp",
    "total_scaled_atoken",
    "total_scaled_variable_debt",
    "accrued_to_treasury_scaled",
    "deficit",
    "virtual_underlying_balance",
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One recorded call and every value the executed contracts gave."""

    name: str
    market: Market
    call: LiquidationCall
    prices_base: Mapping[int, int]
    timestamp: int
    expected: Mapping[str, Any]


def leaves_of(case: Case) -> dict[str, Any]:
    """What the model says, in the layout of `Case.expected`."""
    leaves = dict(_before(case))
    outcome = liquidation_call(case.market, case.call, prices_base=case.prices_base, timestamp=case.timestamp)
    if isinstance(outcome, Revert):
        return leaves | {"reverts": outcome.name}
    leaves["debt_repaid"] = outcome.debt_repaid
    leaves["collateral_to_liquidator"] = outcome.collateral_to_liquidator
    leaves["protocol_fee"] = outcome.protocol_fee
    leaves |= {f"deficits_created.{i}.amount": amount for i, amount in outcome.deficits.items()}
    return leaves | dict(_after(case, outcome.market))


def _before(case: Case) -> Iterator[tuple[str, Any]]:
    market, rules, now = case.market, case.market.rules, case.timestamp
    data = account_data(market, BORROWER, prices_base=case.prices_base, timestamp=now)
    yield from ((f"before.account.{name}", value) for name, value in asdict(data).items())
    for i, reserve in market.reserves.items():
        yield f"before.normalized.{i}.normalized_income_ray", normalized_income(reserve, rules, now)
        yield f"before.normalized.{i}.normalized_variable_debt_ray", normalized_debt(reserve, rules, now)
    for i, held in market.accounts[BORROWER].positions.items():
        income, debt = (
            normalized_income(market.reserves[i], rules, now),
            normalized_debt(market.reserves[i], rules, now),
        )
        yield (
            f"before.borrower_balances.{i}.atoken_balance",
            atoken_balance(held.scaled_atoken, income, rules),
        )
        yield (
            f"before.borrower_balances.{i}.variable_debt",
            vtoken_balance(held.scaled_variable_debt, debt, rules),
        )


def _after(case: Case, market: Market) -> Iterator[tuple[str, Any]]:
    data = account_data(market, BORROWER, prices_base=case.prices_base, timestamp=case.timestamp)
    yield from ((f"after.account.{name}", value) for name, value in asdict(data).items())
    for i, reserve in market.reserves.items():
        yield from ((f"after.reserves.{i}.{name}", getattr(reserve, name)) for name in STORED)
    for user in (BORROWER, LIQUIDATOR):
        for i, held in market.accounts[user].positions.items():
            recorded = {name: v for name, v in asdict(held).items() if name != "stable_debt"}
            yield from ((f"after.{user}.positions.{i}.{name}", v) for name, v in recorded.items())
    for i, held in market.accounts[TREASURY].positions.items():
        yield f"after.treasury.positions.{i}.scaled_atoken", held.scaled_atoken


# --- the project's own files --------------------------------------------------------------------------------


def own_cases() -> list[Case]:
    """Every case that travels with the project."""
    return [case for path in sorted(OWN.glob("*.json")) for case in _own_file(json.loads(path.read_text()))]


def _own_file(content: dict[str, Any]) -> Iterator[Case]:
    rules = rules_of(content["revision"])
    for raw in content["cases"]:
        data = _integers(raw)
        reserves = {int(i): _own_reserve(int(i), reserve) for i, reserve in data["reserves"].items()}
        market = Market(
            rules=rules,
            reserves=reserves,
            emodes={int(i): EModeCategory(emode_id=int(i), **emode) for i, emode in data["emodes"].items()},
            accounts={user: _own_account(account) for user, account in data["accounts"].items()},
            treasury=TREASURY,
        )
        yield Case(
            name=raw["name"],
            market=market,
            call=LiquidationCall(borrower=BORROWER, **data["call"]),
            prices_base={int(i): price for i, price in data["prices_base"].items()},
            timestamp=data["timestamp"],
            expected=data["expect"],
        )


def _own_reserve(reserve_id: int, data: dict[str, Any]) -> Reserve:
    config, strategy = ReserveConfig(**data.pop("config")), RateStrategy(**data.pop("strategy"))
    symbol = f"R{reserve_id}"
    return Reserve(
        reserve_id=reserve_id, asset=symbol, symbol=symbol, config=config, strategy=strategy, **data
    )


def _own_account(data: dict[str, Any]) -> Account:
    return Account(
        emode=data["emode"], positions={int(i): Position(**p) for i, p in data["positions"].items()}
    )


def _integers(value: Any) -> Any:
    """Decimal strings as integers, everything else as it is; names stay."""
    if isinstance(value, dict):
        return {key: item if key == "name" else _integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_integers(item) for item in value]
    return int(value) if isinstance(value, str) and value.isdecimal() else value


# --- the folder beside the project --------------------------------------------------------------------------


def shared_cases() -> list[Case]:
    """Every case of the folder beside the project; none where it is absent."""
    return [case for path in sorted(SHARED.glob("*.json")) for case in _shared_file(path)]


def _shared_file(path: Path) -> Iterator[Case]:
    content = json.loads(path.read_text())
    rules = rules_of(content["revision"])
    for raw in content["cases"]:
        data = _integers(raw)
        yield Case(
            name=raw["name"],
            market=_shared_market(data["state"], rules),
            call=_shared_call(data["action"]),
            prices_base={r["reserve_id"]: r["price_base8"] for r in data["state"]["reserves"]},
            timestamp=data["state"]["timestamp"],
            expected=dict(_flat(data["expect"])),
        )


def _shared_market(state: dict[str, Any], rules: Any) -> Market:
    return Market(
        rules=rules,
        reserves={r["reserve_id"]: _shared_reserve(r) for r in state["reserves"]},
        emodes={
            e["id"]: EModeCategory(emode_id=e["id"], **{k: v for k, v in e.items() if k != "id"})
            for e in state["emodes"]
        },
        accounts={user: _shared_account(state[user]) for user in (BORROWER, LIQUIDATOR, TREASURY)},
        treasury=TREASURY,
    )


def _shared_reserve(r: dict[str, Any]) -> Reserve:
    symbol = f"R{r['reserve_id']}"
    return Reserve(
        reserve_id=r["reserve_id"],
        asset=symbol,
        symbol=symbol,
        config=ReserveConfig(**{k: r[k] for k in ReserveConfig.__dataclass_fields__ if k in r}),
        strategy=RateStrategy(
            optimal_usage_ray=r["optimal_usage_bps"] * BPS_TO_RAY,
            base_variable_rate_ray=r["base_variable_rate_bps"] * BPS_TO_RAY,
            variable_slope1_ray=r["variable_slope1_bps"] * BPS_TO_RAY,
            variable_slope2_ray=r["variable_slope2_bps"] * BPS_TO_RAY,
        ),
        deficit=r["deficit_underlying"],
        **{name: r[name] for name in STORED if name != "deficit"},
    )


def _shared_account(account: dict[str, Any] | None) -> Account:
    if account is None:
        return Account()
    positions = {
        p["reserve_id"]: Position(**{k: v for k, v in p.items() if k != "reserve_id"})
        for p in account["positions"]
    }
    return Account(emode=account.get("emode", 0), positions=positions)


def _shared_call(action: dict[str, Any]) -> LiquidationCall:
    return LiquidationCall(
        collateral_id=action["collateral_reserve_id"],
        debt_id=action["debt_reserve_id"],
        borrower=BORROWER,
        liquidator=BORROWER if action["self_liquidation"] else LIQUIDATOR,
        debt_to_cover=action["debt_to_cover_underlying"],
        receive_atoken=action["receive_atoken"],
    )


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a recorded result; list items are named by their reserve id."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("reserve_id", "reverts_raw"):
                yield from _flat(item, f"{path}.{_own_name(key)}" if path else _own_name(key))
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item, f"{path}.{item['reserve_id']}")
    else:
        yield path, value


def _own_name(key: str) -> str:
    return (
        key.removesuffix("_underlying").replace("_base8", "_base")
        if key != "deficit_underlying"
        else "deficit"
    )
