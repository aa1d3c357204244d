"""Boilerplate: what sources repeat in article after article, found and described in small parts.

The passages of a source are counted (`index.window`), not kept; so they are looked up in the articles that were
counted. That may be all articles there are: every function here is a generator that pauses after a few milliseconds'
work, so that articles can be decided in between, and returns what it found at its end.
"""

import re
from collections import Counter
from collections.abc import Generator, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from wirecopy import errors
from wirecopy.detection.index.passages import Stretch
from wirecopy.detection.index.window import Window
from wirecopy.detection.words import repeats
from wirecopy.detector.memory.archive import Archive
from wirecopy.schema.answers import Boilerplate

T = TypeVar("T")
Parts = Generator[None, None, T]
Page = tuple[list[Boilerplate], str | None]

PART_WORDS = 400_000  # words that are looked at between two pauses: some milliseconds
_PAGE_WORDS = 20_000_000  # words after which a page ends behind its source, however little it holds
_MOST_WORDINGS = 20_000  # of one source; more are not told apart
_WORDINGS_AT_ONCE, _TEXTS_AT_ONCE = 1000, 5
_CURSOR = re.compile(r"[0-9a-f]{48}")
_END = "f" * 32
_REST = 0xFFFFFFFF


class _Entry(NamedTuple):
    """`key` is the place in the listing: hash of the source, articles and words downwards, the wording."""

    key: str
    articles: int
    stretch: Stretch


def in_parts(window: Window, numbers: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Cut articles in the window into parts of at most PART_WORDS words, or of one article."""
    ends = np.cumsum(window.words_of(numbers))
    first = 0
    while first < len(numbers):
        reached = PART_WORDS + (int(ends[first - 1]) if first else 0)
        last = max(first + 1, int(np.searchsorted(ends, reached, side="right")))
        yield numbers[first:last]
        first = last


def passages(window: Window, archive: Archive, *, source: str | None, cursor: str | None, limit: int) -> Parts[Page]:
    """Find what is boilerplate today, source by source, of each what is most frequent first.

    `source`: only of that one, "" of articles without a source. A page may hold fewer than `limit` passages, even none,
    and still have a next one. Raises UsageError for a cursor of no page.
    """
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise errors.UsageError(f"no page has the cursor {cursor!r}")
    return _passages(window, archive, source, cursor or "", limit)


def _passages(window: Window, archive: Archive, source: str | None, after: str, limit: int) -> Parts[Page]:
    chosen: list[_Entry] = []
    looked_at, following = 0, None
    for own in _sources(window, source, after):
        entries, words = yield from _learnt(window, own)
        chosen += [entry for entry in entries if entry.key > after]
        looked_at += words
        if len(chosen) > limit:
            del chosen[limit:]
            following = chosen[-1].key
            break
        if looked_at >= _PAGE_WORDS and source is None:
            following = f"{own:016x}{_END}"
            break
    described = []
    for k, entry in enumerate(chosen):
        if (passage := _describe(archive, entry, window.max_words)) is not None:
            described.append(passage)
        if k % _TEXTS_AT_ONCE == _TEXTS_AT_ONCE - 1:
            yield
    return described, following


def _sources(window: Window, source: str | None, after: str) -> Iterator[int]:
    """Hash of sources, ascending, from where the page before ended; or the one that is wanted."""
    if source is not None:
        yield window.source_hash(source)
        return
    above = int(after[:16], 16) - (not after.endswith(_END)) if after else 0
    while (own := window.next_source(above)) is not None:
        yield own
        above = own


def _learnt(window: Window, own: int) -> Parts[tuple[list[_Entry], int]]:
    """Yield the wordings that a source repeats, in their order, and how many words were looked at.

    A wording all of whose passages stand in more frequent ones is left out: where two blocks of clutter stand together
    in some articles and apart in others, each is shown once. So are wordings that only share their counters, by chance,
    with others: they do not stand in as many articles.
    """
    numbers = window.counted(own)
    wordings: dict[int, Stretch] = {}
    articles: Counter[int] = Counter()  # in how many a passage stands
    words = 0
    for part in in_parts(window, numbers[::-1]):
        words += int(window.words_of(part).sum())
        for stretch in window.repeated(part, own):
            articles.update(stretch.passages)
            if stretch.digest not in wordings and len(wordings) < _MOST_WORDINGS:
                wordings[stretch.digest] = stretch
        yield
    entries = []
    for k, stretch in enumerate(wordings.values()):
        often = [articles[passage] for passage in stretch.passages if articles[passage] >= window.least_repeats]
        if often:
            size = stretch.end - stretch.start
            key = f"{own:016x}{_REST - min(often):08x}{_REST - size:08x}{stretch.digest:016x}"
            entries.append(_Entry(key, min(often), stretch))
        if k % _WORDINGS_AT_ONCE == _WORDINGS_AT_ONCE - 1:
            yield
    entries.sort()
    covered: set[int] = set()
    kept = []
    for k, entry in enumerate(entries):
        if not covered.issuperset(entry.stretch.passages):
            covered.update(entry.stretch.passages)
            kept.append(entry)
        if k % _WORDINGS_AT_ONCE == _WORDINGS_AT_ONCE - 1:
            yield
    return kept, words


def _describe(archive: Archive, entry: _Entry, max_words: int) -> Boilerplate | None:
    """Return what callers are told; None when the article in which the passage was found has gone since."""
    number, start, end, title_words = entry.stretch[:4]
    kept = archive.kept.get(number)
    if kept is None or not archive.is_shown(number):
        return None
    title = archive.decision(number).title
    body = "" if end <= title_words else archive.text(number)
    shown = None if body is None else _cut(title, body, start, end, max_words)
    return Boilerplate(kept.source, entry.articles, end - start, shown, kept.id, start)


def _cut(title: str | None, body: str, start: int, end: int, max_words: int) -> str:
    """Return the words start .. end - 1 of an article, as they stand there."""
    spans, _, _ = repeats.spans(title, body, max_words)
    whole = f"{title}\n{body}" if title else body
    return whole[int(spans.first[start]) : int(spans.last[min(end, len(spans.last)) - 1])]


def finish(parts: Parts[T]) -> T:
    """Return what a generator returns at its end."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            found: T = end.value
            return found
