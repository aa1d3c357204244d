"""GET /v1/events as server-sent events, over real sockets."""

import random
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import RunService, Stored
from tests.exact_detector import Service, wait_until
from tests.feed_reader import FeedReader
from tests.followers import StreamReader
from tests.streams import stream
from tests.web.test_kill import Serving
from wirecopy import Article, AsyncClient, Client, errors
from wirecopy.config import Config, Web
from wirecopy.detector.detector import Detector
from wirecopy.schema import wire
from wirecopy.web.handlers.event_stream import EventStream, is_asked_for

EVENT_STREAM = {"Accept": "text/event-stream"}


def put(service: Service | Serving, name: str, text: str = "One two three.") -> None:
    with Client(service.url) as client:
        client.put_article(Article(name, text))


def metric(service: Service, name: str) -> float:
    with service.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")))


def test_events_come_in_order_as_they_are_committed_and_are_those_of_the_pages(stored: Stored) -> None:
    service, taken = stored(), stream(30)
    with StreamReader(service.url) as reader, Client(service.url) as client:
        assert reader.response.headers["Content-Type"] == "text/event-stream"
        assert reader.response.headers["Cache-Control"] == "no-store"
        client.put_article(taken[0])
        assert [event["type"] for event in reader.take(1)] == ["created"]
        list(client.bulk(taken[1:]))
        page = client.events(1)
        with service.client() as plain:
            assert reader.take(len(page.events)) == plain.get("/v1/events?after=1").json()["events"]
        assert page.next == len(page.events) + 1
    wait_until(lambda: metric(service, "wirecopy_event_streams") == 0)
    assert metric(service, "wirecopy_streamed_events_total") == page.next
    [line] = [line for line in service.log() if line["path"] == "/v1/events" and line.get("lines")]
    assert (line["status"], line["lines"]) == (200, page.next)


def test_a_stream_goes_on_behind_the_last_event_also_over_restarts(stored: Stored) -> None:
    service, taken, applied = stored(), stream(60), FeedReader()
    seen = ""
    for part in range(3):
        with Client(service.url) as client:
            list(client.bulk(taken[20 * part : 20 * part + 20]))
            newest = client.events(0, limit=10_000).next
        with StreamReader(service.url, last_id=seen, after=0) as reader:  # the header is newer than the address
            while seen != str(newest):
                [event] = reader.take(1)
                applied.apply([wire.Event(**event)])
                seen = str(event["seq"])
        with Client(service.url) as client:
            stories = {s.id: (s.canonical, frozenset(m.id for m in s.members)) for s in client.stories()}
        assert applied.stories() == stories
        service.stop()
        service.wait_stopped()
        service = stored()


def test_a_stream_misses_nothing_and_gets_nothing_twice_when_the_service_is_killed(tmp_path: Path) -> None:
    folder, applied = tmp_path / "data", FeedReader()
    for number in range(3):
        service = Serving(folder)
        with StreamReader(service.url, last_id=str(applied.seen) if applied.seen else None) as reader:
            acknowledged = []
            for k in range(5):
                with Client(service.url) as client:
                    acknowledged.append(client.put_article(Article(f"a{number}-{k}", f"Text {k} of all.")).id)
            applied.apply(wire.Event(**event) for event in reader.take(5))
            assert service.end(signal.SIGKILL) == -signal.SIGKILL
            with pytest.raises(httpx.TransportError):
                reader.rest()
        assert set(acknowledged) <= set(applied.story_of)
    service = Serving(folder)
    with Client(service.url) as client:
        assert client.events(applied.seen).events == []
    assert service.end(signal.SIGTERM) == 0


def test_the_service_ends_streams_when_it_stops(tmp_path: Path) -> None:
    service = Serving(tmp_path / "data")
    put(service, "a")
    with StreamReader(service.url) as reader, StreamReader(service.url, after=1) as waiting:
        assert [event["article"] for event in reader.take(1)] == ["a"]
        ended = threading.Thread(target=lambda: service.end(signal.SIGTERM))
        ended.start()
        assert reader.rest() == []
        assert waiting.rest() == []
        ended.join(20)
        assert service.process.returncode == 0


@pytest.mark.parametrize("place", ["after", "header"])
def test_what_is_no_place_is_refused_before_a_stream_begins(service: Service, place: str) -> None:
    put(service, "a")
    with service.client() as client:
        for text, status in [("2", 422), ("-1", 422), ("x", 422), ("9" * 30, 422), ("1", 200)]:
            given = {"params": {"after": text}} if place == "after" else {"headers": {"Last-Event-ID": text}}
            options: Any = {**given, "headers": {**EVENT_STREAM, **given.get("headers", {})}}
            with client.stream("GET", "/v1/events", **options) as answer:
                assert answer.status_code == status, text
        answer = client.get("/v1/events?limit=5", headers=EVENT_STREAM)
        assert (answer.status_code, "there is no parameter 'limit'" in answer.json()["detail"]) == (422, True)


def test_what_is_not_kept_any_more_is_410(run_service: RunService) -> None:
    detector = Detector()
    detector.ingest([Article("old", "Once there was a harbour with a bridge.")], 1)
    detector.prune(10**13)
    detector.ingest([Article("new", "Now there is none.")], 10**13)
    service = run_service(detector=detector)
    with service.client() as client:
        answer = client.get("/v1/events", headers=EVENT_STREAM)
        assert (answer.status_code, answer.json()["type"]) == (410, "/docs#events-gone")
    with StreamReader(service.url, after=1) as reader:
        assert [event["seq"] for event in reader.take(1)] == [2]
    with Client(service.url) as client, pytest.raises(errors.ServiceRefused, match="410"):
        next(client.follow_events())


def test_there_are_so_many_streams_and_no_more(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_event_streams=2)))
    with StreamReader(service.url), StreamReader(service.url) as second, service.client() as client:
        assert metric(service, "wirecopy_event_streams") == 2
        answer = client.get("/v1/events", headers=EVENT_STREAM)
        assert (answer.status_code, answer.json()["type"]) == (503, "/docs#overloaded")
        assert answer.headers["Retry-After"] == "1"
        assert client.get("/v1/events").status_code == 200
        second.close()  # who leaves makes room at once, without a sign of life in between
        wait_until(lambda: metric(service, "wirecopy_event_streams") == 1)
        with StreamReader(service.url):
            assert metric(service, "wirecopy_event_streams") == 2


def test_a_quiet_stream_shows_that_it_lives(run_service: RunService) -> None:
    service = run_service(Config(web=Web(heartbeat_seconds=0.01)))
    with StreamReader(service.url) as reader:
        reader.wait_heartbeats(5)
        put(service, "a")
        assert [event["article"] for event in reader.take(1)] == ["a"]


def test_head_is_answered_without_a_stream(service: Service) -> None:
    with service.client() as client:
        answer = client.head("/v1/events", headers=EVENT_STREAM)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
        assert client.get("/livez").status_code == 200


def test_events_are_sent_only_when_they_are_on_disk(run_service: RunService) -> None:
    told: list[Any] = []

    class Late(Detector):
        """A Detector whose commits wait until they are let go."""

        def when_durable(self, told_by: Any) -> None:
            told.append(told_by)

    service = run_service(detector=Late())
    with service.client() as client:
        answers: list[int] = []
        asking = threading.Thread(
            target=lambda: answers.append(client.put("/v1/articles/a", json={"text": "One two."}).status_code)
        )
        asking.start()
        wait_until(lambda: told)
        assert (service.app.owner._last_event, service.app.following.last, answers) == (0, 0, [])
        told.pop()(None)
        asking.join(20)
        wait_until(lambda: service.app.following.last == 1)
        assert answers == [201]


@contextmanager
def slow_reader(service: Service) -> Iterator[EventStream]:
    """A stream whose client does not read, with little room on the way to it."""
    with socket.socket() as client:
        client.settimeout(20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", service.port))
        client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        wait_until(lambda: service.app.event_streams)
        [stream] = service.app.event_streams
        assert isinstance(stream, EventStream)
        transport = stream._connection.transport
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield stream


def put_long_ids(client: Client, first: int, count: int) -> None:
    """Articles whose events are a kilobyte each."""
    list(client.bulk([Article(f"{'n' * 900}{k}", "One two three.") for k in range(first, first + count)]))


def test_a_reader_that_does_not_read_holds_nobody_up_and_is_cut(run_service: RunService) -> None:
    service = run_service(Config(web=Web(write_timeout_seconds=1)))
    with slow_reader(service) as slow, StreamReader(service.url) as quick, Client(service.url) as client:
        seen = 0
        while slow in service.app.event_streams:
            put_long_ids(client, seen, 10)
            assert [event["seq"] for event in quick.take(10)] == list(range(seen + 1, seen + 11))
            seen += 10
            assert len(service.app.following._pages) <= 32
        assert seen > 64
    wait_until(lambda: metric(service, 'wirecopy_refused_total{problem="slow-reader"}') == 1)
    with StreamReader(service.url, last_id=str(seen - 10)) as again:
        assert [event["seq"] for event in again.take(10)] == list(range(seen - 9, seen + 1))


def test_a_stop_does_not_wait_for_a_reader_that_does_not_read(run_service: RunService) -> None:
    service = run_service()
    with slow_reader(service) as slow, Client(service.url) as client:
        sent = 0
        while not slow._connection.writing_paused:
            put_long_ids(client, sent, 50)
            sent += 50
        service.loop.call_soon_threadsafe(service.app.begin_stop)
        wait_until(lambda: not service.app.event_streams)


def test_many_followers_cost_the_detector_one_question(run_service: RunService) -> None:
    asked: list[int] = []

    class Counted(Detector):
        def events_reader(self, after: int, limit: int):  # type: ignore[no-untyped-def]
            asked.append(after)
            return super().events_reader(after, limit)

    service = run_service(detector=Counted())
    readers = [StreamReader(service.url) for _ in range(20)]
    asked.clear()
    for number in range(3):
        put(service, f"a{number}")
        assert [reader.take(1)[0]["seq"] for reader in readers] == [number + 1] * 20
    for reader in readers:
        reader.close()
    assert asked == [0, 1, 2]


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("text/event-stream, */*;q=0.1", True),
        ("application/json;q=0.5, text/event-stream", True),
        ("application/json, text/event-stream", False),
        ("application/json, text/event-stream;q=0.5", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=much", False),
        ("*/*", False),
        ("", False),
        (";,;q=1,,", False),
    ],
)
def test_a_stream_is_for_those_who_ask_for_it(accept: str, is_stream: bool) -> None:
    assert is_asked_for(accept) == is_stream


def test_the_client_follows_over_a_kill_and_a_restart(tmp_path: Path) -> None:
    folder, taken, pauses = tmp_path / "data", stream(6), []
    service = Serving(folder)
    port = service.url.rpartition(":")[2]

    def restart(seconds: float) -> None:
        nonlocal service
        pauses.append(seconds)
        service = Serving(folder, "--port", port)
        with Client(service.url) as sender:
            sender.put_article(taken[5])

    with Client(service.url) as client:
        events, applied = client.follow_events(pause=restart), FeedReader()
        for article in taken[:5]:
            client.put_article(article)
            while article.id not in applied.story_of:
                applied.apply([next(events)])
        assert service.end(signal.SIGKILL) == -signal.SIGKILL
        while taken[5].id not in applied.story_of:
            applied.apply([next(events)])
        assert len(pauses) == 1
        assert 0.25 <= pauses[0] <= 0.5
        assert applied.seen == client.events(0).next
        events.close()  # type: ignore[attr-defined]
    assert service.end(signal.SIGTERM) == 0


def test_the_client_waits_with_growing_pauses_and_gives_up(
    run_service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)
    pauses: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Client(url) as client, pytest.raises(errors.ServiceUnreachable):
        next(client.follow_events(give_up_after=60, pause=pauses.append))
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30]
    service = run_service(Config(web=Web(max_event_streams=1)))
    pauses.clear()
    with StreamReader(service.url), Client(service.url) as client, pytest.raises(errors.ServiceRefused, match="503"):
        next(client.follow_events(give_up_after=2, pause=pauses.append))
    assert pauses == [1, 1]  # what Retry-After asks for, then what has doubled to as much


async def test_the_client_for_asyncio_follows_too(service: Service) -> None:
    async with AsyncClient(service.url) as client:
        events = client.follow_events()
        for name in ("a", "b"):
            await client.put_article(Article(name, "One two three."))
            event = await anext(events)
            assert (event.article, event.at.tzinfo is not None) == (name, True)
        await events.aclose()  # type: ignore[attr-defined]
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    with pytest.raises(errors.ServiceRefused, match="422"):
        async with AsyncClient(service.url) as client:
            await anext(client.follow_events(after=9, pause=pause))
    assert pauses == []
