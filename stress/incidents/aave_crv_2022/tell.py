"""The study for a person and for a machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from protocol.units import BPS, WAD
from stress.incidents.aave_crv_2022.figure import draw
from stress.incidents.aave_crv_2022.prices import BONUS_BPS, PriceSegment
from stress.incidents.aave_crv_2022.record import CRV_DECIMALS, CRV_UNIT, USDC_DECIMALS, USDC_UNIT
from stress.incidents.aave_crv_2022.replay import Step
from stress.incidents.aave_crv_2022.study import PUBLISHED_RESIDUALS, Study, checks, study
from stress.incidents.report import Column, Report, Sheet, clock, tokens

STORY = (
    "One account had borrowed 92,000,000 CRV against 63.6 million USDC and sold them: a bet that CRV falls. "
    "It rose instead, and 385 liquidation calls took all of the collateral; 2.46 million CRV and the interest "
    "were never repaid.",
    f"A call repays some CRV and takes USDC worth {(BONUS_BPS - BPS) / BPS:.1%} more. While the debt with that "
    "bonus is worth less than the collateral (κ below 1) the account gets healthier with every call. Beyond, each "
    "call takes more than it helps: liquidation is toxic, and debt must remain.",
)


def report(done: Study | None = None) -> Report:
    """Replay the incident, or tell of what was replayed already."""
    done = done or study()
    return Report(
        title="Aave v2, 22 November 2022: the CRV short, replayed call by call",
        story=STORY,
        sheets=(_prices(done), _interest(done)),
        findings=tuple(_findings(done)),
        checks=tuple(checks(done)),
        numbers=_numbers(done),
        draw=partial(draw, record=done.record, segments=done.segments, least=done.least, most=done.most),
    )


def _prices(done: Study) -> Sheet:
    """One row a segment, as it stood before its first call, with the most interest."""
    names = (
        "from (UTC)",
        "block",
        "calls",
        "CRV [wei of ETH]",
        "fit",
        "in USDC",
        "collateral [USDC]",
        "debt [CRV]",
    )
    return Sheet(
        title="The oracle's CRV price, read back from the calls, and the account before the first call at it",
        columns=tuple(Column(name=name) for name in (*names, "κ", "health", "a call")),
        rows=tuple(_price_row(done, segment) for segment in done.segments),
        marked=next(
            (row for row, one in enumerate(done.segments) if one.first == done.first_toxic),
            None,
        ),
    )


def _price_row(done: Study, segment: PriceSegment) -> tuple[str, ...]:
    first, step = done.record.calls[segment.first], done.most.steps[segment.first]
    return (
        clock(first.timestamp),
        str(first.block_number),
        str(segment.last - segment.first + 1),
        f"{segment.debt_price_base:,}",
        str(segment.highest_debt_price_base - segment.lowest_debt_price_base + 1),
        f"{float(segment.ratio):.6f}",
        tokens(step.collateral, USDC_UNIT),
        tokens(step.debt, CRV_UNIT),
        _kappa(step),
        f"{step.health_before_wad / WAD:.4f}",
        "hurts" if step.toxic else "helps",
    )


def _kappa(step: Step) -> str:
    return f"{step.burden_ratio:.4f}" if step.burden_ratio < 10 else f"{step.burden_ratio:,.0f}"


def _interest(done: Study) -> Sheet:
    """One row an assumption."""
    names = (
        "interest [CRV]",
        "left at the end [CRV]",
        "calls explained",
        "first toxic block",
        "κ there",
        "from it on",
    )
    rows: list[tuple[str, ...]] = []
    for interest, one in done.replays.items():
        index = one.first_toxic
        where = ("none", "-", "-")
        if index is not None:
            block = done.record.calls[index].block_number
            where = (str(block), _kappa(one.steps[index]), f"{len(one.steps) - index} calls")
        explained = sum(step.explained for step in one.steps)
        rows.append(
            (
                tokens(interest, CRV_UNIT, places=CRV_DECIMALS),
                tokens(one.debt_left, CRV_UNIT, places=CRV_DECIMALS),
                f"{explained} of {len(done.record.calls)}",
                *where,
            )
        )
    return Sheet(
        title="Interest is the one thing not recorded: none, and the least to the most that was published",
        columns=tuple(Column(name=name) for name in names),
        rows=tuple(rows),
    )


def _findings(done: Study) -> Iterator[str]:
    record = done.record
    yield (
        f"{tokens(record.repaid, CRV_UNIT, places=CRV_DECIMALS)} CRV repaid, "
        f"{tokens(record.seized, USDC_UNIT, places=USDC_DECIMALS)} USDC seized "
        f"({tokens(record.earned, USDC_UNIT, places=USDC_DECIMALS)} of them interest); "
        f"{tokens(record.residual_principal, CRV_UNIT, places=CRV_DECIMALS)} CRV of principal left: to the unit."
    )
    *_, last = done.segments
    others = ", ".join(
        f"{bonus / BPS - 1:.1%}: {len(str(ratio.denominator))} digits" for bonus, ratio in done.ratios.items()
    )
    yield (
        "'fit': how many integers explain every call at that price. The last call pins the ratio of the prices to "
        f"1 in 10^18, and so the bonus: digits of the simplest such ratio by bonus: {others}. Its prices: "
        f"{last.collateral_price_base:,} wei a USDC, {last.debt_price_base:,} wei a CRV. In earlier rows the USDC "
        "price is the unit of account; only the ratio can be seen, and only the ratio matters."
    )
    if done.first_toxic is None:
        return
    toxic = record.calls[done.first_toxic :]
    yield (
        f"Toxic from block {done.toxic_block} ({clock(toxic[0].timestamp)}) on, whatever the interest: "
        f"the {len(toxic)} calls from there repaid "
        f"{tokens(sum(call.debt_repaid for call in toxic), CRV_UNIT)} CRV."
    )
    stop = done.stops[-1]
    yield (
        f"Had it stopped there: {tokens(stop.collateral, USDC_UNIT)} USDC against "
        f"{tokens(stop.debt, CRV_UNIT)} CRV. At {clock(stop.timestamp)} "
        f"CRV was at {stop.price_milli_usd / 1000:.3f}: loan to value {stop.loan_to_value_ratio:.3f}, "
        f"health factor {stop.health_wad / WAD:.4f}, bad debt "
        f"{tokens(stop.must_leave, CRV_UNIT)}."
    )
    worst, again = stop.endured, stop.resumed
    yield (
        f"Only if nobody called in between: at {clock(worst.timestamp)} the oracle's price put the health factor at "
        f"{worst.health_wad / WAD:.4f}, and a liquidation then had to leave {tokens(worst.must_leave, CRV_UNIT)} CRV."
    )
    yield (
        f"Liquidated again in later hours, while allowed and not toxic ({again.calls} calls): "
        f"{tokens(again.collateral, USDC_UNIT)} USDC and {tokens(again.debt, CRV_UNIT)} CRV left two days on, "
        f"and {_bad_debt_by_then(again.must_leave)}."
    )


def _bad_debt_by_then(must_leave: int) -> str:
    if not must_leave:
        return "no bad debt at any hour's highest price"
    return f"at some hour's highest price {tokens(must_leave, CRV_UNIT)} CRV of bad debt"


def _numbers(done: Study) -> dict[str, Any]:
    record, index = done.record, done.first_toxic
    return {
        "calls": len(record.calls),
        "calls_explained": done.calls_explained,
        "price_segments": [_segment(done, segment) for segment in done.segments],
        "debt_repaid": record.repaid,
        "collateral_seized": record.seized,
        "residual_principal": record.residual_principal,
        "residual_band": list(PUBLISHED_RESIDUALS),
        "toxic_block": done.toxic_block,
        "calls_after_toxic": None if index is None else len(record.calls) - index,
        "bonus_bps": BONUS_BPS,
        "replays": [
            {
                "interest": interest,
                "residual": one.debt_left,
                "calls_explained": sum(step.explained for step in one.steps),
                "toxic_block": None
                if one.first_toxic is None
                else record.calls[one.first_toxic].block_number,
            }
            for interest, one in done.replays.items()
        ],
        "stopped": [
            {
                "timestamp": stop.timestamp,
                "price_milli_usd": stop.price_milli_usd,
                "collateral": stop.collateral,
                "debt": stop.debt,
                "health_factor_wad": stop.health_wad,
                "bad_debt": stop.must_leave,
                "lowest_health_factor_wad": stop.endured.health_wad,
                "bad_debt_if_called_then": stop.endured.must_leave,
            }
            for stop in done.stops
        ],
        "checks": {check.says: check.holds for check in checks(done)},
    }


def _segment(done: Study, segment: PriceSegment) -> dict[str, int]:
    calls = done.record.calls
    return {
        "first_block": calls[segment.first].block_number,
        "last_block": calls[segment.last].block_number,
        "first_call": segment.first,
        "calls": segment.last - segment.first + 1,
        "collateral_price_base": segment.collateral_price_base,
        "debt_price_base": segment.debt_price_base,
        "lowest_debt_price_base": segment.lowest_debt_price_base,
        "highest_debt_price_base": segment.highest_debt_price_base,
    }
