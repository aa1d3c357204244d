"""Passes: candidates and verification for whole blocks of articles."""

import numpy as np
from numba import types

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.crowds import leave_crowds
from wirecopy.detection.kernels.index import candidates, insert, make_ring
from wirecopy.detection.kernels.judging import days_between, judge
from wirecopy.detection.kernels.keys import draft_for, sketch
from wirecopy.detection.kernels.layout import (
    CONTAINS,
    FEATURES,
    FOLLOW_UP,
    I64,
    I64_IN,
    INDEX_ARRAYS,
    KEYS,
    MODEL,
    OPENING_BITS,
    SAME_TEXT,
    SCRATCH,
    SEEKING,
    SHARED,
    STEM_BITS,
    STORE,
    U8,
    U64_IN,
    WEIGHED,
)
from wirecopy.detection.kernels.passages import count_passages, mask_boilerplate, sample_passages
from wirecopy.detection.kernels.screening import glance, mark_opening, may_match, opening_in
from wirecopy.detection.kernels.shared import heads_for, index_words

HOT = 16  # postings of a key, seen along its chain, from which it is given a ring
SCREEN = 0.18  # of the weight of either text; candidates that share less were never near a match on any labelled set
_SCREEN = types.float64[::1]
SAME_COPY = 2.5  # log-odds from which an article is another copy of one before, whose passages are not counted again
COPIED_KEYS = 0.25  # of what an article's keys weigh: copies share more with one before


@njit(
    types.void(
        types.int64, types.int64, I64_IN, U64_IN, U64_IN, INDEX_ARRAYS, STORE, U8,
        types.Array(types.float32, 1, "C", readonly=True), MODEL, I64_IN, SEEKING, SCRATCH, I64, I64,
        types.boolean[::1], I64, I64, types.float64[::1], types.float32[:, ::1]
    ),
    nogil=True
)  # fmt: skip
def find_articles(
    first, count, published, sources, outlets, index, store, repeats, importance, model, limits, seeking, scratch,
    out_counts, out_qualified, out_counted, out_candidates, out_judged, out_odds, out_results
):  # fmt: skip
    """Take the stored articles first .. first + count - 1 through mask, sketch and candidates, in order.

    `outlets` are the sources of all slots, 0 where none is known. limits: window, min_words, most_hits, least, most,
    boilerplate stories (0: none is masked). For article k of the batch, out_counts[k] candidates are
    out_candidates[k * most:], of the out_qualified[k] that there are. Weights are masked in place. Each article enters
    the index, but for keys that a crowd of others like it has (`crowds`), and its passages are counted (out_counted[k])
    when it is no copy, before the next is looked up; with `first` -1, the one article in the store's slot behind those
    of the index is
    looked up and leaves nothing. Of what shares a large part of its keys it is verified at once whether it is a copy:
    the first out_judged[k] candidates, whose log-odds and results stand at the same places of out_odds and out_results.
    """
    dates = index[3]
    words, weights, starts, sizes = store
    word_heads, word_following = scratch
    walked, kin = seeking[3], seeking[4]
    window, min_words, most_hits, least, most, boilerplate = limits
    capacity = dates.shape[0]
    article_keys = np.empty(KEYS, np.uint32)
    key_weights = np.empty(KEYS, np.uint8)
    sums = np.empty(most, np.int64)
    features = np.empty(FEATURES, np.float32)
    longest = 0
    for k in range(count):
        longest = max(longest, sizes[(first + k) % capacity if first >= 0 else capacity] & 0xFFFFFFFF)
    draft = draft_for(longest)
    passages_at, passages = np.empty(longest + 1, np.int64), np.empty(longest + 1, np.int64)
    for k in range(count):
        slot = (first + k) % capacity if first >= 0 else capacity
        size, title = sizes[slot] & 0xFFFFFFFF, sizes[slot] >> 32
        a, wa = words[starts[slot] : starts[slot] + size], weights[starts[slot] : starts[slot] + size]
        sampled = np.int64(0)
        if boilerplate > 0:
            sampled = sample_passages(a, sources[k], repeats.shape[0], passages_at, passages)
            mask_boilerplate(wa, passages_at[:sampled], passages[:sampled], repeats, boilerplate)
        sketch(a, wa, title, min_words, importance, draft, article_keys, key_weights)
        found = out_candidates[k * most : (k + 1) * most]
        out_counts[k], out_qualified[k] = candidates(
            article_keys, key_weights, published[k], window, index, most_hits, least, most, seeking, found, sums
        )  # fmt: skip
        out_counted[k] = False
        out_judged[k] = 0
        if first < 0:
            continue
        dates[slot] = published[k]
        for j in range(KEYS):
            if walked[j] >= HOT:
                make_ring(article_keys[j], index)
        leave_crowds(first + k, kin, article_keys)
        insert(first + k, article_keys, index)
        if boilerplate == 0:
            continue
        whole = np.int64(0)
        for j in range(1, KEYS):
            whole += np.int64(key_weights[j])
        best = -SAME_TEXT
        room = heads_for(size)
        for c in range(out_counts[k]):
            if sums[c] < COPIED_KEYS * whole or best >= SAME_COPY:
                break
            if c == 0:
                index_words(a, wa, word_heads[:room], word_following)
            other = found[c] % capacity
            size_b, title_b = sizes[other] & 0xFFFFFFFF, sizes[other] >> 32
            b, wb = words[starts[other] : starts[other] + size_b], weights[starts[other] : starts[other] + size_b]
            row = k * most + c
            out_odds[row] = judge(
                a, wa, title, word_heads[:room], word_following, b, wb, title_b,
                days_between(published[k], dates[other]), outlets[slot] != 0 and outlets[slot] == outlets[other],
                min_words, model, features, out_results[row]
            )  # fmt: skip
            out_judged[k] = c + 1
            best = max(best, out_odds[row])
        if best < SAME_COPY:
            out_counted[k] = True
            count_passages(passages[:sampled], repeats)


@njit(
    types.int64(
        types.int64, types.int64, I64_IN, I64_IN, U64_IN, STORE, MODEL, _SCREEN, I64_IN, types.float64, SCRATCH, I64_IN,
        I64_IN, I64_IN, I64_IN, types.float64[::1], types.float32[:, ::1], I64, I64, types.float64[::1],
        types.float32[:, ::1]
    ),
    nogil=True
)  # fmt: skip
def verify_articles(
    first, count, published, dates, outlets, store, model, screen, limits, least_odds, scratch, counts, qualified,
    found, judged, judged_odds, judged_results, out_counts, out_others, out_odds, out_results
):  # fmt: skip
    """Verify the candidates that `find_articles` found, and tell of the matches among all.

    `counts` to `judged_results` are what it wrote; what was judged is not judged again.

    For article k of the batch, out_counts[k] = matches << 32 | candidates << 1 | truncated; its matches (log-odds at
    least `least_odds`, what it contains or is contained in, and follow-ups) follow those of k - 1 in out_others
    (numbers), out_odds and out_results. `dates` and `outlets` are those of all slots of the index. Traces are read,
    nothing of the index is, so that later articles may enter it meanwhile. -> matches in all.
    """
    words, weights, starts, sizes = store
    word_heads, word_following = scratch
    min_words, most = limits[1], limits[4]
    capacity = starts.shape[0] - 1
    features = np.empty(FEATURES, np.float32)
    stems = np.empty(STEM_BITS >> 6, np.uint64)
    opening_a, opening_b = np.empty(OPENING_BITS >> 6, np.uint64), np.empty(OPENING_BITS >> 6, np.uint64)
    total = 0
    for k in range(count):
        slot = (first + k) % capacity if first >= 0 else capacity
        size_a, title_a = sizes[slot] & 0xFFFFFFFF, sizes[slot] >> 32
        a, wa = words[starts[slot] : starts[slot] + size_a], weights[starts[slot] : starts[slot] + size_a]
        matches, compared = 0, 0
        room = heads_for(size_a)
        is_indexed = False
        own = (0, 0, 0, 0, 0, 0)
        if counts[k] > judged[k]:
            own = glance(a, wa, stems, True)
            mark_opening(a, wa, title_a, opening_a)
        for c in range(k * most, k * most + counts[k]):
            if c - k * most < judged[k]:
                compared += 1
                odds = judged_odds[c]
                out_results[total] = judged_results[c]
            else:
                other = found[c] % capacity
                size_b, title_b = sizes[other] & 0xFFFFFFFF, sizes[other] >> 32
                b, wb = words[starts[other] : starts[other] + size_b], weights[starts[other] : starts[other] + size_b]
                if size_a - title_a >= min_words <= size_b - title_b:
                    seen = glance(b, wb, stems, False)
                    if seen[SHARED] < SCREEN * min(own[WEIGHED], seen[WEIGHED]):
                        continue
                    compared += 1
                    mark_opening(b, wb, title_b, opening_b)
                    lead = max(opening_in(a, wa, title_a, opening_b), opening_in(b, wb, title_b, opening_a))
                    if not may_match(own, seen, lead, screen):
                        continue
                else:
                    compared += 1
                if not is_indexed:
                    index_words(a, wa, word_heads[:room], word_following)
                    is_indexed = True
                odds = judge(
                    a, wa, title_a, word_heads[:room], word_following, b, wb, title_b,
                    days_between(published[k], dates[other]), outlets[slot] != 0 and outlets[slot] == outlets[other],
                    min_words, model, features, out_results[total]
                )  # fmt: skip
            if odds >= least_odds or out_results[total][CONTAINS] > 0 or out_results[total][FOLLOW_UP] > 0:
                out_others[total] = found[c]
                out_odds[total] = odds
                total += 1
                matches += 1
        out_counts[k] = matches << 32 | compared << 1 | (1 if qualified[k] > counts[k] else 0)
    return total
