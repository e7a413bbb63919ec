"""The block of the liquidation, and the account at every price of the day, through the exact rule set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import TypeVar

from protocol.compound_v2 import (
    Acted,
    Failure,
    Liquidated,
    LiquidationCall,
    Market,
    Revert,
    borrow_balance,
    exchange_rate,
    liquidate_borrow,
    redeem_underlying,
    repay_borrow,
)
from protocol.units import WAD
from stress.incidents.compound_dai_2020.position import DAI, OTHER, net, prices_at, published_market
from stress.incidents.compound_dai_2020.record import (
    BLOCK,
    BORROWER,
    LIQUIDATOR,
    Logs,
    OraclePrice,
    Quote,
    Record,
)

Done = TypeVar("Done", Acted, Liquidated)


class CallRefused(Exception):
    """A call that went through on the chain does not in the rule set."""

    def __init__(self, what: str, outcome: Failure | Revert) -> None:
        super().__init__(f"{what} is refused: {outcome.name}; on the chain it went through")


@dataclass(frozen=True, kw_only=True)
class AtPrice:
    """The account, as it was before the liquidation, at one of the oracle's prices."""

    update: OraclePrice
    liquidity_usd_mantissa: int
    """Below 0: the shortfall."""
    published_usd_mantissa: int
    """Of the position as published, and what the rounding of its digits leaves open of that."""
    lowest_published_usd_mantissa: int
    highest_published_usd_mantissa: int
    called: Liquidated | Failure | Revert
    """What the liquidation that happened would have done."""


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The block's three calls, and the market that the liquidation met."""

    logs: Mapping[str, int]
    """What the rule set would have logged, by the name of the recorded log."""
    liquidated: Liquidated
    worth_seized: int
    """At the exchange rate of the call. [DAI x 1e18]"""
    met: Market
    """After the small liquidation that came first: accrued."""

    def differences(self, recorded: Logs) -> tuple[str, ...]:
        """The logs that are not repeated to the unit."""
        return tuple(
            field.name
            for field in fields(recorded)
            if getattr(recorded, field.name) != self.logs.get(field.name)
        )


def replay(record: Record, market: Market) -> Replayed:
    """Run the small repayment, the liquidation and the redemption; raises `CallRefused`."""
    logs, prices = record.logs, prices_at(record.price_mantissa)
    before = market.ctokens[DAI]
    first = _went_through(
        repay_borrow(market, OTHER, DAI, logs.other_repaid, block_number=BLOCK), "the small repayment"
    )
    met = first.market
    call = _went_through(liquidate(met, logs.repaid, record.price_mantissa), "the liquidation")
    at = {"prices_mantissa": prices, "block_number": BLOCK}
    redeemed = _went_through(
        redeem_underlying(call.market, LIQUIDATOR, DAI, logs.redeemed, **at), "the redemption"
    )
    total = met.ctokens[DAI].total_borrows_underlying
    return Replayed(
        logs={
            "cash": before.cash_underlying,
            "interest": total + first.amount - before.total_borrows_underlying,
            "borrow_index_mantissa": met.ctokens[DAI].borrow_index_mantissa,
            "total_borrows": total + first.amount,
            "other_repaid": first.amount,
            "other_debt_left": debt_of(met, OTHER),
            "other_total_borrows_left": total,
            "repaid": call.repaid_underlying,
            "debt_left": debt_of(call.market, BORROWER),
            "total_borrows_left": call.market.ctokens[DAI].total_borrows_underlying,
            "seized_ctokens": call.seized_ctokens,
            "cash_after": call.market.ctokens[DAI].cash_underlying,
            "redeemed": redeemed.amount,
            "redeemed_ctokens": redeemed.ctokens,
        },
        liquidated=call,
        worth_seized=worth(met, call.seized_ctokens),
        met=met,
    )


def liquidate(market: Market, repay_amount: int, dai_price_mantissa: int) -> Liquidated | Failure | Revert:
    """Repay so much of the account's DAI debt for its cDAI, in the block of the liquidation."""
    call = LiquidationCall(
        collateral_id=DAI,
        debt_id=DAI,
        borrower=BORROWER,
        liquidator=LIQUIDATOR,
        repay_amount=repay_amount,
    )
    return liquidate_borrow(market, call, prices_mantissa=prices_at(dai_price_mantissa), block_number=BLOCK)


def worth(market: Market, ctokens: int) -> int:
    """What cDAI units stand for. [DAI x 1e18]"""
    return ctokens * exchange_rate(market.ctokens[DAI]) // WAD


def debt_of(market: Market, user: str) -> int:
    """What a user owes at the stored index. [DAI x 1e18]"""
    return borrow_balance(market.ctokens[DAI], market.accounts[user].positions[DAI])


def liquidity(market: Market, dai_price_mantissa: int) -> int:
    """The account's liquidity, or its shortfall below 0. [USD x 1e18]"""
    return net(market, Quote(dai_price_mantissa, 0))


def along_the_path(record: Record, market: Market) -> Iterator[AtPrice]:
    """The account as it was the block before, at every price that the oracle showed, as if nobody had called."""
    corners = [published_market(record, market, signs=signs) for signs in product((-1, 1), repeat=4)]
    middle = published_market(record, market)
    for update in record.updates:
        price = update.price_mantissa
        around = [liquidity(one, price) for one in corners]
        yield AtPrice(
            update=update,
            liquidity_usd_mantissa=liquidity(market, price),
            published_usd_mantissa=liquidity(middle, price),
            lowest_published_usd_mantissa=min(around),
            highest_published_usd_mantissa=max(around),
            called=liquidate(market, record.logs.repaid, price),
        )


def _went_through(outcome: Done | Failure | Revert, what: str) -> Done:
    if isinstance(outcome, Failure | Revert):
        raise CallRefused(what, outcome)
    return outcome
