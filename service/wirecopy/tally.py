"""Counts that people ask for: of a story, unique texts against copies; of a source, what of it was copied from whom.

The counts of sources are kept story by story: what changed since they were asked for last is counted anew, in parts.

An article counts as a copy of the earliest article of another source in its story that it is a copy of; if none,
as a rewrite of the earliest that it is a rewrite of. Earlier is what was published before, by our clock where that is
not known. Of articles that left the index only the best match is remembered.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple, TypeVar

from wirecopy.archive import Archive
from wirecopy.article import format_published
from wirecopy.detection.stories import Link, Stories
from wirecopy.verdict import DayCount, Lead, Origin, Source, SourceCount

T = TypeVar("T")

PART = 256  # stories that are counted between two commits
_MOST_TOLD = 20  # sources that are told of one
_COPIES = ("identical", "copy")


class Counts(NamedTuple):
    """Of a story: texts that are no copies of each other, and copies by source and by day."""

    unique_texts: int
    by_source: tuple[SourceCount, ...]
    by_day: tuple[DayCount, ...]


class _Article(NamedTuple):
    """What one article adds to the counts of its source."""

    source: str
    origin: str | None
    is_rewrite: bool


class _Told(NamedTuple):
    """What a story adds; `first` is the source of its earliest article, where it has several sources."""

    articles: tuple[_Article, ...]
    first: str | None


def count(archive: Archive, stories: Stories, numbers: Sequence[int]) -> Counts:
    """-> the counts of a story's members, those of them that are shown."""
    ordered = sorted(numbers, key=lambda number: _age(archive, number))
    group = {number: number for number in ordered}

    def root(number: int) -> int:
        while group[number] != number:
            group[number] = number = group[group[number]]
        return number

    for number in ordered:
        for other, link in _links(stories, number):
            if other in group and link.relation in _COPIES:
                group[root(number)] = root(other)
    seen: set[int] = set()
    articles: dict[str | None, int] = {}
    copies: Counter[str | None] = Counter()
    days: dict[str, int] = {}
    day_copies: Counter[str] = Counter()
    for number in ordered:
        source, day = archive.kept[number].source, format_published(_age(archive, number)[0])[:10]
        articles[source] = articles.get(source, 0) + 1
        days[day] = days.get(day, 0) + 1
        is_copy = root(number) in seen
        seen.add(root(number))
        copies[source] += is_copy
        day_copies[day] += is_copy
    by_source = sorted(articles, key=lambda source: (-articles[source], source or ""))
    return Counts(
        len(seen),
        tuple(SourceCount(source, articles[source], copies[source]) for source in by_source),
        tuple(DayCount(day, days[day], day_copies[day]) for day in sorted(days)),
    )


class Tally:
    """The counts of all sources, up to date after `settle`."""

    def __init__(self, archive: Archive, stories: Stories) -> None:
        self._archive, self._stories = archive, stories
        self._changed = stories.changed = set(stories.members)
        self._hidden: set[int] = set()
        self._told: dict[str, _Told] = {}
        self._articles: Counter[str] = Counter()
        self._origins: dict[str, Counter[tuple[str, bool]]] = {}
        self._leads: dict[str, Counter[str]] = {}

    def page(
        self, source: str | None, cursor: str | None, limit: int
    ) -> Generator[None, None, tuple[list[Source], str | None]]:
        """-> at most `limit` sources by name, and the cursor of the next page; in parts."""
        yield from self._settle()
        if source is not None:
            return ([self._describe(source)] if self._articles[source] > 0 else []), None
        names = sorted(self._articles)
        begin = 0 if cursor is None else bisect_right(names, cursor)
        chosen = names[begin : begin + limit]
        more = begin + limit < len(names)
        return [self._describe(name) for name in chosen], chosen[-1] if more else None

    def _settle(self) -> Iterator[None]:
        """Counts anew what changed, some stories at a time."""
        hidden = self._archive.hidden
        for number in hidden ^ self._hidden:
            if number in self._stories.story_of:
                self._changed.add(self._stories.story_of[number])
        self._hidden = set(hidden)
        counted, most = 0, len(self._changed) + 16 * PART  # what goes on coming must not hold the answer back for ever
        while self._changed and counted < most:
            self._count(self._changed.pop())
            counted += 1
            if counted % PART == 0:
                yield

    def _count(self, story: str) -> None:
        before = self._told.pop(story, None)
        if before is not None:
            self._add(before, -1)
        numbers = self._archive.shown(self._stories.members.get(story, ()))
        told = _tell(self._archive, self._stories, numbers)
        if told.articles:
            self._told[story] = told
            self._add(told, 1)

    def _add(self, told: _Told, sign: int) -> None:
        for source, origin, is_rewrite in told.articles:
            _change(self._articles, source, sign)
            if origin is not None:
                _change(self._origins.setdefault(source, Counter()), (origin, is_rewrite), sign)
        if told.first is not None:
            for source in {article.source for article in told.articles}:
                _change(self._leads.setdefault(source, Counter()), told.first, sign)

    def _describe(self, source: str) -> Source:
        origins, leads = self._origins.get(source, Counter()), self._leads.get(source, Counter())
        names = {name for name, _ in origins}
        listed = [Origin(name, origins[name, False], origins[name, True]) for name in names]
        listed.sort(key=lambda origin: (-origin.copies - origin.rewrites, origin.source))
        first = sorted(leads.items(), key=lambda item: (-item[1], item[0]))
        return Source(
            source=source,
            articles=self._articles[source],
            copies=sum(origin.copies for origin in listed),
            rewrites=sum(origin.rewrites for origin in listed),
            copied_from=tuple(listed[:_MOST_TOLD]),
            shared_stories=sum(leads.values()),
            first=leads[source],
            usually_first=tuple(Lead(name, stories) for name, stories in first[:_MOST_TOLD]),
        )


def _tell(archive: Archive, stories: Stories, numbers: Sequence[int]) -> _Told:
    kept = archive.kept
    if not numbers:
        return _Told((), None)
    if len(numbers) == 1:
        source = kept[numbers[0]].source
        return _Told((_Article(source, None, False),) if source else (), None)
    ages = {number: _age(archive, number) for number in numbers}
    articles = []
    for number in numbers:
        source = kept[number].source
        if not source:
            continue
        earlier = [
            (link.relation == "rewrite", ages[other], other)
            for other, link in _links(stories, number)
            if other in ages
            and ages[other] < ages[number]
            and link.relation != "contains"
            and kept[other].source not in (None, "", source)
        ]
        best = min(earlier, default=None)
        origin = None if best is None else kept[best[2]].source
        articles.append(_Article(source, origin, best is not None and best[0]))
    first = kept[min(numbers, key=ages.__getitem__)].source
    has_several = len({article.source for article in articles}) > 1
    return _Told(tuple(articles), first if has_several and first else None)


def _links(stories: Stories, number: int) -> Iterator[tuple[int, Link]]:
    """What is remembered of an article's evidence."""
    if number in stories.links:
        yield from stories.links[number].items()
    elif number in stories.last_best:
        yield stories.last_best[number]


def _age(archive: Archive, number: int) -> tuple[int, int]:
    kept = archive.kept[number]
    return kept.first_seen if kept.published is None else kept.published, kept.came


def _change(counter: "Counter[T]", key: T, sign: int) -> None:
    counter[key] += sign
    if not counter[key]:
        del counter[key]
