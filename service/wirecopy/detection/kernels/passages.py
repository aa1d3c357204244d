"""Passages: stretches that a source repeats, counted by sampled runs of words."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.layout import (
    BORROWING,
    HASH,
    I64,
    I64_IN,
    PRIME_1,
    REPEAT,
    STORE,
    U8,
    U8_IN,
    U32,
    U32_IN,
    U64_IN,
    WEIGHT,
)

# --- boilerplate ------------------------------------------------------------------------------------------------------

GRAM = 6  # words of a passage whose repetition by one source is counted
SAMPLED = 3  # a passage is counted when these low bits of its hash are zero


@njit(uint64(U32_IN, types.int64, uint64), **BORROWING, inline="always")
def gram_hash(words, i, source):
    """Hash of words[i:i + GRAM] within a source; equal passages of one source have equal hashes."""
    h = source
    for k in range(GRAM):
        h = (h ^ uint64(words[i + k] & uint32(HASH))) * PRIME_1
        h ^= h >> uint64(32)
    return h


@njit(types.int64(U32_IN, uint64, types.int64, I64, I64), **BORROWING)
def sample_passages(words, source, counters, starts, places):
    """Write where each sampled passage of a trace starts, and which of `counters` (2 ** b) is its own; return how many.

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


@njit(types.int64(U8, I64_IN, I64_IN, U8_IN, types.int64), **BORROWING)
def mask_boilerplate(weights, starts, places, repeats, least):
    """Set the weight of words in passages that the source repeated in `least` stories to 0; return words masked.

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


@njit(types.void(I64_IN, U8), **BORROWING)
def count_passages(places, repeats):
    """Count the sampled passages of an article that is no copy of one before; count saturate at 255."""
    for t in range(places.shape[0]):
        repeats[places[t]] += np.uint8(repeats[places[t]] < 255)


@njit(
    types.UniTuple(types.int64, 2)(
        I64_IN, uint64, types.Tuple((U32, U8, I64, I64)), U8_IN, types.int64, I64, I64, I64,
        types.uint64[::1], I64, I64
    ),
    nogil=True
)  # fmt: skip
def repeated_stretches(
    slots, source, store, repeats, least, out_articles, out_starts, out_ends, out_digests, out_bounds, out_passages
):  # fmt: skip
    """Find the stretches of words that `mask_boilerplate` would mask in stored articles of a source.

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
                    h = (h ^ uint64(words[start + j] & uint32(HASH))) * PRIME_1
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


@njit(types.void(I64_IN, uint64, types.Tuple((U32, U8, I64, I64)), U8), nogil=True)
def clear_passages(slots, source, store, repeats):
    """Take the passages of stored articles of a source back; counters that have reached 255 start again at 0."""
    words, _, starts, sizes = store
    for k in range(slots.shape[0]):
        count = sizes[slots[k]] & 0xFFFFFFFF
        trace = words[starts[slots[k]] : starts[slots[k]] + count]
        where, places = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
        for t in range(sample_passages(trace, source, repeats.shape[0], where, places)):
            before = np.int64(repeats[places[t]])
            repeats[places[t]] = 0 if before == 255 else max(before - 1, 0)


@njit(types.void(I64_IN, U64_IN, STORE, U8, types.int64), nogil=True)
def recount_passages(slots, sources, store, repeats, step):
    """Count the passages of stored articles (`step` 1) or takes them back (-1); a source of 0 leaves one out.

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


@njit(types.int64(U32_IN, uint64, U8, I64), nogil=True)
def full_passages(words, source, repeats, out):
    """Write the places of the counters of a trace's passages that have reached 255 to `out`; return how many."""
    starts, places = np.empty(words.shape[0] + 1, np.int64), np.empty(words.shape[0] + 1, np.int64)
    count = 0
    for t in range(sample_passages(words, source, repeats.shape[0], starts, places)):
        if repeats[places[t]] == 255:
            out[count] = places[t]
            count += 1
    return count
