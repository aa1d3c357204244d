"""Counts that people ask for: of a story, unique texts against copies; of a source, what of it was copied from whom.

The counts of sources are kept story by story: what changed since they were asked for last is counted anew, in parts.

An article counts as a copy of the earliest article of another source in its story that it is a copy of; if none,
as a rewrite of the earliest that it is a rewrite of. Two customers of one agency are no copies of each other:
where the texts of both credit one name, each counts as made of what that source had, whichever came first. Earlier is
what was published before, by our clock where that is not known. Of articles that left the index only the best match is
remembered.
"""

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple, TypeVar

from msgspec import Struct

from wirecopy.detection.evidence.model import UNJOINED, Link
from wirecopy.detection.grouping.stories import Grouping
from wirecopy.detection.words.credit_names import agency_of
from wirecopy.detector.memory.archive import Archive
from wirecopy.schema.answers import DayCount, Lead, Origin, Source, SourceCount
from wirecopy.schema.dates import format_published

T = TypeVar("T")

PART = 10_000  # links, or what takes as long, that are looked at between two commits: a few milliseconds
_PER_STORY, _PER_ARTICLE, _STEP = 50, 10, 64  # what takes as long as so many links; articles that are taken at once
_CAME_BITS = 40
_OVER = object()
_BEFORE_ALL = -(1 << 80)  # the age of what a source had that two texts credit
_MOST_TOLD = 20  # sources that are told of one
_COPIES = ("identical", "copy")


class Counts(NamedTuple):
    """Of a story: texts that are no copies of each other, and copies by source and by day."""

    unique_texts: int
    by_source: tuple[SourceCount, ...]
    by_day: tuple[DayCount, ...]


class _ArticleCounts(Struct, frozen=True, gc=False):
    """What one article adds to the counts of its source."""

    source: str
    origin: str | None
    is_rewrite: bool


class _StoryCounts(Struct, frozen=True, gc=False):
    """What a story adds; `first` is the source of its earliest article, where it has several sources."""

    articles: tuple[_ArticleCounts, ...]
    first: str | None


def count(archive: Archive, stories: Grouping, numbers: Sequence[int]) -> Counts:
    """Return the counts of a story's members, those of them that are shown."""
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


class SourceCounts:
    """The counts of all sources, up to date after `_catch_up`."""

    def __init__(self, archive: Archive, stories: Grouping) -> None:
        self._archive, self._stories = archive, stories
        self._changed = set(stories.members)
        stories.watch(on_change=self._changed.add)
        self._hidden: set[int] = set()
        self._told: dict[str, _StoryCounts] = {}
        self._articles: Counter[str] = Counter()
        self._origins: dict[str, Counter[tuple[str, bool]]] = {}
        self._leads: dict[str, Counter[str]] = {}
        self._counting: Iterator[None] | None = None  # one for all who ask at the same time

    def page(
        self, source: str | None, cursor: str | None, limit: int
    ) -> Generator[None, None, tuple[list[Source], str | None]]:
        """Return at most `limit` sources by name, and the cursor of the next page; in parts."""
        yield from self._catch_up()
        if source is not None:
            return ([self._describe(source)] if self._articles[source] > 0 else []), None
        names = nsmallest(limit + 1, (name for name in self._articles if cursor is None or name > cursor))
        found: list[Source] = []
        spent = 0
        for name in names[:limit]:
            if spent > PART:
                yield
                yield from self._catch_up()  # others may have begun to count anew meanwhile
                spent = 0
            found.append(self._describe(name))
            spent += _PER_STORY + _PER_ARTICLE * (len(self._origins.get(name, ())) + len(self._leads.get(name, ())))
        return found, names[limit - 1] if len(names) > limit else None

    def _catch_up(self) -> Iterator[None]:
        """Count anew what had changed when it began, some stories, or links of a large one, at a time."""
        while True:
            if self._counting is None:
                self._counting = self._count_changed()
            if next(self._counting, _OVER) is _OVER:
                self._counting = None
                return
            yield

    def _count_changed(self) -> Iterator[None]:
        hidden = self._archive.hidden
        for number in hidden ^ self._hidden:
            if number in self._stories.story_of:
                self._changed.add(self._stories.story_of[number])
        self._hidden = set(hidden)
        spent = 0
        for story in list(self._changed):
            self._changed.discard(story)  # what changes from here on is counted by the next question
            for cost in self._count(story):
                spent += cost
                if spent > PART:
                    spent = 0
                    yield

    def _count(self, story: str) -> Iterator[int]:
        """Count a story anew; return the costs of its parts, which may be far apart."""
        numbers = list(self._archive.shown(self._stories.members.get(story, ())))
        yield _PER_STORY
        if len(numbers) < 2:
            told = _counts_of_one(self._archive, numbers)
        else:
            told = yield from _counts_of(self._archive, self._stories, numbers)
        before = self._told.pop(story, None)
        if before is not None:
            yield from self._add(before, -1)
        if told.articles:
            self._told[story] = told
            yield from self._add(told, 1)

    def _add(self, told: _StoryCounts, sign: int) -> Iterator[int]:
        for k, article in enumerate(told.articles):
            _change(self._articles, article.source, sign)
            if article.origin is not None:
                origins = self._origins.setdefault(article.source, Counter())
                _change(origins, (article.origin, article.is_rewrite), sign)
            if k % _STEP == _STEP - 1:
                yield _STEP * _PER_ARTICLE
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


def _counts_of_one(archive: Archive, numbers: Sequence[int]) -> _StoryCounts:
    """Return what a story of one shown member, or none, adds."""
    source = archive.kept[numbers[0]].source if numbers else None
    return _StoryCounts((_ArticleCounts(source, None, False),) if source else (), None)


def _counts_of(archive: Archive, stories: Grouping, numbers: Sequence[int]) -> Generator[int, None, _StoryCounts]:
    """Return what a story of several members adds; the costs of parts, between which members may leave and be
    forgotten.
    """
    kept = archive.kept
    credits: dict[int, tuple[str, ...]] = {}  # of those that credit somebody
    ages: dict[int, int] = {}  # of the members, one number for both parts of an age: it is compared for each link
    sources: dict[int, str] = {}  # of those that have one
    for number in numbers:
        if number not in kept:
            continue
        published, came = _age(archive, number)
        ages[number] = (published << _CAME_BITS) + came
        if kept[number].source:
            sources[number] = kept[number].source or ""
        if kept[number].credits:
            credits[number] = tuple(credit.name for credit in kept[number].credits)
        if len(ages) % _STEP == 0:
            yield _STEP * _PER_ARTICLE
    articles = []
    for number, source in sources.items():
        links = _links(stories, number)
        articles.append(_ArticleCounts(source, *_origin(links, number, ages, sources, credits)))
        yield _PER_ARTICLE + len(links)
    first = sources.get(min(ages, key=ages.__getitem__)) if ages else None
    has_several = len({article.source for article in articles}) > 1
    return _StoryCounts(tuple(articles), first if has_several and first else None)


def _origin(
    links: Iterable[tuple[int, Link]], number: int, ages: Mapping[int, int], sources: Mapping[int, str],
    credits: Mapping[int, tuple[str, ...]],
) -> tuple[str | None, bool]:  # fmt: skip
    """Return the source that an article was made of, and whether as a rewrite."""
    own, source = ages[number], sources[number]
    credited = credits.get(number, ())
    copied = rewritten = own
    origin_of_copy = origin_of_rewrite = None
    for other, link in links:
        age, origin = ages.get(other, own), sources.get(other, source)
        if link.relation in UNJOINED or origin == source or (agency_of(source) or source) in credits.get(other, ()):
            continue
        if credited and (agency_of(origin) or origin) not in credited:
            shared = [name for name in credited if name in credits.get(other, ())]
            age, origin = (_BEFORE_ALL, shared[0]) if shared else (age, origin)
        if age >= copied:
            continue
        if link.relation != "rewrite":
            copied, origin_of_copy = age, origin
        elif age < rewritten:
            rewritten, origin_of_rewrite = age, origin
    if origin_of_copy is not None:
        return origin_of_copy, False
    return origin_of_rewrite, origin_of_rewrite is not None


def _links(stories: Grouping, number: int) -> Collection[tuple[int, Link]]:
    """Return what is remembered of an article's evidence."""
    if number in stories.links:
        return stories.links[number].items()
    return (stories.last_best[number],) if number in stories.last_best else ()


def _age(archive: Archive, number: int) -> tuple[int, int]:
    kept = archive.kept[number]
    return kept.first_seen if kept.published is None else kept.published, kept.came


def _change(counter: "Counter[T]", key: T, sign: int) -> None:
    counter[key] += sign
    if not counter[key]:
        del counter[key]
