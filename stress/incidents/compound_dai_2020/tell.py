"""The study for a person and for a machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from protocol.compound_v2 import Failure, Liquidated, Revert
from protocol.units import WAD
from stress.incidents.compound_dai_2020.figure import draw
from stress.incidents.compound_dai_2020.line import CONTRACT, Window, miss
from stress.incidents.compound_dai_2020.optimum import Plan
from stress.incidents.compound_dai_2020.position import REST
from stress.incidents.compound_dai_2020.record import BLOCK, BORROWER, Borrower
from stress.incidents.compound_dai_2020.replay import AtPrice
from stress.incidents.compound_dai_2020.study import Study, checks, study
from stress.incidents.report import Column, Report, Sheet, tokens

FINE_PLACES = 27
"""More digits than a mantissa has, for what is known better."""

STORY = (
    "On the morning of 26 November 2020 DAI traded at up to $1.30 on Coinbase Pro, against about $1.00 elsewhere. "
    "Compound's oracle took that exchange's price, within 20 % of an average of Uniswap, and showed up to 1.238179; "
    "borrowers of DAI were liquidated all day. No bad debt came of it.",
    f"The largest was {BORROWER}: it had supplied DAI and USDC and borrowed DAI again. At $1.08 it was sound; the "
    "next update, to $1.095299, was enough. One call repaid 46.1 million DAI and took 49.8 million.",
)


def report(done: Study | None = None) -> Report:
    """Study the incident, or tell of what was studied already."""
    done = done or study()
    return Report(
        title="Compound v2, 26 November 2020: the DAI price, and the largest account that it liquidated",
        story=STORY,
        sheets=(_quotes(done), _critical(done), _position(done), _path(done), _plans(done), _borrowers(done)),
        findings=tuple(_findings(done)),
        checks=tuple(checks(done)),
        numbers=_numbers(done),
        draw=partial(draw, done=done),
    )


# --- tables ---


def _quotes(done: Study) -> Sheet:
    """Every quote against the line through the two others that are furthest apart."""
    quotes = sorted(done.record.quotes)
    rows: list[tuple[str, ...]] = []
    for quote in quotes:
        first, *_, last = (one for one in quotes if one is not quote)
        there = miss(quote, first, last, CONTRACT)
        rows.append(
            (
                price(quote.price_mantissa),
                signed(quote.liquidity_usd_mantissa, 18),
                f"{price(first.price_mantissa)} and {price(last.price_mantissa)}",
                f"{float(there.off):+.2f}",
                f"{float(there.allowed):.2f}",
            )
        )
    return _sheet(
        "Liquidity of the account at other DAI prices, as the Comptroller gave it, and the line through two others",
        ("DAI [USD]", "liquidity [USD]", "line through", "off [1e-18 USD]", "rounding allows"),
        rows,
    )


def _critical(done: Study) -> Sheet:
    """What each source leaves open of the critical price."""
    sources = {
        "the quotes, all digits": done.critical,
        "the quotes, to the cent": done.critical_of_cents,
        "the position as published, 4 digits": done.critical_as_published,
    }
    rows = [(name, *bounds(window, FINE_PLACES)) for name, window in sources.items()]
    recorded = price(done.record.recorded_critical_mantissa)
    return _sheet(
        "The DAI price at which liquidity is 0: what each source leaves open",
        ("from", "at least [USD]", "at most [USD]"),
        [*rows, ("recorded", recorded, recorded)],
    )


def _position(done: Study) -> Sheet:
    """The published split against what the logs say."""
    rest = done.known.market.accounts[BORROWER].positions[REST].ctokens
    rows = [
        (
            "collateral [DAI]",
            _rounded(done, "collateral_dai"),
            " to ".join(bounds(done.known.collateral, 18)),
        ),
        ("debt [DAI]", _rounded(done, "debt_dai"), f"{tokens(done.known.debt, WAD, places=18)}, accrued"),
        ("debt less collateral x CF [DAI]", "", " to ".join(bounds(done.slope, 18))),
        ("collateral [USDC]", _rounded(done, "collateral_usdc"), "not known apart"),
        ("debt [USDC]", _rounded(done, "debt_usdc"), "not known apart"),
        ("collateral x CF less debt, all but DAI [USD]", "", tokens(rest, WAD, places=18)),
    ]
    return _sheet(
        "The account: published, the split is known to 4 digits only; the log of the repayment has the debt in DAI",
        ("what", "published", "from the logs and the quotes"),
        rows,
        left=True,
    )


def _rounded(done: Study, name: str) -> str:
    one = done.record.published[name]
    return f"{one.amount:,} +- {one.half_digit:,}"


def _path(done: Study) -> Sheet:
    """One row an update of the oracle that is on record."""
    names = ("block", "DAI [USD]", "liquidity [USD]", "as published, at least", "at most", "the call then")
    return _sheet(
        "The oracle's DAI price, the account as it was before the liquidation, and that liquidation at every price",
        names,
        [_path_row(at) for at in done.path],
        marked=next(
            (row for row, at in enumerate(done.path) if at.update.block_number == done.became_liquidatable),
            None,
        ),
    )


def _path_row(at: AtPrice) -> tuple[str, ...]:
    return (
        str(at.update.block_number),
        price(at.update.price_mantissa),
        signed(at.liquidity_usd_mantissa, 2),
        signed(at.lowest_published_usd_mantissa, 0),
        signed(at.highest_published_usd_mantissa, 0),
        outcome(at.called),
    )


def _plans(done: Study) -> Sheet:
    """The three ways to liquidate, in the rule set."""
    best = done.optimum
    plans = {
        "the call that was made": best.actual,
        "the largest single call": best.single,
        "two calls": best.two_calls,
    }
    return _sheet(
        f"Ways to liquidate it at {price(done.record.price_mantissa)}, by the rule set [DAI]",
        ("what", "repaid first", "repaid second", "worth seized", "profit", "more than the call made"),
        [_plan_row(name, plan, plan.profit - best.actual.profit) for name, plan in plans.items()],
    )


def _plan_row(name: str, plan: Plan, gain: int) -> tuple[str, ...]:
    first, *second = (tokens(amount, WAD, places=2) for amount in plan.repaid)
    seized, profit = (tokens(amount, WAD, places=2) for amount in (sum(plan.seized), plan.profit))
    return name, first, *(second or ["-"]), seized, profit, tokens(gain, WAD, places=2)


def _borrowers(done: Study) -> Sheet:
    """Recorded, not rebuilt."""
    names = (
        "account",
        "calls",
        "repaid [USD]",
        "first block",
        "oracle then",
        "critical price",
        "short there",
    )
    return _sheet(
        "The day's largest borrowers, as recorded, not rebuilt: DAI price of the oracle and of no liquidity",
        names,
        [_borrower_row(one) for one in done.record.borrowers],
    )


def _borrower_row(one: Borrower) -> tuple[str, ...]:
    return (
        one.address,
        str(one.calls),
        tokens(one.repaid_usd_cents, 100, places=2),
        str(one.block_number),
        price(one.oracle_price_mantissa),
        price(one.critical_price_mantissa),
        "yes" if one.reproduced else "no",
    )


def _sheet(
    title: str,
    names: tuple[str, ...],
    rows: list[tuple[str, ...]],
    *,
    marked: int | None = None,
    left: bool = False,
) -> Sheet:
    first, *others = names
    columns = (
        Column(name=first, justify="left"),
        *(Column(name=name, justify="left" if left else "right") for name in others),
    )
    return Sheet(title=title, columns=columns, rows=tuple(rows), marked=marked)


# --- sentences ---


def _findings(done: Study) -> Iterator[str]:
    yield _of_the_line(done)
    yield _of_the_split(done)
    yield _of_the_rule_set(done)
    yield _of_two_calls(done)
    yield _of_the_others(done)


def _of_the_line(done: Study) -> str:
    low, high = done.critical_of_cents
    return (
        f"Liquidity falls by {bounds(done.slope, 2)[0]} USD per dollar of DAI: debt less "
        f"{done.record.published['collateral_factor_pct'].amount} % of the collateral. It is 0 at "
        f"{price(math.floor(done.critical.low))}; quotes to the cent leave {float((high - low) / WAD):.0e} open."
    )


def _of_the_split(done: Study) -> str:
    low, high = done.known.collateral
    return (
        "The quotes know collateral and debt only through that difference, and what was published of the split has 4 "
        f"digits. The log of the repayment adds the debt, and so the collateral in DAI, to {math.ceil(high - low)} "
        "units of 1e-18. Of the rest, in USDC, the split is known to 4 digits only; and of the number of cTokens 8 "
        "digits, as cDAI's reserves are not on record."
    )


def _of_the_rule_set(done: Study) -> str:
    replayed = done.replayed
    return (
        f"A position of that debt repeats all {len(done.record.quotes)} quotes to the last digit under the rules of "
        f"{done.known.market.rules.release}, and on it the rule set repeats all {len(replayed.logs)} logged amounts "
        f"of block {BLOCK}: {tokens(replayed.liquidated.repaid_underlying, WAD, places=18)} DAI repaid, "
        f"{tokens(replayed.liquidated.seized_ctokens, 10**8, places=8)} cDAI seized, worth "
        f"{tokens(replayed.worth_seized, WAD, places=2)} DAI. It was built from the block's first accrual, the debts "
        "and the exchange rate of the redemption; the seizure, the totals and the cash follow."
    )


def _of_two_calls(done: Study) -> str:
    best = done.optimum
    return (
        f"Two calls would have earned more: {round(best.closed_form / WAD):,} DAI first by the formula "
        f"({tokens(best.two_calls.repaid[0], WAD, places=2)} by the rule set, with the block's interest), which "
        "leaves the account just short, then half of the rest. Against the call that was made that is "
        f"{tokens(best.gain_on_actual, WAD, places=2)} DAI more "
        f"({tokens(int(done.published_gain), WAD, places=2)} with the debt as published, of 4 digits); against the "
        f"largest single call {tokens(best.gain_on_single, WAD, places=2)}."
    )


def _of_the_others(done: Study) -> str:
    borrowers = done.record.borrowers
    found = [one for one in borrowers if one.reproduced]
    at_par, above = (
        sum(one.critical_price_mantissa < level for one in among)
        for level, among in ((WAD, borrowers), (WAD * 11 // 10, found))
    )
    return (
        f"At $1.00 {at_par} of the {len(borrowers)} largest would have been short. Of the {len(found)} that were "
        f"found short at the oracle's price {above} would have been at $1.10."
    )


# --- numbers ---


def _numbers(done: Study) -> dict[str, Any]:
    """Amounts are raw integers; what ends in `_dai` is in whole DAI; texts have all digits that are known."""
    return {
        "account": BORROWER,
        **_numbers_of_the_line(done),
        **_numbers_of_the_account(done),
        **_numbers_of_two_calls(done),
        "borrowers": [one._asdict() for one in done.record.borrowers],
        "checks": {check.says: check.holds for check in checks(done)},
    }


def _numbers_of_the_line(done: Study) -> dict[str, Any]:
    record = done.record
    return {
        "slope": plain(done.slope, 18)[0],
        "slope_interval": plain(done.slope, 18),
        "critical_price": price(math.floor(done.critical.low)),
        "critical_price_interval": plain(done.critical, FINE_PLACES),
        "critical_price_interval_of_cents": plain(done.critical_of_cents, FINE_PLACES),
        "critical_price_interval_as_published": plain(done.critical_as_published, FINE_PLACES),
        "recorded_critical_price": price(record.recorded_critical_mantissa),
        "quotes": [one._asdict() for one in sorted(record.quotes)],
        "largest_share_of_rounding": max(float(abs(one.off) / one.allowed) for one in done.misses()),
    }


def _numbers_of_the_account(done: Study) -> dict[str, Any]:
    replayed = done.replayed
    return {
        "published": {name: one._asdict() for name, one in done.record.published.items()},
        "debt": done.known.debt,
        "collateral_interval": [math.floor(done.known.collateral.low), math.ceil(done.known.collateral.high)],
        "liquidatable_at_block": done.became_liquidatable,
        "oracle_path": [_path_numbers(at) for at in done.path],
        "repaid": replayed.liquidated.repaid_underlying,
        "seized_ctokens": replayed.liquidated.seized_ctokens,
        "seized_dai": replayed.worth_seized / WAD,
        "logs": len(replayed.logs),
        "logs_repeated": len(replayed.logs) - len(replayed.differences(done.record.logs)),
    }


def _numbers_of_two_calls(done: Study) -> dict[str, Any]:
    best = done.optimum
    return {
        "optimal_first_repay_dai": float(best.closed_form / WAD),
        "optimal_repaid": list(best.two_calls.repaid),
        "optimal_gain_dai": best.gain_on_actual / WAD,
        "optimal_gain_dai_with_published_debt": float(done.published_gain / WAD),
        "optimal_gain_on_single_call_dai": best.gain_on_single / WAD,
    }


def _path_numbers(at: AtPrice) -> dict[str, Any]:
    return {
        **at.update._asdict(),
        "liquidity_usd_mantissa": at.liquidity_usd_mantissa,
        "published_usd_mantissa": at.published_usd_mantissa,
        "lowest_published_usd_mantissa": at.lowest_published_usd_mantissa,
        "highest_published_usd_mantissa": at.highest_published_usd_mantissa,
        "call": outcome(at.called),
    }


# --- texts of numbers ---


def outcome(called: Liquidated | Failure | Revert) -> str:
    """What a call seized, or why it was refused."""
    if isinstance(called, Liquidated):
        return f"seizes {tokens(called.seized_ctokens, 10**8, places=8)} cDAI"
    return f"refused: {called.name}"


def price(mantissa: int) -> str:
    """All digits, without zeros at the end, but for cents: 1.05."""
    whole, part = tokens(mantissa, WAD, places=18).split(".")
    return f"{whole}.{part.rstrip('0'):0<2}"


def bounds(window: Window, places: int) -> tuple[str, str]:
    """Both ends of what is left open of something counted in 1e-18, in ones, rounded outwards."""
    scale = Fraction(10**places, WAD)
    low, high = math.floor(window.low * scale), math.ceil(window.high * scale)
    return tokens(low, 10**places, places=places), tokens(high, 10**places, places=places)


def plain(window: Window, places: int) -> list[str]:
    """The same for a machine. [1, of what is counted in 1e-18]"""
    return [end.replace(",", "") for end in bounds(window, places)]


def signed(amount_usd_mantissa: int, places: int) -> str:
    """With its sign, digits beyond `places` cut off."""
    sign = "-" if amount_usd_mantissa < 0 else ""
    return sign + tokens(abs(amount_usd_mantissa), WAD, places=places)
