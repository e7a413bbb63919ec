"""What a spoke asks of a hub: add, remove, draw, restore, report a deficit. Each on one asset, each accruing first.

Mirrors `Hub`, src/hub/Hub.sol (aave/aave-v4@v0.5.11). Taken for granted: tokens have been transferred as the
contract asks, and nobody names the hub itself as a recipient. Amounts in asset units, times in s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v4 import hub_validation as validate
from protocol.aave_v4.interest import accrue, share_pool, with_drawn_rate
from protocol.aave_v4.premium import premium_ray
from protocol.aave_v4.state import NO_RISK_PREMIUM_THRESHOLD_BPS, Asset, PremiumDelta, Spoke, SpokeData
from protocol.errors import EvmRevert
from protocol.fixed_point.percentage import percent_mul_up
from protocol.fixed_point.rescale import from_ray_up, to_ray
from protocol.fixed_point.signed import add_signed, to_int
from protocol.fixed_point.uint256 import add, mul, sub, to_uint
from protocol.fixed_point.wad_ray import ray_div_down, ray_div_up

MAX_UINT120 = 2**120 - 1
"""Shares and liquidity must fit in this."""
MAX_UINT200 = 2**200 - 1
"""Deficits must fit in this."""


class Moved(NamedTuple):
    """An asset after an action, and the shares that came or went."""

    asset: Asset
    shares: int


class Deficit(NamedTuple):
    """An asset after a deficit was reported or eliminated."""

    asset: Asset
    shares: int
    """Drawn shares written off, or supplied shares burned."""
    amount_ray: int
    """[asset units x ray]"""


def add_liquidity(asset: Asset, spoke: Spoke, amount: int, timestamp: int) -> Moved:
    """`Hub.add`: `amount` for supplied shares, rounded down."""
    asset = accrue(asset, timestamp)
    book = _book(asset, spoke)
    validate.validate_add(asset, book, amount, timestamp)
    liquidity = add(asset.liquidity, amount)
    shares = to_uint(share_pool(asset, timestamp).to_shares_down(amount), 120)
    if shares == 0:
        raise EvmRevert("InvalidShares", amount=amount)
    asset = replace(asset, added_shares=add(asset.added_shares, shares, max_value=MAX_UINT120))
    asset = _with_book(
        asset, spoke, replace(book, added_shares=add(book.added_shares, shares, max_value=MAX_UINT120))
    )
    return Moved(with_drawn_rate(replace(asset, liquidity=to_uint(liquidity, 120))), shares)


def remove_liquidity(asset: Asset, spoke: Spoke, amount: int, timestamp: int) -> Moved:
    """`Hub.remove`: supplied shares, rounded up, for `amount`."""
    asset = accrue(asset, timestamp)
    book = _book(asset, spoke)
    validate.validate_moving_out(book, amount)
    validate.require_liquidity(asset, amount)
    shares = to_uint(share_pool(asset, timestamp).to_shares_up(amount), 120)
    asset = replace(asset, added_shares=sub(asset.added_shares, shares))
    asset = _with_book(asset, spoke, replace(book, added_shares=sub(book.added_shares, shares)))
    return Moved(with_drawn_rate(replace(asset, liquidity=asset.liquidity - amount)), shares)


def draw(asset: Asset, spoke: Spoke, amount: int, timestamp: int) -> Moved:
    """`Hub.draw`: a loan of `amount`, as drawn shares rounded up."""
    asset = accrue(asset, timestamp)
    book = _book(asset, spoke)
    validate.validate_draw(asset, book, amount)
    validate.require_liquidity(asset, amount)
    shares = to_uint(ray_div_up(amount, asset.drawn_index_ray), 120)
    asset = replace(asset, drawn_shares=add(asset.drawn_shares, shares, max_value=MAX_UINT120))
    asset = _with_book(
        asset, spoke, replace(book, drawn_shares=add(book.drawn_shares, shares, max_value=MAX_UINT120))
    )
    return Moved(with_drawn_rate(replace(asset, liquidity=asset.liquidity - amount)), shares)


def restore(asset: Asset, spoke: Spoke, drawn_amount: int, delta: PremiumDelta, timestamp: int) -> Moved:
    """`Hub.restore`: `drawn_amount` pays off drawn shares, rounded down, and the delta's part pays premium."""
    asset = accrue(asset, timestamp)
    validate.validate_restore(asset, _book(asset, spoke), drawn_amount, delta.restored_premium_ray)
    asset, shares = _without_drawn(asset, spoke, drawn_amount)
    asset = _with_premium_delta(asset, spoke, delta)
    paid = add(drawn_amount, from_ray_up(delta.restored_premium_ray))
    liquidity = to_uint(add(asset.liquidity, paid), 120)
    return Moved(with_drawn_rate(replace(asset, liquidity=liquidity)), shares)


def report_deficit(
    asset: Asset, spoke: Spoke, drawn_amount: int, delta: PremiumDelta, timestamp: int
) -> Deficit:
    """`Hub.reportDeficit`: debt that nobody will pay becomes a deficit; suppliers still own it."""
    asset = accrue(asset, timestamp)
    validate.validate_report_deficit(asset, _book(asset, spoke), drawn_amount, delta.restored_premium_ray)
    asset, shares = _without_drawn(asset, spoke, drawn_amount)
    asset = _with_premium_delta(asset, spoke, delta)
    lost_ray = add(mul(shares, asset.drawn_index_ray), delta.restored_premium_ray)
    booked_ray, book = to_uint(lost_ray, 200), _book(asset, spoke)
    asset = replace(asset, deficit_ray=add(asset.deficit_ray, booked_ray, max_value=MAX_UINT200))
    book = replace(book, deficit_ray=add(book.deficit_ray, booked_ray, max_value=MAX_UINT200))
    return Deficit(with_drawn_rate(_with_book(asset, spoke, book)), shares, lost_ray)


def eliminate_deficit(asset: Asset, caller: Spoke, covered: Spoke, amount: int, timestamp: int) -> Deficit:
    """`Hub.eliminateDeficit`: the caller's shares, rounded up, for up to `amount` of another spoke's deficit."""
    asset = accrue(asset, timestamp)
    deficit_ray = _book(asset, covered).deficit_ray
    gone_ray = to_ray(amount) if amount < from_ray_up(deficit_ray) else deficit_ray
    validate.validate_eliminate_deficit(_book(asset, caller), gone_ray)
    shares = to_uint(share_pool(asset, timestamp).to_shares_up(from_ray_up(gone_ray)), 120)
    asset = replace(asset, added_shares=sub(asset.added_shares, shares))
    paying = _book(asset, caller)
    asset = _with_book(asset, caller, replace(paying, added_shares=sub(paying.added_shares, shares)))
    asset = replace(asset, deficit_ray=sub(asset.deficit_ray, to_uint(gone_ray, 200)))
    book = _book(asset, covered)
    asset = _with_book(asset, covered, replace(book, deficit_ray=sub(book.deficit_ray, gone_ray)))
    return Deficit(with_drawn_rate(asset), shares, gone_ray)


def refresh_premium(asset: Asset, spoke: Spoke, delta: PremiumDelta, timestamp: int) -> Asset:
    """`Hub.refreshPremium`: other premium shares for the same premium debt."""
    asset = accrue(asset, timestamp)
    validate.require_active(_book(asset, spoke))
    if delta.restored_premium_ray != 0:
        raise EvmRevert("InvalidPremiumChange", restored_premium_ray=delta.restored_premium_ray)
    return with_drawn_rate(_with_premium_delta(asset, spoke, delta))


def pay_fee_shares(asset: Asset, spoke: Spoke, shares: int, timestamp: int) -> Asset:
    """`Hub.payFeeShares`: supplied shares of the spoke to the fee receiver."""
    asset = accrue(asset, timestamp)
    sender = _book(asset, spoke)
    validate.require_active(sender)
    if shares == 0:
        raise EvmRevert("InvalidShares", shares=shares)
    sent = to_uint(shares, 120)
    asset = _with_book(asset, spoke, replace(sender, added_shares=sub(sender.added_shares, sent)))
    receiver = _book(asset, asset.fee_receiver)
    held = add(receiver.added_shares, sent, max_value=MAX_UINT120)
    return with_drawn_rate(_with_book(asset, asset.fee_receiver, replace(receiver, added_shares=held)))


NOT_LISTED = SpokeData(add_cap=0, draw_cap=0, risk_premium_threshold_bps=0, active=False)
"""What the hub finds for a spoke it does not know: nothing, and not active."""


def _book(asset: Asset, spoke: Spoke) -> SpokeData:
    return asset.spokes.get(spoke, NOT_LISTED)


def _with_book(asset: Asset, spoke: Spoke, book: SpokeData) -> Asset:
    return replace(asset, spokes={**asset.spokes, spoke: book})


def _without_drawn(asset: Asset, spoke: Spoke, drawn_amount: int) -> Moved:
    """Takes off the drawn shares that `drawn_amount` pays for, rounded down."""
    book = _book(asset, spoke)
    shares = to_uint(ray_div_down(drawn_amount, asset.drawn_index_ray), 120)
    asset = replace(asset, drawn_shares=sub(asset.drawn_shares, shares))
    return Moved(_with_book(asset, spoke, replace(book, drawn_shares=sub(book.drawn_shares, shares))), shares)


def _with_premium_delta(asset: Asset, spoke: Spoke, delta: PremiumDelta) -> Asset:
    """`_applyPremiumDelta`: on the asset and on the spoke; reverts beyond the spoke's threshold."""
    book, index_ray = _book(asset, spoke), asset.drawn_index_ray
    shares, offset_ray = _applied(index_ray, asset.premium_shares, asset.premium_offset_ray, delta)
    asset = replace(asset, premium_shares=shares, premium_offset_ray=offset_ray)
    shares, offset_ray = _applied(index_ray, book.premium_shares, book.premium_offset_ray, delta)
    book = replace(book, premium_shares=shares, premium_offset_ray=offset_ray)
    threshold_bps = book.risk_premium_threshold_bps
    if threshold_bps != NO_RISK_PREMIUM_THRESHOLD_BPS:
        most = percent_mul_up(book.drawn_shares, threshold_bps)
        if book.premium_shares > most:
            raise EvmRevert("InvalidPremiumChange", premium_shares=book.premium_shares, most=most)
    return _with_book(asset, spoke, book)


def _applied(index_ray: int, shares: int, offset_ray: int, delta: PremiumDelta) -> tuple[int, int]:
    """`_validateApplyPremiumDelta`: shares and offset after the delta; it must move the debt as it says."""
    before_ray = premium_ray(premium_shares=shares, premium_offset_ray=offset_ray, drawn_index_ray=index_ray)
    new_shares = add_signed(shares, delta.shares_delta)
    new_offset_ray = offset_ray + delta.offset_delta_ray
    after_ray = premium_ray(
        premium_shares=new_shares, premium_offset_ray=new_offset_ray, drawn_index_ray=index_ray
    )
    if add(after_ray, delta.restored_premium_ray) != before_ray:
        raise EvmRevert("InvalidPremiumChange", before_ray=before_ray, after_ray=after_ray)
    return to_uint(new_shares, 120), to_int(new_offset_ray, 200)
