"""How rare each word is: a shipped prior, and what this stream has seen.

The rarity of a stem is ln((N + N0) / (df + N0 * p)) in nats: N articles were seen, df of them with the stem, and the
prior counts as N0 more articles, a share p of them with the stem (p = exp(-UNSEEN) for what the prior does not know).
A word that two articles share stands in those two at least. Where they were counted beforehand, df says so; where a
stream is taken in order they come later, and both N and df are greater by OWN: else the same pair would look rarer
in order than ahead, and the model knows only pairs that were counted.
So five articles alone are weighed by the prior, and a language that the prior has never seen is known after some
hundreds. Stems are counted in a table of 2 ** 22 slots without keys: bounded memory, and stems that share a slot only
look a little less rare than they are.

An archive of one topic holds the names of that topic everywhere. They are no function words for that: what the prior
knows is never more than FADES nats less rare than the prior says, and what it does not know (names and numbers, above
all) never more than UNSEEN_FADES below UNSEEN. Where the prior does not know most of what the articles hold, their
language is not in it: then all is learnt from the stream, function words too.

Weights change only in epochs. An epoch is a table of rarities, begun at the numbers of counted articles that
`next_epoch_start` gives; all keys and weights of an article are made under one epoch.
"""

from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.layout import REPEAT, STEM
from wirecopy.detection.kernels.weights import TERM_SLOTS, count_terms, weigh
from wirecopy.detection.words.text import Traces

PRIOR_ARTICLES = 2000.0
UNSEEN = 9.0  # nats
MOST = 9.5  # nats; rarity is cut here, so that it means the same in small and in large streams
FADES, UNSEEN_FADES = 3.0, 4.0  # nats
FOREIGN = 0.6  # of all words of all articles, each once an article: of which the prior does not know more, is foreign
OWN = 2.0  # articles that hold a word that two share, when those two are not among the counted
STEPS = 16  # per nat
UNKNOWN = 255  # in the prior: of which it says nothing


def next_epoch_start(counted: int) -> int:
    """Return the number of counted articles at which the epoch after the one of `counted` articles begins.

    64, 256, 1024, 4096, 16384, 65536, 262144, then every 262144 articles.
    """
    start = 64
    while start <= counted:
        start = start * 4 if start < 262144 else start + 262144
    return start


@cache
def prior() -> npt.NDArray[np.uint8]:
    """(2 ** 22,) how rare the stems of each slot are in the prior, in sixteenths of a nat; `UNKNOWN`: none is in it."""
    with resources.files("wirecopy").joinpath("data/prior.npz").open("rb") as file, np.load(file) as data:
        words, rarity = data["words"], data["rarity"]
    least = np.full(TERM_SLOTS, UNKNOWN, dtype=np.uint8)
    np.minimum.at(least, words & (TERM_SLOTS - 1), rarity)
    return least


@cache
def prior_rarity() -> npt.NDArray[np.uint8]:
    """Return the rarities of epoch 0, when nothing has been counted."""
    return rarity_of(np.zeros(TERM_SLOTS, dtype=np.uint32), 0, OWN)


def rarity_of(counts: npt.NDArray[np.uint32], articles: int, own: float = 0.0) -> npt.NDArray[np.uint8]:
    """Return (2 ** 22,) uint8, the rarity of each slot in sixteenths of a nat, for `articles` counted so far.

    `own` of these are still to come: 0 or OWN.
    """
    share = np.exp(-np.minimum(np.arange(256) / STEPS, UNSEEN))

    def rarity(times: Any, expected: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
        nats = np.log((articles + own + PRIOR_ARTICLES) / (times + own + PRIOR_ARTICLES * expected))
        rounded: npt.NDArray[np.uint8] = np.round(np.clip(nats, 0.0, MOST) * STEPS).astype(np.uint8)
        return rounded

    table = rarity(0, share)[prior()]  # most slots were never counted: what they are is one of 256 values
    counted = np.flatnonzero(counts)
    known = prior()[counted]
    table[counted] = np.maximum(rarity(counts[counted], share[known]), _lowest(counts[counted], known))
    return table


def _lowest(counts: npt.NDArray[np.uint32], known: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the rarities below which counting brings no stem; `known` is what the prior says of each."""
    is_unseen = known == UNKNOWN
    if counts[is_unseen].sum() > FOREIGN * counts.sum():
        return np.zeros(len(counts), dtype=np.uint8)
    nats = np.where(is_unseen, UNSEEN - UNSEEN_FADES, known / STEPS - FADES)
    lowest: npt.NDArray[np.uint8] = np.round(np.maximum(nats, 0.0) * STEPS).astype(np.uint8)
    return lowest


class Scratch:
    """The table in which kernels tell the repeated stems of an article; it grows with the longest trace."""

    def __init__(self) -> None:
        self.seen = np.zeros(4096, dtype=np.uint64)
        self.stamp = np.zeros(1, dtype=np.int64)

    def fit(self, longest: int) -> None:
        """Make room for a trace of `longest` words; starts over before the stamps run out of 32 bits."""
        size = len(self.seen)
        while size <= 2 * longest:
            size *= 2
        if size > len(self.seen) or self.stamp[0] > 2**32 - 2**20:
            self.seen = np.zeros(size, dtype=np.uint64)
            self.stamp[0] = 0


class TermWeights:
    """The counts of a stream and the rarities of its current epoch."""

    def __init__(self) -> None:
        self.counts = np.zeros(TERM_SLOTS, dtype=np.uint32)
        self.counted = 0
        self.epoch = 0
        self.rarity = prior_rarity()
        self._scratch = Scratch()

    def count(self, traces: Traces) -> None:
        """Count the stems of some articles, each once per article. The epoch does not change."""
        self._scratch.fit(traces.longest)
        count_terms(traces.words, traces.bounds, self.counts, self._scratch.seen, self._scratch.stamp)
        self.counted += len(traces)

    def uncount(self, words: npt.NDArray[np.uint32]) -> None:
        """Take the stems of one article back; how many articles were counted stays, and so does the epoch."""
        stems = np.unique(words & np.uint32(STEM))
        slots, times = np.unique(stems & np.uint32(TERM_SLOTS - 1), return_counts=True)
        self.counts[slots] -= np.minimum(self.counts[slots], times.astype(np.uint32))

    def begin_epoch(self, own: float = 0.0) -> None:
        """Take the rarities of what has been counted; `own` is OWN when it is for articles that have not been."""
        self.epoch += 1
        self.rarity = rarity_of(self.counts, self.counted, own)

    def restore(self, epoch: int, rarity: npt.NDArray[np.uint8]) -> None:
        """Take an epoch as it was stored."""
        self.epoch, self.rarity = epoch, rarity

    def weigh(self, traces: Traces, weights: npt.NDArray[np.uint8]) -> None:
        """Write the weights of all words of `traces`, see `weights.weigh`."""
        self._scratch.fit(traces.longest)
        weigh(traces.words, traces.bounds, self.rarity, weights, self._scratch.seen, self._scratch.stamp)


IMPORTANCE_POWER = 3.0


def importance() -> npt.NDArray[np.float32]:
    """(256,) what a key's uniform number is multiplied with: 1 / (rarity above common in nats) ** 3.

    Infinite for weights that make no key: none, and those of words that stood before.
    """
    nats = np.maximum(np.arange(256), 1) / 16.0
    found = (1.0 / nats**IMPORTANCE_POWER).astype(np.float32)
    found[0] = found[REPEAT:] = np.inf
    return found
