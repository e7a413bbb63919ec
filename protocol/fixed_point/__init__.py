"""Fixed-point arithmetic of the contracts, exact: rounding is in the name, overflow is a revert.

* `uint256`     checked Solidity arithmetic and casts
* `wad_ray`     18 and 27 decimals
* `percentage`  basis points
* `compounding` growth over time
* `exponential` e to a power
* `full_width`  products of 512 bits
* `rescale`     from one scale to another
* `shares`      parts of a pool
* `signed`      signed integers
* `careful_math` checked arithmetic that says which operation failed
* `mantissa`    18 decimals as Compound rounds them

`down` rounds towards zero, `up` away from zero, `half_up` to the nearest with halves up.
"""
