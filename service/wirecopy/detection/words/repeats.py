"""What stands twice in an article, kept once: its title at the head of its text, and passages extracted twice."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.repeats import PLACES, keep_once
from wirecopy.detection.words import text
from wirecopy.detection.words.text import Spans, Traces

I64 = npt.NDArray[np.int64]


class KeptOnce(NamedTuple):
    """Traces, title first, with what stood twice only once; places[j] is where words[j] was in its trace."""

    traces: Traces
    title_words: I64
    places: I64


def without_repeats(traces: Traces, title_words: I64, *, with_places: bool = False) -> KeptOnce:
    """Return the traces with what stands twice in one only once; `places` is empty unless it is asked for."""
    size = PLACES  # a number of 32 bits tells the traces of one call apart
    while size < traces.longest // 2:
        size *= 2
    out, out_bounds = np.empty_like(traces.words), np.empty_like(traces.bounds)
    titles = np.empty(len(traces), dtype=np.int64)
    places = np.empty(len(traces.words) if with_places else 0, dtype=np.int64)
    seen = np.zeros(size, dtype=np.uint64)
    keep_once(traces.words, traces.bounds, title_words, seen, 1, out, out_bounds, titles, places)
    end = int(out_bounds[-1])
    return KeptOnce(Traces(out[:end], out_bounds), titles, places[:end])


class ArticleSpans(NamedTuple):
    """The words of an article as they are compared, and where each stands in its title, a line end and its text."""

    spans: Spans
    title_words: int
    is_whole: bool


def spans(title: str | None, body: str, max_words: int) -> ArticleSpans:
    """Return the words of a title and a text, at most `max_words` of them before what stands twice is taken out."""
    whole = text.spans(f"{title}\n{body}" if title else body, max_words + 1)
    words, first, last = whole.words[:max_words], whole.first[:max_words], whole.last[:max_words]
    bounds = np.array([0, len(words)], dtype=np.int64)
    title_words = np.array([len(text.trace([title], max_words).words) if title else 0], dtype=np.int64)
    kept = without_repeats(Traces(words, bounds), title_words, with_places=True)
    found = Spans(kept.traces.words, first[kept.places], last[kept.places])
    return ArticleSpans(found, int(kept.title_words[0]), len(whole.words) <= max_words)
