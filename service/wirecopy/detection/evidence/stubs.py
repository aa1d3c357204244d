"""Stubs: pages of which only a notice came: a paywall, a cookie wall, "page not found", under an article's headline.

The same notice stands under many headlines, and says nothing of any of them. So two equal texts are no evidence where
their headlines share no word, and neither text speaks of what is in its own headline: an agency's text under two
headlines of two newsrooms speaks of both. That is told from the two articles alone: it needs no list of notices, in no
language, and no memory.
"""

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.layout import HASH, STEM, WEIGHT

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

_LEAST_TITLE = 2  # words with weight; a shorter headline says too little
_MOST_WORDS = 400  # of a notice
_SPEAKS = 0.34  # of a headline's words with weight that stand in the text


def are_stubs(a: U32, a_weights: U8, a_title: int, b: U32, b_weights: U8, b_title: int) -> bool:
    """Return whether two articles, title first, share nothing but a notice that speaks of neither headline."""
    if not a_title or not b_title or not 0 < len(a) - a_title == len(b) - b_title <= _MOST_WORDS:
        return False
    if not np.array_equal(a[a_title:] & HASH, b[b_title:] & HASH):
        return False
    one, other = _stems(a[:a_title], a_weights[:a_title]), _stems(b[:b_title], b_weights[:b_title])
    if min(len(one), len(other)) < _LEAST_TITLE or one & other:
        return False
    spoken_of = set((a[a_title:] & STEM).tolist())
    return all(len(stems & spoken_of) < _SPEAKS * len(stems) for stems in (one, other))


def _stems(words: U32, weights: U8) -> set[int]:
    return set((words[(weights & WEIGHT) > 0] & STEM).tolist())
