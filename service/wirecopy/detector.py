"""Detector: article -> story; the whole flow on one screen.

    sketch     text -> trace                                     pure, may run in worker threads
    load       the traces are stored
    decide     weights, mask, keys -> candidates -> matches      one compiled pass over a batch, in order
               matches -> moves of articles between stories      per article that has matches
               stories.apply(moves)                              the only place that changes stories

Plain synchronous Python that one thread owns.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash
from msgspec import Struct

from wirecopy.article import Article
from wirecopy.config import Config
from wirecopy.detection import kernels, terms, text
from wirecopy.detection.lsh import LshIndex, importance
from wirecopy.detection.matching import FEATURES, TraceStore, probability, relation, shipped_model
from wirecopy.detection.stories import LEAST as STORY_ODDS
from wirecopy.detection.stories import Link, Stories
from wirecopy.detection.terms import TermWeights
from wirecopy.detection.text import Traces
from wirecopy.verdict import Containment, Match, Verdict

DAY = 86_400_000  # milliseconds
FIRST_CAPACITY = 1 << 16
BATCH = 512  # articles that go through the compiled pass at once
PASSAGE = 4  # words that a passage has at least
REPEATS = 1 << 24  # counters of passages repeated by one source


class Sketches(NamedTuple):
    """The traces of some articles, title first; title_words[k] of words[bounds[k]:bounds[k + 1]] are the title's."""

    traces: Traces
    title_words: npt.NDArray[np.int64]


class Kept(Struct, gc=False):
    """What is remembered of an article beside its trace."""

    id: str
    published: int | None
    source: str | None
    words: int
    first_seen: int = 0


class Found(NamedTuple):
    """What the compiled pass found for one article: matches best first, candidates compared, whether some were left."""

    matches: list[tuple[int, Link]]
    candidates: int
    truncated: bool


def sketch(articles: Sequence[Article], max_words: int) -> Sketches:
    """-> the traces of `articles`. Pure; the compiled part releases the interpreter."""
    titled = [f"{article.title}\n{article.text}" if article.title else article.text for article in articles]
    traces = text.trace(titled, max_words)
    titles = text.trace([article.title or "" for article in articles], max_words)
    return Sketches(traces, np.diff(titles.bounds))


class Detector:
    """Tells for every article that it is given which story it belongs to."""

    def __init__(self, config: Config | None = None, *, epochs: bool = True) -> None:
        """`epochs=False` leaves the term weights as they are: a run that looked ahead has learnt them before."""
        self.config = config or Config()
        settings = self.config.detection
        self.terms = TermWeights()
        self.stories = Stories()
        self.kept: list[Kept] = []
        self.decided = 0
        self.number_of: dict[str, int] = {}
        self._epochs = epochs
        self._index = LshIndex(FIRST_CAPACITY)
        self._traces = TraceStore(FIRST_CAPACITY)
        self._model = shipped_model().arrays()
        self._importance = importance()
        self._repeats = np.zeros(REPEATS, dtype=np.uint8)
        self._sources: dict[str | None, int] = {}
        window = -1 if settings.window_days is None else int(settings.window_days * DAY)
        self._limits = np.array(
            [window if window >= 0 else 1 << 61, settings.min_words, settings.max_key_articles,
             round(settings.min_shared_rarity * terms.STEPS), settings.max_candidates, settings.boilerplate_stories],
            dtype=np.int64,
        )  # fmt: skip
        table = 1 << int(np.ceil(np.log2(2 * kernels.KEYS * settings.max_key_articles)))
        self._scratch = (
            np.zeros(2 * table, dtype=np.int64),
            np.empty(kernels.heads_for(settings.max_words), dtype=np.int32),
            np.empty(settings.max_words, dtype=np.int32),
        )

    def sketch(self, articles: Sequence[Article]) -> Sketches:
        """-> the traces of `articles`; pure, may run in another thread."""
        return sketch(articles, self.config.detection.max_words)

    def ingest(self, articles: Sequence[Article], sketches: Sketches | None = None) -> list[Verdict]:
        """Decides for each article, in order, which story it belongs to. Ids must be new."""
        first = len(self.kept)
        self.load(articles, sketches or self.sketch(articles))
        return [self._verdict(first + k, found) for k, found in enumerate(self.decide(len(articles)))]

    def load(self, articles: Sequence[Article], sketches: Sketches) -> None:
        """Stores articles that `decide` is to take, in this order."""
        first = len(self.kept)
        self._fit(first + len(articles))
        self._traces.append(first, *sketches)
        lengths = np.diff(sketches.traces.bounds).tolist()
        for number, (article, words) in enumerate(zip(articles, lengths, strict=True), first):
            self.kept.append(Kept(article.id, article.published, article.source, words))
            self.number_of[article.id] = number

    def look_ahead(self) -> None:
        """Learns the term weights from everything that is loaded, as one epoch."""
        for first in range(0, len(self.kept), BATCH):
            self.terms.count(self._traces.part(first, min(BATCH, len(self.kept) - first))[0])
        self.terms.begin_epoch()

    def decide(self, count: int) -> list[Found]:
        """Decides for the next `count` loaded articles; they take their places in stories."""
        founds: list[Found] = []
        while count > len(founds):
            room = terms.next_epoch_start(self.terms.counted) - self.terms.counted if self._epochs else count
            founds += self._decide_in_epoch(min(room, count - len(founds)))
        return founds

    def _decide_in_epoch(self, count: int) -> list[Found]:
        first = self.decided
        founds = self._match(first, count)
        for number, found in enumerate(founds, first):
            self.stories.apply(self.stories.decide(number, found.matches, self._judge))
        self.decided += count
        if self._epochs:
            self.terms.count(self._traces.part(first, count)[0])
            if self.terms.counted == terms.next_epoch_start(self.terms.counted - 1):
                self.terms.begin_epoch()
        return founds

    def _match(self, first: int, count: int) -> list[Found]:
        """One compiled pass: weights, mask, keys, candidates, verification; the articles enter the index."""
        self.terms.weigh(*self._traces.part(first, count))
        kept = self.kept[first : first + count]
        published = np.array([kernels.UNKNOWN if a.published is None else a.published for a in kept], np.int64)
        sources = np.array([self._source(a.source) for a in kept], np.uint64)
        most = count * int(self._limits[4])
        counts, others = np.empty(count, np.int64), np.empty(most, np.int64)
        odds, results = np.empty(most, np.float64), np.empty((most + 1, kernels.RESULTS), np.float32)
        kernels.match_articles(
            first, count, published, sources, self._index.arrays, self._traces.arrays, self._repeats,
            self._importance, self._model, self._limits, self.config.detection.min_odds, self._scratch,
            counts, others, odds, results
        )  # fmt: skip
        return list(_founds(counts, others, odds, results))

    def _judge(self, pairs: Sequence[tuple[int, int]]) -> Iterable[Link]:
        slots = np.array(pairs, dtype=np.int64) % self._traces.capacity
        odds, results = np.empty(len(pairs)), np.empty((len(pairs), kernels.RESULTS), np.float32)
        kernels.judge_pairs(
            slots[:, 0].copy(), slots[:, 1].copy(), self._index.dates, self._traces.arrays, int(self._limits[1]), self._model,
            self._scratch, odds, results
        )  # fmt: skip
        return map(Link, odds.tolist(), results)

    def _fit(self, articles: int) -> None:
        if articles > self._index.capacity:
            capacity = 2 * self._index.capacity
            while capacity < articles:
                capacity *= 2
            self._index = self._index.grow(capacity)
            self._traces = self._traces.grow(capacity)

    def _source(self, name: str | None) -> int:
        if name not in self._sources:
            self._sources[name] = xxhash.xxh3_64_intdigest((name or "").encode())
        return self._sources[name]

    def canonical(self, story: str, keep: str) -> int:
        """The member that stands for its story: the earliest published (unknown last, then in order), or the longest."""
        members = self.stories.members[story]
        if keep == "longest":
            return min(members, key=lambda m: (-self.kept[m].words, m))
        unknown = 1 << 62
        return min(members, key=lambda m: (unknown if (p := self.kept[m].published) is None else p, m))

    def _verdict(self, number: int, found: Found) -> Verdict:
        story = self.stories.story_of[number]
        best = self.stories.best_match(number)
        return Verdict(
            id=self.kept[number].id,
            revision=1,
            story=story,
            canonical=self.canonical(story, self.config.stories.keep) == number,
            relation=None if best is None else relation(best[1].results),
            match=None if best is None else self.kept[best[0]].id,
            score=None if best is None else probability(best[1].odds),
            matches=tuple(self._describe(other, link) for other, link in found.matches),
            candidates=found.candidates,
            truncated=found.truncated,
        )

    def _describe(self, other: int, link: Link) -> Match:
        results = link.results
        containment = Containment(
            round(float(results[kernels.THIS_IN_OTHER]), 4), round(float(results[kernels.OTHER_IN_THIS]), 4)
        )
        shared = int(results[kernels.SHARED_WORDS])
        return Match(self.kept[other].id, probability(link.odds), relation(results), containment, shared)


def _founds(
    counts: npt.NDArray[np.int64], others: npt.NDArray[np.int64], odds: npt.NDArray[np.float64],
    results: npt.NDArray[np.float32]
) -> Iterator[Found]:  # fmt: skip
    """Cuts the kernel's flat output into one Found per article."""
    at = 0
    for count in counts.tolist():
        end = at + (count >> 32)
        matches = [(int(others[k]), Link(float(odds[k]), results[k].copy())) for k in range(at, end)]
        matches.sort(key=lambda match: (-match[1].odds, match[0]))
        yield Found(matches, (count & 0xFFFFFFFF) >> 1, bool(count & 1))
        at = end


class Passage(NamedTuple):
    """A run of words that stands in both texts: a[a_start:a_end] and b[b_start:b_end], offsets in characters."""

    text: str
    a_start: int
    a_end: int
    b_start: int
    b_end: int


class Comparison(NamedTuple):
    """Why two articles match, or do not. `features` are described in docs/matching.md."""

    score: float
    relation: str | None
    features: dict[str, float]
    passages: list[Passage]


def compare(a: Article, b: Article, config: Config | None = None) -> Comparison:
    """Compares two articles by themselves, with the shipped term weights; -> score, relation, features, passages.

    `relation` is None when the score is under that of a match.
    """
    settings = (config or Config()).detection
    sketches = sketch([a, b], settings.max_words)
    traces = sketches.traces
    weights = np.empty(len(traces.words), dtype=np.uint8)
    TermWeights().weigh(traces, weights)
    (wa, wb), (title_a, title_b) = (weights[: traces.bounds[1]], weights[traces.bounds[1] :]), sketches.title_words
    heads = np.empty(kernels.heads_for(len(wa)), dtype=np.int32)
    following = np.empty(len(wa), dtype=np.int32)
    features, results = np.zeros(kernels.FEATURES, np.float32), np.zeros(kernels.RESULTS, np.float32)
    kernels.index_words(traces[0], wa, heads, following)
    gap = 0.0 if a.published is None or b.published is None else abs(a.published - b.published) / DAY
    odds = kernels.judge(
        traces[0], wa, title_a, heads, following, traces[1], wb, title_b, gap, settings.min_words, shipped_model().arrays(),
        features, results
    )  # fmt: skip
    described = {name: round(float(value), 4) for name, value in zip(FEATURES, features, strict=True)}
    matched = odds > STORY_ODDS
    return Comparison(probability(odds), relation(results) if matched else None, described, _passages(a, b))


def _passages(a: Article, b: Article) -> list[Passage]:
    """The shared runs of the two texts (without titles), in the order of b."""
    in_a, in_b = text.spans(a.text), text.spans(b.text)
    starts_a, starts_b, lengths = (np.empty(len(in_b.words) // PASSAGE + 1, dtype=np.int64) for _ in range(3))
    count = kernels.shared_runs(in_a.words, in_b.words, PASSAGE, starts_a, starts_b, lengths)
    passages = []
    for i, j, length in zip(starts_a[:count], starts_b[:count], lengths[:count], strict=True):
        a_start, a_end = int(in_a.first[i]), int(in_a.last[i + length - 1])
        b_start, b_end = int(in_b.first[j]), int(in_b.last[j + length - 1])
        passages.append(Passage(a.text[a_start:a_end], a_start, a_end, b_start, b_end))
    return passages
