"""The chain: a local node, real contracts on it, readers, recordings and parity.

This package compares and never decides what a number should be. It writes only to a local development node that has
proved what it is (`forks.guard`); every other endpoint is read, from a fixed list of methods (`forks.rpc`).
"""
