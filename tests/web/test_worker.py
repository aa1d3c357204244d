"""Markup of strangers is read in a process that can be given up, within bounds that are told."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from tests.conftest import RunService
from tests.exact_detector import Service, wait_until
from tests.worker_tasks import double, end, fail, grow, own_process, refuse, spin
from wirecopy.config import Config, Web
from wirecopy.errors import InvalidArticle
from wirecopy.schema.markup import to_text
from wirecopy.web.worker import Worker

NINJS = {"Content-Type": "application/ninjs+json"}
FEW_SECONDS = 3.0


def run(work: Callable[[Worker], Awaitable[None]], seconds: float = 10.0, megabytes: int = 512) -> None:
    async def with_worker() -> None:
        worker = Worker(seconds, megabytes * 2**20)
        try:
            await work(worker)
        finally:
            worker.close()

    asyncio.run(with_worker())


def test_what_is_returned_and_raised_there_is_returned_and_raised_here() -> None:
    async def work(worker: Worker) -> None:
        assert await asyncio.gather(*(worker.run(double, n) for n in range(20))) == [2 * n for n in range(20)]
        with pytest.raises(InvalidArticle, match=r"^not this$"):
            await worker.run(refuse, "not this")
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            await worker.run(fail)
        process = await worker.run(own_process)
        assert process != os.getpid()
        assert await worker.run(own_process) == process

    run(work)


@pytest.mark.parametrize(
    ("what", "reason"), [(spin, "longer than"), (grow, "more than 512 MiB"), (end, "more than 512 MiB")]
)
def test_work_beyond_a_bound_is_given_up_and_the_next_is_done(what: Callable[[], None], reason: str) -> None:
    async def work(worker: Worker) -> None:
        await worker.run(double, 1)
        with pytest.raises(InvalidArticle, match=reason):
            await worker.run(what)
        assert await worker.run(double, 2) == 4

    run(work, seconds=0.5 if what is spin else 20.0)


def test_work_that_is_cancelled_leaves_nothing_to_the_next() -> None:
    async def work(worker: Worker) -> None:
        first = asyncio.create_task(worker.run(spin))
        await asyncio.wait([first], timeout=0.3)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await worker.run(double, 2) == 4

    run(work)


def test_the_process_leaves_with_its_service_and_hears_no_signal_of_the_group() -> None:
    async def work(worker: Worker) -> None:
        process = await worker.run(own_process)
        os.kill(process, signal.SIGTERM)
        assert await worker.run(own_process) == process
        worker.close()
        wait_until(lambda: not Path(f"/proc/{process}").exists())

    run(work)


HOSTILE = {
    "open elements": "".join(f"<b a={n}>" for n in range(4000)) + "<p>x" * 4000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(80_000)) + ">x</p>",
    "attributes that seem quoted": "<p b' " + " ".join(f"a{n}" for n in range(80_000)) + "'>x</p>",
    "depth": "<div>" * 100_000,
    "depth of other elements": "<span>x" * 100_000,
    "end tags of others": "<span></b>x" * 100_000,
    "tables in the way": "<div><table><td></div></table>" * 200_000,
}


@pytest.fixture
def service(run_service: RunService) -> Service:
    return run_service(Config(web=Web(markup_timeout_seconds=1.0)))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_markup_is_refused_and_holds_nobody_up(service: Service, kind: str) -> None:
    item = orjson.dumps({"uri": "hostile", "bodies": [{"contentType": "text/html", "value": HOSTILE[kind]}]})
    answers: list[int] = []
    with service.client() as client, service.client() as bystander:
        sending = threading.Thread(
            target=lambda: answers.append(client.post("/v1/articles", content=item, headers=NINJS).status_code)
        )
        sending.start()
        slowest = 0.0
        while sending.is_alive():
            started = time.monotonic()
            assert bystander.put("/v1/articles/good", json={"text": "x"}).status_code in (200, 201)
            slowest = max(slowest, time.monotonic() - started)
        sending.join()
    assert answers == [422]
    assert slowest < FEW_SECONDS / 3


def test_one_hostile_line_of_a_bulk_stream_costs_the_others_nothing(service: Service) -> None:
    good = [{"uri": f"good-{n}", "body_html": f"<p>Paragraph {n}.</p>"} for n in range(10)]
    lines = [*good[:5], {"uri": "bad", "body_html": HOSTILE["tables in the way"]}, *good[5:]]
    body = b"\n".join(map(orjson.dumps, lines))
    with service.client() as client:
        answer = client.post("/v1/bulk?stream=true", content=body, headers=NINJS)
    statuses = [orjson.loads(line)["status"] for line in answer.content.splitlines()]
    assert statuses == [201] * 5 + [422] + [201] * 5


def test_long_markup_that_is_only_long_or_sloppy_is_read(service: Service) -> None:
    sloppy = "<p>text <b>bold <font color=red>red</font><br><img src=1 alt='a b c'>" * 5000
    item = orjson.dumps({"uri": "long", "body_html": sloppy})
    with service.client() as client:
        assert client.post("/v1/articles", content=item, headers=NINJS).status_code == 201
        wait_until(lambda: client.get("/v1/articles/long").status_code == 200)
        assert client.get("/v1/articles/long").json()["text"].count("bold red") == 5000


def test_an_attribute_may_be_as_long_as_it_likes() -> None:
    data = '{"words": "with spaces", "and": 1}' * 5000
    assert to_text(f"<p data-item='{data}'>Read this.</p>") == "Read this."
