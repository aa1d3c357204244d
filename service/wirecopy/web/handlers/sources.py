"""Handlers of sources."""

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.web.handlers.stories import DEFAULT_LIMIT, MAX_LIMIT
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService


async def get_page(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/sources?source=&cursor=&limit=: how much of each source is copied from whom, a page at a time."""
    source, cursor, limit = queries.source_page(call.query, DEFAULT_LIMIT, MAX_LIMIT)
    found, next_cursor = await service.owner.ask_in_parts(
        lambda detector: detector.sources_in_parts(source=source, cursor=cursor, limit=limit)
    )
    return replies.json(wire.SourcePage(found, next_cursor))
