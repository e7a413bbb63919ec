"""The store front: absorbed collateral sold for the base asset, below the observed price of the moment.

Nothing is accrued by a sale; the reserves that decide whether there is one are read at accrued indices, and
before the buyer pays.

Mirrors `buyCollateral` and `quoteCollateral`, contracts/CometWithExtendedAssetList.sol
(compound-finance/comet@d5a30b0). Taken for granted: the buyer has the base asset and has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.compound_v3.amounts import base_amount_for, discount, discounted_price, quoted_collateral
from protocol.compound_v3.bad_debt import collateral_reserves, reserves
from protocol.compound_v3.casts import safe128
from protocol.compound_v3.health import price_at
from protocol.compound_v3.ledger import Ledger
from protocol.compound_v3.state import BASE, AssetId, Bought, Market, Revert
from protocol.compound_v3.validation import (
    require_for_sale,
    require_listed,
    require_not_paused,
    require_reserves,
)
from protocol.errors import EvmRevert


def buy_collateral(
    market: Market,
    asset_id: AssetId,
    min_amount: int,
    base_amount: int,
    *,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> Bought | Revert:
    """Pays `base_amount` [base asset units] for at least `min_amount` of a collateral [asset units].

    At `timestamp` [s] and observed prices. Raises `MissingPrice`.
    """
    ledger = Ledger(market)
    try:
        amount = _buy(ledger, asset_id, min_amount, base_amount, prices_base, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Bought(market=ledger.market, base_amount=base_amount, collateral_amount=amount)


def quote_collateral(
    market: Market, asset_id: AssetId, base_amount: int, *, prices_base: Mapping[AssetId, int]
) -> int | Revert:
    """`quoteCollateral`: what `base_amount` [base asset units] buys of a collateral, unbound. [asset units]

    Raises `MissingPrice`.
    """
    try:
        return _quote(market, asset_id, base_amount, prices_base)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def cost_of_collateral(
    market: Market, asset_id: AssetId, amount: int, *, prices_base: Mapping[AssetId, int]
) -> int:
    """The least that buys `amount` of a collateral [asset units], or as near below it as can be had.

    In base asset units; whole ones of these buy a collateral in steps. No function of the contract: its quote
    solved for what is paid. Raises `MissingPrice`, and reverts as the quote does.
    """
    return base_amount_for(amount, **_terms(market, asset_id, prices_base))


def _buy(
    ledger: Ledger,
    asset_id: AssetId,
    min_amount: int,
    base_amount: int,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> int:
    require_not_paused(ledger.market.pauses.buy)
    require_for_sale(reserves(ledger.market, timestamp), ledger.market.config.target_reserves)
    ledger.transfer_base(received=base_amount)
    amount = _quote(ledger.market, asset_id, base_amount, prices_base)
    if amount < min_amount:
        raise EvmRevert("TooMuchSlippage", amount=amount, min_amount=min_amount)
    require_reserves(amount, collateral_reserves(ledger.market.assets[asset_id]))
    ledger.transfer_collateral(asset_id, sent=safe128(amount))
    return amount


def _quote(market: Market, asset_id: AssetId, base_amount: int, prices_base: Mapping[AssetId, int]) -> int:
    return quoted_collateral(base_amount, **_terms(market, asset_id, prices_base))


def _terms(market: Market, asset_id: AssetId, prices_base: Mapping[AssetId, int]) -> dict[str, int]:
    """What a quote is reckoned with: both prices, that of the collateral discounted, and both scales."""
    asset, config = require_listed(market, asset_id), market.config
    price_base = price_at(asset_id, prices_base)
    discount_wad = discount(asset.info.liquidation_factor_wad, config.store_front_price_factor_wad)
    return {
        "discounted_price_base": discounted_price(price_base, discount_wad),
        "base_price_base": price_at(BASE, prices_base),
        "asset_scale": asset.info.scale,
        "base_scale": config.base_scale,
    }
