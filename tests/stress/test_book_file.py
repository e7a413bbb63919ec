"""Book files: what is wrong is refused in one line that names the file, the entry and the field."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stress.book import BookError, Designed, load_book, shipped_books

HEAD = 'title = "t"\n[kinds.k]\nabout = "a"\nborrowers = [ {} ]\n'
GOOD = 'name = "ann", collateral_usd = { WETH = 1_000 }, debt_percent = { DAI = 100 }, health_factor = 1.10'
RECORDED = (
    'title = "t"\n[recorded]\nfile = "r.csv"\ncollateral = ["WBTC"]\nthreshold_bps = 7800\ndebt = "USDC"\n'
)
COLUMNS = "name,collateral_base,debt_base,health_factor_wad\n"


def designed(entry: str) -> str:
    return HEAD.replace("{}", "{ " + entry + " }")


def test_the_shipped_books_load_and_say_what_they_were_read_from():
    assert shipped_books() == ("default", "weth-dai", "weth-usdc")
    assert [path.name for path in load_book("default").files] == ["default.toml", "wbtc_usdc_2025_01.csv"]
    assert len(load_book("default").borrowers) == 44 + 34
    assert len(load_book("weth-dai").borrowers) == 28


def test_a_book_of_ones_own_loads_by_path_with_exact_figures(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(designed(GOOD))
    book = load_book(path)
    figures = book.borrowers[0].figures

    assert (book.name, book.title, book.borrowers[0].name, book.borrowers[0].kind) == (
        "mine",
        "t",
        "ann",
        "k",
    )
    assert isinstance(figures, Designed)
    assert (figures.health_factor, figures.emode) == (Decimal("1.10"), 0)


@pytest.mark.parametrize(
    ("text", "entry", "field"),
    [
        ("title =", "", ""),
        ("", "", "title"),
        ('title = ""', "", "title"),
        ('title = "t"', "", ""),
        ('title = "t"\nkind = 5', "", "kind"),
        ('title = "t"\nkinds = 5', "", "kinds"),
        ('title = "t"\n[kinds.k]\nborrowers = []', "[kinds.k]", "about"),
        ('title = "t"\n[kinds.k]\nabout = "a"\nborrowers = [5]', "[kinds.k]", "borrowers"),
        (designed(GOOD.replace("name", "nam")), "[kinds.k] borrower 0", "name"),
        (designed(GOOD + ", emod = 1"), "ann", "emod"),
        (designed(GOOD + ", emode = -1"), "ann", "emode"),
        (designed(GOOD.replace("1.10", "1.0")), "ann", "health_factor"),
        (designed(GOOD.replace("1.10", "nan")), "ann", "health_factor"),
        (designed(GOOD.replace("1.10", '"high"')), "ann", "health_factor"),
        (designed(GOOD.replace("1_000", "0")), "ann", "collateral_usd"),
        (designed(GOOD.replace("1_000", "-5")), "ann", "collateral_usd"),
        (designed(GOOD.replace("{ WETH = 1_000 }", "{}")), "ann", "collateral_usd"),
        (designed(GOOD.replace("100", "99")), "ann", "debt_percent"),
        (designed(GOOD.replace("DAI = 100", "DAI = 99.5, USDC = 0.5")), "ann", "debt_percent"),
        (designed(GOOD + " }, { " + GOOD), "ann", "name"),
    ],
)
def test_a_malformed_book_is_refused_by_entry_and_field(tmp_path, text, entry, field):
    path = tmp_path / "bad.toml"
    path.write_text(text)

    with pytest.raises(BookError) as refusal:
        load_book(path)
    assert (refusal.value.file, refusal.value.entry, refusal.value.field) == ("bad.toml", entry, field)
    assert refusal.value.exit_code == 2
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("ann,1000,500,nan", "health_factor_wad"),
        ("ann,1000,500,1.5", "health_factor_wad"),
        ("ann,1000,500", "health_factor_wad"),
        ("ann,-1000,500,1560000000000000000", "collateral_base"),
        ("ann,0,500,0", "collateral_base"),
        ("ann,1000,0,1560000000000000000", "health_factor_wad"),
        ("ann,1000,500,9560000000000000000", "health_factor_wad"),
        (",1000,500,1560000000000000000", "name"),
        ("ann,1000,500,1560000000000000000,5", "None"),
    ],
)
def test_a_malformed_record_is_refused_by_line_and_field(tmp_path, row, field):
    (tmp_path / "bad.toml").write_text(RECORDED)
    (tmp_path / "r.csv").write_text(COLUMNS + "bob,1000,500,1560000000000000000\n" + row + "\n")

    with pytest.raises(BookError) as refusal:
        load_book(tmp_path / "bad.toml")
    assert (refusal.value.file, refusal.value.entry, refusal.value.field) == ("r.csv", "line 3", field)


@pytest.mark.parametrize(("name", "field"), [("none.toml", ""), ("bad.toml", "file")])
def test_a_file_that_is_not_there_is_refused_by_name(tmp_path, name, field):
    (tmp_path / "bad.toml").write_text(RECORDED)

    with pytest.raises(BookError) as refusal:
        load_book(tmp_path / name)
    assert (refusal.value.file.endswith(name), refusal.value.field) == (True, field)
