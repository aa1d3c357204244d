"""What a window holds: traces, keys in the index, counts of words and passages of the newest articles, by number.

    load      the traces of the next articles are stored
    restore   what was decided is put back, recomputing nothing
    forget    the oldest leave

Arrays are rings over numbers; they grow where nothing bounds them. What is done with them stands in `window`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from wirecopy.detection.evidence.model import Model, shipped_model
from wirecopy.detection.index.index import LshIndex, scratch_for
from wirecopy.detection.index.reserved import reserve
from wirecopy.detection.index.sizes import trace_at, words_of
from wirecopy.detection.index.traces import TraceStore
from wirecopy.detection.kernels.index import chain_articles, restore_articles
from wirecopy.detection.kernels.layout import KEYS, UNKNOWN
from wirecopy.detection.kernels.passages import recount_passages
from wirecopy.detection.kernels.shared import heads_for
from wirecopy.detection.words import rarity
from wirecopy.detection.words.rarity import TermWeights, importance
from wirecopy.detection.words.text import Traces

BLOCK = 256  # the cap is kept by whole blocks of numbers: before the first of a block, the oldest leave
LEAST_CAP = 4 * BLOCK
WORDS_PER_ARTICLE = 1024  # the cap on words is this times the cap on articles: twice what news articles have
REPEATS = 1 << 26  # counters of passages repeated by one source: at a million articles one in fifteen is full by chance
LONGEST_TRACE = 1_000_000  # words: a store may hold traces made under a larger `max_words` than today's
ALWAYS = 1 << 61  # milliseconds
GROWING = 1 << 21  # articles that a window which may grow has room for at once; what is not used takes no memory

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
WordIndex = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]


class Written(NamedTuple):
    """Title words, trace (uint32), weights (uint8) and keys (uint32) of one article, as bytes."""

    title_words: int
    trace: bytes
    weights: bytes
    keys: bytes


class Restored(NamedTuple):
    """Articles as they were decided, in order: arrays of one row per article, `weights` of one per word."""

    numbers: I64
    traces: Traces
    title_words: I64
    weights: npt.NDArray[np.uint8]
    keys: npt.NDArray[np.uint32]
    published: I64
    passages_of: U64
    outlets: U64


class WindowContents:
    """The newest articles: their traces, their keys in the index, counts of words and passages."""

    def __init__(
        self, *, capacity: int, window_milliseconds: int | None, min_words: int, max_words: int, max_key_articles: int,
        min_shared_rarity: float, max_candidates: int, boilerplate_stories: int, min_odds: float,
        model: Model | None = None, grows: bool = True
    ) -> None:  # fmt: skip
        """Keep at most `capacity` articles when blocks are begun with `overfull`; else it `grows`."""
        capacity = max(capacity, GROWING) if grows else capacity
        self.terms = TermWeights()
        self.loaded = 0  # the number of the next article to be loaded
        self.decided = 0  # the number of the next article to be matched
        self._is_chained = False
        self.repeats: npt.NDArray[np.uint8] = reserve(REPEATS, np.uint8)
        self._cap = capacity
        self._grows = grows
        self._word_cap = capacity * WORDS_PER_ARTICLE
        self.max_words = max_words
        self._min_odds = min_odds
        self._index = LshIndex(capacity)
        self._traces = TraceStore(capacity, 2 * self._word_cap + 4 * BLOCK * max_words)
        self._passages_of: U64 = reserve(capacity, np.uint64)  # the source whose passages were counted, or 0
        self._outlets: U64 = reserve(capacity + 1, np.uint64)  # the source of each, 0 when it is unknown
        model = model or shipped_model()
        self._model, self._screen = model.arrays(), model.screen_array(min_odds)
        self._importance = importance()
        self._sources: dict[str | None, int] = {}
        self._limits = np.array(
            [ALWAYS if window_milliseconds is None else window_milliseconds, min_words, max_key_articles,
             round(min_shared_rarity * rarity.STEPS), max_candidates, boilerplate_stories],
            dtype=np.int64,
        )  # fmt: skip
        self._seeking = scratch_for(max_key_articles)
        # One each: they may run side by side. Of verification there are as many as have run at once.
        self._finding, self._judging = word_index(), word_index()
        self._verifying: list[WordIndex] = []

    def __len__(self) -> int:
        return len(self._index)

    @property
    def oldest(self) -> int:
        """The number of the oldest article that may still be in the window."""
        return self._index.oldest

    @property
    def words(self) -> int:
        """The words of all traces in the window."""
        return self._traces.live_words

    def load(self, traces: Traces, title_words: I64) -> None:
        """Store the traces of the next articles."""
        self._fit(self.loaded + len(traces))
        self._traces.append(self.loaded, traces, title_words)
        self.loaded += len(traces)

    def learn(self, count: int) -> None:
        """Count the words of the newest `count` articles, which were loaded together."""
        self.terms.count(self._traces.part(self.decided - count, count)[0])

    def written(self, number: int) -> Written:
        """Return what was made of an article, as `restore` takes it back."""
        words, weights, title_words = trace_at(self._traces.arrays, number % self._traces.capacity)
        return Written(title_words, words.tobytes(), weights.tobytes(), self._index.keys_of(number).tobytes())

    def restore(self, articles: Restored) -> None:
        """Put articles back whose numbers follow all others; `chain` must come before anything else is asked."""
        first, count = int(articles.numbers[0]), len(articles.numbers)
        self._fit(first + count)
        slots = self._slots(articles.numbers)
        self._traces.append(first, articles.traces, articles.title_words)
        self._traces.part(first, count)[1][:] = articles.weights
        if self._is_chained:
            keys = articles.keys.reshape(count, KEYS)
            for number, own, published in zip(
                articles.numbers.tolist(), keys, articles.published.tolist(), strict=True
            ):
                self._index.add(number, own, published)
        else:
            restore_articles(articles.numbers, articles.keys, articles.published, self._index.arrays)
        self._passages_of[slots] = articles.passages_of
        self._outlets[slots] = articles.outlets
        recount_passages(slots, articles.passages_of, self._traces.arrays, self.repeats, 1)
        self.terms.count(articles.traces)
        self.loaded = self.decided = first + count

    def chain(self) -> None:
        """Make the index of all that was restored; must come before anything else but `restore`.

        What is restored after it enters the index at once.
        """
        chain_articles(self._index.arrays)
        self._is_chained = True

    def remove(self, number: int) -> None:
        """Take one article out: it is no candidate any more, and its passages do not count."""
        if number >= self.oldest:
            self._index.remove(number)
            self._uncount(self._slots([number]))

    def erase(self, number: int) -> None:
        """Leave nothing of an article but its number and how many words it had, whether it is still here or not."""
        if number >= self.oldest:
            self._uncount(self._slots([number]))
            self._traces.erase(number)
            self._outlets[self._slots([number])] = 0
        self._index.erase(number)

    def leave_blank(self, words: int = 0) -> None:
        """Give the next number to nothing, or to what was erased and had so many words: neither can be found."""
        number, slots = self.loaded, self._slots([self.loaded])
        self._fit(number + 1)
        traces = Traces(np.zeros(words, dtype=np.uint32), np.array([0, words], dtype=np.int64))
        self._traces.append(number, traces, np.zeros(1, dtype=np.int64))
        self._traces.at(slots)[1][:] = 0
        keys = np.zeros(KEYS, dtype=np.uint32)
        restore_articles(np.array([number]), keys, dates([None]), self._index.arrays)
        self._passages_of[slots], self._outlets[slots] = 0, 0
        self.loaded = self.decided = number + 1

    def trace_of(self, number: int) -> bytes:
        """Return the trace (uint32) of an article, none of one that left the window."""
        return self.written(number).trace if number >= self.oldest else b""

    def forget(self, oldest: int) -> None:
        """Take everything numbered below `oldest` out."""
        first = self.oldest
        if oldest > first:
            self._uncount(self._slots(range(first, oldest)))
            self._traces.forget(first, oldest)
            self._index.expire(oldest)

    def overfull(self) -> int:
        """Return the number below which articles must leave before the next block of numbers is begun."""
        oldest = max(self.oldest, self.loaded + BLOCK - self._cap)
        surplus = self._traces.live_words - self._word_cap
        if surplus > 0:
            sizes = words_of(self._traces.arrays[3][self._slots(range(self.oldest, self.loaded))])
            oldest = max(oldest, self.oldest + 1 + int(np.searchsorted(np.cumsum(sizes), surplus)))
        return oldest

    def skip_to(self, number: int) -> None:
        """Make `number` that of the next article; those that are skipped are not there any more."""
        if number > self.loaded:
            self._index.skip(self.loaded, number)
            self.loaded = self.decided = number

    def _uncount(self, slots: I64) -> None:
        recount_passages(slots, self._passages_of[slots], self._traces.arrays, self.repeats, -1)
        self._passages_of[slots] = 0

    def _slots(self, numbers: Iterable[int] | I64) -> I64:
        if isinstance(numbers, range):
            return np.arange(numbers.start, numbers.stop) % self._traces.capacity
        return np.asarray(numbers, dtype=np.int64) % self._traces.capacity

    def _fit(self, end: int) -> None:
        """Grow for articles up to number `end` - 1; never when the cap is kept."""
        if self._grows and end > self._index.capacity:
            capacity = self._index.capacity
            while capacity < end:
                capacity *= 2
            passages_of: U64 = reserve(capacity, np.uint64)
            passages_of[: len(self._passages_of)] = self._passages_of
            self._passages_of = passages_of
            outlets: U64 = reserve(capacity + 1, np.uint64)
            outlets[: len(self._outlets)] = self._outlets
            self._outlets = outlets
            self._index = self._index.grow(capacity)
            self._traces = self._traces.grow(capacity)


def dates(published: Sequence[int | None]) -> I64:
    """Return publication times as the index holds them."""
    return np.array([UNKNOWN if date is None else date for date in published], dtype=np.int64)


def hash_of(source: str | None) -> int:
    """Return what stands for a source in arrays; never 0."""
    return xxhash.xxh3_64_intdigest((source or "").encode()) or 1


def outlet_of(source: str | None) -> int:
    """Return what tells a known source from others; 0 when it is unknown."""
    return hash_of(source) if source else 0


def word_index() -> WordIndex:
    """Return room for `shared.index_words`, whatever the trace."""
    return np.empty(heads_for(LONGEST_TRACE), dtype=np.int32), np.empty(LONGEST_TRACE, dtype=np.int32)
