"""Editing by hand where some articles are hidden, embargoes end, or pins refuse: editors see what readers see."""

import pytest

from tests.detector.test_events import stories_of
from tests.feed_reader import FeedReader
from tests.streams import MemoryStore, image, small, written
from wirecopy import errors
from wirecopy.config import Config
from wirecopy.detection.index import contents
from wirecopy.detector import ingestion, state
from wirecopy.detector.detector import Detector
from wirecopy.detector.history import replay
from wirecopy.schema.article import Article, Status

DAY = 86_400_000
NOW = 20_000 * DAY


def opened(store: MemoryStore, config: Config | None = None) -> Detector:
    return Detector(config, store)  # type: ignore[arg-type]


def held(name: str, wire: int, embargoed: int | None = None) -> Article:
    status: Status = "withheld" if embargoed is None else "usable"
    return Article(name, written(wire, 0), status=status, embargoed=embargoed)


def test_a_split_counts_and_names_only_what_is_shown() -> None:
    store = MemoryStore()
    live = opened(store)
    live.ingest([Article("a", written(1, 0)), held("h", 1), Article("b", written(1, 0))], NOW)
    before = image(live)
    with pytest.raises(errors.UsageError, match="name some of its 2 articles, and not all of them"):
        live.split("s0", ["a", "b"], NOW)
    with pytest.raises(errors.UsageError, match="'h' is not in the story s0"):
        live.split("s0", ["h"], NOW)
    assert image(live) == before
    kept, new = live.split("s0", ["b"], NOW)
    assert [[member.id for member in story.members] for story in (kept, new)] == [["a"], ["b"]]
    live.ingest([Article("h", written(1, 0))], NOW)
    assert live.article("h").story == live.article("a").story != live.article("b").story


def test_the_part_that_is_smaller_to_readers_gets_the_new_id() -> None:
    live = opened(MemoryStore())
    live.ingest([Article(name, written(1, 0)) for name in "abc"] + [held("h", 1), held("i", 1)], NOW)
    kept, new = live.split("s0", ["a", "b"], NOW)
    assert [[member.id for member in story.members] for story in (kept, new)] == [["a", "b"], ["c"]]
    assert live.article("h").story == live.article("i").story == new.id


def test_pins_name_hidden_articles_only_to_who_names_them() -> None:
    live = opened(MemoryStore())
    live.ingest([Article("a", written(1, 0)), Article("b", written(1, 0)), held("h", 1, embargoed=NOW + DAY)], NOW)
    pin, other = live.pin(["a", "h"], together=False, now=NOW), live.pin(["a", "b"], together=True, now=NOW)
    assert (pin.articles, pin.others) == (("a",), ("h",))
    assert live.pins() == [other]
    live.reach(NOW + DAY)
    assert live.pins() == [pin, other]


def test_the_id_of_a_story_that_only_hidden_articles_are_left_in_leads_nowhere() -> None:
    store, reader = MemoryStore(), FeedReader()
    live = opened(store)
    live.ingest([held("h", 1, embargoed=NOW + DAY), Article("a", written(1, 0))], NOW)
    live.pin(["h", "a"], together=False, now=NOW)
    assert (live.article("h").story, live.article("a").story) == ("s0", "s2-1")
    assert [(event.type, event.story, event.other) for event in live.events(1)] == [
        ("split", "s0", "s2-1"), ("canonical_changed", "s2-1", None)
    ]  # fmt: skip
    with pytest.raises(errors.UnknownStory):
        live.story("s0")
    live.reach(NOW + DAY)
    for one in (live, opened(store)):
        assert [member.id for member in one.story("s0").members] == ["h"]
    reader.apply(live.events())
    assert reader.stories() == stories_of(live) == {"s0": ("h", frozenset("h")), "s2-1": ("a", frozenset("a"))}


def test_an_edit_ends_the_embargoes_of_its_moment_and_the_feed_says_so() -> None:
    store, reader = MemoryStore(), FeedReader()
    live = opened(store)
    live.ingest([Article("a", written(1, 0)), held("h", 5, embargoed=NOW + DAY), Article("b", written(3, 0))], NOW)
    live.merge("s0", "s2", NOW + DAY)
    for one in (live, opened(store)):
        reader = FeedReader()
        reader.apply(one.events())
        assert reader.stories() == stories_of(one)
        assert reader.story_of["h"] == "s1"


def test_an_edit_that_pins_refuse_changes_nothing_at_a_block_s_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingestion, replay, state, contents):
        monkeypatch.setattr(module, "BLOCK", 4)
    store, config = MemoryStore(), small(max_indexed_articles=4)
    live = opened(store, config)
    live.ingest([Article(f"a{k}", written(k, 0)) for k in range(7)], NOW)
    live.pin(["a5", "a6"], together=False, now=NOW)
    assert live._state.loaded % 4 == 0
    before = image(live)
    with pytest.raises(errors.Pinned):
        live.merge("s5", "s6", NOW)
    assert image(live) == before == image(opened(store, config))


def test_what_was_pruned_is_recalled_by_nobody() -> None:
    store, config = MemoryStore(), small(index_days=2.0, retention_days=5.0)
    live = opened(store, config)
    live.ingest([Article("a", written(1, 0))], NOW)
    live.ingest([Article("b", written(1, 0))], NOW + DAY)
    live.ingest([Article("b", written(1, 0), status="canceled")], NOW + 4 * DAY)
    assert live.prune(NOW + 6 * DAY) == 1
    assert image(opened(store, config)) == image(live)


def test_embargoes_that_end_are_counted_by_article() -> None:
    live = opened(MemoryStore())
    live.ingest([held("h", 1, embargoed=NOW + DAY), held("h", 2, embargoed=NOW + DAY)], NOW)
    assert live.reach(NOW + DAY) == 1


def test_copies_of_either_half_come_to_a_story_that_was_merged_by_hand() -> None:
    live = opened(MemoryStore())
    live.ingest([Article(f"{wire}-{k}", written(wire, k)) for wire in (1, 12) for k in (0, 6)], NOW)
    merged = live.merge(live.article("1-0").story, live.article("12-0").story, NOW)
    live.ingest([Article(f"{wire}-{k}", written(wire, k)) for k in (1, 2, 18, 19) for wire in (1, 12)], NOW)
    assert len(live.story(merged.id).members) == 12


def test_a_pin_takes_nobody_from_the_copies_of_whom_it_ties() -> None:
    live = opened(MemoryStore())
    live.ingest([Article(f"{wire}-{k}", written(wire, k)) for wire in (1, 12) for k in (0, 6)], NOW)
    live.pin(["1-0", "12-0"], together=True, now=NOW)
    assert [member.id for member in live.story("s0").members] == ["1-0", "1-6", "12-0", "12-6"]


def test_foes_stay_apart_though_they_are_copies_of_two_that_are_tied() -> None:
    live = opened(MemoryStore())
    live.ingest([Article(f"{wire}-{k}", written(wire, k)) for wire in (1, 12) for k in (0, 6)], NOW)
    live.pin(["1-6", "12-6"], together=False, now=NOW)
    live.pin(["1-0", "12-0"], together=True, now=NOW)
    place = {f"{wire}-{k}": live.article(f"{wire}-{k}").story for wire in (1, 12) for k in (0, 6)}
    assert place["1-0"] == place["12-0"]
    assert place["1-6"] != place["12-6"]


def test_what_is_apart_already_is_pinned_apart_without_a_move() -> None:
    live = opened(MemoryStore())
    same = written(1, 0)
    live.ingest([Article("old", same, published=NOW), Article("new", same, published=NOW + 60 * DAY)], NOW)
    live.ingest([Article("next", same, published=NOW + 61 * DAY)], NOW)
    before = {name: live.article(name).story for name in ("old", "new", "next")}
    assert before["old"] != before["new"] == before["next"]
    live.pin(["old", "new"], together=False, now=NOW)
    assert {name: live.article(name).story for name in before} == before


def test_a_pin_that_was_made_before_a_restart_is_not_made_twice() -> None:
    store = MemoryStore()
    live = opened(store)
    live.ingest([held(f"a{number}", number) for number in range(2)], NOW)
    made = live.pin(["a0", "a1"], together=True, now=NOW)
    assert opened(store).pin(["a1", "a0"], together=True, now=NOW).id == made.id
