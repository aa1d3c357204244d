"""Answers: their bytes, and the headers that all of them carry."""

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from wirecopy.web.http.budget import Budget, Share

# Nothing of an answer may be guessed, framed, cached or sent on to others. The page of /docs replaces the policy.
SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "wirecopy",
    "X-Content-Type-Options": "nosniff",
}
_ALWAYS = "".join(f"{name}: {value}\r\n" for name, value in {**SECURITY, "Content-Type": "application/json"}.items())

_PIECE_BYTES = 256 * 2**10
_encode = msgspec.json.Encoder().encode


class Answer(web.StreamResponse):
    """An answer of one JSON value, written with its head in one piece.

    The framework's own answer puts every head together anew, and takes as long for that as for the rest of a request.
    Values of `headers` must be free of line breaks: nobody else looks at them.
    """

    def __init__(self, body: bytes, status: int) -> None:
        super().__init__(status=status)
        self._json = body
        self._share: Share | None = None
        self._stays_open: bool | None = None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open; None while that is left to the request."""
        return self._stays_open

    def hold(self, budget: Budget) -> None:
        """Count a long answer until the client has taken it. Raises Overloaded when too many are held already."""
        if len(self._json) > _PIECE_BYTES:
            self._share = Share(budget, "answers")
            self._share.hold(len(self._json))

    def force_close(self) -> None:
        """Close the connection behind this answer."""
        self._stays_open = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send all of it. Raises ConnectionError."""
        if self._stays_open is None:
            self._stays_open = request.keep_alive
        own = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        if request.version == HttpVersion11:
            version, connection = "1.1", "" if self._stays_open else "Connection: close\r\n"
        else:
            version, connection = "1.0", "Connection: keep-alive\r\n" if self._stays_open else ""
        head = (
            f"HTTP/{version} {_status_line(self.status)}\r\n{_ALWAYS}{own}{connection}"
            f"Content-Length: {len(self._json)}\r\nDate: {_date()}\r\n\r\n"
        )
        body = b"" if request.method == "HEAD" else self._json
        try:
            if len(body) <= _PIECE_BYTES:
                await request.writer.write(head.encode() + body)
            else:
                await request.writer.write(head.encode())
                await self._write_long(request.writer, body)
        except ConnectionError as error:
            raise gone(error) from None
        finally:
            if self._share is not None:
                self._share.give_back()
        return None

    async def _write_long(self, writer: AbstractStreamWriter, body: bytes) -> None:
        """Piece by piece, as the client takes them: what the system holds for it is little."""
        self._json = b""
        for start in range(0, len(body), _PIECE_BYTES):
            await writer.write(memoryview(body)[start : start + _PIECE_BYTES])

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: nothing is left to be sent."""


def gone(error: ConnectionError) -> ConnectionResetError:
    """Return what to raise instead of `error` when a client has left.

    The framework keeps the error that it raised, the error the frames that it went through, and these the body or the
    answer: megabytes that only a search for garbage would free.
    """
    error.__traceback__ = None
    return ConnectionResetError("the client has left")


def json(value: Any, status: int = 200) -> Answer:
    """Return an answer of one JSON value."""
    return Answer(_encode(value), status)


def nothing() -> web.Response:
    """Return an answer that says no more than that it was done."""
    return web.Response(status=204, headers=SECURITY)


def content(body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer of any type."""
    return web.Response(body=body, headers={**SECURITY, **(headers or {}), "Content-Type": content_type})


_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_status_line = _STATUS_LINES.__getitem__


class _Clock:
    """The time as HTTP writes it, put together once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        now = int(time.time())
        if now != self._second:
            self._second, self._text = now, formatdate(now, usegmt=True)
        return self._text


_date = _Clock()
