"""Lists come in pages, and what is kept of strangers' names is bounded."""

import asyncio
import json

import pytest

from tests.conftest import RunService, Stored
from tests.exact_detector import Service
from wirecopy import Client
from wirecopy.config import Config, Limits
from wirecopy.errors import InvalidArticle
from wirecopy.schema.article import parse
from wirecopy.web.log import Log

DEEP = b"[" * 100_000


@pytest.fixture
def service(stored: Stored) -> Service:
    return stored()


def test_revisions_come_in_pages_that_fit_together(service: Service) -> None:
    with service.client() as client:
        for number in range(7):
            text = f"A paragraph that stays.\n\nNumber {number} of them."
            client.put("/v1/articles/a", json={"text": text, "title": f"Version {number}"})
        whole = client.get("/v1/articles/a/revisions").json()
        assert [one["revision"] for one in whole["revisions"]] == [1, 2, 3, 4, 5, 6, 7]
        assert whole["next"] is None
        assert whole["revisions"][0]["changes"] is None
        assert whole["revisions"][3]["changes"]["added"] == ["Number 3 of them."]
        pages, after = [], 0
        while after is not None:
            page = client.get("/v1/articles/a/revisions", params={"after": after, "limit": 3}).json()
            pages.append(len(page["revisions"]))
            assert page["revisions"] == whole["revisions"][after : after + 3]
            after = page["next"]
        assert pages == [3, 3, 1]
        assert client.get("/v1/articles/a/revisions?after=7").json()["revisions"] == []
        assert client.get("/v1/articles/a/revisions?limit=201").status_code == 422
        assert client.get("/v1/articles/b/revisions").status_code == 404
    with Client(service.url) as client:
        assert len(client.revisions("a")) == 7


def test_a_page_of_long_revisions_ends_early_and_says_so(service: Service) -> None:
    with service.client() as client:
        for number in range(4):
            client.put("/v1/articles/long", json={"text": f"{number} " + "long words " * 300_000})
        page = client.get("/v1/articles/long/revisions").json()
        assert [one["revision"] for one in page["revisions"]] == [1, 2]
        assert page["next"] == 2
        rest = client.get("/v1/articles/long/revisions?after=2").json()
        assert [one["revision"] for one in rest["revisions"]] == [3, 4]
        assert rest["revisions"][0]["changes"] is not None


def test_pins_come_in_pages_and_each_is_made_once(service: Service) -> None:
    with service.client() as client:
        for number in range(6):
            client.put(f"/v1/articles/{number}", json={"text": f"text of its own {number}"})
        first = client.post("/v1/pins", json={"articles": ["0", "1"]}).json()
        for articles in (["0", "1"], ["1", "0"]):
            assert client.post("/v1/pins", json={"articles": articles}).json() == first
        together = client.post("/v1/pins", json={"articles": ["2", "3", "4"], "together": True}).json()
        assert client.post("/v1/pins", json={"articles": ["4", "3", "2"], "together": True}).json() == together
        third = client.post("/v1/pins", json={"articles": ["0", "5"]}).json()
        assert client.get("/v1/pins").json() == {"pins": [first, together, third], "next": None}
        page = client.get("/v1/pins?limit=2").json()
        assert page["pins"] == [first, together]
        assert client.get("/v1/pins", params={"after": page["next"]}).json() == {"pins": [third], "next": None}
    with Client(service.url) as client:
        assert len(client.pins()) == 3


@pytest.mark.parametrize(
    "path",
    [
        "pins",
        "stories/s0/merge",
        "stories/s0/split",
        "check",
        "articles",
        "bulk",
        "articles/a/matches/b",
        "stories/s0/canonical",
    ],
)
@pytest.mark.parametrize(
    "body",
    [DEEP, DEEP + b"]" * 100_000, b'{"a":' * 100_000, b'{"articles": ' + DEEP],
    ids=["open", "closed", "objects", "within"],
)
def test_what_is_nested_without_end_is_refused_on_every_route(service: Service, path: str, body: bytes) -> None:
    kind = "application/x-ndjson" if path == "bulk" else "application/json"
    with service.client() as client:
        answer = client.post(f"/v1/{path}", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200 if path == "bulk" else 400 <= answer.status_code < 500, answer.text[:200]
    assert path != "bulk" or answer.json()["status"] == 400


def test_a_source_is_a_kilobyte_at_most() -> None:
    article = b'{"id": "a", "text": "words", "source": "%b"}'
    assert parse(article % (b"s" * 1024), Limits()).source == "s" * 1024
    with pytest.raises(InvalidArticle, match="source"):
        parse(article % (b"s" * 1025), Limits())
    with pytest.raises(InvalidArticle, match="source"):
        parse(article % ("ы".encode() * 513), Limits())


def test_a_source_that_is_too_long_costs_its_article_nothing_else(service: Service) -> None:
    with service.client() as client:
        answer = client.put("/v1/articles/a", json={"text": "words", "title": "t", "source": "s" * 60_000})
        assert answer.status_code == 201
        kept = client.get("/v1/articles/a").json()
        assert (kept["source"], kept["title"]) == (None, "t")


@pytest.mark.parametrize("is_json", [True, False])
def test_the_log_shows_what_would_turn_or_break_its_lines(run_service: RunService, is_json: bool) -> None:
    bad = "evil\u202etxt.exe\u2028time=2026 event=forged\u0085\ufeff\u200b\U000e0041"
    service = run_service(Config())
    log_file = service.log_file

    async def write() -> None:
        log = Log(is_json=is_json, descriptor=log_file.fileno())
        log.write("request", id=bad, title="ежа 中文")
        log.flush()

    before = log_file.seek(0, 2)
    asyncio.run(write())
    log_file.seek(before)
    line = log_file.read().decode()
    assert len(line.splitlines()) == 1
    assert not set(bad) & {char for char in line if not char.isascii()}
    assert "\\u202e" in line
    assert "ежа 中文" in line
    if is_json:
        assert json.loads(line)["id"] == bad
