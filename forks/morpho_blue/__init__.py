"""Morpho Blue on a chain of our own: deploying the singleton and markets, from the compiled sources."""
