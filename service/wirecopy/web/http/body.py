"""Reading a request's body: how long a client may take for it, and how much of all bodies is held at one time.

The clock runs only while the service waits for the client. Bytes that have arrived already, which is the common case,
cost no timer at all.
"""

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from wirecopy.web.http.budget import Share
from wirecopy.web.http.decompression import decoder_for
from wirecopy.web.http.problems import MalformedRequest, TooLarge, TooSlow

_BROKEN = (HttpProcessingError, web.RequestPayloadError)  # what the framework raises for a body that is no HTTP


class Patience:
    """Reads from one client until its time is used up: `timeout` seconds, one more per `min_rate` bytes received."""

    __slots__ = ("_content", "_min_rate", "_received", "_timeout", "_waited", "_waiting", "is_interrupted")

    def __init__(self, request: web.BaseRequest, timeout: float, min_rate: int) -> None:
        self._content = request.content
        self._timeout = timeout
        self._min_rate = min_rate
        self._waited = 0.0
        self._received = 0
        self._waiting: asyncio.Timeout | None = None
        self.is_interrupted = False

    def interrupt(self) -> None:
        """End the present and every later wait as if the body were complete; `is_interrupted` tells the difference."""
        self.is_interrupted = True
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def read(self) -> bytes:
        """Return the next bytes, b"" at the end of the body. Raises TooSlow, MalformedRequest, ConnectionError."""
        data = self._read_arrived()
        if not data and not self._is_over():
            if (waited_for := await self._wait(self._remaining())) is None:
                raise TooSlow("the body did not arrive in time")
            data = waited_for
        self._received += len(data)
        return data

    def read_whole(self) -> bytes | None:
        """Return the body when all of it is there already, None when not. Raises MalformedRequest."""
        return self._read_arrived() if self._content.is_eof() else None

    async def read_within(self, seconds: float) -> bytes | None:
        """Return the same, but None when nothing more has arrived after so many seconds."""
        data: bytes | None = self._read_arrived()
        if not data and not self._is_over():
            data = await self._wait(seconds) if seconds else None
        self._received += len(data or b"")
        return data

    @property
    def is_used_up(self) -> bool:
        """Whether the client has had all its time."""
        return self._remaining() <= 0

    def _remaining(self) -> float:
        return self._timeout + self._received / self._min_rate - self._waited

    def _is_over(self) -> bool:
        return self.is_interrupted or self._content.at_eof()

    def _read_arrived(self) -> bytes:
        try:
            return self._content.read_nowait(-1)
        except _BROKEN as error:
            raise _malformed(error) from None

    async def _wait(self, seconds: float) -> bytes | None:
        """Return what arrives, b"" when interrupted, None when nothing came."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(seconds) as self._waiting:
                return await self._content.readany()
        except TimeoutError:
            return b"" if self.is_interrupted else None
        except _BROKEN as error:
            raise _malformed(error) from None
        finally:
            self._waiting = None
            self._waited += loop.time() - started


def _malformed(error: Exception) -> MalformedRequest:
    return MalformedRequest(f"the body cannot be read: {type(error).__name__}")


async def read_all(request: web.BaseRequest, patience: Patience, share: Share, max_bytes: int, coding: str) -> bytes:
    """Return the whole body, decompressed. Raises TooLarge, TooSlow, Overloaded, MalformedRequest, UnsupportedType."""
    declared = request.content_length or 0
    if declared > max_bytes:
        raise TooLarge(f"the body is longer than {max_bytes} bytes")
    share.hold(declared)
    if not coding and declared and (whole := patience.read_whole()) is not None:
        return whole
    pieces: list[bytes] = []
    size = 0
    decoder = decoder_for(coding) if coding else None
    while data := await patience.read():
        for piece in (data,) if decoder is None else decoder.feed(data):
            size += len(piece)
            if size > max_bytes:
                raise TooLarge(f"the body is longer than {max_bytes} bytes")
            share.hold(max(size, declared))
            pieces.append(piece)
    if decoder is not None and pieces:
        decoder.finish()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
