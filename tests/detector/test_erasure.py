"""What was deleted is gone: from answers, memory and files, compressed parts unpacked; and nothing else is."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zstandard import ZstdDecompressor, ZstdError

from tests.conftest import RunService
from tests.exact_detector import Service
from tests.streams import MemoryStore, image, small, stream, written
from tests.web.test_kill import Serving
from wirecopy import errors
from wirecopy.cli.commands import main
from wirecopy.client.client import Client
from wirecopy.config import Config
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.detector.memory.records import RecordKind
from wirecopy.schema.article import Article
from wirecopy.storage import Store, verify

DAY = 86_400_000
FRAME = b"\x28\xb5\x2f\xfd"  # what a zstd frame begins with


def article(k: int, how: int = 0, **fields: Any) -> Article:
    return Article(**{"id": f"w{k}-{how}", "text": written(k, how), **fields})


def secret(**fields: Any) -> Article:
    """An article whose every field holds a word that nothing else does."""
    said = " ".join(f"sekretwort{k} {word}" for k, word in enumerate(written(1, 0).split()))
    named = {"title": "Sekrettitel am Montag", "url": "https://sekreturl.example/1", "source": "sekretsource"}
    return Article(**{"id": "wire-1", "text": f"{written(1, 0)}. {said}", **named, **fields})


def opened(store: MemoryStore, config: Config | None = None) -> Detector:
    return Detector(config, store)  # type: ignore[arg-type]


def bytes_in(folder: Path) -> bytes:
    """All files of a folder, and what every compressed part in them holds."""
    found = [file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()]
    return b"\n".join([*found, *(part for data in found for part in unpacked(data))])


def unpacked(data: bytes) -> Iterator[bytes]:
    at = data.find(FRAME)
    while at >= 0:
        with suppress(ZstdError):
            yield ZstdDecompressor().decompressobj().decompress(data[at : at + 2**20])
        at = data.find(FRAME, at + 1)


def holds_secrets(folder: Path) -> bool:
    return b"sekret" in bytes_in(folder).lower()


def test_a_deleted_article_is_unknown_and_unnamed_everywhere() -> None:
    for live in (Detector(), opened(MemoryStore())):
        live.ingest([article(1), article(1, 6), article(1, 1)], 5)
        assert live.article("w1-1").story == "s0"
        live.erase("w1-0", 6)
        for ask in (live.article, live.matches, live.erase):
            with pytest.raises(errors.UnknownArticle):
                ask("w1-0")
        assert [member.id for member in live.story("s0").members] == ["w1-6", "w1-1"]
        assert live.story("s0").canonical == "w1-6"
        for name in ("w1-6", "w1-1"):
            assert "w1-0" not in repr((live.article(name), live.matches(name)))
        again = live.ingest([article(1, 6)], 7)[0]
        assert again.replayed
        assert "w1-0" not in repr(again)
        assert live.gauges()["kept_articles"] == 2


def test_what_a_deleted_article_held_together_is_decided_anew() -> None:
    live = opened(MemoryStore())
    bridge = Article("bridge", written(1, 0) + " " + written(25, 0))
    live.ingest([article(1), bridge, article(25)], 1)
    apart = Detector()
    apart.ingest([article(1), article(25)], 1)
    live.erase("bridge", 2)
    separate = {live.article(name).story for name in ("w1-0", "w25-0")}
    assert len(separate) == len({apart.article(name).story for name in ("w1-0", "w25-0")})


def test_a_story_whose_last_article_is_deleted_is_no_story() -> None:
    live = opened(MemoryStore())
    live.ingest([article(1), article(12)], 1)
    live.erase("w1-0", 2)
    with pytest.raises(errors.UnknownStory):
        live.story("s0")
    assert [story.id for story in live.stories()[0]] == ["s1"]


def test_an_id_that_was_deleted_is_new_again_and_its_revisions_begin_at_1() -> None:
    store = MemoryStore()
    live = opened(store)
    live.ingest([article(1), article(12, id="w1-0"), article(1, 2, id="w1-0"), article(1, 6)], 1)
    live.erase("w1-0", 2)
    verdict = live.ingest([article(1)], 3)[0]
    assert (verdict.revision, verdict.replayed) == (1, False)
    assert [match.id for match in verdict.matches] == ["w1-6"]
    assert image(opened(store)) == image(live)


def test_of_two_stories_that_fall_apart_by_deletions_each_gets_an_id_of_its_own() -> None:
    live = opened(MemoryStore())
    for k in (1, 31):
        bridge = Article(f"bridge-{k}", written(k, 0) + " " + written(k + 50, 0))
        live.ingest([article(k), bridge, article(k + 50)], 1)
    for k in (1, 31):
        live.erase(f"bridge-{k}", 2)
    stories: dict[str, set[str]] = {}
    for k in (1, 51, 31, 81):
        stories.setdefault(live.article(f"w{k}-0").story, set()).add(f"w{k}-0")
    assert all(len({int(name[1:].split("-")[0]) % 50 for name in names}) == 1 for names in stories.values())


def test_nothing_of_it_is_left_in_memory() -> None:
    live = opened(MemoryStore())
    live.ingest([article(12), secret(), secret(text=secret().text + " corrected"), article(1, 6)], 1)
    window = live._state.window
    traces = [np.frombuffer(window.trace_of(number), dtype=np.uint32) for number in (1, 2)]
    own = {int(word) for trace in traces for word in trace} - {
        int(word) for number in (0, 3) for word in np.frombuffer(window.trace_of(number), dtype=np.uint32)
    }
    held = window._traces.arrays[0][: window.words]
    assert np.isin(held, list(own)).any()
    counted = int(window.terms.counts.sum())
    live.erase("wire-1", 2)
    assert not np.isin(held, list(own)).any()
    assert not any(window._index.keys_of(number).any() for number in (1, 2))
    assert int(window.terms.counts.sum()) < counted
    assert window.terms.counted == 4


def test_a_chain_of_deletions_is_replayed() -> None:
    store, chance, taken = MemoryStore(), random.Random(3), stream(300)
    config = small(max_indexed_articles=1024, retention_days=4.0, index_days=2.0)
    live = opened(store, config)
    kept: list[str] = []
    for k in range(0, 300, 10):
        now = k * DAY // 30
        live.ingest(taken[k : k + 10], now)
        kept += [one.id for one in taken[k : k + 10]]
        for name in chance.sample(kept, 3):
            if name in live._archive.number_of:
                live.erase(name, now)
                kept.remove(name)
        live.prune(now)
        replayed = opened(store, config)
        replayed.expire(now)
        assert image(replayed) == image(live)
        assert replayed._others.numbered == live._others.numbered
    kinds = [record.kind for record in store.records if record is not None]
    assert 0 < kinds.count(RecordKind.ERASURE) < 60  # those of before the retention are pruned
    assert 0 < kinds.count(RecordKind.RESIDUE) <= kinds.count(RecordKind.ERASURE)


def test_the_files_hold_nothing_of_it_once_they_are_compacted(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    live = Detector(store=Store.open(folder, scheme=SCHEME))
    live.ingest([article(k) for k in range(40)], 1)
    live.ingest([secret()], 2)
    live.ingest([secret(title="Sekrettitel am Dienstag", text=secret().text * 3)], 3)
    live.ingest([article(k, 6) for k in range(40)], 4)
    assert holds_secrets(folder)
    live.erase("wire-1", 5)
    assert holds_secrets(folder)  # in the write-ahead log
    live.compact()
    assert not holds_secrets(folder)
    live.ingest([article(1, 2)], 6)
    before = image(live)
    live.close()
    assert not holds_secrets(folder)
    assert verify(folder).problems == ()
    again = Detector(store=Store.open(folder, scheme=SCHEME))
    assert image(again) == before
    assert again.article("w1-2").text == written(1, 2)
    again.close()


def test_one_line_says_that_it_was_there_and_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    live = Detector(store=Store.open(folder, scheme=SCHEME))
    live.ingest([secret(), article(1, 6)], 2)
    live.erase("wire-1", 7)
    live.close()
    with Store.open(folder, scheme=SCHEME) as store:
        [line] = [record for record in store.replay() if record.kind == RecordKind.ERASURE]
    assert line.id == "wire-1"
    assert len(line.payload) < 60


@pytest.fixture
def service(run_service: RunService, tmp_path: Path) -> Service:
    service = run_service(
        Config(), open_detector=lambda: Detector(Config(), Store.open(tmp_path / "data", scheme=SCHEME))
    )
    service.wait_ready()
    return service


def test_delete_over_http(service: Service, tmp_path: Path) -> None:
    with service.client() as client, Client(service.url) as typed:
        typed.put_article(secret())
        typed.put_article(article(1, 6))
        path = "/v1/articles/wire-1"
        gone = client.delete(path)
        assert (gone.status_code, gone.content) == (204, b"")
        for refused in (client.delete(path), client.get(path), client.get(path + "/matches")):
            assert (refused.status_code, refused.json()["type"]) == (404, "/docs#unknown-article")
        assert client.put(path, json={"text": written(1, 0)}).status_code == 201
        assert client.get(path).json()["revision"] == 1
        assert client.delete("/v1/articles", params={"id": "wire-1"}).status_code == 204
        assert client.delete("/v1/articles", params={"id": "wire-1"}).status_code == 404
        assert client.delete("/v1/articles").status_code == 422
        typed.delete_article("w1-6")
        assert client.get("/v1/stories").json()["stories"] == []
        events = client.get("/v1/events").json()["events"]
        assert [event["article"] for event in events if event["type"] == "deleted"] == ["wire-1", "wire-1", "w1-6"]
        done = client.post("/v1/admin/compact")
        assert done.status_code == 200
        assert 0 < done.json()["bytes_after"] <= done.json()["bytes_before"]
        assert typed.compact().bytes_after == done.json()["bytes_after"]
        assert not holds_secrets(tmp_path / "data")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "{url}"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_no_page_of_another_site_may_ask_for_compaction(
    run_service: RunService, headers: dict[str, str], status: int
) -> None:
    service = run_service()
    sent = {name: value.replace("{url}", service.url) for name, value in headers.items()}
    with service.client() as client:
        assert client.post("/v1/admin/compact", headers=sent).status_code == status


@pytest.mark.parametrize(("failure", "status"), [(errors.Locked("in use"), 503), (errors.NoRoom("data", 100, 10), 507)])
def test_a_compaction_that_cannot_be_done_now_ends_nothing(
    run_service: RunService, failure: Exception, status: int
) -> None:
    service = run_service()
    service.detector.failure = failure
    with service.client() as client:
        assert client.post("/v1/admin/compact").status_code == status
        service.detector.failure = None
        assert client.post("/v1/admin/compact").status_code == 200


def test_a_deletion_that_cannot_be_stored_ends_the_service(run_service: RunService) -> None:
    service = run_service()
    with service.client() as client:
        client.put("/v1/articles/a", json={"text": "Some text"})
        service.detector.failure = errors.StorageFailed("the disk is full")
        assert client.delete("/v1/articles/a").status_code == 503
    service.wait_ended()


def test_what_was_deleted_stays_so_after_kill_9_and_the_folder_is_compacted_by_a_command(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    running = Serving(folder)
    with Client(running.url) as client:
        for one in (secret(), article(1, 6), article(12)):
            client.put_article(one)
        client.delete_article("wire-1")
    assert running.end(9) == -9
    assert main(["compact", "--data", str(folder)]) == 0
    assert not holds_secrets(folder)
    running = Serving(folder)
    try:
        with Client(running.url) as client:
            with pytest.raises(errors.ServiceRefused) as refused:
                client.article("wire-1")
            assert refused.value.status == 404
            assert client.matches("w1-6") == ()
            assert client.put_article(secret()).revision == 1
    finally:
        assert running.end(15) == 0
