"""Withheld, embargoed, canceled: who is told of what, when; what is recalled; the feed says so too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import RunService
from tests.detector.test_events import read_all, stories_of
from tests.feed_reader import FeedReader
from tests.streams import MemoryStore, articles, image, small, written
from wirecopy import errors
from wirecopy.batch import run as batch
from wirecopy.client.client import Client
from wirecopy.config import Config
from wirecopy.detection.index import contents
from wirecopy.detector import ingestion, state
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.detector.history import replay
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article
from wirecopy.storage import Store

law: Callable[[Any], Any] = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
DAY = 86_400_000
NOW = 20_000 * DAY


def article(k: int, how: int = 0, **fields: Any) -> Article:
    return Article(**{"id": f"w{k}-{how}", "text": written(k, how), **fields})


def opened(store: MemoryStore, config: Config | None = None) -> Detector:
    return Detector(config, store)  # type: ignore[arg-type]


def named_in(live: Detector, known: list[str]) -> set[str]:
    """Every id that any answer names, but for those that are asked for by their own."""
    found: set[str] = set()
    listed, _ = live.stories(limit=500)
    for story in listed:
        found |= {story.canonical, *story.recall, *(member.id for member in story.members)}
        found |= {member.match for member in story.members if member.match}
        found |= {tie.match for tie in live.why(story.id).members if tie.match}
    for name in known:
        found |= {match.id for match in live.matches(name)} | {live.article(name).match or name}
        assert live.article(name).id == name
    return found


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(articles(wires=3, statuses=True), min_size=1, max_size=6)),
        st.tuples(st.just("erase"), st.sampled_from([f"a{k}" for k in range(12)])),
        st.tuples(st.just("wait"), st.sampled_from([3_600_000, DAY, 4 * DAY])),
        st.tuples(st.just("restart"), st.none()),
    ),
    min_size=1,
    max_size=12,
)


@law
@given(steps, st.sampled_from([12, 1000]))
def test_only_what_is_shown_is_told_and_the_feed_tells_the_same(taken: list[tuple[str, Any]], cap: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for module in (ingestion, replay, state, contents):
            patched.setattr(module, "BLOCK", 4)
        config = small(max_indexed_articles=cap)
        store, now, reader, current = MemoryStore(), NOW, FeedReader(), dict[str, Article]()
        live = opened(store, config)
        for what, given_ in taken:
            match what:
                case "ingest":
                    verdicts = live.ingest(given_, now)
                    current |= {one.id: one for one in given_}
                    hidden = {name for name, one in current.items() if is_hidden(one, now)}
                    assert not {m.id for verdict in verdicts[-1:] for m in verdict.matches} & hidden
                    assert not hidden & {verdict.id for verdict in verdicts[-1:] if verdict.canonical}
                case "erase":
                    if given_ in current:
                        live.erase(given_, now)
                        del current[given_]
                case "wait":
                    now += given_
                    live.reach(now)
                case _:
                    live = opened(store, config)
                    live.reach(now)
            shown = {name for name, one in current.items() if not is_hidden(one, now)}
            assert {name for _, members in stories_of(live).values() for name in members} == shown
            assert named_in(live, sorted(shown)) <= shown
            for name in current.keys() - shown:
                own = live.article(name)
                assert (own.status, own.canonical) == (current[name].status, False)
            reader.apply(live.events(reader.seen))
            assert reader.stories() == stories_of(live)
        afresh = FeedReader()
        afresh.apply(read_all(live))
        assert afresh.stories() == reader.stories()


def is_hidden(one: Article, now: int) -> bool:
    return one.status == "withheld" or (one.embargoed is not None and one.embargoed > now)


def test_a_withheld_article_is_matched_and_shown_by_its_own_id_alone() -> None:
    live = opened(MemoryStore())
    held, copy = live.ingest([article(1, status="withheld"), article(1, 6)], NOW)
    assert (held.canonical, held.story) == (False, "s0")
    assert (copy.story, copy.canonical, copy.match, copy.relation, copy.matches) == ("s0", True, None, None, ())
    story = live.story("s0")
    assert [member.id for member in story.members] == [story.canonical] == ["w1-6"]
    assert (story.copies, live.matches("w1-6")) == (0, ())
    own = live.article("w1-0")
    assert (own.status, own.text, own.match, own.relation) == ("withheld", written(1, 0), "w1-6", "identical")
    assert [match.id for match in live.matches("w1-0")] == ["w1-6"]
    assert [event.article for event in live.events()] == ["w1-6"]
    live.ingest([article(1)], NOW + 1)
    assert live.article("w1-0").revision == 2
    assert [match.id for match in live.matches("w1-6")] == ["w1-0"]
    assert len(live.story("s0").members) == 2


def test_a_story_of_withheld_articles_is_no_story() -> None:
    live = opened(MemoryStore())
    live.ingest([article(1, status="withheld")], NOW)
    with pytest.raises(errors.UnknownStory):
        live.story("s0")
    assert live.stories() == ([], None)
    assert live.events() == []


def test_what_is_withheld_later_is_taken_out_of_every_answer() -> None:
    live = opened(MemoryStore())
    first = live.ingest([article(1), article(1, 6)], NOW)[1]
    assert first.match == "w1-0"
    live.ingest([article(1, status="withheld")], NOW + 1)
    again = live.ingest([article(1, 6)], NOW + 2)[0]
    assert (again.replayed, again.match, again.matches) == (True, None, ())
    assert live.story("s0").canonical == "w1-6"
    assert [(e.type, e.article) for e in live.events()[2:]] == [("deleted", "w1-0"), ("canonical_changed", "w1-6")]


def test_an_embargo_ends_at_its_moment_and_the_feed_says_so() -> None:
    store = MemoryStore()
    live = opened(store)
    until = NOW + DAY
    told = live.ingest([article(1, 6), article(1, embargoed=until, published=NOW - DAY)], NOW)
    assert told[1].matches[0].id == "w1-6"
    assert live.article("w1-0").embargoed == until
    answer = live.ingest([article(1, 1)], NOW + 1)[0]
    assert {match.id for match in answer.matches} == {"w1-6"}
    assert live.reach(until - 1) == 0
    assert [member.id for member in live.story("s0").members] == ["w1-6", "w1-1"]
    assert live.reach(until) == 1
    assert live.story("s0").canonical == "w1-0"
    assert [(e.type, e.article, e.at) for e in live.events()[2:]] == [
        ("joined", "w1-0", until), ("canonical_changed", "w1-0", until)
    ]  # fmt: skip
    assert {match.id for match in live.matches("w1-6")} == {"w1-0", "w1-1"}
    assert live.ingest([article(1, 1)], until + 1)[0] == msgspec.structs.replace(answer, replayed=True)
    assert image(opened(store)) == image(live)


def test_why_counts_no_hidden_member() -> None:
    live = opened(MemoryStore())
    live.ingest([article(1), article(1, 6), article(1, 1, status="withheld")], NOW)
    assert [(tie.match, tie.compared) for tie in live.why("s0").members] == [("w1-6", 1), ("w1-0", 1)]
    live.ingest([article(1, 6, embargoed=NOW + DAY)], NOW + 1)
    [alone] = live.why("s0").members
    assert (alone.match, alone.odds, alone.average_odds, alone.compared) == (None, None, None, 0)


def test_what_was_canceled_under_an_embargo_is_recalled_when_that_ends() -> None:
    store = MemoryStore()
    live, until = opened(store), NOW + DAY
    live.ingest([article(1), article(1, 6)], NOW)
    live.ingest([article(1, status="canceled", embargoed=until)], NOW + 1)
    assert live.story("s0").recall == ()
    assert "recalled" not in {event.type for event in live.events()}
    live = opened(store)  # it may well end while the service is down
    seen = live.events()[-1].seq
    live.ingest([article(12)], until)
    assert [(e.type, e.article, e.articles) for e in live.events(seen)] == [
        ("joined", "w1-0", ()), ("recalled", "w1-0", ("w1-6",)), ("created", "w12-0", ())
    ]  # fmt: skip
    assert live.story("s0").recall == ("w1-6",)
    assert image(opened(store)) == image(live)


def test_an_embargo_that_is_over_hides_nothing() -> None:
    live = opened(MemoryStore())
    live.ingest([article(1, embargoed=NOW)], NOW)
    assert live.story("s0").canonical == "w1-0"


def test_what_was_canceled_is_recalled_and_stands_for_its_story_no_more() -> None:
    live = opened(MemoryStore())
    live.ingest([article(1, published=1), article(1, 6), article(1, 1), article(12)], NOW)
    assert (live.story("s0").canonical, live.story("s0").recall) == ("w1-0", ())
    told = live.ingest([article(1, published=1, status="canceled")], NOW + 1)[0]
    assert (told.revision, told.story, told.canonical) == (2, "s0", False)
    story = live.story("s0")
    assert (story.canonical != "w1-0", story.recall) == (True, ("w1-6", "w1-1"))
    assert {member.id: member.status for member in story.members}["w1-0"] == "canceled"
    assert [(e.type, e.article) for e in live.events()[4:]] == [
        ("revised", "w1-0"), ("canonical_changed", story.canonical), ("recalled", "w1-0")
    ]  # fmt: skip
    assert live.events()[-1].articles == ("w1-6", "w1-1")
    live.ingest([article(1, 18)], NOW + 2)
    assert live.story("s0").recall == ("w1-6", "w1-1", "w1-18")
    live.ingest([article(1, 6, status="canceled")], NOW + 3)
    assert live.story("s0").recall == ("w1-1", "w1-18")
    live.ingest([article(1, published=1), article(1, 6)], NOW + 4)
    assert live.story("s0").recall == ()


def test_a_cancellation_is_compared_by_what_it_cancels_whatever_its_text_says() -> None:
    for live in (Detector(), opened(MemoryStore())):
        live.ingest([article(1), article(1, 6)], NOW)
        notice = Article("w1-0", "Kill kill kill: do not use this story, it is withdrawn in full.", status="canceled")
        foretold = live.check(notice)
        told = live.ingest([notice], NOW + 1)[0]
        assert told == foretold
        assert (told.story, told.match) == ("s0", "w1-6")
        assert live.story("s0").recall == ("w1-6",)
        live.ingest([article(1, 1)], NOW + 2)
        assert live.story("s0").recall == ("w1-6", "w1-1")


def test_copies_that_are_compared_with_nothing_any_more_are_recalled_too() -> None:
    store, config = MemoryStore(), small(index_days=2.0)
    live = opened(store, config)
    live.ingest([article(1), article(1, 6), article(1, 1)], NOW)
    told = live.ingest([article(1, status="canceled")], NOW + 10 * DAY)[0]
    assert live.story("s0").recall == ("w1-6", "w1-1") == live.story(told.story).recall
    again = opened(store, config)
    assert image(again) == image(live)
    assert again.story("s0").recall == ("w1-6", "w1-1")
    again.erase("w1-0", NOW + 11 * DAY)
    assert again.story("s0").recall == ()


@pytest.mark.parametrize("change", [{"status": "withheld"}, {"status": "canceled"}, {"embargoed": 5}])
def test_status_and_embargo_are_content(change: dict[str, Any]) -> None:
    live = Detector()
    live.ingest([article(1)], NOW)
    changed = article(1, **change)
    assert live.ingest([changed], NOW)[0].revision == 2
    assert live.ingest([changed], NOW)[0].replayed
    with pytest.raises(errors.InvalidArticle):
        live.ingest([article(1, status="killed")], NOW)


def test_a_batch_names_no_hidden_article_but_in_its_own_line(tmp_path: Path) -> None:
    file = tmp_path / "articles.csv"
    rows = [("a", "withheld", ""), ("b", "", ""), ("c", "", "2999-01-01"), ("d", "usable", "2001-01-01")]
    lines = ["id,text,status,embargoed", *(f"{name},{written(1, 0)},{status},{until}" for name, status, until in rows)]
    file.write_text("\n".join(lines))
    run = batch.dedupe(
        [str(file)], Config(), mapping={}, look_ahead=False, strict=True, want_lines=True,
        on_refusal=lambda refusal: None, on_progress=lambda count: None
    )  # fmt: skip
    found = {row.id: row for row in run.rows()}
    assert {name for name, row in found.items() if row.canonical} == {"b"}
    assert {row.match for row in found.values()} <= {"b", "d"}
    assert len(list(run.unique_lines())) == 1


def test_over_http(run_service: RunService, tmp_path: Path) -> None:
    service = run_service(
        Config(), open_detector=lambda: Detector(Config(), Store.open(tmp_path / "data", scheme=SCHEME))
    )
    service.wait_ready()
    with service.client() as client, Client(service.url) as typed:
        typed.put_article(article(1, 6))
        body = {"text": written(1, 0), "status": "withheld", "embargoed": "2999-01-01T00:00:00Z"}
        put = client.put("/v1/articles/w1-0", json=body)
        assert put.status_code == 201
        shown = client.get("/v1/articles/w1-0").json()
        assert (shown["status"], shown["embargoed"]) == ("withheld", "2999-01-01T00:00:00Z")
        assert client.get("/v1/articles/w1-6/matches").json()["matches"] == []
        canceled = client.put("/v1/articles/w1-0", json={"text": written(1, 0), "status": "canceled"})
        assert (canceled.status_code, canceled.json()["revision"]) == (200, 2)
        story = client.get(f"/v1/stories/{canceled.json()['story']}").json()
        assert (story["recall"], story["canonical"]) == (["w1-6"], "w1-6")
        assert typed.story(story["id"]).recall == ("w1-6",)
        assert typed.article("w1-0").status == "canceled"
        kill = client.put("/v1/articles/w1-6", json={"title": "Kill: bridge", "status": "canceled"})
        assert (kill.status_code, kill.json()["revision"], kill.json()["story"]) == (200, 2, story["id"])
        assert typed.article("w1-6").text == ""
        item = {"uri": "w1-6", "pubstatus": "canceled", "headline": "Kill, again"}
        sent = client.post("/v1/articles", json=item, headers={"Content-Type": "application/ninjs+json"})
        assert (sent.status_code, sent.json()["revision"]) == (200, 3)
        early = Article("w1-7", "", status="canceled")
        assert typed.put_article(early).story != story["id"]
        assert typed.put_article(article(1, 7)).story == story["id"]
        assert client.put("/v1/articles/w1-6", json={"status": "withheld"}).status_code == 422
        killed = client.put("/v1/articles/w1-0", json={"text": "x", "status": "killed"})  # others' word for it
        assert killed.status_code == 200
        assert typed.article("w1-0").status == "canceled"
        client.put("/v1/articles/soon", json={"text": written(1, 1), "embargoed": "2999-01-01"})
        assert typed.put_article(article(1, 1, id="soon", embargoed=7)).revision == 2
        assert {match.id for match in typed.matches("w1-6")} >= {"soon"}


def test_verdicts_of_hidden_articles_stay_the_same() -> None:
    live = opened(MemoryStore())
    first: Verdict = live.ingest([article(1, embargoed=NOW + DAY)], NOW)[0]
    assert live.ingest([article(1, embargoed=NOW + DAY)], NOW + 2 * DAY)[0] == msgspec.structs.replace(
        first, replayed=True
    )
