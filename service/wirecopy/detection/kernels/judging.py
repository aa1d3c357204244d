"""Judging: features to log-odds."""

import numpy as np
from numba import types, uint32

from wirecopy.detection.kernels.affairs import follow_up_odds
from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.features import verify
from wirecopy.detection.kernels.layout import (
    BORROWING,
    CONTAINS,
    FEATURES,
    FOLLOW_UP,
    HASH,
    I64_IN,
    LEAVES,
    MODEL,
    SAME_BODY,
    SAME_TEXT,
    SCRATCH,
    SPLITS,
    STORE,
    U8_IN,
    U32_IN,
    U64_IN,
    UNKNOWN,
)
from wirecopy.detection.kernels.shared import heads_for, index_words

JOINS = -0.9  # log-odds above which two texts belong together, whatever the shape; as `stories.LEAST`
NEAR = -6.0  # log-odds from which it is worth saying that a part of one text holds the other


@njit(types.float64(types.float32[::1], MODEL), nogil=True)
def log_odds(features, model):
    """The log-odds of a shared source: bias + weights . features + hinge weights . max(0, feature - knot) + trees.

    A tree of three levels goes left where a feature is at most its threshold, and adds the value of the leaf in which
    it ends.
    """
    total, weights, hinged, knots, hinge_weights, asked, thresholds, leaves = model
    for k in range(FEATURES):
        total += weights[k] * features[k]
    for k in range(hinged.shape[0]):
        over = features[hinged[k]] - knots[k]
        if over > 0:
            total += hinge_weights[k] * over
    for first in range(0, asked.shape[0], SPLITS):
        node = 0
        while node < SPLITS:
            node = 2 * node + 1 + np.int64(features[asked[first + node]] > thresholds[first + node])
        total += leaves[first // SPLITS * LEAVES + node - SPLITS]
    return total


HELD = -4.0  # log-odds of a story and a round-up that holds it: never a reason to join the two


@njit(
    types.float64(
        U32_IN, U8_IN, types.int64, types.int32[::1], types.int32[::1], U32_IN, U8_IN, types.int64, types.float64,
        types.boolean, types.int64, MODEL, types.float32[::1], types.float32[::1]
    ),
    nogil=True
)  # fmt: skip
def judge(a, wa, title_a, heads, following, b, wb, title_b, gap, same_outlet, min_words, model, features, results):
    """`verify`, then the log-odds; texts under `min_words` words match only when they are the same, titles included.

    results[CONTAINS] stays above 0 where one text holds the other among several stories; then the log-odds are HELD.
    results[FOLLOW_UP] is 1 where one goes on with the story of the other: only of two that share no source.
    """
    verify(a, wa, title_a, heads, following, b, wb, title_b, gap, same_outlet, features, results)
    results[FOLLOW_UP] = 0
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
    if odds < JOINS and (results[CONTAINS] > 1 or (results[CONTAINS] > 0 and odds >= NEAR)):
        return HELD
    results[CONTAINS] = 0
    if results[SAME_BODY] > 0 and (same_title or odds > -1):
        return max(odds, SAME_TEXT)
    if odds < JOINS and follow_up_odds(features) > 0:
        results[FOLLOW_UP] = 1
    return odds


@njit(types.float64(types.int64, types.int64), **BORROWING, inline="always")
def days_between(date, other):
    """The days between two dates in milliseconds; -1 when one is unknown."""
    return -1.0 if date == UNKNOWN or other == UNKNOWN else abs(date - other) / 86_400_000.0


@njit(
    types.void(
        I64_IN, I64_IN, I64_IN, U64_IN, STORE, types.int64, MODEL, SCRATCH, types.float64[::1], types.float32[:, ::1]
    ),
    nogil=True
)  # fmt: skip
def judge_pairs(slots_a, slots_b, dates, outlets, store, min_words, model, scratch, odds, results):
    """Judge stored articles pairwise; pairs with the same a should stand together."""
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
        odds[k] = judge(
            a, wa, ta, heads[:room], following, b, wb, tb, days_between(dates[sa], dates[sb]),
            outlets[sa] != 0 and outlets[sa] == outlets[sb], min_words, model, features, results[k]
        )  # fmt: skip
