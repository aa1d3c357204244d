"""Handlers of the feed."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.web.handlers.event_stream import EventStream, is_asked_for
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call

if TYPE_CHECKING:
    from wirecopy.web.app import App

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000
MAX_SEQ = 2**62


async def get(app: "App", call: Call) -> web.StreamResponse:
    """GET /v1/events?after=&limit=: a page of the feed, or all of it as it comes. Raises EventsGone, Overloaded."""
    if is_asked_for(call.request.headers.get("Accept", "")):
        return await EventStream(app, call, _place(call)).run()
    after = queries.integer(call.query, "after", 0, 0, MAX_SEQ)
    limit = queries.integer(call.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    return replies.json(await read_page(app, after, limit))


async def read_page(app: "App", after: int, limit: int) -> wire.EventPage:
    """At most `limit` events behind `after`. They are read beside the thread that decides. Raises EventsGone."""
    read = await app.intake.ask(lambda detector: detector.events_reader(after, limit))
    found = await asyncio.to_thread(read)
    return wire.EventPage([wire.event(event) for event in found], found[-1].seq if found else after)


def _place(call: Call) -> int:
    """Where a stream goes on: behind the last event that the client had, or else where its address says."""
    queries.check_names(call.query, {"after"})  # pages have a limit, a stream has none
    last = call.request.headers.get("Last-Event-ID", "")
    values = {**call.query, "Last-Event-ID": last} if last else call.query
    return queries.integer(values, "Last-Event-ID" if last else "after", 0, 0, MAX_SEQ)
