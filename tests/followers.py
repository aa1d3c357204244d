"""Who follows the feed in tests: a reader of an event stream, and a receiver of webhooks that answers as it is told."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

SECRET = "0123456789abcdef-of-tests"


class StreamReader:
    """GET /v1/events as server-sent events; each read waits for at most 20 seconds."""

    def __init__(self, url: str, *, after: int | None = None, last_id: str | None = None, key: str = "") -> None:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        params = {} if after is None else {"after": str(after)}
        self._stack = ExitStack()
        client = self._stack.enter_context(httpx.Client(timeout=20, trust_env=False, verify=False))
        asked = client.stream("GET", f"{url}/v1/events", headers=headers, params=params)
        self.response = self._stack.enter_context(asked)
        self.heartbeats = 0
        self._events = self._read()

    def take(self, count: int) -> list[dict[str, Any]]:
        """The next `count` events."""
        return [next(self._events) for _ in range(count)]

    def rest(self) -> list[dict[str, Any]]:
        """All events until the service ends the stream."""
        return list(self._events)

    def wait_heartbeats(self, count: int) -> None:
        """Return once so many comments have come in all; no event may come meanwhile."""
        self._wanted = count
        assert next(self._events, None) == {}

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    _wanted = 0

    def _read(self) -> Iterator[dict[str, Any]]:
        fields: dict[str, str] = {}
        for line in self.response.iter_lines():
            if line.startswith(":"):
                self.heartbeats += 1
                if self._wanted and self.heartbeats >= self._wanted:
                    self._wanted = 0
                    yield {}
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                event: dict[str, Any] = json.loads(fields["data"])
                assert (str(event["seq"]), event["type"]) == (fields["id"], fields["event"])
                assert set(fields) == {"id", "event", "data"}
                fields = {}
                yield event


class Receiver:
    """Takes deliveries on a port of loopback. `answers` are the statuses of the next ones, 200 when none are left.

    `gate` holds answers up; a status of 0 breaks the connection.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []  # path, headers, body
        self.taken: list[dict[str, Any]] = []  # events that were answered with 200, in order
        self.bodies: list[bytes] = []
        self.answers: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._receive(self)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.taken]

    def close(self) -> None:
        """Listen no more; the port is free."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.bodies.append(body)
        self.requests.append((handler.path, dict(handler.headers), json.loads(body)))
        assert self.gate.wait(30)
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            handler.close_connection = True
            return
        if status == 200:
            self.taken += self.requests[-1][2]["events"]
        handler.send_response(status)
        if status in (301, 302, 307, 308):
            handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def write_secret(folder: Path) -> str:
    """A file with the secret of webhooks."""
    file = folder / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    return str(file)


def is_signed(header: str, body: bytes) -> bool:
    """What docs/http-api.md tells receivers to do."""
    fields = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(SECRET.encode(), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, fields["v1"])
