"""Compound v3 (Comet) on a chain: read a market anywhere, ask its views, absorb and buy; nothing is deployed here."""
