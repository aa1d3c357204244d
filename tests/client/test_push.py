"""`wirecopy push`: in order, patient, resumable, and honest about what was refused."""

import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service
from wirecopy import errors
from wirecopy.cli.commands import main
from wirecopy.client import push as pushing
from wirecopy.config import Auth, Config, Key
from wirecopy.errors import Refusal


def write(file: Path, numbers: range) -> Path:
    file.write_text("".join(json.dumps({"id": f"a{n}", "text": f"Text {n}."}) + "\n" for n in numbers))
    return file


class Run:
    """What a push told while it ran."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self.progress: list[int] = []
        self.pauses: list[float] = []

    def push(self, *files: Path, url: str, **options: Any) -> pushing.PushSummary:
        options.setdefault("pause", self.pauses.append)
        return pushing.push(
            [str(file) for file in files],
            url=url,
            on_refusal=self.refusals.append,
            on_progress=self.progress.append,
            **options,
        )


def test_all_articles_of_all_files_arrive_in_order(service: Service, tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", range(3000))
    second = tmp_path / "b.csv"
    second.write_text("id,text\nb1,Text b1\nb2,Text b2\n")
    run = Run()
    summary = run.push(first, second, url=service.url)
    assert list(service.detector.articles) == [*(f"a{n}" for n in range(3000)), "b1", "b2"]
    assert (summary.new, summary.replayed, summary.refused) == (3002, 0, 0)
    assert run.progress[-1] == 3002
    assert re.fullmatch(r"3,002 articles: 3,002 new, 0 revised, 0 known, 0 refused; [\d,]+ articles/s", str(summary))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.csv"]
    lines = [line["lines"] for line in service.log()]
    assert max(lines) <= 2000


def test_the_same_again_does_no_harm(service: Service, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", range(100))
    Run().push(file, url=service.url)
    assert Run().push(file, url=service.url).replayed == 100


def test_refused_lines_are_told_by_place_whoever_refuses_them(run_service: RunService, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"id": "a1", "text": "x"}\n{\n\n{"id": "..", "text": "x"}\n{"id": "a2", "text": "x"}\n')
    run = Run()
    summary = run.push(file, url=run_service().url)
    assert (summary.new, summary.refused) == (2, 2)
    assert [(refusal.file, refusal.line) for refusal in run.refusals] == [(str(file), 2), (str(file), 4)]
    assert "id must not be" in run.refusals[1].reason


class Flaky(ExactDetector):
    """Slow enough for the service to be stopped while it works; `limit` is the number of articles it takes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def ingest(self, articles: Any, *arguments: Any, **options: Any) -> Any:
        if len(self.articles) + len(articles) > self.limit:
            raise errors.StorageFailed("no space left on device")
        return super().ingest(articles, *arguments, **options)


def test_what_was_stopped_goes_on_where_it_was(run_service: RunService, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", range(9000))
    broken = run_service(detector=Flaky(5000))
    with pytest.raises(errors.ServiceError):
        Run().push(file, url=broken.url, give_up_after=0.0)
    state = json.loads((tmp_path / "a.jsonl.push").read_text())
    assert state["to"] == broken.url
    assert state["files"][str(file)]["line"] == 4000  # whole chunks
    text = (tmp_path / "a.jsonl.push").read_text()
    working = run_service()
    (tmp_path / "a.jsonl.push").write_text(text.replace(broken.url, working.url))
    run = Run()
    assert run.push(file, url=working.url).new == 5000
    assert list(working.detector.articles) == [f"a{n}" for n in range(4000, 9000)]
    assert not (tmp_path / "a.jsonl.push").exists()


@pytest.mark.parametrize("change", ["other service", "other beginning", "restart"])
def test_a_state_that_does_not_hold_any_more_is_not_used(service: Service, tmp_path: Path, change: str) -> None:
    file = write(tmp_path / "a.jsonl", range(10))
    head = pushing._read_head(str(file))
    done = {"line": 5, "head_bytes": head[0], "head": "0" * 64 if change == "other beginning" else head[1]}
    to = "http://elsewhere" if change == "other service" else service.url
    state = tmp_path / "state"
    state.write_text(json.dumps({"to": to, "files": {str(file): done}}))
    assert Run().push(file, url=service.url, state_file=state, restart=change == "restart").new == 10


def test_a_file_that_has_grown_goes_on_where_it_was(service: Service, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", range(10))
    head = pushing._read_head(str(file))
    state = tmp_path / "state"
    done = {"line": 10, "head_bytes": head[0], "head": head[1]}
    state.write_text(json.dumps({"to": service.url, "files": {str(file): done}}))
    write(file, range(15))
    assert Run().push(file, url=service.url, state_file=state).new == 5


def test_a_state_that_cannot_be_read_is_named(service: Service, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", range(10))
    (tmp_path / "a.jsonl.push").write_text("{")
    with pytest.raises(errors.InputFailed, match=r"a\.jsonl\.push.*--restart does without it"):
        Run().push(file, url=service.url)


class Answering:
    """A bare server that gives canned answers, one per request, then passes on to nothing."""

    def __init__(self, *answers: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.bodies: list[bytes] = []
        self.thread = threading.Thread(target=self._run, args=(answers,))
        self.thread.start()

    def _run(self, answers: tuple[bytes, ...]) -> None:
        for answer in answers:
            connection, _ = self.server.accept()
            with connection, connection.makefile("rb") as reader:
                size = 0
                while (line := reader.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        size = int(line.split(b":")[1])
                self.bodies.append(reader.read(size))
                connection.sendall(answer)

    def close(self) -> None:
        self.thread.join(20)
        self.server.close()


def canned(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def verdict_line(line: int, article_id: str) -> bytes:
    verdict = {"id": article_id, "revision": 1, "story": article_id, "canonical": True}
    verdict |= {"relation": None, "match": None, "score": None, "matches": [], "candidates": 0, "truncated": False}
    return json.dumps({"line": line, "status": 201, "id": article_id, "verdict": verdict}).encode() + b"\n"


STOPPING = json.dumps(
    {
        "line": 3,
        "status": 503,
        "id": None,
        "problem": {"type": "/docs#x", "title": "Not ready", "status": 503, "detail": ""},
    }
).encode()


@pytest.fixture
def answering() -> Iterator[list[Answering]]:
    servers: list[Answering] = []
    yield servers
    for server in servers:
        server.close()


def test_a_busy_service_is_waited_for_as_long_as_it_asks(tmp_path: Path, answering: list[Answering]) -> None:
    file = write(tmp_path / "a.jsonl", range(4))
    problem = json.dumps({"type": "/docs#overloaded", "title": "Overloaded", "status": 503, "detail": "busy"}).encode()
    server = Answering(
        canned("503 Service Unavailable", problem, "Retry-After: 7"),
        canned("429 Too Many Requests", problem.replace(b"503", b"429"), "Retry-After: 9"),
        canned("502 Bad Gateway", b"<html>"),
        b"",  # a broken connection
        canned("200 OK", verdict_line(1, "a0") + verdict_line(2, "a1") + STOPPING + b"\n"),
        canned("200 OK", verdict_line(1, "a2")),  # cut short
        canned("200 OK", verdict_line(1, "a3")),
    )
    answering.append(server)
    run = Run()
    assert run.push(file, url=server.url).new == 4
    assert run.pauses[0] == 7
    assert run.pauses[1] == 9
    assert 1.0 <= run.pauses[2] <= 2.0
    assert 2.0 <= run.pauses[3] <= 4.0
    assert 0.25 <= run.pauses[4] <= 0.5  # progress was made: patience begins anew
    assert len(run.pauses) == 6
    assert [body.count(b"\n") for body in server.bodies] == [4, 4, 4, 4, 4, 2, 1]


def test_what_trying_again_cannot_mend_fails_at_once(tmp_path: Path, run_service: RunService) -> None:
    service = run_service(Config(auth=Auth([Key("desk", "ab" * 32)])))
    run = Run()
    with pytest.raises(errors.ServiceRefused, match="401 Not authorized"):
        run.push(write(tmp_path / "a.jsonl", range(4)), url=service.url, key="wrong")
    assert run.pauses == []


def test_the_command_pushes_and_sums_up(service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"id": "a1", "text": "x"}\n{"id": "a2"}\n'))
    assert main(["push", str(file), "--to", service.url]) == 1
    refusal, summary = capsys.readouterr().err.splitlines()
    assert refusal == f"{file}:2: text is missing"
    assert summary.startswith("1 articles: 1 new, 0 revised, 0 known, 1 refused; ")
    assert main(["push", str(write(tmp_path / "b.jsonl", range(3))), "--to", service.url]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["FILE"], 2, "Missing option '--to'"),
        (["absent.jsonl", "--to", "URL"], 3, "cannot read absent.jsonl"),
        (["FILE", "--to", "http://127.0.0.1:1", "--give-up-after", "0"], 3, "cannot reach http://127.0.0.1:1"),
    ],
)
def test_a_foreseeable_failure_is_one_sentence_and_an_exit_code(
    arguments: list[str],
    code: int,
    sentence: str,
    service: Service,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {"FILE": str(write(tmp_path / "a.jsonl", range(3))), "URL": service.url}
    assert main(["push", *(names.get(argument, argument) for argument in arguments)]) == code
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "Traceback" not in printed.err
