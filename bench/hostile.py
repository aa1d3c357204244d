"""Clients that a service meets and does not want: each opens one connection, does its worst, and leaves at once.

    python -m bench.hostile PORT      until SIGTERM, some a second; prints how often each status was answered

`LEAVERS` are told by what they leave behind: nothing sent, half a head, half a body, an answer that nobody reads.
`resets` says whether they go by a reset, as a process that is killed does, or in an orderly way.
"""

import json
import signal
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable

_HOST = b"Host: 127.0.0.1\r\n"
_JSON = b"Content-Type: application/json\r\n"
_LARGE = 3_000_000
_SMALL = 3_000
_PATIENCE_SECONDS = 10.0

Leaver = Callable[[int, bool], None]


def connect(port: int, receive_buffer: int = 0) -> socket.socket:
    """Return a connection to the service on this port of 127.0.0.1."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(_PATIENCE_SECONDS)
    connection.connect(("127.0.0.1", port))
    return connection


def leave(connection: socket.socket, resets: bool) -> None:
    """Close a connection, by a reset or in an orderly way."""
    if resets:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def sending(data: bytes, *, waits: bool = False) -> Leaver:
    """Return a client that sends this, waits for the beginning of an answer if it `waits`, and leaves."""

    def run(port: int, resets: bool) -> None:
        connection = connect(port, 4096 if waits else 0)
        try:
            connection.sendall(data)
            if waits:
                connection.recv(1)
        except OSError:
            pass  # cut by the service, which is its right
        finally:
            leave(connection, resets)

    return run


def put(article_id: str, size: int, sent: int) -> bytes:
    """Return `sent` bytes of the body of a request that promises `size`, behind its head."""
    head = f"PUT /v1/articles/{article_id} HTTP/1.1\r\nContent-Length: {size}\r\n".encode() + _HOST + _JSON + b"\r\n"
    return head + (b'{"text":"' + b"half a word " * (sent // 12 + 1))[:sent]


def get(path: str, *headers: bytes) -> bytes:
    """Return a request for this path."""
    return f"GET {path} HTTP/1.1\r\n".encode() + _HOST + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


_NDJSON = b"Content-Type: application/x-ndjson\r\nContent-Length: 99000000\r\n\r\n"
_BULK = b"POST /v1/bulk?stream=true HTTP/1.1\r\n" + _HOST + _NDJSON
_LINE = b'{"id":"left","text":"' + b"half a word " * 20_000 + b'"}\n'

UNREAD = "unread"  # the id of the article that is asked for and not read
LEAVERS: dict[str, Leaver] = {
    "silent": sending(b""),
    "half a head": sending(b"GET /livez HTTP/1.1\r\nHos"),
    "no head": sending(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 3),
    "ordinary": sending(get("/livez"), waits=True),
    "half a short body": sending(put("left", _SMALL, _SMALL // 2)),
    "half a long body": sending(put("left", _LARGE, _LARGE - 100)),
    "unread": sending(get(f"/v1/articles/{UNREAD}"), waits=True),
    "many unread": sending(get("/docs") * 50, waits=True),
    "events": sending(get("/v1/events", b"Accept: text/event-stream"), waits=True),
    "bulk": sending(_BULK + b'{"id":"left","text":"a few words"}\n{"id":', waits=True),
    "long bulk": sending(_BULK + _LINE * 12 + b'{"id":"half'),
}


_ITEM = b"Content-Type: application/ninjs+json\r\n"
_NESTED = "".join(f"<b a={number}>" for number in range(4000)) + "<p>x" * 4000
_TRICKED = "<div><table><td></div></table>" * 20_000
# Bodies that cost more than they seem: (path, type, body).
BODIES: tuple[tuple[bytes, bytes, bytes], ...] = (
    (b"/v1/articles", _ITEM, json.dumps({"uri": "h1", "body_html": _NESTED}).encode()),
    (b"/v1/articles", _ITEM, json.dumps({"uri": "h2", "body_html": _TRICKED}).encode()),
    (b"/v1/articles", _JSON, b"[" * 100_000),
    (b"/v1/pins", _JSON, b"[" * 100_000),
    (b"/v1/check", _JSON, json.dumps({"id": "h3", "text": "x", "source": "s" * 60_000}).encode()),
    (b"/v1/bulk", b"Content-Type: application/x-ndjson\r\n", b"{}\n" * 2000),
)


def post(port: int, path: bytes, kind: bytes, body: bytes) -> int:
    """Send a body and return the status of its answer, 0 where there was none."""
    head = b"POST " + path + b" HTTP/1.1\r\nConnection: close\r\n" + _HOST + kind
    with connect(port) as connection:
        try:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            received = connection.recv(65536)
        except OSError:
            return 0
    return int(received.split()[1]) if received.startswith(b"HTTP/1.1 ") else 0


def main() -> None:
    """Abuse a service until told to stop."""
    port, stopped = int(sys.argv[1]), []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    statuses: Counter[int] = Counter()
    number = 0
    while not stopped:
        for leaver in LEAVERS.values():
            leaver(port, number % 2 == 0)
            time.sleep(0.02)
        statuses[post(port, *BODIES[number % len(BODIES)])] += 1
        number += 1
    print(json.dumps(statuses))


if __name__ == "__main__":
    main()
