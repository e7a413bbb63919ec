"""The book a crash happens to: load it, rebuild it on a market, open what comes out.

    plan = rebuild(load_book("default"), reserve_infos(market, prices_base), market.rules)
    plan.openings, plan.notes

`book_file` reads, `opening` says what comes out, `rebuild` gets from one to the other.
"""

from stress.book_fields import BookError
from stress.book_file import Book, Borrower, Designed, Recorded, load_book, shipped_books
from stress.opening import EModeTerms, Opening, RebuiltBook, ReserveInfo, Target, reserve_infos
from stress.rebuild import rebuild

__all__ = [
    "Book",
    "BookError",
    "Borrower",
    "Designed",
    "EModeTerms",
    "Opening",
    "RebuiltBook",
    "Recorded",
    "ReserveInfo",
    "Target",
    "load_book",
    "rebuild",
    "reserve_infos",
    "shipped_books",
]
