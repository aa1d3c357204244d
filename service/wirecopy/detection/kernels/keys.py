"""Keys: the few rare words and pairs of words by which an article is found."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.lanes import LANES, ones, put_places, row_at_most
from wirecopy.detection.kernels.layout import (
    BORROWING,
    COMMON,
    HASH,
    I32,
    I64_IN,
    KEYS,
    PRIME_1,
    PRIME_2,
    REPEAT,
    STEM,
    U8,
    U8_IN,
    U32,
    U32_IN,
    U64,
    WEIGHT,
    mix,
)

WORD_KEYS = 31  # keys[0] stands for the whole text, then the rarest words, then the rarest pairs of words


SLACK = 8  # entries beyond those wanted that a guess aims at
FINITE = 0x7F7FFFFF  # the bits of the largest finite float32
ROUGHLY = 1 << 22  # added to the bits of a float32: some one and a half times as much
NUMBER_BITS = 24  # of a key's uniform number


# What `sketch` needs room for: ranks and keys of words, and of pairs, weights of pairs, and the scratch of
# `keep_smallest`.
_DRAFT = types.Tuple((U32, U32, U32, U32, U8, I32, U64, U8))


@njit(_DRAFT(types.int64), nogil=True)
def draft_for(words):
    """Return what `sketch` needs room for, of a trace of at most so many words."""
    room = words + LANES
    return (
        np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32),
        np.empty(room, np.uint8), np.empty(room, np.int32), np.empty(room, np.uint64), np.empty(1024, np.uint8)
    )  # fmt: skip


@njit(types.int64(U32_IN, types.int64, uint32, I32, U64), **BORROWING)
def keep_ranks(ranks, size, limit, places, kept):
    """Write those of ranks[:size] that are at most `limit` to `kept`, as rank << 32 | position; return how many.

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


@njit(types.int64(U32_IN, types.int64, U64, U8), **BORROWING)
def keep_distinct(keys, size, kept, seen):
    """Leave of kept[:size] the least entry of each key, at the place of the first; return how many.

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


@njit(types.void(U64, types.int64, types.int64), **BORROWING)
def drop_greatest(kept, size, most):
    """Leave the `most` least of kept[:size], which differ; the last takes the place of one that goes.

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
    types.int64(U32_IN, U32_IN, U8_IN, types.int64, types.int64, types.float64, I32, U64, U8, U32, U8), **BORROWING
)  # fmt: skip
def keep_smallest(ranks, keys, key_weights, size, most, density, places, kept, seen, out_keys, out_weights):
    """Write the `most` distinct keys of the smallest ranks, of equal ones the first, in no order; return how many.

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


@njit(uint64(U32_IN, types.int64), **BORROWING)
def hash_trace(words, first):
    """The hash of a text, of words[first:]."""
    whole = uint64(words.shape[0] - first)
    for i in range(uint64(first), uint64(words.shape[0])):
        whole = (whole ^ uint64(words[i] & uint32(HASH))) * PRIME_1
        whole ^= whole >> uint64(29)
    return mix(whole)


@njit(
    types.void(
        U32_IN, U8_IN, types.int64, types.int64, types.Array(types.float32, 1, "C", readonly=True), _DRAFT, U32, U8
    ),
    **BORROWING
)  # fmt: skip
def sketch(words, weights, title_words, min_words, importance, draft, keys, key_weights):
    """Write the KEYS keys of one trace and their rarity (sixteenths of a nat); unused keys are 0.

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
        h = mix(uint64(words[i] & uint32(STEM)) * PRIME_2)
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
            whole = (joined ^ shifted) * PRIME_1
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
        U32_IN, U8_IN, I64_IN, types.int64, types.Array(types.float32, 1, "C", readonly=True), types.uint32[:, ::1], U8
    ),
    nogil=True
)  # fmt: skip
def sketches(words, weights, bounds, min_words, importance, keys, key_weights):
    """Write to keys[k] the KEYS keys of each trace words[bounds[k]:bounds[k + 1]], which has no title.

    `key_weights` is scratch of KEYS entries.
    """
    longest = 0
    for k in range(bounds.shape[0] - 1):
        longest = max(longest, bounds[k + 1] - bounds[k])
    draft = draft_for(longest)
    for k in range(bounds.shape[0] - 1):
        first, last = bounds[k], bounds[k + 1]
        sketch(words[first:last], weights[first:last], 0, min_words, importance, draft, keys[k], key_weights)
