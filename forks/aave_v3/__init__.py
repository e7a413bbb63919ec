"""Aave v3 on a local node: deploying a market, opening accounts, reading all of it back, comparing."""
