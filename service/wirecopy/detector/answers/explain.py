"""Why two articles match, or do not: their traces judged and aligned, with or without their texts.

    side        an article as it came by itself            the Detector has sides of what it keeps
    explain     two sides -> score, features, passages, marked paragraphs, changed numbers and quotations
    compare     both, for two articles without a stream around them

Pure, and may run in any thread.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.config import Config, Detection
from wirecopy.detection.evidence import alignment
from wirecopy.detection.evidence.alignment import WordSpan
from wirecopy.detection.evidence.contributions import IN_WORDS, contributions
from wirecopy.detection.evidence.model import FEATURES, probability, relations
from wirecopy.detection.grouping.stories import LEAST
from wirecopy.detection.kernels import layout
from wirecopy.detection.kernels.judging import judge
from wirecopy.detection.kernels.layout import CONTAINS, FOLLOW_UP, HASH, RESULTS
from wirecopy.detection.kernels.shared import heads_for, index_words
from wirecopy.detection.words import repeats
from wirecopy.detection.words.rarity import TermWeights
from wirecopy.detector.memory import model_file
from wirecopy.detector.tracing import trace
from wirecopy.errors import InvalidArticle
from wirecopy.schema.answers import (
    Change,
    Comparison,
    Contribution,
    Direction,
    Fragment,
    Paragraph,
    Paragraphs,
    Passage,
    Relation,
)
from wirecopy.schema.article import Article

DAY = 86_400_000  # milliseconds
_BREAK = r"(?:\r\n|\r(?!\n)|[\n\u2028\u2029])"
_BLANK_LINE = re.compile(rf"{_BREAK}[^\S\r\n\u2028\u2029]*{_BREAK}\s*")
_LINE_END = re.compile(r"[\r\n\u2028\u2029]\s*")


class Side(NamedTuple):
    """One of two articles: its trace, title first, the weights of its words, and its text where that is at hand."""

    id: str
    words: npt.NDArray[np.uint32]
    weights: npt.NDArray[np.uint8]
    title_words: int
    published: int | None
    title: str | None
    text: str | None
    source: str | None = None


class Pair(NamedTuple):
    """Two sides, named as who asks names them, and what they are judged by; the later one is judged first.

    `least`: the log-odds from which a relation is named: by themselves, where the two would be one story.
    """

    a: Side
    b: Side
    settings: Detection
    b_is_later: bool = False
    least: float = LEAST


def compare(a: Article, b: Article, config: Config | None = None) -> Comparison:
    """Compare two articles by themselves, with the shipped term weights.

    Raises InvalidArticle for a text that is no string.
    """
    settings = (config or Config()).detection
    return explain(Pair(side(a, settings), side(b, settings), settings))


def side(article: Article, settings: Detection) -> Side:
    """Return the article as it is compared when nothing is known but itself."""
    (traces, title_words), weigher = trace([article], settings.max_words), TermWeights()
    weights = np.empty(len(traces.words), dtype=np.uint8)
    weigher.weigh(traces, weights)
    return Side(
        article.id, traces.words, weights, int(title_words[0]), article.published, article.title, article.text,
        article.source
    )  # fmt: skip


def explain(pair: Pair, texts: tuple[str, str] | None = None) -> Comparison:
    """Judge and aligns two articles, with the `texts` that a caller has of them.

    Raises InvalidArticle for a text whose words are not those of its article.
    """
    a, b, settings, b_is_later, least = pair
    if texts is not None:
        a, b = _with_text(a, texts[0], settings), _with_text(b, texts[1], settings)
    odds, what, features = _judge(b, a, settings, least) if b_is_later else _judge(a, b, settings, least)
    words_a, words_b = a.words[a.title_words :], b.words[b.title_words :]
    in_a, in_b = _spans(a, settings), _spans(b, settings)
    return Comparison(
        a=a.id,
        b=b.id,
        score=probability(odds),
        relation=what,
        features={name: round(value, 4) for name, value in features.items()},
        truncated=max(len(a.words), len(b.words)) >= settings.max_words,
        passages=tuple(_passage(run, in_a, in_b) for run in alignment.runs(words_a, words_b)),
        paragraphs=_mark(a, in_a, b, in_b),
        numbers=tuple(_change(change, in_a, in_b) for change in alignment.numbers(words_a, words_b)),
        quotes=tuple(_change(change, in_a, in_b) for change in alignment.quotes(words_a, words_b)),
        contributions=_contributions(features, settings),
        direction=_direction(pair) if what == "follow_up" else None,
    )


def _contributions(features: dict[str, float], settings: Detection) -> tuple[Contribution, ...]:
    """Return what each feature adds to the log-odds, largest first."""
    _, shares = contributions(model_file.load(settings.model), features)
    return tuple(Contribution(s.feature, s.value, round(s.log_odds, 3), IN_WORDS[s.feature]) for s in shares)


def _direction(pair: Pair) -> Direction | None:
    """Return what a is to b of two of which one goes on with the other; None where their dates do not say it."""
    a, b = pair.a.published, pair.b.published
    if a is None or b is None or a == b:
        return None
    return "follows" if a > b else "followed_by"


def _with_text(of: Side, given: str, settings: Detection) -> Side:
    """Return the side with the text that a caller gave for it."""
    spans = repeats.spans(of.title, given, settings.max_words).spans
    if not np.array_equal(spans.words & HASH, of.words & HASH):
        raise InvalidArticle(f"the text given for {of.id!r} is not that of the article which is kept")
    return of._replace(text=given)


class _Spans(NamedTuple):
    """A text up to `reach`, and from where to where each word of its trace stands in it; nothing without a text."""

    text: str
    reach: int
    first: list[int]
    last: list[int]

    def find(self, begin: int, end: int) -> tuple[str, int, int] | tuple[None, None, None]:
        """Return text, start and end of the words begin .. end - 1."""
        if end > len(self.first):
            return None, None, None
        start, stop = self.first[begin], self.last[end - 1]
        return self.text[start:stop], start, stop


def _judge(a: Side, b: Side, settings: Detection, least: float) -> tuple[float, Relation | None, dict[str, float]]:
    """Return the log-odds, the relation from `least` on or where one contains the other, and the features."""
    heads = np.empty(heads_for(len(a.words)), dtype=np.int32)
    following = np.empty(len(a.words), dtype=np.int32)
    features, results = np.zeros(layout.FEATURES, np.float32), np.zeros(RESULTS, np.float32)
    index_words(a.words, a.weights, heads, following)
    is_dated = a.published is not None and b.published is not None
    gap = abs((a.published or 0) - (b.published or 0)) / DAY if is_dated else -1.0
    odds = judge(
        a.words, a.weights, a.title_words, heads, following, b.words, b.weights, b.title_words, gap,
        bool(a.source) and a.source == b.source, settings.min_words, model_file.load(settings.model).arrays(),
        features, results
    )  # fmt: skip
    exact = dict(zip(FEATURES, features.tolist(), strict=True))
    is_match = odds >= max(least, settings.min_odds) or results[CONTAINS] > 0 or results[FOLLOW_UP] > 0
    return odds, relations(results[None])[0] if is_match else None, exact


def _spans(of: Side, settings: Detection) -> _Spans:
    if of.text is None:
        return _Spans("", 0, [], [])
    spans, title_words, is_whole = repeats.spans(of.title, of.text, settings.max_words)
    before = len(of.title) + 1 if of.title else 0
    first, last = (spans.first[title_words:] - before).tolist(), (spans.last[title_words:] - before).tolist()
    return _Spans(of.text, len(of.text) if is_whole else max([0, *last[-1:]]), first, last)


def _passage(run: alignment.SharedRun, in_a: _Spans, in_b: _Spans) -> Passage:
    (shown, a_start, a_end), (_, b_start, b_end) = (
        in_a.find(run.a, run.a + run.words),
        in_b.find(run.b, run.b + run.words),
    )
    return Passage(shown, a_start, a_end, b_start, b_end, run.a, run.b, run.words)


def _change(change: alignment.Difference, in_a: _Spans, in_b: _Spans) -> Change:
    return Change(_fragment(change.a, in_a), _fragment(change.b, in_b))


def _fragment(piece: WordSpan | None, spans: _Spans) -> Fragment | None:
    if piece is None:
        return None
    shown, start, end = spans.find(*piece)
    return Fragment(shown, start, end, piece.begin, piece.end - piece.begin)


def _mark(a: Side, in_a: _Spans, b: Side, in_b: _Spans) -> Paragraphs | None:
    """Return the paragraphs of both, where both texts are at hand."""
    if a.text is None or b.text is None:
        return None
    places_a, places_b = _paragraphs(in_a), _paragraphs(in_b)
    words_a, words_b = a.words[a.title_words :], b.words[b.title_words :]
    pieces_a, pieces_b = [piece for piece, _, _ in places_a], [piece for piece, _, _ in places_b]
    marks_a = alignment.mark(words_a, a.weights[a.title_words :], pieces_a, words_b, pieces_b)
    marks_b = alignment.mark(words_b, b.weights[b.title_words :], pieces_b, words_a, pieces_a)
    return Paragraphs(_marked(a.text, places_a, marks_a), _marked(b.text, places_b, marks_b))


def _marked(
    body: str, places: Sequence[tuple[WordSpan, int, int]], marks: Sequence[alignment.Marked]
) -> tuple[Paragraph, ...]:
    return tuple(
        Paragraph(body[start:end], start, end, *marked) for (_, start, end), marked in zip(places, marks, strict=True)
    )


def _paragraphs(spans: _Spans) -> list[tuple[WordSpan, int, int]]:
    """(words, start, end) of the paragraphs that have words: what blank lines part, or where there are none, lines."""
    if not spans.first:
        return []
    body, first, end_of_words = spans.text, np.array(spans.first), spans.last[-1]
    parting = _BLANK_LINE if _BLANK_LINE.search(body, spans.first[0], end_of_words) else _LINE_END
    places = []
    start = 0
    while start < end_of_words:
        found = parting.search(body, start, spans.reach)
        end, following = (spans.reach, spans.reach) if found is None else found.span()
        begin, stop = np.searchsorted(first, [start, end]).tolist()
        if stop > begin:
            written = body[start:end]
            end = start + len(written.rstrip())
            places.append((WordSpan(begin, stop), end - len(written.strip()), end))
        start = following
    return places
