"""Repeats: words that stand in an article more than once because its page was taken apart badly.

Two kinds are known of feeds and extractors: a text that begins with its own title, and passages, up to the whole body,
that were extracted twice. Each is kept once. To find passages takes one look at the words: where the hash of two words
in turn is divisible by SAMPLED, the hash of the eight from there on is looked up among the earlier ones, and what is
equal around both places is followed at most BEHIND back and as far ahead as it goes; of what was dropped no word is
looked at again.
"""

import numpy as np
from numba import types, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.layout import BORROWING, HASH, I64, I64_IN, PRIME_1, PRIME_2, U32, U32_IN, U64, mix

LEAST_TITLE = 3  # words; a shorter title that the text begins with may well be its first words
MOST_OUTLET = 6  # words behind a title, or a text that is one, that may be the outlet's name: " - The Daily Herald"
LEAST_TEXT = 8  # words behind its title without which a text is nothing but that
SAMPLED = 8
GRAM = 8  # words
LEAST_PASSAGE = 24  # words that are a passage extracted twice, and no refrain
BEHIND = 64
PLACES = 1024  # of sampled passages, at least


@njit(types.int64(U32_IN, types.int64), **BORROWING)
def repeated_title(words, title_words):
    """Return how many words of a text, behind the title in `words`, repeat it: all of it, but for an outlet's name."""
    shortest = min(title_words, words.shape[0] - title_words)
    length = 0
    while length < shortest and (words[length] ^ words[title_words + length]) & HASH == 0:
        length += 1
    if length < LEAST_TITLE or (length < title_words and length <= min(MOST_OUTLET, title_words - length)):
        return 0
    return length if title_words - length <= MOST_OUTLET else 0


@njit(uint64(U32_IN, types.int64, types.int64), **BORROWING, inline="always")
def run_hash(words, i, count):
    """The hash of words[i:i + count], whether quoted or not."""
    h = uint64(0)
    for k in range(count):
        h = (h ^ uint64(words[i + k] & HASH)) * PRIME_1
        h ^= h >> uint64(32)
    return mix(h)


@njit(types.int64(U32_IN, types.int64, types.int64, U64, types.int64, U32, I64), **BORROWING)
def keep_passages_once(words, first, n, seen, stamp, out, places):
    """Appends words[first:] to out[n:] without passages that stood before; return the end of what was written.

    `places`, where it is not empty, gets where each word stood. seen[k] holds the last place whose hash fell there, of
    articles told by `stamp`.
    """
    size = uint64(seen.shape[0] - 1)
    end = words.shape[0]
    kept = first  # words before are in `out`, or dropped
    i = first
    while i + GRAM <= end:
        if run_hash(words, i, 2) % uint64(SAMPLED) != uint64(0):
            i += 1
            continue
        h = run_hash(words, i, GRAM)
        slot = (h * PRIME_2) >> uint64(32) & size
        entry = seen[slot]
        if np.int64(entry >> uint64(32)) != stamp:
            seen[slot] = (uint64(stamp) << uint64(32)) | uint64(i)
            i += 1
            continue
        j = np.int64(entry & uint64(0xFFFFFFFF))
        ahead = 0
        while i + ahead < end and (words[i + ahead] ^ words[j + ahead]) & HASH == 0:
            ahead += 1
        back = 0
        while (
            back < BEHIND and i - back > kept and j - back > first
            and (words[i - back - 1] ^ words[j - back - 1]) & HASH == 0
        ):  # fmt: skip
            back += 1
        if ahead < GRAM or ahead + back < LEAST_PASSAGE:
            i += 1
            continue
        for k in range(kept, i - back):
            out[n] = words[k]
            if places.shape[0]:
                places[n] = k
            n += 1
        i += ahead
        kept = i
    for k in range(kept, end):
        out[n] = words[k]
        if places.shape[0]:
            places[n] = k
        n += 1
    return n


@njit(
    types.void(U32_IN, I64_IN, I64_IN, U64, types.int64, U32, I64, I64, I64), nogil=True
)  # fmt: skip
def keep_once(words, bounds, title_words, seen, stamp, out, out_bounds, out_title_words, places):
    """Write the traces words[bounds[k]:bounds[k + 1]] to `out`, each with what stands in it twice only once.

    title_words[k] are the title's; out_title_words[k] is 0 where a text is nothing but its title, whose copy is kept as
    the text then. `seen` has room for 2 ** b places, `PLACES` or half of the longest trace's words, none of which holds
    a stamp of `stamp` or more; one is used for each trace. Where `places` is not empty, places[j] becomes the place in
    `words` of out[j].
    """
    n = 0
    out_bounds[0] = 0
    for k in range(title_words.shape[0]):
        first, title, last = bounds[k], title_words[k], bounds[k + 1]
        own = words[first:last]
        begin = places.shape[0]
        repeated = repeated_title(own, title) if title else 0
        text = title + repeated
        if repeated and own.shape[0] - text < LEAST_TEXT:
            text, title = title, 0
        for j in range(title):
            out[n] = own[j]
            if begin:
                places[n] = j
            n += 1
        room = PLACES  # by this trace alone: what falls on one place must not depend on the others of the call
        while room < own.shape[0] // 2:
            room *= 2
        n = keep_passages_once(own, text, n, seen[: min(room, seen.shape[0])], stamp + k, out, places)
        out_bounds[k + 1] = n
        out_title_words[k] = title
