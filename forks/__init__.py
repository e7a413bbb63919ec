"""The chain: a local node, real contracts on it, readers, recordings and parity.

This package compares and never decides what a number should be. It writes only to a local development node
that has shown what it is (`forks.guard`); any other endpoint is only read (`forks.rpc`).
"""
