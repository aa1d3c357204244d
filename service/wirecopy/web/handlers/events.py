"""Handlers of the feed."""

from aiohttp import web

from wirecopy.web.handlers.event_stream import EventStream, is_asked_for
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000
MAX_SEQ = 2**62


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/events?after=&limit=: a page of the feed, or all of it as it comes. Raises EventsGone, Overloaded."""
    if is_asked_for(call.request.headers.get("Accept", "")):
        return await EventStream(service, call, _place(call)).run()
    after = queries.integer(call.query, "after", 0, 0, MAX_SEQ)
    limit = queries.integer(call.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    return replies.json(await service.read_events(after, limit))


def _place(call: Call) -> int:
    """Return where a stream goes on: behind the last event that the client had, or else where its address says."""
    queries.check_names(call.query, {"after"})  # pages have a limit, a stream has none
    last = call.request.headers.get("Last-Event-ID", "")
    values = {**call.query, "Last-Event-ID": last} if last else call.query
    return queries.integer(values, "Last-Event-ID" if last else "after", 0, 0, MAX_SEQ)
