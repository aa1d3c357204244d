"""The life of the service: start, load, serve, drain, stop; and its log, metrics and command."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service, wait_until
from wirecopy import errors
from wirecopy.cli.commands import main

ROOT = Path(__file__).parent.parent.parent

# A service in a process of its own, with ExactDetector inside. Commits wait while the file `hold` exists.
PROGRAM = """
import os, sys, threading
from pathlib import Path
from tests.exact_detector import ExactDetector
from wirecopy import errors
from wirecopy.cli import service as serving
from wirecopy.cli.commands import main

folder = Path(sys.argv[1])

class Detector(ExactDetector):
    def ingest(self, *arguments, **options):
        while (folder / "hold").exists():
            threading.Event().wait(0.01)
        if (folder / "full").exists():
            raise errors.StorageFailed("no space left on device")
        return super().ingest(*arguments, **options)

    def close(self):
        (folder / "closed").touch()

def open_detector(config, accept_loss, loading):
    if (folder / "damaged").exists():
        raise errors.Damaged("wirecopy.db", "record 7 is not as written")
    return Detector()

serving._open_detector = open_detector
sys.exit(main(["serve", "--port", "0", *sys.argv[2:]]))
"""


class Process:
    """A running `wirecopy serve`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), *options],
            cwd=folder,  # its data is in ./data
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'service'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed: list[str] = []
        self.logged: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self.printed.extend, args=(self.process.stdout,)),
            threading.Thread(target=self.logged.extend, args=(self.process.stderr,)),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def url(self) -> str:
        wait_until(lambda: self.printed or self.process.poll() is not None)
        found = re.search(r"listens on (http://\S+)", "".join(self.printed))
        assert found, "".join(self.logged)
        return found[1]

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        code = self.process.wait(30)
        for reader in self._readers:
            reader.join(30)
        return code


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Process]:
    service = Process(folder, *options)
    try:
        yield service
    finally:
        service.process.kill()
        service.wait()
        for stream in (service.process.stdout, service.process.stderr):
            assert stream is not None
            stream.close()


def test_serve_prints_where_it_listens_and_a_request_that_works(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        url = service.url
        wait_until(lambda: len(service.printed) >= 4)
        assert service.printed[0].startswith(f"wirecopy listens on {url} with its data in data;")
        command = "".join(service.printed[1:]).strip()
        answer = subprocess.run(["sh", "-c", command], capture_output=True, timeout=30, check=True)
        assert json.loads(answer.stdout)["id"] == "wire-1"
        service.stop()
        assert service.wait() == 0
        assert (tmp_path / "closed").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_requests_under_way_refuses_new_ones_and_exits_0(tmp_path: Path, number: int) -> None:
    with running(tmp_path) as service, ThreadPoolExecutor(8) as pool:
        url = service.url
        with httpx.Client(base_url=url, timeout=20, trust_env=False, verify=False) as client:
            (tmp_path / "hold").touch()
            waiting = [pool.submit(client.put, f"/v1/articles/{n}", json={"text": "x"}) for n in range(8)]
            wait_until(lambda: count_connections(url) >= 8)
            assert httpx.get(f"{url}/livez", timeout=20, trust_env=False).status_code == 200  # they are accepted before
            service.stop(number)
            wait_until(lambda: any("event=stopping" in line for line in service.logged))
            with httpx.Client(base_url=url, timeout=20, trust_env=False, verify=False) as other:
                refused = other.put("/v1/articles/late", json={"text": "x"})
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
                assert refused.headers["Connection"] == "close"
                assert other.get("/readyz").status_code == 503
                assert other.get("/livez").status_code == 200
            (tmp_path / "hold").unlink()
            assert [future.result().status_code for future in waiting] == [201] * 8
        assert service.wait() == 0
        assert (tmp_path / "closed").exists()


def count_connections(url: str) -> int:
    """How many connections to `url` are established, as the system has it."""
    port = f":{int(url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] == "01" for row in rows)


def test_draining_ends_after_its_timeout(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("service: {drain_timeout_seconds: 0.2}")
    with running(tmp_path, "--config", str(settings)) as service:
        url = service.url
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=20) as connection:
            head = b"PUT /v1/articles/a HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\nContent-Length: 99"
            connection.sendall(head + b"\r\n\r\n{")
            wait_until(lambda: count_connections(url) >= 1)
            service.stop()
            assert service.wait() == 0


def test_a_failing_disk_ends_the_process_with_a_reason_and_without_an_acknowledgement(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        url = service.url
        (tmp_path / "full").touch()
        answer = httpx.put(f"{url}/v1/articles/a", json={"text": "x"}, trust_env=False)
        assert answer.status_code == 503
        assert service.wait() == 3
        assert service.logged[-1] == "wirecopy: no space left on device\n"
        assert "Traceback" not in "".join(service.logged)


def test_a_damaged_store_is_refused_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "damaged").touch()
    with running(tmp_path) as service:
        assert service.wait() == 3
        assert service.printed == []
        assert service.logged[-1] == "wirecopy: wirecopy.db is damaged (record 7 is not as written): restore a backup\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "refusing to listen on 0.0.0.0 without keys"),
        (["--port", "70000"], "command line: service.port: Expected `int` <= 65535"),
        (["--config", "absent.yaml"], "absent.yaml: cannot be read"),
        (["--config", "twice.yaml"], "auth.keys: two clients have the same name or the same key"),
        (["--config", "bad.yaml"], "bad.yaml: auth.keys[0].sha256: Expected `str` matching regex"),
        (["--host", "192.0.2.1", "--allow-anonymous"], "cannot listen on 192.0.2.1:8080"),
    ],
)
def test_what_cannot_be_served_is_refused_at_once(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("wirecopy.cli.service._open_detector", lambda config, accept_loss, loading: ExactDetector())
    key = "sha256: " + "ab" * 32
    Path("twice.yaml").write_text(f"auth: {{keys: [{{name: a, {key}}}, {{name: b, {key}}}]}}")
    Path("bad.yaml").write_text("auth: {keys: [{name: a, sha256: secret}]}")
    assert main(["serve", *arguments]) == 2
    assert sentence in capfd.readouterr().err


def test_a_taken_port_is_named(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wirecopy.cli.service._open_detector", lambda config, accept_loss, loading: ExactDetector())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1:{port}: address already in use" in capfd.readouterr().err.lower()


def test_while_loading_the_service_is_live_and_not_ready(run_service: RunService) -> None:
    loading = threading.Event()

    def open_detector() -> ExactDetector:
        assert loading.wait(30)
        return ExactDetector()

    service = run_service(open_detector=open_detector)
    with service.client() as client:
        assert client.get("/livez").json() == {"status": "live"}
        for path in ["/readyz", "/v1/stories"]:
            answer = client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (503, "/docs#not-ready")
            assert "loading" in answer.json()["detail"]
        assert "wirecopy_ready 0.0" in client.get("/metrics").text
        loading.set()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/readyz").json() == {"status": "ready", "role": "writer", "warnings": []}
        assert "wirecopy_ready 1.0" in client.get("/metrics").text


def test_a_store_that_cannot_be_opened_leaves_the_service_not_ready(run_service: RunService) -> None:
    def open_detector() -> ExactDetector:
        raise errors.Locked("data is in use")

    service = run_service(open_detector=open_detector)
    wait_until(service.app.owner.ended.done)
    with service.client() as client:
        assert client.get("/readyz").status_code == 503
    assert isinstance(service.app.owner.ended.exception(), errors.Locked)


def test_the_log_has_one_line_per_request(service: Service) -> None:
    with service.client() as client:
        client.put("/v1/articles/a1", json={"text": "x"}, headers={"X-Request-Id": "r1"})
        client.get("/v1/articles/none")
        client.get("/v1/stories/a1?x=\u2028")
    first, second, third = service.log()
    assert first["event"] == "request"
    assert (first["request"], first["method"], first["path"]) == ("r1", "PUT", "/v1/articles/a1")
    assert (first["status"], first["id"], first["story"]) == (201, "a1", "a1")
    assert 0 < first["ms"] < 10_000
    assert (second["status"], second["problem"]) == (404, "unknown-article")
    assert third["story"] == "a1"


def test_no_line_of_the_text_log_can_be_forged(tmp_path: Path) -> None:
    with running(tmp_path, "--log-format", "text") as service:
        article_id = "a1\nevent=request status=200 \x1b[2J"
        httpx.post(f"{service.url}/v1/articles", json={"id": article_id, "text": "x"}, trust_env=False)
        service.stop()
        service.wait()
    [line] = [line for line in service.logged if "event=request" in line]
    assert r'id="a1\nevent=request status=200 \u001b[2J"' in line
    assert re.match(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z event=request ", line)


def test_the_json_log_has_one_object_per_line(tmp_path: Path) -> None:
    with running(tmp_path, "--log-format", "json") as service:
        httpx.get(f"{service.url}/livez", trust_env=False)
        service.stop()
        service.wait()
    assert [json.loads(line)["event"] for line in service.logged] == [
        *("listening", "ready", "request", "stopping", "stopped"),
    ]


def test_a_log_that_nobody_reads_does_not_stop_the_service(run_service: RunService, service: Service) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    service.app.log._descriptor = writer
    with service.client() as client:
        for number in range(1000):
            client.get(f"/v1/articles/{'x' * 150}{number}")
        os.close(reader)
        assert client.get("/livez").status_code == 200
    service.app.log._descriptor = service.log_file.fileno()
    os.close(writer)


def test_metrics_tell_requests_commits_queue_and_index(service: Service) -> None:
    with service.client() as client:
        for number in range(3):
            client.put(f"/v1/articles/{number}", json={"text": "same"})
        client.put("/v1/articles/0", json={"text": "same"})
        client.put("/v1/articles/0", json={"text": "other"})
        client.request("BREW", "/livez")
        client.get("/no/such/path")
        answer = client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    for line in [
        'wirecopy_requests_total{method="PUT",route="/v1/articles/{id}",status="201"} 3.0',
        'wirecopy_requests_total{method="PUT",route="/v1/articles/{id}",status="200"} 2.0',
        'wirecopy_requests_total{method="GET",route="none",status="404"} 1.0',
        'wirecopy_refused_total{problem="no-such-path"} 1.0',
        'wirecopy_request_seconds_count{route="/v1/articles/{id}"} 5.0',
        'wirecopy_articles_total{outcome="new"} 3.0',
        'wirecopy_articles_total{outcome="replayed"} 1.0',
        'wirecopy_articles_total{outcome="revised"} 1.0',
        "wirecopy_commit_seconds_count 5.0",
        "wirecopy_batch_articles_sum 5.0",
        "wirecopy_candidates_sum 3.0",
        "wirecopy_waiting_articles 0.0",
        "wirecopy_indexed_articles 3.0",
    ]:
        assert line in answer.text.splitlines(), line
    assert "process_resident_memory_bytes" in answer.text
