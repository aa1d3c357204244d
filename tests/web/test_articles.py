"""The routes of articles and stories, over a real socket."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.exact_detector import Service, wait_until

TEXT = "The harbour bridge was closed to all traffic on Monday."
FULL = {
    "title": "Bridge closed",
    "text": TEXT,
    "source": "wire",
    "url": "https://example.org/1",
    "published": "2026-03-02T09:30:00.123+01:00",
    "language": "en",
}


def put(service: Service, article_id: str, **fields: Any) -> httpx.Response:
    with service.client() as client:
        return client.put(f"/v1/articles/{quote(article_id, safe='')}", json={"text": TEXT, **fields})


def get(service: Service, path: str, **options: Any) -> httpx.Response:
    with service.client() as client:
        return client.get(path, **options)


def test_a_new_article_is_answered_with_201_and_its_verdict(service: Service) -> None:
    answer = put(service, "a1")
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "id": "a1",
        "revision": 1,
        "story": "a1",
        "canonical": True,
        "relation": None,
        "match": None,
        "score": None,
        "matches": [],
        "candidates": 0,
        "truncated": False,
        "replayed": False,
        "credits": [],
        "superseded": False,
    }


def test_the_same_content_again_is_answered_with_200_and_replayed(service: Service) -> None:
    put(service, "a1", extra=1)
    answer = put(service, "a1", extra=2, id="a1")
    assert (answer.status_code, answer.json()["replayed"], answer.json()["revision"]) == (200, True, 1)


def test_other_content_is_answered_with_200_and_the_next_revision(service: Service) -> None:
    put(service, "a1")
    answer = put(service, "a1", text="Another text.")
    assert (answer.status_code, answer.json()["replayed"], answer.json()["revision"]) == (200, False, 2)


def test_a_match_is_told_with_both_containments(service: Service) -> None:
    put(service, "a1")
    verdict = put(service, "a2").json()
    assert (verdict["story"], verdict["canonical"], verdict["relation"], verdict["match"]) == (
        *("a1", False, "identical", "a1"),
    )
    assert verdict["matches"] == [
        {
            "id": "a1",
            "score": 1.0,
            "relation": "identical",
            "containment": {"this_in_other": 1.0, "other_in_this": 1.0},
            "shared_words": 10,
            "direction": None,
        }
    ]


def test_post_takes_the_id_from_the_body_and_says_where_the_article_is(service: Service) -> None:
    with service.client() as client:
        answer = client.post("/v1/articles", json={"id": "a/1 é", "text": TEXT})
        assert answer.status_code == 201
        assert client.get(answer.headers["Location"]).json()["id"] == "a/1 é"
        assert client.post("/v1/articles", json={"id": "a/1 é", "text": TEXT}).json()["replayed"]


def test_check_tells_the_verdict_and_stores_nothing(service: Service) -> None:
    put(service, "a1")
    with service.client() as client:
        verdict = client.post("/v1/check", json={"id": "a2", "text": TEXT})
        assert (verdict.status_code, verdict.json()["story"]) == (200, "a1")
        assert client.get("/v1/articles/a2").status_code == 404


def test_an_article_is_shown_with_its_verdict_and_its_own_fields(service: Service) -> None:
    put(service, "a1", **FULL)
    shown = get(service, "/v1/articles/a1").json()
    first_seen = datetime.fromisoformat(shown.pop("first_seen"))
    assert first_seen.tzinfo is not None
    assert shown.pop("published") == "2026-03-02T08:30:00.123000Z"
    assert shown == {
        "id": "a1",
        "revision": 1,
        "story": "a1",
        "canonical": True,
        "relation": None,
        "match": None,
        "score": None,
        "status": "usable",
        "embargoed": None,
        "credits": [],
        **{name: value for name, value in FULL.items() if name != "published"},
    }


def test_matches_of_an_article_are_listed(service: Service) -> None:
    put(service, "a1")
    put(service, "a2")
    answer = get(service, "/v1/articles/a1/matches").json()
    assert answer["id"] == "a1"
    assert [match["id"] for match in answer["matches"]] == ["a2"]


def test_a_story_is_shown_with_its_members(service: Service) -> None:
    put(service, "a1", source="wire")
    put(service, "a2", source="daily", published="2026-03-02")
    story = get(service, "/v1/stories/a1").json()
    assert (story["id"], story["canonical"], story["copies"], story["rewrites"]) == ("a1", "a1", 1, 0)
    assert story["sources"] == ["daily", "wire"]
    assert [(member["id"], member["relation"], member["published"]) for member in story["members"]] == [
        ("a1", "identical", None),
        ("a2", "identical", "2026-03-02T00:00:00Z"),
    ]


def test_stories_come_newest_first_by_the_page(service: Service) -> None:
    for number in range(5):
        put(service, f"a{number}", text=f"Text {number}.")
    with service.client() as client:
        first = client.get("/v1/stories", params={"limit": 3}).json()
        second = client.get("/v1/stories", params={"limit": 3, "cursor": first["cursor"]}).json()
    assert [story["id"] for story in first["stories"] + second["stories"]] == ["a4", "a3", "a2", "a1", "a0"]
    assert second["cursor"] is None


def test_stories_are_filtered(service: Service) -> None:
    put(service, "a1", source="wire")
    put(service, "a2", source="daily")
    put(service, "b1", source="wire", text="Something else.")
    for query, expected in [
        ("min_size=2", ["a1"]),
        ("source=daily", ["a1"]),
        ("source=wire", ["b1", "a1"]),
        ("source=nobody", []),
        ("since=2000-01-01", ["b1", "a1"]),
        ("since=2999-01-01T00:00:00Z", []),
    ]:
        assert [story["id"] for story in get(service, f"/v1/stories?{query}").json()["stories"]] == expected, query


@pytest.mark.parametrize(
    "article_id",
    [
        "a/b",
        "/",
        "//",
        "a/../b",
        "...",
        "%2F",
        "a b",
        "é",
        "記事",
        "🗞",
        "?x=1#y",
        "a\\b",
        "\x00\x1f",
        "'\"<script>",
        "+",
        "matches",
    ],
)
def test_an_id_may_hold_anything_in_any_route(service: Service, article_id: str) -> None:
    encoded = quote(article_id, safe="")
    assert put(service, article_id).json()["id"] == article_id
    assert get(service, f"/v1/articles/{encoded}").json()["id"] == article_id
    assert get(service, f"/v1/articles/{encoded}/matches").json()["id"] == article_id
    assert get(service, f"/v1/stories/{encoded}").json()["id"] == article_id
    assert get(service, "/v1/articles", params={"id": article_id}).json()["id"] == article_id


def test_no_markup_of_an_article_gets_out_unescaped(service: Service) -> None:
    answer = put(service, "<script>alert(1)</script>", title="<b>x</b>")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    missing = get(service, "/v1/articles/%3Cscript%3E")
    assert missing.headers["Content-Type"] == "application/problem+json"


def test_head_is_answered_like_get_without_a_body(service: Service) -> None:
    put(service, "a1")
    with service.client() as client:
        answer = client.head("/v1/articles/a1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/v1/articles/a1", "/v1/nothing"]
)
def test_every_answer_carries_the_security_headers_and_a_request_id(service: Service, path: str) -> None:
    headers = get(service, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Server"] == "wirecopy"
    assert headers["X-Request-Id"]


def test_a_caller_may_choose_the_request_id(service: Service) -> None:
    assert get(service, "/livez", headers={"X-Request-Id": "desk-7.A_b"}).headers["X-Request-Id"] == "desk-7.A_b"
    for forged in ["a b", "x" * 65, "a=b", ""]:
        assert get(service, "/livez", headers={"X-Request-Id": forged}).headers["X-Request-Id"] != forged


def commits_of(service: Service, *groups: int) -> list[int]:
    """The sizes of the commits when so many requests come while the first commit is held up, group after group."""
    commits: list[int] = service.detector.commits
    service.detector.gate.clear()
    sent: list[Future[httpx.Response]] = []

    def have_all_arrived() -> bool:
        return service.app.owner.waiting_singles == len(sent)

    with (
        httpx.Client(base_url=service.url, timeout=20, trust_env=False) as client,
        ThreadPoolExecutor(sum(groups)) as pool,
    ):
        for count in groups:
            numbers = range(len(sent), len(sent) + count)
            sent += [pool.submit(client.put, f"/v1/articles/{n}", json={"text": f"Text {n}"}) for n in numbers]
            wait_until(have_all_arrived)
        service.detector.gate.set()
        assert {future.result().status_code for future in sent} == {201}
    return commits


def test_requests_that_wait_together_are_one_commit(service: Service) -> None:
    commits = commits_of(service, 20)
    assert len(commits) <= 4
    assert sum(commits) == 20


def test_a_few_requests_that_come_during_a_commit_are_the_next(service: Service) -> None:
    assert commits_of(service, 1, 5) == [1, 5]


def test_of_many_waiting_requests_half_are_committed_while_the_others_are_decided(service: Service) -> None:
    commits = commits_of(service, 1, 40)
    assert commits[0] == 1
    assert sum(commits) == 41
    assert 8 <= max(commits) <= 20
