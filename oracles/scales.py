"""The scale of shares and relative changes in this package."""

PPB = 10**9
"""Parts per billion of 1 (5_000_000 = 0.5 %): the scale of libocr's `AlphaReportPPB`."""
