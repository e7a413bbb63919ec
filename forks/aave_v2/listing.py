"""What never changes about an Aave v2 market: which contracts it consists of."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from forks.aave_v3.getters import Question, address_of, ask
from forks.chain import Chain
from forks.rpc import Rpc
from protocol.aave_v2.state import ReserveId

_ATOKEN_WORD, _STABLE_WORD, _VARIABLE_WORD = 7, 8, 9
"""Places of the tokens' addresses in the words of `getReserveData`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One reserve: addresses, checksummed."""

    reserve_id: ReserveId
    asset: str
    symbol: str
    atoken: str
    stable_debt_token: str
    variable_debt_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The contracts of a market and its reserves in id order."""

    pool: str
    oracle: str
    lending_rate_oracle: str
    treasury: str
    reserves: tuple[Listed, ...]


def read_listing(source: Chain | Rpc, pool: str) -> Listing:
    """Ask the LendingPool at `pool` what it consists of. Raises NotAMarket."""
    names = ("getAddressesProvider()", "getReservesList()")
    provider, listed = ask(source, [Question(pool, name) for name in names])
    assets: list[str] = list(listed.decoded("address[]"))
    of_market = [Question(provider.address, name) for name in ("getPriceOracle()", "getLendingRateOracle()")]
    of_reserves = [Question(pool, "getReserveData(address)", (asset,)) for asset in assets]
    oracle, rates, *data = ask(source, [*of_market, *of_reserves])
    symbols = ask(source, [Question(asset, "symbol()") for asset in assets])
    reserves = tuple(
        Listed(
            reserve_id=reserve_id,
            asset=to_checksum_address(asset),
            symbol=symbol.decoded("string"),
            atoken=address_of(about.words[_ATOKEN_WORD]),
            stable_debt_token=address_of(about.words[_STABLE_WORD]),
            variable_debt_token=address_of(about.words[_VARIABLE_WORD]),
        )
        for reserve_id, (asset, about, symbol) in enumerate(zip(assets, data, symbols, strict=True))
    )
    treasury = ask(source, [Question(reserves[0].atoken, "RESERVE_TREASURY_ADDRESS()")])[0]
    return Listing(
        pool=to_checksum_address(pool),
        oracle=oracle.address,
        lending_rate_oracle=rates.address,
        treasury=treasury.address,
        reserves=reserves,
    )
