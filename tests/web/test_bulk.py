"""POST /v1/bulk: trusted by its status, or streamed both ways; in order, bounded, and clear about its end."""

import gzip
import json
import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
import zstandard

from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service, wait_until
from wirecopy import errors
from wirecopy.config import Auth, Config, Key, Limits, Web

LINES = {"Content-Type": "application/x-ndjson"}


def article(number: int, size: int = 20) -> bytes:
    return json.dumps({"id": f"a{number}", "text": f"Text {number} " + "x" * size}).encode() + b"\n"


def talkative(first: int, count: int = 500) -> bytes:
    """Lines whose answers are long: 2 KB each."""
    articles = ({"id": f"{number:0800}", "text": f"Text {number}"} for number in range(first, first + count))
    return b"".join(json.dumps(article).encode() + b"\n" for article in articles)


def bulk(service: Service, body: bytes | Iterable[bytes], **headers: str) -> list[dict[str, Any]]:
    with service.client() as client:
        answer = client.post("/v1/bulk?stream=true", content=body, headers={**LINES, **headers})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.split(b"\n")[:-1]]


class Stream:
    """A bulk stream over a bare socket: what is sent and what is read, and when, is up to the test."""

    def __init__(self, service: Service, query: bytes = b"?stream=true") -> None:
        self.socket = socket.socket()
        self.socket.settimeout(20)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.socket.connect(("127.0.0.1", service.port))
        self.socket.sendall(
            b"POST /v1/bulk%b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" % query
        )
        self._received = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def answers(self) -> Iterator[dict[str, Any]]:
        """Answer lines as they come; ends with the stream."""
        reader = self.socket.makefile("rb")
        assert b" 200 " in reader.readline()
        while reader.readline() != b"\r\n":
            pass
        unfinished = b""
        while size := int(reader.readline(), 16):
            *lines, unfinished = (unfinished + reader.read(size)).split(b"\n")
            reader.readline()
            yield from (json.loads(line) for line in lines)

    def close(self) -> None:
        self.socket.close()


def test_each_line_gets_one_answer_in_order(service: Service) -> None:
    answers = bulk(service, b"".join(article(n) for n in range(1000)) + article(3) + article(4, 5))
    assert [answer["line"] for answer in answers] == list(range(1, 1003))
    assert [answer["id"] for answer in answers] == [f"a{n}" for n in range(1000)] + ["a3", "a4"]
    assert {answer["status"] for answer in answers[:1000]} == {201}
    assert answers[1000]["status"] == answers[1001]["status"] == 200
    assert answers[1000]["verdict"]["replayed"]
    assert answers[1001]["verdict"]["revision"] == 2
    assert set(answers[0]) == {"line", "status", "id", "verdict"}


def test_a_bad_line_fails_alone_and_a_blank_one_is_passed_over(service: Service) -> None:
    bad = [b"", b"  \t", b"{", b"[]", b'{"id": "x"}', b'{"id": "..", "text": "x"}', b'{"id": "\xff"}', b'{"text": "x"}']
    answers = bulk(service, article(1) + b"\n".join(bad) + b"\n" + article(2))
    assert [answer["status"] for answer in answers] == [201, 400, 422, 422, 422, 400, 422, 201]
    assert [answer["id"] for answer in answers] == ["a1", None, None, "x", "..", None, None, "a2"]
    assert [answer["line"] for answer in answers] == [1, 4, 5, 6, 7, 8, 9, 10]
    for answer in answers[1:-1]:
        assert set(answer) == {"line", "status", "id", "problem"}
        assert answer["problem"]["status"] == answer["status"]
        assert answer["problem"]["detail"]


def test_ends_of_lines_may_be_of_any_kind(service: Service) -> None:
    body = b"\xef\xbb\xbf" + article(1).replace(b"\n", b"\r\n") + article(2).rstrip()
    assert [answer["status"] for answer in bulk(service, body)] == [201, 201]
    assert bulk(service, b"") == []


def test_a_line_may_be_long_and_one_over_the_limit_fails_alone(run_service: RunService) -> None:
    service = run_service(Config(limits=Limits(max_line_bytes=3_000_000)))
    answers = bulk(service, article(1, 2_500_000) + article(2, 3_500_000) + article(3))
    assert [(answer["status"], answer["id"]) for answer in answers] == [(201, "a1"), (413, None), (201, "a3")]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_compressed_streams_are_taken(service: Service, coding: str) -> None:
    plain = b"".join(article(n, 500) for n in range(3000))
    half = len(plain) // 2 + 7
    parts = [plain[:half], plain[half:]]
    packed = b"".join(
        (gzip.compress if coding == "gzip" else zstandard.compress)(part) for part in parts
    )  # two members
    answers = bulk(service, packed, **{"Content-Encoding": coding})
    assert [answer["id"] for answer in answers] == [f"a{n}" for n in range(3000)]


def test_a_damaged_compressed_stream_ends_with_a_line_that_says_so(service: Service) -> None:
    packed = gzip.compress(b"".join(article(n, 500) for n in range(3000)), compresslevel=0)
    for body in (packed[:-9], packed[: len(packed) // 2] + b"\0" * 1000 + packed[len(packed) // 2 :]):
        *answers, last = bulk(service, body, **{"Content-Encoding": "gzip"})
        assert (last["status"], last["id"], last["line"]) == (400, None, len(answers) + 1)
        assert last["problem"]["type"] == "/docs#malformed-request"
        assert all(answer["status"] in (200, 201) for answer in answers)


def test_a_bomb_is_given_up(service: Service) -> None:
    packed = zstandard.compress(b"x" * 2**28)
    assert len(packed) < 2**15
    [last] = bulk(service, packed, **{"Content-Encoding": "zstd"})
    assert (last["status"], last["problem"]["type"]) == (413, "/docs#too-large")


def test_an_unknown_coding_is_refused_before_the_stream_begins(service: Service) -> None:
    with service.client() as client:
        assert client.post("/v1/bulk", content=b"", headers={**LINES, "Content-Encoding": "br"}).status_code == 415


def test_a_client_that_waits_for_each_answer_gets_it(service: Service) -> None:
    stream = Stream(service)
    answers = stream.answers()
    for number in range(20):
        stream.send(article(number))
        assert next(answers)["id"] == f"a{number}"
    for number in range(20, 40, 2):
        stream.send(article(number))
        stream.send(article(number + 1))
        assert [next(answers)["id"], next(answers)["id"]] == [f"a{number}", f"a{number + 1}"]
    stream.end()
    assert list(answers) == []
    stream.close()


def test_a_client_that_reads_only_after_it_has_sent_everything_is_served(service: Service) -> None:
    stream = Stream(service)
    sent = 10_000  # 20 MB of answers: more than sockets and memory hold
    for first in range(0, sent, 500):
        stream.send(talkative(first))
    stream.end()
    answers = list(stream.answers())
    assert [answer["line"] for answer in answers] == list(range(1, sent + 1))
    assert {answer["status"] for answer in answers} == {201}
    stream.close()


def test_a_full_spool_ends_the_stream_with_a_last_line_of_status_503(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_spool_bytes=100_000)))
    stream = Stream(service)
    sent = 10_000
    for first in range(0, sent, 500):  # never blocks for good: what comes too much is read and dropped
        stream.send(talkative(first))
    stream.end()
    *answers, last = stream.answers()
    assert (last["status"], last["id"], last["line"]) == (503, None, len(answers) + 1)
    assert last["problem"]["type"] == "/docs#overloaded"
    assert 100 < len(answers) < sent
    assert {answer["status"] for answer in answers} == {201}
    assert len(service.detector.articles) == len(answers)  # nothing behind the last line was stored
    stream.close()


def test_a_client_that_leaves_frees_its_place(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_bulk_streams=1)))
    stream = Stream(service)
    stream.send(article(1))
    wait_until(lambda: service.app.streams)
    with service.client() as client:
        refused = client.post("/v1/bulk", content=article(2), headers=LINES)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    stream.close()
    wait_until(lambda: not service.app.streams)
    assert [answer["id"] for answer in bulk(service, article(3))] == ["a3"]


def test_a_stalled_stream_is_ended_and_what_was_complete_is_stored(run_service: RunService) -> None:
    service = run_service(Config(web=Web(body_timeout_seconds=0.2)))
    stream = Stream(service)
    stream.send(article(1) + article(2)[:10])
    first, last = stream.answers()
    assert (first["status"], last["status"], last["line"]) == (201, 408, 2)
    stream.close()


def test_a_client_that_takes_no_answers_at_the_end_is_cut(run_service: RunService) -> None:
    service = run_service(Config(web=Web(write_timeout_seconds=0.2)))
    stream = Stream(service)
    for first in range(0, 10_000, 500):
        stream.send(talkative(first))
    stream.end()
    wait_until(lambda: not service.app.streams)
    wait_until(lambda: service.app.connections == 0)
    stream.close()


def test_stopping_ends_open_streams_with_a_line_of_status_503(service: Service) -> None:
    stream = Stream(service)
    answers = stream.answers()
    stream.send(article(1))
    assert next(answers)["status"] == 201
    service.stop()
    [last] = answers
    assert (last["status"], last["line"], last["problem"]["type"]) == (503, 2, "/docs#not-ready")
    stream.close()


def test_a_failing_disk_ends_the_stream_and_acknowledges_nothing_more(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(detector=detector)
    stream = Stream(service)
    answers = stream.answers()
    stream.send(article(1))
    assert next(answers)["status"] == 201
    detector.failure = errors.StorageFailed("input/output error")
    stream.send(article(2) + article(3))
    [last] = answers
    assert (last["status"], last["line"], last["problem"]["type"]) == (503, 2, "/docs#storage-failed")
    stream.close()


def test_streams_are_slowed_to_the_rate_of_their_key(run_service: RunService) -> None:
    key = Key("desk", "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")  # of "foo"
    service = run_service(Config(auth=Auth([key], rate_limit_per_second=2000, rate_limit_burst=10)))
    body = b"".join(article(n) for n in range(400))
    answers = bulk(service, body, Authorization="Bearer foo")
    assert {answer["status"] for answer in answers} == {201}
    wait_until(lambda: [line for line in service.log() if line.get("lines")])
    [line] = [line for line in service.log() if line.get("lines")]
    assert line["lines"] == 400
    assert line["client"] == "desk"
    assert line["ms"] > 100  # 400 lines at 2000 a second, less the last batch


def test_answers_that_wait_leave_no_file_behind(run_service: RunService, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    service = run_service()
    stream = Stream(service)
    for first in range(0, 10_000, 500):
        stream.send(talkative(first))
    assert os.listdir(tmp_path) == []
    stream.end()
    assert len(list(stream.answers())) == 10_000
    stream.close()


def test_metrics_count_lines_by_status(service: Service) -> None:
    bulk(service, article(1) + b"{\n" + article(2))
    with service.client() as client:
        metrics = client.get("/metrics").text
    assert 'wirecopy_bulk_lines_total{status="201"} 2.0' in metrics
    assert 'wirecopy_bulk_lines_total{status="400"} 1.0' in metrics


def whole(service: Service, body: bytes | Iterable[bytes], **headers: str) -> httpx.Response:
    """The answer to a sender that asks for no stream."""
    with service.client() as client:
        return client.post("/v1/bulk", content=body, headers={**LINES, **headers})


def test_without_a_stream_the_status_tells_that_everything_is_on_disk(service: Service) -> None:
    answer = whole(service, b"".join(article(n) for n in range(1000)) + b"{\n" + article(3))
    assert answer.status_code == 200
    answers = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["status"] for line in answers] == [201] * 1000 + [400, 200]
    counts = [answer.headers[f"Wirecopy-{name}"] for name in ("Taken", "Replayed", "Refused")]
    assert counts == ["1000", "1", "1"]
    wait_until(lambda: [line for line in service.log() if line.get("path") == "/v1/bulk"])
    [line] = [line for line in service.log() if line.get("path") == "/v1/bulk"]
    assert [line[name] for name in ("status", "lines", "taken", "replayed", "refused")] == [200, 1002, 1000, 1, 1]


def test_no_answer_begins_before_the_body_has_ended(service: Service) -> None:
    stream = Stream(service, b"")
    stream.send(article(1))
    wait_until(lambda: len(service.detector.articles) == 1)
    stream.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        stream.socket.recv(1)
    stream.socket.settimeout(20)
    stream.end()
    assert [answer["id"] for answer in stream.answers()] == ["a1"]
    stream.close()


def test_stopping_in_the_middle_of_a_body_is_told_by_the_status_and_how_much_was_kept(service: Service) -> None:
    stream = Stream(service, b"")
    stream.send(article(1) + article(2) + article(3)[:9])
    wait_until(lambda: len(service.detector.articles) == 2)
    service.stop()
    answer = stream.socket.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 503 " in head.splitlines()[0]
    assert b"Retry-After: 5" in head
    assert b"Wirecopy-Taken: 2" in head
    problem = json.loads(body)
    assert (problem["status"], problem["kept"], problem["type"]) == (503, 2, "/docs#not-ready")
    assert "2 of the articles were kept" in problem["detail"]
    stream.close()


def test_a_failing_disk_in_the_middle_of_a_body_is_told_by_the_status(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(detector=detector)
    stream = Stream(service, b"")
    stream.send(article(1))
    wait_until(lambda: len(detector.articles) == 1)
    detector.failure = errors.StorageFailed("input/output error")
    stream.send(article(2))
    stream.end()
    assert b" 503 " in stream.socket.makefile("rb").readline()
    stream.close()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(b"".join(article(n) for n in range(2000)))[:-9], {"Content-Encoding": "gzip"}, 400),
        (zstandard.compress(b"x" * 2**28), {"Content-Encoding": "zstd"}, 413),
        (b"[" + article(1), {"Content-Type": "application/json"}, 400),
        (b"[" + article(1) + b"}", {"Content-Type": "application/json"}, 400),
    ],
)
def test_a_body_that_ends_early_is_no_success(
    service: Service, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = whole(service, body, **headers)
    assert (answer.status_code, answer.json()["kept"]) == (status, len(service.detector.articles))


def test_more_answers_than_the_spool_holds_are_told_with_the_limit(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_spool_bytes=100_000)))
    answer = whole(service, talkative(0, 3000))
    assert (answer.status_code, answer.json()["type"]) == (413, "/docs#too-large")
    assert "100000 bytes (web.max_spool_bytes)" in answer.json()["detail"]
    assert answer.json()["kept"] == len(service.detector.articles)


def test_the_elements_of_a_json_array_are_taken_one_by_one(service: Service) -> None:
    articles = [{"id": f"a{n}", "text": f"Text {n}"} for n in range(500)]
    body = json.dumps([*articles, {"id": "x"}, 7]).encode()
    answer = whole(service, body, **{"Content-Type": "application/json"})
    statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
    assert statuses == [201] * 500 + [422, 422]
    wrapped = json.dumps({"status": "ok", "articles": articles[:2]}).encode()
    answer = whole(service, wrapped, **{"Content-Type": "application/json; charset=utf-8"})
    assert answer.headers["Wirecopy-Replayed"] == "2"


def test_an_array_that_never_ends_and_an_element_without_end_cost_no_memory(run_service: RunService) -> None:
    service = run_service(Config(limits=Limits(max_line_bytes=10_000), web=Web(max_held_bytes=10_000_000)))

    def body() -> Iterator[bytes]:
        yield b"[" + article(1) + b', {"id": "huge", "text": "'
        for _ in range(1000):
            yield b"x" * 100_000
        yield b'"}, ' + article(2) + b"]"

    answer = whole(service, body(), **{"Content-Type": "application/json"})
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [201, 413, 201]


def test_refused_lines_can_be_asked_for_later(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_refused_lines=3)))
    whole(service, article(1) + b"{broken\n" + b'{"id": "x", "txt": "' + b"y" * 500 + b'"}\n')
    with service.client() as client:
        page = client.get("/v1/refused").json()
        first, second = page["refused"]
        assert (first["seq"], first["line"], first["status"], first["head"]) == (1, 2, 400, "{broken")
        assert first["reason"].startswith("not JSON")
        assert (second["id"], second["line"], second["reason"], len(second["head"])) == ("x", 3, "text is missing", 200)
        assert (page["next"], page["dropped"]) == (2, 0)
        whole(service, b"{1\n{2\n{3\n")
        later = client.get("/v1/refused", params={"after": page["next"], "limit": 2}).json()
        assert [line["head"] for line in later["refused"]] == ["{1", "{2"]
        assert (later["next"], later["dropped"]) == (4, 0)
        assert client.get("/v1/refused").json()["dropped"] == 2
        assert client.get("/v1/refused", params={"after": 5}).json() == {"refused": [], "next": 5, "dropped": 0}
        assert len(client.get("/v1/refused", params={"after": 999}).json()["refused"]) == 3  # of before a restart


def test_a_stream_is_asked_for_with_a_word(service: Service) -> None:
    with service.client() as client:
        refused = client.post("/v1/bulk?stream=maybe", content=article(1), headers=LINES)
    assert (refused.status_code, refused.json()["detail"]) == (422, "stream must be true or false")
