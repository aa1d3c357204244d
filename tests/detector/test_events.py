"""The feed: gap-free, in order, the same after a restart; whoever applies it has the stories that the API shows."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edits import check_pins, edit, edits
from tests.feed_reader import FeedReader
from tests.streams import MemoryStore, articles, small, stream, written
from wirecopy import errors
from wirecopy.config import Config
from wirecopy.detection.index import contents
from wirecopy.detector import ingestion, state
from wirecopy.detector.detector import Detector
from wirecopy.detector.feed import feed
from wirecopy.detector.feed.events import Standing, Transfer, derive
from wirecopy.detector.history import replay
from wirecopy.detector.memory.records import Fact
from wirecopy.schema.article import Article

law: Callable[[Any], Any] = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
DAY = 86_400_000


def stories_of(live: Detector) -> dict[str, tuple[str, frozenset[str]]]:
    """Story id -> its canonical and its members, as the API has them."""
    found, cursor = live.stories(limit=500)
    assert cursor is None
    return {story.id: (story.canonical, frozenset(member.id for member in story.members)) for story in found}


def read_all(live: Detector, limit: int = 1000) -> list[Any]:
    events: list[Any] = []
    while page := live.events(len(events), limit):
        events += page
    return events


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingestion, replay, state, contents):
        monkeypatch.setattr(module, "BLOCK", 4)


@law
@given(
    st.lists(st.lists(articles(wires=4), min_size=1, max_size=6), min_size=1, max_size=8),
    st.sampled_from([12, 1000]),
    st.sampled_from([None, 1]),
    st.integers(1, 7),
)
def test_whoever_applies_the_feed_has_the_stories(
    batches: list[list[Article]], cap: int, restarts: int | None, page: int
) -> None:
    store, config, reader = MemoryStore(), small(max_indexed_articles=cap), FeedReader()
    live = Detector(config, store)  # type: ignore[arg-type]
    for k, batch in enumerate(batches):
        if restarts is not None:
            live = Detector(config, store)  # type: ignore[arg-type]
        live.ingest(batch, k)
        reader.apply(live.events(reader.seen))
        assert reader.stories() == stories_of(live)
    afresh = FeedReader()
    afresh.apply(read_all(live, page))
    assert afresh.stories() == stories_of(live)
    assert read_all(Detector(config, store)) == read_all(live)  # type: ignore[arg-type]
    assert read_all(live) == read_all(live, 1)


@law
@given(
    st.lists(st.one_of(edits(), st.lists(articles(wires=4), min_size=1, max_size=6)), min_size=2, max_size=14),
    st.sampled_from([12, 1000]),
)
def test_editors_win_over_the_evidence_and_the_feed_tells_all(taken: list[Any], cap: int) -> None:
    store, config, reader = MemoryStore(), small(max_indexed_articles=cap), FeedReader()
    live = Detector(config, store)  # type: ignore[arg-type]
    for k, what in enumerate(taken):
        if isinstance(what, tuple):
            edit(live, what, k)
        else:
            live.ingest(what, k)
            check_pins(live)
        reader.apply(live.events(reader.seen))
        assert reader.stories() == stories_of(live)
        gone = [str(event.other) for event in live.events() if event.type == "merged"]
        live = Detector(config, store)  # type: ignore[arg-type]
        for story in gone:
            heir = live._feed.redirects.follow(story)
            assert heir != story
            assert (heir in live._state.stories.members) == (heir in reader.canonical)


def test_articles_are_tied_through_one_that_leaves_for_its_next_revision() -> None:
    live = Detector()
    live.ingest([Article("a", written(1, 0)), Article("b", written(1, 0)), Article("c", written(9, 0))], 1)
    live.pin(["a", "b"], together=True)
    live.pin(["b", "c"], together=True)
    live.ingest([Article("b", written(5, 0))], 2)
    check_pins(live)
    assert [member.id for member in live.story("s0").members] == ["a", "b", "c"]


@law
@given(st.lists(articles(wires=4), min_size=1, max_size=30), st.integers(1, 9))
def test_the_feed_does_not_depend_on_batches(taken: list[Article], size: int) -> None:
    one_by_one, batched = Detector(), Detector()
    for article in taken:
        one_by_one.ingest([article], 7)
    for k in range(0, len(taken), size):
        batched.ingest(taken[k : k + size], 7)
    assert read_all(batched) == read_all(one_by_one)


def test_a_late_original_takes_over_and_the_feed_says_so() -> None:
    live = Detector()
    live.ingest([Article("copy", written(1, 0), published=5)], 1)
    live.ingest([Article("original", written(1, 0), published=2)], 2)
    assert [(e.seq, e.type, e.at, e.story, e.article, e.previous) for e in live.events()] == [
        (1, "created", 1, "s0", "copy", None),
        (2, "joined", 2, "s0", "original", None),
        (3, "canonical_changed", 2, "s0", "original", "copy"),
    ]


def test_a_revision_that_leaves_its_story_is_told_to_both() -> None:
    live = Detector()
    live.ingest([Article("a", written(1, 0)), Article("c", written(3, 0)), Article("b", written(1, 0))], 1)
    live.ingest([Article("b", written(3, 0))], 2)
    assert [(e.type, e.story, e.article, e.other, e.revision) for e in live.events(3)] == [
        ("revised", "s0", "b", None, 2),
        ("joined", "s1", "b", "s0", None),
    ]


def test_what_is_asked_or_repeated_tells_nothing() -> None:
    live = Detector()
    taken = [Article("a", written(1, 0)), Article("b", written(1, 0))]
    live.ingest(taken, 1)
    before = live.events()
    live.check(Article("a", written(2, 0)))
    live.check(Article("z", written(1, 1)))
    live.ingest(taken, 2)
    assert live.events() == before


def test_pruned_events_are_gone_and_the_rest_stays_numbered() -> None:
    config = small(max_indexed_articles=64, retention_days=3.0, index_days=1.0)
    store, taken, reader = MemoryStore(), stream(200), FeedReader()
    live = Detector(config, store)  # type: ignore[arg-type]
    for k in range(0, 200, 10):
        live.ingest(taken[k : k + 10], k * DAY // 20)
        live.prune(k * DAY // 20)
        reader.seen = live.events(reader.seen)[-1].seq
        live = Detector(config, store)  # type: ignore[arg-type]
    with pytest.raises(errors.EventsGone, match="are not kept any more: the feed is kept from event"):
        live.events(0)
    with pytest.raises(errors.EventsGone) as gone:
        live.events(3)
    assert gone.value.oldest is not None
    kept = live.events(gone.value.oldest - 1)
    assert [event.seq for event in kept] == list(range(gone.value.oldest, reader.seen + 1))
    live.prune(1000 * DAY)
    assert live.gauges()["kept_articles"] == 0
    again = Detector(config, store)  # type: ignore[arg-type]
    last = again.gauges()["events"]
    assert last == live.gauges()["events"] >= reader.seen
    again.ingest(stream(201)[200:], 2000 * DAY)
    assert [event.seq for event in again.events(int(last))] == [last + 1]


def test_a_number_that_is_not_given_out_yet_is_refused() -> None:
    live = Detector()
    live.ingest([Article("a", written(1, 0))], 1)
    assert live.events(1) == []
    with pytest.raises(errors.UsageError, match="there is no event 2 yet: the last one is 1"):
        live.events(2)


def test_events_are_read_from_the_store_when_memory_holds_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_RECENT", 5)
    store, whole = MemoryStore(), Detector()
    live = Detector(store=store)  # type: ignore[arg-type]
    for article in stream(40):
        live.ingest([article], 3)
        whole.ingest([article], 3)
    assert live._feed._held < 12
    for after in range(live._feed.last):
        for limit in (1, 2, 9, 1000):
            assert live.events(after, limit) == whole.events(after, limit)


def test_a_story_that_falls_apart_is_told_part_by_part() -> None:
    facts = derive(
        [Transfer(name, "s1", target) for name, target in zip("abcde", ["s0", "s0", "s9", "s9-1", "s0"], strict=True)],
        None,
        {"s0", "s1"},
        {"s0", "s9", "s9-1"},
        [Standing("s0", "x", "a"), Standing("s9", None, "c"), Standing("s9-1", None, "d")],
    )
    assert facts == [
        Fact("split", "s1", other="s9", articles=("c",)),
        Fact("split", "s1", other="s9-1", articles=("d",)),
        Fact("merged", "s0", other="s1"),
        Fact("canonical_changed", "s0", "a", previous="x"),
        Fact("canonical_changed", "s9", "c"),
        Fact("canonical_changed", "s9-1", "d"),
    ]


def test_configured_policies_decide_who_stands() -> None:
    from wirecopy.config import Stories

    live = Detector(Config(stories=Stories(keep="longest")))
    live.ingest([Article("short", written(1, 1)), Article("long", written(1, 0))], 1)
    assert [(e.type, e.article) for e in live.events()] == [
        ("created", "short"),
        ("joined", "long"),
        ("canonical_changed", "long"),
    ]
