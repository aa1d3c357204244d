"""Follow-ups: shown among matches with a direction, never a reason to join; stories of one affair name each other."""

from importlib import resources

import pytest

from tests.streams import MemoryStore
from wirecopy import Article, Detector
from wirecopy.config import Config
from wirecopy.files.reading import read

PAIRS = {  # in the packaged sample, the later article and the story that it goes on with
    "ru-teplo-sreda": "ru-teplo-original",
    "de-talsperre-freitag": "de-talsperre-rewrite",
    "ar-tahliya-sabt": "ar-tahliya-original",
    "hi-godam-somvar": "hi-godam-rewrite",
}


def sample() -> list[Article]:
    with resources.as_file(resources.files("wirecopy") / "data" / "sample" / "articles.jsonl") as file:
        chunks = read([str(file)], limits=Config().limits, mapping={})
        return [article for chunk in chunks for article in chunk.articles]


@pytest.fixture(scope="module")
def live() -> Detector:
    detector = Detector(Config(), MemoryStore())  # type: ignore[arg-type]
    detector.ingest(sample())
    return detector


@pytest.mark.parametrize(("later", "earlier"), PAIRS.items())
def test_a_follow_up_is_a_match_of_another_story_from_both_sides(live: Detector, later: str, earlier: str) -> None:
    told = {match.id: match for match in live.matches(later)}[earlier]
    assert (told.relation, told.direction) == ("follow_up", "follows")
    back = {match.id: match for match in live.matches(earlier)}[later]
    assert (back.relation, back.direction) == ("follow_up", "followed_by")
    story, before = live.article(later).story, live.article(earlier).story
    assert story != before
    assert live.story(story).follows == (before,)
    assert live.story(before).followed_by == (story,)


def test_an_affair_is_the_same_after_a_restart_and_shorter_after_an_erasure() -> None:
    store = MemoryStore()
    first = Detector(Config(), store)  # type: ignore[arg-type]
    first.ingest(sample())
    names = {first.article(article.id).story for article in sample()}
    again = Detector(Config(), store)  # type: ignore[arg-type]
    for name in names:
        assert again.story(name) == first.story(name)
    story = first.article("ru-teplo-original").story
    first.erase("ru-teplo-sreda")
    erased = Detector(Config(), store)  # type: ignore[arg-type]
    assert first.story(story).followed_by == erased.story(story).followed_by == ()


def test_the_direction_goes_by_the_dates_and_not_by_who_came_first() -> None:
    wanted = [article for article in reversed(sample()) if article.id.startswith("ru-teplo")]
    detector = Detector()
    verdicts = {verdict.id: verdict for verdict in detector.ingest(wanted)}
    told = [match for match in verdicts["ru-teplo-original"].matches if match.relation == "follow_up"]
    assert all(match.direction == "followed_by" for match in told)
