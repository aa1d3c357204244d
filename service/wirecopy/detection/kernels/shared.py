"""Shared words: runs that stand in both of two traces."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.lanes import ROW, differing_in_row, zeros_above, zeros_below
from wirecopy.detection.kernels.layout import (
    BORROWING,
    HASH,
    I32,
    I32_IN,
    I64,
    MOST_OCCURRENCES,
    STEM,
    U8,
    U8_IN,
    U32_IN,
    WEIGHT,
)

RUN = 3  # words that stand together in both texts make a shared run
PASSING = 3  # times that a word of no topic comes in two texts together
DIAGONALS = 64


@njit(types.void(U32_IN, U8_IN, types.int32[::1], types.int32[::1]), **BORROWING)
def index_words(words, weights, heads, following):
    """Chain the positions of the weighty words by stem, the last position first; heads has 2 ** b > n entries."""
    mask = uint32(heads.shape[0] - 1)
    heads[:] = -1
    for i in range(words.shape[0]):
        if weights[i] & WEIGHT:
            at = (words[i] & uint32(STEM)) & mask
            following[i] = heads[at]
            heads[at] = i


@njit(types.int64(U32_IN, types.int64, U32_IN, types.int64), **BORROWING)
def alike_ahead(a, i, b, j):
    """Return how many words of two traces agree from a[i] and b[j] on, one beside the other."""
    most = min(a.shape[0] - i, b.shape[0] - j)
    for k in range(0, most - ROW + 1, ROW):
        differing = differing_in_row(a, i + k, b, j + k, HASH)
        if differing != 0:
            return k + np.int64(zeros_below(differing))
    for k in range(most // ROW * ROW, most):
        if (a[uint64(i + k)] ^ b[uint64(j + k)]) & uint32(HASH) != 0:
            return k
    return most


@njit(types.int64(U32_IN, types.int64, U32_IN, types.int64), **BORROWING)
def alike_behind(a, i, b, j):
    """Return how many words of two traces agree before a[i] and b[j], one beside the other."""
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
    types.UniTuple(types.int64, 2)(U32_IN, U8_IN, U8, types.int64, U32_IN, U8_IN, U8, types.int64, types.int64),
    **BORROWING
)  # fmt: skip
def mark_run(a, wa, run_a, i, b, wb, run_b, j, length):
    """Mark the words of a run from a[i] and b[j] on; return (the weight of both texts, how many are quoted in both)."""
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
_SHARED = types.UniTuple(I32, 2)
_FOUND = types.UniTuple(types.int32[:, ::1], 2)


@njit(
    types.UniTuple(types.int64, 2)(
        U32_IN, U8_IN, I32, I32, types.int64, U32_IN, U8_IN, types.int64, _SHARED, _FOUND, I32, I32
    ),
    nogil=True
)  # fmt: skip
def meet(a, wa, heads, following, window_a, b, wb, window_b, shared, found, near_a, near_b):
    """Bring the words of two traces together that have a stem in common, b's last one first.

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
    types.UniTuple(types.int64, 2)(U32_IN, U8_IN, U8, U32_IN, U8_IN, U8, I32_IN, I32_IN, types.int64),
    nogil=True
)  # fmt: skip
def follow_runs(a, wa, run_a, b, wb, run_b, near_a, near_b, nears):
    """Mark the runs of RUN equal words and more around pairs of equal words, a[near_a[k]] and b[near_b[k]].

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


@njit(types.int64(types.int64), **BORROWING, inline="always")
def heads_for(words):
    """The size of the table of word heads for a trace: a power of two above 2 * words."""
    size = 64
    while size <= 2 * words:
        size *= 2
    return size


@njit(types.int64(U32_IN, U32_IN, types.int64, I64, I64, I64), nogil=True)
def shared_runs(a, b, least, starts_a, starts_b, lengths):
    """Find runs of at least `least` words that stand in both texts; return how many were written (at most the room).

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
