"""Features: what two traces say about a shared source."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.course import (
    CENTRE,
    COURSE,
    FOUND_OF_TITLE,
    GROUPED_WORDS,
    GROUPS,
    IN_LONG_RUNS,
    IN_LONGER_RUNS,
    compare_titles,
    follow_course,
)
from wirecopy.detection.kernels.lanes import LANES, bits_of_row, ones, zeros_above, zeros_below
from wirecopy.detection.kernels.layout import (
    BORROWING,
    CENTRE_LONG,
    CENTRES_APART,
    CONTAINED,
    CONTAINED_LONG,
    CONTAINS,
    COVERED,
    DATED,
    EVIDENCE,
    FIRST,
    GAP,
    HITS,
    HITS_LONG,
    HOLDS,
    HOURS,
    I32_IN,
    I64,
    INCIDENTAL,
    INCIDENTAL_LONG,
    LEAD_BEST,
    LEAD_LONG,
    LENGTH,
    LOCAL,
    LOCAL_LEAD,
    LOCAL_LEAD_LONG,
    LOCAL_TAIL,
    LONG_RUNS,
    LONGER_RUNS_LONG,
    LONGEST,
    MOST_OCCURRENCES,
    NEW_NUMBERS,
    NUMBER_COUNT,
    NUMBERS,
    NUMBERS_LONG,
    ORDER,
    OTHER_IN_THIS,
    PART,
    QUOTED_RUNS,
    QUOTES,
    RARE_RUN,
    RATIO,
    REPEAT,
    RUN_COUNT,
    RUN_LENGTH,
    RUNS,
    RUNS_LONG,
    SAME_BODY,
    SAME_OUTLET,
    SHARED_WORDS,
    SLOTS,
    TEMPLATE,
    THIS_IN_OTHER,
    TITLE_FOUND,
    TITLED,
    TITLES,
    TITLES_BEST,
    U8,
    U8_IN,
    U32_IN,
    WEIGHT,
    WHOLE,
)
from wirecopy.detection.kernels.shared import alike_ahead, follow_runs, meet

# --- verification -----------------------------------------------------------------------------------------------------

WINDOW = 16  # words
MOST_BLOCKS = 96  # windows of a text; those of longer texts have more words
LEAD = 40  # words
IS_RARE, IS_NUMBER, IN_RUN, IS_UNSHARED = 1, 2, 4, 8  # of a word, see `verify`
MOST_GAP, MOST_HOURS = 6.0, 336.0  # days, hours; a gap above says no more
TOUCHED = 5  # words of which less than one in TOUCHED is shared speak of something else
PART_WEIGHT = 320  # rarity, in sixteenths of a nat, that a part of a round-up shares with what it is about
TOLD = 2240  # the same of all words of a text: of less it cannot be said that others have nothing to do with it
ROUND_UP = 400  # words that a round-up has more than a story in it


SUMS = 13
(
    TOTAL, TOTAL_SHARED, WORDS_SHARED, NUMBERS_ALL, NUMBERS_SHARED, PLAIN, PLAIN_RUNS, EVERY, QUOTED_WORDS,
    QUOTED_IN_RUNS, LEADING, LEADING_SHARED, NUMBERS_COUNTED
) = range(SUMS)  # fmt: skip


@njit(types.void(U32_IN, U8_IN, types.int64, I32_IN, U8_IN, types.float32[::1]), **BORROWING)
def sum_words(words, weights, title_words, shared, runs, sums):
    """Write the SUMS of one side of a pair: weights, and count of words.

    Of all words, and those that are shared, and how many those are; of numbers (each one nat more), and shared ones; of
    words outside quotation marks, and those in runs; of all occurrences, quoted ones, and those in runs; of the LEAD
    words behind the title, and shared ones; how many numbers. The first three, and numbers, only of first occurrences.
    Without branches: they would be guessed wrongly for every other word.
    """
    total, total_shared, words_shared = 0, 0, 0
    numbers, shared_numbers, number_count = 0, 0, 0
    plain, plain_runs, quoted, quoted_runs = 0, 0, 0, 0
    for i in range(words.shape[0]):
        w = np.int64(weights[i] & WEIGHT)
        once = np.int64(weights[i] < REPEAT)
        here = once * np.int64(shared[i] >= 0)
        number = np.int64((words[i] >> uint32(30)) & uint32(1))
        quote = np.int64(words[i] >> uint32(31)) * w
        run = np.int64(runs[i])
        total += once * w
        total_shared += here * w
        words_shared += here
        numbers += once * number * (w + 16)
        shared_numbers += here * number * (w + 16)
        number_count += once * number
        plain += w - quote
        plain_runs += (w - quote) * run
        quoted += quote
        quoted_runs += quote * run
    leading, leading_shared = 0, 0
    for i in range(title_words, min(words.shape[0], title_words + LEAD)):
        w = np.int64(weights[i] & WEIGHT)
        leading += w
        leading_shared += w * np.int64(shared[i] >= 0)
    sums[TOTAL], sums[TOTAL_SHARED], sums[WORDS_SHARED] = total, total_shared, words_shared
    sums[NUMBERS_ALL], sums[NUMBERS_SHARED], sums[NUMBERS_COUNTED] = numbers, shared_numbers, number_count
    sums[PLAIN], sums[PLAIN_RUNS], sums[EVERY] = plain, plain_runs, plain + quoted
    sums[QUOTED_WORDS], sums[QUOTED_IN_RUNS] = quoted, quoted_runs
    sums[LEADING], sums[LEADING_SHARED] = leading, leading_shared


@njit(
    types.boolean(U8_IN, types.int64, types.int64, I32_IN, types.int32[:, ::1], types.float32[::1]), **BORROWING
)  # fmt: skip
def local_shares(weights, title_words, window, shared, found, shares):
    """Write how much of the blocks of a text have their counterparts in two neighbouring blocks of the other.

    `shares`: of all, what stands in blocks of which two fifths have, of the second half, of the beginning. -> whether
    one part of the text holds nearly all that it shares, and the others speak of something else.
    """
    count, blocks = weights.shape[0], found.shape[0]
    part_sum, part_weight, part_shared = 0, 0, 0
    best_sum, best_weight, best_shared = 0, 0, 0
    all_weight, all_shared = 0, 0
    whole, tail, lead = np.float32(0), np.float32(0), np.float32(0)
    shares[:] = 0
    for g in range(blocks):
        sum_of_weights, sum_of_shared = 0, 0
        for i in range(uint64(g * window), uint64(min(count, (g + 1) * window))):
            w = np.int64(weights[i] & WEIGHT)
            sum_of_weights += w
            sum_of_shared += w * np.int64(shared[i] >= 0)
        if sum_of_weights == 0:
            continue
        all_weight += sum_of_weights
        all_shared += sum_of_shared
        if part_sum <= 0:
            part_sum, part_weight, part_shared = 0, 0, 0
        part_sum += TOUCHED * sum_of_shared - sum_of_weights
        part_weight += sum_of_weights
        part_shared += sum_of_shared
        if part_sum > best_sum:
            best_sum, best_weight, best_shared = part_sum, part_weight, part_shared
        weight = np.float32(sum_of_weights)
        row = found[g]
        best = np.int32(row[0])
        for o in range(row.shape[0] - 1):
            best = max(best, np.int32(row[o] + row[o + 1]))
        score = min(np.float32(best), weight)
        whole += weight
        shares[0] += score
        if score >= np.float32(0.4) * weight:
            shares[1] += weight
        if 2 * g >= blocks:
            tail += weight
            shares[2] += score
        if g * window < title_words + 3 * WINDOW:
            lead += weight
            shares[3] += score
    shares[0] /= whole + 16
    shares[1] /= whole + 16
    shares[2] /= tail + 16
    shares[3] /= lead + 16
    outside, outside_shared = all_weight - best_weight, all_shared - best_shared
    is_foreign = 2 * (outside - TOUCHED * outside_shared) >= all_weight + 16
    is_one_part = best_shared >= 2 * outside_shared and 10 * best_shared >= 3 * best_weight
    return is_foreign and is_one_part and best_shared >= PART_WEIGHT


@njit(types.float64(U8_IN, types.int64, I32_IN, types.int64), **BORROWING)
def lead_found(weights, title_words, shared, reach):
    """Return the share of the FIRST words behind the title that stand among the first `reach` words of the other
    text.
    """
    lead, found = 0, 0
    for i in range(title_words, min(weights.shape[0], title_words + FIRST)):
        w = np.int64(weights[i] & WEIGHT)
        lead += w
        found += w * np.int64(0 <= shared[i] < reach)
    return found / (lead + 16.0)


ALONG = 6
RARES, RARES_KEPT, NUMBERS_SAME, NUMBERS_CHANGED, IN_GAPS, IN_RUNS = range(ALONG)
RARE = 48  # sixteenths of a nat; rarer words are
GAP_WORDS = 5  # unshared words in a longer gap between two runs are no filled-in places


@njit(types.void(U32_IN, U8_IN, I32_IN, U8_IN, U8, I64), **BORROWING)
def look_along(words, weights, shared, run, codes, counts):
    """Add what the words of one text in their order say of a pair to `counts`.

    Of rare shared words, how many follow another, and how many keep the order; of numbers, how many stand in runs, and
    how many unshared ones right beside them, the filled-in places of a template; unshared words in short gaps between
    runs; words in runs. Where such words are is written without branches first, into `codes`, which has room for LANES
    more than there are words; they are few.
    """
    count = words.shape[0]
    for i in range(count):
        w, is_shared = weights[i], shared[i] >= 0
        is_rare = is_shared & (w > RARE) & (w < REPEAT)
        is_unshared = (not is_shared) & ((w & WEIGHT) > 0) & (run[i] == 0)
        is_number = (words[i] >> uint32(30)) & uint32(1) != 0
        codes[i] = is_rare * IS_RARE | is_number * IS_NUMBER | run[i] * IN_RUN | is_unshared * IS_UNSHARED
    codes[count : count + LANES] = 0
    rares, last_place, last_run = 0, np.int64(0), np.int64(-LANES)
    for row in range(0, count, LANES):
        bits = bits_of_row(codes, row, IS_RARE)
        while bits:
            place = np.int64(shared[uint64(row) + zeros_below(bits)])
            bits &= bits - uint64(1)
            counts[RARES_KEPT] += np.int64((rares > 0) & (place > last_place))
            rares, last_place = rares + 1, place
        bits = bits_of_row(codes, row, IN_RUN)
        counts[IN_RUNS] += np.int64(ones(bits))
        begins = bits & ~(bits << uint64(1))
        while begins:
            bit = zeros_below(begins)
            begins &= begins - uint64(1)
            i = row + np.int64(bit)
            before = bits & ((uint64(1) << bit) - uint64(1))
            if before:
                last_run = row + 63 - np.int64(zeros_above(before))
            if i - last_run <= GAP_WORDS + 1:
                for k in range(last_run + 1, i):
                    counts[IN_GAPS] += np.int64(codes[uint64(k)] & IS_UNSHARED != 0)
        if bits:
            last_run = row + 63 - np.int64(zeros_above(bits))
        bits = bits_of_row(codes, row, IS_NUMBER)
        while bits:
            i = row + np.int64(zeros_below(bits))
            bits &= bits - uint64(1)
            if run[uint64(i)]:
                counts[NUMBERS_SAME] += 1
            elif shared[uint64(i)] < 0 and ((i > 0 and run[i - 1]) or (i + 1 < count and run[i + 1])):
                counts[NUMBERS_CHANGED] += 1
    counts[RARES] += max(rares - 1, 0)


@njit(
    types.void(
        U32_IN, U8_IN, types.int64, types.int32[::1], types.int32[::1], U32_IN, U8_IN, types.int64, types.float64,
        types.boolean, types.float32[::1], types.float32[::1]
    ),
    nogil=True
)  # fmt: skip
def verify(a, wa, title_a, heads, following, b, wb, title_b, gap, same_outlet, features, results):
    """Compare two traces; write FEATURES features and RESULTS results (a is "this").

    `heads` and `following` are what `index_words` made of a. Everything is weighted by rarity: words below COMMON and
    masked boilerplate count nothing, except that masked numbers still count as numbers. `gap` is that between the dates
    in days, negative when one is unknown; `same_outlet` says that both come from one source, which is known. Of a word
    that comes often only the last MOST_OCCURRENCES places in either text can be shared: what a text names again and
    again is its topic, and the first place, which stands for the word where each counts once, says so. The features are
    described in docs/matching.md; they are the same when a and b change places.
    results[CONTAINS] is 2 when the longer text holds the shorter one and much else, 1 when one has a part about what
    the other is about, else 0.
    """
    n, m = a.shape[0], b.shape[0]
    window_a, window_b = max(WINDOW, n // MOST_BLOCKS + 1), max(WINDOW, m // MOST_BLOCKS + 1)
    blocks_a, blocks_b = n // window_a + 1, m // window_b + 1
    found_a, found_b = np.zeros((blocks_a, blocks_b), np.int32), np.zeros((blocks_b, blocks_a), np.int32)
    shared_a, shared_b = np.full(n, -1, np.int32), np.full(m, -1, np.int32)
    run_a, run_b = np.zeros(n, np.uint8), np.zeros(m, np.uint8)
    near_a, near_b = np.empty(MOST_OCCURRENCES * m + 1, np.int32), np.empty(MOST_OCCURRENCES * m + 1, np.int32)
    nears, incidental = meet(
        a, wa, heads, following, window_a, b, wb, window_b, (shared_a, shared_b), (found_a, found_b), near_a, near_b
    )  # fmt: skip
    longest, heaviest = follow_runs(a, wa, run_a, b, wb, run_b, near_a, near_b, nears)
    sums = np.empty((2, SUMS), np.float32)
    sum_words(a, wa, title_a, shared_a, run_a, sums[0])
    sum_words(b, wb, title_b, shared_b, run_b, sums[1])
    local = np.empty((2, 4), np.float32)
    is_in_part_of_a = local_shares(wa, title_a, window_a, shared_a, found_a, local[0]) and sums[1, EVERY] >= TOLD
    is_in_part_of_b = local_shares(wb, title_b, window_b, shared_b, found_b, local[1]) and sums[0, EVERY] >= TOLD
    codes, along = np.empty(max(n, m) + LANES, np.uint8), np.zeros(ALONG, np.int64)
    look_along(a, wa, shared_a, run_a, codes, along)
    look_along(b, wb, shared_b, run_b, codes, along)

    short = 0 if sums[0, TOTAL] <= sums[1, TOTAL] else 1
    s, o = sums[short], sums[1 - short]
    one = np.float32(16)  # one nat: the smoothing that keeps shares of next to nothing near 0
    changed, same_numbers = along[NUMBERS_CHANGED], along[NUMBERS_SAME]
    features[CONTAINED] = s[TOTAL_SHARED] / (s[TOTAL] + one)
    features[CONTAINED_LONG] = o[TOTAL_SHARED] / (o[TOTAL] + one)
    features[INCIDENTAL] = incidental / (s[TOTAL] + one)
    features[INCIDENTAL_LONG] = incidental / (o[TOTAL] + one)
    features[RUNS] = s[PLAIN_RUNS] / (s[PLAIN] + one)
    features[RUNS_LONG] = o[PLAIN_RUNS] / (o[PLAIN] + one)
    features[QUOTED_RUNS] = s[QUOTED_IN_RUNS] / (s[EVERY] + one)
    features[QUOTES] = s[QUOTED_WORDS] / (s[EVERY] + one)
    features[NUMBERS] = (s[NUMBERS_SHARED] + 2 * one) / (s[NUMBERS_ALL] + 4 * one)
    features[NUMBERS_LONG] = (o[NUMBERS_SHARED] + 2 * one) / (o[NUMBERS_ALL] + 4 * one)
    features[NUMBER_COUNT] = np.log1p(s[NUMBERS_COUNTED])
    features[NEW_NUMBERS] = np.log1p((s[NUMBERS_ALL] - s[NUMBERS_SHARED]) / one)
    features[EVIDENCE] = np.log1p(s[TOTAL_SHARED] / one)
    features[RATIO] = np.log((s[TOTAL] + one) / (o[TOTAL] + one))
    features[LENGTH] = np.log1p(np.float32(max(n, m)))
    features[SLOTS] = changed / np.float32(changed + same_numbers + 4)
    features[LOCAL] = local[short, 0]
    features[HITS] = local[short, 1]
    features[HITS_LONG] = local[1 - short, 1]
    features[LOCAL_TAIL] = local[short, 2]
    features[LOCAL_LEAD] = local[short, 3]
    features[LOCAL_LEAD_LONG] = local[1 - short, 3]
    features[LEAD_LONG] = o[LEADING_SHARED] / (o[LEADING] + one)
    features[LEAD_BEST] = max(
        lead_found(wa, title_a, shared_a, title_b + 2 * FIRST), lead_found(wb, title_b, shared_b, title_a + 2 * FIRST)
    )
    in_order = (along[RARES_KEPT] + 2) / np.float32(along[RARES] + 4)
    features[ORDER] = in_order if along[RARES] > 2 else np.float32(0.6)
    features[RARE_RUN] = np.log1p(heaviest / one)
    features[TEMPLATE] = along[IN_GAPS] / np.float32(along[IN_RUNS] + 20)
    body_a, body_b = n - title_a, m - title_b
    same = body_a == body_b and body_a > 0 and alike_ahead(a, title_a, b, title_b) == body_a
    features[WHOLE] = 1 if longest >= min(body_a, body_b) and longest > 0 else 0
    results[SHARED_WORDS] = s[WORDS_SHARED]
    results[THIS_IN_OTHER] = sums[0, TOTAL_SHARED] / max(sums[0, TOTAL], np.float32(1))
    results[OTHER_IN_THIS] = sums[1, TOTAL_SHARED] / max(sums[1, TOTAL], np.float32(1))
    results[COVERED] = (s[PLAIN_RUNS] + s[QUOTED_IN_RUNS]) / max(s[EVERY], np.float32(1))
    results[SAME_BODY] = 1 if same else 0
    results[LONGEST] = longest
    # A round-up, ticker or newsletter holds the other text in one part of its own, and begins with something else.
    held = features[CONTAINED] >= 0.5 and features[HITS_LONG] <= 0.35 and features[LEAD_LONG] <= 0.35
    held &= abs(n - m) >= ROUND_UP and max(n, m) >= 3 * min(n, m)
    # Of what repeats itself, only the last words are told to be shared: a long run shows two texts that are one.
    held_in_part = (is_in_part_of_a or is_in_part_of_b) and 2 * longest < max(n, m)
    results[CONTAINS] = 2 if held else 1 if held_in_part else 0
    features[HOLDS], features[PART] = np.float32(held), np.float32(held_in_part and not held)
    features[DATED], features[SAME_OUTLET] = np.float32(gap >= 0), np.float32(same_outlet)
    features[HOURS], features[GAP] = np.log1p(min(24 * max(gap, 0.0), MOST_HOURS)), min(max(gap, 0.0), MOST_GAP)
    course = np.empty((2, COURSE), np.float32)
    follow_course(wa, title_a, shared_a, run_a, course[0])
    follow_course(wb, title_b, shared_b, run_b, course[1])
    features[LONG_RUNS] = course[short, IN_LONG_RUNS] / (s[EVERY] + one)
    features[LONGER_RUNS_LONG] = course[1 - short, IN_LONGER_RUNS] / (o[EVERY] + one)
    features[RUN_COUNT] = np.log1p(course[short, GROUPS])
    features[RUN_LENGTH] = np.log1p(course[short, GROUPED_WORDS] / (course[short, GROUPS] + 1))
    features[CENTRE_LONG] = course[1 - short, CENTRE]
    features[CENTRES_APART] = abs(course[0, CENTRE] - course[1, CENTRE])
    titled = title_a > 0 and title_b > 0
    features[TITLED] = np.float32(titled)
    features[TITLES], features[TITLES_BEST] = compare_titles(a, wa, title_a, b, wb, title_b)
    features[TITLE_FOUND] = min(course[0, FOUND_OF_TITLE], course[1, FOUND_OF_TITLE]) if titled else 0
