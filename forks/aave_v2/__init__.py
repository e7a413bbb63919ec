"""Aave v2 on a chain of our own: deploying a market from the published artifacts, and reading it back."""
