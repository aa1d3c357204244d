"""Handlers of stories."""

from typing import TYPE_CHECKING

from aiohttp import web

from wirecopy.config import Keep
from wirecopy.schema import wire
from wirecopy.schema.answers import Milliseconds, Story
from wirecopy.web.finding import find_story_ids
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.search.index_file import Wanted
from wirecopy.web.service import RunningService

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_SIZE = 10_000_000


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/stories/{id}?keep=: the story with its members; 308 to the one that it was merged into."""
    story_id = check_id(call.story)
    keep = queries.policy(call.query)
    story = await service.owner.ask(lambda detector: detector.story(story_id, keep=keep))
    if story.id != story_id:  # it was merged
        answer = replies.json(wire.Moved(story.id), 308)
        answer.headers["Location"] = f"/v1/stories/{story.id}" + (f"?keep={keep}" if keep else "")
        return answer
    return replies.json(wire.story(story))


async def get_page(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/stories?since=&source=&min_size=&keep=&q=&cursor=&limit=: newest first, a page at a time."""
    values = call.query
    since = queries.moment(values, "since")
    min_size = queries.integer(values, "min_size", 1, 1, MAX_SIZE)
    limit = queries.integer(values, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    keep = queries.policy(values)
    source, cursor = values.get("source"), values.get("cursor")
    if "q" in values:
        wanted = Wanted(values["q"], (source,) if source is not None else (), since=since)
        names, next_cursor = await find_story_ids(service, wanted, cursor, limit)
        found = await service.owner.ask(lambda detector: stories_of(detector, names, keep, min_size))
        return replies.json(wire.StoryPage([wire.story(story) for story in found], next_cursor))
    stories, next_cursor = await service.owner.ask(
        lambda detector: detector.stories(
            since=since, source=source, min_size=min_size, cursor=cursor, limit=limit, keep=keep
        )
    )
    return replies.json(wire.StoryPage([wire.story(story) for story in stories], next_cursor))


def stories_of(detector: "Detector", names: list[str], keep: Keep | None, min_size: int) -> list[Story[Milliseconds]]:
    """Return the stories of these ids that have so many articles, in their order."""
    return [detector.story(name, keep=keep) for name in names if len(detector.members_of(name)) >= min_size]
