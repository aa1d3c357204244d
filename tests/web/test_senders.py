"""Real senders that look at nothing but the status lose nothing when the service is stopped or killed."""

import json
import shutil
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.exact_detector import wait_until
from tests.web.test_kill import Serving

SIGNALS = [signal.SIGTERM, signal.SIGKILL] * 10
CHUNK = 400
SYSLOG_NG = shutil.which("syslog-ng")
CURL = shutil.which("curl")


def article(name: str) -> bytes:
    words = [f"{name}word{k}" for k in range(40)]
    return json.dumps({"id": name, "text": " ".join(words)}).encode() + b"\n"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class StatusOnly:
    """Sends chunk after chunk; whatever is not 200 is sent again, whatever was answered is not read."""

    def __init__(self, port: int) -> None:
        self.sent: list[str] = []  # ids whose chunk was answered 200
        self.tries = 0
        self.is_over = threading.Event()
        self._url = f"http://127.0.0.1:{port}/v1/bulk"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        self.is_over.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        number = 0
        while not self.is_over.is_set():
            names = [f"a{k}" for k in range(number, number + CHUNK)]
            body = b"".join(map(article, names))
            while not self._is_taken(opener, body):
                if self.is_over.wait(0.05):
                    return
            self.sent += names
            number += CHUNK

    def _is_taken(self, opener: urllib.request.OpenerDirector, body: bytes) -> bool:
        self.tries += 1
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/x-ndjson"})
        try:
            with opener.open(request, timeout=30) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def kept_of(url: str, names: Iterator[str] | list[str]) -> set[str]:
    """Those of the names under which the service keeps an article."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False) as client:
        return {name for name in names if client.get(f"/v1/articles/{name}").status_code == 200}


def test_ten_stops_and_ten_kills_cost_a_status_only_sender_nothing(tmp_path: Path) -> None:
    port = free_port()
    sender = StatusOnly(port)
    try:
        for number in SIGNALS:
            service = Serving(tmp_path / "data", "--port", str(port))
            before = len(sender.sent)
            wait_until(lambda before=before: len(sender.sent) >= before + CHUNK, 60)  # type: ignore[misc]
            assert service.end(number) in (0, -signal.SIGKILL)
    finally:
        sender.finish()
    assert sender.tries > len(sender.sent) // CHUNK + len(SIGNALS) // 2  # it was interrupted indeed
    service = Serving(tmp_path / "data", "--port", str(port))
    try:
        assert kept_of(service.url, sender.sent) == set(sender.sent)
    finally:
        assert service.end(signal.SIGTERM) == 0


@contextmanager
def syslog_ng(folder: Path, source: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Reads lines of a file and sends them to the bulk route, with flow control and retries."""
    settings = folder / "syslog-ng.conf"
    settings.write_text(f"""@version: 3.38
options {{ stats-freq(0); }};
source s_file {{ file("{source}" flags(no-parse) follow-freq(0.1)); }};
destination d_wire {{
  http(url("http://127.0.0.1:{port}/v1/bulk") method("POST") headers("Content-Type: application/x-ndjson")
    body("$MSG") batch-lines({CHUNK}) batch-timeout(500) workers(1) retries(1000) time-reopen(1) timeout(30));
}};
log {{ source(s_file); destination(d_wire); flags(flow-control); }};
""")
    options = ["-F", "--no-caps", "-f", str(settings), "-R", str(folder / "persist"), "-p", str(folder / "pid")]
    with (folder / "syslog-ng.log").open("wb") as log:
        process = subprocess.Popen(
            [str(SYSLOG_NG), *options, "-c", str(folder / "control"), "--stderr"], stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.skipif(
    SYSLOG_NG is None, reason="syslog-ng is not installed (apt-get install syslog-ng-core syslog-ng-mod-http)"
)
def test_syslog_ng_loses_nothing_when_the_service_is_stopped_and_killed(tmp_path: Path) -> None:
    port, names = free_port(), [f"s{k}" for k in range(8000)]
    source = tmp_path / "articles.log"
    source.write_bytes(b"".join(map(article, names)))
    service = Serving(tmp_path / "data", "--port", str(port))
    with syslog_ng(tmp_path, source, port):
        for number in (signal.SIGTERM, signal.SIGKILL):
            taken = newest_of(service.url)
            wait_until(lambda taken=taken, url=service.url: newest_of(url) > taken, 60)  # type: ignore[misc]
            service.end(number)
            service = Serving(tmp_path / "data", "--port", str(port))
        wait_until(lambda: kept_of(service.url, names[-1:]), 120)
        kept = kept_of(service.url, names)
    assert service.end(signal.SIGTERM) == 0
    assert kept == set(names), (tmp_path / "syslog-ng.log").read_text()[-2000:]


def newest_of(url: str) -> int:
    """How many articles the service has taken since it started."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False) as client:
        for line in client.get("/metrics").text.splitlines():
            if line.startswith("wirecopy_bulk_lines_total"):
                return int(float(line.rpartition(" ")[2]))
    return 0


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_curl_fails_for_every_body_that_was_not_taken_whole(tmp_path: Path) -> None:
    body = tmp_path / "articles.ndjson"
    body.write_bytes(b"".join(article(f"c{k}") for k in range(500)))
    service = Serving(tmp_path / "data")

    def curl(*options: str, path: str = "/v1/bulk") -> subprocess.CompletedProcess[Any]:
        command = [str(CURL), "--noproxy", "*", "-sS", "--fail", "-D", "-", "-o", str(tmp_path / "answers"), *options]
        return subprocess.run(
            [*command, f"{service.url}{path}"], capture_output=True, text=True, check=False, timeout=60
        )

    lines = ("-H", "Content-Type: application/x-ndjson")
    taken = curl(*lines, "--data-binary", f"@{body}")
    assert (taken.returncode, "Wirecopy-Taken: 500" in taken.stdout) == (0, True)
    assert len((tmp_path / "answers").read_bytes().splitlines()) == 500
    again = curl(*lines, "-T", str(body), "-X", "POST")  # asks for 100-continue, sends in chunks
    assert (again.returncode, "Wirecopy-Replayed: 500" in again.stdout) == (0, True)
    assert curl(*lines, "-H", "Content-Encoding: gzip", "--data-binary", f"@{body}").returncode == 22
    assert curl("--data-binary", f"@{body}").returncode == 22  # as a form: refused, 415
    assert service.end(signal.SIGTERM) == 0
