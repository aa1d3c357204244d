"""A store written by a thread of its own: numbers at once, answers when durable, in order, none after a failure."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunService
from tests.exact_detector import wait_until
from wirecopy import errors
from wirecopy.config import Config
from wirecopy.detector.detector import SCHEME as REAL_SCHEME
from wirecopy.detector.detector import Detector
from wirecopy.schema.article import Article
from wirecopy.storage import Entry, Pipeline, Record, Remains, Store, verify

SCHEME = "test"


def entry(number: int) -> Entry:
    return Entry(1, f"id-{number}", b"payload %d" % number, b"text %d" % number)


class Held:
    """A store whose commits wait for `go`, and which fails at the commit that `fails_at` counts to."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder, scheme=SCHEME)
        self.go = threading.Event()
        self.go.set()
        self.commits: list[tuple[int, list[int]]] = []
        self.fails_at = 0
        self._append = self.store.append
        self.store.append = self.append  # type: ignore[method-assign]
        self.pipeline = Pipeline(self.store)

    def append(self, entries: Sequence[Entry], prune: Any = (), redact: Any = None) -> int:
        assert self.go.wait(30)
        self.commits.append((len(entries), list(prune)))
        if len(self.commits) == self.fails_at:
            raise errors.StorageFailed("no space left on device")
        return self._append(entries, prune, redact)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    found = Held(tmp_path)
    yield found
    found.go.set()
    try:
        found.pipeline.close()
    except errors.StorageFailed:
        found.store.close()


def heard(pipeline: Pipeline, into: list[tuple[str, BaseException | None]], name: str) -> None:
    pipeline.when_durable(lambda error: into.append((name, error)))


def test_numbers_come_at_once_and_nobody_is_told_before_the_commit(held: Held) -> None:
    told: list[tuple[str, BaseException | None]] = []
    heard(held.pipeline, told, "nothing yet")
    assert told == [("nothing yet", None)]
    held.go.clear()
    assert held.pipeline.append([entry(1), entry(2)]) == 2
    heard(held.pipeline, told, "two")
    assert held.pipeline.append([entry(3)]) == held.pipeline.last == 3
    heard(held.pipeline, told, "three")
    assert (len(told), held.store.last) == (1, 0)
    held.go.set()
    held.pipeline.flush()
    assert told[1:] == [("two", None), ("three", None)]
    assert held.store.last == 3


def test_what_waits_together_is_one_commit(held: Held) -> None:
    held.go.clear()
    held.pipeline.append([entry(1)])
    wait_until(lambda: held.pipeline._is_writing)
    for number in range(2, 9):
        held.pipeline.append([entry(number)])
    held.go.set()
    held.pipeline.flush()
    assert [count for count, _ in held.commits] == [1, 7]
    assert [record.number for record in held.pipeline.replay()] == list(range(1, 9))


def test_what_is_not_on_disk_yet_is_read_as_if_it_were(held: Held) -> None:
    def read() -> list[tuple[Record | None, bytes | None]]:
        return [(held.pipeline.record(number), held.pipeline.text(number)) for number in (1, 2)]

    held.go.clear()
    held.pipeline.append([entry(1), Entry(2, None, b"epoch", None)])
    before = read()
    held.go.set()
    held.pipeline.flush()
    assert not held.pipeline._entries
    assert before == read() == [(Record(1, 1, "id-1", b"payload 1"), b"text 1"), (Record(2, 2, None, b"epoch"), None)]
    with pytest.raises(ValueError, match="no record 3"):
        held.pipeline.record(3)


def test_pruning_may_name_what_is_not_on_disk_yet(held: Held) -> None:
    held.go.clear()
    held.pipeline.append([entry(1)])
    held.pipeline.append([entry(2), entry(3)])
    held.pipeline.append([entry(4)], prune=[2, 3])
    held.pipeline.append([entry(5)], prune=[1])
    held.go.set()
    held.pipeline.flush()
    assert [record.number for record in held.pipeline.replay()] == [4, 5]


def test_redacting_may_name_what_is_not_on_disk_yet_and_compacting_waits_for_it(held: Held, tmp_path: Path) -> None:
    held.go.clear()
    held.pipeline.append([entry(1), entry(2)])
    held.pipeline.append([entry(3)], redact={1: Remains(7, b"what remains")})
    with ThreadPoolExecutor(1) as pool:
        compacted = pool.submit(held.pipeline.compact)
        held.go.set()
        compacted.result()
    assert next(iter(held.pipeline.replay())) == Record(1, 7, None, b"what remains")
    assert b"payload 1" not in (tmp_path / "wirecopy.db").read_bytes()


def test_after_a_failure_nothing_is_written_and_nothing_called_durable(held: Held, tmp_path: Path) -> None:
    told: list[tuple[str, BaseException | None]] = []
    held.fails_at = 2
    held.pipeline.append([entry(1)])
    held.pipeline.flush()
    held.go.clear()
    held.pipeline.append([entry(2)])
    heard(held.pipeline, told, "two")
    wait_until(lambda: held.pipeline._is_writing)
    held.pipeline.append([entry(3)])
    heard(held.pipeline, told, "three")
    held.go.set()
    wait_until(lambda: len(told) == 2)
    heard(held.pipeline, told, "later")
    assert all(isinstance(error, errors.StorageFailed) for _, error in told)
    assert [name for name, _ in told] == ["two", "three", "later"]
    for ask in (
        lambda: held.pipeline.append([entry(4)]),
        held.pipeline.flush,
        lambda: held.pipeline.record(1),
        lambda: held.pipeline.text(1),
        held.pipeline.close,
    ):
        with pytest.raises(errors.StorageFailed, match="no space left"):
            ask()
    assert len(held.commits) == 2
    assert verify(tmp_path).problems == ()
    with Store.open(tmp_path, scheme=SCHEME) as again:
        assert again.last == 1


def test_closing_writes_what_is_left(held: Held, tmp_path: Path) -> None:
    held.go.clear()
    held.pipeline.append([entry(1)])
    held.pipeline.append([entry(2)])
    held.go.set()
    held.pipeline.close()
    held.pipeline.close()
    with Store.open(tmp_path, scheme=SCHEME) as again:
        assert again.last == 2


def test_a_detector_decides_on_while_its_store_writes(tmp_path: Path) -> None:
    articles = [
        Article(str(k), f"The harbour bridge number {k} was closed on Monday after a crack.") for k in range(90)
    ]
    told: list[BaseException | None] = []
    piped = Detector(Config(), Pipeline(Store.open(tmp_path / "piped", scheme=REAL_SCHEME)))
    plain = Detector(Config(), Store.open(tmp_path / "plain", scheme=REAL_SCHEME))
    for start in range(0, 90, 10):
        again = articles[max(0, start - 5) : start + 10]  # some that may not be on disk yet
        assert piped.ingest(again, start) == plain.ingest(again, start)
        piped.when_durable(told.append)
        assert piped.matches(str(start)) == plain.matches(str(start))
        assert piped.article(str(start + 9)) == plain.article(str(start + 9))
    piped.close()
    assert told == [None] * 9
    plain.close()
    one, other = (list(Store.open(tmp_path / name, scheme=REAL_SCHEME).replay()) for name in ("piped", "plain"))
    assert one == other


def test_a_service_whose_commit_fails_acknowledges_nothing_more_and_ends(
    run_service: RunService, tmp_path: Path
) -> None:
    def put(number: int) -> int:
        with service.client() as client:
            return client.put(
                f"/v1/articles/{number}", json={"text": f"Report number {number} of the day."}
            ).status_code

    def open_detector() -> Detector:
        store = Store.open(tmp_path, scheme=REAL_SCHEME)
        commit = store.append

        def fail_at_the_third(entries: Sequence[Entry], prune: Any = (), redact: Any = None) -> int:
            if has_stored_two.is_set():
                assert go.wait(30)
                raise errors.StorageFailed("no space left on device")
            return commit(entries, prune, redact)

        store.append = fail_at_the_third  # type: ignore[method-assign]
        return Detector(Config(), Pipeline(store))

    go, has_stored_two = threading.Event(), threading.Event()
    service = run_service(Config(), open_detector=open_detector)
    service.wait_ready()
    assert [put(1), put(2)] == [201, 201]
    has_stored_two.set()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(put, number) for number in range(3, 7)]
        wait_until(lambda: service.app.owner.waiting_singles == 4)
        with service.client() as client:
            asked = pool.submit(client.get, "/v1/articles/3")  # decided, perhaps, but not on disk
            go.set()
            assert {future.result() for future in waiting} == {503}
            assert asked.result().status_code in (404, 503)
    service.wait_ended()
    assert isinstance(service.app.owner.ended.exception(), errors.StorageFailed)
    assert verify(tmp_path).texts == 2
