"""Earlier revisions stay readable, and what changed between two is told."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunService
from tests.streams import MemoryStore, small, written
from wirecopy import errors
from wirecopy.client.client import Client
from wirecopy.config import Config
from wirecopy.detector.answers.revisions import changes
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.schema.answers import Changes, Headline
from wirecopy.schema.article import Article
from wirecopy.storage import Store

DAY = 86_400_000
FIRST = "The pier was closed on Monday.\n\nSome 1,376 people were on board.\nNobody was hurt."
LATER = "The pier was closed on  Monday.\nSome 1,402 people were on board.\n\nTwo men were hurt at 7:30."


def opened(store: MemoryStore, config: Config | None = None) -> Detector:
    return Detector(config, store)  # type: ignore[arg-type]


def test_what_changed_is_told_by_headline_paragraphs_and_numbers() -> None:
    assert changes("Pier closed", FIRST, "Two hurt at pier, 1 missing", LATER) == Changes(
        Headline("Pier closed", "Two hurt at pier, 1 missing"),
        ("Some 1,402 people were on board.", "Two men were hurt at 7:30."),
        ("Some 1,376 people were on board.", "Nobody was hurt."),
        ("1", "1,402", "7:30"),
        ("1,376",),
    )
    assert changes(None, FIRST, None, FIRST) == Changes(None, (), (), (), ())
    assert changes(None, "a\na\nb 5 5", None, "a\nb 5") == Changes(None, ("b 5",), ("a", "b 5 5"), (), ("5",))
    assert changes("A", None, "B", FIRST) == Changes(Headline("A", "B"), None, None, None, None)


def test_each_revision_is_shown_as_it_was_decided() -> None:
    live = opened(MemoryStore())
    first = Article("a", written(1, 0), title="One", source="s", url="u", published=5)
    live.ingest([first, Article("b", written(1, 6)), Article("c", written(12, 0))], 10)
    live.ingest([Article("a", written(12, 6), title="Two", source="s")], 20)
    old, new = live.article("a", 1), live.article("a", 2)
    assert (old.revision, old.title, old.text, old.url, old.published) == (1, "One", written(1, 0), "u", 5)
    assert (old.story, old.canonical, old.match) == ("s0", True, None)
    assert new == live.article("a")
    assert (new.revision, new.title, new.match, new.first_seen) == (2, "Two", "c", 10)
    told = live.revisions("a")
    assert [(one.revision, one.arrived, one.title) for one in told] == [(1, 10, "One"), (2, 20, "Two")]
    assert (told[0].story, told[1].story, told[0].changes) == ("s0", new.story, None)
    assert told[1].changes is not None
    assert told[1].changes.headline == Headline("One", "Two")
    assert (told[1].changes.added, told[1].changes.dropped) == ((written(12, 6),), (written(1, 0),))
    for missing in (0, 3):
        with pytest.raises(errors.UnknownRevision, match=f"no revision {missing} of the article 'a' is kept"):
            live.article("a", missing)
    for ask in (live.revisions, lambda name: live.article(name, 1)):
        with pytest.raises(errors.UnknownArticle):
            ask("nobody")


def test_revisions_are_there_after_a_restart_and_are_pruned_one_by_one() -> None:
    store, config = MemoryStore(), small(index_days=1.0, retention_days=10.0)
    live = opened(store, config)
    for day in (100, 105, 109):
        live.ingest([Article("a", written(1, 0), title=f"Day {day}")], day * DAY)
    again = opened(store, config)
    assert again.revisions("a") == live.revisions("a")
    again.prune(112 * DAY)
    told = again.revisions("a")
    assert [(one.revision, one.title) for one in told] == [(2, "Day 105"), (3, "Day 109")]
    assert told[0].changes is None
    with pytest.raises(errors.UnknownRevision):
        again.article("a", 1)
    assert again.article("a", 2).text == written(1, 0)
    again.erase("a", 113 * DAY)
    with pytest.raises(errors.UnknownArticle):
        again.revisions("a")


def test_without_texts_titles_are_told_alone() -> None:
    live = opened(MemoryStore(), small(keep_text=False))
    live.ingest([Article("a", FIRST, title="One"), Article("a", LATER, title="Two")], 1)
    assert live.revisions("a")[1].changes == Changes(Headline("One", "Two"), None, None, None, None)


def test_over_http(run_service: RunService, tmp_path: Path) -> None:
    service = run_service(
        Config(), open_detector=lambda: Detector(Config(), Store.open(tmp_path / "data", scheme=SCHEME))
    )
    service.wait_ready()
    with service.client() as client, Client(service.url) as typed:
        client.put("/v1/articles/a", json={"text": FIRST, "title": "One"})
        client.put("/v1/articles/a", json={"text": LATER, "title": "One", "status": "canceled"})
        path = "/v1/articles/a"
        assert client.get(path, params={"revision": 1}).json()["text"] == FIRST
        assert client.get(path, params={"revision": 2}).json() == client.get(path).json()
        assert client.get("/v1/articles", params={"id": "a", "revision": 1}).json()["revision"] == 1
        told: dict[str, Any] = client.get(f"{path}/revisions").json()
        assert (told["id"], [one["status"] for one in told["revisions"]]) == ("a", ["usable", "canceled"])
        assert told["revisions"][1]["changes"]["numbers_dropped"] == ["1,376"]
        assert told["revisions"][1]["arrived"] >= told["revisions"][0]["arrived"]
        missing = client.get(path, params={"revision": 7})
        assert (missing.status_code, missing.json()["type"]) == (404, "/docs#unknown-revision")
        assert client.get(path, params={"revision": "x"}).status_code == 422
        assert client.get("/v1/articles/b/revisions").status_code == 404
        assert typed.article("a", revision=1).text == FIRST
        assert [one.revision for one in typed.revisions("a")] == [1, 2]
