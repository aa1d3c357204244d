"""Labelled pairs and their articles -> features, as detection would compute them.

The articles are one stream whose term weights are learnt ahead.

Labels: 3 copy, 2 derived from the same source, 1 the same event reported independently, 0 different.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from wirecopy.config import Config
from wirecopy.detection.kernels.features import verify
from wirecopy.detection.kernels.judging import days_between
from wirecopy.detection.kernels.layout import FEATURES, RESULTS, UNKNOWN
from wirecopy.detection.kernels.shared import heads_for, index_words
from wirecopy.detection.words.rarity import TermWeights
from wirecopy.detection.words.text import Traces
from wirecopy.detector.tracing import ArticleTraces, trace
from wirecopy.errors import DuplicateId, InputFailed, Refusal
from wirecopy.files.lines import read_lines
from wirecopy.files.reading import read
from wirecopy.schema.article import Article

SHARED, SAME_EVENT, DIFFERENT = 2, 1, 0  # labels: from the first on, two articles share a source
_LONGEST_LINE = 2**20

F64 = npt.NDArray[np.float64]


class LabelledPair(msgspec.Struct, frozen=True):
    """Two articles and what a reader said about them; `weight` is the number of pairs that this one stands for."""

    a: Annotated[str, msgspec.Meta(min_length=1)]
    b: Annotated[str, msgspec.Meta(min_length=1)]
    label: Annotated[int, msgspec.Meta(ge=0, le=3)]
    weight: Annotated[float, msgspec.Meta(gt=0, le=1e9)] = 1.0


class LabelledSet(NamedTuple):
    """Labelled pairs with their features, one row each; `total` is what the set counts in a fit with others."""

    name: str
    pairs: Sequence[LabelledPair]
    features: F64
    total: float

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        return np.array([pair.label for pair in self.pairs], dtype=np.int64)

    @property
    def weights(self) -> F64:
        return np.array([pair.weight for pair in self.pairs])


def read_labels(file: str) -> list[LabelledPair]:
    """Return the pairs of a JSONL file (also compressed). Raises InputFailed naming the line that is no labelled
    pair.
    """
    decoder = msgspec.json.Decoder(LabelledPair)
    pairs: dict[tuple[str, str], tuple[LabelledPair, int]] = {}
    for number, line in enumerate(read_lines(file, _LONGEST_LINE), 1):
        if line is None:
            raise InputFailed(file, f"line {number} is longer than {_LONGEST_LINE} bytes")
        if not line or line.isspace():
            continue
        try:
            pair = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputFailed(file, f"line {number} is no labelled pair: {error}") from None
        if pair.a == pair.b:
            raise InputFailed(file, f"line {number} pairs {pair.a!r} with itself")
        before, where = pairs.setdefault(unordered(pair), (pair, number))
        if before.label != pair.label:
            raise InputFailed(file, f"lines {where} and {number} label the same pair {before.label} and {pair.label}")
    return [pair for pair, _ in pairs.values()]


class Corpus:
    """The traces of a stream of articles, weighed by what the whole stream says about its words."""

    def __init__(
        self, articles: Sequence[Article], parts: Sequence[ArticleTraces], min_words: int, max_words: int
    ) -> None:
        """`parts` are the traces of the articles, in that order."""
        self.number_of = {article.id: number for number, article in enumerate(articles)}
        self._published = [UNKNOWN if article.published is None else article.published for article in articles]
        self._sources = [article.source for article in articles]
        self._min_words, self._max_words = min_words, max_words
        bounds = np.zeros(len(articles) + 1, dtype=np.int64)
        np.cumsum(np.concatenate([np.empty(0, np.int64), *(np.diff(p.texts.bounds) for p in parts)]), out=bounds[1:])
        words = np.concatenate([np.empty(0, np.uint32), *(part.texts.words for part in parts)])
        self._traces = Traces(words, bounds)
        self._title_words = np.concatenate([np.empty(0, np.int64), *(part.title_words for part in parts)])
        self._weights = np.empty(len(words), dtype=np.uint8)
        terms = TermWeights()
        for part in parts:
            terms.count(part.texts)
        terms.begin_epoch()
        terms.weigh(self._traces, self._weights)

    @classmethod
    def read(
        cls, files: Sequence[str], config: Config, on_refusal: Callable[[Refusal], None] = lambda _: None
    ) -> "Corpus":
        """Return the articles of all files as one stream; of those with the same id the first.

        Raises InputFailed and UsageError as reading does.
        """
        ids: dict[str, Article] = {}
        parts = []
        for chunk in read(files, limits=config.limits, mapping={}):
            for refusal in chunk.refusals:
                on_refusal(refusal)
            fresh = []
            for article, place in zip(chunk.articles, chunk.places, strict=True):
                if article.id in ids:
                    on_refusal(Refusal(*place, str(DuplicateId(article.id))))
                else:
                    ids[article.id] = msgspec.structs.replace(article, text="")
                    fresh.append(article)
            parts.append(trace(fresh, config.detection.max_words))
        return cls(list(ids.values()), parts, config.detection.min_words, config.detection.max_words)

    def is_judged(self, pair: LabelledPair) -> bool:
        """Say whether the model judges the pair: texts under `min_words` words match only when they are the same."""
        return all(
            len(self._traces[n]) - self._title_words[n] >= self._min_words
            for n in (self.number_of[pair.a], self.number_of[pair.b])
        )

    def measure(self, pairs: Sequence[tuple[int, int]]) -> F64:
        """Return (len(pairs), len(FEATURES)) the features of pairs of article numbers."""
        features = np.zeros((len(pairs), FEATURES), np.float32)
        results = np.zeros(RESULTS, np.float32)
        heads = np.empty(heads_for(self._max_words), dtype=np.int32)
        following = np.empty(self._max_words, dtype=np.int32)
        bounds = self._traces.bounds
        for k, (a, b) in enumerate(pairs):
            in_a, in_b = slice(bounds[a], bounds[a + 1]), slice(bounds[b], bounds[b + 1])
            words, weights = self._traces.words[in_a], self._weights[in_a]
            room = heads[: heads_for(len(words))]
            index_words(words, weights, room, following)
            verify(
                words, weights, self._title_words[a], room, following, self._traces.words[in_b], self._weights[in_b],
                self._title_words[b], days_between(self._published[a], self._published[b]),
                bool(self._sources[a]) and self._sources[a] == self._sources[b], features[k], results
            )  # fmt: skip
        return features.astype(np.float64)

    def label(self, name: str, pairs: Sequence[LabelledPair], total: float | None = None) -> LabelledSet:
        """Return the pairs that the model judges, with their features. Raises InputFailed for articles that are
        unknown.
        """
        unknown = [id_ for pair in pairs for id_ in (pair.a, pair.b) if id_ not in self.number_of]
        if unknown:
            some = ", ".join(map(repr, list(dict.fromkeys(unknown))[:3]))
            raise InputFailed(name, f"{len(set(unknown))} of its ids are in no article file, such as {some}")
        judged = [pair for pair in pairs if self.is_judged(pair)]
        features = self.measure([(self.number_of[pair.a], self.number_of[pair.b]) for pair in judged])
        return LabelledSet(name, judged, features, float(len(judged)) if total is None else total)


def unordered(pair: LabelledPair) -> tuple[str, str]:
    """Return the two ids, the smaller first: pairs have no direction."""
    return (pair.a, pair.b) if pair.a < pair.b else (pair.b, pair.a)
