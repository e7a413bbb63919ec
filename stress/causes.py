"""Why a borrower ends with residual debt: rerun the account in a world without one cause, and look.

`oracle_lag`  the feed shows the market at every block
`toxic`       no call is sent while the health factor is below bonus times threshold (there a call only takes more
              collateral than debt, relatively, and ends in a remainder)
`gas`         gas costs nothing
`dust`        the protocol's leftover rule does not exist
`capital`     liquidators have all the money they can use

The account is rerun alone, on the same market, with the money that the other accounts bound still bound (with all
the others, should it alone not end with debt). The cause
is the first, in the order above, whose absence alone removes the debt; `several` if only some together do;
`market` if even all together do not: the market itself passed the point of exhaustion between two blocks.
"""

from __future__ import annotations

from typing import Literal, get_args

Cause = Literal["oracle_lag", "toxic", "gas", "dust", "capital"]
Verdict = Literal["oracle_lag", "toxic", "gas", "dust", "capital", "several", "market"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
