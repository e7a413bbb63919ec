"""Books on markets: every figure of a record comes back within one smallest unit, what cannot is named."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from protocol.aave_v3 import rules_of
from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.fixed_point.wad_ray import wad_div_half_up
from protocol.units import MAX_UINT256, WAD
from stress.book import AaveTerms, Designed, EModeTerms, Recorded, ReserveInfo, load_book, rebuild

ETHER_TERMS = {1: EModeTerms(ltv_bps=90_00, liquidation_threshold_bps=93_00)}
MAINNET = {
    # Aave v3 Ethereum about 19 March 2025: decimals, ltv, liquidation threshold, price
    "WETH": ReserveInfo(
        decimals=18,
        ltv_bps=80_50,
        liquidation_threshold_bps=83_00,
        price_base=194073642444,
        emodes=ETHER_TERMS,
    ),
    "wstETH": ReserveInfo(
        decimals=18,
        ltv_bps=78_50,
        liquidation_threshold_bps=81_00,
        price_base=232332938833,
        emodes=ETHER_TERMS,
    ),
    "WBTC": ReserveInfo(decimals=8, ltv_bps=73_00, liquidation_threshold_bps=78_00, price_base=8344982795088),
    "USDC": ReserveInfo(decimals=6, ltv_bps=75_00, liquidation_threshold_bps=78_00, price_base=99992711),
    "DAI": ReserveInfo(decimals=18, ltv_bps=63_00, liquidation_threshold_bps=77_00, price_base=100007522),
    "LINK": ReserveInfo(decimals=18, ltv_bps=66_00, liquidation_threshold_bps=71_00, price_base=1406220000),
    "AAVE": ReserveInfo(
        decimals=18,
        ltv_bps=69_00,
        liquidation_threshold_bps=76_00,
        price_base=17166676880,
        can_be_borrowed=False,
    ),
    "USDT": ReserveInfo(decimals=6, ltv_bps=75_00, liquidation_threshold_bps=78_00, price_base=100000000),
}
ETHER_AND_DAI = {
    "WETH": ReserveInfo(decimals=18, ltv_bps=80_50, liquidation_threshold_bps=83_00, price_base=326535530894),
    "DAI": ReserveInfo(decimals=18, ltv_bps=77_00, liquidation_threshold_bps=80_00, price_base=100000000),
}
NEW, OLD = rules_of("3.6"), rules_of("3.0.2")
BOOK = load_book("default")
RECORDED = [borrower for borrower in BOOK.borrowers if borrower.kind == "recorded"]
SOURCE = Path(__file__).parents[3] / "shared/mainnet/aave_v3_wbtc_usdc_borrowers/account_data.json"


def opened(rules, reserves=MAINNET, book=BOOK):
    return {opening.borrower.name: opening for opening in rebuild(book, reserves, AaveTerms(rules)).openings}


BY_RULES = {rules.revision: opened(rules) for rules in (NEW, OLD)}


def record_of(borrower) -> Recorded:
    assert isinstance(borrower.figures, Recorded)
    return borrower.figures


@pytest.mark.parametrize("revision", BY_RULES)
@pytest.mark.parametrize("borrower", RECORDED, ids=lambda borrower: borrower.name)
def test_a_recorded_borrower_comes_back_within_one_smallest_unit(borrower, revision):
    opening = BY_RULES[revision][borrower.name]
    record = record_of(borrower)
    collateral_units, debt_units = opening.off_units

    # the side of the record on which a token's own rounding still leaves one unit of room
    assert 0 <= collateral_units < 1
    assert -1 < debt_units <= 0
    assert opening.off_base[0] == opening.collateral_base - record.collateral_base
    assert opening.off_base[1] == opening.debt_base - record.debt_base
    assert opening.is_within_band, (opening.health_factor_wad, opening.health_factor_band_wad)


@pytest.mark.parametrize("borrower", RECORDED, ids=lambda borrower: borrower.name)
def test_a_recorded_health_factor_is_that_of_a_whole_bps_average_threshold(borrower):
    record = record_of(borrower)
    if not record.debt_base:
        assert record.health_factor_wad == MAX_UINT256
        return
    weighted = percent_mul_half_up(record.collateral_base, record.average_threshold_bps)

    assert wad_div_half_up(weighted, record.debt_base) == record.health_factor_wad


def test_nineteen_are_wbtc_alone_and_twenty_three_a_mix_and_two_are_controls():
    openings = [BY_RULES["3.6"][borrower.name] for borrower in RECORDED]
    mixes = [record_of(o.borrower).average_threshold_bps for o in openings if len(o.supplies) == 2]

    assert sum(list(o.supplies) == ["WBTC"] and bool(o.borrows) for o in openings) == 19
    assert (len(mixes), min(mixes), max(mixes)) == (23, 73_59, 82_88)
    assert sum(bool(o.supplies) and not o.borrows for o in openings) == 1
    assert sum(not o.supplies and not o.borrows for o in openings) == 1


def test_the_whole_record_is_in_the_book():
    records = [record_of(borrower) for borrower in RECORDED]

    assert len(records) == 44
    assert sum(record.collateral_base for record in records) == 4_626_002_127_558_957
    assert sum(record.debt_base for record in records) == 1_886_073_116_757_349


@pytest.mark.skipif(
    not SOURCE.exists(), reason="needs ../shared/mainnet/aave_v3_wbtc_usdc_borrowers, not there"
)
def test_the_book_carries_the_figures_of_its_source():
    source = {
        name: tuple(
            int(entry["beforeSimulation"][key])
            for key in ("totalCollateralBase", "totalDebtBase", "healthFactor")
        )
        for name, entry in json.loads(SOURCE.read_text()).items()
    }
    carried = {
        borrower.name: (
            record_of(borrower).collateral_base,
            record_of(borrower).debt_base,
            record_of(borrower).health_factor_wad,
        )
        for borrower in RECORDED
    }

    assert carried == source


@pytest.mark.parametrize("revision", BY_RULES)
def test_a_designed_borrower_gets_its_collateral_and_its_health_factor(revision):
    for opening in BY_RULES[revision].values():
        design = opening.borrower.figures
        if isinstance(design, Designed):
            assert opening.target.health_factor_wad == design.health_factor * WAD
            assert opening.target.collateral_base == sum(design.collateral_usd.values()) * 10**8
            assert opening.is_within_band, opening.borrower.name
            assert 0 <= opening.off_units[0] < len(opening.supplies), opening.borrower.name
            assert -len(opening.borrows) <= opening.off_units[1] <= 0, opening.borrower.name


def test_the_default_book_has_every_kind_it_is_for():
    openings = BY_RULES["3.6"].values()

    assert sum(len(o.supplies) > 1 and o.borrower.kind != "recorded" for o in openings) >= 5
    assert sum(len(o.borrows) > 1 for o in openings) >= 6
    assert sum(o.emode == 1 for o in openings) >= 4
    assert sum(300e8 <= o.debt_base <= 2510e8 and o.borrower.kind == "small" for o in openings) >= 4
    assert sum(o.debt_base >= 5_000_000e8 for o in openings) >= 3
    assert {MAINNET[symbol].decimals for o in openings for symbol in o.supplies} == {6, 8, 18}


def test_what_loan_to_value_would_not_lend_is_marked():
    openings = BY_RULES["3.6"]

    # in eMode 93 % over 90 % lends down to a health factor of 1.0333
    assert [openings[f"loop-{h}"].exceeds_ltv for h in ("1.005", "1.015", "1.025", "1.035", "1.05")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert not openings["0xfA6fF4aE7AE74B28B4f2a464c45760C7bc4Ded4b"].exceeds_ltv


@pytest.mark.parametrize("rules", [NEW, OLD], ids=lambda rules: rules.revision)
def test_the_book_of_ether_and_dai_fits_its_market_whole(rules):
    plan = rebuild(load_book("weth-dai"), ETHER_AND_DAI, AaveTerms(rules))

    assert plan.notes == ()
    assert len(plan.openings) == 28
    assert all(opening.is_within_band for opening in plan.openings)
    assert min(o.health_factor_wad for o in plan.openings) // 10**16 == 102
    assert max(o.health_factor_wad for o in plan.openings) // 10**16 == 300


def test_assets_a_market_lacks_are_named_and_the_rest_is_opened():
    plan = rebuild(BOOK, ETHER_AND_DAI, AaveTerms(OLD))
    openings = {opening.borrower.name: opening for opening in plan.openings}

    assert plan.asset_notes == tuple(
        f"{symbol} is not in this market" for symbol in ("WBTC", "LINK", "wstETH", "AAVE", "USDC", "USDT")
    )
    assert openings["two-dollars"].borrows.keys() == {"DAI"}
    assert openings["two-dollars"].notes == ("USDC is not in this market",)
    assert openings["two-dollars"].is_within_band
    assert len(plan.openings) + len(plan.left_out) == len(BOOK.borrowers)
    assert "short-link left out: LINK is not in this market" in plan.left_out
    assert set(plan.notes) >= {*plan.asset_notes, *plan.left_out, "two-dollars: USDC is not in this market"}


def test_an_asset_that_is_listed_but_not_lent_or_not_taken_is_named_as_such():
    reserves = MAINNET | {
        "USDC": replace(MAINNET["USDC"], can_be_borrowed=False),
        "LINK": replace(MAINNET["LINK"], can_be_collateral=False),
    }
    plan = rebuild(BOOK, reserves, AaveTerms(NEW))

    assert "USDC cannot be borrowed here" in plan.asset_notes
    assert "LINK cannot be collateral here" in plan.asset_notes
    assert f"{RECORDED[0].name} left out: USDC cannot be borrowed here" in plan.left_out


def test_another_threshold_than_the_record_is_named_and_met_by_a_mix():
    reserves = MAINNET | {"WBTC": replace(MAINNET["WBTC"], liquidation_threshold_bps=75_00)}
    plan = rebuild(BOOK, reserves, AaveTerms(OLD))
    first = plan.openings[0]

    assert plan.asset_notes == (
        "WBTC has a liquidation threshold of 7500 bps here, 7800 where it was recorded",
    )
    assert first.supplies.keys() == {"USDC"}
    assert first.notes == ("rebuilt without WBTC, from USDC",)
    assert all(opening.is_within_band for opening in plan.openings)


def test_without_a_threshold_on_either_side_a_borrower_is_left_out_with_the_numbers():
    reserves = {symbol: MAINNET[symbol] for symbol in ("WBTC", "USDC", "LINK")}
    left_out = rebuild(BOOK, reserves, AaveTerms(NEW)).left_out

    assert (
        "0xa7cb16Afb4Ce72173e7C84E8Fd52b2ED0089C13a left out: its average threshold of 7979 bps "
        "is not between those of WBTC 7800, LINK 7100, USDC 7800"
    ) in left_out


def test_an_emode_the_market_has_not_is_named():
    reserves = {symbol: replace(info, emodes={}) for symbol, info in MAINNET.items()}

    assert (
        "loop-1.05 left out: eMode 1 does not take wstETH here"
        in rebuild(BOOK, reserves, AaveTerms(NEW)).left_out
    )


def test_a_unit_too_coarse_for_the_record_would_be_seen():
    opening = BY_RULES["3.6"][RECORDED[0].name]
    worse = replace(opening, collateral_base=opening.collateral_base + 83_450, target=opening.target)
    healthier = replace(
        opening, target=replace(opening.target, health_factor_wad=opening.health_factor_band_wad[1] + 1)
    )

    assert worse.off_units[0] >= 1
    assert not healthier.is_within_band
    assert MAINNET["WBTC"].unit_base == Fraction(83_450)
