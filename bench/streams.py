"""A stream of articles as detection sees it, and the features of any two of its articles.

What a pair looks like depends on its stream: on how rare words were when each article came, and on what had become
boilerplate. Models are therefore fitted on pairs that were measured in their streams, in both ways of taking them:
looking ahead, as `wirecopy dedupe` does, and in order, as the service does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from bench.scoring import Pair
from wirecopy.batch.labels import F64, LabelledPair, LabelledSet, unordered
from wirecopy.config import Config
from wirecopy.detection.index.contents import Written
from wirecopy.detection.index.window import Window
from wirecopy.detection.kernels.features import verify
from wirecopy.detection.kernels.judging import days_between
from wirecopy.detection.kernels.layout import FEATURES, RESULTS, UNKNOWN
from wirecopy.detection.kernels.shared import heads_for, index_words
from wirecopy.detection.words import rarity
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.state import BATCH, State
from wirecopy.detector.tracing import trace
from wirecopy.files.reading import read
from wirecopy.schema.article import Article


class MeasuredStream:
    """All articles of some files, decided about one after the other; stories are not made."""

    def __init__(self, window: Window, articles: Sequence[Article]) -> None:
        self._window, self._min_words = window, Config().detection.min_words
        self.articles = articles
        self.number_of = {article.id: number for number, article in enumerate(articles)}
        self.candidates: list[tuple[int, int]] = []  # (later, earlier) of all that were compared

    @classmethod
    def read(cls, files: Sequence[Path], *, dated: bool = True, ahead: bool = True) -> Self:
        """Return the stream of the files; of articles with the same id the first counts."""
        settings = Config().detection
        state = State(Config(), Archive(None), looks_ahead=ahead, forgets=False)
        articles: dict[str, Article] = {}
        for chunk in read([str(file) for file in files], limits=Config().limits, mapping={}):
            fresh = [article for article in chunk.articles if article.id not in articles]
            articles |= {article.id: article for article in fresh}
            state.load(fresh, trace(fresh, settings.max_words))
        stream = cls(state.window, list(articles.values()))
        stream.decide(dated, ahead)
        return stream

    def decide(self, dated: bool, ahead: bool) -> None:
        """Find the candidates of every article, in order; nothing can be measured before."""
        window, terms = self._window, self._window.terms
        if ahead:
            terms.begin_epoch()
        while window.decided < window.loaded:
            room = BATCH if ahead else rarity.next_epoch_start(terms.counted) - terms.counted
            part = self.articles[window.decided : window.decided + room]
            first = window.decided
            published = [article.published if dated else None for article in part]
            for k, found in enumerate(window.match(len(part), published, [article.source for article in part])):
                self.candidates += [(first + k, other) for other, _ in found.matches]
            if not ahead:
                window.learn(len(part))
                if len(part) == room:
                    terms.begin_epoch(rarity.OWN)
        self._dated = dated

    def measure(self, pairs: Sequence[tuple[int, int]]) -> F64:
        """Return (len(pairs), len(FEATURES)) the features of pairs of article numbers."""
        features, results = np.zeros((len(pairs), FEATURES), np.float32), np.zeros(RESULTS, np.float32)
        for k, (a, b) in enumerate(pairs):
            one, other = self._window.written(a), self._window.written(b)
            (words, weights), (words_b, weights_b) = _arrays(one), _arrays(other)
            heads, following = np.empty(heads_for(len(words)), np.int32), np.empty(len(words), np.int32)
            index_words(words, weights, heads, following)
            sources = [self.articles[number].source for number in (a, b)]
            verify(
                words, weights, one.title_words, heads, following, words_b, weights_b, other.title_words,
                self._gap(a, b), bool(sources[0]) and sources[0] == sources[1], features[k], results
            )  # fmt: skip
        return features.astype(np.float64)

    def _gap(self, a: int, b: int) -> float:
        dates = [self.articles[number].published if self._dated else None for number in (a, b)]
        return float(days_between(*[UNKNOWN if date is None else date for date in dates]))

    def is_judged(self, number: int) -> bool:
        """Say whether the model judges pairs of this article: it is long enough."""
        written = self._window.written(number)
        return len(written.trace) // 4 - written.title_words >= self._min_words

    def label(self, name: str, pairs: Sequence[Pair], total: float) -> LabelledSet:
        """Return the pairs that the model judges, with their features."""
        number = self.number_of
        known = {unordered(LabelledPair(p.a, p.b, p.label)): p for p in pairs if p.a in number and p.b in number}
        judged = [p for p in known.values() if self.is_judged(number[p.a]) and self.is_judged(number[p.b])]
        features = self.measure([(number[p.a], number[p.b]) for p in judged])
        return LabelledSet(name, [LabelledPair(p.a, p.b, p.label, p.weight) for p in judged], features, total)


def _arrays(
    written: Written,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint32]], np.ndarray[tuple[int], np.dtype[np.uint8]]]:
    return np.frombuffer(written.trace, np.uint32), np.frombuffer(written.weights, np.uint8)
