"""Article -> trace: what of the flow needs no state, and may run in worker threads before the rest."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.words import repeats, text
from wirecopy.detection.words.text import Traces
from wirecopy.schema.article import Article


class ArticleTraces(NamedTuple):
    """The traces of some articles, title first; title_words[k] of words[bounds[k]:bounds[k + 1]] are the title's."""

    texts: Traces
    title_words: npt.NDArray[np.int64]

    def part(self, first: int, last: int) -> "ArticleTraces":
        """Return those of the articles first .. last - 1."""
        words, bounds = self.texts
        own = bounds[first : last + 1]
        return ArticleTraces(Traces(words[own[0] : own[-1]], own - own[0]), self.title_words[first:last])

    def select(self, chosen: Sequence[int]) -> "ArticleTraces":
        """Return those of the chosen articles, in that order."""
        words = [self.texts[k] for k in chosen]
        bounds = np.zeros(len(chosen) + 1, dtype=np.int64)
        np.cumsum([len(part) for part in words], out=bounds[1:])
        return ArticleTraces(
            Traces(np.concatenate([self.texts.words[:0], *words]), bounds), self.title_words[list(chosen)]
        )


def trace(articles: Sequence[Article], max_words: int) -> ArticleTraces:
    """Return the traces of `articles`. Pure; the compiled part releases the interpreter."""
    heads = [f"{article.title}\n" if article.title else "" for article in articles]
    texts = [article.text for article in articles] + [article.title or "" for article in articles]
    # In one call: of few articles, as single requests bring them, the call is what takes long.
    return _told_apart(*text.trace(texts, max_words, heads + [""] * len(heads)))


def trace_encoded(encoded: memoryview, bounds: memoryview, max_words: int) -> ArticleTraces:
    """Return the same of articles that are encoded already, as `Part` of `batch.apart` has them."""
    places = np.frombuffer(bounds, dtype=np.int64)
    return _told_apart(*text.trace_encoded(np.frombuffer(encoded, dtype=np.uint8), places, max_words))


def _told_apart(words: npt.NDArray[np.uint32], bounds: npt.NDArray[np.int64]) -> ArticleTraces:
    """Return the traces of articles, from those of as many texts, titles first, and of their titles behind them."""
    count = len(bounds) // 2
    own = bounds[: count + 1]
    kept = repeats.without_repeats(Traces(words[: own[-1]], own), np.diff(bounds[count:]))
    return ArticleTraces(kept.traces, kept.title_words)
