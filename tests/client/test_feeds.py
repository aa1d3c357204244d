"""Feeds as a stream: asked for politely, each entry decided once, and whatever else answers there costs one line."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from tests.exact_detector import Service
from wirecopy.cli.commands import main
from wirecopy.client.connectors import feeds
from wirecopy.client.connectors.ends import inlets_of, outlet_of, parse_address
from wirecopy.client.connectors.feeds import FeedInlet
from wirecopy.errors import ConnectorFailed, UsageError

pytest.importorskip("feedparser", reason="feedparser is not installed")


def entry(number: int, text: str = "The ferry left the harbour at noon, as planned.") -> str:
    body = f"<description>{text}</description>" if text else ""
    return f"<item><guid>f{number}</guid><title>Ferry {number}</title>{body}</item>"


def rss(*entries: str) -> bytes:
    return f"<rss version='2.0'><channel><title>Port</title>{''.join(entries)}</channel></rss>".encode()


class Answer(NamedTuple):
    body: bytes
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()


class FeedServer(ThreadingHTTPServer):
    """Gives one answer after the other, the last one for ever; one whose ETag is named gets 304."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: list[Answer] = []
        self.asked: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/rss.xml?desk=port"

    def next(self, tag: str | None) -> Answer:
        self.asked.append(tag)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Answer(b"", 304) if tag is not None and ("ETag", tag) in answer.headers else answer


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, FeedServer)
        assert self.path == "/rss.xml?desk=port"
        answer = self.server.next(self.headers.get("If-None-Match"))
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join(60)


def polls(server: FeedServer, times: int) -> list[list[str]]:
    """The ids of what each of several polls brings, without the time between them."""

    async def run() -> list[list[str]]:
        inlet = FeedInlet(parse_address(server.url))
        await inlet.open()
        try:
            found = []
            for _ in range(times):
                inlet._due = 0.0
                found.append([orjson.loads(message.data)["id"] for message in await inlet.take()])
            return found
        finally:
            await inlet.close()

    return asyncio.run(run())


def test_an_unchanged_feed_is_not_sent_again_and_of_a_changed_one_only_what_is_new(server: FeedServer) -> None:
    first = Answer(rss(entry(2), entry(1)), headers=[("ETag", '"one"')])
    second = Answer(rss(entry(4), entry(3), entry(2), entry(1, "The ferry left at one.")), headers=[("ETag", '"two"')])
    server.answers = [first, first, second]
    assert polls(server, 4) == [["f1", "f2"], [], ["f1", "f3", "f4"], []]
    assert server.asked == [None, '"one"', '"one"', '"two"']


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (("Retry-After", "4000"), 3900, 4000),
        (("Cache-Control", "public, max-age=5000"), 4900, 5000),
        (("Retry-After", "999999999"), 86_300, 86_400),
        (("Retry-After", "soon"), 200, 300),
    ],
)
@pytest.mark.parametrize("status", [200, 503])
def test_a_feed_is_not_asked_before_it_wants_to_be(
    server: FeedServer, header: tuple[str, str], least: float, most: float, status: int
) -> None:
    server.answers = [Answer(rss(entry(1)), status, [header])]

    async def run() -> float | None:
        inlet = FeedInlet(parse_address(server.url))
        await inlet.open()
        try:
            await inlet.take()
        except ConnectorFailed as error:
            return error.retry_after
        finally:
            await inlet.close()
        return inlet._failed("asked").retry_after

    seconds = asyncio.run(run())
    assert seconds is not None
    assert least <= seconds <= most


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"gone", 410), "it answers 410"),
        (Answer(b"<html><body><h1>Page not found</h1></body></html>"), "no feed of RSS or Atom"),
        (Answer(b"\x00\xff" * 1000), "no feed of RSS or Atom"),
        (Answer(b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + rss(entry(1))), "declares entities"),
        (Answer(b"", 302, [("Location", "/rss.xml?desk=port")]), "redirects"),
        (Answer(b"", 302, [("Location", "ftp://host/rss.xml")]), "unsupported protocol"),
        (Answer(rss(entry(1, "word " * 1000))), "longer than 4096 bytes"),
    ],
)
def test_what_is_no_feed_is_told_and_asked_again_at_the_next_time(
    server: FeedServer, answer: Answer, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_BYTES", 4096)
    server.answers = [answer]
    with pytest.raises(ConnectorFailed, match=reason) as failed:
        polls(server, 1)
    assert failed.value.retry_after is not None
    assert failed.value.retry_after > 200


def test_a_feed_that_nobody_serves_is_told_without_its_password() -> None:
    address = parse_address("http://desk:secret@127.0.0.1:1/rss.xml")

    async def run() -> None:
        inlet = FeedInlet(address)
        await inlet.open()
        try:
            await inlet.take()
        finally:
            await inlet.close()

    with pytest.raises(ConnectorFailed, match=r"^http://127.0.0.1:1/rss.xml: ") as failed:
        asyncio.run(run())
    assert "secret" not in str(failed.value)


def test_the_command_feeds_a_service_and_what_has_no_text_is_a_dead_letter(
    server: FeedServer, service: Service, tmp_path: Path
) -> None:
    dead = tmp_path / "dead.jsonl"
    server.answers = [Answer(rss(entry(3, "पुल बंद है, नौका दोपहर को चली गई।"), entry(2, ""), entry(1)))]
    options = ["--to", service.url, "--once", "--dead-letters", str(dead)]
    assert main(["follow", server.url, *options]) == 1
    assert list(service.detector.articles) == ["f1", "f3"]
    [letter] = map(orjson.loads, dead.read_bytes().splitlines())
    assert "text" in letter["reason"]
    assert orjson.loads(letter["data"])["id"] == "f2"


def test_a_feed_is_one_inlet_over_all_its_failures_and_takes_no_events() -> None:
    address = parse_address("https://newsroom.example/")
    make = inlets_of(address)
    assert make() is make()
    with pytest.raises(UsageError, match="nothing can be put into"):
        outlet_of(address)


def test_a_format_of_the_wire_is_refused_with_a_feed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["follow", "https://h/rss", "--to", "http://h", "--format", "ninjs"]) == 2
    assert "--format has no meaning" in capsys.readouterr().err
