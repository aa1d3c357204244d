"""A trace in `kernels.layout.STORE`, whose sizes are one number: words of the title above, all words below."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
Sizes = TypeVar("Sizes", int, I64)

_BITS = 32
_ALL_WORDS = (1 << _BITS) - 1


def pack(title_words: I64, words: I64) -> I64:
    """Return one number for each trace."""
    packed: I64 = title_words << _BITS | words
    return packed


def words_of(sizes: Sizes) -> Sizes:
    """Return how many words a trace has, those of the title among them."""
    return sizes & _ALL_WORDS


def title_words_of(sizes: Sizes) -> Sizes:
    """Return how many of its words, the first ones, are of the title."""
    return sizes >> _BITS


def trace_at(store: tuple[npt.NDArray[Any], ...], slot: int) -> tuple[U32, U8, int]:
    """Return words, weights and title words of the trace in a slot of a store; the arrays are views."""
    words, weights, starts, sizes = store
    start, size = starts.item(slot), sizes.item(slot)
    end = start + words_of(size)
    return words[start:end], weights[start:end], title_words_of(size)
