"""Every compiled loop of the project.

Arrays and scalars in, arrays out. Callers validate, kernels assume; each precondition stands in the docstring.
Signatures are explicit, so that nothing compiles in the middle of a request, and inputs are declared read-only,
which also takes writable arrays. Each kernel has a plain twin of the same name in tests/reference.py.
"""

from numba import njit, types, uint32, uint64

_U8 = types.Array(types.uint8, 1, "C", readonly=True)
_U32 = types.Array(types.uint32, 1, "C", readonly=True)
_I64 = types.Array(types.int64, 1, "C", readonly=True)
_u8, _u32, _i32, _i64 = types.uint8[::1], types.uint32[::1], types.int32[::1], types.int64[::1]

NUMBER = 1 << 30
QUOTED = 1 << 31
HASH = (1 << 30) - 1
STEM = (1 << 24) - 1
STEM_LETTERS = 5

_P1 = uint64(0x9E3779B185EBCA87)
_P2 = uint64(0xC2B2AE3D27D4EB4F)


@njit(uint64(uint64), cache=True, nogil=True, inline="always")
def mix(value):
    """A bijection of 64-bit values with good avalanche (the finalizer of MurmurHash3, Appleby 2011)."""
    value ^= value >> uint64(33)
    value *= uint64(0xFF51AFD7ED558CCD)
    value ^= value >> uint64(33)
    value *= uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> uint64(33)
    return value


@njit(types.UniTuple(types.int64, 2)(_U8, types.int64, types.int64, _U32, _I64), cache=True, nogil=True)
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
                digit = b - 0x30
            elif base == 16 and 0x61 <= (b | 0x20) <= 0x66:
                digit = (b | 0x20) - 0x57
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


@njit(types.int64(_u8, types.int64, types.int64), cache=True, nogil=True, inline="always")
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


@njit(
    types.int64(
        _U8, types.int64, types.int64, _U8, types.Array(types.uint16, 1, "C", readonly=True), _U32, _U32, _U32, _I64,
        _u8, _i64
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def fold(source, start, end, ascii_fold, block_of, blocks, expansions, entity_hashes, entity_codes, out, origin):
    """Folds the UTF-8 text source[start:end] into `out`; -> bytes written, or -1 when it must be composed (NFC) first.

    `out` needs room for 4 * (end - start) + 16 bytes. Where `origin` is not empty, origin[k] becomes the position in
    `source` of the character that out[k] came from. The folded text is described in wirecopy/detection/text.py.
    """
    n = 0
    track = origin.shape[0] > 0
    p = start
    while p < end:
        b = source[p]
        at = p
        if b < 0x80 and b != 0x26:
            out[n] = ascii_fold[b]
            if track:
                origin[n] = at
            n += 1
            p += 1
            continue
        if b == 0x26:
            code, after = entity(source, p, end, entity_hashes, entity_codes)
            while code == 0x26:
                nested, beyond = entity(source, after - 1, end, entity_hashes, entity_codes)
                if nested < 0:
                    break
                code, after = nested, beyond
            p = after
            if code < 0:
                code = 0x20
        elif b < 0xE0:
            code = ((b & 0x1F) << 6) | (source[p + 1] & 0x3F)
            p += 2
        elif b < 0xF0:
            code = ((b & 0x0F) << 12) | ((source[p + 1] & 0x3F) << 6) | (source[p + 2] & 0x3F)
            p += 3
        else:
            code = ((b & 7) << 18) | ((source[p + 1] & 0x3F) << 12) | ((source[p + 2] & 0x3F) << 6)
            code |= source[p + 3] & 0x3F
            p += 4
        value = blocks[(uint64(block_of[code >> 8]) << uint64(8)) | uint64(code & 0xFF)]
        kind = value >> 24
        before = n
        if kind == 3:
            out[n] = 0x0F
            n = put(out, n + 1, (code + (value & 0x1FFFFF)) & 0x1FFFFF)
        elif kind == 1 or kind == 4:
            n = put(out, n, (code + (value & 0x1FFFFF)) & 0x1FFFFF)
        elif kind == 0:
            out[n] = 0x20
            n += 1
        elif kind == 5:
            first = (value & 0xFFFFFF) >> 5
            for k in range(first, first + (value & 31)):
                if expansions[k] >> 31:
                    out[n] = 0x0F
                    n += 1
                n = put(out, n, expansions[k] & 0x1FFFFF)
        elif kind == 6:
            return -1
        if track:
            for k in range(before, n):
                origin[k] = at
    return n


@njit(uint32(uint64, uint64, types.int64), cache=True, nogil=True, inline="always")
def word_hash(total, tail, length):
    """The 30-bit hash of a word from its whole 8-byte parts (`total`) and the rest (`tail`)."""
    return uint32(mix(total ^ (tail * _P2) ^ (uint64(length) << uint64(56))) >> uint64(34))


@njit(types.int64(_U8, types.int64, _U32, _U32, types.int64, _u32, _i32, _i32), cache=True, nogil=True)
def words(folded, size, scale_words, scale_values, longest_quote, out, first, last):
    """Cuts the folded text folded[:size] into words; -> how many were written to `out` (at most out.shape[0]).

    out[k] is 30 bits of hash, bit 30 for a number, bit 31 inside quotation marks. Where `first` and `last` are not
    empty they get the word's byte range in `folded`. `scale_words` (sorted) maps hashes that follow a number to
    `scale_values`, so that "1.2 mln" and "1.2 million" agree. folded[size] must be readable and a separator.
    """
    n = 0
    limit = out.shape[0]
    track = first.shape[0] > 0
    quote = 0  # what opened the quotation: 0 none, else the control byte
    quote_since = 0
    after_number = False
    p = 0
    while p < size and n < limit:
        b = folded[p]
        if b >= 0x61:  # a word of letters (all bytes of UTF-8 sequences are above "a")
            begin = p
            total = uint64(0)
            tail = uint64(0)
            letters = 0
            stem = uint32(0)
            while b >= 0x61:
                if b & 0xC0 != 0x80:
                    if letters == STEM_LETTERS:
                        stem = word_hash(total, tail, p - begin) & uint32(STEM)
                    letters += 1
                tail = (tail << uint64(8)) | uint64(b)
                p += 1
                if (p - begin) & 7 == 0:
                    total = (total ^ tail) * _P1
                    total ^= total >> uint64(29)
                    tail = uint64(0)
                b = folded[p]
            h = word_hash(total, tail, p - begin)
            if letters > STEM_LETTERS:
                h = (h & uint32(HASH ^ STEM)) | stem
            if after_number:
                after_number = False
                low, high = 0, scale_words.shape[0]
                while low < high:
                    middle = (low + high) >> 1
                    if scale_words[middle] < h:
                        low = middle + 1
                    else:
                        high = middle
                if low < scale_words.shape[0] and scale_words[low] == h:
                    h = scale_values[low]
            if quote:
                h |= uint32(QUOTED)
            out[n] = h
            if track:
                first[n] = begin
                last[n] = p
            n += 1
        elif 0x30 <= b <= 0x39:
            begin = p
            total = uint64(0)
            tail = uint64(0)
            length = 0
            while True:
                tail = (tail << uint64(8)) | uint64(b)
                length += 1
                if length & 7 == 0:
                    total = (total ^ tail) * _P1
                    total ^= total >> uint64(29)
                    tail = uint64(0)
                p += 1
                b = folded[p]
                if 0x30 <= b <= 0x39:
                    continue
                if (b == 0x2C or b == 0x2E or b == 0x1F) and p + 1 < size and 0x30 <= folded[p + 1] <= 0x39:
                    q = p + 2
                    while q < size and 0x30 <= folded[q] <= 0x39 and q - p <= 4:
                        q += 1
                    if q - p == 4:  # three digits: thousands
                        p += 1
                        b = folded[p]
                        continue
                    if b != 0x1F:
                        tail = (tail << uint64(8)) | uint64(0x2E)
                        length += 1
                        if length & 7 == 0:
                            total = (total ^ tail) * _P1
                            total ^= total >> uint64(29)
                            tail = uint64(0)
                        p += 1
                        b = folded[p]
                        continue
                break
            h = word_hash(total, tail, length) | uint32(NUMBER)
            if quote:
                h |= uint32(QUOTED)
            out[n] = h
            if track:
                first[n] = begin
                last[n] = p
            n += 1
            after_number = True
        elif b == 0x0F:  # a run of characters of a script without spaces
            previous = uint64(0)
            run = 0
            begin = p
            flag = uint32(QUOTED) if quote else uint32(0)
            while b == 0x0F and n < limit:
                at = p
                p += 1
                code = uint64(folded[p])
                p += 1
                while p < size and 0x80 <= folded[p] < 0xC0:
                    code = (code << uint64(8)) | uint64(folded[p])
                    p += 1
                if run > 0:
                    out[n] = (uint32(mix(previous * _P1 ^ code) >> uint64(34))) | flag
                    if track:
                        first[n] = begin
                        last[n] = p
                    n += 1
                begin = at
                previous = code
                run += 1
                b = folded[p]
            if run == 1 and n < limit:
                out[n] = uint32(mix(previous * _P2) >> uint64(34)) | flag
                if track:
                    first[n] = begin
                    last[n] = p
                n += 1
            after_number = False
        else:
            p += 1
            if b != 0x20 and b < 0x20:
                if b == 0x0A:
                    quote = 0
                elif b == 0x01 or (b == 0x0E and p < size and folded[p] == 0x0E):
                    if b == 0x0E:
                        p += 1
                    quote = 0 if quote == 0x01 else 0x01
                    quote_since = n
                elif b == 0x03:  # opens in English, closes what „ opened in German
                    quote = 0 if quote == 0x02 else 0x03
                    quote_since = n
                elif b == 0x04:  # closes; opens in Swedish and Finnish
                    quote = 0 if quote else 0x04
                    quote_since = n
                elif b == 0x05:
                    quote = 0 if quote == 0x06 else 0x05
                    quote_since = n
                elif b == 0x06:
                    quote = 0 if quote == 0x05 else 0x06
                    quote_since = n
                elif b == 0x02 or b == 0x07:
                    quote = b
                    quote_since = n
                elif b == 0x08:
                    quote = 0
                elif b == 0x0B and quote == 0:
                    quote = b
                    quote_since = n
                elif b == 0x0C and quote == 0x0B and (p >= size or folded[p] < 0x61):
                    quote = 0
        if quote and n - quote_since > longest_quote:
            quote = 0
    return n


@njit(
    types.int64(
        _U8, _I64, types.int64, types.Tuple((_U8, types.Array(types.uint16, 1, "C", readonly=True), _U32, _U32, _U32, _I64)),
        _U32, _U32, types.int64, types.int64, _u8, _u32, _i64, _u8
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
    4 * longest text + 16 bytes.
    """
    ascii_fold, block_of, blocks, expansions, entity_hashes, entity_codes = fold_tables
    nowhere = out[:0].view(types.int32)
    nowhere64 = out_bounds[:0]
    n = out_bounds[begin]
    count = bounds.shape[0] - 1
    for k in range(begin, count):
        room = min(max_words, bounds[k + 1] - bounds[k])
        if n + room > out.shape[0]:
            return k
        size = fold(
            source, bounds[k], bounds[k + 1], ascii_fold, block_of, blocks, expansions, entity_hashes, entity_codes,
            folded, nowhere64
        )  # fmt: skip
        failed[k] = size < 0
        if size > 0:
            folded[size] = 0x20
            n += words(folded, size, scale_words, scale_values, longest_quote, out[n : n + room], nowhere, nowhere)
        out_bounds[k + 1] = n
    return count
