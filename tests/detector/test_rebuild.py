"""Rebuilding: a new database from the kept texts of an old one of any scheme; readers follow by the feed."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.detector.test_events import read_all, stories_of
from tests.edits import check_pins, edits, take_step
from tests.feed_reader import FeedReader
from tests.storage_deaths import die_at
from tests.storage_writer import append_some
from tests.streams import MemoryStore, articles, image, small, stream, written
from tests.web.test_kill import Serving
from wirecopy import errors
from wirecopy.cli.commands import main
from wirecopy.config import Config, Detection, Service
from wirecopy.detection.evidence.model import shipped_model
from wirecopy.detection.index import contents
from wirecopy.detector import ingestion, state
from wirecopy.detector.detector import SCHEME, Detector, scheme_of
from wirecopy.detector.history import rebuild as rebuilding
from wirecopy.detector.history import replay
from wirecopy.detector.history.rebuild import Rebuilt, open_rebuild
from wirecopy.detector.memory.records import RecordKind, decode_decision, encode
from wirecopy.schema.article import Article
from wirecopy.storage import Entry, Snapshot, Store, replacing, verify
from wirecopy.storage.place import StoreFolder

law: Callable[[Any], Any] = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
DAY = 86_400_000
NOW = 20_000 * DAY
CODE = (rebuilding.__file__, sys.modules["wirecopy.storage.replacing"].__file__)


def opened(folder: Path, config: Config | None = None, scheme: str = SCHEME) -> Any:
    return closing(Detector(config, Store.open(folder, scheme=scheme)))


def rebuild(folder: Path, config: Config | None = None, *, now: int = NOW, **options: Any) -> Rebuilt:
    with open_rebuild(folder, config or Config(), **options) as planned:
        return planned.run(now, lambda _: None)


def article(k: int, how: int = 0, **fields: Any) -> Article:
    return Article(**{"id": f"w{k}-{how}", "text": written(k, how), **fields})


def names(folder: Path) -> set[str]:
    """The files of a folder, but for those that SQLite leaves behind when somebody reads."""
    return {path.name for path in folder.iterdir()} - {"wirecopy.db-wal", "wirecopy.db-shm"}


def partition(stories: dict[str, tuple[str, frozenset[str]]]) -> set[tuple[str, frozenset[str]]]:
    return set(stories.values())


def without_records(live: Detector) -> dict[str, Any]:
    """The image, but for where things lie in the store; of redirects those that lead somewhere."""
    members = live._state.stories.members
    live._feed.redirects.revive(members)
    live._feed.redirects.tidy(members)
    found = {name: part for name, part in image(live).items() if name != "feed"}
    found["kept"] = {n: repr(msgspec.structs.replace(kept, record=0)) for n, kept in live._archive.kept.items()}
    return found


def lives(folder: Path) -> list[tuple[str, int, int, str, int | None]]:
    """What is kept of every revision, beside its place."""
    with Snapshot.open(folder) as found:
        decisions = [(r.id, decode_decision(r.payload)) for r in found.replay() if r.kind == RecordKind.ARTICLE]
    return [(name or "", d.revision, d.first_seen, d.status, d.embargoed) for name, d in decisions]


Step = tuple[str, Any]
same_numbers = [
    st.tuples(st.just("ingest"), st.lists(articles(statuses=True), min_size=1, max_size=8)),
    st.tuples(st.just("wait"), st.sampled_from([1, 3_600_000, DAY, 3 * DAY, 9 * DAY])),
    st.tuples(st.sampled_from(["expire", "reach", "restart"]), st.none()),
    st.tuples(st.just("clear"), st.sampled_from([None, "north", "south"])),
    st.tuples(st.just("edit"), edits()),
]
with_gaps = [
    *same_numbers,
    st.tuples(st.just("prune"), st.none()),
    st.tuples(st.just("erase"), st.sampled_from([f"a{k}" for k in range(12)])),
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingestion, replay, state, contents):
        monkeypatch.setattr(module, "BLOCK", 4)


def live_through(folder: Path, config: Config, taken: list[Step]) -> int:
    """Takes the steps, and leaves a folder that is closed; -> the last moment."""
    now = NOW
    live = Detector(config, Store.open(folder, scheme=SCHEME))
    for what, given_ in taken:
        match what:
            case "wait":
                now += given_
            case "restart":
                live.close()
                live = Detector(config, Store.open(folder, scheme=SCHEME))
            case _:
                take_step(live, what, given_, now)
    live.close()
    return now


# Laws


@law
@given(st.lists(st.one_of(same_numbers), min_size=1, max_size=14), st.sampled_from([12, 1000]))
def test_under_the_same_settings_nothing_changes(
    tmp_path_factory: pytest.TempPathFactory, taken: list[Step], cap: int
) -> None:
    folder, config = tmp_path_factory.mktemp("rebuild"), small(max_indexed_articles=cap, index_days=2.0)
    live_through(folder, config, taken)
    with opened(folder, config) as before:
        expected, events = without_records(before), read_all(before)
    made = rebuild(folder, config, now=0)
    assert (made.last_event, made.lost_pins) == (len(events), 0)
    with opened(folder, config) as after:
        assert read_all(after) == events
        assert without_records(after) == expected
    assert verify(folder).problems == ()


@law
@given(st.lists(st.one_of(with_gaps), min_size=1, max_size=16), st.sampled_from([0.5, -2.0]))
def test_what_is_kept_stays_pins_hold_and_the_feed_leads_to_the_new_stories(
    tmp_path_factory: pytest.TempPathFactory, taken: list[Step], least: float
) -> None:
    folder, service = tmp_path_factory.mktemp("rebuild"), Service(retention_days=5.0, index_days=2.0)
    now = live_through(folder, Config(service=service), taken)
    known, reader = lives(folder), FeedReader()
    copy = tmp_path_factory.mktemp("copy") / "data"
    shutil.copytree(folder, copy)
    with opened(copy) as later:  # an embargo that has ended since shows pins that were hidden, without a rebuild too
        later.reach(now)
        pins = later.pins()
    with opened(folder) as before:
        next_number, last = before._state.loaded, before._feed.last
        oldest = before._feed._firsts[0] if before._feed._firsts else last + 1
        if oldest == 1:
            reader.apply(read_all(before))
            assert reader.stories() == stories_of(before)
    made = rebuild(folder, Config(service=service, detection=Detection(min_odds=least)), now=now)
    assert lives(folder) == known
    with opened(folder) as after:
        assert after.pins() == pins
        check_pins(after)
        assert after._state.loaded >= next_number
        assert (made.first_event, made.last_event) == (last + 1, after._feed.last)
        if oldest == 1:
            reader.apply(after.events(reader.seen))
            assert reader.stories() == stories_of(after)
        after.ingest([Article("later", written(50, 0))], now)
        assert after.story(f"s{after._state.loaded - 1}").canonical == "later"
        expected = without_records(after)
    with opened(folder) as again:
        assert without_records(again) == expected


@law
@given(st.lists(st.one_of(with_gaps[:3] + with_gaps[-2:]), min_size=1, max_size=12))
def test_the_stories_are_those_of_a_fresh_service_given_the_same_articles(
    tmp_path_factory: pytest.TempPathFactory, taken: list[Step]
) -> None:
    folder, config = tmp_path_factory.mktemp("rebuild"), small(retention_days=5.0, index_days=2.0)
    now = live_through(folder, config, taken)
    with opened(folder, config) as before:
        numbers = before._archive.kept
        kept = [(before._archive.decision(n), k, before._archive.text(n)) for n, k in numbers.items()]
    fresh = Detector(config, MemoryStore())  # type: ignore[arg-type]
    for d, k, text in kept:
        fields = d.title, d.source, d.url, d.published, d.language, d.status, d.embargoed
        fresh.ingest([Article(k.id, text or "", *fields)], d.arrived)
    fresh.reach(now)
    rebuild(folder, config, now=now)
    with opened(folder, config) as after:
        assert partition(stories_of(after)) == partition(stories_of(fresh))


def test_ids_of_stories_stay_where_articles_before_them_are_gone(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.ingest([article(1), article(2), article(3), article(3, 1), article(4), article(4, 1)], 5)
        live.erase("w1-0", 6)
        live.erase("w4-0", 7)
        before = stories_of(live)
        assert set(before) == {"s1", "s2", "s4"}
    assert rebuild(tmp_path).last_event == 11
    with opened(tmp_path) as after:
        stories = stories_of(after)
        assert stories == {"s1": before["s1"], "s2": before["s2"], "s5": before["s4"]}
        assert after.story("s4").id == "s5"
        with pytest.raises(errors.UnknownArticle):
            after.article("w1-0")
        assert [(event.type, event.other, event.story) for event in after.events(9)] == [
            ("merged", "s4", "s5"),
            ("canonical_changed", None, "s5"),
        ]


# Other schemes


def harsh(tmp_path: Path) -> Config:
    """Another model, for which nothing but the same text matches."""
    model = msgspec.structs.replace(shipped_model(), bias=-30.0)
    (tmp_path / "model.json").write_bytes(msgspec.json.encode(model))
    (tmp_path / "harsh.yaml").write_text(f"detection: {{model: {tmp_path / 'model.json'}}}\n", encoding="utf-8")
    return Config(detection=Detection(model=str(tmp_path / "model.json")))


def test_another_model_decides_otherwise_and_serves_the_folder_then(tmp_path: Path) -> None:
    folder, config = tmp_path / "data", harsh(tmp_path)
    taken = stream(80)
    with opened(folder) as live:
        for k in range(0, 80, 8):
            live.ingest(taken[k : k + 8], NOW + k)
        before, reader = stories_of(live), FeedReader()
        reader.apply(read_all(live))
        live.place({"desk": 7})
        live.place({"archive": 9})
    made = rebuild(folder, config, now=NOW + 100)
    with pytest.raises(errors.OtherScheme, match="wirecopy rebuild"):
        Store.open(folder, scheme=SCHEME)
    fresh = Detector(config, MemoryStore())  # type: ignore[arg-type]
    for k in range(0, 80, 8):
        fresh.ingest(taken[k : k + 8], NOW + k)
    with opened(folder, config, scheme_of(config)) as after:
        assert stories_of(after) == stories_of(fresh)
        assert len(stories_of(after)) > len(before)
        assert made.stories == len(stories_of(after))
        own: dict[str, Any] = {"redirects": {}, "positions": {}}  # what a fresh service has nothing of
        assert without_records(after) | own == without_records(fresh) | own
        reader.apply(after.events(reader.seen))
        assert reader.stories() == stories_of(after)
        assert {event.at for event in after.events(made.first_event - 1)} == {NOW + 100}
        assert after.article("n7").text == taken[7].text
        assert after.positions() == {"desk": 7, "archive": 9}


def as_made_otherwise(folder: Path) -> None:
    """Gives a folder the records of a program with other words, fewer keys, and no traces."""
    with Snapshot.open(folder) as old:
        entries = [Entry(record.kind, record.id, record.payload, old.text(record.number)) for record in old.replay()]
    for k, entry in enumerate(entries):
        if entry.kind == RecordKind.ARTICLE:
            decision = decode_decision(entry.payload)
            bare = msgspec.structs.replace(decision, trace=b"", keys=b"1234", weights=decision.weights[::2])
            entries[k] = entry._replace(payload=encode(bare))
    with replacing(folder) as new, Store.open(new, scheme="text-0 keys-1 model-0") as target:
        target.append(entries)


def test_no_sketch_of_the_old_scheme_is_looked_at(tmp_path: Path) -> None:
    with opened(tmp_path) as live:
        live.ingest(stream(60), NOW)
        live.merge("s0", live.article("n59").story, NOW + 1)
        before, pins = stories_of(live), live.pins()
    as_made_otherwise(tmp_path)
    with pytest.raises(errors.OtherScheme):
        Store.open(tmp_path, scheme=SCHEME)
    rebuild(tmp_path)
    with opened(tmp_path) as after:
        assert stories_of(after) == before
        assert after.pins() == pins


# Missing texts, and what is refused


def test_articles_without_text_are_counted_and_left_out_only_when_asked(tmp_path: Path) -> None:
    silent = Config(service=Service(keep_text=False))
    with opened(tmp_path, silent) as live:
        live.ingest([article(1), article(2)], NOW)
    with opened(tmp_path) as live:
        live.ingest([Article("w2-0", written(3, 0)), article(1, 1), article(5)], NOW + 1)
        live.pin(["w1-0", "w1-1", "w5-0"], together=True, now=NOW + 2)
        live.pin(["w2-0", "w5-0"], together=False, now=NOW + 3)
        reader = FeedReader()
        reader.apply(read_all(live))
    with opened(tmp_path, silent) as live:
        live.ingest([Article("w5-0", written(6, 0))], NOW + 4)
    said = r"2 of the 4 articles in .* have no kept text .*, nor have 1 earlier revisions of others: .*--without-miss"
    before = names(tmp_path)
    with pytest.raises(errors.TextsMissing, match=said):
        rebuild(tmp_path)
    assert names(tmp_path) == before
    rebuild(tmp_path, without_missing=True)
    assert lives(tmp_path) == [("w2-0", 2, NOW, "usable", None), ("w1-1", 1, NOW + 1, "usable", None)]
    with opened(tmp_path) as after:
        assert after.pins() == []
        reader.apply(after.events(reader.seen))
        assert reader.stories() == stories_of(after)
        assert reader.story_of.keys() == {"w2-0", "w1-1"}
    assert verify(tmp_path).problems == ()


def test_pins_of_articles_whose_earlier_revisions_have_no_text_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path, Config(service=Service(keep_text=False))) as live:
        live.ingest([article(1), article(2)], NOW)
        live.pin(["w1-0", "w2-0"], together=True, now=NOW)
        pins = live.pins()
    with opened(tmp_path) as live:
        live.ingest([Article("w1-0", written(3, 0)), Article("w2-0", written(4, 0))], NOW + 1)
    made = rebuild(tmp_path, without_missing=True)
    assert made.lost_pins == 0
    with opened(tmp_path) as after:
        assert after.pins() == pins
        check_pins(after)
        live = after.ingest([Article("w9-0", written(9, 0))], NOW + 2)
        expected = without_records(after)
    with opened(tmp_path) as again:
        assert without_records(again) == expected


def test_a_folder_in_use_or_without_articles_or_of_dedupe_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, runs, inputs = tmp_path / "data", tmp_path / "runs", tmp_path / "in.jsonl"
    with opened(data) as live:
        live.ingest([article(1)], NOW)
        assert main(["rebuild", "--data", str(data)]) == 3
    assert main(["rebuild", "--data", str(tmp_path / "none")]) == 3
    inputs.write_text(json.dumps({"id": "a", "text": written(1, 0)}), encoding="utf-8")
    assert main(["dedupe", str(inputs), "-o", str(tmp_path / "out.jsonl"), "--state", str(runs)]) == 0
    capsys.readouterr()
    assert main(["rebuild", "--data", str(runs)]) == 2
    assert capsys.readouterr().err == (
        f"wirecopy: {runs} is a state of dedupe: run that over its inputs again, with a new --state\n"
    )
    assert not (tmp_path / "none").exists()


def lose_the_end(folder: Path) -> None:
    """Leaves one of two articles in a folder whose counter knows of both."""
    with opened(folder) as live:
        live.ingest([article(1)], NOW)
    older = StoreFolder(folder).database.read_bytes()
    with opened(folder) as live:
        live.ingest([article(2)], NOW)
    StoreFolder(folder).database.write_bytes(older)


def test_a_lost_end_is_refused_unless_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lose_the_end(tmp_path)
    assert main(["rebuild", "--data", str(tmp_path)]) == 3
    assert "--accept-loss" in capsys.readouterr().err
    assert main(["rebuild", "--data", str(tmp_path), "--accept-loss"]) == 0
    out, err = capsys.readouterr()
    assert "records 3 to 4 were acknowledged and are missing; going on without it" in err
    assert "made anew: 1 articles in 1 stories; nothing that readers know of has changed" in out


def test_serve_tells_in_its_log_what_it_goes_on_without(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    lose_the_end(folder)
    assert Serving(folder, "--accept-loss").end(signal.SIGTERM) == 0
    said = 'event=loss level=warning message="records 3 to 4 were acknowledged and are missing; going on without it"'
    assert said in (tmp_path / "log").read_text(encoding="utf-8")


# The command


def test_the_command_says_what_it_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    harsh(tmp_path)
    with opened(data) as live:
        live.ingest([article(1), article(1, 1), article(2)], NOW)
        live.ingest([Article("w2-0", written(7, 0))], NOW)
    assert main(["rebuild", "--data", str(data), "--config", str(tmp_path / "harsh.yaml")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{data}: 3 articles with 4 revisions are decided anew, from scheme {SCHEME} to text-")
    told = "the feed says what has changed in events 5 to "
    assert second.startswith(f"{data}: made anew: 3 articles in 3 stories; {told}")
    assert main(["verify", "--data", str(data)]) == 0
    assert main(["rebuild", "--data", str(data)]) == 0
    assert main(["rebuild", "--help"]) == 0
    assert "--without-missing" in capsys.readouterr().out


# Failures


def fill(folder: Path, count: int = 30) -> None:
    with opened(folder) as live:
        live.ingest(stream(count), NOW)
        live.pin(["n1", "n2"], together=True, now=NOW)
    as_made_otherwise(folder)


def test_too_little_room_is_told_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(errors.NoRoom, match="has 1,000 bytes free"):
        rebuild(tmp_path)
    assert verify(tmp_path).problems == ()


def test_a_full_disk_leaves_the_old_database(tmp_path: Path) -> None:
    fill(tmp_path, 300)
    before, size = StoreFolder(tmp_path).database.read_bytes(), StoreFolder(tmp_path).database.stat().st_size
    failed = subprocess.run(
        [sys.executable, "-m", "wirecopy", "rebuild", "--data", str(tmp_path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2)),
        capture_output=True, text=True, check=False
    )  # fmt: skip
    assert failed.returncode == 3, failed.stderr
    assert failed.stderr.startswith("wirecopy: ")
    assert failed.stderr.count("\n") == 1
    assert StoreFolder(tmp_path).database.read_bytes() == before
    assert names(tmp_path) == {"wirecopy.db", "wirecopy.lock", "wirecopy.marks"}
    assert rebuild(tmp_path).articles == 300


def test_an_interrupted_rebuild_leaves_the_old_database(tmp_path: Path) -> None:
    fill(tmp_path)

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_rebuild(tmp_path, Config()) as planned:
        planned.run(NOW, interrupt)
    assert names(tmp_path) == {"wirecopy.db", "wirecopy.lock", "wirecopy.marks"}
    with Store.open(tmp_path, scheme="text-0 keys-1 model-0") as target:
        append_some(target, 1)


def test_a_kill_at_any_point_leaves_the_old_database_or_the_new_one(tmp_path: Path) -> None:
    origin, folder, schemes, line = tmp_path / "origin", tmp_path / "data", [], 3
    fill(origin)
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(origin, folder)
        died = die_at(line, CODE.__contains__, lambda: rebuild(folder))
        for scheme in ("text-0 keys-1 model-0", SCHEME):
            try:
                with Store.open(folder, scheme=scheme) as target:
                    kinds = [record.kind for record in target.replay()]
                schemes.append(scheme)
                assert kinds.count(RecordKind.ARTICLE) == 30
                assert kinds.count(RecordKind.CHECKPOINT) == (scheme == SCHEME)
            except errors.OtherScheme:
                pass
        assert verify(folder).problems == ()
        assert names(folder) == {"wirecopy.db", "wirecopy.lock", "wirecopy.marks"}
        if not died:
            break
        line += 9
    assert len(schemes) == (line - 3) // 9 + 1 > 20
    assert schemes == sorted(schemes), "first the old one, then the new one"
    assert len(set(schemes)) == 2
