"""`dedupe --against` the data of a service that was edited: erasures, revisions, pins, what nobody may be told of."""

import json
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.batch.test_journal import Rows, Runs, rows_of
from tests.conftest import Stored
from tests.edits import edit, edits
from tests.streams import articles, written
from wirecopy import Article, Client, Detector, storage
from wirecopy.config import Config, Service
from wirecopy.detector.detector import SCHEME
from wirecopy.detector.memory.records import content_of
from wirecopy.storage import Store

law: Callable[[Any], Any] = settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
DAY = 86_400_000
THEN, TODAY, SOME_DAY = 20_000 * DAY, 21_000 * DAY, 60_000 * DAY  # the last is far in the future of any clock


def held_back(one: Article) -> Article:
    """Some embargoes end in days that have passed, some do not."""
    return structs.replace(one, embargoed=SOME_DAY) if one.embargoed == 20_006 * DAY else one


taken_articles = articles(wires=3, statuses=True).map(held_back)
steps = st.lists(
    st.one_of(
        st.lists(taken_articles, min_size=1, max_size=6),
        edits(),
        st.sampled_from([f"a{k}" for k in range(12)]),
        st.sampled_from([3_600_000, DAY, 4 * DAY]),
        st.none(),
    ),
    min_size=1,
    max_size=12,
)


def take(live: Detector, step: Any, now: int) -> int:
    """One step in the life of a service; -> the moment after it."""
    match step:
        case int():
            live.reach(now + step)
            live.prune(now + step)
            return now + step
        case list():
            live.ingest(step, now)
        case tuple():
            edit(live, step, now)
        case str() if step in live._archive.number_of:
            live.erase(step, now)
        case _:
            live.clear_boilerplate("north", now)
    return now


def stored_bytes(folder: Path) -> dict[str, bytes]:
    """All that a service wrote; readers share SQLite's index of its log, and may leave that log behind, empty."""
    found = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    return {name: data for name, data in found.items() if data or not name.endswith("-wal")}


def answers(live: Detector, ids: list[str]) -> list[tuple[Any, ...]]:
    """What the service says of articles, as lines of output do."""
    told = [live.article(one) for one in ids]
    return [(one.id, one.story, one.canonical, one.relation, one.match, one.score) for one in told]


def split_by_known(live: Detector, taken: list[Article]) -> tuple[list[Article], int]:
    """-> the articles that are new to the service, and how many are refused: known with another content, or twice."""
    new, refused = [], 0
    seen: set[str] = set()
    for one in taken:
        number = live._archive.number_of.get(one.id)
        if number is not None:
            refused += live._archive.kept[number].content != content_of(one)
        elif one.id in seen:
            refused += 1
        else:
            new.append(one)
            seen.add(one.id)
    return new, refused


@law
@given(steps, st.lists(taken_articles, max_size=12))
def test_a_run_says_what_the_service_would_have_said(taken: list[Any], news: list[Article]) -> None:
    """By the rules of a service that forgets nothing, without looking ahead: the rows are its own answers."""
    with tempfile.TemporaryDirectory() as folder:
        run, data, now = Runs(Path(folder)), Path(folder) / "data", THEN
        with Store.open(data, scheme=SCHEME) as store:
            live = Detector(Config(service=Service(index_days=None)), store)
            for step in taken:
                now = take(live, step, now)
            new, refused = split_by_known(live, news)
            before = stored_bytes(data)
            options = ["--no-look-ahead", "--against", str(data), "--unique", run.path("unique.jsonl")]
            rows = rows_of(run(news, *options, code=1 if refused else 0))
            assert stored_bytes(data) == before
            live.ingest(new, TODAY)
            live.reach(TODAY)
            assert [tuple(row.values()) for row in rows] == answers(live, [one.id for one in new])
            unique = [json.loads(line)["id"] for line in Path(run.path("unique.jsonl")).read_bytes().splitlines()]
            assert unique == [row["id"] for row in rows if row["canonical"]]
            archive = live._archive
            hidden = {archive.kept[number].id for number in archive.hidden if archive.is_current(number)}
            assert not hidden & {row["match"] for row in rows}


@law
@given(steps, st.lists(taken_articles, max_size=8), st.booleans())
def test_nothing_hidden_erased_or_pruned_is_named(taken: list[Any], news: list[Article], into_a_state: bool) -> None:
    """With all that a service forgets, looking ahead, and with a state that goes on from its data."""
    config = Config(service=Service(index_days=1.0, retention_days=3.0, max_indexed_articles=1024))
    with tempfile.TemporaryDirectory() as folder:
        run, data, now = Runs(Path(folder)), Path(folder) / "data", THEN
        with Store.open(data, scheme=SCHEME) as store:
            live = Detector(config, store)
            for step in taken:
                now = take(live, step, now)
            live.reach(TODAY)
            new, refused = split_by_known(live, news)
            shown = {one.id for number, one in live._archive.kept.items() if live._archive.is_shown(number)}
        before = stored_bytes(data)
        state = ["--state", run.path("state")] if into_a_state else []
        rows = rows_of(run(news, "--against", str(data), *state, code=1 if refused else 0))
        assert stored_bytes(data) == before
        check_rows(rows, new, shown)
        if into_a_state:
            going_on = ["--state", run.path("state"), "--against", run.path("state")]
            more = [Article(f"m{k}", written(k, 0)) for k in range(3)]
            check_rows(rows_of(run(more, *going_on)), more, shown | {one.id for one in new})
            assert storage.verify(Path(run.path("state"))).problems == ()
        with Store.open(data, scheme=SCHEME) as store:
            assert {one.id for one in Detector(config, store)._archive.kept.values()} >= shown


def check_rows(rows: Rows, new: list[Article], shown: set[str]) -> None:
    told = {one.id for one in new if one.status != "withheld" and one.embargoed != SOME_DAY}
    assert [row["id"] for row in rows] == [one.id for one in new]
    for row in rows:
        assert row["match"] is None or row["match"] in shown | told
        assert not row["canonical"] or row["id"] in told


def test_what_pins_hold_apart_stays_apart_and_what_was_erased_is_new(tmp_path: Path) -> None:
    run, data = Runs(tmp_path), tmp_path / "data"
    with Store.open(data, scheme=SCHEME) as store:
        live = Detector(store=store)
        live.ingest([Article(name, written(1, 0)) for name in ("a", "b", "gone")], 1)
        live.ingest([Article("killed", written(13, 0)), Article("b", written(1, 0), title="Again")], 2)
        live.ingest([Article("held", written(25, 0), status="withheld"), Article("later", written(37, 0))], 3)
        live.ingest([Article("later", written(37, 0), embargoed=SOME_DAY)], 4)
        live.ingest([Article("killed", "KILL: this story was wrong", status="canceled")], 5)
        live.pin(["a", "b"], together=False, now=6)
        live.erase("gone", 7)
        apart = {live.article("a").story, live.article("b").story}
        assert len(apart) == 2
    texts = {"a2": 1, "killed2": 13, "held2": 25, "later2": 37, "gone": 1}
    rows = {
        row["id"]: row
        for row in rows_of(run([Article(k, written(n, 0)) for k, n in texts.items()], "--against", str(data)))
    }
    assert {rows["a2"]["story"], rows["gone"]["story"]} <= apart
    assert rows["a2"]["match"] in ("a", "b", "gone")
    assert rows["killed2"]["canonical"], "what was canceled stands for nothing"
    assert rows["killed2"]["match"] == "killed"
    for copy, of in (("held2", "held"), ("later2", "later")):
        assert (rows[copy]["match"], rows[copy]["relation"], rows[copy]["canonical"]) == (None, None, True)
        assert of not in run.output.read_text("utf-8").replace(copy, "")
    with Store.open(data, scheme=SCHEME) as store:
        assert {rows["held2"]["story"]} == {Detector(store=store).article("held").story}


def test_runs_read_beside_a_service_that_takes_edits_and_forgets(stored: Stored, tmp_path: Path) -> None:
    service, run, data = stored(), Runs(tmp_path), tmp_path / "data"
    ended, told = threading.Event(), list[BaseException]()

    def live() -> None:
        try:
            with Client(service.url) as client:
                for k in range(10_000):
                    if ended.is_set():
                        return
                    client.put_article(Article(f"secret-{k}", written(k % 40, 0), status="withheld"))
                    client.put_article(Article(f"open-{k}", written(k % 40, 1)))
                    client.put_article(Article(f"gone-{k}", written(k % 40, 2)))
                    client.put_article(Article(f"open-{k}", written(k % 40, 4)))
                    if k:
                        client.pin([f"open-{k}", f"open-{k - 1}"], together=False)
                    client.delete_article(f"gone-{k}")
        except BaseException as error:  # noqa: BLE001 - raised by the test
            told.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        for _ in range(6):
            news = [Article(f"new-{k}", written(k, 0)) for k in range(40)]
            rows = rows_of(run(news, "--against", str(data)))
            assert [row["id"] for row in rows] == [one.id for one in news]
            assert not [row for row in rows if (row["match"] or "").startswith("secret")]
    finally:
        ended.set()
        thread.join(60)
    assert told == []
    service.stop()
    service.wait_stopped()
    assert storage.verify(data).problems == ()


@pytest.mark.parametrize("option", [[], ["--no-look-ahead"]])
def test_the_ids_of_what_is_hidden_are_known_all_the_same(tmp_path: Path, option: list[str]) -> None:
    run, data = Runs(tmp_path), tmp_path / "data"
    held = Article("held", written(1, 0), status="withheld")
    with Store.open(data, scheme=SCHEME) as store:
        Detector(store=store).ingest([held], 1)
    assert rows_of(run([held], "--against", str(data), *option)) == []
    assert rows_of(run([structs.replace(held, status="usable")], "--against", str(data), *option, code=1)) == []
