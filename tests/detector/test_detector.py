"""The Detector: idempotent by id, revisions, what can be asked of it, and never other than a plain model says."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.streams import MemoryStore, articles, image, small, stream, written
from wirecopy import errors
from wirecopy.config import Config, Stories
from wirecopy.detector.detector import Detector
from wirecopy.schema.answers import Milliseconds, Story, Verdict
from wirecopy.schema.article import Article

DAY = 86_400_000


def article(k: int, how: int = 0, **fields: Any) -> Article:
    return Article(**{"id": f"w{k}-{how}", "text": written(k, how), **fields})


def again(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, replayed=True)


def test_a_new_article_founds_a_story_and_its_copies_join_it() -> None:
    live = Detector()
    first, other, copy, trimmed = live.ingest([article(1), article(12), article(1, 6), article(1, 1)])
    assert (first.story, first.canonical, first.relation, first.matches) == ("s0", True, None, ())
    assert other.story == "s1"
    assert (copy.story, copy.canonical, copy.relation, copy.match) == ("s0", False, "identical", "w1-0")
    assert (trimmed.story, trimmed.relation) == ("s0", "copy")
    assert {match.id for match in trimmed.matches} == {"w1-0", "w1-6"}
    assert trimmed.matches[0].containment.this_in_other > trimmed.matches[0].containment.other_in_this > 0.5


def test_the_same_content_gets_the_stored_answer_whatever_came_since() -> None:
    live = Detector(store=MemoryStore())  # type: ignore[arg-type]
    first = live.ingest([article(1)])[0]
    live.ingest([article(1, 6), article(1, 1)])
    assert live.ingest([article(1)])[0] == again(first)
    assert live.ingest([article(1), article(1)]) == [again(first)] * 2


def test_one_id_may_come_several_times_in_a_batch() -> None:
    old, new = article(1, id="a"), article(12, id="a")
    first, same, revised, older = Detector().ingest([old, old, new, old])
    assert same == again(first)
    assert [first.revision, revised.revision, older.revision] == [1, 2, 3]
    assert not any(verdict.replayed for verdict in (first, revised, older))


@pytest.mark.parametrize(
    "change",
    [{"title": "Other"}, {"source": "b"}, {"url": "x"}, {"published": 5}, {"language": "en"}, {"text": "More"}],
)
def test_each_field_is_content(change: dict[str, Any]) -> None:
    live = Detector()
    live.ingest([Article("a", "Some text", title="T", source="s")])
    changed = msgspec.structs.replace(Article("a", "Some text", title="T", source="s"), **change)
    assert live.ingest([changed])[0].revision == 2
    assert live.ingest([changed])[0].replayed


def test_a_revision_leaves_the_story_of_its_old_content() -> None:
    live = Detector()
    live.ingest([article(1), article(1, 6, id="b"), article(12)])
    assert live.article("b").story == "s0"
    revised = live.ingest([article(12, 6, id="b")])[0]
    assert (revised.revision, revised.story, revised.match) == (2, "s2", "w12-0")
    assert [member.id for member in live.story("s0").members] == ["w1-0"]
    assert live.matches("w1-0") == ()
    assert [match.id for match in live.matches("w12-0")] == ["b"]


def test_an_article_that_is_corrected_alone_keeps_its_story() -> None:
    live = Detector()
    live.ingest([article(1), article(12)])
    revised = live.ingest([article(1, 2, id="w1-0")])[0]
    assert (revised.revision, revised.story, revised.canonical) == (2, "s0", True)
    assert live.story("s0").members[0].id == "w1-0"


def test_what_a_revision_leaves_behind_is_decided_anew() -> None:
    live = Detector()
    bridge = Article("bridge", written(1, 0) + " " + written(25, 0))
    live.ingest([article(1), bridge, article(25)])
    apart = Detector()
    apart.ingest([article(1), article(25)])
    live.ingest([article(39, id="bridge")])
    separate = {live.article(name).story for name in ("w1-0", "w25-0")}
    assert len(separate) == len({apart.article(name).story for name in ("w1-0", "w25-0")})


def test_check_tells_what_ingest_will_and_changes_nothing() -> None:
    live = Detector()
    for one in stream(60):
        before = image(live)
        told = live.check(one)
        assert image(live) == before
        assert live.ingest([one])[0] == told


def test_check_of_a_known_id_is_the_stored_answer_or_a_revision() -> None:
    live = Detector()
    first = live.ingest([article(1), article(1, 6, id="b")])[1]
    assert live.check(article(1, 6, id="b")) == again(first)
    before = image(live)
    told = live.check(article(1, 1, id="b"))
    assert (told.revision, told.story, [match.id for match in told.matches]) == (2, "s0", ["w1-0"])
    assert image(live) == before
    assert live.ingest([article(1, 1, id="b")])[0] == told


def test_an_article_is_told_with_its_text_when_texts_are_kept() -> None:
    fields: dict[str, Any] = {"title": "T", "source": "s", "url": "u", "language": "en", "published": 7}
    kept = Detector(store=MemoryStore())  # type: ignore[arg-type]
    kept.ingest([article(1, **fields)], 11)
    told = kept.article("w1-0")
    assert (told.title, told.source, told.url, told.language, told.published) == ("T", "s", "u", "en", 7)
    assert (told.first_seen, told.text, told.revision, told.story) == (11, written(1, 0), 1, "s0")
    without = Detector(small(keep_text=False), MemoryStore())  # type: ignore[arg-type]
    without.ingest([article(1)])
    assert without.article("w1-0").text is None


def test_matches_are_seen_from_both_sides() -> None:
    live = Detector()
    live.ingest([article(1), article(1, 1)])
    [whole], [part] = live.matches("w1-0"), live.matches("w1-1")
    assert (whole.id, part.id) == ("w1-1", "w1-0")
    assert (whole.score, whole.relation, whole.shared_words) == (part.score, part.relation, part.shared_words)
    assert whole.containment.this_in_other == part.containment.other_in_this


def test_a_story_tells_its_members_sources_and_counts() -> None:
    live = Detector()
    live.ingest([article(1, source="b", published=2), article(1, 6, source="a", published=1)], 5)
    live.ingest([article(1, 1, title="Trimmed")], 9)
    story = live.story("s0")
    assert (story.id, story.canonical, story.first_seen, story.sources) == ("s0", "w1-6", 5, ("a", "b"))
    assert (story.copies, story.rewrites) == (2, 0)
    assert [(m.id, m.canonical, m.first_seen, m.title) for m in story.members] == [
        ("w1-0", False, 5, None), ("w1-6", True, 5, None), ("w1-1", False, 9, "Trimmed")
    ]  # fmt: skip
    assert all(member.match and member.relation and member.score for member in story.members)


def test_the_longest_text_stands_for_its_story_when_that_is_set() -> None:
    live = Detector(Config(stories=Stories(keep="longest")))
    verdicts = live.ingest([article(1, 1), article(1)])
    assert [verdict.canonical for verdict in verdicts] == [True, True]
    assert live.story("s0").canonical == "w1-0"


def test_unknown_ids_are_refused() -> None:
    live = Detector()
    for ask in (live.article, live.matches):
        with pytest.raises(errors.UnknownArticle):
            ask("nobody")
    for name in ("s0", "nothing", ""):
        with pytest.raises(errors.UnknownStory):
            live.story(name)
    with pytest.raises(errors.UsageError):
        live.stories(cursor="7")


@pytest.mark.parametrize(
    "wrong", [{"text": 5}, {"source": 1}, {"published": "now"}, {"title": "\ud800"}, {"id": "\ud800"}]
)
def test_an_article_that_could_not_be_stored_is_refused_before_anything_changes(wrong: dict[str, Any]) -> None:
    live = Detector()
    before = image(live)
    with pytest.raises(errors.InvalidArticle):
        live.ingest([article(1), article(12, **wrong)])
    assert image(live) == before


def test_stories_are_listed_newest_first_a_page_at_a_time() -> None:
    live = Detector()
    for moment, one in enumerate(stream(60)):
        live.ingest([one], moment)
    listed, pages, cursor = [], 0, None
    while pages == 0 or cursor is not None:
        page, cursor = live.stories(cursor=cursor, limit=7)
        listed += page
        pages += 1
    assert [story.id for story in listed] == list(live._state.stories.newest())
    assert sum(len(story.members) for story in listed) == 60
    assert live.stories(limit=500) == (listed, None)


def test_stories_are_listed_by_source_size_and_moment() -> None:
    live = Detector()
    for moment, one in enumerate(stream(60)):
        live.ingest([one], moment)
    every, _ = live.stories(limit=100)
    filters: list[tuple[dict[str, Any], Callable[[Story[Milliseconds]], bool]]] = [
        ({"source": "s1"}, lambda story: "s1" in story.sources),
        ({"min_size": 2}, lambda story: len(story.members) >= 2),
        ({"since": 30}, lambda story: story.first_seen >= 30),
    ]
    for asked, keeps in filters:
        page, _ = live.stories(**asked, limit=100)
        assert page == [story for story in every if keeps(story)]
        assert 0 < len(page) < len(every)


def test_what_left_the_index_stays_readable_and_nothing_joins_it() -> None:
    live = Detector(small(index_days=2.0))
    live.ingest([article(1), article(1, 6)], 100 * DAY)
    before, found = live.story("s0"), live.matches("w1-0")
    assert live.expire(103 * DAY) == 2
    assert live.gauges()["indexed_articles"] == 0
    assert (live.story("s0"), live.matches("w1-0")) == (before, found)
    assert live.ingest([article(1, 12)], 103 * DAY)[0].story == "s2"
    assert live.ingest([article(1)], 103 * DAY)[0].replayed


def test_articles_that_left_the_index_follow_their_story() -> None:
    live = Detector(small(index_days=2.0))
    live.ingest([article(25)], 100 * DAY)
    live.ingest([article(1), article(1, 6)], 101 * DAY)
    live.ingest([Article("late", written(1, 0))], int(102.5 * DAY))
    assert live.expire(int(103.5 * DAY)) == 2
    joined = live.ingest([Article("last", written(1, 0))], int(103.5 * DAY))[0]
    assert joined.story == "s1"
    assert [member.id for member in live.story("s1").members] == ["w1-0", "w1-6", "late", "last"]


def test_pruned_articles_are_gone_and_their_ids_are_new_again() -> None:
    live = Detector(small(index_days=1.0, retention_days=10.0), MemoryStore())  # type: ignore[arg-type]
    live.ingest([article(1), article(1, 6)], 100 * DAY)
    live.ingest([article(12)], 105 * DAY)
    assert live.prune(109 * DAY) == 0
    assert live.prune(111 * DAY) == 2
    for name in ("w1-0", "w1-6"):
        with pytest.raises(errors.UnknownArticle):
            live.article(name)
    with pytest.raises(errors.UnknownStory):
        live.story("s0")
    assert live.article("w12-0").story == "s2"
    verdict = live.ingest([article(1)], 111 * DAY)[0]
    assert (verdict.revision, verdict.replayed, verdict.story) == (1, False, "s3")


def test_candidates_are_near_in_published_time_not_in_the_order_of_arrival() -> None:
    live = Detector()
    live.ingest([article(1, published=100 * DAY)], 500 * DAY)
    assert live.ingest([article(1, 6, published=50 * DAY)], 500 * DAY)[0].story == "s1"
    assert live.ingest([article(1, 12, published=99 * DAY)], 500 * DAY)[0].story == "s0"


class AgainstAPlainModel(RuleBasedStateMachine):
    """Ids, revisions, answers and membership against dictionaries; restarts anywhere."""

    @initialize()
    def open(self) -> None:
        self.store = MemoryStore()
        self.live = self.opened()
        self.current: dict[str, Article] = {}
        self.answers: dict[str, Verdict] = {}
        self.ever: dict[str, int] = {}

    def opened(self) -> Detector:
        return Detector(store=self.store)  # type: ignore[arg-type]

    @rule(given=st.lists(articles(), min_size=1, max_size=6))
    def ingest(self, given: list[Article]) -> None:
        for one, verdict in zip(given, self.live.ingest(given), strict=True):
            if self.current.get(one.id) == one:
                assert verdict == again(self.answers[one.id])
                continue
            self.ever[one.id] = self.ever.get(one.id, 0) + 1
            assert (verdict.id, verdict.revision, verdict.replayed) == (one.id, self.ever[one.id], False)
            assert all(match.id in self.current and match.id != one.id for match in verdict.matches)
            self.current[one.id], self.answers[one.id] = one, verdict

    @rule(given=articles())
    def check(self, given: Article) -> None:
        told = self.live.check(given)
        assert told.replayed == (self.current.get(given.id) == given)
        assert told.revision == self.ever.get(given.id, 0) + (not told.replayed)

    @rule()
    def restart(self) -> None:
        self.live = self.opened()

    @invariant()
    def the_stories_part_the_articles(self) -> None:
        if not hasattr(self, "live"):
            return
        listed, cursor = self.live.stories(limit=1000)
        assert cursor is None
        assert sorted(member.id for story in listed for member in story.members) == sorted(self.current)
        for story in listed:
            dates = {m.id: (m.published is None, m.published or 0) for m in story.members}
            assert dates[story.canonical] == min(dates.values())
            for member in story.members:
                told = self.live.article(member.id)
                assert (told.story, told.canonical) == (story.id, member.id == story.canonical == told.id)
                assert told.text == self.current[member.id].text
                assert told.match is None or told.match in dates

    @invariant()
    def identical_long_texts_match(self) -> None:
        if not hasattr(self, "live"):
            return
        by_text: dict[tuple[str | None, str], list[str]] = {}
        for name, one in self.current.items():
            if len(one.text.split()) > 8 and (one.published or 0) <= 5 * DAY:
                by_text.setdefault((one.title, one.text), []).append(name)
        for names in by_text.values():
            for name in names:
                assert {match.id for match in self.live.matches(name)} >= set(names) - {name}


AgainstAPlainModel.TestCase.settings = settings(
    deadline=None, max_examples=25, stateful_step_count=15, suppress_health_check=list(HealthCheck)
)
TestAgainstAPlainModel: Callable[..., Any] = AgainstAPlainModel.TestCase
