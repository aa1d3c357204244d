"""Why two articles match, or do not: compared by themselves, without a stream around them."""

from typing import NamedTuple

import numpy as np

from wirecopy import models
from wirecopy.article import Article
from wirecopy.config import Config
from wirecopy.detection import kernels, text
from wirecopy.detection.matching import FEATURES, probability, relation
from wirecopy.detection.stories import LEAST as STORY_ODDS
from wirecopy.detection.terms import TermWeights
from wirecopy.sketching import sketch

DAY = 86_400_000  # milliseconds
PASSAGE = 4  # words that a passage has at least


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
        traces[0], wa, title_a, heads, following, traces[1], wb, title_b, gap, settings.min_words,
        models.load(settings.model).arrays(), features, results
    )  # fmt: skip
    described = {name: round(float(value), 4) for name, value in zip(FEATURES, features, strict=True)}
    matched = odds > STORY_ODDS or results[kernels.CONTAINS] > 0
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
