"""Counts of stories and sources, held to a count by hand and to a whole recount after any operations."""

from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detection.test_comparison import AGENCY
from tests.streams import articles as any_articles
from tests.streams import small, stream
from wirecopy import Article, Detector
from wirecopy.detector.answers import sources
from wirecopy.detector.answers.sources import SourceCounts
from wirecopy.schema.answers import DayCount, Lead, Origin, Source, SourceCount

DAY = 86_400_000
Page = tuple[list[Source], str | None]


def day_of_news() -> Detector:
    detector = Detector()
    detector.ingest(
        [
            Article("late", AGENCY + " Follow us.", source="daily", published=2 * DAY),
            Article("wire", AGENCY, source="wire", published=DAY),
            Article("second", AGENCY, source="evening", published=2 * DAY + 5),
            Article("again", AGENCY + " Read more.", source="wire", published=3 * DAY),
            Article("nobody", AGENCY, published=3 * DAY),
            Article("bakery", "A bakery on Market Street won the prize for its rye bread.", source="daily"),
        ]
    )
    return detector


def test_a_story_counts_its_texts_by_source_and_by_day() -> None:
    detector = day_of_news()
    story = detector.story(detector.article("wire").story)
    assert len(story.members) == 5
    assert story.unique_texts == 1
    assert story.by_source == (
        SourceCount("wire", 2, 1),
        SourceCount(None, 1, 1),
        SourceCount("daily", 1, 1),
        SourceCount("evening", 1, 1),
    )
    assert story.by_day == (DayCount("1970-01-02", 1, 0), DayCount("1970-01-03", 2, 2), DayCount("1970-01-04", 2, 2))


def test_a_rewrite_is_a_text_of_its_own() -> None:
    detector = Detector(small(max_indexed_articles=1024))
    detector.ingest([Article("a", AGENCY, source="wire"), Article("b", AGENCY, source="daily"), Article("c", AGENCY)])
    links = detector._state.stories.links
    for other in (0, 2):  # as if b had been rewritten
        links.add(1, other, links[1][other]._replace(relation="rewrite"))
    assert detector.story("s0").unique_texts == 2
    found, _ = detector.sources(source="daily")
    assert (found[0].copied_from, found[0].copies, found[0].rewrites) == ((Origin("wire", 0, 1),), 0, 1)


def test_sources_tell_from_whom_they_copied_and_who_was_first() -> None:
    detector = day_of_news()
    found, cursor = detector.sources()
    assert cursor is None
    first = (Lead("wire", 1),)
    assert found == [
        Source("daily", 2, 1, 0, (Origin("wire", 1, 0),), 1, 0, first),
        Source("evening", 1, 1, 0, (Origin("wire", 1, 0),), 1, 0, first),
        Source("wire", 2, 1, 0, (Origin("daily", 1, 0),), 1, 1, first),
    ]
    assert detector.sources(source="nobody") == ([], None)


def test_pages_go_on_where_they_ended() -> None:
    detector = Detector()
    detector.ingest(stream(60))
    whole, _ = detector.sources()
    told = []
    cursor = None
    while True:
        page, cursor = detector.sources(cursor=cursor, limit=2)
        told += page
        if cursor is None:
            break
    assert told == whole
    assert [source.source for source in told] == ["s0", "s1", "s2", "s3", "s4"]
    assert sum(source.articles for source in told) == 60


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(any_articles(), st.integers(0, 12)), max_size=15))
def test_what_was_counted_step_by_step_is_what_a_whole_recount_finds(steps: list[tuple[Article, int]]) -> None:
    detector = Detector(small(max_indexed_articles=1024))
    now = 0
    for article, what in steps:
        now += DAY // 2
        if what == 0:
            detector.expire(now + 20 * DAY)
            now += 20 * DAY
        elif what == 1 and article.id in detector._archive.number_of:
            detector.erase(article.id, now)
        elif what == 2:
            detector.check(article)
        else:
            detector.ingest([article], first_seen=now)
        if what % 3 == 0:
            detector.sources()
    told = detector.sources(limit=100)
    watched = detector._source_counts._changed
    detector._source_counts = SourceCounts(detector._archive, detector._state.stories)
    assert detector.sources(limit=100) == told
    assert not watched


def answering(detector: Detector, answers: list[Page]) -> Iterator[None]:
    """Asks in parts; the answer goes to `answers`."""
    answers.append((yield from detector.sources_in_parts(limit=500)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(any_articles(wires=2), st.integers(0, 9)), min_size=4, max_size=30), st.integers(1, 3))
def test_counting_in_parts_is_not_disturbed_by_what_comes_between(
    steps: list[tuple[Article, int]], readers: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sources, "PART", 60)
        patched.setattr(sources, "_STEP", 1)
        detector, answers = Detector(small(max_indexed_articles=1024)), list[Page]()
        asked = [answering(detector, answers) for _ in range(readers)]
        for now, (article, what) in enumerate(steps):
            if what == 0 and article.id in detector._archive.number_of:
                detector.erase(article.id, now)
            else:
                detector.ingest([article], first_seen=now)
            for k, parts in enumerate(asked):
                if next(parts, "over") == "over":
                    asked[k] = answering(detector, answers)
        for parts in asked:
            deque(parts, maxlen=0)
        found = detector.sources(limit=500)
        detector._source_counts = SourceCounts(detector._archive, detector._state.stories)
        assert detector.sources(limit=500) == found
        assert len(answers) >= readers


def test_a_large_story_is_counted_in_parts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Detector()
    detector.ingest([Article(f"a{k}", AGENCY, source=f"s{k % 90}", published=k) for k in range(300)])
    whole, answers = detector.sources(limit=500), list[Page]()
    for part, least in ((10_000, 2), (500, 60)):
        monkeypatch.setattr(sources, "PART", part)
        detector._source_counts = SourceCounts(detector._archive, detector._state.stories)
        assert len(list(answering(detector, answers))) >= least
    assert answers == [whole, whole]


def test_what_is_withheld_is_not_counted() -> None:
    detector = day_of_news()
    detector.ingest([Article("late", AGENCY + " Follow us.", source="daily", published=2 * DAY, status="withheld")])
    found, _ = detector.sources(source="daily")
    assert (found[0].articles, found[0].copies) == (1, 0)
    story = detector.story(detector.article("wire").story)
    assert sum(count.articles for count in story.by_source) == len(story.members) == 4


def test_two_customers_of_one_agency_that_both_credit_it_are_no_copies_of_each_other() -> None:
    detector, by_line = Detector(), "LEER (AP) - "
    detector.ingest(
        [
            Article("first", by_line + AGENCY, source="daily", published=DAY),
            Article("second", by_line + AGENCY, source="evening", published=2 * DAY),
            Article("third", AGENCY, source="coast", published=3 * DAY),
        ]
    )
    assert [member.id for member in detector.story("s0").members] == ["first", "second", "third"]
    coast, daily, evening = detector.sources()[0]
    assert (evening.copied_from, daily.copied_from) == ((Origin("AP", 1, 0),), (Origin("AP", 1, 0),))
    assert coast.copied_from == (Origin("daily", 1, 0),)  # who credits nobody copied from whom it matches


def test_a_customer_copied_from_the_agency_itself_and_the_agency_from_nobody() -> None:
    detector = Detector()
    detector.ingest(
        [
            Article("customer", "LEER (AP) - " + AGENCY, source="daily", published=DAY),
            Article("wire", AGENCY, source="apnews.com", published=2 * DAY),
            Article("other", "LEER (AP) - " + AGENCY, source="evening", published=3 * DAY),
        ]
    )
    agency, daily, evening = detector.sources()[0]
    assert agency.copied_from == ()  # what came before it credits it
    assert daily.copied_from == evening.copied_from == (Origin("AP", 1, 0),)
