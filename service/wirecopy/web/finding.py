"""Finding stories and articles: by words and by what they are, page by page, the newest first.

What is found by words comes from the index file, which runs a moment behind; what it names is then asked of the owner,
so nothing is shown that is gone or hidden meanwhile. A story is listed where its newest article that fits is found, and
not again on a later page.
"""

import re
from typing import NamedTuple

from wirecopy import errors
from wirecopy.schema.listing import Document, StoryLine
from wirecopy.web.indexing import Indexing
from wirecopy.web.search.index_file import Hit, Wanted
from wirecopy.web.service import RunningService

_AT_ONCE = 200  # hits that are looked at
_MOST_ROUNDS = 25
_CURSOR = re.compile(r"(hit|rank)-([0-9]{1,18})")
RELATIONS = ("copies", "rewrites", "several", "alone", "recalled")


class Asked(NamedTuple):
    """What a list of stories is to show."""

    order: str = "newest"
    wanted: Wanted = Wanted()
    min_size: int = 1
    relation: str | None = None
    cursor: str | None = None
    limit: int = 50


async def find_stories(service: RunningService, asked: Asked) -> tuple[list[StoryLine], str | None]:
    """Return a page of stories and the cursor of the next, None on the last. Raises UsageError."""
    if asked.wanted != Wanted():
        return await _by_index(service, asked)
    if asked.order != "newest":
        return await _by_rank(service, asked)
    return await _by_age(service, asked)


async def find_story_ids(
    service: RunningService, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[str], str | None]:
    """Return the ids of stories of which an article fits, and the cursor of the next page. Raises UsageError."""
    indexing, before = _indexing(service), _number(cursor, "hit")
    begin, names = before, dict[str, None]()
    for _ in range(_MOST_ROUNDS):
        at = begin
        hits = await indexing.ask(lambda file: file.find(wanted, _AT_ONCE, at))  # noqa: B023 - awaited at once
        places = await service.owner.ask(lambda d: d.places_of([hit.id for hit in hits]))  # noqa: B023
        for hit in hits:
            story = places.get(hit.id)
            if story is None or story in names:
                continue
            if len(names) == limit:
                return list(names), f"hit-{hit.number + 1}"
            if before is None or not await _was_listed(service, indexing, wanted, story, before):
                names[story] = None
        if len(hits) < _AT_ONCE:
            return list(names), None
        begin = hits[-1].number
    return list(names), f"hit-{begin}"


async def find_articles(
    service: RunningService, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[Document], str | None]:
    """Return articles that fit, with their texts, and the cursor of the next page. Raises UsageError."""
    indexing, before = _indexing(service), _number(cursor, "hit")
    hits: list[Hit] = await indexing.ask(lambda file: file.find(wanted, limit, before))
    found = await service.owner.ask(lambda d: d.documents([hit.id for hit in hits], with_text=True))
    return found, f"hit-{hits[-1].number}" if len(hits) == limit else None


def _indexing(service: RunningService) -> Indexing:
    if service.indexing is None:
        raise errors.UsageError("nothing can be searched here: page.search is off")
    return service.indexing


def _number(cursor: str | None, kind: str) -> int | None:
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None or found[1] != kind:
        raise errors.UsageError(f"no page has the cursor {cursor[:60]!r}")
    return int(found[2])


async def _was_listed(service: RunningService, indexing: Indexing, wanted: Wanted, story: str, before: int) -> bool:
    """Return whether a page before this one has the story already, for a later article of it that fits too."""
    members = await service.owner.ask(lambda d: d.members_of(story))
    return len(members) > 1 and await indexing.ask(lambda file: file.later_hits(wanted, members, before))


async def _by_index(service: RunningService, asked: Asked) -> tuple[list[StoryLine], str | None]:
    found: list[StoryLine] = []
    cursor = asked.cursor
    recent = await service.desk.rankings.of(asked.order) if asked.order != "newest" else {}
    for _ in range(5):
        names, cursor = await find_story_ids(service, asked.wanted, cursor, asked.limit - len(found))
        lines = await service.owner.ask(lambda d: d.lines(names, recent))  # noqa: B023 - awaited at once
        found += [line for line in lines if _fits(line, asked)]
        if cursor is None or len(found) >= asked.limit:
            break
    if recent:
        found.sort(key=lambda line: -line.recent)
    return found, cursor


async def _by_rank(service: RunningService, asked: Asked) -> tuple[list[StoryLine], str | None]:
    ranking = await service.desk.rankings.of(asked.order)
    names, at = list(ranking), _number(asked.cursor, "rank") or 0
    found: list[StoryLine] = []
    while at < len(names):
        part = names[at : at + asked.limit]
        lines = await service.owner.ask(lambda d: d.lines(part, ranking))  # noqa: B023 - awaited at once
        for line in lines:
            if len(found) == asked.limit:
                return found, f"rank-{at}"
            at = names.index(line.id, at) + 1
            if _fits(line, asked):
                found.append(line)
        at = max(at, names.index(part[-1]) + 1)
        if len(found) == asked.limit:
            break
    return found, f"rank-{at}" if at < len(names) else None


async def _by_age(service: RunningService, asked: Asked) -> tuple[list[StoryLine], str | None]:
    found: list[StoryLine] = []
    cursor = asked.cursor
    for _ in range(_MOST_ROUNDS):
        at, room = cursor, asked.limit - len(found)
        names, cursor = await service.owner.ask(
            lambda d: d.newest_stories(at, limit=room, min_size=asked.min_size)  # noqa: B023 - awaited at once
        )
        lines = await service.owner.ask(lambda d: d.lines(names))  # noqa: B023
        found += [line for line in lines if _fits(line, asked)]
        if cursor is None or len(found) >= asked.limit:
            break
    return found, cursor


def _fits(line: StoryLine, asked: Asked) -> bool:
    if line.articles < asked.min_size:
        return False
    match asked.relation:
        case "copies":
            return line.copies is None or line.copies > 0
        case "rewrites":
            return line.rewrites is None or line.rewrites > 0
        case "several":
            return line.articles > 1
        case "alone":
            return line.articles == 1
        case "recalled":
            return line.recalled
    return True
