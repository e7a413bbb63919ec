"""The book a crash happens to: load it, rebuild it on a market, open what comes out.

    plan = rebuild(load_book("default"), reserve_infos(market, prices_base), AaveTerms(market.rules))
    plan.openings, plan.notes

`book_file` reads, `opening` says what comes out, `rebuild` gets from one to the other by the `Terms` of a protocol:
`aave_opening` for Aave, `plain_opening` for those without categories.
"""

from stress.aave_opening import AaveTerms, reserve_infos
from stress.book_fields import BookError
from stress.book_file import Book, Borrower, Designed, Recorded, load_book, shipped_books
from stress.opening import EModeTerms, Opening, RebuiltBook, ReserveInfo, Target, Terms, Worth
from stress.plain_opening import PlainTerms
from stress.rebuild import rebuild

__all__ = [
    "AaveTerms",
    "Book",
    "BookError",
    "Borrower",
    "Designed",
    "EModeTerms",
    "Opening",
    "PlainTerms",
    "RebuiltBook",
    "Recorded",
    "ReserveInfo",
    "Target",
    "Terms",
    "Worth",
    "load_book",
    "rebuild",
    "reserve_infos",
    "shipped_books",
]
