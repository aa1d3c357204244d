"""Every compiled loop of the project.

Arrays and scalars in, arrays out. Callers validate, kernels assume; each precondition stands in the docstring.
Signatures are explicit, so that nothing compiles in the middle of a request, and inputs are declared read-only,
which also takes writable arrays. Each kernel has a plain twin of the same name in tests/reference.py. They share a
file because what numba keeps of a compiled kernel is made anew only when the kernel's own file has changed.
"""

import numpy as np
from numba import njit, types, uint8, uint32, uint64

from wirecopy.detection.lanes import (
    LANES,
    ROW,
    bits_of_row,
    differing_in_row,
    fetch,
    fold_row,
    narrow_row,
    number_high,
    number_low,
    ones,
    put_places,
    row_at_most,
    row_between,
    units_between,
    within_row,
    zeros_above,
    zeros_below,
)

_U8 = types.Array(types.uint8, 1, "C", readonly=True)
_U32 = types.Array(types.uint32, 1, "C", readonly=True)
_I64 = types.Array(types.int64, 1, "C", readonly=True)
_I32 = types.Array(types.int32, 1, "C", readonly=True)
_U16 = types.Array(types.uint16, 1, "C", readonly=True)
_u8, _u32, _i32, _i64 = types.uint8[::1], types.uint32[::1], types.int32[::1], types.int64[::1]
_U64, _u64 = types.Array(types.uint64, 1, "C", readonly=True), types.uint64[::1]

# Of kernels that neither make an array nor keep one. They do not count who has those that they are given, which would
# take two additions per array and call that all processors see.
BORROWING = {"cache": True, "nogil": True, "_nrt": False}

NUMBER = 1 << 30
QUOTED = 1 << 31
HASH = (1 << 30) - 1
STEM = (1 << 24) - 1
STEM_LETTERS = 5
TOP = uint64(0x8080808080808080)  # the highest bit of each of eight bytes
SPARE = LANES  # places that are written behind the last word
FARTHEST = (1 << 31) - 1 - LANES  # bytes of a folded text in which words are found: places are numbers of 32 bits
WIDE, MARKED, SPACELESS = 1, 2, 4  # a folded text that is not all ASCII, has marks, is in a script without spaces

_P1 = uint64(0x9E3779B185EBCA87)
_P2 = uint64(0xC2B2AE3D27D4EB4F)


@njit(uint64(uint64), **BORROWING, inline="always")
def mix(value):
    """A bijection of 64-bit values with good avalanche (the finalizer of MurmurHash3, Appleby 2011)."""
    value ^= value >> uint64(33)
    value *= uint64(0xFF51AFD7ED558CCD)
    value ^= value >> uint64(33)
    value *= uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> uint64(33)
    return value


@njit(types.UniTuple(types.int64, 2)(_U8, types.int64, types.int64, _U32, _I64), **BORROWING)
def entity(source, start, end, entity_hashes, entity_codes):
    """-> (code point, position after it) of the character reference at source[start] == "&", or (-1, start + 1).

    `entity_hashes` is sorted; a name's hash is FNV-1a over its bytes.
    """
    p = start + 1
    if p < end and source[p] == 0x23:
        p += 1
        code = 0
        base = 10
        if p < end and (source[p] | 0x20) == 0x78:
            base = 16
            p += 1
        first = p
        while p < end and p - first < 8:
            b = source[p]
            if 0x30 <= b <= 0x39:
                digit = np.int64(b) - 0x30
            elif base == 16 and 0x61 <= (b | 0x20) <= 0x66:
                digit = np.int64(b | 0x20) - 0x57
            else:
                break
            code = code * base + digit
            p += 1
        if p > first and p < end and source[p] == 0x3B and code <= 0x10FFFF:
            return code, p + 1
        return -1, start + 1
    h = uint32(2166136261)
    first = p
    while p < end and p - first < 8:
        b = source[p]
        if not (0x61 <= (b | 0x20) <= 0x7A or (0x30 <= b <= 0x39)):
            break
        h = uint32((h ^ uint32(b)) * uint32(16777619))
        p += 1
    if p == first or p >= end or source[p] != 0x3B:
        return -1, start + 1
    low, high = 0, entity_hashes.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if entity_hashes[middle] < h:
            low = middle + 1
        else:
            high = middle
    if low < entity_hashes.shape[0] and entity_hashes[low] == h:
        return entity_codes[low], p + 1
    return -1, start + 1


@njit(types.int64(_u8, types.int64, types.int64), **BORROWING, inline="always")
def put(out, n, code):
    """Writes `code` as UTF-8 at out[n]; -> the position after it."""
    if code < 0x80:
        out[n] = code
        return n + 1
    if code < 0x800:
        out[n] = 0xC0 | (code >> 6)
        out[n + 1] = 0x80 | (code & 0x3F)
        return n + 2
    if code < 0x10000:
        out[n] = 0xE0 | (code >> 12)
        out[n + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[n + 2] = 0x80 | (code & 0x3F)
        return n + 3
    out[n] = 0xF0 | (code >> 18)
    out[n + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[n + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[n + 3] = 0x80 | (code & 0x3F)
    return n + 4


@njit(uint64(_U16, uint64, uint64, _u8, uint64), **BORROWING)
def encode_units(units, at, to, out, n):
    """Writes the characters units[at:to], none of them two units, as UTF-8 to out[n:]; -> the position after them.

    All bytes that a character may need are written, and then some of them over: its length is no branch.
    """
    if zeros_below(units_between(units, at, 0x0800, 0xFFFF)) >= to - at:
        for j in range(at, to):
            c = uint32(units[j])
            is_long = c >= uint32(0x80)
            out[n] = (uint32(0xC0) | (c >> uint32(6))) if is_long else c
            out[n + uint64(1)] = uint32(0x80) | (c & uint32(0x3F))
            n += uint64(1) + uint64(is_long)
        return n
    for j in range(at, to):
        c = uint32(units[j])
        is_long, is_longer = c >= uint32(0x80), c >= uint32(0x800)
        last = uint32(0x80) | (c & uint32(0x3F))
        first = (uint32(0xC0) | (c >> uint32(6))) if is_long else c
        out[n] = (uint32(0xE0) | (c >> uint32(12))) if is_longer else first
        out[n + uint64(1)] = (uint32(0x80) | ((c >> uint32(6)) & uint32(0x3F))) if is_longer else last
        out[n + uint64(2)] = last
        n += uint64(1) + uint64(is_long) + uint64(is_longer)
    return n


@njit(types.void(_U16, _I64, _u8, _i64), **BORROWING)
def encode(units, characters, out, bounds):
    """Writes texts that stand behind each other in UTF-16 as UTF-8: text k, of characters[k], to out[bounds[k]:].

    bounds[0] is given, the others are written. Surrogates come in pairs. `out` needs room for 3 bytes per unit and
    LANES more; LANES - 1 units behind the last may be read.
    """
    p, n = uint64(0), uint64(bounds[0])
    for k in range(characters.shape[0]):
        left = uint64(characters[k])
        while left > uint64(0):
            inside = (uint64(1) << left) - uint64(1) if left < uint64(LANES) else ~uint64(0)
            high = units_between(units, p, 0x0080, 0xFFFF) & inside
            narrow_row(units, p, out, n)
            plain = min(zeros_below(high), left)
            p, n, left = p + plain, n + plain, left - plain
            if high == uint64(0):
                continue
            code = np.int64(units[p])
            if ones(high) >= uint64(16):  # many characters at once, up to one of two units
                width = min(zeros_below(units_between(units, p, 0xD800, 0xDFFF)), min(left, uint64(LANES)))
                n = encode_units(units, p, p + width, out, n)
                p, left = p + width, left - width
            elif code & 0xF800 != 0xD800:
                n = uint64(put(out, np.int64(n), code))
                p, left = p + uint64(1), left - uint64(1)
            if left > uint64(0) and units[p] & 0xF800 == 0xD800:
                code = 0x10000 + ((np.int64(units[p] & 0x3FF) << 10) | np.int64(units[p + uint64(1)] & 0x3FF))
                n = uint64(put(out, np.int64(n), code))
                p, left = p + uint64(2), left - uint64(1)
        bounds[k + 1] = n


@njit(uint64(_U8, uint64, _u8, uint64, uint64, _U16), **BORROWING)
def fold_pairs(source, at, out, to, leads, pair_fold):
    """Folds characters of two bytes, which begin at the bits `leads` of source[at:at + 64], to the same places of
    out[to:to + 64]; -> the first that `pair_fold` does not know because it becomes more or less, 64 when none is.
    """
    while leads:
        k = zeros_below(leads)
        folded = pair_fold[(uint64(source[at + k] & 0x1F) << uint64(6)) | uint64(source[at + k + uint64(1)] & 0x3F)]
        if folded == 0:
            return k
        out[to + k] = folded & 0xFF
        out[to + k + uint64(1)] = folded >> 8
        leads &= leads - uint64(1)
    return uint64(LANES)


@njit(
    types.int64(
        _U8, types.int64, types.int64, _U8, _U16, _U16, _U32, _U32, _U32, _I64, _u8, _i64
    ),
    **BORROWING,
)  # fmt: skip
def fold(
    source, start, stop, ascii_fold, pair_fold, block_of, blocks, expansions, entity_hashes, entity_codes, out, origin
):  # fmt: skip
    """Folds the UTF-8 text source[start:stop] into `out`; -> bytes written, or -1 when it must be composed (NFC) first.

    `out` needs room for 4 * (stop - start) + 80 bytes, and 63 bytes behind the text may be read. Where `origin` is not
    empty, origin[k] becomes the position in `source` of the character that out[k] came from. The folded text is
    described in wirecopy/detection/text.py.
    """
    n = uint64(0)
    track = origin.shape[0] > 0
    p = uint64(start)
    end = uint64(stop)
    while p < end:
        if source[p] < 0xE0 and not track:
            odd = fold_row(source, p, out, n)
            plain = min(uint64(LANES), end - p)
            inside = (uint64(1) << plain) - uint64(1) if plain < uint64(LANES) else ~uint64(0)
            if odd & inside:
                leads = row_between(source, p, 0xC2, 0xDF) & uint64(0x7FFFFFFFFFFFFFFF)
                plain = min(plain, zeros_below(odd & ~(leads | (leads << uint64(1)))))
                leads &= (uint64(1) << plain) - uint64(1) if plain < uint64(LANES) else ~uint64(0)
                plain = min(plain, fold_pairs(source, p, out, n, leads, pair_fold))
            p += plain
            n += plain
            if p >= end or plain >= uint64(LANES - 1):  # the last byte may begin a character that ends in the next row
                continue
        b = source[p]
        at = p
        if b < 0x80 and b != 0x26:
            out[n] = ascii_fold[b]
            if track:
                origin[n] = at
            n += uint64(1)
            p += uint64(1)
            continue
        if b == 0x26:
            code, after = entity(source, p, end, entity_hashes, entity_codes)
            while code == 0x26:
                nested, beyond = entity(source, after - 1, end, entity_hashes, entity_codes)
                if nested < 0:
                    break
                code, after = nested, beyond
            p = uint64(after)
            if code < 0:
                code = 0x20
        elif b < 0xE0:
            code = (np.int64(b & 0x1F) << 6) | (source[p + uint64(1)] & 0x3F)
            p += uint64(2)
        elif b < 0xF0:
            code = (np.int64(b & 0x0F) << 12) | (np.int64(source[p + uint64(1)] & 0x3F) << 6)
            code |= source[p + uint64(2)] & 0x3F
            p += uint64(3)
        else:
            code = (np.int64(b & 7) << 18) | (np.int64(source[p + uint64(1)] & 0x3F) << 12)
            code |= (np.int64(source[p + uint64(2)] & 0x3F) << 6) | (source[p + uint64(3)] & 0x3F)
            p += uint64(4)
        value = blocks[(uint64(block_of[uint64(code) >> uint64(8)]) << uint64(8)) | uint64(code & 0xFF)]
        kind = value >> 24
        before = n
        if kind == 1 or kind == 4:
            n = uint64(put(out, n, (code + (value & 0x1FFFFF)) & 0x1FFFFF))
        elif kind == 3:
            out[n] = 0x0F
            n = uint64(put(out, n + uint64(1), (code + (value & 0x1FFFFF)) & 0x1FFFFF))
        elif kind == 0 or (kind == 6 and b == 0x26):  # a part of a character that a reference names stands alone
            out[n] = 0x20
            n += uint64(1)
        elif kind == 5:
            first = (value & 0xFFFFFF) >> 5
            for k in range(first, first + (value & 31)):
                if expansions[k] >> 31:
                    out[n] = 0x0F
                    n += uint64(1)
                n = uint64(put(out, n, expansions[k] & 0x1FFFFF))
        elif kind == 6:
            return -1
        if track:
            for k in range(before, n):
                origin[k] = at
    return np.int64(n)


@njit(uint32(uint64, uint64, types.int64), **BORROWING, inline="always")
def word_hash(total, tail, length):
    """The 30-bit hash of a word from its whole 8-byte parts (`total`) and the rest (`tail`)."""
    return uint32(mix(total ^ (tail * _P2) ^ (uint64(length) << uint64(56))) >> uint64(34))


@njit(uint32(_U8, types.int64, types.int64), **BORROWING)
def hash_letters(folded, begin, end):
    """The hash of the word of letters folded[begin:end], of more than STEM_LETTERS letters with that of its stem."""
    total = uint64(0)
    characters = uint64(0)
    stem = uint32(0)
    p = uint64(begin)
    while True:  # eight bytes at a time
        length = min(uint64(end) - p, uint64(8))
        part = number_low(folded, p)
        whole = number_high(folded, p)
        inside = (uint64(1) << (uint64(8) * length)) - uint64(1) if length < uint64(8) else ~uint64(0)
        starts = ~(part & ~(part << uint64(1))) & inside & TOP  # bytes that begin a character
        count = ones(starts)
        if characters <= uint64(STEM_LETTERS) and characters + count > uint64(STEM_LETTERS):
            for _ in range(uint64(STEM_LETTERS) - characters):
                starts &= starts - uint64(1)
            before = zeros_below(starts) >> uint64(3)
            tail = (whole >> uint64(8)) >> (uint64(56) - uint64(8) * before)
            stem = word_hash(total, tail, p - uint64(begin) + before) & uint32(STEM)
        characters += count
        p += length
        if length < uint64(8):
            break
        total = (total ^ whole) * _P1
        total ^= total >> uint64(29)
    tail = (whole >> uint64(8)) >> (uint64(56) - uint64(8) * length)
    h = word_hash(total, tail, p - uint64(begin))
    return ((h & uint32(HASH ^ STEM)) | stem) if characters > uint64(STEM_LETTERS) else h


@njit(uint32(_U8, types.int64, types.int64), **BORROWING)
def hash_number(folded, begin, end):
    """The hash of the number folded[begin:end], without marks before three digits, and with a stop for a comma."""
    total = uint64(0)
    tail = uint64(0)
    length = 0
    p = begin
    while p < end:
        b = folded[p]
        if b < 0x30:
            q = p + 1
            while q < end and 0x30 <= folded[q] <= 0x39 and q - p <= 4:
                q += 1
            b = uint8(0x2E)
            if q - p == 4:
                p += 1
                continue
        tail = (tail << uint64(8)) | uint64(b)
        length += 1
        if length & 7 == 0:
            total = (total ^ tail) * _P1
            total ^= total >> uint64(29)
            tail = uint64(0)
        p += 1
    return word_hash(total, tail, length) | uint32(NUMBER)


@njit(types.int64(types.int64, types.int64, types.boolean), **BORROWING)
def quote_after(quote, mark, is_apostrophe):
    """The mark that the quotation is opened by after `mark`, 0 when it is closed, -1 when the mark changes nothing.

    `quote` is what it was opened by, 0 when none is open. 0x0E stands for two of them.
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
    if mark == 0x0B and quote == 0:
        return mark
    if mark == 0x0C and quote == 0x0B and not is_apostrophe:
        return 0
    return -1


@njit(uint64(_U8, uint64), **BORROWING, inline="always")
def quotation_marks(folded, base):
    """The bits of the row from folded[base] on that may be quotation marks: not those of 0x0E that stand alone."""
    marks = row_between(folded, base, 0x01, 0x0E) & ~row_between(folded, base, 0x09, 0x0A)
    halves = row_between(folded, base, 0x0E, 0x0E)
    beside = (halves << uint64(1)) | (halves >> uint64(1)) | uint64(0x8000000000000001)
    return marks & ~(halves & ~beside)


@njit(types.UniTuple(types.int64, 3)(_U8, types.int64, types.int64, _i32, _i32, _u64, _u64), **BORROWING)
def find_words(folded, size, most, first, last, rows, grouped):
    """Finds words of letters and numbers in folded[:size]; -> (how many, at most `most`, how many `grouped`, traits).

    Word k is folded[first[k]:last[k]]. `grouped` gets the words that are numbers with marks before three digits, one
    for each mark. For each row of LANES bytes `rows` gets the bits where words start, and how many start before it.
    Traits: WIDE, MARKED and SPACELESS, which ends the search. There is room for SPARE words more in `first` and `last`,
    and folded[size:size + 128] may be read.
    """
    end = uint64(min(size, FARTHEST))
    found, ended, groups = uint64(0), uint64(0), uint64(0)
    wide, marks, spaceless = uint64(0), uint64(0), uint64(0)
    letter_before, number_before, digit_before = uint64(0), uint64(0), uint64(0)
    digits = row_between(folded, 0, 0x30, 0x39)
    for base in range(uint64(0), end + uint64(1), uint64(LANES)):
        row = uint64(2) * (base >> uint64(6))
        rows[row], rows[row + uint64(1)] = uint64(0), found
        if ended >= uint64(most) or spaceless:
            break
        inside = (uint64(1) << (end - base)) - uint64(1) if end - base < uint64(LANES) else ~uint64(0)
        letters = row_between(folded, base, 0x61, 0xFF)
        stops = row_between(folded, base, 0x2C, 0x2E)
        marked = row_between(folded, base, 0x00, 0x1F) & inside
        wide |= row_between(folded, base, 0x80, 0xFF) & inside
        spaceless |= row_between(folded, base, 0x0F, 0x0F) & inside
        marks |= quotation_marks(folded, base) & inside
        following = row_between(folded, base + uint64(LANES), 0x30, 0x39)
        next_one = (digits >> uint64(1)) | (following << uint64(63))
        within = ((digits << uint64(1)) | digit_before) & next_one  # between two digits
        stops &= within
        if (stops | marked) & within:
            three = next_one & ((digits >> uint64(2)) | (following << uint64(62)))
            three &= (digits >> uint64(3)) | (following << uint64(61))
            three &= ~((digits >> uint64(4)) | (following << uint64(60)))
            three &= (stops | row_between(folded, base, 0x1F, 0x1F)) & within
            stops |= three
        else:
            three = uint64(0)
        numbers = digits | stops
        letters_on, numbers_on = (letters << uint64(1)) | letter_before, (numbers << uint64(1)) | number_before
        starts = ((letters & ~letters_on) | (numbers & ~numbers_on)) & inside
        ends = ((~letters & letters_on) | (~numbers & numbers_on)) & ((inside << uint64(1)) | uint64(1))
        rows[row] = starts
        three &= inside
        while three:
            grouped[groups] = found + ones(starts & (three ^ (three - uint64(1)))) - uint64(1)
            groups += uint64(1)
            three &= three - uint64(1)
        put_places(starts, base, first, found)
        put_places(ends, base, last, ended)
        found += ones(starts)
        ended += ones(ends)
        letter_before, number_before, digit_before = letters >> uint64(63), numbers >> uint64(63), digits >> uint64(63)
        digits = following
    traits = (WIDE if wide else 0) | (MARKED if marks else 0) | (SPACELESS if spaceless else 0)
    return np.int64(min(ended, uint64(most))), np.int64(groups), np.int64(traits)


@njit(types.int64(_U8, types.int64, _i32, _i32, _u64, _u32), **BORROWING)
def hash_words(folded, count, first, last, parts, out):
    """out[k] becomes the hash of the word folded[first[k]:last[k]] of ASCII under 16 bytes; -> bytes of the longest.

    Longer ones and numbers with marks before three digits get one that is wrong. `parts` is scratch for two per word.
    No loop and no branch depends on what the words are, so that several are hashed at a time.
    """
    dots = uint64(0x0202020202020202)  # what a comma lacks to be a stop
    rests = parts[count:]
    for k in range(uint64(count)):
        at = uint64(first[k])
        parts[k] = number_high(folded, at)
        rests[k] = number_high(folded, at + uint64(8))
    longest = np.int32(0)
    for k in range(uint64(count)):
        length = uint64(last[k] - first[k])
        longest = max(longest, last[k] - first[k])
        whole, rest = parts[k], rests[k]
        is_number = whole < uint64(0x6100000000000000)
        whole |= (~whole >> uint64(3)) & dots if is_number else uint64(0)
        rest |= (~rest >> uint64(3)) & dots if is_number else uint64(0)
        is_long = length >= uint64(8)
        total = whole * _P1
        total ^= total >> uint64(29)
        tail = ((rest if is_long else whole) >> uint64(8)) >> (uint64(56) - uint64(8) * (length & uint64(7)))
        h = word_hash(total if is_long else uint64(0), tail, length)
        stem = word_hash(uint64(0), whole >> uint64(24), STEM_LETTERS)
        stemmed = ((h & uint32(HASH ^ STEM)) | (stem & uint32(STEM))) if length > uint64(STEM_LETTERS) else h
        out[k] = h | uint32(NUMBER) if is_number else stemmed
    return np.int64(longest)


@njit(types.int64(_U8, types.int64, _i32, _i32, _u64, _u32), **BORROWING)
def hash_wide_words(folded, count, first, last, parts, out):
    """What `hash_words` does, for words of any UTF-8 under 32 bytes; `parts` is scratch for five per word."""
    dots = uint64(0x0202020202020202)
    seconds, thirds, fourths, stems = parts[count:], parts[2 * count :], parts[3 * count :], parts[4 * count :]
    for k in range(uint64(count)):
        at = uint64(first[k])
        parts[k] = number_high(folded, at)
        seconds[k] = number_high(folded, at + uint64(8))
        thirds[k] = number_high(folded, at + uint64(16))
        fourths[k] = number_high(folded, at + uint64(24))
        starts = ~row_between(folded, at, 0x80, 0xBF)
        for _ in range(STEM_LETTERS):
            starts &= starts - uint64(1)
        stems[k] = zeros_below(starts)  # where the sixth character starts
    longest = np.int32(0)
    for k in range(uint64(count)):
        length, stem_length = uint64(last[k] - first[k]), stems[k]
        longest = max(longest, last[k] - first[k])
        one, two, three, four = parts[k], seconds[k], thirds[k], fourths[k]
        is_number = one < uint64(0x6100000000000000)
        one |= (~one >> uint64(3)) & dots if is_number else uint64(0)
        two |= (~two >> uint64(3)) & dots if is_number else uint64(0)
        three |= (~three >> uint64(3)) & dots if is_number else uint64(0)
        four |= (~four >> uint64(3)) & dots if is_number else uint64(0)
        total_one = one * _P1
        total_one ^= total_one >> uint64(29)
        total_two = (total_one ^ two) * _P1
        total_two ^= total_two >> uint64(29)
        total_three = (total_two ^ three) * _P1
        total_three ^= total_three >> uint64(29)
        total = total_one if length >= uint64(8) else uint64(0)
        total = total_two if length >= uint64(16) else total
        total = total_three if length >= uint64(24) else total
        tail = two if length >= uint64(8) else one
        tail = three if length >= uint64(16) else tail
        tail = four if length >= uint64(24) else tail
        h = word_hash(total, (tail >> uint64(8)) >> (uint64(56) - uint64(8) * (length & uint64(7))), length)
        total = total_one if stem_length >= uint64(8) else uint64(0)
        total = total_two if stem_length >= uint64(16) else total
        tail = two if stem_length >= uint64(8) else one
        tail = three if stem_length >= uint64(16) else tail
        tail = (tail >> uint64(8)) >> (uint64(56) - uint64(8) * (stem_length & uint64(7)))
        stem = word_hash(total, tail, stem_length)
        stemmed = ((h & uint32(HASH ^ STEM)) | (stem & uint32(STEM))) if length > stem_length else h
        out[k] = h | uint32(NUMBER) if is_number else stemmed
    return np.int64(longest)


@njit(uint32(uint32, _U32, _U32), **BORROWING, inline="always")
def scaled(word, scale_words, scale_values):
    """What a word behind a number becomes: scale_values[k] where scale_words[k] is the word, itself otherwise.

    `scale_words` is a hash table without collisions of at most 1024 entries (0: free), and behind it the odd number
    that scatters words.
    """
    size = scale_words.shape[0] - 1
    if size <= 0:
        return word
    at = uint64(uint32(word * scale_words[size]) >> uint32(22)) & uint64(size - 1)
    value = scale_values[at]  # read in any case: whether it is one is no branch that could be foreseen
    return value if scale_words[at] == word else word


@njit(types.void(_U8, types.int64, types.int64, types.int64, _U64, _u32), **BORROWING)
def mark_quoted(folded, size, longest_quote, count, rows, out):
    """Sets QUOTED of the words out[:count] of folded[:size] that stand in quotation marks; `rows` as `find_words`."""
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
            after = quote_after(quote, mark, behind < end and folded[behind] >= 0x61)
            if after >= 0:
                quote, since, done = after, n, n
    if quote:
        for k in range(done, min(count, since + longest_quote + 1)):
            out[k] |= uint32(QUOTED)


@njit(types.int64(_U8, types.int64, _U32, _U32, types.int64, types.int64, _u32, _i32, _i32), **BORROWING)
def words_in_turn(folded, size, scale_words, scale_values, longest_quote, most, out, first, last):
    """What `words` does, of texts in any script, one word after the other."""
    n = 0
    quote = 0
    quote_since = 0
    after_number = False
    p = uint64(0)
    end = uint64(size)
    while p < end and n < most:
        b = folded[p]
        flag = uint32(QUOTED) if quote else uint32(0)
        begin = p
        if b >= 0x61:
            while folded[p] >= 0x61:
                p += uint64(1)
            h = hash_letters(folded, begin, p)
            out[n] = (scaled(h, scale_words, scale_values) if after_number else h) | flag
            first[n], last[n] = begin, p
            n += 1
            after_number = False
        elif 0x30 <= b <= 0x39:
            while 0x30 <= b <= 0x39:
                p += uint64(1)
                b = folded[p]
                if (b == 0x2C or b == 0x2E or b == 0x1F) and p + uint64(1) < end:
                    q = p + uint64(1)
                    while q < end and 0x30 <= folded[q] <= 0x39 and q - p <= uint64(4):
                        q += uint64(1)
                    if q - p == uint64(4) or (q - p > uint64(1) and b != 0x1F):
                        p += uint64(1)
                        b = folded[p]
            out[n] = hash_number(folded, begin, p) | flag
            first[n], last[n] = begin, p
            n += 1
            after_number = True
        elif b == 0x0F:
            previous = uint64(0)
            run = 0
            while b == 0x0F and n < most:
                at = p
                p += uint64(1)
                code = uint64(folded[p])
                p += uint64(1)
                while p < end and 0x80 <= folded[p] < 0xC0:
                    code = (code << uint64(8)) | uint64(folded[p])
                    p += uint64(1)
                if run > 0:
                    out[n] = (uint32(mix(previous * _P1 ^ code) >> uint64(34))) | flag
                    first[n], last[n] = begin, p
                    n += 1
                begin = at
                previous = code
                run += 1
                b = folded[p]
            if run == 1 and n < most:
                out[n] = uint32(mix(previous * _P2) >> uint64(34)) | flag
                first[n], last[n] = begin, p
                n += 1
            after_number = False
        else:
            p += uint64(1)
            is_mark = b < 0x20
            if b == 0x0E:
                is_mark = p < end and folded[p] == 0x0E
                p += uint64(is_mark)
            if is_mark:
                after = quote_after(quote, np.int64(b), p < end and folded[p] >= 0x61)
                if after >= 0:
                    quote, quote_since = after, n
        if quote and n - quote_since > longest_quote:
            quote = 0
    return n


@njit(types.int64(types.int64, types.int64), **BORROWING)
def scratch_for(size, most):
    """How many numbers of scratch `words` needs for `size` bytes of folded text and at most `most` words."""
    return 2 * ((size >> 6) + 1) + (size >> 2) + 5 * min(size, most)


@njit(types.int64(_U8, types.int64, _U32, _U32, types.int64, types.int64, _u32, _i32, _i32, _u64), **BORROWING)
def words(folded, size, scale_words, scale_values, longest_quote, most, out, first, last, scratch):
    """Cuts the folded text folded[:size] into words; -> how many were written to `out` (at most `most`).

    out[k] is 30 bits of hash, bit 30 for a number, bit 31 inside quotation marks; its bytes are
    folded[first[k]:last[k]]. What follows a number is `scaled`, so that "1.2 mln" and "1.2 million" agree.
    folded[size] must be a separator, and 127 bytes behind it readable; `out`, `first` and `last` have room for SPARE
    words more than that, or than there are bytes; for `scratch` see `scratch_for`.
    """
    behind_rows = 2 * ((size >> 6) + 1)
    behind_grouped = behind_rows + (size >> 2)
    rows, grouped, parts = scratch[:behind_rows], scratch[behind_rows:behind_grouped], scratch[behind_grouped:]
    count, groups, traits = find_words(folded, size, most, first, last, rows, grouped)
    if traits & SPACELESS:
        return words_in_turn(folded, size, scale_words, scale_values, longest_quote, most, out, first, last)
    if traits & WIDE:
        room, longest = 32, hash_wide_words(folded, count, first, last, parts, out)
    else:
        room, longest = 16, hash_words(folded, count, first, last, parts, out)
    if longest >= room:
        for k in range(count):
            if last[k] - first[k] >= room and folded[first[k]] < 0x61:
                out[k] = hash_number(folded, first[k], last[k])
            elif last[k] - first[k] >= room:
                out[k] = hash_letters(folded, first[k], last[k])
    for j in range(groups):
        k = np.int64(grouped[j])
        if k < count:
            out[k] = hash_number(folded, first[k], last[k])
    for base in range(uint64(0), uint64(count), uint64(LANES)):
        numbers = ~row_at_most(out, base, NUMBER - 1)
        while numbers:
            k = np.int64(base + zeros_below(numbers)) + 1
            numbers &= numbers - uint64(1)
            if k >= count:
                break
            out[k] = scaled(out[k], scale_words, scale_values)  # of numbers none is a unit
    if traits & MARKED:
        mark_quoted(folded, size, longest_quote, count, rows, out)
    return count


@njit(
    types.int64(
        _U8, _I64, types.int64,
        types.Tuple((_U8, _U16, _U16, _U32, _U32, _U32, _I64)), _U32, _U32,
        types.int64, types.int64, _u8, _u32, _i64, _u8
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def traces(
    source,
    bounds,
    begin,
    fold_tables,
    scale_words,
    scale_values,
    longest_quote,
    max_words,
    folded,
    out,
    out_bounds,
    failed,
):
    """Folds and cuts the UTF-8 texts source[bounds[k]:bounds[k + 1]] for k >= begin; -> how many it got through.

    Words go to out[out_bounds[k]:out_bounds[k + 1]]; failed[k] is set where the text must be composed (NFC) first and
    has no words yet. Stops early, before the first text whose words might not fit `out`. `folded` is scratch of
    4 * longest text + 144 bytes; 63 bytes behind the last text may be read. The last SPARE of `out` are
    scratch.
    """
    ascii_fold, pair_fold, block_of, blocks, expansions, entity_hashes, entity_codes = fold_tables
    nowhere64 = out_bounds[:0]
    n = out_bounds[begin]
    count = bounds.shape[0] - 1
    longest = np.int64(0)
    for k in range(begin, count):
        longest = max(longest, bounds[k + 1] - bounds[k])
    first = np.empty(min(max_words, longest) + SPARE, np.int32)
    last = np.empty(min(max_words, longest) + SPARE, np.int32)
    scratch = np.empty(scratch_for(folded.shape[0], max_words), np.uint64)
    for k in range(begin, count):
        room = min(max_words, bounds[k + 1] - bounds[k])
        if n + room > out.shape[0] - SPARE:
            return k
        size = fold(
            source, bounds[k], bounds[k + 1], ascii_fold, pair_fold, block_of, blocks, expansions, entity_hashes,
            entity_codes, folded, nowhere64
        )  # fmt: skip
        failed[k] = size < 0
        if size > 0:
            folded[size] = 0x20
            n += words(
                folded, size, scale_words, scale_values, longest_quote, room, out[n:], first, last, scratch
            )  # fmt: skip
        out_bounds[k + 1] = n
    return count


# --- term weights -----------------------------------------------------------------------------------------------------

TERM_SLOTS = 1 << 22
COMMON = 32  # rarity, in sixteenths of a nat, at and below which a word carries no weight
WEIGHT = 127  # the bits of a weight; the eighth says that the word stood in the article before
REPEAT = 128
AHEAD = uint64(32)  # words of which what is known of them is on its way from memory
OTHERS = uint64(0xFFFFFFFF)  # two entries of one article that are not the same differ in the low half only: 1 to this


@njit(types.void(_U32, _I64, _u32, _u64, _i64), **BORROWING)
def count_terms(words, bounds, counts, seen, stamp):
    """Adds 1 to counts[stem] for each distinct stem of each trace words[bounds[k]:bounds[k + 1]].

    `seen` is a hash table of 2 ** b > 2 * longest trace entries, stamp << 32 | stem; stamp[0] changes with every
    article, so that the table never has to be cleared.
    """
    mask = uint64(seen.shape[0] - 1)
    last = uint64(max(words.shape[0], 1) - 1)
    for k in range(bounds.shape[0] - 1):
        stamp[0] += 1
        now = uint64(stamp[0]) << uint64(32)
        for i in range(uint64(bounds[k]), uint64(bounds[k + 1])):
            fetch(counts, words[min(i + AHEAD, last)] & uint32(TERM_SLOTS - 1))
            stem = words[i] & uint32(STEM)
            entry = now | uint64(stem)
            at = uint64(stem) & mask
            other = seen[at] ^ entry
            while other - uint64(1) < OTHERS:
                at = (at + uint64(1)) & mask
                other = seen[at] ^ entry
            # Written in any case: whether a word came before is no branch that could be foreseen.
            counts[uint64(stem & uint32(TERM_SLOTS - 1))] += uint32(other != uint64(0))
            seen[at] = entry


@njit(types.void(_U32, _I64, _U8, _u8, _u64, _i64), **BORROWING)
def weigh(words, bounds, rarity, weights, seen, stamp):
    """weights[i] = rarity of words[i] above COMMON, at most WEIGHT, plus REPEAT where its stem stood earlier.

    `rarity` has TERM_SLOTS entries in sixteenths of a nat; `seen` and `stamp` as in `count_terms`.
    """
    mask = uint64(seen.shape[0] - 1)
    last = uint64(max(words.shape[0], 1) - 1)
    for k in range(bounds.shape[0] - 1):
        stamp[0] += 1
        now = uint64(stamp[0]) << uint64(32)
        for i in range(uint64(bounds[k]), uint64(bounds[k + 1])):
            fetch(rarity, words[min(i + AHEAD, last)] & uint32(TERM_SLOTS - 1))
            word = words[i]
            stem = word & uint32(STEM)
            r = np.int32(rarity[uint64(stem & uint32(TERM_SLOTS - 1))]) - np.int32(COMMON)
            least = np.int32((word >> uint32(30)) & uint32(1))  # a number always counts a little
            w = min(max(r, least), np.int32(WEIGHT))
            entry = now | uint64(stem)
            at = uint64(stem) & mask
            other = seen[at] ^ entry
            while other - uint64(1) < OTHERS:
                at = (at + uint64(1)) & mask
                other = seen[at] ^ entry
            weights[i] = w | (np.int32(other == uint64(0)) << np.int32(7))
            seen[at] = entry


# --- boilerplate ------------------------------------------------------------------------------------------------------

GRAM = 6  # words of a passage whose repetition by one source is counted
SAMPLED = 3  # a passage is counted when these low bits of its hash are zero


@njit(uint64(_U32, types.int64, uint64), **BORROWING, inline="always")
def gram_hash(words, i, source):
    """Hash of words[i:i + GRAM] within a source; equal passages of one source have equal hashes."""
    h = source
    for k in range(GRAM):
        h = (h ^ uint64(words[i + k] & uint32(HASH))) * _P1
        h ^= h >> uint64(32)
    return h


@njit(types.int64(_U32, uint64, types.int64, _i64, _i64), **BORROWING)
def sample_passages(words, source, counters, starts, places):
    """Writes where each sampled passage of a trace starts, and which of `counters` (2 ** b) is its own; -> how many.

    There must be room for one per word. All hashes are taken first, several at a time, and then chosen from without
    branches: one that is taken for every fourth would be guessed wrongly.
    """
    size = uint64(counters - 1)
    passages = uint64(max(words.shape[0] - GRAM + 1, 0))
    for i in range(passages):
        places[i] = np.int64(gram_hash(words, i, source))
    count = uint64(0)
    for i in range(passages):
        h = uint64(places[i])
        starts[count] = i
        places[count] = np.int64((h >> uint64(8)) & size)
        count += uint64(h & uint64(SAMPLED) == uint64(0))
    return np.int64(count)


@njit(types.int64(_u8, _I64, _I64, _U8, types.int64), **BORROWING)
def mask_boilerplate(weights, starts, places, repeats, least):
    """Sets the weight of words in passages that the source repeated in `least` stories to 0; -> words masked.

    `starts` and `places` are those of the trace's sampled passages. Passages of GRAM words whose hash is not sampled
    are judged by the sampled ones around them: a masked stretch reaches from a repeated passage to the next, when no
    more than 2 * GRAM words lie between.
    """
    repeated = 0
    for t in range(places.shape[0]):  # of all at once, so that they are not waited for one by one
        repeated += repeats[places[t]] >= least
    masked = 0
    if repeated == 0:
        return masked
    last = -1  # the end of the stretch that is being masked
    for t in range(places.shape[0]):
        i = starts[t]
        if repeats[places[t]] < least:
            last = -1
            continue
        begin = last if last >= 0 and i - last <= 2 * GRAM else i
        for k in range(begin, i + GRAM):
            if weights[k] & WEIGHT:
                weights[k] &= REPEAT
                masked += 1
        last = i + GRAM
    return masked


@njit(types.void(_I64, _u8), **BORROWING)
def count_passages(places, repeats):
    """Counts the sampled passages of an article that is no copy of one before; counts saturate at 255."""
    for t in range(places.shape[0]):
        repeats[places[t]] += np.uint8(repeats[places[t]] < 255)


@njit(
    types.UniTuple(types.int64, 2)(
        _I64, uint64, types.Tuple((_u32, _u8, _i64, _i64)), _U8, types.int64, _i64, _i64, _i64,
        types.uint64[::1], _i64, _i64
    ),
    cache=True, nogil=True
)  # fmt: skip
def repeated_stretches(
    slots, source, store, repeats, least, out_articles, out_starts, out_ends, out_digests, out_bounds, out_passages
):  # fmt: skip
    """Finds the stretches of words that `mask_boilerplate` would mask in stored articles of a source.

    -> (how many stretches, how many passages). Stretch k is words[start + out_starts[k]:start + out_ends[k]] of the
    article in slots[out_articles[k]], out_digests[k] the hash of its words; the counters of its repeated passages are
    out_passages[out_bounds[k]:out_bounds[k + 1]]. There must be room for a stretch per GRAM words, and for a passage
    per word.
    """
    words, _, starts, sizes = store
    size = uint64(repeats.shape[0] - 1)
    found, passages = 0, 0
    out_bounds[0] = 0
    for k in range(slots.shape[0]):
        start = starts[slots[k]]
        count = sizes[slots[k]] & 0xFFFFFFFF
        begin, end = 0, -1  # the stretch that is being followed
        last = -1  # as in mask_boilerplate
        for i in range(count - GRAM + 2):
            is_over = i > count - GRAM
            at = uint64(0)
            if not is_over:
                h = gram_hash(words, start + i, source)
                if h & uint64(SAMPLED) != uint64(0):
                    continue
                at = (h >> uint64(8)) & size
                if repeats[at] < least:
                    last = -1
                    continue
            reaches = last >= 0 and i - last <= 2 * GRAM
            if end >= 0 and (is_over or (i > end and not reaches)):
                h = source
                for j in range(begin, end):
                    h = (h ^ uint64(words[start + j] & uint32(HASH))) * _P1
                    h ^= h >> uint64(32)
                out_articles[found], out_starts[found], out_ends[found] = k, begin, end
                out_digests[found] = h
                found += 1
                out_bounds[found] = passages
                end = -1
            if is_over:
                break
            if end < 0:
                begin = i
            out_passages[passages] = np.int64(at)
            passages += 1
            end = i + GRAM
            last = i + GRAM
    return found, passages


@njit(types.void(_I64, uint64, types.Tuple((_u32, _u8, _i64, _i64)), _u8), cache=True, nogil=True)
def clear_passages(slots, source, store, repeats):
    """Takes the passages of stored articles of a source back; counters that have reached 255 start again at 0."""
    words, _, starts, sizes = store
    for k in range(slots.shape[0]):
        count = sizes[slots[k]] & 0xFFFFFFFF
        trace = words[starts[slots[k]] : starts[slots[k]] + count]
        where, places = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
        for t in range(sample_passages(trace, source, repeats.shape[0], where, places)):
            before = np.int64(repeats[places[t]])
            repeats[places[t]] = 0 if before == 255 else max(before - 1, 0)


# --- sketch -----------------------------------------------------------------------------------------------------------

KEYS = 64
WORD_KEYS = 31  # keys[0] stands for the whole text, then the rarest words, then the rarest pairs of words


SLACK = 8  # entries beyond those wanted that a guess aims at
FINITE = 0x7F7FFFFF  # the bits of the largest finite float32
ROUGHLY = 1 << 22  # added to the bits of a float32: some one and a half times as much
NUMBER_BITS = 24  # of a key's uniform number


# What `sketch` needs room for: ranks and keys of words, and of pairs, weights of pairs, and the scratch of
# `keep_smallest`.
_DRAFT = types.Tuple((_u32, _u32, _u32, _u32, _u8, _i32, _u64, _u8))


@njit(_DRAFT(types.int64), cache=True, nogil=True)
def draft_for(words):
    """-> what `sketch` needs room for, of a trace of at most so many words."""
    room = words + LANES
    return (
        np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32),
        np.empty(room, np.uint8), np.empty(room, np.int32), np.empty(room, np.uint64), np.empty(1024, np.uint8)
    )  # fmt: skip


@njit(types.int64(_U32, types.int64, uint32, _i32, _u64), **BORROWING)
def keep_ranks(ranks, size, limit, places, kept):
    """Writes those of ranks[:size] that are at most `limit` to `kept`, as rank << 32 | position; -> how many.

    LANES ranks behind may be read; `places` is scratch of size + LANES.
    """
    n = uint64(0)
    end = uint64(size)
    for base in range(uint64(0), end, uint64(LANES)):
        bits = row_at_most(ranks, base, limit)
        if end - base < uint64(LANES):
            bits &= (uint64(1) << (end - base)) - uint64(1)
        put_places(bits, base, places, n)
        n += ones(bits)
    for j in range(n):
        at = uint64(places[j])
        kept[j] = (uint64(ranks[at]) << uint64(32)) | at
    return np.int64(n)


@njit(types.int64(_U32, types.int64, _u64, _u8), **BORROWING)
def keep_distinct(keys, size, kept, seen):
    """Leaves of kept[:size] the least entry of each key, at the place of the first; -> how many.

    An entry's low half is where in `keys` its own is. `seen` is scratch of 1024.
    """
    low = uint64(0xFFFFFFFF)
    seen[:] = 0  # one more than where the last entry with a key of this part of their range is, if that can be told
    m = uint64(0)
    for j in range(uint64(size)):
        entry = kept[j]
        key = keys[entry & low]
        part = uint64(key >> uint32(22))
        at = min(uint64(seen[part]) - uint64(1), m)
        kept[m] = entry
        if keys[kept[at] & low] != key:
            at = uint64(0)
            while keys[kept[at] & low] != key:
                at += uint64(1)
        kept[at] = min(kept[at], entry)
        m += uint64(at == m)
        seen[part] = min(at + uint64(1), uint64(255))
    return np.int64(m)


@njit(types.void(_u64, types.int64, types.int64), **BORROWING)
def drop_greatest(kept, size, most):
    """Leaves the `most` least of kept[:size], which differ; the last takes the place of one that goes.

    LANES entries behind may be written.
    """
    end = uint64((size + LANES - 1) & -LANES)  # whole rows, so that the loops below are of a few lengths
    for e in range(uint64(size), end):
        kept[e] = uint64(0)
    for m in range(uint64(size), uint64(most), -1):
        worst = uint64(0)
        for e in range(end):
            worst = max(worst, kept[e])
        last = kept[m - uint64(1)]
        kept[m - uint64(1)] = uint64(0)
        for e in range(end):
            kept[e] = last if kept[e] == worst else kept[e]


@njit(
    types.int64(_U32, _U32, _U8, types.int64, types.int64, types.float64, _i32, _u64, _u8, _u32, _u8), **BORROWING
)  # fmt: skip
def keep_smallest(ranks, keys, key_weights, size, most, density, places, kept, seen, out_keys, out_weights):
    """Writes the `most` distinct keys of the smallest ranks, of equal ones the first, in no order; -> how many.

    ranks[:size] are the bits of float32 numbers that are not negative; what is not finite is left out. A key that comes
    several times has its smallest rank. `density` guesses how many entries there are per unit of rank among the
    smallest (0: no idea); a wrong guess costs time only. `places`, `kept` and `seen` are scratch of size + LANES twice
    and 1024; LANES ranks more may be read.
    """
    low = uint64(0xFFFFFFFF)
    limit = uint32(FINITE)
    if density > (most + SLACK) / 3e38:
        limit = np.float32((most + SLACK) / density).view(np.uint32)
    while True:
        n = keep_ranks(ranks, size, limit, places, kept)
        m = keep_distinct(keys, n, kept, seen) if n >= most or limit >= uint32(FINITE) else 0
        if m >= most or limit >= uint32(FINITE):
            break
        limit = min(uint32(limit + uint32(ROUGHLY)), uint32(FINITE)) if 4 * n > most else uint32(FINITE)
    if m > most:
        drop_greatest(kept, m, most)
        m = most
    for e in range(m):
        out_keys[e] = keys[kept[e] & low]
        out_weights[e] = key_weights[kept[e] & low]
    return m


@njit(uint64(_U32, types.int64), **BORROWING)
def hash_trace(words, first):
    """The hash of a text, of words[first:]."""
    whole = uint64(words.shape[0] - first)
    for i in range(uint64(first), uint64(words.shape[0])):
        whole = (whole ^ uint64(words[i] & uint32(HASH))) * _P1
        whole ^= whole >> uint64(29)
    return mix(whole)


@njit(
    types.void(
        _U32, _U8, types.int64, types.int64, types.Array(types.float32, 1, "C", readonly=True), _DRAFT, _u32, _u8
    ),
    **BORROWING
)  # fmt: skip
def sketch(words, weights, title_words, min_words, importance, draft, keys, key_weights):
    """Writes the KEYS keys of one trace and their rarity (sixteenths of a nat); unused keys are 0.

    keys[0] is the hash of the text (of title and text where the text has fewer than `min_words` words, which then has
    no other key). The others are the smallest ranks v / importance[weight] with v uniform from the key's hash: priority
    sampling (Duffield, Lund, Thorup 2007), coordinated by the hash, of words and of pairs of neighbours. `importance`
    is infinite for weights that make no key; `draft` is scratch.
    """
    ranks, word_keys, pair_ranks, pair_keys, halves, places, kept, seen = draft
    n = words.shape[0]
    keys[:] = 0
    key_weights[:] = 0
    if n == 0:
        return
    is_short = n - title_words < min_words
    if is_short:
        keys[0] = uint32(hash_trace(words, 0) >> uint64(32)) | uint32(1)
        key_weights[0] = 255
        return
    # Loops of one kind each, which the compiler makes vectors of, and one that waits for one product after the other.
    last = uint64(n - 1)
    word_cubes, pair_cubes = np.int64(0), np.int64(0)
    halves[last] = 0
    for i in range(last):
        halves[i] = ((weights[i] & WEIGHT) + (weights[i + uint64(1)] & WEIGHT)) >> 1
    for i in range(uint64(n)):
        w, half = np.int64(weights[i]), np.int64(halves[i])
        w = w if w < REPEAT else 0
        word_cubes += w * w * w
        pair_cubes += half * half * half
    for i in range(uint64(n)):
        h = mix(uint64(words[i] & uint32(STEM)) * _P2)
        ranks[i] = uint32(h >> uint64(64 - NUMBER_BITS))
        word_keys[i] = uint32(h) | uint32(1)
    for i in range(last):
        # never 0: what is left out has the rank infinity, and stays there
        h = mix((uint64(words[i] & uint32(HASH)) << uint64(32)) | uint64(words[i + uint64(1)] & uint32(HASH)))
        pair_ranks[i] = max(uint32(h >> uint64(64 - NUMBER_BITS)), uint32(1))
        pair_keys[i] = uint32(h) | uint32(1)
    # As `hash_trace`, but a step takes the next word into what it leaves: the next waits for one operation less.
    whole, shifted = uint64(0), uint64(0)
    joined = uint64(n - title_words) ^ uint64(words[title_words] & uint32(HASH))
    for i in range(uint64(n)):
        if i >= title_words:
            whole = (joined ^ shifted) * _P1
            joined = whole ^ uint64(words[min(i + uint64(1), last)] & uint32(HASH))
            shifted = whole >> uint64(29)
        ranks[i] = np.float32(importance[weights[i]] * np.float32(np.int32(ranks[i]))).view(np.uint32)
        pair_ranks[i] = np.float32(importance[halves[i]] * np.float32(np.int32(pair_ranks[i]))).view(np.uint32)
    keys[0] = uint32(mix(whole ^ shifted) >> uint64(32)) | uint32(1)
    key_weights[0] = 255
    # Importance is some unit / weight ** 3: so many ranks below r are expected as r * sum(weight ** 3) / unit.
    unit = np.float64(importance[16]) * (1 << NUMBER_BITS) * 16.0**3
    count = keep_smallest(
        ranks, word_keys, weights, n, WORD_KEYS, word_cubes / unit, places, kept, seen, keys[1:], key_weights[1:]
    )  # fmt: skip
    first = 1 + WORD_KEYS
    pairs = keep_smallest(
        pair_ranks, pair_keys, halves, n - 1, KEYS - first, pair_cubes / unit, places, kept, seen,
        keys[first:], key_weights[first:]
    )  # fmt: skip
    for e in range(1, 1 + count):
        key_weights[e] += COMMON
    for e in range(first, first + pairs):
        key_weights[e] += COMMON


@njit(
    types.void(
        _U32, _U8, _I64, types.int64, types.Array(types.float32, 1, "C", readonly=True), types.uint32[:, ::1], _u8
    ),
    cache=True, nogil=True
)  # fmt: skip
def sketches(words, weights, bounds, min_words, importance, keys, key_weights):
    """Writes to keys[k] the KEYS keys of each trace words[bounds[k]:bounds[k + 1]], which has no title.

    `key_weights` is scratch of KEYS entries.
    """
    longest = 0
    for k in range(bounds.shape[0] - 1):
        longest = max(longest, bounds[k + 1] - bounds[k])
    draft = draft_for(longest)
    for k in range(bounds.shape[0] - 1):
        first, last = bounds[k], bounds[k + 1]
        sketch(words[first:last], weights[first:last], 0, min_words, importance, draft, keys[k], key_weights)


# --- index ------------------------------------------------------------------------------------------------------------
#
# A posting is article slot * KEYS + key position, so an article's postings need no storage of their own: `postings`
# holds the key of each (low half) beside the next older posting of the same chain (high half), so that a step along a
# chain touches one line of cache; `heads` holds the newest of each chain. Chains grow by linear hashing (Litwin 1980):
# one chain is split for every posting that is added beyond the load, so there is no pause. Slots are reused in a ring;
# in a chain article numbers fall and, within an article, key positions. A chain ends where they would not, at the
# oldest article, or where a posting belongs to another chain. Keys are odd; an article is removed by making its keys
# even, which match nothing and stay in their chains.

NEWEST, OLDEST, CHAINS, SPLIT_FROM, POSTINGS, RINGS = range(6)  # state
UNKNOWN = -(1 << 62)  # an unknown date
_LOW = uint64(0xFFFFFFFF)


@njit(types.int64(uint32, types.int64, types.int64), **BORROWING, inline="always")
def chain_of(key, chains, split_from):
    """The chain of a key, the same whether it is odd or even; `split_from` is a power of two.

    split_from <= chains <= 2 * split_from.
    """
    key |= uint32(1)
    h = np.int64(uint32(key * uint32(0x85EBCA6B)) ^ (key >> uint32(15)))
    at = h & (2 * split_from - 1)
    return at if at < chains else h & (split_from - 1)


@njit(types.int64(types.int64, types.int64, types.int64), **BORROWING, inline="always")
def number_at(slot, newest, capacity):
    """The number of the article that last used a slot of the ring."""
    return newest - (newest - slot) % capacity


@njit(types.void(_u64, _u32, _i64), **BORROWING)
def split_chain(postings, heads, state):
    """Adds one chain: moves to it the postings of its older half, keeping the order; drops what has expired."""
    capacity = postings.shape[0] // KEYS
    chains, split_from = state[CHAINS], state[SPLIT_FROM]
    if chains == 2 * split_from:
        split_from *= 2
        state[SPLIT_FROM] = split_from
    old = chains - split_from
    posting = int(heads[old]) - 1
    heads[old] = 0
    heads[chains] = 0
    tails = (np.int64(-1), np.int64(-1))
    stay, move = tails
    newest_slot = state[NEWEST] % capacity  # `number_at` without a division per posting
    last = np.int64(1) << 62
    while posting >= 0:
        behind = newest_slot - posting // KEYS
        number = state[NEWEST] - (behind if behind >= 0 else behind + capacity)
        age = number * KEYS + posting % KEYS
        if age >= last or number < state[OLDEST]:
            break
        last = age
        entry = postings[posting]
        chain = chain_of(uint32(entry), chains + 1, split_from)
        if chain != old and chain != chains:
            break  # the slot was reused: this posting and all behind it are in another chain
        postings[posting] = entry & _LOW
        link = uint64(posting + 1) << uint64(32)
        if chain == chains:
            if move < 0:
                heads[chains] = posting + 1
            else:
                postings[move] |= link
            move = posting
        else:
            if stay < 0:
                heads[old] = posting + 1
            else:
                postings[stay] |= link
            stay = posting
        posting = np.int64(entry >> uint64(32)) - 1
    state[CHAINS] = chains + 1


# Keys that many articles share have a ring: their newest RING postings side by side in memory, each with the minute
# of its article, where a chain would lead from one line of cache to another. Rings are a cache of the chains, of
# which nobody can tell whether it is there: they come and go without a trace in any result. `tags` maps a key to its
# ring (key in the low half, ring + 1 in the high half; a key has its place or the one beside it, and of two others the
# one that was used less lately goes), `rings` holds RING minutes of articles and behind them their numbers (the lower
# 32 bits), `pushed` for each ring how many there were and the number of the last.

# postings, heads, state, dates, tags, rings, pushed
_INDEX = types.Tuple((_u64, _u32, _i64, _i64, _u64, _u32, _i64))
_SEEKING = types.Tuple((_i64, _u32, _i64, _i64))  # what `candidates` needs room for
COUNTERS = 1 << 13
RING = 128  # so many of a key's postings are looked at, the newest
CHAINS_PER_ARTICLE = KEYS // 2  # twice as many are a fifth faster at a million articles, and 128 bytes an article more
FETCHED = 3  # postings of a chain behind its first that are fetched before it is split
HOT = 16  # postings of a key, seen along its chain, from which it is given a ring
MINUTE = 60_000  # milliseconds
UNKNOWN_MINUTE = -(1 << 31)


@njit(types.int64(types.int64), **BORROWING, inline="always")
def minute_of(date):
    """The minute of a date in milliseconds as 32 bits hold it; UNKNOWN_MINUTE for an unknown one."""
    return UNKNOWN_MINUTE if date == UNKNOWN else min(max(date // MINUTE, UNKNOWN_MINUTE + 1), (1 << 31) - 1)


@njit(types.int64(uint32, types.int64), **BORROWING, inline="always")
def tag_of(key, tags):
    """The place of a key among `tags` (a power of two from 2 on), always an even one; the other is behind it."""
    return np.int64(uint32(key * uint32(0xC2B2AE35)) >> uint32(7)) & (tags - 2)


@njit(types.int64(uint32, _U64), **BORROWING, inline="always")
def ring_of(key, tags):
    """The ring of a key, -1 when it has none."""
    tag = tag_of(key, tags.shape[0])
    one, two = tags[tag], tags[tag + 1]
    found = one if uint32(one) == key else two if uint32(two) == key else uint64(0)
    return np.int64(found >> uint64(32)) - 1


@njit(types.void(uint32, _INDEX), **BORROWING)
def make_ring(key, index):
    """Makes a ring of the newest live postings of a key that has none, in the place of what was there."""
    postings, heads, state, dates, tags, rings, pushed = index
    capacity = postings.shape[0] // KEYS
    tag = tag_of(key, tags.shape[0])
    one, two = np.int64(tags[tag] >> uint64(32)) - 1, np.int64(tags[tag + 1] >> uint64(32)) - 1
    if one >= 0 and (two < 0 or pushed[2 * two + 1] < pushed[2 * one + 1]):
        tag += 1
    ring = np.int64(tags[tag] >> uint64(32)) - 1
    if ring < 0:
        if state[RINGS] * 2 * RING >= rings.shape[0]:
            return
        ring = state[RINGS]
        state[RINGS] += 1
    tags[tag] = uint64(key) | uint64(ring + 1) << uint64(32)
    posting = np.int64(heads[chain_of(key, state[CHAINS], state[SPLIT_FROM])]) - 1
    last = np.int64(1) << 62
    newest = np.int64(-1)
    n = 0
    while posting >= 0 and n < RING:
        number = number_at(posting // KEYS, state[NEWEST], capacity)
        age = number * KEYS + posting % KEYS
        if age >= last or number < state[OLDEST]:
            break
        last = age
        if uint32(postings[posting]) == key:
            newest = max(newest, number)
            at = 2 * RING * ring + RING - 1 - n
            rings[at] = minute_of(dates[posting // KEYS]) & 0xFFFFFFFF
            rings[at + RING] = number & 0xFFFFFFFF
            n += 1
        posting = np.int64(postings[posting] >> uint64(32)) - 1
    for at in range(2 * RING * ring, 2 * RING * ring + n):
        rings[at] = rings[at + RING - n]
        rings[at + RING] = rings[at + 2 * RING - n]
    pushed[2 * ring] = n
    pushed[2 * ring + 1] = newest


@njit(types.void(_U32, _u64), **BORROWING)
def drop_rings(article_keys, tags):
    """Takes the rings of keys away, as must be done before one of their postings changes."""
    for k in range(article_keys.shape[0]):
        tag = tag_of(article_keys[k] | uint32(1), tags.shape[0])
        for place in range(tag, tag + 2):
            if uint32(tags[place]) == article_keys[k] | uint32(1):
                tags[place] &= ~_LOW


@njit(types.void(types.int64, _U32, _INDEX), cache=True, nogil=True)
def insert(number, article_keys, index):
    """Adds an article's keys under `number`, which is larger than all before it; its date must be there."""
    postings, heads, state, dates, tags, rings, pushed = index
    capacity = postings.shape[0] // KEYS
    slot = number % capacity
    state[NEWEST] = number
    if state[OLDEST] <= number - capacity:
        state[OLDEST] = number - capacity + 1
    used = 0
    for k in range(KEYS):
        used += article_keys[k] != 0
    state[POSTINGS] += used
    live = (number - state[OLDEST] + 1) * CHAINS_PER_ARTICLE
    splits = max(0, min(used, min(live, heads.shape[0]) - state[CHAINS]))
    next_of = np.empty(
        KEYS, np.int64
    )  # all chains to be split are fetched at once, one posting of each after the other
    for k in range(splits):
        chains = state[CHAINS] + k
        split_from = 2 * state[SPLIT_FROM] if chains >= 2 * state[SPLIT_FROM] else state[SPLIT_FROM]
        next_of[k] = max(np.int64(heads[chains - split_from]) - 1, 0)
        fetch(postings, uint64(next_of[k]))
    for _ in range(FETCHED):
        for k in range(splits):
            next_of[k] = max(np.int64(postings[next_of[k]] >> uint64(32)) - 1, 0)
            fetch(postings, uint64(next_of[k]))
    for _ in range(splits):
        split_chain(postings, heads, state)
    minute = minute_of(dates[slot]) & 0xFFFFFFFF
    for k in range(KEYS):
        key = article_keys[k]
        posting = slot * KEYS + k
        postings[posting] = key
        if key == 0:
            continue
        chain = chain_of(key, state[CHAINS], state[SPLIT_FROM])
        postings[posting] = uint64(key) | uint64(heads[chain]) << uint64(32)
        heads[chain] = posting + 1
        ring = ring_of(key, tags)
        if ring >= 0:
            at = 2 * RING * ring + (pushed[2 * ring] & (RING - 1))
            rings[at] = minute
            rings[at + RING] = number & 0xFFFFFFFF
            pushed[2 * ring] += 1
            pushed[2 * ring + 1] = number


@njit(types.UniTuple(types.int64, 2)(types.int64, types.int64), cache=True, nogil=True, inline="always")
def near_minutes(minute, reach):
    """The first and the last minute that differ from `minute` by at most `reach`; all when it is unknown."""
    if minute == UNKNOWN_MINUTE:
        return UNKNOWN_MINUTE, (1 << 31) - 1
    return max(minute - reach, UNKNOWN_MINUTE + 1), min(minute + reach, (1 << 31) - 1)


@njit(types.UniTuple(uint64, 2)(_u32, types.int64, types.int64, types.int64, types.int64), **BORROWING)
def near_in_ring(rings, ring, pushes, first, last):
    """-> which postings of a ring are of minutes first .. last or unknown ones: (older half, newer half).

    Bit 63 of the newer half belongs to the newest posting, that is to place `pushes` - 1 modulo RING.
    """
    low = within_row(rings, 2 * RING * ring, first, last)
    high = within_row(rings, 2 * RING * ring + 64, first, last)
    if pushes < 64:
        low &= (uint64(1) << uint64(pushes)) - uint64(1)
        high = uint64(0)
    elif pushes < RING:
        high &= (uint64(1) << uint64(pushes - 64)) - uint64(1)
    if pushes & 64:
        low, high = high, low
    turn = uint64(pushes & 63)
    if turn > 0:
        back = uint64(64) - turn
        low, high = low >> turn | high << back, high >> turn | low << back
    return low, high


@njit(
    types.UniTuple(types.int64, 2)(
        _U32, _U8, types.int64, types.int64, _INDEX, types.int64, types.int64, types.int64, _SEEKING, _i64, _i64
    ),
    cache=True, nogil=True
)  # fmt: skip
def candidates(article_keys, key_weights, published, window, index, most_hits, least, most, scratch, out, sums):
    """Writes the numbers of articles that share enough keys to `out`, best first, and how much these weigh to `sums`.

    -> (how many, how many qualified).

    Of each key the newest RING postings are looked at, and at most `most_hits` of them count. An article qualifies when
    the rarities of the shared keys add up to `least` (sixteenths of a nat); the `most` highest sums are kept, of equal
    ones the newest. The index holds the publication time of each slot; two known dates differ by at most `window`
    (milliseconds), minute against minute.
    `scratch`: a table of 2 ** b zeros, 2 ** b > 2 * KEYS * most_hits; COUNTERS zeros; room for 2 * KEYS * most_hits + 1
    hits; KEYS numbers, which become those of the postings of each key that were met along its chain.
    """
    postings, heads, state, dates, tags, rings, pushed = index
    table, counters, shared, walked = scratch
    capacity = postings.shape[0] // KEYS
    mask = table.shape[0] - 1
    newest, oldest = state[NEWEST], state[OLDEST]
    newest_slot = newest % capacity  # `number_at` without a division per posting
    chains, split_from = state[CHAINS], state[SPLIT_FROM]
    first_minute, last_minute = near_minutes(minute_of(published), window // MINUTE)
    # Chains are followed side by side, one step each in turn, and what comes next is fetched meanwhile: every step
    # waits for memory, and steps of different chains wait at the same time.
    at_posting = np.empty(KEYS, np.int64)
    ring_at = np.empty(KEYS, np.int64)
    for k in range(KEYS):
        at_posting[k] = chain_of(article_keys[k], chains, split_from)
        fetch(heads, uint64(at_posting[k]))
        fetch(tags, uint64(tag_of(article_keys[k], tags.shape[0])))
    for k in range(KEYS):
        key = article_keys[k]
        ring = ring_of(key, tags)
        ring_at[k] = ring
        if ring >= 0:
            fetch(pushed, uint64(2 * ring))
            for line in range(0, RING, 16):
                fetch(rings, uint64(2 * RING * ring + line))
        at_posting[k] = np.int64(heads[at_posting[k]]) - 1
    last = np.full(KEYS, np.int64(1) << 62)
    hits = np.zeros(KEYS, np.int64)
    walked[:] = 0
    active = np.empty(KEYS, np.int64)
    going = 0
    for k in range(KEYS):
        if article_keys[k] != 0 and ring_at[k] < 0 and at_posting[k] >= 0:
            fetch(postings, uint64(at_posting[k]))
            fetch(dates, uint64(at_posting[k] // KEYS))
            active[going] = k
            going += 1
    n = 0
    for k in range(KEYS):
        ring = ring_at[k]
        if article_keys[k] == 0 or ring < 0 or pushed[2 * ring + 1] < oldest:
            continue
        pushes = pushed[2 * ring]
        rarity = np.int64(key_weights[k])
        full = n + most_hits
        older, newer = near_in_ring(rings, ring, pushes, first_minute, last_minute)
        for half, behind in ((newer, 64), (older, 0)):
            while half and n < full:
                bit = 63 - np.int64(zeros_above(half))
                half ^= uint64(1) << uint64(bit)
                entry = np.int64(rings[2 * RING * ring + RING + ((pushes + behind + bit) & (RING - 1))])
                number = newest - ((newest - entry) & 0xFFFFFFFF)
                if number < oldest:
                    break
                shared[n] = number << 8 | rarity
                n += 1
    while going:
        still = 0
        for t in range(going):
            k = active[t]
            posting = at_posting[k]
            entry = postings[posting]
            slot = posting // KEYS
            behind = newest_slot - slot
            number = newest - (behind if behind >= 0 else behind + capacity)
            age = number * KEYS + posting % KEYS
            if age >= last[k] or number < oldest:
                continue
            last[k] = age
            if uint32(entry) == article_keys[k]:
                walked[k] += 1
                other = minute_of(dates[slot])
                near = (other == UNKNOWN_MINUTE) | ((first_minute <= other) & (other <= last_minute))
                shared[n] = number << 8 | np.int64(key_weights[k])
                n += near
                hits[k] += near
                if hits[k] == most_hits or walked[k] == RING:
                    continue
            posting = np.int64(entry >> uint64(32)) - 1
            at_posting[k] = posting
            if posting >= 0:
                fetch(postings, uint64(posting))
                fetch(dates, uint64(posting // KEYS))
                active[still] = k
                still += 1
        going = still
    # Most articles share a single key. Sums are first taken in few counters, where several articles may meet, and only
    # those whose counter is full enough are told apart.
    for t in range(n):
        counters[(shared[t] >> 8) & (COUNTERS - 1)] += uint32(shared[t] & 255)
    touched = KEYS * most_hits  # their places in the table stand behind the hits
    for t in range(n):
        number, rarity = shared[t] >> 8, shared[t] & 255
        if counters[number & (COUNTERS - 1)] < least:
            continue
        at = (number * 0x9E3779B1 >> 8) & mask
        while table[at] != 0 and table[at] >> 20 != number + 1:
            at = (at + 1) & mask
        if table[at] == 0:
            table[at] = (number + 1) << 20
            shared[touched] = at
            touched += 1
        table[at] += rarity
    for t in range(n):
        counters[(shared[t] >> 8) & (COUNTERS - 1)] = 0
    found = 0
    for t in range(KEYS * most_hits, touched):
        at = shared[t]
        total = table[at] & ((1 << 20) - 1)
        number = (table[at] >> 20) - 1
        table[at] = 0
        if total >= least:
            shared[found] = total << 40 | number  # sorts by sum, then by number; numbers stay below 2 ** 40
            found += 1
    if found > 1:
        shared[:found].sort()
    kept = min(found, most)
    for t in range(kept):
        out[t] = shared[found - 1 - t] & ((1 << 40) - 1)
        sums[t] = shared[found - 1 - t] >> 40
    return kept, found


# --- verification -----------------------------------------------------------------------------------------------------

WINDOW = 16  # words
MOST_BLOCKS = 96  # windows of a text; those of longer texts have more words
LEAD = 40  # words
FIRST = 30  # words; looked for in twice as many of the other text
IS_RARE, IS_NUMBER, IN_RUN, IS_UNSHARED = 1, 2, 4, 8  # of a word, see `verify`
RUN = 3  # words that stand together in both texts make a shared run
MOST_OCCURRENCES = 8
PASSING = 3  # times that a word of no topic comes in two texts together
DIAGONALS = 64
SAME_DAY, MOST_GAP = 1.25, 4.0  # days: a gap below the first says nothing (many dates are days), one above no more
FEATURES = 29
(
    CONTAINED, CONTAINED_LONG, INCIDENTAL, INCIDENTAL_LONG, RUNS, RUNS_LONG, QUOTED_RUNS, QUOTES, NUMBERS, NUMBERS_LONG,
    NUMBER_COUNT, NEW_NUMBERS, EVIDENCE, RATIO, LENGTH, SLOTS, LOCAL, HITS, HITS_LONG, LOCAL_TAIL, LOCAL_LEAD,
    LOCAL_LEAD_LONG, LEAD_LONG, LEAD_BEST, ORDER, RARE_RUN, WHOLE, TEMPLATE, GAP
) = range(FEATURES)  # fmt: skip
RESULTS = 7  # what `verify` returns beside the features
SHARED_WORDS, THIS_IN_OTHER, OTHER_IN_THIS, COVERED, SAME_BODY, LONGEST, CONTAINS = range(RESULTS)
TOUCHED = 5  # words of which less than one in TOUCHED is shared speak of something else
PART = 320  # rarity, in sixteenths of a nat, that a part of a round-up shares with what it is about
TOLD = 2240  # the same of all words of a text: of less it cannot be said that others have nothing to do with it
NEAR = -3.0  # log-odds from which it is worth saying that a part of one text holds the other
ROUND_UP = 400  # words that a round-up has more than a story in it


@njit(types.void(_U32, _U8, types.int32[::1], types.int32[::1]), **BORROWING)
def index_words(words, weights, heads, following):
    """Chains the positions of the weighty words by stem, the last position first; heads has 2 ** b > n entries."""
    mask = uint32(heads.shape[0] - 1)
    heads[:] = -1
    for i in range(words.shape[0]):
        if weights[i] & WEIGHT:
            at = (words[i] & uint32(STEM)) & mask
            following[i] = heads[at]
            heads[at] = i


@njit(types.int64(_U32, types.int64, _U32, types.int64), **BORROWING)
def alike_ahead(a, i, b, j):
    """-> how many words of two traces agree from a[i] and b[j] on, one beside the other."""
    most = min(a.shape[0] - i, b.shape[0] - j)
    for k in range(0, most - ROW + 1, ROW):
        differing = differing_in_row(a, i + k, b, j + k, HASH)
        if differing != 0:
            return k + np.int64(zeros_below(differing))
    for k in range(most // ROW * ROW, most):
        if (a[uint64(i + k)] ^ b[uint64(j + k)]) & uint32(HASH) != 0:
            return k
    return most


@njit(types.int64(_U32, types.int64, _U32, types.int64), **BORROWING)
def alike_behind(a, i, b, j):
    """-> how many words of two traces agree before a[i] and b[j], one beside the other."""
    most = min(i, j)
    for k in range(ROW, most + 1, ROW):
        differing = differing_in_row(a, i - k, b, j - k, HASH)
        if differing != 0:
            return k - ROW + np.int64(zeros_above(differing)) - (64 - ROW)
    for k in range(most // ROW * ROW + 1, most + 1):
        if (a[uint64(i - k)] ^ b[uint64(j - k)]) & uint32(HASH) != 0:
            return k - 1
    return most


@njit(
    types.UniTuple(types.int64, 2)(_U32, _U8, _u8, types.int64, _U32, _U8, _u8, types.int64, types.int64),
    **BORROWING
)  # fmt: skip
def mark_run(a, wa, run_a, i, b, wb, run_b, j, length):
    """Marks the words of a run from a[i] and b[j] on; -> (the weight of both texts, how many are quoted in both)."""
    at_a, at_b = uint64(i), uint64(j)
    weight, quoted = 0, 0
    for k in range(uint64(length)):
        run_a[at_a + k] = 1
    for k in range(uint64(length)):
        run_b[at_b + k] = 1
    for k in range(uint64(length)):
        weight += np.int64(min(wa[at_a + k] & WEIGHT, wb[at_b + k] & WEIGHT))
        quoted += np.int64((a[at_a + k] & b[at_b + k]) >> uint32(31))
    return weight, quoted


# Of a pair of traces: in either, for each word, the first position of the same stem in the other or -1; and for each
# block of words, what it weighs in common with each block of the other text.
_SHARED = types.UniTuple(_i32, 2)
_FOUND = types.UniTuple(types.int32[:, ::1], 2)


@njit(
    types.UniTuple(types.int64, 2)(
        _U32, _U8, _i32, _i32, types.int64, _U32, _U8, types.int64, _SHARED, _FOUND, _i32, _i32
    ),
    cache=True, nogil=True
)  # fmt: skip
def meet(a, wa, heads, following, window_a, b, wb, window_b, shared, found, near_a, near_b):
    """Brings the words of two traces together that have a stem in common, b's last one first.

    Writes `shared` (which must hold -1) and `found` (zeros), blocks being window_a and window_b words. The positions
    of words that are equal, as is a neighbour, go to near_a and near_b, in the order in which they meet; there must be
    room for MOST_OCCURRENCES of each word of b. -> (how many these are, the weight of incidental words).
    """
    n, m = a.shape[0], b.shape[0]
    mask = uint32(heads.shape[0] - 1)
    shared_a, shared_b = shared
    found_a, found_b = found
    block_seen = np.full(n, -1, np.int32)
    times_b = np.zeros(n, np.int32)  # how often b has the stem whose last place in a this is
    common = np.zeros(n, np.uint8)  # what it weighs in either text, where it weighs less
    times_a = np.zeros(n, np.int32)  # how often a has it, MOST_OCCURRENCES at most
    block_of = np.empty(n, np.int32)  # a division per pair of words would be the dearest part of all
    for g in range(found_a.shape[0]):
        block_of[g * window_a : min(n, (g + 1) * window_a)] = g
    # The words of b whose stems may stand in a, collected without branches, which would be guessed wrongly.
    meeting = np.empty(m, np.int32)
    meetings = 0
    for j in range(m):
        meeting[meetings] = j
        meetings += np.int64(heads[b[j] & uint32(STEM) & mask] >= 0) & np.int64((wb[j] & WEIGHT) > 0)
    nears = uint64(0)
    block_b = found_b.shape[0] - 1
    block_start = block_b * window_b
    for t in range(meetings - 1, -1, -1):
        j = np.int64(meeting[uint64(t)])
        at_j = uint64(j)  # unsigned: an index that may be negative is looked at twice
        while j < block_start:
            block_b, block_start = block_b - 1, block_start - window_b
        w = wb[at_j] & WEIGHT
        stem = b[at_j] & uint32(STEM)
        i = heads[stem & mask]
        while i >= 0 and a[uint64(i)] & uint32(STEM) != stem:
            i = following[uint64(i)]
        if i < 0:
            continue
        last = uint64(i)
        times_b[last] += 1
        if times_b[last] > MOST_OCCURRENCES:
            continue
        before_j, behind_j = b[uint64(max(j - 1, 0))], b[uint64(min(j + 1, m - 1))]
        last_block = -1
        hits = 0
        while i >= 0 and hits < MOST_OCCURRENCES:
            at = uint64(i)
            word = a[at]
            if word & uint32(STEM) == stem:
                hits += 1
                shared_a[at] = j
                shared_b[at_j] = i
                # In a block of the other text a word counts once; who knows beforehand whether it is the first time?
                block_a = np.int64(block_of[at])
                is_first = np.int64(block_seen[at] != block_b)
                found_a[uint64(block_a), uint64(block_b)] += is_first * np.int64(wa[at] & WEIGHT)
                block_seen[at] = block_b
                found_b[uint64(block_b), uint64(block_a)] += np.int64(block_a != last_block) * np.int64(w)
                last_block = block_a
                near = (i > 0) & (j > 0) & ((a[uint64(max(i - 1, 0))] ^ before_j) & uint32(HASH) == 0)
                near |= (i + 1 < n) & (j + 1 < m) & ((a[uint64(min(i + 1, n - 1))] ^ behind_j) & uint32(HASH) == 0)
                near &= (word ^ b[at_j]) & uint32(HASH) == 0
                near_a[nears], near_b[nears] = i, j
                nears += uint64(near)
            i = following[at]
        if times_b[last] == 1:
            times_a[last] = hits
            common[last] = min(wa[last] & WEIGHT, w)
    incidental = 0
    for i in range(n):
        incidental += np.int64(times_a[i] + times_b[i] <= PASSING) * np.int64(common[i])
    return np.int64(nears), incidental


@njit(
    types.UniTuple(types.int64, 2)(_U32, _U8, _u8, _U32, _U8, _u8, _I32, _I32, types.int64), cache=True, nogil=True
)  # fmt: skip
def follow_runs(a, wa, run_a, b, wb, run_b, near_a, near_b, nears):
    """Marks the runs of RUN equal words and more around pairs of equal words, a[near_a[k]] and b[near_b[k]].

    -> (how long the longest is, what the heaviest longer than RUN weighs of those that are not mostly quoted). Gives up
    on texts that only repeat themselves.
    """
    budget = 16 * (a.shape[0] + b.shape[0])
    longest, heaviest = 0, 0
    # Runs that were found, by diagonal i - j: what one begins with another pair of its words need not be found again.
    run_diagonals = np.full(DIAGONALS, np.int64(1) << 40)
    run_starts = np.zeros(DIAGONALS, np.int64)
    for k in range(nears):
        i, j = np.int64(near_a[k]), np.int64(near_b[k])
        diagonal = uint64(i - j) & uint64(DIAGONALS - 1)
        is_known = (run_diagonals[diagonal] == i - j) & (j >= run_starts[diagonal])
        if is_known or budget <= 0:
            continue
        left = 1 + alike_behind(a, i, b, j)
        right = 1 + alike_ahead(a, i + 1, b, j + 1)
        budget -= left + right
        length = left + right - 1
        if length >= RUN:
            start = j - left + 1
            weight, quoted = mark_run(a, wa, run_a, i - left + 1, b, wb, run_b, start, length)
            if length > RUN and 2 * quoted < length:
                heaviest = max(heaviest, weight)
            run_diagonals[diagonal], run_starts[diagonal] = i - j, start
            longest = max(longest, length)
    return longest, heaviest


SUMS = 13
(
    TOTAL, TOTAL_SHARED, WORDS_SHARED, NUMBERS_ALL, NUMBERS_SHARED, PLAIN, PLAIN_RUNS, EVERY, QUOTED_WORDS,
    QUOTED_IN_RUNS, LEADING, LEADING_SHARED, NUMBERS_COUNTED
) = range(SUMS)  # fmt: skip


@njit(types.void(_U32, _U8, types.int64, _I32, _U8, types.float32[::1]), **BORROWING)
def sum_words(words, weights, title_words, shared, runs, sums):
    """Writes the SUMS of one side of a pair: weights, and counts of words.

    Of all words, and those that are shared, and how many those are; of numbers (each one nat more), and shared ones; of
    words outside quotation marks, and those in runs; of all occurrences, quoted ones, and those in runs; of the LEAD
    words behind the title, and shared ones; how many numbers. The first three, and numbers, only of first occurrences.
    Without branches: they would be guessed wrongly for every other word.
    """
    total, total_shared, words_shared = 0, 0, 0
    numbers, shared_numbers, number_count = 0, 0, 0
    plain, plain_runs, quoted, quoted_runs = 0, 0, 0, 0
    for i in range(words.shape[0]):
        w = np.int64(weights[i] & WEIGHT)
        once = np.int64(weights[i] < REPEAT)
        here = once * np.int64(shared[i] >= 0)
        number = np.int64((words[i] >> uint32(30)) & uint32(1))
        quote = np.int64(words[i] >> uint32(31)) * w
        run = np.int64(runs[i])
        total += once * w
        total_shared += here * w
        words_shared += here
        numbers += once * number * (w + 16)
        shared_numbers += here * number * (w + 16)
        number_count += once * number
        plain += w - quote
        plain_runs += (w - quote) * run
        quoted += quote
        quoted_runs += quote * run
    leading, leading_shared = 0, 0
    for i in range(title_words, min(words.shape[0], title_words + LEAD)):
        w = np.int64(weights[i] & WEIGHT)
        leading += w
        leading_shared += w * np.int64(shared[i] >= 0)
    sums[TOTAL], sums[TOTAL_SHARED], sums[WORDS_SHARED] = total, total_shared, words_shared
    sums[NUMBERS_ALL], sums[NUMBERS_SHARED], sums[NUMBERS_COUNTED] = numbers, shared_numbers, number_count
    sums[PLAIN], sums[PLAIN_RUNS], sums[EVERY] = plain, plain_runs, plain + quoted
    sums[QUOTED_WORDS], sums[QUOTED_IN_RUNS] = quoted, quoted_runs
    sums[LEADING], sums[LEADING_SHARED] = leading, leading_shared


@njit(
    types.boolean(_U8, types.int64, types.int64, _I32, types.int32[:, ::1], types.float32[::1]), **BORROWING
)  # fmt: skip
def local_shares(weights, title_words, window, shared, found, shares):
    """Writes how much of the blocks of a text have their counterparts in two neighbouring blocks of the other.

    `shares`: of all, what stands in blocks of which two fifths have, of the second half, of the beginning. -> whether
    one part of the text holds nearly all that it shares, and the others speak of something else.
    """
    count, blocks = weights.shape[0], found.shape[0]
    part_sum, part_weight, part_shared = 0, 0, 0
    best_sum, best_weight, best_shared = 0, 0, 0
    all_weight, all_shared = 0, 0
    whole, tail, lead = np.float32(0), np.float32(0), np.float32(0)
    shares[:] = 0
    for g in range(blocks):
        sum_of_weights, sum_of_shared = 0, 0
        for i in range(uint64(g * window), uint64(min(count, (g + 1) * window))):
            w = np.int64(weights[i] & WEIGHT)
            sum_of_weights += w
            sum_of_shared += w * np.int64(shared[i] >= 0)
        if sum_of_weights == 0:
            continue
        all_weight += sum_of_weights
        all_shared += sum_of_shared
        if part_sum <= 0:
            part_sum, part_weight, part_shared = 0, 0, 0
        part_sum += TOUCHED * sum_of_shared - sum_of_weights
        part_weight += sum_of_weights
        part_shared += sum_of_shared
        if part_sum > best_sum:
            best_sum, best_weight, best_shared = part_sum, part_weight, part_shared
        weight = np.float32(sum_of_weights)
        row = found[g]
        best = np.int32(row[0])
        for o in range(row.shape[0] - 1):
            best = max(best, np.int32(row[o] + row[o + 1]))
        score = min(np.float32(best), weight)
        whole += weight
        shares[0] += score
        if score >= np.float32(0.4) * weight:
            shares[1] += weight
        if 2 * g >= blocks:
            tail += weight
            shares[2] += score
        if g * window < title_words + 3 * WINDOW:
            lead += weight
            shares[3] += score
    shares[0] /= whole + 16
    shares[1] /= whole + 16
    shares[2] /= tail + 16
    shares[3] /= lead + 16
    outside, outside_shared = all_weight - best_weight, all_shared - best_shared
    is_foreign = 2 * (outside - TOUCHED * outside_shared) >= all_weight + 16
    is_one_part = best_shared >= 2 * outside_shared and 10 * best_shared >= 3 * best_weight
    return is_foreign and is_one_part and best_shared >= PART


@njit(types.float64(_U8, types.int64, _I32, types.int64), **BORROWING)
def lead_found(weights, title_words, shared, reach):
    """-> the share of the FIRST words behind the title that stand among the first `reach` words of the other text."""
    lead, found = 0, 0
    for i in range(title_words, min(weights.shape[0], title_words + FIRST)):
        w = np.int64(weights[i] & WEIGHT)
        lead += w
        found += w * np.int64(0 <= shared[i] < reach)
    return found / (lead + 16.0)


ALONG = 6
RARES, RARES_KEPT, NUMBERS_SAME, NUMBERS_CHANGED, IN_GAPS, IN_RUNS = range(ALONG)
RARE = 48  # sixteenths of a nat; rarer words are
GAP_WORDS = 5  # unshared words in a longer gap between two runs are no filled-in places


@njit(types.void(_U32, _U8, _I32, _U8, _u8, _i64), **BORROWING)
def look_along(words, weights, shared, run, codes, counts):
    """Adds what the words of one text in their order say of a pair to `counts`.

    Of rare shared words, how many follow another, and how many keep the order; of numbers, how many stand in runs, and
    how many unshared ones right beside them, the filled-in places of a template; unshared words in short gaps between
    runs; words in runs. Where such words are is written without branches first, into `codes`, which has room for LANES
    more than there are words; they are few.
    """
    count = words.shape[0]
    for i in range(count):
        w, is_shared = weights[i], shared[i] >= 0
        is_rare = is_shared & (w > RARE) & (w < REPEAT)
        is_unshared = (not is_shared) & ((w & WEIGHT) > 0) & (run[i] == 0)
        is_number = (words[i] >> uint32(30)) & uint32(1) != 0
        codes[i] = is_rare * IS_RARE | is_number * IS_NUMBER | run[i] * IN_RUN | is_unshared * IS_UNSHARED
    codes[count : count + LANES] = 0
    rares, last_place, last_run = 0, np.int64(0), np.int64(-LANES)
    for row in range(0, count, LANES):
        bits = bits_of_row(codes, row, IS_RARE)
        while bits:
            place = np.int64(shared[uint64(row) + zeros_below(bits)])
            bits &= bits - uint64(1)
            counts[RARES_KEPT] += np.int64((rares > 0) & (place > last_place))
            rares, last_place = rares + 1, place
        bits = bits_of_row(codes, row, IN_RUN)
        counts[IN_RUNS] += np.int64(ones(bits))
        begins = bits & ~(bits << uint64(1))
        while begins:
            bit = zeros_below(begins)
            begins &= begins - uint64(1)
            i = row + np.int64(bit)
            before = bits & ((uint64(1) << bit) - uint64(1))
            if before:
                last_run = row + 63 - np.int64(zeros_above(before))
            if i - last_run <= GAP_WORDS + 1:
                for k in range(last_run + 1, i):
                    counts[IN_GAPS] += np.int64(codes[uint64(k)] & IS_UNSHARED != 0)
        if bits:
            last_run = row + 63 - np.int64(zeros_above(bits))
        bits = bits_of_row(codes, row, IS_NUMBER)
        while bits:
            i = row + np.int64(zeros_below(bits))
            bits &= bits - uint64(1)
            if run[uint64(i)]:
                counts[NUMBERS_SAME] += 1
            elif shared[uint64(i)] < 0 and ((i > 0 and run[i - 1]) or (i + 1 < count and run[i + 1])):
                counts[NUMBERS_CHANGED] += 1
    counts[RARES] += max(rares - 1, 0)


@njit(
    types.void(
        _U32, _U8, types.int64, types.int32[::1], types.int32[::1], _U32, _U8, types.int64, types.float64,
        types.float32[::1], types.float32[::1]
    ),
    cache=True, nogil=True
)  # fmt: skip
def verify(a, wa, title_a, heads, following, b, wb, title_b, gap, features, results):
    """Compares two traces; writes FEATURES features and RESULTS results (a is "this").

    `heads` and `following` are what `index_words` made of a. Everything is weighted by rarity: words below COMMON and
    masked boilerplate count nothing, except that masked numbers still count as numbers. `gap` is that between the dates
    in days, 0 when one is unknown. Of a word that comes often only the last MOST_OCCURRENCES places in either text can
    be shared: what a text names again and again is its topic, and the first place, which stands for the word where each
    counts once, says so. The features are described in docs/matching.md; they are the same when a and b change places.
    results[CONTAINS] is 2 when the longer text holds the shorter one and much else, 1 when one has a part about what
    the other is about, else 0.
    """
    n, m = a.shape[0], b.shape[0]
    window_a, window_b = max(WINDOW, n // MOST_BLOCKS + 1), max(WINDOW, m // MOST_BLOCKS + 1)
    blocks_a, blocks_b = n // window_a + 1, m // window_b + 1
    found_a, found_b = np.zeros((blocks_a, blocks_b), np.int32), np.zeros((blocks_b, blocks_a), np.int32)
    shared_a, shared_b = np.full(n, -1, np.int32), np.full(m, -1, np.int32)
    run_a, run_b = np.zeros(n, np.uint8), np.zeros(m, np.uint8)
    near_a, near_b = np.empty(MOST_OCCURRENCES * m + 1, np.int32), np.empty(MOST_OCCURRENCES * m + 1, np.int32)
    nears, incidental = meet(
        a, wa, heads, following, window_a, b, wb, window_b, (shared_a, shared_b), (found_a, found_b), near_a, near_b
    )  # fmt: skip
    longest, heaviest = follow_runs(a, wa, run_a, b, wb, run_b, near_a, near_b, nears)
    sums = np.empty((2, SUMS), np.float32)
    sum_words(a, wa, title_a, shared_a, run_a, sums[0])
    sum_words(b, wb, title_b, shared_b, run_b, sums[1])
    local = np.empty((2, 4), np.float32)
    is_in_part_of_a = local_shares(wa, title_a, window_a, shared_a, found_a, local[0]) and sums[1, EVERY] >= TOLD
    is_in_part_of_b = local_shares(wb, title_b, window_b, shared_b, found_b, local[1]) and sums[0, EVERY] >= TOLD
    codes, along = np.empty(max(n, m) + LANES, np.uint8), np.zeros(ALONG, np.int64)
    look_along(a, wa, shared_a, run_a, codes, along)
    look_along(b, wb, shared_b, run_b, codes, along)

    short = 0 if sums[0, TOTAL] <= sums[1, TOTAL] else 1
    s, o = sums[short], sums[1 - short]
    one = np.float32(16)  # one nat: the smoothing that keeps shares of next to nothing near 0
    changed, same_numbers = along[NUMBERS_CHANGED], along[NUMBERS_SAME]
    features[CONTAINED] = s[TOTAL_SHARED] / (s[TOTAL] + one)
    features[CONTAINED_LONG] = o[TOTAL_SHARED] / (o[TOTAL] + one)
    features[INCIDENTAL] = incidental / (s[TOTAL] + one)
    features[INCIDENTAL_LONG] = incidental / (o[TOTAL] + one)
    features[RUNS] = s[PLAIN_RUNS] / (s[PLAIN] + one)
    features[RUNS_LONG] = o[PLAIN_RUNS] / (o[PLAIN] + one)
    features[QUOTED_RUNS] = s[QUOTED_IN_RUNS] / (s[EVERY] + one)
    features[QUOTES] = s[QUOTED_WORDS] / (s[EVERY] + one)
    features[NUMBERS] = (s[NUMBERS_SHARED] + 2 * one) / (s[NUMBERS_ALL] + 4 * one)
    features[NUMBERS_LONG] = (o[NUMBERS_SHARED] + 2 * one) / (o[NUMBERS_ALL] + 4 * one)
    features[NUMBER_COUNT] = np.log1p(s[NUMBERS_COUNTED])
    features[NEW_NUMBERS] = np.log1p((s[NUMBERS_ALL] - s[NUMBERS_SHARED]) / one)
    features[EVIDENCE] = np.log1p(s[TOTAL_SHARED] / one)
    features[RATIO] = np.log((s[TOTAL] + one) / (o[TOTAL] + one))
    features[LENGTH] = np.log1p(np.float32(max(n, m)))
    features[SLOTS] = changed / np.float32(changed + same_numbers + 4)
    features[LOCAL] = local[short, 0]
    features[HITS] = local[short, 1]
    features[HITS_LONG] = local[1 - short, 1]
    features[LOCAL_TAIL] = local[short, 2]
    features[LOCAL_LEAD] = local[short, 3]
    features[LOCAL_LEAD_LONG] = local[1 - short, 3]
    features[LEAD_LONG] = o[LEADING_SHARED] / (o[LEADING] + one)
    features[LEAD_BEST] = max(
        lead_found(wa, title_a, shared_a, title_b + 2 * FIRST), lead_found(wb, title_b, shared_b, title_a + 2 * FIRST)
    )
    in_order = (along[RARES_KEPT] + 2) / np.float32(along[RARES] + 4)
    features[ORDER] = in_order if along[RARES] > 2 else np.float32(0.6)
    features[RARE_RUN] = np.log1p(heaviest / one)
    features[GAP] = max(min(gap, MOST_GAP) - SAME_DAY, 0.0)
    features[TEMPLATE] = along[IN_GAPS] / np.float32(along[IN_RUNS] + 20)
    body_a, body_b = n - title_a, m - title_b
    same = body_a == body_b and body_a > 0 and alike_ahead(a, title_a, b, title_b) == body_a
    features[WHOLE] = 1 if longest >= min(body_a, body_b) and longest > 0 else 0
    results[SHARED_WORDS] = s[WORDS_SHARED]
    results[THIS_IN_OTHER] = sums[0, TOTAL_SHARED] / max(sums[0, TOTAL], np.float32(1))
    results[OTHER_IN_THIS] = sums[1, TOTAL_SHARED] / max(sums[1, TOTAL], np.float32(1))
    results[COVERED] = (s[PLAIN_RUNS] + s[QUOTED_IN_RUNS]) / max(s[EVERY], np.float32(1))
    results[SAME_BODY] = 1 if same else 0
    results[LONGEST] = longest
    # A round-up, ticker or newsletter holds the other text in one part of its own, and begins with something else.
    held = features[CONTAINED] >= 0.5 and features[HITS_LONG] <= 0.35 and features[LEAD_LONG] <= 0.35
    held &= abs(n - m) >= ROUND_UP and max(n, m) >= 3 * min(n, m)
    # Of what repeats itself, only the last words are told to be shared: a long run shows two texts that are one.
    held_in_part = (is_in_part_of_a or is_in_part_of_b) and 2 * longest < max(n, m)
    results[CONTAINS] = 2 if held else 1 if held_in_part else 0


@njit(
    types.float64(
        types.float32[::1], types.Tuple((types.float64, types.float64[::1], types.int64[::1], types.float64[::1],
        types.float64[::1]))
    ),
    cache=True, nogil=True
)  # fmt: skip
def log_odds(features, model):
    """The log-odds of a shared source: bias + weights . features + hinge weights . max(0, feature - knot)."""
    total, weights, hinged, knots, hinge_weights = model
    for k in range(FEATURES):
        total += weights[k] * features[k]
    for k in range(hinged.shape[0]):
        over = features[hinged[k]] - knots[k]
        if over > 0:
            total += hinge_weights[k] * over
    return total


# --- screening --------------------------------------------------------------------------------------------------------

STEM_BITS = 1 << 15
SCREEN = 0.18  # of the weight of either text; candidates that share less were never near a match on any labelled set


# What is known of a pair before it is verified: the features that the words alone decide, and how alike the texts open,
# taken from stems that share a bit. The model's screen is a formula over them and their squares.
_GLANCE = types.UniTuple(types.int64, 6)
SCREENED = (
    CONTAINED, CONTAINED_LONG, RATIO, EVIDENCE, LENGTH, NUMBERS, NUMBERS_LONG, NUMBER_COUNT, NEW_NUMBERS, LEAD_BEST
)  # fmt: skip
OPENING_BITS = 1 << 12
CERTAIN = 0.45  # of the shorter text; pairs that share more are always verified, and texts of the same length
LITTLE = 160  # sixteenths of a nat; and texts of less weight, of which a glance says nothing
SHARED, WEIGHED, SHARED_NUMBERS, WEIGHED_NUMBERS, NUMBER_WORDS, WORDS = range(6)


@njit(_GLANCE(_U32, _U8, types.Array(types.uint64, 1, "C"), types.boolean), **BORROWING)
def glance(words, weights, stems, marks):
    """-> (weight shared with `stems`, weight, the same two of numbers, how many numbers, words) of a trace.

    Of words that stood in it before only the first counts. `stems` are STEM_BITS bits; with `marks` they are cleared
    first and become those of this trace, which then shares all it has.
    """
    shared, total, shared_numbers, numbers, number_count = 0, 0, 0, 0, 0
    if marks:
        stems[:] = 0
        for i in range(words.shape[0]):
            if 0 < weights[i] < REPEAT:
                at = words[i] & uint32(STEM_BITS - 1)
                stems[at >> uint32(6)] |= uint64(1) << uint64(at & uint32(63))
    for i in range(words.shape[0]):
        w = np.int64(weights[i])
        once = np.int64(w < REPEAT)
        w *= once
        at = words[i] & uint32(STEM_BITS - 1)
        here = np.int64((stems[at >> uint32(6)] >> uint64(at & uint32(63))) & uint64(1))
        number = once * np.int64((words[i] >> uint32(30)) & uint32(1))
        total += w
        shared += here * w
        numbers += number * (w + 16)
        shared_numbers += here * number * (w + 16)
        number_count += number
    return shared, total, shared_numbers, numbers, number_count, words.shape[0]


@njit(types.void(_U32, _U8, types.int64, types.uint64[::1]), **BORROWING)
def mark_opening(words, weights, title_words, stems):
    """Makes `stems`, OPENING_BITS bits, those of the weighty words in a title and the 2 * FIRST words behind it."""
    stems[:] = 0
    for i in range(min(words.shape[0], title_words + 2 * FIRST)):
        at = words[i] & uint32(OPENING_BITS - 1)
        stems[at >> uint32(6)] |= uint64((weights[i] & WEIGHT) > 0) << uint64(at & uint32(63))


@njit(types.float64(_U32, _U8, types.int64, types.uint64[::1]), **BORROWING)
def opening_in(words, weights, title_words, stems):
    """-> the share of a trace's first FIRST words behind its title that stand in another's opening."""
    lead, found = 0, 0
    for i in range(title_words, min(words.shape[0], title_words + FIRST)):
        w = np.int64(weights[i] & WEIGHT)
        at = words[i] & uint32(OPENING_BITS - 1)
        lead += w
        found += w * np.int64((stems[at >> uint32(6)] >> uint64(at & uint32(63))) & uint64(1))
    return found / (lead + 16.0)


@njit(types.boolean(_GLANCE, _GLANCE, types.float64, types.float64[::1]), **BORROWING)
def may_match(own, other, lead_best, screen):
    """Whether a pair is worth being verified: what `glance` says of a trace, and of another by the stems of the first.

    `lead_best` is the larger share that `opening_in` finds. `screen` is (bias, weights of SCREENED, weights of their
    squares), or empty: then all are.
    """
    if screen.shape[0] == 0:
        return True
    is_shorter = own[WEIGHED] <= other[WEIGHED]
    short, long = (own, other) if is_shorter else (other, own)
    one = 16.0
    shared, shared_numbers = float(other[SHARED]), float(other[SHARED_NUMBERS])
    contained = shared / (short[WEIGHED] + one)
    if contained >= CERTAIN or short[WEIGHED] < LITTLE or own[WORDS] == other[WORDS]:
        return True
    features = (
        contained,
        shared / (long[WEIGHED] + one),
        np.log((short[WEIGHED] + one) / (long[WEIGHED] + one)),
        np.log1p(shared / one),
        np.log1p(float(max(own[WORDS], other[WORDS]))),
        (shared_numbers + 2 * one) / (short[WEIGHED_NUMBERS] + 4 * one),
        (shared_numbers + 2 * one) / (long[WEIGHED_NUMBERS] + 4 * one),
        np.log1p(float(short[NUMBER_WORDS])),
        np.log1p(max(short[WEIGHED_NUMBERS] - shared_numbers, 0.0) / one),
        lead_best,
    )
    total = screen[0]
    for k in range(len(SCREENED)):
        total += (screen[1 + k] + screen[1 + len(SCREENED) + k] * features[k]) * features[k]
    return total >= 0


# The groups of arrays that the kernels below share; see lsh.LshIndex, matching.TraceStore, matching.Model.
_STORE = types.Tuple((_u32, _u8, _i64, _i64))  # words, weights, starts, title words << 32 | words
_MODEL = types.Tuple((types.float64, types.float64[::1], _i64, types.float64[::1], types.float64[::1]))
_SCREEN = types.float64[::1]
_SCRATCH = types.UniTuple(types.int32[::1], 2)  # word heads, word following
SAME_TEXT = 7.0  # log-odds of two texts that are equal word for word
HELD = -4.0  # log-odds of a story and a round-up that holds it: never a reason to join the two
SAME_COPY = 2.5  # log-odds from which an article is another copy of one before, whose passages are not counted again
COPIED_KEYS = 0.25  # of what an article's keys weigh: copies share more with one before


@njit(
    types.float64(
        _U32, _U8, types.int64, types.int32[::1], types.int32[::1], _U32, _U8, types.int64, types.float64, types.int64,
        _MODEL, types.float32[::1], types.float32[::1]
    ),
    cache=True, nogil=True
)  # fmt: skip
def judge(a, wa, title_a, heads, following, b, wb, title_b, gap, min_words, model, features, results):
    """`verify`, then the log-odds; texts under `min_words` words match only when they are the same, titles included.

    results[CONTAINS] stays above 0 where one text holds the other among several stories; then the log-odds are HELD.
    """
    verify(a, wa, title_a, heads, following, b, wb, title_b, gap, features, results)
    short = min(a.shape[0] - title_a, b.shape[0] - title_b) < min_words
    same_title = title_a == title_b
    if same_title:
        for k in range(title_a):
            if (a[k] ^ b[k]) & uint32(HASH) != 0:
                same_title = False
    if short:
        results[CONTAINS] = 0
        if not same_title:
            results[SAME_BODY] = 0
        return SAME_TEXT if results[SAME_BODY] > 0 else -SAME_TEXT
    odds = log_odds(features, model)
    if results[CONTAINS] > 1 or (results[CONTAINS] > 0 and odds >= NEAR):
        return HELD
    results[CONTAINS] = 0
    return max(odds, SAME_TEXT) if results[SAME_BODY] > 0 and (same_title or odds > -1) else odds


@njit(types.float64(types.int64, types.int64), **BORROWING, inline="always")
def days_between(date, other):
    """The days between two dates in milliseconds; 0 when one is unknown."""
    return 0.0 if date == UNKNOWN or other == UNKNOWN else abs(date - other) / 86_400_000.0


@njit(types.int64(types.int64), **BORROWING, inline="always")
def heads_for(words):
    """The size of the table of word heads for a trace: a power of two above 2 * words."""
    size = 64
    while size <= 2 * words:
        size *= 2
    return size


@njit(
    types.void(_I64, _I64, _I64, _STORE, types.int64, _MODEL, _SCRATCH, types.float64[::1], types.float32[:, ::1]),
    cache=True, nogil=True
)  # fmt: skip
def judge_pairs(slots_a, slots_b, dates, store, min_words, model, scratch, odds, results):
    """Judges stored articles pairwise; pairs with the same a should stand together."""
    words, weights, starts, sizes = store
    heads, following = scratch
    features = np.empty(FEATURES, np.float32)
    last = np.int64(-1)
    room = np.int64(0)
    for k in range(slots_a.shape[0]):
        sa, sb = slots_a[k], slots_b[k]
        na, ta = sizes[sa] & 0xFFFFFFFF, sizes[sa] >> 32
        nb, tb = sizes[sb] & 0xFFFFFFFF, sizes[sb] >> 32
        a, wa = words[starts[sa] : starts[sa] + na], weights[starts[sa] : starts[sa] + na]
        b, wb = words[starts[sb] : starts[sb] + nb], weights[starts[sb] : starts[sb] + nb]
        if sa != last:
            room = heads_for(na)
            index_words(a, wa, heads[:room], following)
            last = sa
        gap = days_between(dates[sa], dates[sb])
        odds[k] = judge(a, wa, ta, heads[:room], following, b, wb, tb, gap, min_words, model, features, results[k])


@njit(
    types.void(
        types.int64, types.int64, _I64, _U64, _INDEX, _STORE, _u8, types.Array(types.float32, 1, "C", readonly=True),
        _MODEL, _I64, _SEEKING, _SCRATCH, _i64, _i64, types.boolean[::1], _i64, _i64, types.float64[::1],
        types.float32[:, ::1]
    ),
    cache=True, nogil=True
)  # fmt: skip
def find_articles(
    first, count, published, sources, index, store, repeats, importance, model, limits, seeking, scratch, out_counts,
    out_qualified, out_counted, out_candidates, out_judged, out_odds, out_results
):  # fmt: skip
    """Takes the stored articles first .. first + count - 1 through mask, sketch and candidates, in order.

    limits: window, min_words, most_hits, least, most, boilerplate stories (0: none is masked). For article k of the
    batch, out_counts[k] candidates are out_candidates[k * most:], of the out_qualified[k] that there are. Weights are
    masked in place. Each article enters the index, and its passages are counted (out_counted[k]) when it is no copy,
    before the next is looked up; with `first` -1, the one article in the store's slot behind those of the index is
    looked up and leaves nothing. Of what shares a large part of its keys it is verified at once whether it is a copy:
    the first out_judged[k] candidates, whose log-odds and results stand at the same places of out_odds and out_results.
    """
    dates = index[3]
    words, weights, starts, sizes = store
    word_heads, word_following = scratch
    walked = seeking[3]
    window, min_words, most_hits, least, most, boilerplate = limits
    capacity = dates.shape[0]
    article_keys = np.empty(KEYS, np.uint32)
    key_weights = np.empty(KEYS, np.uint8)
    sums = np.empty(most, np.int64)
    features = np.empty(FEATURES, np.float32)
    longest = 0
    for k in range(count):
        longest = max(longest, sizes[(first + k) % capacity if first >= 0 else capacity] & 0xFFFFFFFF)
    draft = draft_for(longest)
    passages_at, passages = np.empty(longest + 1, np.int64), np.empty(longest + 1, np.int64)
    for k in range(count):
        slot = (first + k) % capacity if first >= 0 else capacity
        size, title = sizes[slot] & 0xFFFFFFFF, sizes[slot] >> 32
        a, wa = words[starts[slot] : starts[slot] + size], weights[starts[slot] : starts[slot] + size]
        sampled = np.int64(0)
        if boilerplate > 0:
            sampled = sample_passages(a, sources[k], repeats.shape[0], passages_at, passages)
            mask_boilerplate(wa, passages_at[:sampled], passages[:sampled], repeats, boilerplate)
        sketch(a, wa, title, min_words, importance, draft, article_keys, key_weights)
        found = out_candidates[k * most : (k + 1) * most]
        out_counts[k], out_qualified[k] = candidates(
            article_keys, key_weights, published[k], window, index, most_hits, least, most, seeking, found, sums
        )  # fmt: skip
        out_counted[k] = False
        out_judged[k] = 0
        if first < 0:
            continue
        dates[slot] = published[k]
        for j in range(KEYS):
            if walked[j] >= HOT:
                make_ring(article_keys[j], index)
        insert(first + k, article_keys, index)
        if boilerplate == 0:
            continue
        whole = np.int64(0)
        for j in range(1, KEYS):
            whole += np.int64(key_weights[j])
        best = -SAME_TEXT
        room = heads_for(size)
        for c in range(out_counts[k]):
            if sums[c] < COPIED_KEYS * whole or best >= SAME_COPY:
                break
            if c == 0:
                index_words(a, wa, word_heads[:room], word_following)
            other = found[c] % capacity
            size_b, title_b = sizes[other] & 0xFFFFFFFF, sizes[other] >> 32
            b, wb = words[starts[other] : starts[other] + size_b], weights[starts[other] : starts[other] + size_b]
            row = k * most + c
            out_odds[row] = judge(
                a, wa, title, word_heads[:room], word_following, b, wb, title_b,
                days_between(published[k], dates[other]), min_words, model, features, out_results[row]
            )  # fmt: skip
            out_judged[k] = c + 1
            best = max(best, out_odds[row])
        if best < SAME_COPY:
            out_counted[k] = True
            count_passages(passages[:sampled], repeats)


@njit(
    types.int64(
        types.int64, types.int64, _I64, _I64, _STORE, _MODEL, _SCREEN, _I64, types.float64, _SCRATCH, _I64, _I64, _I64,
        _I64, types.float64[::1], types.float32[:, ::1], _i64, _i64, types.float64[::1], types.float32[:, ::1]
    ),
    cache=True, nogil=True
)  # fmt: skip
def verify_articles(
    first, count, published, dates, store, model, screen, limits, least_odds, scratch, counts, qualified, found, judged,
    judged_odds, judged_results, out_counts, out_others, out_odds, out_results
):  # fmt: skip
    """Verifies the candidates that `find_articles` found, and tells of the matches among all.

    `counts` to `judged_results` are what it wrote; what was judged is not judged again.

    For article k of the batch, out_counts[k] = matches << 32 | candidates << 1 | truncated; its matches
    (log-odds at least `least_odds`, and what it contains or is contained in) follow those of k - 1 in out_others
    (numbers), out_odds and out_results. `dates` are those of all slots of the index. Traces are read, nothing of the
    index is, so that later articles may enter it meanwhile. -> matches in all.
    """
    words, weights, starts, sizes = store
    word_heads, word_following = scratch
    min_words, most = limits[1], limits[4]
    capacity = starts.shape[0] - 1
    features = np.empty(FEATURES, np.float32)
    stems = np.empty(STEM_BITS >> 6, np.uint64)
    opening_a, opening_b = np.empty(OPENING_BITS >> 6, np.uint64), np.empty(OPENING_BITS >> 6, np.uint64)
    total = 0
    for k in range(count):
        slot = (first + k) % capacity if first >= 0 else capacity
        size_a, title_a = sizes[slot] & 0xFFFFFFFF, sizes[slot] >> 32
        a, wa = words[starts[slot] : starts[slot] + size_a], weights[starts[slot] : starts[slot] + size_a]
        matches, compared = 0, 0
        room = heads_for(size_a)
        is_indexed = False
        own = (0, 0, 0, 0, 0, 0)
        if counts[k] > judged[k]:
            own = glance(a, wa, stems, True)
            mark_opening(a, wa, title_a, opening_a)
        for c in range(k * most, k * most + counts[k]):
            if c - k * most < judged[k]:
                compared += 1
                odds = judged_odds[c]
                out_results[total] = judged_results[c]
            else:
                other = found[c] % capacity
                size_b, title_b = sizes[other] & 0xFFFFFFFF, sizes[other] >> 32
                b, wb = words[starts[other] : starts[other] + size_b], weights[starts[other] : starts[other] + size_b]
                if size_a - title_a >= min_words <= size_b - title_b:
                    seen = glance(b, wb, stems, False)
                    if seen[SHARED] < SCREEN * min(own[WEIGHED], seen[WEIGHED]):
                        continue
                    compared += 1
                    mark_opening(b, wb, title_b, opening_b)
                    lead = max(opening_in(a, wa, title_a, opening_b), opening_in(b, wb, title_b, opening_a))
                    if not may_match(own, seen, lead, screen):
                        continue
                else:
                    compared += 1
                if not is_indexed:
                    index_words(a, wa, word_heads[:room], word_following)
                    is_indexed = True
                odds = judge(
                    a, wa, title_a, word_heads[:room], word_following, b, wb, title_b,
                    days_between(published[k], dates[other]), min_words, model, features, out_results[total]
                )  # fmt: skip
            if odds >= least_odds or out_results[total][CONTAINS] > 0:
                out_others[total] = found[c]
                out_odds[total] = odds
                total += 1
                matches += 1
        out_counts[k] = matches << 32 | compared << 1 | (1 if qualified[k] > counts[k] else 0)
    return total


@njit(_i64(types.float64[:, ::1], types.float64), cache=True, nogil=True)
def cluster(odds, least):
    """Average-linkage clustering of log-odds; -> the label of each row, the smallest row of its cluster.

    The two clusters with the highest mean log-odds between them join, of equal ones those with the smallest rows, as
    long as that mean is above `least`. odds must be symmetric.
    """
    n = odds.shape[0]
    mean = odds.copy()
    size = np.ones(n, np.float64)
    label = np.arange(n)
    alive = np.ones(n, np.uint8)
    while True:
        best = least
        x, y = -1, -1
        for i in range(n):
            if alive[i]:
                for j in range(i):
                    if alive[j] and mean[i, j] > best:
                        best = mean[i, j]
                        x, y = j, i
        if x < 0:
            return label
        for k in range(n):
            if alive[k] and k != x and k != y:
                joint = (mean[x, k] * size[x] + mean[y, k] * size[y]) / (size[x] + size[y])
                mean[x, k] = joint
                mean[k, x] = joint
        size[x] += size[y]
        alive[y] = 0
        for k in range(n):
            if label[k] == y:
                label[k] = x


@njit(types.int64(_U32, _U32, types.int64, _i64, _i64, _i64), cache=True, nogil=True)
def shared_runs(a, b, least, starts_a, starts_b, lengths):
    """Finds runs of at least `least` words that stand in both texts; -> how many were written (at most the room).

    Goes through b from its beginning and takes, at each word, the longest run that starts there, of equal ones the one
    that comes first in a; runs do not overlap in b, and do in a only where b repeats itself. At most some
    64 * (n + m) words are looked at: texts that repeat themselves endlessly are not searched to their ends.
    """
    n, m = a.shape[0], b.shape[0]
    heads = np.full(heads_for(n), -1, np.int32)
    following = np.empty(n, np.int32)
    index_words(a, np.ones(n, np.uint8), heads, following)
    mask = uint32(heads.shape[0] - 1)
    budget = 64 * (n + m)
    found = 0
    j = 0
    while j < m and found < lengths.shape[0]:
        best, where = 0, 0
        i = heads[(b[j] & uint32(STEM)) & mask]
        while i >= 0 and budget > 0:
            length = 0
            while i + length < n and j + length < m and (a[i + length] ^ b[j + length]) & uint32(HASH) == 0:
                length += 1
            budget -= length + 1
            if length >= best and length > 0:
                best, where = length, i
            i = following[i]
        if best >= least:
            starts_a[found], starts_b[found], lengths[found] = where, j, best
            found += 1
            j += best
        else:
            j += 1
    return found


# --- what replay and forgetting need ----------------------------------------------------------------------------------


@njit(types.void(_I64, _U32, _I64, _INDEX), cache=True, nogil=True)
def restore_articles(numbers, article_keys, published, index):
    """Puts articles whose keys are known into the index: those of numbers[k] are article_keys[k * KEYS:(k + 1) * KEYS].

    `numbers` ascend and are above all before them. What `insert` would have done, but for the chains: these are there
    after `chain_articles`, which makes all of them at once, and before which nothing may be looked up or inserted.
    """
    postings, heads, state, dates = index[:4]
    capacity = dates.shape[0]
    for k in range(numbers.shape[0]):
        slot = numbers[k] % capacity
        dates[slot] = published[k]
        state[NEWEST] = numbers[k]
        if state[OLDEST] <= numbers[k] - capacity:
            state[OLDEST] = numbers[k] - capacity + 1
        live = (numbers[k] - state[OLDEST] + 1) * CHAINS_PER_ARTICLE
        for j in range(KEYS):
            key = article_keys[k * KEYS + j]
            postings[slot * KEYS + j] = key
            if key:
                state[POSTINGS] += 1
                if state[CHAINS] < live and state[CHAINS] < heads.shape[0]:
                    if state[CHAINS] == 2 * state[SPLIT_FROM]:
                        state[SPLIT_FROM] *= 2
                    state[CHAINS] += 1


@njit(types.void(_INDEX), cache=True, nogil=True)
def chain_articles(index):
    """Makes the chains of all articles in the index."""
    postings, heads, state, dates = index[:4]
    capacity = dates.shape[0]
    heads[: state[CHAINS]] = 0
    for number in range(state[OLDEST], state[NEWEST] + 1):
        slot = number % capacity
        for posting in range(slot * KEYS, (slot + 1) * KEYS):
            key = uint32(postings[posting])
            if key:
                chain = chain_of(key, state[CHAINS], state[SPLIT_FROM])
                postings[posting] = uint64(key) | uint64(heads[chain]) << uint64(32)
                heads[chain] = posting + 1


@njit(types.void(_I64, _U64, _STORE, _u8, types.int64), cache=True, nogil=True)
def recount_passages(slots, sources, store, repeats, step):
    """Counts the passages of stored articles (`step` 1) or takes them back (-1); a source of 0 leaves one out.

    A counter that has reached 255 stays there.
    """
    words, _, starts, sizes = store
    for k in range(slots.shape[0]):
        if sources[k] == uint64(0):
            continue
        count = sizes[slots[k]] & 0xFFFFFFFF
        trace = words[starts[slots[k]] : starts[slots[k]] + count]
        where, places = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
        for t in range(sample_passages(trace, sources[k], repeats.shape[0], where, places)):
            before = np.int64(repeats[places[t]])
            repeats[places[t]] = before if before == 255 else max(before + step, 0)


ERASE_STEPS = 256


@njit(types.void(types.int64, _INDEX), cache=True, nogil=True)
def erase_keys(number, index):
    """Takes an article's postings out of their chains and makes its keys zero, of one in the index or just expired.

    The chains stay in order; nothing else changes. A key behind ERASE_STEPS newer postings of its chain, one that many
    articles share, is made even instead and stays where it is: even keys match none.
    """
    postings, heads, state, dates = index[:4]
    capacity = dates.shape[0]
    slot = number % capacity
    for posting in range(slot * KEYS, (slot + 1) * KEYS):
        key = uint32(postings[posting])
        after = postings[posting] >> uint64(32)
        postings[posting] &= ~_LOW
        if number < state[OLDEST]:
            continue  # chains end before what has expired
        chain = chain_of(key, state[CHAINS], state[SPLIT_FROM])
        before, at = np.int64(-1), np.int64(heads[chain]) - 1
        last = np.int64(1) << 62
        steps = 0
        while at >= 0 and at != posting:
            found = number_at(at // KEYS, state[NEWEST], capacity)
            age = found * KEYS + at % KEYS
            if age >= last or found < state[OLDEST]:
                at = -1
                break
            if steps == ERASE_STEPS:
                postings[posting] |= uint64(key & ~uint32(1))
                break
            steps += 1
            last, before = age, at
            at = np.int64(postings[at] >> uint64(32)) - 1
        if at == posting:
            if before < 0:
                heads[chain] = after
            else:
                postings[before] = (postings[before] & _LOW) | (after << uint64(32))
            postings[posting] = uint64(0)


@njit(types.int64(_U32, uint64, _u8, _i64), cache=True, nogil=True)
def full_passages(words, source, repeats, out):
    """Writes the places of the counters of a trace's passages that have reached 255 to `out`; -> how many."""
    starts, places = np.empty(words.shape[0] + 1, np.int64), np.empty(words.shape[0] + 1, np.int64)
    count = 0
    for t in range(sample_passages(words, source, repeats.shape[0], starts, places)):
        if repeats[places[t]] == 255:
            out[count] = places[t]
            count += 1
    return count
