"""The service with the real Detector and a store on disk: as a batch would decide, and the same after a restart."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import RunService, Stored
from tests.exact_detector import Service
from tests.web.test_openapi import schemathesis
from wirecopy import errors
from wirecopy.batch import run
from wirecopy.config import Config
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.storage import Store

LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def sample() -> Iterator[Path]:
    with resources.as_file(resources.files("wirecopy") / "data" / "sample" / "articles.jsonl") as file:
        yield file


@pytest.fixture
def articles(sample: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sample.read_text(encoding="utf-8").splitlines()]


def put_all(service: Service, articles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with service.client() as client:
        answers = [client.put(f"/v1/articles/{quote(one['id'], safe='')}", json=one) for one in articles]
    assert {answer.status_code for answer in answers} <= {200, 201}
    return [answer.json() for answer in answers]


def stories_of(service: Service) -> set[frozenset[str]]:
    """Every story as the set of its members' ids, over all pages."""
    found: set[frozenset[str]] = set()
    cursor: str | None = ""
    with service.client() as client:
        while cursor is not None:
            page = client.get("/v1/stories", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
            found |= {frozenset(member["id"] for member in story["members"]) for story in page["stories"]}
            cursor = page["cursor"]
    return found


def stories_in_batch(file: Path) -> set[frozenset[str]]:
    result = run.dedupe(
        [str(file)],
        Config(),
        mapping={},
        look_ahead=False,
        strict=True,
        want_lines=False,
        on_refusal=lambda refusal: None,
        on_progress=lambda count: None,
    )
    members: dict[str, set[str]] = {}
    for row in result.rows():
        members.setdefault(row.story, set()).add(row.id)
    return {frozenset(ids) for ids in members.values()}


def test_http_bulk_and_a_batch_without_look_ahead_give_the_same_stories_for_the_same_order(
    stored: Stored, run_service: RunService, sample: Path, articles: list[dict[str, Any]]
) -> None:
    expected = stories_in_batch(sample)
    one_by_one = stored()
    put_all(one_by_one, articles)
    assert stories_of(one_by_one) == expected
    in_bulk = run_service(Config(), open_detector=lambda: Detector(Config()))
    in_bulk.wait_ready()
    with in_bulk.client() as client:
        client.post("/v1/bulk", content=sample.read_bytes(), headers=LINES)
    assert stories_of(in_bulk) == expected
    assert any(len(story) > 2 for story in expected)


def test_after_a_restart_everything_is_as_it_was_answered(stored: Stored, articles: list[dict[str, Any]]) -> None:
    service = stored()
    verdicts = put_all(service, articles)
    before = stories_of(service)
    service.stop()
    service.wait_stopped()
    again = stored()
    assert stories_of(again) == before
    replayed = put_all(again, articles)
    assert [verdict["replayed"] for verdict in replayed] == [True] * len(articles)
    assert [{**verdict, "replayed": False} for verdict in replayed] == verdicts
    with again.client() as client:
        for article, verdict in zip(articles, verdicts, strict=True):
            shown = client.get("/v1/articles", params={"id": article["id"]}).json()
            assert (shown["id"], shown["text"], shown["revision"]) == (article["id"], article["text"], 1)
            story = client.get(f"/v1/stories/{quote(shown['story'], safe='')}").json()
            assert article["id"] in {member["id"] for member in story["members"]}
            assert verdict["id"] == shown["id"]


def test_a_revision_is_decided_anew(stored: Stored, articles: list[dict[str, Any]]) -> None:
    service = stored()
    put_all(service, articles)
    copied = next(story for story in stories_of(service) if len(story) > 2)
    article = next(one for one in articles if one["id"] in copied)
    [verdict] = put_all(service, [{**article, "text": "Something entirely different happened elsewhere today."}])
    assert (verdict["revision"], verdict["replayed"]) == (2, False)
    assert frozenset({article["id"]}) in stories_of(service)


def test_check_foretells_what_ingest_decides(stored: Stored, articles: list[dict[str, Any]]) -> None:
    service = stored()
    *known, last = articles
    put_all(service, known)
    with service.client() as client:
        foretold = client.post("/v1/check", json=last).json()
        assert client.get("/v1/articles", params={"id": last["id"]}).status_code == 404
    [verdict] = put_all(service, [last])
    assert foretold == verdict


def test_what_matches_is_told_from_both_sides(stored: Stored, articles: list[dict[str, Any]]) -> None:
    service = stored()
    verdicts = put_all(service, articles)
    later = next(verdict for verdict in verdicts if verdict["matches"])
    other = later["matches"][0]["id"]
    with service.client() as client:
        matches = client.get(f"/v1/articles/{quote(other, safe='')}/matches").json()["matches"]
    assert later["id"] in {match["id"] for match in matches}


def test_a_cursor_of_no_page_is_422(stored: Stored) -> None:
    with stored().client() as client:
        answer = client.get("/v1/stories", params={"cursor": "x"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs#invalid-parameter")


def test_a_second_service_on_the_same_data_is_refused(stored: Stored, run_service: RunService, tmp_path: Path) -> None:
    stored()
    second = run_service(open_detector=lambda: Store.open(tmp_path / "data", scheme=SCHEME))
    second.wait_ended()
    assert isinstance(second.app.owner.ended.exception(), errors.Locked)


def test_the_gauges_of_the_detector_are_metrics(stored: Stored, articles: list[dict[str, Any]]) -> None:
    service = stored()
    put_all(service, articles)
    with service.client() as client:
        metrics = client.get("/metrics").text.splitlines()
    for line in (
        f"wirecopy_indexed_articles {len(articles)}.0",
        f"wirecopy_stories {float(len(stories_of(service)))}",
        "wirecopy_merged_stories_total 0.0",
    ):
        assert line in metrics
    assert any(line.startswith("wirecopy_largest_story ") for line in metrics)


def test_the_service_as_a_whole_does_what_its_description_says(
    stored: Stored, articles: list[dict[str, Any]], tmp_path: Path
) -> None:
    service = stored()
    put_all(service, articles[:20])
    schemathesis(service, tmp_path, "--max-examples", "20")
    assert not [line for line in service.log() if line["event"] != "request"]
