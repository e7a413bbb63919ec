"""Compound v2 on a chain of our own: deploying markets from the published artifacts, and what failed there."""
