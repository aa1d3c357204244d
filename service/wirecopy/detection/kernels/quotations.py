"""Quotations: which words of a folded text stand in quotation marks, of all national styles."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.lanes import LANES, ones, row_between, zeros_below
from wirecopy.detection.kernels.layout import BORROWING, QUOTED, U8_IN, U32, U64_IN


@njit(types.int64(types.int64, types.int64, types.boolean), **BORROWING)
def quote_after(quote, mark, is_apostrophe):
    """The mark that the quotation is opened by after `mark`, 0 when it is closed, -1 when the mark changes nothing.

    `quote` is what it was opened by, 0 when none is open. 0x0E stands for two of them. An apostrophe is a ‘ behind a
    letter, as in Uzbek, or a ’ before one.
    """
    if mark == 0x0A or mark == 0x08:
        return 0
    if mark == 0x01 or mark == 0x0E:
        return 0 if quote == 0x01 else 0x01
    if mark == 0x02 or mark == 0x07:
        return mark
    if mark == 0x03:
        return 0 if quote == 0x02 else 0x03
    if mark == 0x04:
        return 0 if quote else 0x04
    if mark == 0x05:
        return 0 if quote == 0x06 else 0x05
    if mark == 0x06:
        return 0 if quote == 0x05 else 0x06
    if mark == 0x0B and quote == 0 and not is_apostrophe:
        return mark
    if mark == 0x0C and quote == 0x0B and not is_apostrophe:
        return 0
    return -1


@njit(uint64(U8_IN, uint64), **BORROWING, inline="always")
def quotation_marks(folded, base):
    """The bits of the row from folded[base] on that may be quotation marks: not those of 0x0E that stand alone."""
    marks = row_between(folded, base, 0x01, 0x0E) & ~row_between(folded, base, 0x09, 0x0A)
    halves = row_between(folded, base, 0x0E, 0x0E)
    beside = (halves << uint64(1)) | (halves >> uint64(1)) | uint64(0x8000000000000001)
    return marks & ~(halves & ~beside)


@njit(types.void(U8_IN, types.int64, types.int64, types.int64, U64_IN, U32), **BORROWING)
def mark_quoted(folded, size, longest_quote, count, rows, out):
    """Set QUOTED of the words out[:count] of folded[:size] that stand in quotation marks; `rows` as `find_words`."""
    quote, since, done = 0, 0, 0
    behind = uint64(0)  # the marks that have been read
    end = uint64(size)
    for base in range(uint64(0), end, uint64(LANES)):
        row = uint64(2) * (base >> uint64(6))
        if rows[row + uint64(1)] >= uint64(count):
            break
        marks = quotation_marks(folded, base)
        if quote == 0 and marks == uint64(0):
            continue
        marks |= row_between(folded, base, 0x0A, 0x0A)
        while marks:
            at = base + zeros_below(marks)
            before = marks ^ (marks - uint64(1))
            marks &= marks - uint64(1)
            if at >= end:
                break
            if at < behind:
                continue
            mark = np.int64(folded[at])
            behind = at + uint64(1)
            if mark == 0x0E:
                if behind >= end or folded[behind] != 0x0E:
                    continue
                behind += uint64(1)
            n = min(np.int64(rows[row + uint64(1)] + ones(rows[row] & before)), count)
            if quote:
                for k in range(done, min(n, since + longest_quote + 1)):
                    out[k] |= uint32(QUOTED)
                done = n
                if n - since > longest_quote:
                    quote = 0
            is_apostrophe = behind < end and folded[behind] >= 0x61
            if mark == 0x0B:
                is_apostrophe = at > uint64(0) and folded[at - uint64(1)] >= 0x61
            after = quote_after(quote, mark, is_apostrophe)
            if after >= 0:
                quote, since, done = after, n, n
    if quote:
        for k in range(done, min(count, since + longest_quote + 1)):
            out[k] |= uint32(QUOTED)
