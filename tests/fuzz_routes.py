"""Random requests to every route of /openapi.json, and random bytes to the socket.

    python -m tests.fuzz_routes URL COUNT [SEED]

Nothing may be answered by a 5xx but 503 and 507, and nothing may hang. What is wrong is printed with the seed that
makes it again; the exit code is 1 then.
"""

import json
import random
import socket
import sys
import urllib.request
from collections import Counter
from typing import Any
from urllib.parse import quote, urlsplit

_PATIENCE_SECONDS = 30.0
_EXPECTED = (503, 507)
_WORDS = ["a", "", ".", "..", "%2F", "%00", "%ff", "s0", "p1", "e1", "0", "-1", "1e9", "9" * 40, "null", "тест"]
_WORDS += ["{id}", "a/b", "?", "#", "'", '"', "<b>", "x" * 3000, "2026-03-02", "true", "oldest", "\u202e", "\u2028"]
_TYPES = ["application/json", "application/ninjs+json", "application/x-ndjson", "text/plain", "", "application/xml"]


class Fuzz:
    """Makes requests from a seed; the same seed makes the same ones."""

    def __init__(self, url: str, seed: int) -> None:
        self._choose = random.Random(seed)
        self._port = int(urlsplit(url).port or 80)
        with urllib.request.urlopen(f"{url}/openapi.json", timeout=_PATIENCE_SECONDS) as answer:
            paths = json.load(answer)["paths"]
        self.routes = [(m.upper(), path, spec) for path, of in paths.items() for m, spec in of.items() if len(m) < 7]

    def request(self) -> bytes:
        """Return a request to some route, or something that only resembles one."""
        method, template, spec = self._choose.choice(self.routes)
        path = "/".join(quote(self._word(), safe="%") if part[:1] == "{" else part for part in template.split("/"))
        names = [one["name"] for one in spec.get("parameters", []) if one.get("in") == "query"]
        asked = [name for name in [*names, "nothing"] if self._choose.random() < 0.4]
        query = "&".join(f"{name}={quote(self._word(), safe='')}" for name in asked)
        body = self._body() if method in ("PUT", "POST") or self._choose.random() < 0.1 else b""
        head = [f"{method} {path}{'?' * bool(query)}{query} HTTP/1.1", "Host: localhost", "Connection: close"]
        if body or method in ("PUT", "POST"):
            head += [f"Content-Length: {len(body)}", f"Content-Type: {self._choose.choice(_TYPES)}"]
        data = "\r\n".join([*head, "", ""]).encode() + body
        return self._damaged(data) if self._choose.random() < 0.2 else data

    def status(self, request: bytes) -> int:
        """Send a request and read to the end; return the status, 0 for none. Raises TimeoutError for a hang."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE_SECONDS) as connection:
            received = b""
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(65536):
                    received += data[: 64 - len(received)]
            except ConnectionError:
                pass
        return int(received.split()[1]) if received.startswith(b"HTTP/1.") else 0

    def _word(self) -> str:
        return self._choose.choice(_WORDS)

    def _body(self) -> bytes:
        kind = self._choose.randrange(5)
        if kind == 4:
            return json.dumps({"id": self._word() or "a", "text": f"words of {self._word()}", "title": "a"}).encode()
        if kind == 0:
            return self._choose.randbytes(self._choose.randrange(200))
        if kind == 1:
            return b"[" * self._choose.choice([1, 70, 5000])
        value: Any = {
            name: self._value(2) for name in self._choose.sample(_FIELDS, self._choose.randrange(len(_FIELDS)))
        }
        return json.dumps(value).encode()

    def _value(self, depth: int) -> Any:
        kind = self._choose.randrange(7 if depth else 5)
        if kind == 5:
            return [self._value(depth - 1) for _ in range(self._choose.randrange(4))]
        if kind == 6:
            return {self._word(): self._value(depth - 1) for _ in range(self._choose.randrange(3))}
        return [self._word(), self._choose.randrange(-5, 2**70), None, True, self._choose.random() * 1e300][kind]

    def _damaged(self, data: bytes) -> bytes:
        """Return the bytes with some changed, or without their end."""
        changed = bytearray(data)
        for _ in range(self._choose.randrange(1, 4)):
            changed[self._choose.randrange(len(changed))] = self._choose.randrange(256)
        return bytes(changed[: self._choose.randrange(1, len(changed) + 1)] if self._choose.random() < 0.5 else changed)


_FIELDS = ["id", "text", "title", "source", "url", "published", "language", "status", "embargoed", "with", "articles"]
_FIELDS += ["together", "reason", "a", "b", "article", "uri", "body_html", "bodies", "headlines"]


def run(url: str, count: int, seed: int) -> tuple[Counter[int], list[str]]:
    """Send `count` requests; return how often each status came, and what is wrong."""
    fuzz = Fuzz(url, seed)
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    for number in range(count):
        request = fuzz.request()
        try:
            status = fuzz.status(request)
        except TimeoutError:
            wrong.append(f"{number}: no answer to {request[:300]!r}")
            continue
        statuses[status] += 1
        if status >= 500 and status not in _EXPECTED:
            wrong.append(f"{number}: {status} for {request[:300]!r}")
    return statuses, wrong


def main() -> int:
    """Run from the command line."""
    url, count, *seed = sys.argv[1:]
    first = int(seed[0]) if seed else random.randrange(2**32)
    statuses, wrong = run(url, int(count), first)
    print(f"seed {first}: {dict(sorted(statuses.items()))}", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
