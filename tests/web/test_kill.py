"""kill -9 in the middle of concurrent load: what was acknowledged is there after it, once, as it was answered."""

import itertools
import json
import random
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx

from tests.exact_detector import wait_until

ROUNDS = 20
PUTTERS = 4
WORDS = [
    f"{start}{end}"
    for start in ("ba", "ke", "lo", "mi", "nu", "ra", "so", "ti")
    for end in ("dor", "len", "mas", "pik")
]


class Serving:
    """`wirecopy serve` on a folder, ready."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "wirecopy", "serve", "--port", "0", "--data", str(folder), *options]
        self.log = (folder.parent / "log").open("a", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout is not None
        found = re.search(r"listens on (http://\S+)", self.process.stdout.readline())
        assert found, Path(self.log.name).read_text(encoding="utf-8")[-2000:]
        self.url = found[1]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return code


class Load:
    """Senders that go on until the service is gone; `answered` is every verdict that was received whole."""

    def __init__(self, url: str, texts: random.Random, prefix: str) -> None:
        self.answered: dict[str, dict[str, Any]] = {}
        self._url = url
        self._texts = texts
        self._prefix = prefix
        self._threads = [threading.Thread(target=self._put, args=(number,)) for number in range(PUTTERS)]
        self._threads.append(threading.Thread(target=self._stream))
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _article(self, name: str) -> dict[str, str]:
        topic = self._texts.randrange(300)  # few enough for stories to be joined
        words = random.Random(topic).choices(WORDS, k=60) + self._texts.choices(WORDS, k=6)
        return {"id": name, "text": " ".join(f"{word}{topic}" for word in words)}

    def _put(self, putter: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False, verify=False) as client:
            for number in range(100_000):
                name = f"{self._prefix}-p{putter}-{number}"
                try:
                    answer = client.put(f"/v1/articles/{name}", json=self._article(name))
                except httpx.TransportError:
                    return
                assert answer.status_code in (200, 201), answer.text
                self.answered[name] = answer.json()

    def _stream(self) -> None:
        def lines() -> Any:
            for number in range(100_000):
                yield json.dumps(self._article(f"{self._prefix}-b-{number}")).encode() + b"\n"

        unfinished = b""
        try:
            with (
                httpx.Client(base_url=self._url, timeout=30, trust_env=False, verify=False) as client,
                client.stream(
                    "POST",
                    "/v1/bulk?stream=true",
                    content=list_of(lines()),
                    headers={"Content-Type": "application/x-ndjson"},
                ) as response,
            ):
                for data in response.iter_raw():
                    *whole, unfinished = (unfinished + data).split(b"\n")
                    for answer in map(json.loads, whole):
                        assert answer["status"] in (200, 201), answer
                        self.answered[answer["id"]] = answer["verdict"]
        except httpx.TransportError:
            return


def list_of(lines: Any) -> bytes:
    """The first lines as one body: enough for longer than a round."""
    return b"".join(itertools.islice(lines, 3000))


def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    folder, chance = tmp_path / "data", random.Random(7)
    answered: dict[str, dict[str, Any]] = {}
    for number in range(ROUNDS):
        service = Serving(folder)
        load = Load(service.url, random.Random(number), f"r{number}")
        least = chance.randrange(20, 200)
        wait_until(lambda load=load, least=least: len(load.answered) >= least, 60)  # type: ignore[misc]
        assert service.end(signal.SIGKILL) == -signal.SIGKILL
        load.join()
        answered |= load.answered
    service = Serving(folder)
    try:
        check(service.url, answered)
    finally:
        assert service.end(signal.SIGTERM) == 0
    assert len(answered) > 20 * ROUNDS


def check(url: str, answered: dict[str, dict[str, Any]]) -> None:
    """Every verdict is given again as it was; every article is in exactly one story."""
    members: dict[str, str] = {}
    with httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False) as client:
        cursor: str | None = ""
        while cursor is not None:
            page = client.get("/v1/stories", params={"limit": 500, **({"cursor": cursor} if cursor else {})}).json()
            for story in page["stories"]:
                for member in story["members"]:
                    assert member["id"] not in members, member["id"]
                    members[member["id"]] = story["id"]
            cursor = page["cursor"]
        for name, verdict in answered.items():
            stored = client.get(f"/v1/articles/{name}").json()
            assert stored["revision"] == verdict["revision"] == 1
            assert stored["story"] == members[name]
            replayed = client.put(f"/v1/articles/{name}", json={"id": name, "text": stored["text"]})
            assert replayed.status_code == 200
            assert replayed.json() == {**verdict, "replayed": True}
