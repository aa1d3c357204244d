"""POST /_bulk in the form of Elasticsearch: what shippers send is taken, and each item has its status."""

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.conftest import RunService, Stored
from tests.exact_detector import ExactDetector, Service
from wirecopy import errors
from wirecopy.config import Config, Intake, Limits, Web

LINES = {"Content-Type": "application/x-ndjson"}


def send(service: Service, *lines: Any, path: str = "/_bulk", **headers: str) -> httpx.Response:
    body = b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    if "Content-Encoding" in headers:
        body = gzip.compress(body)
    with service.client() as client:
        return client.post(path, content=body, headers={**LINES, **headers})


def items(answer: httpx.Response) -> list[tuple[str, Any, int]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Elastic-Product"] == "Elasticsearch"
    return [(name, item["_id"], item["status"]) for each in answer.json()["items"] for name, item in each.items()]


def test_documents_are_indexed_in_order_each_with_its_status(service: Service) -> None:
    answer = send(
        service,
        *({"index": {"_index": "wire", "_id": "a"}}, {"text": "One.", "title": "T"}),
        *({"create": {"_id": 7}}, {"content": "Two.", "source": {"name": "Post"}}),
        *({"index": {"_id": "a"}}, {"text": "One, changed."}),
        *({"index": {"_id": "b"}}, {"title": "no text"}),
        *({"index": {"_id": "a"}}, {"text": "One, changed."}),
    )
    found = items(answer)
    assert found == [
        ("index", "a", 201),
        ("create", "7", 201),
        ("index", "a", 200),
        ("index", "b", 400),
        ("index", "a", 200),
    ]
    value = answer.json()
    assert value["errors"] is True
    assert value["items"][0]["index"]["_index"] == "wire"
    assert value["items"][3]["index"]["error"]["reason"] == "text is missing"
    assert [each["index"]["result"] for each in value["items"][::2]] == ["created", "updated", "noop"]
    assert service.detector.articles["7"][0].source == "Post"
    assert [answer.headers[f"Wirecopy-{name}"] for name in ("Taken", "Replayed", "Refused")] == ["3", "1", "1"]


def test_a_document_without_an_id_gets_one_that_is_the_same_when_it_is_sent_again(service: Service) -> None:
    lines: tuple[Any, ...] = (
        {"index": {}},
        {"text": "No id."},
        {"index": {}},
        {"text": "Its link.", "url": "http://n.example/1"},
    )
    first, again = items(send(service, *lines)), send(service, *lines)
    assert [status for _, _, status in first] == [201, 201]
    assert first[1][1] == "http://n.example/1"
    assert items(again) == [(name, id, 200) for name, id, _ in first]
    assert again.headers["Wirecopy-Replayed"] == "2"


def test_create_refuses_another_content_and_takes_the_same_again(service: Service) -> None:
    lines = {"create": {"_id": "a"}}, {"text": "One.", "published": "2024-08-12"}
    assert items(send(service, *lines)) == [("create", "a", 201)]
    assert items(send(service, *lines)) == [("create", "a", 200)]
    conflict = send(service, {"create": {"_id": "a"}}, {"text": "Other."})
    assert items(conflict) == [("create", "a", 409)]
    assert conflict.json()["items"][0]["create"]["error"]["type"] == "version_conflict_engine_exception"
    assert service.detector.articles["a"][0].text == "One."


def test_update_changes_some_fields_and_upserts(service: Service) -> None:
    send(service, {"index": {"_id": "a"}}, {"text": "One.", "title": "T", "published": "2024-08-12"})
    answer = send(
        service,
        *({"update": {"_id": "a"}}, {"doc": {"title": "New"}}),
        *({"update": {"_id": "x"}}, {"doc": {"title": "New"}}),
        *({"update": {"_id": "y"}}, {"doc": {"text": "Y."}, "doc_as_upsert": True}),
        *({"update": {"_id": "z"}}, {"doc": {"title": "no"}, "upsert": {"text": "Z."}}),
        *({"update": {"_id": "a"}}, {"script": "ctx._source.n += 1"}),
        *({"update": {}}, {"doc": {}}),
    )
    assert [status for _, _, status in items(answer)] == [200, 404, 201, 201, 400, 400]
    article = service.detector.articles["a"][0]
    assert (article.text, article.title, article.published is not None) == ("One.", "New", True)
    assert service.detector.articles["z"][0].text == "Z."


def test_delete_erases_in_its_turn(service: Service) -> None:
    answer = send(
        service,
        *({"index": {"_id": "a"}}, {"text": "One."}, {"delete": {"_id": "a"}}, {"delete": {"_id": "a"}}),
        *({"delete": {}}, {"index": {"_id": "b"}}, {"text": "Two."}),
    )
    expected = [
        ("index", "a", 201),
        ("delete", "a", 200),
        ("delete", "a", 404),
        ("delete", None, 400),
        ("index", "b", 201),
    ]
    assert items(answer) == expected
    assert set(service.detector.articles) == {"b"}


@pytest.mark.parametrize(
    "broken",
    [
        (b"{broken",),
        (b"[]",),
        ({"upsert": {"_id": "x"}},),
        ({"index": 5}, {"text": "not taken"}),
        (b'{"index": {"_id": "x"', {"text": "not taken"}),
        ({"index": {"_id": "x"}}, b"{broken"),
        ({"index": {"_id": "x"}}, b"[1]"),
        ({"index": {"_id": ".."}}, {"text": "not taken"}),
        ({"index": {"_id": "x"}}, b'{"a": ' * 70 + b"1" + b"}" * 70),
    ],
)
def test_a_broken_action_or_document_fails_alone(service: Service, broken: tuple[Any, ...]) -> None:
    a, b = {"index": {"_id": "a"}}, {"index": {"_id": "b"}}
    found = items(send(service, a, {"text": "Good."}, *broken, b, {"text": "Good."}))
    assert [status for _, _, status in found] == [201, 400, 201]
    assert set(service.detector.articles) == {"a", "b"}
    with service.client() as client:
        assert len(client.get("/v1/refused").json()["refused"]) == 1


def test_an_action_without_its_document_fails_alone(service: Service) -> None:
    found = send(service, {"index": {"_id": "a"}}, {"text": "Good."}, {"index": {"_id": "b"}})
    assert [status for _, _, status in items(found)] == [201, 400]
    assert found.json()["items"][1]["index"]["error"]["reason"] == "no document follows"


def test_bodies_are_taken_compressed_and_under_the_path_of_an_index(service: Service) -> None:
    lines = {"index": {"_id": "a"}}, {"text": "One."}
    assert items(send(service, *lines, path="/wire/_bulk", **{"Content-Encoding": "gzip"})) == [("index", "a", 201)]
    elastic = "application/vnd.elasticsearch+x-ndjson; compatible-with=8"
    answer = send(service, *lines, path="/wire/_doc/_bulk?refresh=true", **{"Content-Type": elastic})
    assert answer.json()["items"][0]["index"]["_index"] == "wire"


def test_a_body_over_the_limit_and_one_of_another_type_are_refused_whole(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_body_bytes=100)))
    assert send(service, {"index": {}}, {"text": "x" * 100}).status_code == 413
    assert send(service, {"index": {}}, **{"Content-Type": "text/plain"}).status_code == 415


def test_a_failing_disk_is_the_status_of_the_whole_request(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(detector=detector)
    detector.failure = errors.StorageFailed("input/output error")
    answer = send(service, {"index": {"_id": "a"}}, {"text": "One."})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_what_shippers_ask_first_is_answered_without_harm(service: Service) -> None:
    with service.client() as client:
        about = client.get("/", headers={"Accept": "application/json"})
        assert about.json()["version"]["number"].startswith("8.")
        assert about.json()["tagline"] == "You Know, for Search"
        assert client.head("/").status_code == 200
        assert client.get("/_cluster/health").json()["status"] == "green"
        assert client.get("/_license").json()["license"]["status"] == "active"
        assert client.head("/wire").status_code == 200
        for path in (
            "/_template/t",
            "/_index_template/t",
            "/_ilm/policy/p",
            "/_ingest/pipeline/p",
            "/wire/_mapping",
            "/wire",
        ):
            assert client.put(path, json={}).json()["acknowledged"] is True
        for answer in (about, client.get("/_template/t")):
            assert answer.headers["X-Elastic-Product"] == "Elasticsearch"
        assert client.get("/wire").status_code == 404
        assert client.put("/v1", json={}).status_code == 404


def test_names_that_are_set_hold_here_too(run_service: RunService) -> None:
    service = run_service(Config(intake=Intake(map={"text": "doc.body"}), limits=Limits(max_field_bytes=10)))
    answer = send(service, {"index": {"_id": "a"}}, {"doc": {"body": "Text."}, "title": "x" * 11})
    assert answer.headers["Wirecopy-Fields-Left-Out"] == "1"
    assert service.detector.articles["a"][0].text == "Text."


def test_the_helpers_of_elasticsearch_py_work_unchanged(stored: Stored) -> None:
    elasticsearch = pytest.importorskip("elasticsearch", reason="elasticsearch-py is not installed")
    from elasticsearch import helpers

    service = stored()
    documents = [{"_index": "wire", "_id": f"a{n}", "text": f"Text number {n}", "title": "T"} for n in range(1200)]
    with elasticsearch.Elasticsearch(service.url) as client:
        assert client.info()["cluster_name"] == "wirecopy"
        assert helpers.bulk(client, documents) == (1200, [])
        again = [{"_id": "bad", "_index": "w"}, *documents[:3]]
        count, failures = helpers.bulk(client, again, raise_on_error=False)
        assert isinstance(failures, list)
        [failed] = failures
        assert (count, failed["index"]["status"], failed["index"]["_id"]) == (3, 400, "bad")
        deletes = [{"_op_type": "delete", "_index": "w", "_id": "a0"}]
        assert helpers.bulk(client, deletes) == (1, [])
    with service.client() as client:
        assert client.get("/v1/articles/a0").status_code == 404
        assert client.get("/v1/articles/a1199").json()["text"] == "Text number 1199"
