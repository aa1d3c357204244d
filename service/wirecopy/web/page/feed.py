"""The feed: what happened, newest first; and live, as it happens."""

import asyncio

from aiohttp import web

from wirecopy import errors
from wirecopy.web.connections import connection_of
from wirecopy.web.http import queries
from wirecopy.web.http.call import Call
from wirecopy.web.http.replies import SECURITY
from wirecopy.web.page import rendering
from wirecopy.web.service import RunningService

_LIMIT, _MOST = 100, 500
_MAX_SEQ = 2**62


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /feed?after=&limit=: events up to the newest, or the page behind the number `after`."""
    values = {name: value for name, value in call.query.items() if value}
    limit = queries.integer(values, "limit", _LIMIT, 1, _MOST)
    newest = await service.owner.ask(lambda d: d.last_event)
    after = queries.integer(values, "after", max(0, newest - limit), 0, _MAX_SEQ)
    try:
        page = await service.read_events(min(after, newest), limit)
        events, is_cut = page.events, False
    except errors.EventsGone as gone:
        if gone.oldest is None:
            raise
        after = gone.oldest - 1
        events, is_cut = (await service.read_events(after, limit)).events, True
    ids = list(dict.fromkeys(event.article for event in events if event.article))
    found = {document.id: document for document in await service.owner.ask(lambda d: d.documents(ids))}
    data = {"events": events, "next": events[-1].seq if events else after, "newest": newest}
    return rendering.answer(
        service, call, "feed.html", data, found=rendering.travelling(found), limit=limit, is_cut=is_cut, after=after,
        last=newest,
    )  # fmt: skip


async def live(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /live: what is new, once a second, as server-sent events. Raises Overloaded."""
    if len(service.event_streams) >= service.web.max_event_streams:
        raise errors.Overloaded(f"{service.web.max_event_streams} event streams are open already")
    return await _Listener(service, call).run()


class _Listener:
    """One open page."""

    def __init__(self, service: RunningService, call: Call) -> None:
        self._service = service
        self._call = call
        self._connection = connection_of(call.request)
        self._queue: asyncio.Queue[bytes] = service.desk.live.listen()
        self._is_stopped = False
        service.event_streams.add(self)
        self._connection.on_lost = self.stop

    def stop(self) -> None:
        """End now."""
        self._is_stopped = True
        if not self._queue.full():
            self._queue.put_nowait(b"")
        if self._connection.writing_paused and self._connection.transport is not None:
            self._connection.transport.abort()

    async def run(self) -> web.StreamResponse:
        """Send what is new until the page is closed or the service stops."""
        headers = {**SECURITY, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        try:
            await response.prepare(self._call.request)
            await response.write(b"retry: 3000\n\n")
            while not self._is_stopped and self._call.request.method != "HEAD":
                await response.write(await self._next())
            if self._connection.transport is not None:
                await response.write_eof()
        finally:
            self._connection.on_lost = None
            self._service.event_streams.discard(self)
            self._service.desk.live.leave(self._queue)
        return response

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._service.web.heartbeat_seconds):
                return await self._queue.get()
        except TimeoutError:
            return b":\n\n"
