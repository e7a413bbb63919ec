"""The table of the isolated pools' releases: what differs, and that a row is found by its name."""

from __future__ import annotations

from dataclasses import fields

import pytest

from protocol.errors import UnknownRevision
from protocol.venus_isolated import REVISIONS, rules_of

COLUMNS = {field.name for field in fields(REVISIONS[0])}


def test_the_two_releases_differ_in_every_column():
    first, last = REVISIONS

    assert (first.revision, last.revision) == ("1.0.0", "4.4.0")
    assert {name for name in COLUMNS if getattr(first, name) == getattr(last, name)} == set()


def test_a_row_is_found_by_its_name():
    for rules in REVISIONS:
        assert rules_of(rules.revision) is rules


def test_a_release_that_is_not_modelled_is_named_with_those_that_are():
    with pytest.raises(UnknownRevision, match=r"Venus isolated pools revision '5\.0\.0'") as caught:
        rules_of("5.0.0")

    assert (caught.value.revision, caught.value.protocol) == ("5.0.0", "Venus isolated pools")
    assert caught.value.known == ("1.0.0", "4.4.0")
