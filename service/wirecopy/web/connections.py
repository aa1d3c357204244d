"""Connections: how many there may be, how long a head may take, how long answers may wait to be taken.

The framework bounds the size of a head, not its time, and it waits for ever for a client that takes no answer. Both
are watched here, at the level of the protocol, with timers that exist only while something is awaited: a request whose
head comes in one piece, and whose answer is taken at once, costs none.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import StreamReader, web

from wirecopy import errors
from wirecopy.web.http import problems
from wirecopy.web.http.access import network_of
from wirecopy.web.http.problems import MalformedRequest, TooSlow
from wirecopy.web.service import RunningService

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_LINGER_SECONDS = 5.0  # for what a client still sends after its answer
_CLOSE_SECONDS = 1.0


class Connection(web.RequestHandler):
    """One client's connection."""

    __slots__ = (
        "_bears_slow_reader",
        "_head_timer",
        "_last_body",
        "_rests_since",
        "_served",
        "_service",
        "_write_timer",
        "address",
        "has_ended",
        "on_lost",
    )

    def __init__(self, service: RunningService, server: "Server", **settings: Any) -> None:
        super().__init__(server, **settings)
        self._service = service
        self._served = 0
        self._rests_since = 0.0
        self._last_body: StreamReader | None = None
        self.address = ""
        self.has_ended = False  # the client sends no more, and waits for its answer
        self._bears_slow_reader = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self.on_lost: Callable[[], None] | None = None  # whom to tell when the client is gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.address = network_of(str(peer[0])) if isinstance(peer, tuple) else ""
        self._rests_since = time.monotonic()
        if not self._service.crowding.enter(self):
            self._service.metrics.count_problem("connections")
            refusal = _Refusal()
            cast(asyncio.Transport, transport).set_protocol(refusal)
            refusal.connection_made(transport)
            return
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._service.crowding.leave(self)
        self._service.garbage.count_ended()
        self._stop_watching_head()
        self._stop_watching_writing()
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages:
            self._last_body = self._messages[-1][1]
        if self._request_count > self._served:
            self._stop_watching_head()
        elif self._head_timer is None:
            self._watch_head()  # a head has begun to arrive

    def eof_received(self) -> bool:  # type: ignore[override]
        """Return the client sends no more: whole requests that it has sent are answered, though not by an endless
        stream.
        """
        is_whole = self._last_body is not None and self._last_body.is_eof()
        self.has_ended = self.idle_since is None and is_whole and self.on_lost is None
        return self.has_ended  # True: the transport stays open

    def count_served(self) -> None:
        """Note that the handler of one request has returned; what arrives next belongs to another head."""
        self._served += 1
        self._rests_since = time.monotonic()

    @property
    def idle_since(self) -> float | None:
        """Since when no request is under way; None while one is."""
        is_busy = self._current_request is not None or self._request_count > self._served
        return None if is_busy else self._rests_since

    @property
    def messages_wait(self) -> bool:
        """Whether more requests have arrived than the one that is being answered."""
        return bool(self._messages)

    def make_room(self) -> None:
        """Close for the sake of another."""
        self._service.metrics.count_problem("made-room")
        self.force_close()

    def pause_writing(self) -> None:
        super().pause_writing()
        if not self._bears_slow_reader:
            self._watch_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_watching_writing()

    def bear_slow_reader(self, bears: bool) -> None:
        """Set whether this client may leave its answers unread for as long as it likes; from False on, its time
        runs.
        """
        self._bears_slow_reader = bears
        self._stop_watching_writing()
        if not bears and self.writing_paused:
            self._watch_writing()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to bytes that are no request: the app never sees them."""
        error: Exception = (
            MalformedRequest("these bytes are not a request in HTTP/1.1")
            if status == 400
            else cast(Exception, exc or RuntimeError(message))
        )
        response = self._service.respond_to_stranger(error)
        response.force_close()
        return response

    def _watch_head(self) -> None:
        self._head_timer = self._loop.call_later(self._service.web.header_timeout_seconds, self._cut_head)

    def _stop_watching_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _watch_writing(self) -> None:
        self._write_timer = self._loop.call_later(self._service.web.write_timeout_seconds, self._cut_writing)

    def _stop_watching_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _cut_head(self) -> None:
        self._head_timer = None
        if self.transport is not None:
            self.transport.write(_plain_answer(TooSlow("the request's head did not arrive in time")))
        self._service.metrics.count_problem("slow-head")
        self.force_close()

    def _cut_writing(self) -> None:
        self._write_timer = None
        self._service.metrics.count_problem("slow-reader")
        if self.transport is not None:
            self.transport.abort()


class Server(web.Server):
    """Makes connections until there are too many."""

    def __init__(self, service: RunningService, handle: Handle) -> None:
        super().__init__(self._handle)
        self._answer = handle
        self._service = service
        self._settings = {
            "loop": asyncio.get_running_loop(),
            "access_log": None,
            "auto_decompress": False,  # bounded decompression is ours
            "keepalive_timeout": service.web.keepalive_timeout_seconds,
            "lingering_time": _LINGER_SECONDS,
            "logger": logging.getLogger("wirecopy.http"),
        }

    def __call__(self) -> web.RequestHandler:
        return Connection(self._service, self, **self._settings)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = connection_of(request)
        try:
            response = await self._answer(request)
        finally:
            connection.count_served()
        if connection.has_ended and not connection.messages_wait:
            response.force_close()
        return response

    async def close_connections(self) -> None:
        """Close what is open; answers that are ready have a moment to be sent."""
        await self.shutdown(_CLOSE_SECONDS)


class _Refusal(asyncio.Protocol):
    """Says that there are too many connections, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        writer = cast(asyncio.Transport, transport)
        writer.write(_plain_answer(errors.Overloaded("too many connections")))
        writer.close()


def connection_of(request: web.BaseRequest) -> Connection:
    """Return the connection that a request came by."""
    return cast(Connection, request.protocol)


def _plain_answer(error: errors.WirecopyError) -> bytes:
    """Return an answer outside of any request."""
    response = problems.respond(error)
    body = cast(bytes, response.body)
    head = [f"HTTP/1.1 {response.status} {response.reason}"]
    head += [f"{name}: {value}" for name, value in response.headers.items()]
    head += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(head).encode() + body
