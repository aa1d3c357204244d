"""Everything that can go wrong with a request is a problem (RFC 9457) with the right status."""

import gzip
import json
import socket
from typing import Any

import httpx
import pytest
import zstandard

from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service
from wirecopy import errors
from wirecopy.config import Config, Intake, Limits, Web

JSON = {"Content-Type": "application/json"}


def request(service: Service, method: str, path: str, **options: Any) -> httpx.Response:
    with service.client() as client:
        return client.request(method, path, **options)


def expect_problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"/docs#{name}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    return problem


def test_a_path_that_does_not_exist_is_404(service: Service) -> None:
    for path in ["/v1", "/v1/", "/v1/articles/", "/v1/articles/a/b/c", "/v2/articles/a", "/docs/"]:
        expect_problem(request(service, "GET", path), 404, "no-such-path")


def test_an_id_with_a_bare_slash_is_404_with_a_hint(service: Service) -> None:
    problem = expect_problem(request(service, "PUT", "/v1/articles/a/b", json={"text": "x"}), 404, "no-such-path")
    assert "%2F" in problem["detail"]


def test_a_method_that_a_path_does_not_take_is_405_and_names_those_it_does(service: Service) -> None:
    for method, path, allowed in [
        ("PATCH", "/v1/articles/a", "PUT, GET, DELETE, HEAD"),
        ("GET", "/v1/bulk", "POST"),
        ("POST", "/livez", "GET, HEAD"),
        ("PATCH", "/docs", "GET, HEAD"),
        ("OPTIONS", "/v1/articles", "POST, GET, DELETE, HEAD"),
    ]:
        answer = request(service, method, path)
        expect_problem(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"] == allowed


def test_unknown_ids_are_404(service: Service) -> None:
    expect_problem(request(service, "GET", "/v1/articles/nobody"), 404, "unknown-article")
    expect_problem(request(service, "GET", "/v1/articles/nobody/matches"), 404, "unknown-article")
    expect_problem(request(service, "GET", "/v1/articles?id=nobody"), 404, "unknown-article")
    expect_problem(request(service, "GET", "/v1/stories/nobody"), 404, "unknown-story")


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b"", 400, "malformed-article"),
        (b"{", 400, "malformed-article"),
        (b'{"text": "\xff"}', 400, "malformed-article"),
        (b'{"text": "x", "y": ' + b"[" * 500 + b"]" * 500 + b"}", 400, "malformed-article"),
        (b"[" * 100_000, 400, "malformed-article"),
        (b"[]", 422, "invalid-article"),
        (b"null", 422, "invalid-article"),
        (b"{}", 422, "invalid-article"),
        (b'{"text": ""}', 422, "invalid-article"),
        (b'{"text": 3}', 422, "invalid-article"),
        (b'{"text": "x", "id": "b"}', 422, "invalid-article"),
        (b'{"text": "x", "id": 3}', 422, "invalid-article"),
        (b'{"text": "x", "id": ""}', 422, "invalid-article"),
    ],
)
def test_a_bad_body_is_400_when_malformed_and_422_when_invalid(
    service: Service, body: bytes, status: int, name: str
) -> None:
    expect_problem(request(service, "PUT", "/v1/articles/a", content=body, headers=JSON), status, name)
    assert service.detector.commits == []


def test_post_needs_an_id_in_the_body(service: Service) -> None:
    for path in ["/v1/articles", "/v1/check"]:
        for body in [{"text": "x"}, {"text": "x", "id": "."}, {"text": "x", "id": ".."}]:
            expect_problem(request(service, "POST", path, json=body), 422, "invalid-article")


def raw(service: Service, head: bytes, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are; return status, headers and body of the answer."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(head + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n" + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    start, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = start.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), content


@pytest.mark.parametrize(
    "path", ["/v1/articles/.", "/v1/articles/..", "/v1/articles/%2e", "/v1/articles/%2E.", "/v1/stories/.."]
)
def test_dots_are_no_ids(service: Service, path: str) -> None:
    status, _, body = raw(service, f"GET {path} HTTP/1.1".encode())
    assert (status, json.loads(body)["type"]) == (422, "/docs#invalid-parameter")


def test_an_id_that_is_not_utf8_is_400(service: Service) -> None:
    expect_problem(request(service, "GET", "/v1/articles/%ff"), 400, "malformed-request")
    expect_problem(request(service, "GET", "/v1/articles?id=%ff"), 400, "malformed-request")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "limit=1e3",
        "limit=501",
        "limit=٣",
        "min_size=0",
        "since=soon",
        "min-size=2",
        "limit=1&limit=2",
    ],
)
def test_a_bad_parameter_is_422(service: Service, query: str) -> None:
    expect_problem(request(service, "GET", f"/v1/stories?{query}"), 422, "invalid-parameter")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/articles/kept/matches"),
        ("GET", "/v1/articles/kept/revisions"),
        ("GET", "/v1/articles/kept/matches/other"),
        ("POST", "/v1/articles/kept/matches/other"),
        ("POST", "/v1/stories/s0/merge"),
        ("POST", "/v1/stories/s0/split"),
        ("GET", "/v1/pins"),
        ("POST", "/v1/pins"),
        ("DELETE", "/v1/pins/p1"),
        ("DELETE", "/v1/articles/kept"),  # nobody shall erase all revisions who meant one
    ],
)
def test_a_parameter_that_a_route_does_not_have_is_422(service: Service, method: str, path: str) -> None:
    with service.client() as client:
        assert client.put("/v1/articles/kept", json={"text": "what is kept stays as it is"}).status_code in (200, 201)
        expect_problem(request(service, method, f"{path}?revision=1"), 422, "invalid-parameter")
        assert client.get("/v1/articles/kept").status_code == 200


def test_the_query_needs_an_id(service: Service) -> None:
    for path in ["/v1/articles", "/v1/articles?id=", "/v1/articles?id=.."]:
        expect_problem(request(service, "GET", path), 422, "invalid-parameter")


def test_a_body_that_any_web_page_could_send_is_415(service: Service) -> None:
    for headers in [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}]:
        answer = request(service, "PUT", "/v1/articles/a", content=b'{"text": "x"}', headers=headers)
        expect_problem(answer, 415, "unsupported-type")
        assert answer.headers["Accept"] == "application/json, application/ninjs+json"
    expect_problem(request(service, "POST", "/v1/bulk", content=b""), 415, "unsupported-type")


def test_json_by_another_name_is_taken(service: Service) -> None:
    for media_type in ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"]:
        answer = request(
            service, "PUT", "/v1/articles/a", content=b'{"text": "x"}', headers={"Content-Type": media_type}
        )
        assert answer.status_code in (200, 201)


def test_compressed_bodies_are_taken(service: Service) -> None:
    plain = json.dumps({"text": "Compressed text."}).encode()
    for coding, body in [("gzip", gzip.compress(plain)), ("zstd", zstandard.compress(plain)), ("identity", plain)]:
        answer = request(service, "PUT", "/v1/articles/a", content=body, headers={**JSON, "Content-Encoding": coding})
        assert answer.status_code in (200, 201)


def test_an_unknown_or_damaged_coding_is_refused(service: Service) -> None:
    answer = request(service, "PUT", "/v1/articles/a", content=b"x", headers={**JSON, "Content-Encoding": "br"})
    expect_problem(answer, 415, "unsupported-type")
    assert answer.headers["Accept-Encoding"] == "gzip, zstd"
    for coding, body in [
        ("gzip", b"\x1f\x8bnot"),
        ("gzip", gzip.compress(b"{}")[:-3]),
        ("zstd", b"not"),
        ("zstd", zstandard.compress(b"{}" * 50)[:-3]),
    ]:
        answer = request(service, "PUT", "/v1/articles/a", content=body, headers={**JSON, "Content-Encoding": coding})
        expect_problem(answer, 400, "malformed-request")


def test_a_body_over_the_limit_is_413_declared_chunked_or_expanded(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_body_bytes=1000)))
    big = json.dumps({"text": "x" * 2000}).encode()
    expect_problem(request(service, "PUT", "/v1/articles/a", content=big, headers=JSON), 413, "too-large")
    expect_problem(request(service, "PUT", "/v1/articles/a", content=iter([big]), headers=JSON), 413, "too-large")
    packed = {**JSON, "Content-Encoding": "gzip"}
    expect_problem(
        request(service, "PUT", "/v1/articles/a", content=gzip.compress(big), headers=packed), 413, "too-large"
    )


def test_a_strict_service_refuses_an_article_for_a_field_that_cannot_be_read(run_service: RunService) -> None:
    service = run_service(Config(intake=Intake(strict=True)))
    for body in (b'{"text": "x", "published": "soon"}', b'{"text": "x", "title": 3}'):
        expect_problem(request(service, "PUT", "/v1/articles/a", content=body, headers=JSON), 422, "invalid-article")


def test_fields_over_their_limits_are_422(run_service: RunService) -> None:
    limits = Limits(max_text_bytes=100, max_field_bytes=20, max_id_bytes=10)
    service = run_service(Config(limits=limits, intake=Intake(strict=True)))
    for path, body in [
        ("/v1/articles/a", {"text": "x" * 101}),
        ("/v1/articles/a", {"text": "x", "title": "t" * 21}),
        ("/v1/articles/abcdefghijk", {"text": "x"}),
    ]:
        expect_problem(request(service, "PUT", path, json=body), 422, "invalid-article")


def test_only_100_continue_may_be_expected(service: Service) -> None:
    answer = request(service, "PUT", "/v1/articles/a", json={"text": "x"}, headers={"Expect": "tea"})
    expect_problem(answer, 417, "unknown-expectation")
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        head = b"PUT /v1/articles/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: 13\r\nConnection: close\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'{"text": "x"}')
        assert connection.recv(1000).startswith(b"HTTP/1.1 201 Created\r\n")


def test_a_client_of_http_1_0_gets_the_answer_alone_whatever_it_expects(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        head = b"PUT /v1/articles/old HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(head + b'Expect: 100-continue\r\nContent-Length: 13\r\n\r\n{"text": "x"}')
        assert b" 201 Created\r\n" in connection.recv(1000).split(b"\n", 1)[0] + b"\n"


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET",
        b"GET / HTTP/9.9",
        b"G\xffT / HTTP/1.1",
        b"GET /%zz\xff HTTP/1.1",
        b"GET / HTTP/1.1\r\nContent-Length: x",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000,
    ],
)
def test_bytes_that_are_no_http_are_answered_with_400(service: Service, head: bytes) -> None:
    status, headers, body = raw(service, head)
    assert status == 400
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["status"] == 400
    assert request(service, "GET", "/livez").status_code == 200


def test_a_broken_chunked_body_is_400(service: Service) -> None:
    head = b"PUT /v1/articles/a HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    status, _, body = raw(service, head, b"zz\r\nhello\r\n")
    assert status == 400
    assert json.loads(body)["status"] == 400


class BuggyDetector(ExactDetector):
    def article(self, id: str, wanted: int | None = None, keep: Any = None) -> Any:
        raise ZeroDivisionError("secret detail")


def test_a_bug_is_500_without_its_details_which_the_log_has(run_service: RunService) -> None:
    service = run_service(detector=BuggyDetector())
    answer = request(service, "GET", "/v1/articles/a")
    problem = expect_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert problem["detail"] == ""
    [line] = [line for line in service.log() if line["event"] == "internal error"]
    assert "ZeroDivisionError: secret detail" in line["traceback"]
    assert line["request"] == problem["request_id"]
    assert request(service, "GET", "/livez").status_code == 200


def test_a_failing_disk_acknowledges_nothing_and_ends_the_service(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(detector=detector)
    detector.failure = errors.StorageFailed("no space left on device")
    answer = request(service, "PUT", "/v1/articles/a", json={"text": "x"})
    expect_problem(answer, 503, "storage-failed")
    assert isinstance(service.app.owner.ended.exception(), errors.StorageFailed)
    expect_problem(request(service, "GET", "/readyz"), 503, "not-ready")
    expect_problem(request(service, "PUT", "/v1/articles/b", json={"text": "x"}), 503, "not-ready")
