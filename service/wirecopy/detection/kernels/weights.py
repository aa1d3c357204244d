"""Weights: how often each word occurs, and how rare that makes it."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.lanes import fetch
from wirecopy.detection.kernels.layout import BORROWING, COMMON, I64, I64_IN, STEM, U8, U8_IN, U32, U32_IN, U64, WEIGHT

# --- term weights -----------------------------------------------------------------------------------------------------

TERM_SLOTS = 1 << 22
AHEAD = uint64(32)  # words of which what is known of them is on its way from memory
OTHERS = uint64(0xFFFFFFFF)  # two entries of one article that are not the same differ in the low half only: 1 to this


@njit(types.void(U32_IN, I64_IN, U32, U64, I64), **BORROWING)
def count_terms(words, bounds, counts, seen, stamp):
    """Add 1 to counts[stem] for each distinct stem of each trace words[bounds[k]:bounds[k + 1]].

    `seen` is a hash table of 2 ** b > 2 * longest trace entries, stamp << 32 | stem; stamp[0] changes with every
    article, so that the table never has to be cleared.
    """
    mask = uint64(seen.shape[0] - 1)
    last = uint64(max(words.shape[0], 1) - 1)
    for k in range(bounds.shape[0] - 1):
        stamp[0] += 1
        now = uint64(stamp[0]) << uint64(32)
        for i in range(uint64(bounds[k]), uint64(bounds[k + 1])):
            fetch(counts, words[min(i + AHEAD, last)] & uint32(TERM_SLOTS - 1))
            stem = words[i] & uint32(STEM)
            entry = now | uint64(stem)
            at = uint64(stem) & mask
            other = seen[at] ^ entry
            while other - uint64(1) < OTHERS:
                at = (at + uint64(1)) & mask
                other = seen[at] ^ entry
            # Written in any case: whether a word came before is no branch that could be foreseen.
            counts[uint64(stem & uint32(TERM_SLOTS - 1))] += uint32(other != uint64(0))
            seen[at] = entry


@njit(types.void(U32_IN, I64_IN, U8_IN, U8, U64, I64), **BORROWING)
def weigh(words, bounds, rarity, weights, seen, stamp):
    """weights[i] = rarity of words[i] above COMMON, at most WEIGHT, plus REPEAT where its stem stood earlier.

    `rarity` has TERM_SLOTS entries in sixteenths of a nat; `seen` and `stamp` as in `count_terms`.
    """
    mask = uint64(seen.shape[0] - 1)
    last = uint64(max(words.shape[0], 1) - 1)
    for k in range(bounds.shape[0] - 1):
        stamp[0] += 1
        now = uint64(stamp[0]) << uint64(32)
        for i in range(uint64(bounds[k]), uint64(bounds[k + 1])):
            fetch(rarity, words[min(i + AHEAD, last)] & uint32(TERM_SLOTS - 1))
            word = words[i]
            stem = word & uint32(STEM)
            r = np.int32(rarity[uint64(stem & uint32(TERM_SLOTS - 1))]) - np.int32(COMMON)
            least = np.int32((word >> uint32(30)) & uint32(1))  # a number always counts a little
            w = min(max(r, least), np.int32(WEIGHT))
            entry = now | uint64(stem)
            at = uint64(stem) & mask
            other = seen[at] ^ entry
            while other - uint64(1) < OTHERS:
                at = (at + uint64(1)) & mask
                other = seen[at] ^ entry
            weights[i] = w | (np.int32(other == uint64(0)) << np.int32(7))
            seen[at] = entry
