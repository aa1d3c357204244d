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

from wirecopy.detection.evidence.mixture import is_mixture
from wirecopy.detection.evidence.model import Link, relations
from wirecopy.detection.evidence.stubs import are_stubs
from wirecopy.detection.index.contents import I64, U64, WindowContents, dates, hash_of, word_index
from wirecopy.detection.index.index import LshIndex
from wirecopy.detection.index.passages import Stretch, find_stretches
from wirecopy.detection.index.sizes import trace_at, words_of
from wirecopy.detection.kernels import passages
from wirecopy.detection.kernels.index import drop_rings
from wirecopy.detection.kernels.judging import judge_pairs
from wirecopy.detection.kernels.layout import RESULTS
from wirecopy.detection.kernels.passages import clear_passages
from wirecopy.detection.kernels.passes import find_articles, verify_articles
from wirecopy.detection.words.text import Traces

NO_EVIDENCE = -10.0  # log-odds of two stubs, see evidence.stubs
TOGETHER = 64  # articles that one call of a compiled pass takes

T = TypeVar("T")
Start = Callable[[Callable[[], T]], Callable[[], T]]  # begins a task beside others; -> what waits for its result

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]


class Findings(NamedTuple):
    """What the compiled pass found for one article.

    matches: (number, link), best first; results[k]: what `features.verify` says of matches[k]; how many candidates were
    compared; whether some, or words of the text, were left out; whether its passages were counted.
    """

    matches: list[tuple[int, Link]]
    results: F32
    candidates: int
    truncated: bool
    is_counted: bool

    def linked(self, links: Sequence[tuple[int, int, Link]]) -> "Findings":
        """Return the same with the links that a decision left of the matches, which are its first ones."""
        own = [(other, link) for _, other, link in links[: len(self.matches)]]
        if own == self.matches:
            return self
        order = sorted(range(len(own)), key=lambda k: (-own[k][1].odds, own[k][0]))
        return self._replace(matches=[own[k] for k in order], results=self.results[order])


class CountedPassages(WindowContents):
    """The window as who asks what sources repeat sees it: passages, counted by the hash of their source."""

    def source_hash(self, source: str | None) -> int:
        """Return what passages of a source are counted under; never 0."""
        if source not in self._sources:
            self._sources[source] = hash_of(source)
        return self._sources[source]

    def outlet(self, source: str | None) -> int:
        """Return what tells a known source from others; 0 when it is unknown."""
        return self.source_hash(source) if source else 0

    @property
    def least_repeats(self) -> int:
        """In how many articles of its source a passage stands that is masked; 0: none is."""
        return int(self._limits[5])

    def next_source(self, above: int) -> int | None:
        """Return the smallest hash of a source above `above` whose passages are counted; None behind the last."""
        hashes = [part[part > np.uint64(above)] for _, part in self._live_sources()]
        return min((int(part.min()) for part in hashes if len(part)), default=None)

    def counted(self, source: int) -> I64:
        """Return the numbers of the articles whose passages are counted under the hash of a source, oldest first."""
        parts = [first + np.flatnonzero(part == np.uint64(source)) for first, part in self._live_sources()]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def words_of(self, numbers: I64) -> I64:
        """Return how many words the traces of articles in the window have."""
        sizes: I64 = words_of(self._traces.arrays[3][self._slots(numbers)])
        return sizes

    def repeated(self, numbers: I64, source: int) -> list[Stretch]:
        """Return what is boilerplate today in those of the articles that are counted under the hash of a source."""
        numbers, slots = self._still_counted(numbers, source)
        if not self.least_repeats:
            return []
        return find_stretches(numbers, slots, source, self._traces.arrays, self.repeats, self.least_repeats)

    def clear(self, source: int, first: int, end: int) -> int:
        """Take the passages of a source's articles numbered first .. end - 1 back; return how many articles those were.

        Counters that were full start again at 0. What was masked in articles that came before stays so.
        """
        numbers = np.arange(max(first, self.oldest), min(end, self.decided), dtype=np.int64)
        numbers, slots = self._still_counted(numbers, source)
        clear_passages(slots, np.uint64(source), self._traces.arrays, self.repeats)
        self._passages_of[slots] = 0
        return len(numbers)

    def full_passages(self, trace: npt.NDArray[np.uint32], source: str | None) -> list[int]:
        """Return the counters of a trace's passages that are full: they stay so, whoever is taken back."""
        out = np.empty(len(trace), dtype=np.int64)
        count = passages.full_passages(trace, np.uint64(self.source_hash(source)), self.repeats, out)
        places: list[int] = out[:count].tolist()
        return places

    def fill_passages(self, counters: Sequence[int] | I64) -> None:
        """Make counters full, as `full_passages` found them."""
        self.repeats[np.asarray(counters, dtype=np.int64)] = 255

    def _live_sources(self) -> Iterator[tuple[int, U64]]:
        """Under which hashes the passages of the articles in the window are counted, as (first number, hashes)."""
        first, capacity = self.oldest, self._index.capacity
        while first < self.decided:
            slot = first % capacity
            count = min(self.decided - first, capacity - slot)
            yield first, self._passages_of[slot : slot + count]
            first += count

    def _still_counted(self, numbers: I64, source: int) -> tuple[I64, I64]:
        """Return those of the articles that are counted under the hash of a source, and their slots."""
        numbers = numbers[numbers >= self.oldest]
        slots = self._slots(numbers)
        kept = self._passages_of[slots] == np.uint64(source)
        return numbers[kept], slots[kept]

    def _hashes(self, sources: Sequence[str | None]) -> U64:
        return np.array([self.source_hash(source) for source in sources], dtype=np.uint64)


class Window(CountedPassages):
    """The newest articles, to compare new ones with."""

    def match(
        self, count: int, published: Sequence[int | None], sources: Sequence[str | None],
        start: Start[Any] = lambda task: task
    ) -> Iterator[Findings]:  # fmt: skip
        """Take the next `count` loaded articles through the compiled passes; return what was found, article by article.

        Must be run to its end before anything else is asked for but `judge`. With a `start` that runs tasks in threads
        the passes over neighbouring blocks overlap; the result is the same.
        """
        first, days, hashes = self.decided, dates(published), self._hashes(sources)
        outlets = np.array([self.outlet(source) for source in sources], dtype=np.uint64)
        self._outlets[self._slots(range(first, first + count))] = outlets
        self._index.expect(self.loaded - first)
        self.decided += count
        return self._founds(first, days, hashes, start)

    def probe(
        self, traces: Traces, title_words: I64, published: int | None, source: str | None, without: int | None
    ) -> Findings:
        """Return what `match` would find for one article after the loaded ones, if `without` were not there.

        Until the next load, `judge` knows it under the next number; nothing else remembers it.
        """
        slot = np.array([self._traces.put_aside(traces, title_words)])
        days = dates([published])
        self._index.all_dates[slot] = days
        self._outlets[slot] = self.outlet(source)
        self.terms.weigh(*self._traces.at(slot))
        with _Hidden(self._index, without):
            sought = self._find(-1, slot, days, self._hashes([source]))
            counts, verified = self._verify(-1, slot, days, sought)
        return self._without_stubs(self.loaded, next(_cut(counts, sought, verified)))

    def judge(self, pairs: Sequence[tuple[int, int]]) -> Iterable[Link]:
        """Compare pairs (later, earlier) of articles in the window."""
        odds, results = self._judge(pairs)
        links = list(map(Link, odds.tolist(), relations(results)))
        for k, (later, earlier) in enumerate(pairs):
            if links[k].odds > NO_EVIDENCE and self._are_stubs(later, earlier):
                links[k] = Link(NO_EVIDENCE, links[k].relation)
        return links

    def is_mixture(self, number: int, one: int, other: int) -> bool:
        """Return whether an article is partly one of two others and partly the other; all three are in the window."""
        words, weights, _ = self.side(number)
        return is_mixture(words, weights, self.side(one)[0], self.side(other)[0])

    def _without_stubs(self, number: int, found: Findings) -> Findings:
        """Leave out matches that share nothing but a notice with the article of this number."""
        chosen = [k for k, (other, _) in enumerate(found.matches) if not self._are_stubs(number, other)]
        if len(chosen) == len(found.matches):
            return found
        return found._replace(matches=[found.matches[k] for k in chosen], results=found.results[chosen])

    def _are_stubs(self, number: int, other: int) -> bool:
        return are_stubs(*self.side(number), *self.side(other))

    def side(self, number: int) -> tuple[U32, U8, int]:
        """Return words, weights and title words of an article, of the one that was probed with, too."""
        slot = self._traces.capacity if number == self.loaded else number % self._traces.capacity
        return trace_at(self._traces.arrays, slot)

    def _founds(self, first: int, days: I64, hashes: U64, start: Start[Any]) -> Iterator[Findings]:
        """Find block by block, each of which begins the next; verify whatever was found, several blocks at once."""
        coming = _Coming(first, days, hashes, start)
        finding = start(partial(self._find_block, coming, 0)) if len(days) else None
        while finding is not None:
            verifying, finding = finding()
            counts, sought, verified = verifying()
            for found in _cut(counts, sought, verified):
                yield self._without_stubs(first, found)
                first += 1

    def _find_block(self, coming: "_Coming", k: int) -> tuple[Callable[[], Any], Callable[[], Any] | None]:
        """Find the candidates of the articles from the `k`th on; return what verifies them, and finds of the block
        after them.
        """
        days, hashes, first = coming.days[k : k + TOGETHER], coming.hashes[k : k + TOGETHER], coming.first + k
        slots = self._slots(range(first, first + len(days)))
        self.terms.weigh(*self._traces.at(slots))
        sought = self._find(first, slots, days, hashes)
        self._passages_of[slots] = np.where(sought.counted, hashes, 0)
        behind, find_next = k + TOGETHER, None
        if behind < len(coming.days):  # before verification: all of it waits for this
            find_next = coming.start(partial(self._find_block, coming, behind))
        return coming.start(partial(self._verify_block, first, slots, days, sought)), find_next

    def _verify_block(self, first: int, slots: I64, days: I64, sought: "Sought") -> tuple[I64, "Sought", "Verified"]:
        """Verify what was found of the articles from number `first` on, whatever else goes on."""
        counts, verified = self._verify(first, slots, days, sought)
        return counts, sought, verified

    def _find(self, first: int, slots: I64, days: I64, hashes: U64) -> "Sought":
        """Run `passes.find_articles`."""
        count, most = len(slots), int(self._limits[4])
        places = count * most
        sought = Sought(
            np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.bool_), np.empty(places, np.int64),
            np.empty(count, np.int64), np.empty(places), np.empty((places, RESULTS), np.float32)
        )  # fmt: skip
        find_articles(
            first, count, days, hashes, self._outlets, self._index.arrays, self._traces.arrays, self.repeats,
            self._importance, self._model, self._limits, self._seeking, self._finding, *sought
        )  # fmt: skip
        return sought

    def _verify(self, first: int, slots: I64, days: I64, sought: "Sought") -> tuple[I64, "Verified"]:
        """Run `passes.verify_articles`; return its counts, and its matches."""
        count, most = len(slots), int(sought.counts.sum())
        counts, found = np.empty(count, np.int64), Verified(
            np.empty(most, np.int64), np.empty(most, np.float64), np.empty((most + 1, RESULTS), np.float32)
        )  # fmt: skip
        try:
            scratch = self._verifying.pop()
        except IndexError:  # more run at once than ever before
            scratch = word_index()
        verify_articles(
            first, count, days, self._index.all_dates, self._outlets, self._traces.arrays, self._model, self._screen,
            self._limits, self._min_odds, scratch, sought.counts, sought.qualified, sought.candidates, sought.judged,
            sought.odds, sought.results, counts, *found
        )  # fmt: skip
        self._verifying.append(scratch)
        counts |= words_of(self._traces.arrays[3][slots]) >= self.max_words
        return counts, found

    def _judge(self, pairs: Sequence[tuple[int, int]]) -> tuple[npt.NDArray[np.float64], F32]:
        numbers = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        slots = np.where(numbers == self.loaded, self._traces.capacity, numbers % self._traces.capacity)
        odds, results = np.empty(len(pairs)), np.empty((len(pairs), RESULTS), np.float32)
        judge_pairs(
            slots[:, 0].copy(), slots[:, 1].copy(), self._index.all_dates, self._outlets, self._traces.arrays,
            int(self._limits[1]), self._model, self._judging, odds, results
        )  # fmt: skip
        return odds, results


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


class _Coming(NamedTuple):
    """Articles that are matched together: the first one's number, their dates, hashes of sources, who begins tasks."""

    first: int
    days: I64
    hashes: U64
    start: Start[Any]


class Sought(NamedTuple):
    """What `passes.find_articles` writes of several articles.

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
    """What `passes.verify_articles` writes of the matches of several articles, one after the other."""

    others: I64
    odds: npt.NDArray[np.float64]
    results: F32


def _cut(counts: I64, sought: Sought, verified: Verified) -> Iterator[Findings]:
    """Cut the matches of several articles into one Found per article."""
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
