"""Folding: a text to the bytes that words are cut from."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.lanes import (
    LANES,
    fold_row,
    narrow_row,
    number_high,
    ones,
    row_between,
    units_between,
    zeros_below,
)
from wirecopy.detection.kernels.layout import BORROWING, I64, I64_IN, U8, U8_IN, U16_IN, U32_IN

LONGEST_NAME = 31  # letters of a character reference: &CounterClockwiseContourIntegral;
# Of what a telling character is evidence, as bench/make_unicode.py writes it.
FOREIGN, UMLAUT, U_UMLAUT, SHARP_S, DANISH, RING_LETTER, DIAERESIS, RING_MARK, PERSIAN = range(9)
ANY, DANISH_STYLE, GERMAN_STYLE = range(3)
BREVE = 0x306
_SUFFIXES = "ها هاي هايي هايش هايم تر ترين اي ام ات اش اند ايم ايد"  # as they are folded
SUFFIXES = tuple(uint64(int.from_bytes(suffix.encode(), "big")) for suffix in _SUFFIXES.split())
ME = uint64(int.from_bytes("مي".encode(), "big"))
ME_LEAST = uint64(1 << 24)  # two letters at least
BROKEN = 4  # characters that look like halves of one in UTF-8, after which a text is looked at


@njit(types.UniTuple(types.int64, 2)(U8_IN, types.int64, types.int64, U32_IN, I64_IN), **BORROWING)
def entity(source, start, end, entity_hashes, entity_codes):
    """Return (code point, position after it) of the character reference at source[start] == "&", or (-1, start + 1).

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
    while p < end and p - first < LONGEST_NAME:
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


@njit(types.int64(U8, types.int64, types.int64), **BORROWING, inline="always")
def put(out, n, code):
    """Write `code` as UTF-8 at out[n]; return the position after it."""
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


@njit(uint64(U16_IN, uint64, uint64, U8, uint64), **BORROWING)
def encode_units(units, at, to, out, n):
    """Write the characters units[at:to], none of them two units, as UTF-8 to out[n:]; return the position after them.

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


@njit(types.void(U16_IN, I64_IN, U8, I64), **BORROWING)
def encode(units, characters, out, bounds):
    """Write texts that stand behind each other in UTF-16 as UTF-8: text k, of characters[k], to out[bounds[k]:].

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


@njit(uint64(U8_IN, uint64, U8, uint64, uint64, U16_IN), **BORROWING)
def fold_pairs(source, at, out, to, leads, pair_fold):
    """Fold characters of two bytes, which begin at the bits `leads` of source[at:at + 64], to the same places of
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


@njit(types.int64(types.int64, types.int64), **BORROWING, inline="always")
def evidence_of(what, before):
    """What a mark is evidence of behind the folded byte `before`; a letter always of the same. FOREIGN of little."""
    if what == DIAERESIS:
        if before == 0x75:
            return U_UMLAUT
        return UMLAUT if before == 0x61 or before == 0x6F else RING_MARK
    if what == RING_MARK:
        return RING_LETTER if before == 0x61 else RING_MARK
    return what


@njit(types.UniTuple(types.int64, 5)(types.int64, types.UniTuple(types.int64, 4)), **BORROWING)
def weigh_evidence(what, seen):
    """Count what a letter tells of the language; return (the style of spelling that this is enough for or ANY, *seen).

    `seen` are: umlauts less the letters that German has not, how many of them are ü and ß, all umlauts, and Danish and
    Norwegian letters. Finnish and Swedish have hardly an ü; Turkish, Hungarian and Estonian have letters that count
    against it.
    """
    german, with_u, umlauts, danish = seen
    if what in (UMLAUT, U_UMLAUT):
        german += 1
        with_u += what == U_UMLAUT
        umlauts += 1
    elif what == SHARP_S:
        german += 3
        with_u += 1
    elif what in (FOREIGN, RING_LETTER):
        german = max(german - 2, -4)
    elif what == DANISH:
        danish += 1
    style = ANY
    if danish >= 2:
        style = DANISH_STYLE
    elif german >= 4 and 4 * with_u >= umlauts:
        style = GERMAN_STYLE
    return style, german, with_u, umlauts, danish


@njit(types.boolean(U8_IN, uint64, uint64), **BORROWING)
def is_affix_before(folded, begin, end):
    """Whether folded[begin:end] ends with the word می or نمی, behind which Persian writes a half-space."""
    if end < begin + uint64(4) or number_high(folded, end - uint64(4)) >> uint64(32) != ME:
        return False
    at = end - uint64(4)
    if at >= begin + uint64(2) and folded[at - uint64(2)] == 0xD9 and folded[at - uint64(1)] == 0x86:
        at -= uint64(2)
    return at == begin or folded[at - uint64(1)] < 0x61


@njit(types.boolean(U8_IN, uint64, uint64), **BORROWING)
def is_affix_after(folded, begin, end):
    """Whether the word from folded[begin] on, at most to `end`, is one before which Persian writes a half-space."""
    word = uint64(0)
    p = begin
    while p < end and folded[p] >= 0x61 and p - begin < uint64(9):
        word = (word << uint64(8)) | uint64(folded[p])
        p += uint64(1)
    if p - begin > uint64(8) or word < ME_LEAST:
        return False
    found = False
    for suffix in SUFFIXES:
        found |= word == suffix
    return found


@njit(types.int64(U8, uint64, I64), **BORROWING)
def join_affixes(folded, size, origin):
    """Take spaces between Persian words and their affixes out of folded[:size]; return the new size.

    So the half-space, which is ignored, a space and nothing are the same there: می‌کند, می کند and میکند. What else is
    joined, like compounds, is another word than when it is not.
    """
    n = uint64(0)
    for p in range(uint64(0), size):
        stands_between = folded[p] == 0x20 and n > uint64(0) and folded[n - uint64(1)] >= 0x80
        following = folded[p + uint64(1)] if stands_between and p + uint64(1) < size else 0
        if 0xD8 <= following <= 0xDB and (
            is_affix_before(folded, uint64(0), n) or is_affix_after(folded, p + uint64(1), size)
        ):
            continue
        folded[n] = folded[p]
        if origin.shape[0] > 0:
            origin[n] = origin[p]
        n += uint64(1)
    return np.int64(n)


@njit(
    types.int64(
        U8_IN, types.int64, types.int64, types.boolean, U8_IN, U16_IN, U16_IN, U32_IN, U32_IN, U32_IN, I64_IN, U8, I64
    ),
    **BORROWING,
)  # fmt: skip
def fold(
    source, start, stop, is_rewritten, ascii_fold, pair_fold, block_of, blocks, expansions, entity_hashes,
    entity_codes, out, origin
):  # fmt: skip
    """Fold the UTF-8 text source[start:stop] into `out`; return bytes written, or -1 when it must be rewritten first.

    `out` needs room for 4 * (stop - start) + 80 bytes, and 63 bytes behind the text may be read. Where `origin` is not
    empty, origin[k] becomes the position in `source` of the character that out[k] came from. The folded text is
    described in wirecopy/detection/words/text.py, what is rewritten in spellings.py beside it; a text that
    `is_rewritten` is taken as it is. Letters that languages spell differently in ASCII are folded by the first style
    that there is evidence for: from where that is clear, the text is folded again, once.
    """
    n = uint64(0)
    track = origin.shape[0] > 0
    p = uint64(start)
    end = uint64(stop)
    style = ANY
    german, with_u, umlauts, danish = 0, 0, 0, 0
    broken, is_persian = 0, False
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
            if b == 0xC2 and code != 0xA0 and at > uint64(start + 1) and source[at - uint64(2)] == 0xC3:
                broken += 1
                if broken >= BROKEN and not is_rewritten:
                    return -1
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
        if kind == 1 or kind == 4 or kind == 9:
            n = uint64(put(out, n, (code + (value & 0x1FFFFF)) & 0x1FFFFF))
            german = max(german - 2 * (kind == 9), -4)  # a letter that German has not
        elif kind == 3:
            out[n] = 0x0F
            n = uint64(put(out, n + uint64(1), (code + (value & 0x1FFFFF)) & 0x1FFFFF))
        elif kind == 0 or (kind == 6 and (b == 0x26 or is_rewritten)):  # a part of a character stands alone
            out[n] = 0x20
            n += uint64(1)
        elif kind == 5:
            first = (value & 0xFFFFFF) >> 5
            for k in range(first, first + (value & 31)):
                if expansions[k] >> 31:
                    out[n] = 0x0F
                    n += uint64(1)
                n = uint64(put(out, n, expansions[k] & 0x1FFFFF))
        elif kind == 7:
            previous = np.int64(out[n - uint64(1)]) if n > uint64(0) else 0
            what = evidence_of(value & 31, previous)
            is_persian |= what == PERSIAN
            if code == BREVE and previous == 0x83 and n > uint64(1) and out[n - uint64(2)] == 0xD1 and not is_rewritten:
                return -1  # Uzbek ў, decomposed
            spelling = expansions[((value & 0xFFFFFF) >> 5) + style]
            if spelling:
                n = uint64(put(out, n, spelling & 0xFFFF))
                if spelling >> 16:
                    n = uint64(put(out, n, spelling >> 16))
            elif style == GERMAN_STYLE and what in (UMLAUT, U_UMLAUT):
                n = uint64(put(out, n, 0x65))
            elif style == DANISH_STYLE and what == RING_LETTER:
                n = uint64(put(out, n, 0x61))
            elif what == FOREIGN and not 0x61 <= previous <= 0x7A:
                what = RING_MARK
            if style == ANY:
                style, german, with_u, umlauts, danish = weigh_evidence(what, (german, with_u, umlauts, danish))
                if style != ANY:
                    p, n, broken = uint64(start), uint64(0), 0
                    continue
        elif kind == 8 and (b == 0x26 or is_rewritten):
            n = uint64(put(out, n, (code + (value & 0x1FFFFF)) & 0x1FFFFF))
        elif kind == 6 or kind == 8:
            return -1
        if track:
            for k in range(before, n):
                origin[k] = at
    return join_affixes(out, n, origin) if is_persian else np.int64(n)
