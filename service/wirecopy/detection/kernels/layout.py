"""Layout: what several kernels must agree on: types of arguments, bits of a trace, places of features and results."""

from numba import types, uint64

from wirecopy.detection.kernels.compiling import njit

# --- types of arguments -----------------------------------------------------------------------------------------------

U8_IN = types.Array(types.uint8, 1, "C", readonly=True)
U32_IN = types.Array(types.uint32, 1, "C", readonly=True)
I64_IN = types.Array(types.int64, 1, "C", readonly=True)
I32_IN = types.Array(types.int32, 1, "C", readonly=True)
U16_IN = types.Array(types.uint16, 1, "C", readonly=True)
U8, U32, I32, I64 = types.uint8[::1], types.uint32[::1], types.int32[::1], types.int64[::1]
U64_IN, U64 = types.Array(types.uint64, 1, "C", readonly=True), types.uint64[::1]

# Of kernels that neither make an array nor keep one. They do not count who has those that they are given, which would
# take two additions per array and call that all processors see.
BORROWING = {"nogil": True, "_nrt": False}

# --- words ------------------------------------------------------------------------------------------------------------

NUMBER = 1 << 30
QUOTED = 1 << 31
HASH = (1 << 30) - 1
STEM = (1 << 24) - 1

PRIME_1 = uint64(0x9E3779B185EBCA87)
PRIME_2 = uint64(0xC2B2AE3D27D4EB4F)


@njit(uint64(uint64), **BORROWING, inline="always")
def mix(value):
    """A bijection of 64-bit values with good avalanche (the finalizer of MurmurHash3, Appleby 2011)."""
    value ^= value >> uint64(33)
    value *= uint64(0xFF51AFD7ED558CCD)
    value ^= value >> uint64(33)
    value *= uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> uint64(33)
    return value


COMMON = 32  # rarity, in sixteenths of a nat, at and below which a word carries no weight
WEIGHT = 127  # the bits of a weight; the eighth says that the word stood in the article before
REPEAT = 128


# --- keys and the index -----------------------------------------------------------------------------------------------

KEYS = 64
UNKNOWN = -(1 << 62)  # an unknown date


# Keys that many articles share have a ring: their newest RING postings side by side in memory, each with the minute
# of its article, where a chain would lead from one line of cache to another. Rings are a cache of the chains, of
# which nobody can tell whether it is there: they come and go without a trace in any result. `tags` maps a key to its
# ring (key in the low half, ring + 1 in the high half; a key has its place or the one beside it, and of two others the
# one that was used less lately goes), `rings` holds RING minutes of articles and behind them their numbers (the lower
# 32 bits), `pushed` for each ring how many there were and the number of the last.

# postings, heads, state, dates, tags, rings, pushed
INDEX_ARRAYS = types.Tuple((U64, U32, I64, I64, U64, U32, I64))
SEEKING = types.Tuple((I64, U32, I64, I64, I64))  # what `candidates` needs room for

# --- evidence ---------------------------------------------------------------------------------------------------------

FIRST = 30  # words; looked for in twice as many of the other text
MOST_OCCURRENCES = 8
FEATURES = 44
(
    CONTAINED, CONTAINED_LONG, INCIDENTAL, INCIDENTAL_LONG, RUNS, RUNS_LONG, QUOTED_RUNS, QUOTES, NUMBERS, NUMBERS_LONG,
    NUMBER_COUNT, NEW_NUMBERS, EVIDENCE, RATIO, LENGTH, SLOTS, LOCAL, HITS, HITS_LONG, LOCAL_TAIL, LOCAL_LEAD,
    LOCAL_LEAD_LONG, LEAD_LONG, LEAD_BEST, ORDER, RARE_RUN, WHOLE, TEMPLATE, TITLED, TITLES, TITLES_BEST, TITLE_FOUND,
    LONG_RUNS, LONGER_RUNS_LONG, RUN_COUNT, RUN_LENGTH, CENTRE_LONG, CENTRES_APART, HOLDS, PART, DATED, HOURS, GAP,
    SAME_OUTLET
) = range(FEATURES)  # fmt: skip
RESULTS = 8  # what `verify` returns beside the features
SHARED_WORDS, THIS_IN_OTHER, OTHER_IN_THIS, COVERED, SAME_BODY, LONGEST, CONTAINS, FOLLOW_UP = range(RESULTS)


# --- screening --------------------------------------------------------------------------------------------------------

STEM_BITS = 1 << 15
OPENING_BITS = 1 << 12
SHARED, WEIGHED, SHARED_NUMBERS, WEIGHED_NUMBERS, NUMBER_WORDS, WORDS = range(6)


# --- groups of arrays: see `index.LshIndex`, `traces.TraceStore`, `model.Model` ---------------------------------------

STORE = types.Tuple((U32, U8, I64, I64))  # words, weights, starts, title words << 32 | words
SPLITS, LEAVES = 7, 8  # of a tree of three levels
# Bias, weights, hinged features, knots, weights of hinges, features that trees ask for, thresholds, values of leaves.
MODEL = types.Tuple(
    (types.float64, types.float64[::1], I64, types.float64[::1], types.float64[::1], I64, types.float64[::1],
    types.float64[::1])
)  # fmt: skip
SCRATCH = types.UniTuple(types.int32[::1], 2)  # word heads, word following
SAME_TEXT = 7.0  # log-odds of two texts that are equal word for word
