"""Passages: what the articles of a source repeat, found in their stored traces, and taken back."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.index.sizes import title_words_of, words_of
from wirecopy.detection.kernels.passages import GRAM, repeated_stretches


class Stretch(NamedTuple):
    """Words `start` to `end` - 1 of an article's trace, title first, all of which its source repeats.

    `digest` tells one wording from another; `passages` are the counters of its repeated passages, by their places.
    """

    number: int
    start: int
    end: int
    title_words: int
    digest: int
    passages: list[int]


def find_stretches(
    numbers: npt.NDArray[np.int64],
    slots: npt.NDArray[np.int64],
    source: int,
    store: tuple[npt.NDArray[Any], ...],
    repeats: npt.NDArray[np.uint8],
    least: int,
) -> list[Stretch]:
    """Return what would be masked today in stored articles of a source, article by article."""
    sizes = store[3][slots]
    words = int(words_of(sizes).sum())
    room = words // GRAM + 1
    articles, starts, ends, bounds = (np.empty(room + 1, np.int64) for _ in range(4))
    digests, passages = np.empty(room, np.uint64), np.empty(words, np.int64)
    found, _ = repeated_stretches(
        slots, np.uint64(source), store, repeats, least, articles, starts, ends, digests, bounds, passages
    )
    columns = (
        numbers[articles[:found]],
        starts[:found],
        ends[:found],
        title_words_of(sizes)[articles[:found]],
        digests[:found],
    )
    edges = bounds[: found + 1].tolist()
    return [
        Stretch(number, start, end, title_words, digest, passages[edges[k] : edges[k + 1]].tolist())
        for k, (number, start, end, title_words, digest) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]
