"""The rules of lending protocols as plain integers, computed as the EVM computes them."""
