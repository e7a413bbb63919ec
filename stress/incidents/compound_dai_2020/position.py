"""The account as the logs pin it down, as a market of the rule set that can be asked and called.

The log of the repayment says what the account owed, to the unit, and the slope of the quotes how much more that is
than its weighted collateral. Everything else it has does not move with DAI: one market stands for it, of an asset
worth one dollar and one cToken unit each, all of which counts as collateral; its amount is what the quotes leave.

cDAI's interest since its last touch is read back from its first log of the block: rate times blocks is one integer,
here put into one block. Its reserves and reserve factor are not recorded and taken as none, but for what the exchange
rate's last digits need: that moves the number of cTokens by less than 2 in 10**8, and no amount of DAI. The exchange
rate itself the liquidator's redemption gives.

The Comptroller of that day was G5. The cDAI of that day asks its rate model again within a block (it logs interest of
0 twice), so it is older than 2.6; it counts what it receives, so not older than 2.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from protocol.compound_v2 import (
    Account,
    CToken,
    CTokenConfig,
    Market,
    Position,
    RateModel,
    comptroller_rules_of,
    ctoken_rules_of,
    exchange_rate,
)
from protocol.compound_v2.health import account_sums
from protocol.units import WAD
from stress.incidents.compound_dai_2020.line import CONTRACT, Window, slope
from stress.incidents.compound_dai_2020.record import BLOCK, BORROWER, Logs, Quote, Record

DAI, REST = 0, 1
OTHER = "0xf5f017b1e9532aa86936ec922dbe334f48b7da46"
"""Whose small liquidation came first; here it only repays."""
CTOKENS_TRIED = 50
"""Numbers of cTokens, one after another, among which several fit all roundings."""


class NothingFits(Exception):
    """No position repeats every quote."""

    def __init__(self, n_quotes: int) -> None:
        super().__init__(
            f"no position of {CTOKENS_TRIED} tried repeats all {n_quotes} quotes to the unit: is one misread?"
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the logs and the quotes together leave open of the account. [DAI x 1e18]"""

    debt: int
    """At the liquidation, accrued; to the unit."""
    collateral: Window
    """Before the liquidation, at the stored exchange rate."""
    market: Market
    """One of the positions that repeat every quote, the block before."""


def known(record: Record) -> Known:
    """The debt, the collateral, and a market that has them; raises `NothingFits`."""
    logs, window = record.logs, slope(record.quotes, CONTRACT)
    per_weighted = Fraction(WAD, record.mantissa_of("collateral_factor"))
    debt = _debt_before(record)
    collateral = Window((debt - window.high) * per_weighted, (debt + 1 - window.low) * per_weighted)
    return Known(debt=logs.debt_left + logs.repaid, collateral=collateral, market=fitted(record, collateral))


def interest_factor(logs: Logs) -> int:
    """Rate times blocks: the one integer that makes the logged interest. [mantissa]"""
    borrows = logs.total_borrows - logs.interest
    return -(-logs.interest * WAD // borrows)


def index_before(logs: Logs) -> int:
    """The borrow index that grows into the logged one. [mantissa]"""
    factor = interest_factor(logs)
    guess = logs.borrow_index_mantissa * WAD // (WAD + factor)
    return next(
        index
        for index in range(guess - 1, guess + 3)
        if index + factor * index // WAD == logs.borrow_index_mantissa
    )


def fitted(record: Record, collateral: Window) -> Market:
    """A market whose account, with collateral in this window [DAI x 1e18], repeats every quote to the unit."""
    for candidate in _candidates(record, collateral):
        rests = {quote.liquidity_usd_mantissa - net(candidate, quote) for quote in record.quotes}
        if len(rests) == 1:
            return with_rest(candidate, rests.pop())
    raise NothingFits(len(record.quotes))


def net(market: Market, quote: Quote) -> int:
    """The account's weighted collateral less its debt at the quote's price. [USD x 1e18]"""
    sums = account_sums(market, BORROWER, prices_mantissa=prices_at(quote.price_mantissa))
    return sums.collateral_usd_mantissa - sums.borrows_usd_mantissa


def prices_at(dai_price_mantissa: int) -> dict[int, int]:
    """What the oracle shows."""
    return {DAI: dai_price_mantissa, REST: WAD}


def _debt_before(record: Record) -> int:
    """At the stored index; the unknown last touch of the account can make it one unit more. [DAI x 1e18]"""
    logs = record.logs
    return (logs.debt_left + logs.repaid) * index_before(logs) // logs.borrow_index_mantissa


def _candidates(record: Record, collateral: Window) -> Iterator[Market]:
    """Markets with as much collateral: some number of cTokens, at every exchange rate that goes with it."""
    rate = exchange_rate(market_of(record, ctokens=0).ctokens[DAI])
    fewest = int(collateral.high * WAD / rate) + 1
    for ctokens in range(fewest, fewest + CTOKENS_TRIED):
        market = market_of(record, ctokens=ctokens)
        lowest, highest = (int(end * WAD / ctokens) for end in collateral)
        yield from (_at_rate(market, tried) for tried in range(lowest, highest + 1))


def _at_rate(market: Market, rate_mantissa: int) -> Market:
    """The market with the reserves that make the exchange rate this one."""
    cdai = market.ctokens[DAI]
    owned = -(-rate_mantissa * cdai.total_supply_ctokens // WAD)
    reserves = cdai.cash_underlying + cdai.total_borrows_underlying - owned
    return replace(market, ctokens={**market.ctokens, DAI: replace(cdai, total_reserves_underlying=reserves)})


def market_of(record: Record, *, ctokens: int) -> Market:
    """The block before the liquidation, all as logged: the account with so many cDAI units and nothing else."""
    logs = record.logs
    index = logs.borrow_index_mantissa
    owed = {BORROWER: logs.debt_left + logs.repaid, OTHER: logs.other_debt_left + logs.other_repaid}
    held = {BORROWER: ctokens, OTHER: 0}
    return Market(
        rules=comptroller_rules_of("G5"),
        close_factor_mantissa=record.mantissa_of("close_factor"),
        liquidation_incentive_mantissa=record.mantissa_of("liquidation_incentive"),
        ctokens={DAI: _cdai(record), REST: _rest(0)},
        accounts={
            user: Account(positions={DAI: _position(held[user], owed[user], index)}, entered=(DAI,))
            for user in owed
        },
    )


def _position(ctokens: int, owed: int, index_mantissa: int) -> Position:
    return Position(
        ctokens=ctokens, borrow_principal_underlying=owed, borrow_interest_index_mantissa=index_mantissa
    )


def with_rest(market: Market, amount_usd_mantissa: int) -> Market:
    """The market with everything else that the account has: what it lets borrow, its debts taken off."""
    account = market.accounts[BORROWER]
    positions = {**account.positions, REST: Position(ctokens=amount_usd_mantissa)}
    return replace(
        market,
        ctokens={**market.ctokens, REST: _rest(amount_usd_mantissa)},
        accounts={
            **market.accounts,
            BORROWER: replace(account, positions=positions, entered=(DAI, REST)),
        },
    )


def published_market(record: Record, like: Market, *, signs: Sequence[int] = (0, 0, 0, 0)) -> Market:
    """The account as published, at the exchange rate of `like`; `signs` moves each amount by half its last digit.

    In the order collateral in DAI and in USDC, debt in DAI and in USDC.
    """
    names = ("collateral_dai", "collateral_usdc", "debt_dai", "debt_usdc")
    dai, usdc, debt, debt_usdc = (
        (record.published[name].amount + sign * record.published[name].half_digit) * WAD
        for name, sign in zip(names, signs, strict=True)
    )
    cdai, account = like.ctokens[DAI], like.accounts[BORROWER]
    held = _position(dai * WAD // exchange_rate(cdai), debt, cdai.borrow_index_mantissa)
    market = replace(
        like,
        accounts={**like.accounts, BORROWER: replace(account, positions={**account.positions, DAI: held})},
    )
    return with_rest(market, usdc * record.mantissa_of("collateral_factor") // WAD - debt_usdc)


def _cdai(record: Record) -> CToken:
    """The market of DAI before its first accrual of the block, without reserves."""
    logs = record.logs
    rate = logs.redeemed * WAD // logs.redeemed_ctokens
    return CToken(
        market_id=DAI,
        address="0x5d3a536e4d6dbd6114cc1ead35777bab948e3643",
        symbol="cDAI",
        underlying="0x6b175474e89094c44da98b954eedeac495271d0f",
        underlying_decimals=18,
        rules=ctoken_rules_of("2.3"),
        rate_model=RateModel(
            base_rate_per_block_mantissa=interest_factor(logs), multiplier_per_block_mantissa=0
        ),
        config=CTokenConfig(
            collateral_factor_mantissa=record.mantissa_of("collateral_factor"),
            reserve_factor_mantissa=0,
            initial_exchange_rate_mantissa=WAD,
        ),
        cash_underlying=logs.cash,
        total_borrows_underlying=logs.total_borrows - logs.interest,
        total_reserves_underlying=0,
        total_supply_ctokens=-(-(logs.cash + logs.total_borrows) * WAD // rate),
        borrow_index_mantissa=index_before(logs),
        accrual_block_number=BLOCK - 1,
    )


def _rest(amount: int) -> CToken:
    """All else: a dollar a unit, all of it collateral."""
    return CToken(
        market_id=REST,
        address="rest",
        symbol="rest",
        underlying_decimals=18,
        rules=ctoken_rules_of("2.3"),
        rate_model=RateModel(base_rate_per_block_mantissa=0, multiplier_per_block_mantissa=0),
        config=CTokenConfig(
            collateral_factor_mantissa=WAD,
            reserve_factor_mantissa=0,
            initial_exchange_rate_mantissa=WAD,
        ),
        cash_underlying=amount,
        total_borrows_underlying=0,
        total_reserves_underlying=0,
        total_supply_ctokens=amount,
        borrow_index_mantissa=WAD,
        accrual_block_number=BLOCK - 1,
    )
