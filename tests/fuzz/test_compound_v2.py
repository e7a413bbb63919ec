"""Compound v2: drawn cases on the real contracts in this process, every integer and refusal compared."""

from __future__ import annotations

import pytest

from tests.fuzz.worlds import parts

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")


@pytest.mark.parametrize("part", parts("compound_v2"))
def test_the_model_says_what_the_contracts_say(part, compare):
    compare(part)
