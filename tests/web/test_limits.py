"""What clients may cost: time, connections, memory, rate; and who may use the service at all."""

import hashlib
import selectors
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service, wait_until
from wirecopy.config import Auth, Config, Key, Web
from wirecopy.config import Service as ServiceSettings
from wirecopy.web.http.access import Bucket, is_loopback
from wirecopy.web.http.problems import TooManyRequests

JSON = {"Content-Type": "application/json"}
HEAD = b"PUT /v1/articles/slow HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=20)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


def trickle(service: Service, count: int, what: bytes, good: httpx.Client) -> tuple[float, list[float]]:
    """Open `count` connections that send `what` a byte at a time, until all are cut.

    Return the seconds that took, and those of the good client's requests meanwhile.
    """
    selector = selectors.DefaultSelector()
    sent: dict[socket.socket, int] = {}
    for _ in range(count):
        connection = connect(service)
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
        sent[connection] = 0
    started = time.monotonic()
    good_seconds: list[float] = []
    while sent and time.monotonic() - started < 30:
        for connection in sent:
            try:
                sent[connection] += connection.send(what[sent[connection] : sent[connection] + 1])
            except OSError:
                continue  # cut: the selector tells
        for key, _ in selector.select(0.02):
            connection = key.fileobj  # type: ignore[assignment]
            try:
                is_over = not connection.recv(65536)
            except ConnectionResetError:
                is_over = True
            if is_over:
                selector.unregister(connection)
                connection.close()
                del sent[connection]
        asked = time.monotonic()
        assert good.put(f"/v1/articles/{len(good_seconds)}", json={"text": "x"}).status_code == 201
        good_seconds.append(time.monotonic() - asked)
    selector.close()
    assert not sent, f"{len(sent)} slow clients were not cut"
    return time.monotonic() - started, good_seconds


@pytest.mark.parametrize(
    "what", [b"GET /livez HTTP/1.1\r\nX-Slow: " + b"y" * 5000, HEAD + b"{" * 99], ids=["head", "body"]
)
def test_500_slow_clients_are_cut_and_do_not_hold_up_a_good_one(run_service: RunService, what: bytes) -> None:
    service = run_service(Config(web=Web(header_timeout_seconds=1.5, body_timeout_seconds=1.0)))
    with service.client() as good:
        seconds, good_seconds = trickle(service, 500, what, good)
    assert seconds < 15
    assert len(good_seconds) > 10
    assert sorted(good_seconds)[len(good_seconds) // 2] < 0.5
    wait_until(lambda: service.app.connections <= 1)


def test_a_head_that_does_not_arrive_is_answered_with_408(run_service: RunService) -> None:
    service = run_service(Config(web=Web(header_timeout_seconds=0.1)))
    for part in [b"", b"GET /livez HTTP/1.1\r\nHost"]:
        with connect(service) as connection:
            connection.sendall(part)
            assert read_to_end(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_the_next_head_on_a_connection_is_watched_too(run_service: RunService) -> None:
    service = run_service(Config(web=Web(header_timeout_seconds=0.2)))
    with connect(service) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        connection.sendall(b"GET /li")
        assert read_to_end(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_an_idle_connection_between_requests_is_not_cut_by_the_head_timeout(run_service: RunService) -> None:
    service = run_service(Config(web=Web(header_timeout_seconds=0.1, keepalive_timeout_seconds=0.6)))
    with connect(service) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        started = time.monotonic()
        assert read_to_end(connection).count(b"HTTP/1.1") == 1
        assert time.monotonic() - started > 0.4


def test_a_body_that_does_not_arrive_is_408(run_service: RunService) -> None:
    service = run_service(Config(web=Web(body_timeout_seconds=0.1)))
    with connect(service) as connection:
        connection.sendall(HEAD + b"{")
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_slow_body_that_keeps_the_least_rate_is_read(run_service: RunService) -> None:
    service = run_service(Config(web=Web(body_timeout_seconds=0.3, min_body_bytes_per_second=10)))
    body = b'{"text": "' + b"x" * 88 + b'"}'
    with connect(service) as connection, selectors.DefaultSelector() as clock:
        connection.sendall(HEAD)
        for start in range(0, 100, 10):  # 10 bytes buy a second, and are sent every 60 ms
            connection.sendall(body[start : start + 10])
            clock.select(0.06)
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 Created\r\n")


def test_a_client_that_takes_no_answers_is_cut(run_service: RunService) -> None:
    service = run_service(Config(web=Web(write_timeout_seconds=0.2)))
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", service.port))
        try:
            for _ in range(5000):
                connection.sendall(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        except OSError:
            pass  # cut while it was still sending
        wait_until(lambda: service.app.connections == 0)


def test_connections_over_the_limit_are_answered_with_503(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_connections=3)))
    held = [connect(service) for _ in range(3)]
    wait_until(lambda: service.app.connections == 3)
    with connect(service) as one_more:
        answer = read_to_end(one_more)
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"Retry-After: 1\r\n" in answer
    for connection in held:
        connection.close()
    wait_until(lambda: service.app.connections == 0)
    with service.client() as client:
        assert client.get("/livez").status_code == 200


def test_overload_is_503_with_retry_after_at_once_and_counted(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(Config(service=ServiceSettings(max_waiting_articles=5)), detector=detector)
    detector.gate.clear()
    with service.client() as client, ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(client.put, f"/v1/articles/{n}", json={"text": "x"}) for n in range(5)]
        wait_until(lambda: service.app.owner.waiting_singles == 5)
        refused = client.put("/v1/articles/more", json={"text": "x"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert refused.json()["type"] == "/docs#overloaded"
        detector.gate.set()
        assert {answer.result().status_code for answer in waiting} == {201}
        assert client.put("/v1/articles/more", json={"text": "x"}).status_code == 201
        assert 'wirecopy_refused_total{problem="overloaded"} 1.0' in client.get("/metrics").text


def test_long_bodies_are_held_within_a_budget(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_held_bytes=300_000)))
    head = HEAD.replace(b"100", b"200000")
    with connect(service) as first, service.client() as client:
        first.sendall(head + b"{")
        wait_until(lambda: service.app.budget.used == 200_000)
        body = b'{"text": "' + b"x" * 200_000 + b'"}'
        refused = client.put("/v1/articles/b", content=body, headers=JSON)
        assert (refused.status_code, refused.json()["type"]) == (503, "/docs#overloaded")
        assert client.put("/v1/articles/c", json={"text": "short"}).status_code == 201
        first.close()
        wait_until(lambda: service.app.budget.used == 0)
        assert client.put("/v1/articles/b", content=body, headers=JSON).status_code == 201
        assert service.app.budget.used == 0


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def guarded(run_service: RunService) -> Service:
    return run_service(Config(auth=Auth([Key("desk", digest("secret")), Key("wire", digest("sécret"))])))


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer secret x"])
def test_without_a_known_key_the_answer_is_401(guarded: Service, header: str | None) -> None:
    with guarded.client() as client:
        headers = {} if header is None else {"Authorization": header}
        for method, path in [
            ("GET", "/v1/stories"),
            ("PUT", "/v1/articles/a"),
            ("POST", "/v1/bulk"),
            ("GET", "/metrics"),
        ]:
            answer = client.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wirecopy"'


def test_a_known_key_is_served_and_named_in_the_log(guarded: Service) -> None:
    with guarded.client() as client:
        for key in ["secret", "sécret"]:
            header = {b"Authorization": f"bearer {key}".encode()}
            assert client.get("/v1/stories", headers=header).status_code == 200
        for path in ["/livez", "/readyz", "/openapi.json", "/docs"]:
            assert client.get(path).status_code == 200
    assert [line.get("client") for line in guarded.log()][:2] == ["desk", "wire"]
    assert "secret" not in str(guarded.log())


def test_a_key_that_used_up_its_rate_gets_429_and_others_do_not(run_service: RunService) -> None:
    auth = Auth([Key("desk", digest("a")), Key("wire", digest("b"))], rate_limit_per_second=0.01, rate_limit_burst=2)
    service = run_service(Config(auth=auth))
    with service.client() as client:
        statuses = [client.get("/v1/stories", headers={"Authorization": "Bearer a"}).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = client.get("/v1/stories", headers={"Authorization": "Bearer a"})
        assert 90 <= int(refused.headers["Retry-After"]) <= 101
        assert client.get("/v1/stories", headers={"Authorization": "Bearer b"}).status_code == 200


def test_a_bucket_fills_at_its_rate_up_to_its_burst() -> None:
    now = 0.0
    bucket = Bucket(10.0, 3, lambda: now)
    for _ in range(3):
        bucket.take()
    with pytest.raises(TooManyRequests):
        bucket.take()
    now = 0.1
    bucket.take()
    now = 100.0
    for _ in range(3):
        bucket.take()
    with pytest.raises(TooManyRequests):
        bucket.take()
    assert bucket.take_many(20) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *(("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("example.org", False), ("", False)),
    ],
)
def test_loopback_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
