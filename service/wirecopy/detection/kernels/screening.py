"""Screening: which candidates are not worth a full comparison, at a glance."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.layout import (
    BORROWING,
    CONTAINED,
    CONTAINED_LONG,
    EVIDENCE,
    FIRST,
    LEAD_BEST,
    LENGTH,
    NEW_NUMBERS,
    NUMBER_COUNT,
    NUMBER_WORDS,
    NUMBERS,
    NUMBERS_LONG,
    OPENING_BITS,
    RATIO,
    REPEAT,
    SHARED,
    SHARED_NUMBERS,
    STEM_BITS,
    U8_IN,
    U32_IN,
    WEIGHED,
    WEIGHED_NUMBERS,
    WEIGHT,
    WORDS,
)

# What is known of a pair before it is verified: the features that the words alone decide, and how alike the texts open,
# taken from stems that share a bit. The model's screen is a formula over them and their squares.
_GLANCE = types.UniTuple(types.int64, 6)
SCREENED = (
    CONTAINED, CONTAINED_LONG, RATIO, EVIDENCE, LENGTH, NUMBERS, NUMBERS_LONG, NUMBER_COUNT, NEW_NUMBERS, LEAD_BEST
)  # fmt: skip
CERTAIN = 0.45  # of the shorter text; pairs that share more are always verified, and texts of the same length
LITTLE = 160  # sixteenths of a nat; and texts of less weight, of which a glance says nothing


@njit(_GLANCE(U32_IN, U8_IN, types.Array(types.uint64, 1, "C"), types.boolean), **BORROWING)
def glance(words, weights, stems, marks):
    """Return (weight shared with `stems`, weight, the same two of numbers, how many numbers, words) of a trace.

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


@njit(types.void(U32_IN, U8_IN, types.int64, types.uint64[::1]), **BORROWING)
def mark_opening(words, weights, title_words, stems):
    """Make `stems`, OPENING_BITS bits, those of the weighty words in a title and the 2 * FIRST words behind it."""
    stems[:] = 0
    for i in range(min(words.shape[0], title_words + 2 * FIRST)):
        at = words[i] & uint32(OPENING_BITS - 1)
        stems[at >> uint32(6)] |= uint64((weights[i] & WEIGHT) > 0) << uint64(at & uint32(63))


@njit(types.float64(U32_IN, U8_IN, types.int64, types.uint64[::1]), **BORROWING)
def opening_in(words, weights, title_words, stems):
    """Return the share of a trace's first FIRST words behind its title that stand in another's opening."""
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
