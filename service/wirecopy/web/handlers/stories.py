"""Handlers of stories."""

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.service import RunningService

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
    """GET /v1/stories?since=&source=&min_size=&keep=&cursor=&limit=: newest first, a page at a time."""
    values = call.query
    since = queries.moment(values, "since")
    min_size = queries.integer(values, "min_size", 1, 1, MAX_SIZE)
    limit = queries.integer(values, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    keep = queries.policy(values)
    source, cursor = values.get("source"), values.get("cursor")
    stories, next_cursor = await service.owner.ask(
        lambda detector: detector.stories(
            since=since, source=source, min_size=min_size, cursor=cursor, limit=limit, keep=keep
        )
    )
    return replies.json(wire.StoryPage([wire.story(story) for story in stories], next_cursor))
