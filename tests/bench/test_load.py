"""The load that benchmarks put on servers: answers counted once, times from when a request was due."""

import socket
import threading
from itertools import islice
from pathlib import Path

import pytest

from bench import traffic
from bench.load import ServerGone, _is_complete, _unchunked, due_times, put_request, send, send_stream
from bench.sets import OWN
from tests.conftest import RunService
from wirecopy.config import Config
from wirecopy.detector.detector import Detector


@pytest.fixture
def url(run_service: RunService) -> str:
    service = run_service(Config(), open_detector=lambda: Detector(Config()))
    service.wait_ready()
    return service.url


def requests(count: int) -> list[bytes]:
    return [put_request(f"a/{k}", b'{"text": "Some words about number %d."}' % k) for k in range(count)]


def test_each_request_is_answered_once_closed_and_open(url: str) -> None:
    closed = send(url, requests(40), connections=3)
    assert (closed.statuses, len(closed.milliseconds)) == ({201: 40}, 40)
    again = send(url, requests(40), connections=3, due=due_times(40, 400.0, seed=1))
    assert again.statuses == {200: 40}
    assert again.seconds >= due_times(40, 400.0, seed=1)[-1]
    assert 0 < again.percentile(50) <= again.percentile(99) <= again.percentile(100)


def test_a_request_that_waits_for_a_connection_is_timed_from_when_it_was_due(url: str) -> None:
    load = send(url, requests(30), connections=1, due=[0.0] * 30)
    assert load.milliseconds == sorted(load.milliseconds)
    assert load.percentile(100) >= 0.9 * load.seconds * 1000


def test_a_stream_is_answered_line_by_line(url: str) -> None:
    pieces = [b'{"id": "%d", "text": "Some words about number %d."}\n' % (k, k) for k in range(300)]
    seconds, answer = send_stream(url, "/v1/bulk?stream=true", "application/x-ndjson", pieces)
    assert seconds > 0
    assert answer.count(b'"status":201') == len(answer.splitlines()) == 300


def test_a_stream_that_is_refused_is_an_error(url: str) -> None:
    with pytest.raises(ServerGone, match="415"):
        send_stream(url, "/v1/bulk", "text/plain", [b"x\n"])


def test_a_server_that_closes_is_an_error() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def close_at_once() -> None:
        listener.accept()[0].close()

    closing = threading.Thread(target=close_at_once)
    closing.start()
    with listener, pytest.raises((ServerGone, ConnectionError)):
        send(f"http://127.0.0.1:{listener.getsockname()[1]}", requests(2), connections=1)
    closing.join()


def test_answers_are_complete_when_their_body_is() -> None:
    answer = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nabcde"
    assert [_is_complete(answer[:k]) for k in range(len(answer) + 1)] == [False] * len(answer) + [True]
    chunked = b"HTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert _unchunked(chunked) == b"abcde"


def test_due_times_have_the_rate_asked_for() -> None:
    due = due_times(20_000, 500.0, seed=3)
    assert due == sorted(due)
    assert due[-1] == pytest.approx(40, rel=0.05)


def test_joined_articles_have_the_length_asked_for_and_use_every_text_once() -> None:
    rows = [{"id": str(k), "text": f"text {k} " * (40 + k)} for k in range(60)]
    found = traffic.joined(rows, 2_000)
    assert sum(len(row["text"]) for row in found) / len(found) == pytest.approx(2_000, rel=0.1)
    assert sorted(text for row in found for text in row["text"].split("\n\n")) == sorted(row["text"] for row in rows)


def test_traffic_is_the_same_every_time_and_never_repeats(tmp_path: Path) -> None:
    made = traffic.sources(None)
    first = list(islice(traffic.lines(made, 900), 900))
    assert first == list(traffic.lines(made, 900))
    assert first[850:] == list(traffic.lines(made, 50, first=850))
    assert len({name for name, _ in first}) == len({body for _, body in first}) == 900
    assert (OWN / "languages").is_dir()
