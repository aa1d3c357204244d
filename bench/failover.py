"""Kill the writer under load, again and again: what becomes of what was acknowledged, and how long nobody writes.

    python -m bench.failover --rounds 50 --articles 100000

A writer and a standby share a PostgreSQL that this program starts. Four senders put articles of their own, each unlike
all others, to whoever takes them. After a second or so the writer is killed with -9; the standby takes over, and a new
standby is started. At the end every acknowledged article must be there in the story that was told, and no story may
have been told of two of them.
"""

import argparse
import http.client
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from bench.postgres import PostgresServer, running

SENDERS = 4
GIVE_UP_SECONDS = 60.0


class Takeover(NamedTuple):
    """Of one round: seconds from the kill to the next acknowledgement, articles that were acknowledged up to then."""

    seconds: float
    acknowledged: int


class Serving:
    """`wirecopy serve --standby` on a database; `url` once it answers."""

    def __init__(self, store: str, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "wirecopy", "serve", "--port", "0", "--standby"]
        self.log = (folder / "log").open("a", encoding="utf-8")
        command += ["--store", store, "--data", str(folder / "witness"), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Where it listens; waits until it does."""
        if self._url is None:
            assert self.process.stdout is not None
            found = re.search(r"listens on (http://\S+)", self.process.stdout.readline())
            assert found, Path(self.log.name).read_text(encoding="utf-8")[-2000:]
            self._url = found[1]
        return self._url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the end."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return code


class Senders:
    """Put articles to the first of `urls` that takes them, until told to stop; `answered` has every whole verdict."""

    def __init__(self, urls: list[str], prefix: str, seed: int) -> None:
        self.urls = urls
        self.answered: dict[str, dict[str, Any]] = {}
        self.moments: list[float] = []
        self._prefix = prefix
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(k, random.Random(seed * 10 + k))) for k in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more; returns when all is answered or given up."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int, chance: random.Random) -> None:
        count = 0
        while not self._stop.is_set():
            name = f"{self._prefix}-{sender}-{count}"
            body = json.dumps({"text": text(chance)}).encode()
            while not self._stop.is_set():
                verdict = next((v for v in (put(url, name, body) for url in list(self.urls)) if v is not None), None)
                if verdict is not None:
                    self.answered[name] = verdict
                    self.moments.append(time.monotonic())
                    break
                self._stop.wait(0.01)
            count += 1


def text(chance: random.Random) -> str:
    """Return a text unlike all others."""
    return " ".join("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(60))


def put(url: str, name: str, body: bytes) -> dict[str, Any] | None:
    """Return the verdict; None when this service does not take the article, for whatever reason."""
    try:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        connection.request("PUT", f"/v1/articles/{name}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
    except (OSError, http.client.HTTPException):
        return None
    return json.loads(found) if answer.status in (200, 201) else None


def get(url: str, path: str) -> tuple[int, dict[str, str], Any]:
    """Return status, headers in small letters, and the JSON of an answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(found)


def wait_ready(url: str, role: str) -> None:
    """Return once a service answers as that role."""
    until, tick = time.monotonic() + GIVE_UP_SECONDS, threading.Event()
    while time.monotonic() < until:
        status, _, said = get(url, "/readyz")
        if status == 200 and said["role"] == role:
            return
        tick.wait(0.05)
    raise AssertionError(f"{url} is not ready as {role}")


def fill(store: str, articles: int) -> None:
    """Put so many articles into a database."""
    from wirecopy.config import Config
    from wirecopy.detector.detector import Detector, scheme_of
    from wirecopy.schema.article import Article
    from wirecopy.storage import Pipeline, open_store, where

    chance, config = random.Random(1), Config()
    detector = Detector(config, Pipeline(open_store(where(store), scheme=scheme_of(config))))
    for begin in range(0, articles, 256):
        some = [Article(f"fill-{k}", text(chance)) for k in range(begin, min(begin + 256, articles))]
        detector.ingest(some, first_seen=time.time_ns() // 1_000_000)
    detector.close()


def run(server: PostgresServer, folder: Path, rounds: int, articles: int, seed: int = 1) -> list[Takeover]:
    """Raise AssertionError when anything that was acknowledged is not as it was told."""
    store = server.database()
    if articles:
        fill(store, articles)
    with ExitStack() as services:
        return _rounds(lambda: services.enter_context(Serving(store, folder)), rounds, seed)


def _rounds(start: Callable[[], Serving], rounds: int, seed: int) -> list[Takeover]:
    chance, pause = random.Random(seed), threading.Event()
    writer, takeovers = start(), list[Takeover]()
    answered: dict[str, dict[str, Any]] = {}
    wait_ready(writer.url, "writer")
    standby = start()
    for count in range(rounds):
        wait_ready(standby.url, "standby")
        senders = Senders([writer.url, standby.url], f"round{count}", seed * 1000 + count)
        pause.wait(chance.uniform(0.5, 1.5))
        writer.end(signal.SIGKILL)
        killed, before = time.monotonic(), len(senders.moments)
        senders.urls[:] = [standby.url]
        try:
            wait_ready(standby.url, "writer")
            pause.wait(0.3)
        finally:
            senders.stop()
        after = [moment for moment in senders.moments if moment > killed + 0.001]
        takeovers.append(Takeover(min(after) - killed if after else GIVE_UP_SECONDS, before))
        answered |= senders.answered
        print(f"round {count + 1}: {takeovers[-1].seconds:.2f} s, {before} acknowledged before", flush=True)
        writer, standby = standby, start()
    check(writer.url, answered)
    standby.end(signal.SIGKILL)
    assert writer.end() == 0
    return takeovers


def check(url: str, answered: dict[str, dict[str, Any]]) -> None:
    """Every acknowledged article is there as it was answered, each in a story of its own."""
    stories: dict[str, str] = {}
    for name, verdict in answered.items():
        status, _, stored = get(url, f"/v1/articles/{name}")
        assert status == 200, f"{name} was acknowledged and is lost"
        assert stored["story"] == verdict["story"], f"{name} was told {verdict['story']}, and is in {stored['story']}"
        other = stories.setdefault(stored["story"], name)
        assert other == name, f"{stored['story']} was told of two articles: {answered[other]} and {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--articles", type=int, default=100_000, help="that are there before")
    given = parser.parse_args()
    with running() as server, TemporaryDirectory() as folder:
        takeovers = run(server, Path(folder), given.rounds, given.articles)
    seconds = sorted(takeover.seconds for takeover in takeovers)
    total = sum(takeover.acknowledged for takeover in takeovers)
    print(
        f"{given.rounds} rounds at {given.articles:,} articles: {total:,} acknowledged before a kill, none lost, "
        f"no story twice; taken over after {seconds[len(seconds) // 2]:.2f} s (median), {seconds[-1]:.2f} s (longest)"
    )


if __name__ == "__main__":
    main()
