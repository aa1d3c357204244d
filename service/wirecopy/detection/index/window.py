"""Window: the articles that a new one is compared with, by number; what is too old leaves it.

    load      their traces are stored
    match     weights, mask, keys -> candidates                 one compiled pass over a block, in order
              candidates -> matches                             another, which may run beside the next block's first
    learn     their words are counted for the next epoch
    restore   what `match` and `learn` left behind, put back from what was decided, recomputing nothing
    forget    the oldest leave

Articles are numbered in the order in which they come. Nothing depends on how they are cut into batches.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from wirecopy.detection.evidence.model import Link, Model, relations, shipped_model
from wirecopy.detection.index.index import LshIndex, scratch_for
from wirecopy.detection.index.passages import Stretch, find_stretches
from wirecopy.detection.index.reserved import reserve
from wirecopy.detection.index.traces import TraceStore
from wirecopy.detection.kernels import passages
from wirecopy.detection.kernels.index import chain_articles, drop_rings, restore_articles
from wirecopy.detection.kernels.judging import judge_pairs
from wirecopy.detection.kernels.layout import KEYS, RESULTS, UNKNOWN
from wirecopy.detection.kernels.passages import clear_passages, recount_passages
from wirecopy.detection.kernels.passes import find_articles, verify_articles
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
TOGETHER = 64  # articles that one call of a compiled pass takes

T = TypeVar("T")
Start = Callable[[Callable[[], T]], Callable[[], T]]  # begins a task beside others; -> what waits for its result

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


class Findings(NamedTuple):
    """What the compiled pass found for one article.

    matches: (number, link), best first; results[k]: what `kernels.verify` says of matches[k]; how many candidates were
    compared; whether some, or words of the text, were left out; whether its passages were counted.
    """

    matches: list[tuple[int, Link]]
    results: F32
    candidates: int
    truncated: bool
    is_counted: bool


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


class Window:
    """The newest articles: their traces, their keys in the index, counts of words and passages."""

    def __init__(
        self, *, capacity: int, window_milliseconds: int | None, min_words: int, max_words: int, max_key_articles: int,
        min_shared_rarity: float, max_candidates: int, boilerplate_stories: int, min_odds: float,
        model: Model | None = None, grows: bool = True
    ) -> None:  # fmt: skip
        """At most `capacity` articles stay when blocks are begun with `overfull`; else it `grows`."""
        capacity = max(capacity, GROWING) if grows else capacity
        self.terms = TermWeights()
        self.loaded = 0  # the number of the next article to be loaded
        self.decided = 0  # the number of the next article to be matched
        self.repeats: npt.NDArray[np.uint8] = reserve(REPEATS, np.uint8)
        self._cap = capacity
        self._grows = grows
        self._word_cap = capacity * WORDS_PER_ARTICLE
        self._max_words = max_words
        self._min_odds = min_odds
        self._index = LshIndex(capacity)
        self._traces = TraceStore(capacity, 2 * self._word_cap + 4 * BLOCK * max_words)
        self._passages_of: U64 = reserve(capacity, np.uint64)  # the source whose passages were counted, or 0
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
        # One each: they may run side by side.
        self._finding, self._verifying, self._judging = _word_index(), _word_index(), _word_index()

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
        """Stores the traces of the next articles."""
        self._fit(self.loaded + len(traces))
        self._traces.append(self.loaded, traces, title_words)
        self.loaded += len(traces)

    def match(
        self, count: int, published: Sequence[int | None], sources: Sequence[str | None],
        start: Start[Any] = lambda task: task
    ) -> Iterator[Findings]:  # fmt: skip
        """Takes the next `count` loaded articles through the compiled passes; -> what was found, article by article.

        Must be run to its end before anything else is asked for but `judge`. With a `start` that runs tasks in threads
        the passes over neighbouring blocks overlap; the result is the same.
        """
        first, days, hashes = self.decided, dates(published), self._hashes(sources)
        self._index.expect(self.loaded - first)
        self.decided += count
        return self._founds(first, days, hashes, start)

    def learn(self, count: int) -> None:
        """Counts the words of the newest `count` articles, which were loaded together."""
        self.terms.count(self._traces.part(self.decided - count, count)[0])

    def probe(
        self, traces: Traces, title_words: I64, published: int | None, source: str | None, without: int | None
    ) -> Findings:
        """-> what `match` would find for one article after the loaded ones, if `without` were not there.

        Until the next load, `judge` knows it under the next number; nothing else remembers it.
        """
        slot = np.array([self._traces.put_aside(traces, title_words)])
        days = dates([published])
        self._index.all_dates[slot] = days
        self.terms.weigh(*self._traces.at(slot))
        with _Hidden(self._index, without):
            sought = self._find(-1, slot, days, self._hashes([source]))
            counts, verified = self._verify(-1, slot, days, sought)
        return next(_cut(counts, sought, verified))

    def judge(self, pairs: Sequence[tuple[int, int]]) -> Iterable[Link]:
        """Compares pairs (later, earlier) of articles in the window."""
        odds, results = self._judge(pairs)
        return list(map(Link, odds.tolist(), relations(results)))

    def written(self, number: int) -> Written:
        """-> what was made of an article, as `restore` takes it back."""
        words, weights, starts, sizes = self._traces.arrays
        slot = number % self._traces.capacity
        start, size = starts.item(slot), sizes.item(slot)
        end = start + (size & 0xFFFFFFFF)
        keys = self._index.keys_of(number)
        return Written(size >> 32, words[start:end].tobytes(), weights[start:end].tobytes(), keys.tobytes())

    def source_hash(self, source: str | None) -> int:
        """What passages of a source are counted under; never 0."""
        if source not in self._sources:
            self._sources[source] = xxhash.xxh3_64_intdigest((source or "").encode()) or 1
        return self._sources[source]

    @property
    def least_repeats(self) -> int:
        """In how many articles of its source a passage stands that is masked; 0: none is."""
        return int(self._limits[5])

    def next_source(self, above: int) -> int | None:
        """-> the smallest hash of a source above `above` whose passages are counted; None behind the last."""
        hashes = [part[part > np.uint64(above)] for _, part in self._live_sources()]
        return min((int(part.min()) for part in hashes if len(part)), default=None)

    def counted(self, source: int) -> I64:
        """-> the numbers of the articles whose passages are counted under the hash of a source, oldest first."""
        parts = [first + np.flatnonzero(part == np.uint64(source)) for first, part in self._live_sources()]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def words_of(self, numbers: I64) -> I64:
        """-> how many words the traces of articles in the window have."""
        sizes: I64 = self._traces.arrays[3][self._slots(numbers)] & 0xFFFFFFFF
        return sizes

    def repeated(self, numbers: I64, source: int) -> list[Stretch]:
        """-> what is boilerplate today in those of the articles that are counted under the hash of a source."""
        numbers, slots = self._still_counted(numbers, source)
        if not self.least_repeats:
            return []
        return find_stretches(numbers, slots, source, self._traces.arrays, self.repeats, self.least_repeats)

    def clear(self, source: int, first: int, end: int) -> int:
        """Takes the passages of a source's articles numbered first .. end - 1 back; -> how many articles those were.

        Counters that were full start again at 0. What was masked in articles that came before stays so.
        """
        numbers = np.arange(max(first, self.oldest), min(end, self.decided), dtype=np.int64)
        numbers, slots = self._still_counted(numbers, source)
        clear_passages(slots, np.uint64(source), self._traces.arrays, self.repeats)
        self._passages_of[slots] = 0
        return len(numbers)

    def restore(self, articles: Restored) -> None:
        """Puts articles back whose numbers follow all others; `chain` must come after the last of them."""
        first, count = int(articles.numbers[0]), len(articles.numbers)
        self._fit(first + count)
        slots = self._slots(articles.numbers)
        self._traces.append(first, articles.traces, articles.title_words)
        self._traces.part(first, count)[1][:] = articles.weights
        restore_articles(articles.numbers, articles.keys, articles.published, self._index.arrays)
        self._passages_of[slots] = articles.passages_of
        recount_passages(slots, articles.passages_of, self._traces.arrays, self.repeats, 1)
        self.terms.count(articles.traces)
        self.loaded = self.decided = first + count

    def chain(self) -> None:
        """Makes the index of all that was restored; must come between the last `restore` and anything else."""
        chain_articles(self._index.arrays)

    def remove(self, number: int) -> None:
        """Takes one article out: it is no candidate any more, and its passages do not count."""
        if number >= self.oldest:
            self._index.remove(number)
            self._uncount(self._slots([number]))

    def erase(self, number: int) -> None:
        """Leaves nothing of an article but its number and how many words it had, whether it is still here or not."""
        if number >= self.oldest:
            self._uncount(self._slots([number]))
            self._traces.erase(number)
        self._index.erase(number)

    def leave_blank(self, words: int = 0) -> None:
        """Gives the next number to nothing, or to what was erased and had so many words: neither can be found."""
        number, slots = self.loaded, self._slots([self.loaded])
        self._fit(number + 1)
        traces = Traces(np.zeros(words, dtype=np.uint32), np.array([0, words], dtype=np.int64))
        self._traces.append(number, traces, np.zeros(1, dtype=np.int64))
        self._traces.at(slots)[1][:] = 0
        keys = np.zeros(KEYS, dtype=np.uint32)
        restore_articles(np.array([number]), keys, dates([None]), self._index.arrays)
        self._passages_of[slots] = 0
        self.loaded = self.decided = number + 1

    def trace_of(self, number: int) -> bytes:
        """-> the trace (uint32) of an article, none of one that left the window."""
        return self.written(number).trace if number >= self.oldest else b""

    def full_passages(self, trace: npt.NDArray[np.uint32], source: str | None) -> list[int]:
        """-> the counters of a trace's passages that are full: they stay so, whoever is taken back."""
        out = np.empty(len(trace), dtype=np.int64)
        count = passages.full_passages(trace, np.uint64(self.source_hash(source)), self.repeats, out)
        places: list[int] = out[:count].tolist()
        return places

    def fill_passages(self, counters: Sequence[int] | I64) -> None:
        """Makes counters full, as `full_passages` found them."""
        self.repeats[np.asarray(counters, dtype=np.int64)] = 255

    def forget(self, oldest: int) -> None:
        """Takes everything numbered below `oldest` out."""
        first = self.oldest
        if oldest > first:
            self._uncount(self._slots(range(first, oldest)))
            self._traces.forget(first, oldest)
            self._index.expire(oldest)

    def overfull(self) -> int:
        """-> the number below which articles must leave before the next block of numbers is begun."""
        oldest = max(self.oldest, self.loaded + BLOCK - self._cap)
        surplus = self._traces.live_words - self._word_cap
        if surplus > 0:
            sizes = self._traces.arrays[3][self._slots(range(self.oldest, self.loaded))] & 0xFFFFFFFF
            oldest = max(oldest, self.oldest + 1 + int(np.searchsorted(np.cumsum(sizes), surplus)))
        return oldest

    def skip_to(self, number: int) -> None:
        """Makes `number` that of the next article; those that are skipped are not there any more."""
        if number > self.loaded:
            self._index.skip(self.loaded, number)
            self.loaded = self.decided = number

    def _founds(self, first: int, days: I64, hashes: U64, start: Start[Any]) -> Iterator[Findings]:
        """Finds and verifies block by block, in two lanes: each task begins the next of its kind."""
        coming = _Coming(first, days, hashes, start)
        finding = start(partial(self._find_block, coming, 0)) if len(days) else None
        verifying = finding and start(partial(self._verify_block, coming, 0, finding))
        while verifying is not None:
            counts, sought, verified, verifying = verifying()
            yield from _cut(counts, sought, verified)

    def _find_block(self, coming: "_Coming", k: int) -> tuple[I64, "Sought", Any]:
        """-> the slots and candidates of the articles from the `k`th on, and the task of the block after them."""
        days, hashes, first = coming.days[k : k + TOGETHER], coming.hashes[k : k + TOGETHER], coming.first + k
        slots = self._slots(range(first, first + len(days)))
        self.terms.weigh(*self._traces.at(slots))
        sought = self._find(first, slots, days, hashes)
        self._passages_of[slots] = np.where(sought.counted, hashes, 0)
        behind = k + TOGETHER
        more = behind < len(coming.days)
        return slots, sought, coming.start(partial(self._find_block, coming, behind)) if more else None

    def _verify_block(
        self, coming: "_Coming", k: int, finding: Callable[[], Any]
    ) -> tuple[I64, "Sought", "Verified", Any]:
        """-> what was found and verified of the articles from the `k`th on, and the task of the block after them."""
        slots, sought, finding_next = finding()
        counts, verified = self._verify(coming.first + k, slots, coming.days[k : k + TOGETHER], sought)
        task = partial(self._verify_block, coming, k + TOGETHER, finding_next)
        return counts, sought, verified, finding_next and coming.start(task)

    def _find(self, first: int, slots: I64, days: I64, hashes: U64) -> "Sought":
        """Runs `kernels.find_articles`."""
        count, most = len(slots), int(self._limits[4])
        places = count * most
        sought = Sought(
            np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.bool_), np.empty(places, np.int64),
            np.empty(count, np.int64), np.empty(places), np.empty((places, RESULTS), np.float32)
        )  # fmt: skip
        find_articles(
            first, count, days, hashes, self._index.arrays, self._traces.arrays, self.repeats, self._importance,
            self._model, self._limits, self._seeking, self._finding, *sought
        )  # fmt: skip
        return sought

    def _verify(self, first: int, slots: I64, days: I64, sought: "Sought") -> tuple[I64, "Verified"]:
        """Runs `kernels.verify_articles`; -> its counts, and its matches."""
        count, most = len(slots), int(sought.counts.sum())
        counts, found = np.empty(count, np.int64), Verified(
            np.empty(most, np.int64), np.empty(most, np.float64), np.empty((most + 1, RESULTS), np.float32)
        )  # fmt: skip
        verify_articles(
            first, count, days, self._index.all_dates, self._traces.arrays, self._model, self._screen, self._limits,
            self._min_odds, self._verifying, sought.counts, sought.qualified, sought.candidates, sought.judged,
            sought.odds, sought.results, counts, *found
        )  # fmt: skip
        counts |= (self._traces.arrays[3][slots] & 0xFFFFFFFF) >= self._max_words
        return counts, found

    def _uncount(self, slots: I64) -> None:
        recount_passages(slots, self._passages_of[slots], self._traces.arrays, self.repeats, -1)
        self._passages_of[slots] = 0

    def _live_sources(self) -> Iterator[tuple[int, U64]]:
        """Under which hashes the passages of the articles in the window are counted, as (first number, hashes)."""
        first, capacity = self.oldest, self._index.capacity
        while first < self.decided:
            slot = first % capacity
            count = min(self.decided - first, capacity - slot)
            yield first, self._passages_of[slot : slot + count]
            first += count

    def _still_counted(self, numbers: I64, source: int) -> tuple[I64, I64]:
        """-> those of the articles that are counted under the hash of a source, and their slots."""
        numbers = numbers[numbers >= self.oldest]
        slots = self._slots(numbers)
        kept = self._passages_of[slots] == np.uint64(source)
        return numbers[kept], slots[kept]

    def _judge(self, pairs: Sequence[tuple[int, int]]) -> tuple[npt.NDArray[np.float64], F32]:
        numbers = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        slots = np.where(numbers == self.loaded, self._traces.capacity, numbers % self._traces.capacity)
        odds, results = np.empty(len(pairs)), np.empty((len(pairs), RESULTS), np.float32)
        judge_pairs(
            slots[:, 0].copy(), slots[:, 1].copy(), self._index.all_dates, self._traces.arrays, int(self._limits[1]),
            self._model, self._judging, odds, results
        )  # fmt: skip
        return odds, results

    def _slots(self, numbers: Iterable[int] | I64) -> I64:
        if isinstance(numbers, range):
            return np.arange(numbers.start, numbers.stop) % self._traces.capacity
        return np.asarray(numbers, dtype=np.int64) % self._traces.capacity

    def _hashes(self, sources: Sequence[str | None]) -> U64:
        return np.array([self.source_hash(source) for source in sources], dtype=np.uint64)

    def _fit(self, end: int) -> None:
        """Grows for articles up to number `end` - 1; never when the cap is kept."""
        if self._grows and end > self._index.capacity:
            capacity = self._index.capacity
            while capacity < end:
                capacity *= 2
            passages_of: U64 = reserve(capacity, np.uint64)
            passages_of[: len(self._passages_of)] = self._passages_of
            self._passages_of = passages_of
            self._index = self._index.grow(capacity)
            self._traces = self._traces.grow(capacity)


class _Hidden:
    """While it lasts, one article matches no key."""

    def __init__(self, index: LshIndex, number: int | None) -> None:
        is_there = number is not None and number >= index.oldest
        self._keys = index.keys_of(number) if number is not None and is_there else np.empty(0, dtype=np.uint32)
        self._tags = index.tags

    def __enter__(self) -> None:
        self._saved = self._keys.copy()
        drop_rings(self._saved, self._tags)
        self._keys &= ~np.uint32(1)

    def __exit__(self, *failure: object) -> None:
        self._keys[:] = self._saved


def dates(published: Sequence[int | None]) -> I64:
    """-> publication times as the index holds them."""
    return np.array([UNKNOWN if date is None else date for date in published], dtype=np.int64)


class _Coming(NamedTuple):
    """Articles that are matched together: the first one's number, their dates, hashes of sources, who begins tasks."""

    first: int
    days: I64
    hashes: U64
    start: Start[Any]


class Sought(NamedTuple):
    """What `kernels.find_articles` writes of several articles.

    How many candidates each has, how many qualified, whether its passages were counted, and which the candidates are:
    the same room for each article. How many of these, the first ones, were judged, with their log-odds and results at
    the same places.
    """

    counts: I64
    qualified: I64
    counted: npt.NDArray[np.bool_]
    candidates: I64
    judged: I64
    odds: npt.NDArray[np.float64]
    results: F32


class Verified(NamedTuple):
    """What `kernels.verify_articles` writes of the matches of several articles, one after the other."""

    others: I64
    odds: npt.NDArray[np.float64]
    results: F32


def _word_index() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Room for `kernels.index_words`, whatever the trace."""
    return np.empty(heads_for(LONGEST_TRACE), dtype=np.int32), np.empty(LONGEST_TRACE, dtype=np.int32)


def _cut(counts: I64, sought: Sought, verified: Verified) -> Iterator[Findings]:
    """Cuts the matches of several articles into one Found per article."""
    all_counts = counts.tolist()
    total = sum(count >> 32 for count in all_counts)
    others, odds, results = verified.others[:total].tolist(), verified.odds[:total].tolist(), verified.results[:total]
    links = list(map(Link, odds, relations(results)))
    nothing = results[:0]
    at = 0
    for count, is_counted in zip(all_counts, sought.counted.tolist(), strict=True):
        end = at + (count >> 32)
        compared, is_truncated = (count & 0xFFFFFFFF) >> 1, bool(count & 1)
        if end == at:
            yield Findings([], nothing, compared, is_truncated, is_counted)
            continue
        order = sorted(range(at, end), key=lambda k: (-odds[k], others[k])) if end > at + 1 else [at]
        yield Findings([(others[k], links[k]) for k in order], results[order], compared, is_truncated, is_counted)
        at = end
