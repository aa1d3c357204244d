"""Crowds: copies and excerpts of one another, which would take all the places that are looked at of their keys."""

from numba import types, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.layout import BORROWING, I64, I64_IN, KEYS, U32, mix

CROWD = 16  # earlier articles like one that have a key, from which the article seldom adds itself to them
HALVING = 4  # so many more halve how often it does


@njit(types.int64(I64, types.int64), **BORROWING)
def sum_in(table, number):
    """What the keys weigh that an article shares, as `candidates` adds them up; 0 where it did not."""
    mask = table.shape[0] - 1
    at = (number * 0x9E3779B1 >> 8) & mask
    while table[at] != 0 and table[at] >> 20 != number + 1:
        at = (at + 1) & mask
    return table[at] & ((1 << 20) - 1)


@njit(types.void(types.int64, I64_IN, U32), **BORROWING)
def leave_crowds(number, kin, article_keys):
    """Make those keys of an article 0 that a crowd of others like it has, so that they do not push others out.

    Copies and excerpts of one another, of which kin[k] have key k, would else take all places that are looked at: from
    CROWD on one in two adds itself, then one in four, and so on. The key of the whole text stays.
    """
    for k in range(1, KEYS):
        if kin[k] >= CROWD:
            halvings = uint64(1 + (kin[k] - CROWD) // HALVING)
            drawn = mix(uint64(number) << uint64(32) | uint64(article_keys[k]))
            if drawn & ((uint64(1) << halvings) - uint64(1)):
                article_keys[k] = 0
