"""GET /v1/events with `Accept: text/event-stream`: the feed as server-sent events, for as long as the client stays.

    id: 2
    event: joined
    data: {"seq":2,"type":"joined","at":"2026-03-02T09:31:07.500Z","story":"s0","article":"daily-7"}

A client that does not read fills its connection's buffer; nothing more is read for it until there is room, and when
there is none for `web.write_timeout_seconds` it is cut. It comes again with `Last-Event-ID` and misses nothing.
"""

from aiohttp import web

from wirecopy import errors
from wirecopy.web.connections import connection_of
from wirecopy.web.feed.following import EventsRead, Follower
from wirecopy.web.http.call import Call
from wirecopy.web.http.replies import SECURITY
from wirecopy.web.service import RunningService

MEDIA_TYPE = "text/event-stream"
_HEARTBEAT = b":\n\n"  # a comment: it keeps proxies patient, and shows which clients are gone


def is_asked_for(accept: str) -> bool:
    """Return whether an `Accept` header asks for events as they come, rather than for a page as JSON."""
    wishes: dict[str, float] = {}
    for wish in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in wish.split(";"))
        weights = [part[2:] for part in parameters if part.startswith("q=")]
        try:
            wishes[media_type] = float(weights[0]) if weights else 1.0
        except ValueError:
            wishes[media_type] = 0.0
    return wishes.get(MEDIA_TYPE, 0.0) > wishes.get("application/json", 0.0)


class EventStream:
    """One client that follows the feed."""

    def __init__(self, service: RunningService, call: Call, after: int) -> None:
        """Raise Overloaded when so many others follow that there is no room for one more."""
        if len(service.event_streams) >= service.web.max_event_streams:
            raise errors.Overloaded(f"{service.web.max_event_streams} event streams are open already")
        self._service = service
        self._call = call
        self._connection = connection_of(call.request)
        self._follower = Follower(service.following, after)
        service.event_streams.add(self)
        self._connection.on_lost = self._follower.stop

    async def run(self) -> web.StreamResponse:
        """Send events until the client leaves or the service stops. Raises as `Following.page` before it begins."""
        self._call.lines = 0
        try:
            page = await self._follower.page()
            response = web.StreamResponse(headers=self._headers())
            await response.prepare(self._call.request)
            if self._call.request.method != "HEAD":
                await response.write(_HEARTBEAT)
                await self._send(response, page)
                await self._follow(response)
            if self._connection.transport is not None:  # else the client has left, which is how most streams end
                await response.write_eof()
        finally:
            self._connection.on_lost = None
            self._service.event_streams.discard(self)
            self._follower.leave()
        return response

    def stop(self) -> None:
        """End after what is being sent; at once when the client does not take that."""
        self._follower.stop()
        if self._connection.writing_paused and self._connection.transport is not None:
            self._connection.transport.abort()

    async def _follow(self, response: web.StreamResponse) -> None:
        while not self._follower.is_stopped:
            if not await self._follower.wait(self._service.web.heartbeat_seconds):
                if not self._follower.is_stopped:
                    await response.write(_HEARTBEAT)
                continue
            try:
                page = await self._follower.page()
            except errors.WirecopyError:
                return  # it has become too old, or the service stops: whoever comes again is told
            await self._send(response, page)

    async def _send(self, response: web.StreamResponse, page: EventsRead) -> None:
        if page.events:
            await response.write(page.as_stream)
            self._follower.after = page.next
            self._call.lines = (self._call.lines or 0) + len(page.events)
            self._service.metrics.count_streamed(len(page.events))

    def _headers(self) -> dict[str, str]:
        return {
            **SECURITY,
            **self._call.cross_origin,
            "Content-Type": MEDIA_TYPE,
            "X-Request-Id": self._call.request_id,
            "X-Accel-Buffering": "no",
        }
