"""Load on a server that speaks HTTP/1.1, from one thread that does next to nothing else.

Requests are bytes made beforehand; sockets are polled directly, because a client library takes as long for a request as
the servers that are measured here. *Closed*: each connection sends its next request when it has its answer. *Open*:
requests are due at moments of their own (Poisson), whether earlier ones are answered or not, and the time of a request
counts from when it was due, so that a stall shows in all requests that it holds up.
"""

import random
import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import numpy as np

CONNECTIONS = 32
_READ_BYTES = 1 << 18
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Load:
    """What became of some requests: wall time, each one's milliseconds, how many were answered with which status."""

    seconds: float
    milliseconds: list[float]
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        """Return the answers per second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share (0 to 100) of the requests was answered."""
        return float(np.percentile(self.milliseconds, share))


class ServerGone(Exception):
    """The server closed a connection, or does not answer."""


def put_request(article_id: str, body: bytes) -> bytes:
    """Return the bytes of PUT /v1/articles/{id}."""
    path = f"/v1/articles/{quote(article_id, safe='')}"
    types = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{types}\r\n\r\n"
    return head.encode() + body


def due_times(count: int, per_second: float, seed: int) -> list[float]:
    """Return the seconds from the start at which `count` requests are due: independent of each other, as Poisson's."""
    choose, now, due = random.Random(seed), 0.0, []
    for _ in range(count):
        now += choose.expovariate(per_second)
        due.append(now)
    return due


def send(url: str, requests: Sequence[bytes], connections: int = CONNECTIONS, due: Sequence[float] = ()) -> Load:
    """Send all requests; closed, or open when `due` has a time for each. Raises ServerGone."""
    sockets = [_connect(url) for _ in range(connections)]
    try:
        return _Sending(sockets, requests, due).run()
    finally:
        for one in sockets:
            one.close()


def send_stream(url: str, path: str, content_type: str, body: Sequence[bytes]) -> tuple[float, bytes]:
    """Send one request whose body is streamed in pieces, reading all the while; return (seconds, the answer's body).

    Raises ServerGone.
    """
    size = sum(map(len, body))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\nContent-Length: {size}\r\n"
    one = _connect(url)
    answer = bytearray()
    poll = select.poll()
    poll.register(one, select.POLLIN | select.POLLOUT)
    started = time.perf_counter()
    with one:
        one.setblocking(False)
        waiting, at, piece = memoryview(head.encode() + b"Connection: close\r\n\r\n"), 0, 0
        while True:
            for _, event in poll.poll(1000 * _PATIENCE_SECONDS) or _gone("does not answer"):
                if event & select.POLLOUT:
                    at += one.send(waiting[at : at + _READ_BYTES])
                    if at == len(waiting):
                        if piece == len(body):
                            poll.modify(one, select.POLLIN)
                        else:
                            waiting, at, piece = memoryview(body[piece]), 0, piece + 1
                if event & ~select.POLLOUT:
                    data = one.recv(_READ_BYTES)
                    answer += data
                    if not data:
                        return time.perf_counter() - started, _unchunked(bytes(answer))


class _Sending:
    """One run of `send`."""

    def __init__(self, sockets: Sequence[socket.socket], requests: Sequence[bytes], due: Sequence[float]) -> None:
        self._requests, self._due = requests, due
        self._sockets = {one.fileno(): one for one in sockets}
        self._free = list(self._sockets)
        self._begun: dict[int, float] = {}  # connection -> when its request was due
        self._received: dict[int, bytes] = {}
        self._next = 0
        self._milliseconds: list[float] = []
        self._statuses: Counter[int] = Counter()

    def run(self) -> Load:
        started = time.perf_counter()
        total = len(self._requests)
        while len(self._milliseconds) < total:
            wait = self._send_due(started)
            # `select` waits for microseconds, `poll` for whole milliseconds only.
            for descriptor in select.select(list(self._begun), (), (), wait)[0]:
                self._receive(descriptor)
        return Load(time.perf_counter() - started, self._milliseconds, dict(self._statuses))

    def _send_due(self, started: float) -> float:
        """Send what is due as far as connections are free; return seconds to wait for answers at most."""
        while self._next < len(self._requests) and self._free:
            now = time.perf_counter()
            due = started + self._due[self._next] if self._due else now
            if due > now:
                return due - now
            descriptor = self._free.pop()
            self._begun[descriptor] = due
            self._sockets[descriptor].sendall(self._requests[self._next])
            self._next += 1
        return _PATIENCE_SECONDS

    def _receive(self, descriptor: int) -> None:
        data = self._sockets[descriptor].recv(_READ_BYTES)
        if not data:
            _gone("closed a connection")
        data = self._received.pop(descriptor, b"") + data
        if not _is_complete(data):
            self._received[descriptor] = data
            return
        self._milliseconds.append((time.perf_counter() - self._begun.pop(descriptor)) * 1000)
        self._statuses[int(data[9:12])] += 1
        self._free.append(descriptor)


def _is_complete(answer: bytes) -> bool:
    """Say whether the bytes are a whole answer, whose length must be declared."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = answer.find(b"Content-Length: ", 0, head) + 16
    return len(answer) >= head + 4 + int(answer[at : answer.index(b"\r", at)])


def _unchunked(answer: bytes) -> bytes:
    """Return the body of a chunked answer."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        _gone(f"answers {head[:60]!r}")
    body: list[bytes] = []
    at = 0
    while True:
        end = rest.index(b"\r\n", at)
        size = int(rest[at:end], 16)
        if not size:
            return b"".join(body)
        body.append(rest[end + 2 : end + 2 + size])
        at = end + 4 + size


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    one = socket.create_connection((parts.hostname, parts.port or 80), timeout=_PATIENCE_SECONDS)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


def _gone(what: str) -> list[tuple[int, int]]:
    raise ServerGone(f"the server {what}")
