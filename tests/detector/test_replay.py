"""The state is the replay of what was decided, and nothing depends on how articles are cut into batches."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edits import edits, take_step
from tests.streams import MemoryStore, articles, image, small, stream, written
from wirecopy.batch import run as batch
from wirecopy.config import Config, Limits
from wirecopy.detection.index import contents
from wirecopy.detector import ingestion, state
from wirecopy.detector.answers import boilerplate
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.detector.history import replay
from wirecopy.detector.memory.records import Clearing, RecordKind, decode
from wirecopy.schema.article import Article
from wirecopy.storage import Store

law: Callable[[Any], Any] = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
DAY = 86_400_000
BLOCK = 4


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four numbers, so that a cap of some articles can be kept."""
    for module in (ingestion, replay, state, contents):
        monkeypatch.setattr(module, "BLOCK", BLOCK)


def opened(store: MemoryStore, config: Config) -> Detector:
    return Detector(config, store)  # type: ignore[arg-type]


Step = tuple[str, Any]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(articles(statuses=True), min_size=1, max_size=8)),
        st.tuples(st.just("check"), articles()),
        st.tuples(st.just("wait"), st.sampled_from([1, 3_600_000, DAY, 3 * DAY, 9 * DAY])),
        st.tuples(st.sampled_from(["expire", "prune", "reach", "restart"]), st.none()),
        st.tuples(st.just("clear"), st.sampled_from([None, "north", "south"])),
        st.tuples(st.just("erase"), st.sampled_from([f"a{k}" for k in range(12)])),
        st.tuples(st.just("edit"), edits()),
        st.tuples(st.just("place"), st.dictionaries(st.sampled_from("xy"), st.integers(0, 9))),
    ),
    min_size=1,
    max_size=14,
)


@law
@given(steps, st.sampled_from([12, 1000]), st.sampled_from([2.0, None]))
def test_the_replayed_state_equals_the_live_one(taken: list[Step], cap: int, index_days: float | None) -> None:
    config = small(max_indexed_articles=cap, index_days=index_days, retention_days=5.0)
    store, now = MemoryStore(), 20_000 * DAY
    live = opened(store, config)
    for what, given_ in taken:
        match what:
            case "check":
                before = image(live)
                live.check(given_)
                assert image(live) == before
            case "wait":
                now += given_
            case "place":
                live.place(given_)
            case "restart":
                live = opened(store, config)
            case _:
                take_step(live, what, given_, now)
        replayed = opened(store, config)
        replayed.expire(now)
        live.expire(now)
        assert image(replayed) == image(live)


def cut(taken: list[Article], sizes: list[int]) -> Iterator[list[Article]]:
    begin = 0
    for size in [*sizes, len(taken)]:
        if begin < len(taken):
            yield taken[begin : begin + size]
        begin += size


@law
@given(st.lists(articles(), min_size=1, max_size=40), st.lists(st.integers(1, 9)), st.sampled_from([12, 1000]))
def test_verdicts_and_state_do_not_depend_on_batches(taken: list[Article], sizes: list[int], cap: int) -> None:
    config = small(max_indexed_articles=cap)
    one_by_one, batched = Detector(config), Detector(config)
    verdicts = [one_by_one.ingest([article], 7)[0] for article in taken]
    assert [verdict for part in cut(taken, sizes) for verdict in batched.ingest(part, 7)] == verdicts
    assert image(batched) == image(one_by_one)


@law
@given(st.lists(articles(ids=1000), min_size=1, max_size=40, unique_by=lambda article: article.id))
def test_dedupe_without_look_ahead_gives_the_stories_of_the_service(taken: list[Article]) -> None:
    live = Detector()
    for part in cut(taken, [3, 1, 5]):
        live.ingest(part)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "articles.jsonl"
        rows = [{**msgspec.to_builtins(article), "published": _time(article.published)} for article in taken]
        file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        run = batch.dedupe(
            [str(file)], Config(limits=Limits(earliest_published="1900-01-01")),
            mapping={}, look_ahead=False, strict=True, want_lines=False,
            on_refusal=lambda refusal: None, on_progress=lambda count: None
        )  # fmt: skip
    stored = [live.article(article.id) for article in taken]
    assert list(run.rows()) == [
        batch.OutputRow(a.id, a.story, a.canonical, a.relation, a.match, a.score) for a in stored
    ]


def _time(milliseconds: int | None) -> str | None:
    return (
        None if milliseconds is None else f"1970-{1 + milliseconds // (31 * DAY):02}-{1 + milliseconds // DAY % 31:02}"
    )


def test_epochs_and_boilerplate_survive_restarts_anywhere() -> None:
    taken, store = stream(300), MemoryStore()
    whole = Detector()
    verdicts = whole.ingest(taken, 5)
    restarted: list[Any] = []
    for begin in range(0, 300, 37):
        restarted += opened(store, Config()).ingest(taken[begin : begin + 37], 5)
    assert restarted == verdicts
    last = opened(store, Config())
    for archive in (whole._archive, last._archive):
        for number in archive.kept:
            archive.kept.note_record(number, 0)
    assert image(last) == image(whole)
    assert last.gauges()["epoch"] == 2


def test_what_pruned_articles_left_behind_is_replayed() -> None:
    config = small(max_indexed_articles=64, retention_days=3.0, index_days=1.0)
    store, taken = MemoryStore(), stream(200)
    live = opened(store, config)
    for k in range(0, 200, 10):
        live.ingest(taken[k : k + 10], k * DAY // 20)
        live.prune(k * DAY // 20)
        assert image(opened(store, config)) == image(live)
    assert 0 < live.gauges()["kept_articles"] < 100


def test_an_erasure_is_replayed_while_its_number_is_in_the_window() -> None:
    """Everything before it is pruned with it: the replayed window begins where the live one does."""
    config, store, day = small(max_indexed_articles=12, index_days=2.0, retention_days=5.0), MemoryStore(), 20_000 * DAY
    live = opened(store, config)
    live.ingest([Article("a", written(1, 0)), Article("b", written(2, 0))], day)
    live.erase("a", day + 9 * DAY)
    assert live.prune(day + 9 * DAY) == 1
    assert image(opened(store, config)) == image(live)
    live.ingest([Article("c", written(3, 0))], day + 18 * DAY)
    live.prune(day + 27 * DAY)
    assert image(opened(store, config)) == image(live)


def test_clearings_are_replayed_and_pruned_with_the_last_article_they_concern() -> None:
    config = small(max_indexed_articles=64, retention_days=3.0, index_days=1.0)
    store, taken = MemoryStore(), stream(200)
    live = opened(store, config)
    for k in range(0, 200, 10):
        live.ingest(taken[k : k + 10], k * DAY // 20)
        assert live.clear_boilerplate(f"s{k // 10 % 5}", k * DAY // 20) > 0
        live.prune(k * DAY // 20)
        replayed = opened(store, config)
        assert image(replayed) == image(live)
        assert replayed._others.clearings == live._others.clearings
    kept = [record for record in store.records if record is not None and record.kind == RecordKind.CLEARING]
    assert 0 < len(kept) < 15
    clearing = decode(RecordKind.CLEARING, kept[0].payload)
    assert isinstance(clearing, Clearing)
    assert clearing.end > 64


def test_a_clearing_can_be_broken_off_between_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boilerplate, "PART_WORDS", 1)
    store, taken = MemoryStore(), stream(60)
    live = opened(store, Config())
    live.ingest(taken[:50], 1)
    parts = live.clear_boilerplate_in_parts("s1", 2)
    next(parts)
    live.ingest(taken[50:], 3)
    next(parts)
    assert image(opened(store, Config())) == image(live)
    before = len(live._state.window.counted(live._state.window.source_hash("s1")))
    assert live.clear_boilerplate("s1", 4) == before > 2
    assert image(opened(store, Config())) == image(live)


def test_a_store_on_disk_is_taken_up_where_it_ended(tmp_path: Path) -> None:
    taken = stream(40)
    first = Detector(store=Store.open(tmp_path, scheme=SCHEME))
    verdicts = first.ingest(taken, 3)
    before = image(first)
    first.close()
    second = Detector(store=Store.open(tmp_path, scheme=SCHEME))
    try:
        assert image(second) == before
        again = second.ingest(taken, 4)
        assert again == [msgspec.structs.replace(verdict, replayed=True) for verdict in verdicts]
        assert second.article("n7").text == taken[7].text
    finally:
        second.close()


def test_replay_takes_whole_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "BLOCK", 256)
    monkeypatch.setattr(state, "BLOCK", 256)
    store = MemoryStore()
    opened(store, Config()).ingest(stream(300), 1)
    sizes: list[int] = []
    restore = state.State.restore

    def restore_and_count(self: state.State, decisions: Any) -> None:
        sizes.append(len(decisions))
        restore(self, decisions)

    monkeypatch.setattr(state.State, "restore", restore_and_count)
    opened(store, Config())
    assert sorted(sizes) == [44, 256]


def test_records_that_are_not_written_leave_nothing_acknowledged() -> None:
    store = MemoryStore()
    live = opened(store, Config())
    live.ingest(stream(10), 1)
    store.broken = OSError("full")
    with pytest.raises(OSError, match="full"):
        live.ingest(stream(20)[10:], 2)
    store.broken = None
    replayed = opened(store, Config())
    assert replayed.gauges()["kept_articles"] == 10
    assert store.appends == 1
