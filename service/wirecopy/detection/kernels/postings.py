"""Postings: the candidates of the index found without one, from postings that are sorted by key.

What `index.candidates` looks up article by article, a cluster finds key by key: the same newest `RING` postings of each
key, of these the first `most_hits` within the dates. Sums over keys are taken by the caller.
"""

from numba import types

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.index import RING, UNKNOWN_MINUTE, minute_of, near_minutes
from wirecopy.detection.kernels.keys import draft_for, sketch
from wirecopy.detection.kernels.layout import I64, I64_IN, U8_IN, U32_IN


@njit(
    types.void(
        U32_IN, U8_IN, I64_IN, I64_IN, types.int64, types.Array(types.float32, 1, "C", readonly=True),
        types.uint32[:, ::1], types.uint8[:, ::1]
    ),
    nogil=True
)  # fmt: skip
def keys_of(words, weights, bounds, title_words, min_words, importance, keys, key_weights):
    """Write to keys[k] and key_weights[k] what `keys.sketch` says of the trace words[bounds[k]:bounds[k + 1]]."""
    longest = 0
    for k in range(bounds.shape[0] - 1):
        longest = max(longest, bounds[k + 1] - bounds[k])
    draft = draft_for(longest)
    for k in range(bounds.shape[0] - 1):
        first, last = bounds[k], bounds[k + 1]
        own = words[first:last], weights[first:last]
        sketch(own[0], own[1], title_words[k], min_words, importance, draft, keys[k], key_weights[k])


@njit(types.void(I64_IN, I64), nogil=True)
def minutes_of(dates, minutes):
    """Write the minute of each date, as the index compares them."""
    for k in range(dates.shape[0]):
        minutes[k] = minute_of(dates[k])


@njit(
    types.int64(
        types.int64, types.int64, U32_IN, I64_IN, I64_IN, U8_IN, U8_IN, types.int64, types.int64, I64, I64, I64
    ),
    nogil=True
)  # fmt: skip
def shared_keys(first, last, keys, numbers, minutes, rarities, context, reach, most_hits, own, others, shared):
    """Find for the postings first .. last - 1, sorted by key and number, the earlier articles with the same key.

    Postings with `context` are only found, and do not look. `reach` is the window in minutes. Return how many were
    found: their numbers are in `others`, those of the articles that looked in `own`, the rarity of the key in
    `shared`. There must be room for `most_hits` of each.
    """
    found = 0
    for t in range(first, last):
        if context[t]:
            continue
        first_minute, last_minute = near_minutes(minutes[t], reach)
        hits = 0
        for b in range(t - 1, max(t - RING, 0) - 1, -1):
            if keys[b] != keys[t] or hits == most_hits:
                break
            if minutes[b] == UNKNOWN_MINUTE or first_minute <= minutes[b] <= last_minute:
                own[found], others[found], shared[found] = numbers[t], numbers[b], rarities[t]
                found += 1
                hits += 1
    return found


@njit(types.void(I64_IN, I64_IN, I64), nogil=True)
def join_ends(left, right, root):
    """Make root[n] the smallest of all that n is connected with by the pairs (left[k], right[k])."""
    for n in range(root.shape[0]):
        root[n] = n
    for k in range(left.shape[0]):
        a, b = left[k], right[k]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        root[max(a, b)] = min(a, b)
    for n in range(root.shape[0]):
        root[n] = root[root[n]]
