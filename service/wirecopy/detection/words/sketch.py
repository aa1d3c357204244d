"""Texts by themselves -> their traces and keys: what `wirecopy.sketch` gives to programs with an index of their own."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.keys import sketches
from wirecopy.detection.kernels.layout import KEYS
from wirecopy.detection.kernels.weights import weigh
from wirecopy.detection.words import rarity, text
from wirecopy.detection.words.text import Traces

_MIN_WORDS, _MAX_WORDS = 8, 4096  # the defaults of `detection.min_words` and `detection.max_words`
_CHUNK_CHARACTERS = 1 << 20  # of the texts that are taken together: what stays in the processor's caches


class TextSketches(NamedTuple):
    """Flat arrays for all texts. Text k has words[bounds[k]:bounds[k + 1]], as many weights, and keys[k].

    `words` (uint32): one number per word, in order: 30 bits of hash, bit 30 for a number, bit 31 in quotation marks.
    `weights` (uint8): its rarity in sixteenths of a nat above 2 nats, at most 127; plus 128 where it stood before.
    `keys` (n, 64) uint32: the whole text first, then up to 31 rare words, then up to 32 rare pairs of neighbours, each
    odd, in no order; unused ones are 0. Texts that share rare words or phrases share keys; a text of under 8 words has
    only the first. They may be compared between texts, machines and runs of one version.
    """

    words: npt.NDArray[np.uint32]
    weights: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint32]


def sketch(texts: Sequence[str]) -> TextSketches:
    """Return the traces and keys of `texts`, weighed by how rare words are in the news (the shipped prior).

    A running index weighs by its own articles too, so its keys may differ. Words beyond `detection.max_words` (4,096)
    of a text are left out; any Unicode is taken, lone surrogates count as U+FFFD. The interpreter is released for all
    but the encoding of the texts.
    """
    keys = np.empty((len(texts), KEYS), dtype=np.uint32)
    words, weights = [np.empty(0, dtype=np.uint32)], [np.empty(0, dtype=np.uint8)]
    bounds = np.zeros(len(texts) + 1, dtype=np.int64)
    scratch, key_weights, importance = rarity.Scratch(), np.empty(KEYS, dtype=np.uint8), _importance()
    for first, last in _chunks(texts):
        traces = text.trace(texts[first:last], _MAX_WORDS)
        weights.append(_weigh(traces, scratch))
        sketches(traces.words, weights[-1], traces.bounds, _MIN_WORDS, importance, keys[first:last], key_weights)
        words.append(traces.words)
        bounds[first + 1 : last + 1] = traces.bounds[1:] + bounds[first]
    return TextSketches(np.concatenate(words), np.concatenate(weights), bounds, keys)


def _weigh(traces: Traces, scratch: rarity.Scratch) -> npt.NDArray[np.uint8]:
    weights = np.empty(len(traces.words), dtype=np.uint8)
    scratch.fit(int(np.diff(traces.bounds).max(initial=0)))
    weigh(traces.words, traces.bounds, _rarity(), weights, scratch.seen, scratch.stamp)
    return weights


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    first, characters = 0, 0
    for k, one in enumerate(texts):
        characters += len(one)
        if characters > _CHUNK_CHARACTERS and k > first:
            yield first, k
            first, characters = k, len(one)
    if first < len(texts):
        yield first, len(texts)


@cache
def _rarity() -> npt.NDArray[np.uint8]:
    return rarity.prior_rarity()


@cache
def _importance() -> npt.NDArray[np.float32]:
    return rarity.importance()
