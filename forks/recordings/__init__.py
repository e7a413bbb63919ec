"""Recorded liquidations, replayed by the model: every recorded value must be equal.

A vector file holds calls that executed contracts (or a chain) answered, with the state before them; its
format is `docs/vector-format.md`. Read in this order: `vector_file` (what every file has), `records` (the
fields of a pool), one module per protocol (`aave_v3`, ...: from a record to a call of the model, and from
its outcome to the layout of `expect`), `compare` (value by value), `replay` (a whole file).
"""
