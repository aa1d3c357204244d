"""Who gets in: for which names the service answers, how many connections one may hold, who half-closes."""

import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import hostile
from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service, wait_until
from wirecopy.config import Config, Web
from wirecopy.config import Service as ServiceSettings
from wirecopy.web.crowding import Crowding

REQUEST = b"GET /v1/stories HTTP/1.1\r\n%b\r\n"


def ask(service: Service, request: bytes) -> bytes:
    with hostile.connect(service.port) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def status(answer: bytes) -> int:
    return int(answer.split()[1])


OURS = ["127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:1", "localhost.", "[::1]:9", "News.example."]
OTHERS = ["evil.example", "evil.example:80", "192.0.2.7", "127.0.0.1.evil.example", "[::1", "[::1]x", "a[::1]", ""]


@pytest.mark.parametrize("host", [*OURS, *OTHERS])
def test_only_the_address_listened_on_localhost_and_listed_names_are_served(run_service: RunService, host: str) -> None:
    service = run_service(Config(web=Web(hosts=["news.example"])))
    answer = ask(service, REQUEST % f"Host: {host}\r\n".encode())
    assert status(answer) == (200 if host in OURS else 421)
    assert host in OURS or b"/docs#wrong-host" in answer


def test_a_page_that_came_by_another_name_can_neither_write_nor_delete_nor_compact(run_service: RunService) -> None:
    service = run_service()
    same_origin = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
    with service.client() as client:
        assert client.put("/v1/articles/a", json={"text": "x"}).status_code == 201
        for method, path in [
            ("PUT", "/v1/articles/b"),
            ("GET", "/v1/articles/a"),
            ("DELETE", "/v1/articles/a"),
            ("POST", "/v1/admin/compact"),
            ("GET", "/"),
            ("GET", "/metrics"),
            ("GET", "/livez"),
        ]:
            assert client.request(method, path, json={"text": "x"}, headers=same_origin).status_code == 421
        assert client.get("/v1/articles/a").status_code == 200
        assert client.get("/v1/articles/b").status_code == 404


def test_where_all_addresses_are_listened_on_each_is_served_and_names_are_not(run_service: RunService) -> None:
    service = run_service(Config(service=ServiceSettings(host="0.0.0.0")))
    for host, expected in [("192.0.2.7", 200), ("[2001:db8::1]:80", 200), ("evil.example", 421)]:
        assert status(ask(service, REQUEST % f"Host: {host}\r\n".encode())) == expected


def test_every_name_is_served_where_a_star_is_listed(run_service: RunService) -> None:
    service = run_service(Config(web=Web(hosts=["*"])))
    assert status(ask(service, REQUEST % b"Host: any.example\r\n")) == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://localhost/v1/stories HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://evil.example/v1/stories HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/stories\r\n\r\n",
        b"GET /v1/stories HTTP/0.9\r\n\r\n",
        b"GET /v1/stories HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"GET /v1/stories HTTP/1.1\r\n\r\n",
        b"GET /v1/stories HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    ],
)
def test_what_is_no_plain_request_to_this_service_is_refused(service: Service, request_: bytes) -> None:
    answer = ask(service, request_)
    assert not answer or status(answer) == 400


def test_a_request_in_http_1_0_needs_no_host(service: Service) -> None:
    assert status(ask(service, b"GET /v1/stories HTTP/1.0\r\n\r\n")) == 200


def test_a_client_that_half_closes_behind_whole_requests_gets_its_answers(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(detector=detector)
    detector.gate.clear()
    with hostile.connect(service.port) as connection:
        put = hostile.put("half", 200, 198) + b'"}'
        connection.sendall(put + hostile.get("/v1/stories"))
        connection.shutdown(socket.SHUT_WR)
        wait_until(lambda: service.app.owner.waiting_singles == 1)
        detector.gate.set()
        received = read_to_end(connection)
    assert received.startswith(b"HTTP/1.1 201")
    assert received.count(b"HTTP/1.1 200") == 1
    wait_until(lambda: service.app.connections == 0)


def test_a_client_that_half_closes_within_a_request_is_done(service: Service) -> None:
    for part in (hostile.put("half", 200, 100), b"GET /v1/sto", b""):
        assert not ask(service, part).startswith(b"HTTP/1.1 2")
    wait_until(lambda: service.app.connections == 0)


def test_connections_that_only_stand_there_make_room_for_others(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_connections=50, header_timeout_seconds=60.0)))
    held = [hostile.connect(service.port) for _ in range(50)]
    held[0].sendall(b"GET /livez HTTP/1.1\r\nHo")  # half a head is no request
    wait_until(lambda: service.app.connections == 50)
    before = time.monotonic()
    wait_until(lambda: time.monotonic() > before + 1.1)
    for _ in range(20):
        assert status(ask(service, hostile.get("/v1/stories"))) == 200
    for connection in held:
        connection.close()


def test_one_address_cannot_hold_all_connections(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_connections=20, max_connections_per_address=10)))
    held = [hostile.connect(service.port) for _ in range(11)]
    assert held[10].recv(65536).startswith(b"HTTP/1.1 503")
    elsewhere = socket.create_connection(("127.0.0.1", service.port), source_address=("127.0.0.2", 0), timeout=10)
    elsewhere.sendall(hostile.get("/v1/stories"))
    assert elsewhere.recv(65536).startswith(b"HTTP/1.1 200")
    for connection in [*held, elsewhere]:
        connection.close()
    wait_until(lambda: service.app.connections == 0)


class Guest:
    def __init__(self, address: str, idle_since: float | None) -> None:
        self.address = address
        self.idle_since = idle_since
        self.is_out = False

    def make_room(self) -> None:
        self.is_out = True


def test_room_is_made_by_the_longest_idle_of_the_address_that_holds_most() -> None:
    crowding = Crowding(6, 4)
    busy = [Guest("many", None) for _ in range(2)]
    idle = [Guest("many", 5.0), Guest("many", 1.0)]
    few = [Guest("few", 0.5), Guest("few", None)]
    assert all(crowding.enter(guest) for guest in [*busy, *idle, *few])
    assert crowding.enter(Guest("new", None))
    assert idle[1].is_out, "longest without a request, of those who hold most"
    assert crowding.enter(Guest("new", None))
    assert idle[0].is_out
    assert crowding.enter(Guest("other", None)), "then of the others"
    assert few[0].is_out
    assert not crowding.enter(Guest("another", None))
    assert crowding.count == 6
    for guest in [*busy, *idle, *few]:
        crowding.leave(guest)
    assert crowding.count == 3


def serve_with_files(tmp_path: Path, files: int) -> tuple["subprocess.Popen[str]", Path]:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    command = [sys.executable, "-m", "wirecopy", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    log = tmp_path / "log"
    with log.open("wb") as stream:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stream, text=True, preexec_fn=lower), log


def test_fewer_descriptors_mean_fewer_connections_and_a_short_log(tmp_path: Path) -> None:
    process, log = serve_with_files(tmp_path, 70)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().split()[3].rpartition(":")[2])
        assert b"max_connections=30" in log.read_bytes()
        crowd = [hostile.connect(port) for _ in range(120)]
        before = time.monotonic()
        wait_until(lambda: time.monotonic() > before + 3)
        for connection in crowd:
            connection.close()
        with hostile.connect(port) as one:
            one.sendall(hostile.get("/livez"))
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
        assert log.stat().st_size < 100_000
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_too_few_descriptors_are_told(tmp_path: Path) -> None:
    process, log = serve_with_files(tmp_path, 40)
    process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"only 40 files may be open" in log.read_bytes()
    assert os.path.getsize(log) < 1000
