"""Words: folded bytes to one number a word, the trace."""

import numpy as np
from numba import types, uint8, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.folding import fold
from wirecopy.detection.kernels.lanes import (
    LANES,
    number_high,
    number_low,
    ones,
    put_places,
    row_at_most,
    row_between,
    zeros_below,
)
from wirecopy.detection.kernels.layout import (
    BORROWING,
    HASH,
    I32,
    I64,
    I64_IN,
    NUMBER,
    PRIME_1,
    PRIME_2,
    QUOTED,
    STEM,
    U8,
    U8_IN,
    U16_IN,
    U32,
    U32_IN,
    U64,
    mix,
)
from wirecopy.detection.kernels.quotations import mark_quoted, quotation_marks, quote_after

STEM_LETTERS = 5
TOP = uint64(0x8080808080808080)  # the highest bit of each of eight bytes
FIRST_EAST_ASIAN = 0xE3  # first bytes of Chinese and Japanese characters, between which spaces say nothing
SPARE = LANES  # places that are written behind the last word
FARTHEST = (1 << 31) - 1 - LANES  # bytes of a folded text in which words are found: places are numbers of 32 bits
# A folded text that is not all ASCII, has marks, is in a script without spaces, has Latin beside Cyrillic letters.
WIDE, MARKED, SPACELESS, MIXED = 1, 2, 4, 8


@njit(uint32(uint64, uint64, types.int64), **BORROWING, inline="always")
def word_hash(total, tail, length):
    """The 30-bit hash of a word from its whole 8-byte parts (`total`) and the rest (`tail`)."""
    return uint32(mix(total ^ (tail * PRIME_2) ^ (uint64(length) << uint64(56))) >> uint64(34))


@njit(uint32(U8_IN, types.int64, types.int64), **BORROWING)
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
        total = (total ^ whole) * PRIME_1
        total ^= total >> uint64(29)
    tail = (whole >> uint64(8)) >> (uint64(56) - uint64(8) * length)
    h = word_hash(total, tail, p - uint64(begin))
    return ((h & uint32(HASH ^ STEM)) | stem) if characters > uint64(STEM_LETTERS) else h


@njit(uint32(U8_IN, types.int64, types.int64), **BORROWING)
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
            total = (total ^ tail) * PRIME_1
            total ^= total >> uint64(29)
            tail = uint64(0)
        p += 1
    return word_hash(total, tail, length) | uint32(NUMBER)


@njit(types.UniTuple(types.int64, 3)(U8_IN, types.int64, types.int64, I32, I32, U64, U64), **BORROWING)
def find_words(folded, size, most, first, last, rows, grouped):
    """Find words of letters and numbers in folded[:size]; return (how many, at most `most`, how many `grouped`,
    traits).

    Word k is folded[first[k]:last[k]]. `grouped` gets the words that are numbers with marks before three digits, one
    for each mark. For each row of LANES bytes `rows` gets the bits where words start, and how many start before it.
    Traits: WIDE, MARKED, MIXED and SPACELESS, which ends the search. There is room for SPARE words more in `first` and
    `last`, and folded[size:size + 128] may be read.
    """
    end = uint64(min(size, FARTHEST))
    found, ended, groups = uint64(0), uint64(0), uint64(0)
    wide, marks, spaceless, mixed = uint64(0), uint64(0), uint64(0), uint64(0)
    cyrillic_before = uint64(0)
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
        if wide:
            latin = row_between(folded, base, 0x61, 0x7A) & inside
            cyrillic = row_between(folded, base, 0xD0, 0xD4) & inside  # first bytes of two
            latin_before = base > uint64(0) and 0x61 <= folded[base - uint64(1)] <= 0x7A
            mixed |= cyrillic & ((latin << uint64(1)) | uint64(latin_before))
            mixed |= latin & ((cyrillic << uint64(2)) | cyrillic_before)
            cyrillic_before = cyrillic >> uint64(62)
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
    traits = (
        (WIDE if wide else 0) | (MARKED if marks else 0) | (SPACELESS if spaceless else 0) | (MIXED if mixed else 0)
    )
    return np.int64(min(ended, uint64(most))), np.int64(groups), np.int64(traits)


@njit(types.int64(U8_IN, types.int64, I32, I32, U64, U32), **BORROWING)
def hash_words(folded, count, first, last, parts, out):
    """out[k] becomes the hash of the word folded[first[k]:last[k]] of ASCII under 16 bytes; return bytes of the
    longest.

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
        total = whole * PRIME_1
        total ^= total >> uint64(29)
        tail = ((rest if is_long else whole) >> uint64(8)) >> (uint64(56) - uint64(8) * (length & uint64(7)))
        h = word_hash(total if is_long else uint64(0), tail, length)
        stem = word_hash(uint64(0), whole >> uint64(24), STEM_LETTERS)
        stemmed = ((h & uint32(HASH ^ STEM)) | (stem & uint32(STEM))) if length > uint64(STEM_LETTERS) else h
        out[k] = h | uint32(NUMBER) if is_number else stemmed
    return np.int64(longest)


@njit(types.int64(U8_IN, types.int64, I32, I32, U64, U32), **BORROWING)
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
        total_one = one * PRIME_1
        total_one ^= total_one >> uint64(29)
        total_two = (total_one ^ two) * PRIME_1
        total_two ^= total_two >> uint64(29)
        total_three = (total_two ^ three) * PRIME_1
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


@njit(uint32(uint32, U32_IN, U32_IN), **BORROWING, inline="always")
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


@njit(types.int64(U8_IN, types.int64, U32_IN, U32_IN, types.int64, types.int64, U32, I32, I32), **BORROWING)
def words_in_turn(folded, size, scale_words, scale_values, longest_quote, most, out, first, last):
    """What `words` does, of texts in any script, one word after the other."""
    n = 0
    quote = 0
    quote_since = 0
    after_number = False
    letters_end, spaces_end = ~uint64(0), uint64(0)  # of the last word of letters, of spaces passed over
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
            letters_end = p
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
                is_east_asian = code >= FIRST_EAST_ASIAN
                p += uint64(1)
                while p < end and 0x80 <= folded[p] < 0xC0:
                    code = (code << uint64(8)) | uint64(folded[p])
                    p += uint64(1)
                if run > 0:
                    out[n] = (uint32(mix(previous * PRIME_1 ^ code) >> uint64(34))) | flag
                    first[n], last[n] = begin, p
                    n += 1
                begin = at
                previous = code
                run += 1
                b = folded[p]
                if (b == 0x20 or b == 0x1F) and is_east_asian and p >= spaces_end:  # each space is passed over once
                    spaces_end = p
                    while spaces_end < end and (folded[spaces_end] == 0x20 or folded[spaces_end] == 0x1F):
                        spaces_end += uint64(1)
                    if folded[spaces_end] == 0x0F and folded[spaces_end + uint64(1)] >= FIRST_EAST_ASIAN:
                        p, b = spaces_end, folded[spaces_end]
            if run == 1 and n < most:
                out[n] = uint32(mix(previous * PRIME_2) >> uint64(34)) | flag
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
                is_apostrophe = p - uint64(1) == letters_end if b == 0x0B else p < end and folded[p] >= 0x61
                after = quote_after(quote, np.int64(b), is_apostrophe)
                if after >= 0:
                    quote, quote_since = after, n
        if quote and n - quote_since > longest_quote:
            quote = 0
    return n


@njit(types.int64(types.int64, types.int64), **BORROWING)
def scratch_for(size, most):
    """How many numbers of scratch `words` needs for `size` bytes of folded text and at most `most` words."""
    return 2 * ((size >> 6) + 1) + (size >> 2) + 5 * min(size, most)


@njit(
    types.int64(U8_IN, types.int64, types.boolean, U32_IN, U32_IN, types.int64, types.int64, U32, I32, I32, U64),
    **BORROWING,
)
def words(folded, size, is_rewritten, scale_words, scale_values, longest_quote, most, out, first, last, scratch):
    """Cut the folded text folded[:size] into words; return how many were written to `out` (at most `most`), or -1.

    -1: a word of Latin and Cyrillic letters must be rewritten first, unless the text `is_rewritten`.

    out[k] is 30 bits of hash, bit 30 for a number, bit 31 inside quotation marks; its bytes are
    folded[first[k]:last[k]]. What follows a number is `scaled`, so that "1.2 mln" and "1.2 million" agree.
    folded[size] must be a separator, and 127 bytes behind it readable; `out`, `first` and `last` have room for SPARE
    words more than that, or than there are bytes; for `scratch` see `scratch_for`.
    """
    behind_rows = 2 * ((size >> 6) + 1)
    behind_grouped = behind_rows + (size >> 2)
    rows, grouped, parts = scratch[:behind_rows], scratch[behind_rows:behind_grouped], scratch[behind_grouped:]
    count, groups, traits = find_words(folded, size, most, first, last, rows, grouped)
    if traits & MIXED and not is_rewritten:
        return -1
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
        if k < count and (j == 0 or grouped[j - 1] != grouped[j]):  # once, however many marks it has
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
        U8_IN, I64_IN, types.int64,
        types.Tuple((U8_IN, U16_IN, U16_IN, U32_IN, U32_IN, U32_IN, I64_IN)), U32_IN, U32_IN,
        types.int64, types.int64, types.boolean, U8, U32, I64, U8
    ),
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
    is_rewritten,
    folded,
    out,
    out_bounds,
    failed,
):
    """Fold and cut the UTF-8 texts source[bounds[k]:bounds[k + 1]] for k >= begin; return how many it got through.

    Words go to out[out_bounds[k]:out_bounds[k + 1]]; failed[k] is set where the text must be rewritten first and has
    no words yet; none must where they are (`is_rewritten`). Stops early, before the first text whose words might not
    fit `out`. `folded` is scratch of 4 * longest text + 144 bytes; 63 bytes behind the last text may be read. The last
    SPARE of `out` are scratch.
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
            source, bounds[k], bounds[k + 1], is_rewritten, ascii_fold, pair_fold, block_of, blocks, expansions,
            entity_hashes, entity_codes, folded, nowhere64
        )  # fmt: skip
        failed[k] = size < 0
        if size > 0:
            folded[size] = 0x20
            found = words(
                folded, size, is_rewritten, scale_words, scale_values, longest_quote, room, out[n:], first, last,
                scratch
            )  # fmt: skip
            failed[k] = found < 0
            n += max(found, 0)
        out_bounds[k + 1] = n
    return count
