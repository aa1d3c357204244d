"""The sizes of a trace in one number, as `kernels.layout.STORE` wants it: title words above, all words below."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
Sizes = TypeVar("Sizes", int, I64)

_BITS = 32
_ALL_WORDS = (1 << _BITS) - 1


def pack(title_words: I64, words: I64) -> I64:
    """Return one number for each trace."""
    packed: Any = title_words << _BITS | words
    return packed  # type: ignore[no-any-return]


def words_of(sizes: Sizes) -> Sizes:
    """Return how many words a trace has, those of the title among them."""
    return sizes & _ALL_WORDS


def title_words_of(sizes: Sizes) -> Sizes:
    """Return how many of its words, the first ones, are of the title."""
    return sizes >> _BITS
