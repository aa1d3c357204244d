"""Course: where along a text the shared words and the runs lie, and what two titles have in common."""

import numpy as np
from numba import types, uint32

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.layout import BORROWING, I32_IN, REPEAT, STEM, U8_IN, U32_IN, WEIGHT

COURSE = 6
IN_LONG_RUNS, IN_LONGER_RUNS, GROUPS, GROUPED_WORDS, CENTRE, FOUND_OF_TITLE = range(COURSE)
LONG_RUN, LONGER_RUN = 8, 16  # words


@njit(types.void(U8_IN, types.int64, I32_IN, U8_IN, types.float32[::1]), **BORROWING)
def follow_course(weights, title_words, shared, runs, course):
    """Write the COURSE of one side of a pair.

    The weight of marked words that stand LONG_RUN together and more, and LONGER_RUN; how many such groups of any length
    there are, and words in them; the centre of what is shared behind the title, between 0 (the first word) and 1, by
    weight; the share of the title that is shared.
    """
    count = weights.shape[0]
    body = 0.0
    for i in range(title_words, count):
        body += np.float64(weights[i] & WEIGHT)
    before, moment, mass = 0.0, 0.0, 0.0
    for i in range(title_words, count):
        w = np.float64(weights[i] & WEIGHT)
        here = np.float64(shared[i] >= 0)
        moment += here * w * before
        mass += here * w
        before += w
    title, title_shared = 0.0, 0.0
    for i in range(title_words):
        w = np.float64(weights[i] & WEIGHT)
        title += w
        title_shared += w * np.float64(shared[i] >= 0)
    long, longer, groups, words = 0.0, 0.0, 0, 0
    length, weight = 0, 0.0
    for i in range(count + 1):
        if i < count and runs[i]:
            length += 1
            weight += np.float64(weights[i] & WEIGHT)
        elif length > 0:
            groups += 1
            words += length
            long += weight * np.float64(length >= LONG_RUN)
            longer += weight * np.float64(length >= LONGER_RUN)
            length, weight = 0, 0.0
    course[IN_LONG_RUNS], course[IN_LONGER_RUNS] = long, longer
    course[GROUPS], course[GROUPED_WORDS] = groups, words
    course[CENTRE] = (moment / (body + 1.0) + 8.0) / (mass + 16.0)
    course[FOUND_OF_TITLE] = title_shared / (title + 16.0)


@njit(
    types.UniTuple(types.float64, 2)(U32_IN, U8_IN, types.int64, U32_IN, U8_IN, types.int64), **BORROWING
)  # fmt: skip
def compare_titles(a, wa, title_a, b, wb, title_b):
    """Return the shares of two titles' distinct words, by weight, that stand in the other; the smaller one first."""
    common, all_a, all_b = 0.0, 0.0, 0.0
    for j in range(title_b):
        all_b += np.float64(wb[j]) * np.float64(wb[j] < REPEAT)
    for i in range(title_a):
        if wa[i] >= REPEAT:
            continue
        all_a += np.float64(wa[i])
        for j in range(title_b):
            if wb[j] < REPEAT and (a[i] ^ b[j]) & uint32(STEM) == 0:
                common += np.float64(min(wa[i], wb[j]))
                break
    return common / (max(all_a, all_b) + 16.0), common / (min(all_a, all_b) + 16.0)
