"""Handlers of what sources repeat."""

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.web.handlers.stories import DEFAULT_LIMIT, MAX_LIMIT
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call
from wirecopy.web.http.problems import InvalidParameter
from wirecopy.web.service import RunningService


async def get_page(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/boilerplate?source=&cursor=&limit=: what sources repeat, a page at a time."""
    source, cursor, limit = queries.source_page(call.query, DEFAULT_LIMIT, MAX_LIMIT)
    passages, next_cursor = await service.owner.ask_in_parts(
        lambda detector: detector.boilerplate_in_parts(source=source, cursor=cursor, limit=limit)
    )
    return replies.json(wire.BoilerplatePage(passages, next_cursor))


async def delete(service: RunningService, call: Call) -> web.StreamResponse:
    """DELETE /v1/boilerplate?source=: what was learnt of a source is forgotten."""
    if "source" not in call.query:
        raise InvalidParameter("the parameter source is missing: /v1/boilerplate?source=...")
    source = call.query["source"]
    articles = await service.owner.change_in_parts(
        lambda detector, now: detector.clear_boilerplate_in_parts(source, now)
    )
    return replies.json(wire.Cleared(source or None, articles))
