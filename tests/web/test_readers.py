"""Who reads never holds up who writes; answers that nobody takes are bounded; a service that is told to stop stops."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bench import hostile
from bench.crowd import read_beside
from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service, wait_until
from wirecopy.config import Config, Web
from wirecopy.config import Service as ServiceSettings
from wirecopy.schema.answers import Milliseconds, Story

ROOT = Path(__file__).parent.parent.parent


class SlowReads(ExactDetector):
    """Takes two milliseconds for a page of stories."""

    def stories(self, **wishes: Any) -> tuple[list[Story[Milliseconds]], str | None]:
        until = time.perf_counter() + 0.002
        while time.perf_counter() < until:
            pass
        return super().stories(**wishes)


def test_300_readers_do_not_hold_a_writer_up(run_service: RunService) -> None:
    service = run_service(detector=SlowReads())
    bodies = [(f"w{number}", b'{"text": "a few words"}') for number in range(80)]
    reading = read_beside(service.port, readers=300, path="/v1/stories", bodies=bodies, per_second=40)
    crowd = asyncio.run(reading)
    assert set(crowd.reader_statuses) == {200}
    assert set(crowd.writer_statuses) == {201}
    assert sorted(crowd.writer_seconds)[40] < 0.3, "first come, first served it were 600 ms and more"


def test_questions_beyond_those_that_may_wait_are_refused_with_retry_after(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(Config(service=ServiceSettings(max_waiting_questions=3)), detector=detector)
    detector.gate.clear()
    with service.client() as client:
        held = [hostile.connect(service.port) for _ in range(4)]
        held[3].sendall(hostile.put("held", 200, 198) + b'"}')
        wait_until(lambda: service.app.owner.waiting_singles == 1)
        for connection in held[:3]:
            connection.sendall(hostile.get("/v1/stories"))
        wait_until(lambda: service.app.owner.waiting_questions == 3)
        refused = client.get("/v1/stories")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        detector.gate.set()
        for connection in held[:3]:
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        for connection in held:
            connection.close()
        assert client.get("/v1/stories").status_code == 200
        assert service.app.owner.waiting_questions == 0


@pytest.fixture
def long_article(run_service: RunService) -> Service:
    service = run_service(Config(web=Web(max_held_answer_bytes=25_000_000, write_timeout_seconds=1.0)))
    with service.client() as client:
        assert client.put("/v1/articles/long", json={"text": "words " * 2_000_000}).status_code == 201
    return service


def test_long_answers_that_nobody_takes_are_held_within_a_budget_and_then_cut(long_article: Service) -> None:
    app = long_article.app
    unread = [hostile.connect(long_article.port, 4096) for _ in range(2)]
    for connection in unread:
        connection.sendall(hostile.get("/v1/articles/long"))
    wait_until(lambda: app.answers.used > 24_000_000)
    with long_article.client() as client:
        refused = client.get("/v1/articles/long")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert client.get("/v1/stories").status_code == 200
        wait_until(lambda: app.answers.used == 0)  # who does not read is cut
        assert client.get("/v1/articles/long").json()["text"] == "words " * 2_000_000
        assert client.head("/v1/articles/long").status_code == 200
        wait_until(lambda: app.answers.used == 0)
    for connection in unread:
        connection.close()


ENDLESS = """
import sys, time
from tests.exact_detector import ExactDetector
from wirecopy.cli import service as serving
from wirecopy.cli.commands import main
from wirecopy.detector.answers import explain as answers

answers.explain = lambda pair, texts: time.sleep(3600)
if sys.argv[1] == "owner":
    ExactDetector.check = lambda self, article: time.sleep(3600)
serving._open_detector = lambda config, accept_loss, loading: ExactDetector()
sys.exit(main(["serve", "--port", "0", "--config", sys.argv[2]]))
"""


def begin_what_does_not_end(port: int, where: str) -> None:
    with hostile.connect(port) as one, hostile.connect(port) as other:
        for name in ("a", "b"):
            one.sendall(hostile.put(name, 200, 198) + b'"}')
            assert one.recv(65536).startswith(b"HTTP/1.1 201")
        body = b'{"id": "c", "text": "a few words"}'
        head = hostile.put("c", len(body), 0).replace(b"PUT /v1/articles/c ", b"POST /v1/check ")
        other.sendall(hostile.get("/v1/articles/a/matches/b") if where == "aside" else head + body)
        other.settimeout(0.3)
        with pytest.raises(TimeoutError):
            other.recv(1)


@pytest.mark.parametrize("where", ["aside", "owner"])
@pytest.mark.parametrize("signals", [1, 2])
def test_a_service_that_is_told_to_stop_ends_whatever_it_is_doing(tmp_path: Path, where: str, signals: int) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        f"service: {{drain_timeout_seconds: {0.5 if signals == 1 else 3600}}}\npage: {{search: false}}\n"
    )
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-c", ENDLESS, where, str(settings)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[3].rpartition(":")[2])
        begin_what_does_not_end(port, where)
        for _ in range(signals):
            os.kill(process.pid, signal.SIGTERM)
            wait_until(lambda: b"stopping" in (tmp_path / "log").read_bytes())
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    lines = (tmp_path / "log").read_text()
    assert ("ended without closing" in lines) == (where == "owner")


def test_work_aside_that_nobody_waits_for_is_not_begun(run_service: RunService) -> None:
    service = run_service()
    gate = threading.Event()
    begun: list[int] = []

    async def ask() -> None:
        first = asyncio.create_task(service.app.owner.work_aside(lambda: gate.wait(20)))
        second = asyncio.create_task(service.app.owner.work_aside(lambda: begun.append(2)))
        await asyncio.wait([first, second], timeout=0.01)
        second.cancel()
        gate.set()
        assert await first
        await service.app.owner.work_aside(lambda: begun.append(3))

    asyncio.run_coroutine_threadsafe(ask(), service.loop).result(20)
    assert begun == [3]
