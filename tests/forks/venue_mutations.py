"""Wrong models of Compound v2, Morpho Blue and Venus, each in one rule, and the field at which parity has to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from protocol.compound_v2.liquidation import seize_tokens
from protocol.morpho_blue.bad_debt import NO_BAD_DEBT
from protocol.morpho_blue.rates import BorrowRate
from protocol.morpho_blue.shares import Totals
from protocol.units import WAD
from protocol.venus_isolated import variants
from protocol.venus_isolated.health import collateral_factor

Wrap = Callable[[Any], Any]
"""From the right function (or constant) to the wrong one."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One thing wrong in the model."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    """Of the table of rules."""
    patches: Mapping[str, Wrap] = field(default_factory=dict)
    """`module.name` below the rule set's folder to how it is made wrong."""


def patch(target: str, wrap: Wrap) -> Mutation:
    return Mutation(patches={target: wrap})


def instead(value: Any) -> Wrap:
    return lambda right: value


def keeps(name: str) -> Wrap:
    """What the right function makes of its first argument, but for a field that stays as it was."""

    def wrap(right: Any) -> Any:
        def wrong(before: Any, *args: Any) -> Any:
            return replace(right(before, *args), **{name: getattr(before, name)})

        return wrong

    return wrap


def argument(place: int, change: Callable[[Any], Any]) -> Wrap:
    """The right function of one argument that is wrong."""

    def wrap(right: Any) -> Any:
        def wrong(*args: Any, **kwargs: Any) -> Any:
            return right(*args[:place], change(args[place]), *args[place + 1 :], **kwargs)

        return wrong

    return wrap


def keyword(**change: Any) -> Wrap:
    """The right function of named arguments that are wrong."""
    return lambda right: lambda *args, **kwargs: right(*args, **{**kwargs, **change})


def and_one_more(right: Any) -> Any:
    return lambda *args, **kwargs: right(*args, **kwargs) + 1


def and_one_less(right: Any) -> Any:
    return lambda *args, **kwargs: right(*args, **kwargs) - 1


def mul_div_up(a: int, b: int, c: int) -> int:
    return -(-a * b // c)


def mantissa_mul_up(a: int, b: int) -> int:
    return mul_div_up(a, b, WAD)


def nothing(*args: Any, **kwargs: Any) -> None:
    """Instead of a check: everything passes; instead of a movement: nothing moves."""


# --- Compound v2 ---


def exact_ratio(terms: Any, repaid: int) -> int:
    return int(
        Fraction(repaid * terms.incentive_mantissa * terms.debt_price_mantissa)
        / (terms.collateral_price_mantissa * terms.exchange_rate_mantissa)
    )


def every_market_accrues(right: Any) -> Any:
    def wrong(ledger: Any, call: Any, block_number: int) -> None:
        right(ledger, call, block_number)
        for market_id in ledger.market().ctokens:
            ledger.accrue_other(market_id, block_number)

    return wrong


def clipped(right: Any) -> Any:
    """What is seized is cut to what there is, as elsewhere."""

    def wrong(ledger: Any, call: Any, prices_mantissa: Any, repaid: int) -> int:
        held = ledger.position(call.borrower, call.collateral_id).ctokens
        return min(seize_tokens(ledger.market(), call, repaid, prices_mantissa), held)

    return wrong


def without_reserves(right: Any) -> Any:
    return lambda ctoken: right(replace(ctoken, total_reserves_underlying=0))


def total_stays(right: Any) -> Any:
    def wrong(ledger: Any, user: Any, market_id: int, owed: int, total: int) -> None:
        right(ledger, user, market_id, owed, ledger.ctoken(market_id).total_borrows_underlying)

    return wrong


# --- Morpho Blue ---


def loss_of_nobody(right: Any) -> Any:
    def wrong(market: Any, borrower: Any) -> Any:
        after, bad_debt = right(market, borrower)
        return replace(after, total_supply=market.total_supply), bad_debt

    return wrong


def rate_forgotten(right: Any) -> Any:
    return lambda market, irm, timestamp: BorrowRate(right(market, irm, timestamp).rate_per_second_wad, irm)


# --- Venus ---


def forgiven_and_forgotten(right: Any) -> Any:
    """The debt ends and is nobody's."""

    def wrong(ledger: Any, user: Any, market_id: int, repaid: int) -> int:
        before = ledger.vtoken(market_id).bad_debt_underlying
        forgiven = right(ledger, user, market_id, repaid)
        ledger.put(replace(ledger.vtoken(market_id), bad_debt_underlying=before))
        return forgiven

    return wrong


def forgiven_and_still_lent(right: Any) -> Any:
    def wrong(ledger: Any, user: Any, market_id: int, repaid: int) -> int:
        forgiven = right(ledger, user, market_id, repaid)
        vtoken = ledger.vtoken(market_id)
        more = vtoken.total_borrows_underlying + forgiven
        ledger.put(replace(vtoken, total_borrows_underlying=more))
        return forgiven

    return wrong


def owing_nothing(right: Any) -> Any:
    return lambda vtoken, position: (position.vtokens, 0, 0)


def without_bad_debt(right: Any) -> Any:
    return lambda vtoken: right(replace(vtoken, bad_debt_underlying=0))


def never_small(right: Any) -> Any:
    return lambda *args, **kwargs: replace(right(*args, **kwargs), total_collateral_usd_mantissa=2**200)


NOTICED: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Mutation]]]] = {
    "compound_v2": {
        "half": {
            "event.LiquidateBorrow.seizeTokens": {
                "incentive is 7 %": patch(
                    "liquidation.liquidation_terms",
                    lambda right: lambda *args: replace(right(*args), incentive_mantissa=107 * WAD // 100),
                ),
                "seizure rounds up": patch("amounts.mantissa_mul_down", instead(mantissa_mul_up)),
                "seizure is not cut to a mantissa": patch("amounts.Terms.seized_for", instead(exact_ratio)),
            },
            "event.Transfer.liquidator": {
                "protocol's share rounds up": patch(
                    "liquidation.mantissa_mul_down", instead(mantissa_mul_up)
                ),
            },
            "event.ReservesAdded.addAmount": {
                "protocol's share is nobody's": patch("liquidation._to_reserves", instead(lambda *args: 0)),
            },
            "before.owed.DAI": {
                "accrual is a block short": patch("interest._grown", argument(2, lambda blocks: blocks - 1)),
                "debt rounds up": patch("interest.mul_div_down", instead(mul_div_up)),
                "use of the market leaves reserves out": patch("rates.utilization", keyword(reserves=0)),
            },
            "before.exchange_rate.WETH": {
                "nothing goes to the reserves": patch("interest._grown", keeps("total_reserves_underlying")),
            },
            "before.shortfall": {
                "reserves are the suppliers' too": patch("health.exchange_rate", without_reserves),
            },
            "ctoken.WBTC.total_borrows_underlying": {
                "every market accrues": patch("liquidation._accrue_both", every_market_accrues),
            },
            "ctoken.DAI.total_borrows_underlying": {
                "repayment does not lower the total": patch("borrow._put_debt", total_stays),
            },
            "user.liquidator.WETH.ctokens": {
                "liquidator is given nothing": patch("liquidation._give_ctokens", instead(nothing)),
            },
        },
        "too much": {
            "reverts goes through / TOO_MUCH_REPAY": {
                "close factor is 60 %": patch(
                    "validation.max_close", instead(lambda market, owed: owed * 60 // 100)
                ),
            },
            "ctoken.WETH.total_borrows_underlying": {
                "a failure undoes its accrual": patch(
                    "state.Failure.leaves", instead(lambda failure, market: market)
                ),
            },
        },
        "healthy": {
            "reverts goes through / INSUFFICIENT_SHORTFALL": {
                "shortfall is not asked for": patch("liquidation.liquidate_allowed", instead(nothing)),
            },
        },
        "more than there is": {
            "reverts goes through / LIQUIDATE_SEIZE_TOO_MUCH": {
                "what is seized is cut": patch("liquidation._sized_after", clipped),
            },
        },
    },
    "morpho_blue": {
        "part of the shares": {
            "event.Liquidate.seizedAssets": {
                "incentive is larger": patch("amounts.LIQUIDATION_CURSOR_WAD", instead(4 * WAD // 10)),
                "seizure rounds up": patch("amounts.mul_div_down", instead(mul_div_up)),
            },
            "event.Liquidate.repaidAssets": {
                "repayment rounds down": patch("shares.Totals.to_assets_up", instead(Totals.to_assets_down)),
                "accrual is a second short": patch(
                    "interest.exp_minus_one_taylor", argument(1, lambda elapsed_s: elapsed_s - 1)
                ),
                "growth does not compound": patch(
                    "interest.exp_minus_one_taylor", instead(lambda rate_wad, elapsed_s: rate_wad * elapsed_s)
                ),
            },
            "market.totalSupplyShares": {
                "there is no fee": patch("interest._with_fee", instead(lambda market, interest: market)),
                "the fee is a share too much": patch("shares.Totals.to_shares_down", and_one_more),
            },
            "rateAtTarget": {
                "the rate at target stays": patch("interest.borrow_rate", rate_forgotten),
            },
            "after.collateral": {
                "no collateral is taken": patch(
                    "liquidation.take_collateral", instead(lambda market, user, assets: market)
                ),
            },
        },
        "all collateral": {
            "event.Liquidate.badDebtAssets": {
                "bad debt is not booked": patch(
                    "liquidation.realize_bad_debt", instead(lambda market, borrower: (market, NO_BAD_DEBT))
                ),
            },
            "market.totalSupplyAssets": {
                "bad debt is nobody's loss": patch("liquidation.realize_bad_debt", loss_of_nobody),
            },
            "event.Liquidate.repaidAssets": {
                "repaid shares round down": patch(
                    "shares.Totals.to_shares_up", instead(Totals.to_shares_down)
                ),
            },
        },
        "healthy": {
            "reverts goes through / position is healthy": {
                "health is not asked for": patch("liquidation.require_liquidatable", instead(nothing)),
            },
        },
    },
    "venus_isolated": {
        "half": {
            "event.Transfer.liquidator.WETH": {
                "incentive is 9 %": patch(
                    "liquidation.seize_ratio", keyword(incentive_mantissa=109 * WAD // 100)
                ),
                "seizure rounds up": patch("liquidation.seize_vtokens", and_one_more),
                "protocol's share is of the incentive too": patch(
                    "liquidation.protocol_seize_vtokens", keyword(incentive_mantissa=WAD)
                ),
            },
            "vtoken.WETH.cash_underlying": {
                "protocol's share is paid out": Mutation(
                    columns={"take_seize_share": variants.share_paid_out}
                ),
            },
            "before.owed.DAI": {
                "accrual is a block short": patch("interest.sub", and_one_less),
                "debt rounds up": patch(
                    "interest.div_down", instead(lambda grown, index: -(-grown // index))
                ),
            },
            "before.shortfall": {
                "threshold is the factor": patch("health.liquidation_threshold", instead(collateral_factor)),
            },
            "event.ReservesAdded.WETH": {
                "nothing goes to the reserves": patch("ledger.accrue", keeps("total_reserves_underlying")),
            },
        },
        "too much": {
            "reverts goes through / TooMuchRepay": {
                "close factor is not asked for": patch("validation._require_at_most", instead(nothing)),
            },
        },
        "healthy": {
            "reverts goes through / InsufficientShortfall": {
                "shortfall is not asked for": patch("validation.require_shortfall", instead(nothing)),
            },
        },
        "too small": {
            "reverts goes through / MinimalCollateralViolated": {
                "collateral is never too small": patch("validation.liquidity_snapshot", never_small),
            },
        },
        "batch": {
            "event.Transfer.liquidator.WETH": {
                "protocol has no share of a batch": patch(
                    "liquidation.protocol_seize_vtokens", instead(lambda vtokens, **rest: 0)
                ),
            },
        },
        "short batch": {
            "reverts goes through / Nonzero borrow balance after liquidation": {
                "what is left is not looked at": patch("liquidation.account_snapshot", owing_nothing),
            },
        },
        "too large a batch": {
            "reverts goes through / CollateralExceedsThreshold": {
                "size is not asked for": patch("liquidation.require_small_collateral", instead(nothing)),
            },
        },
        "healed": {
            "event.RepayBorrow.DAI": {
                "the part that is paid rounds up": patch("bad_debt.healed_share", and_one_more),
            },
            "event.RepayBorrow.USDC": {
                "everything is paid": patch("bad_debt.healed_share", instead(lambda **values: WAD)),
            },
            "vtoken.USDC.bad_debt_underlying": {
                "bad debt is not booked": patch("bad_debt.heal_borrow", forgiven_and_forgotten),
            },
            "vtoken.USDC.total_borrows_underlying": {
                "bad debt stays among the loans": patch("bad_debt.heal_borrow", forgiven_and_still_lent),
            },
        },
        "after healing": {
            "before.exchange_rate.USDC": {
                "bad debt is lost to suppliers": patch("interest.underlying_of_suppliers", without_bad_debt),
            },
        },
    },
}
"""Protocol, case that shows it, field that parity names, and what is wrong in the model."""
