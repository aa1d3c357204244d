"""The day of docs/examples: feed, stories and recall lists are as stated after each step, whatever is killed."""

import signal
from pathlib import Path

import pytest

from docs.examples import a_day
from tests.conftest import Stored
from tests.feed_reader import FeedReader
from tests.web.test_kill import Serving
from wirecopy.client.client import Client


def stories_of(client: Client) -> dict[str, tuple[str, frozenset[str]]]:
    return {story.id: (story.canonical, frozenset(m.id for m in story.members)) for story in client.stories()}


def test_a_service_that_is_killed_between_any_two_steps_says_what_is_stated(tmp_path: Path) -> None:
    reader = FeedReader()
    for step in a_day.DAY:
        service = Serving(tmp_path / "data")
        with Client(service.url) as client:
            for _, found, stated in a_day.play(client, step, reader.seen):
                assert found == stated, step.what
            reader.apply(client.events(reader.seen).events)
            assert reader.stories() == stories_of(client), step.what
        assert service.end(signal.SIGKILL) == -signal.SIGKILL
    service = Serving(tmp_path / "data")
    try:
        with Client(service.url) as client:
            events = client.events(0).events
            afresh = FeedReader()
            afresh.apply(events)
            assert [event.seq for event in events] == list(range(1, reader.seen + 1))
            assert afresh.stories() == reader.stories() == stories_of(client)
            assert a_day.apply(events) == {story: set(ids) for story, (_, ids) in afresh.stories().items()}
            assert [a_day.describe_story(story) for story in client.stories()] == a_day.DAY[-1].stories
            assert {event.type for event in events} == {
                *("created", "joined", "merged", "canonical_changed", "revised", "recalled", "deleted")
            }
    finally:
        assert service.end(signal.SIGTERM) == 0


def test_the_example_prints_the_day_once(stored: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    url = stored().url
    assert a_day.main(url) == 0
    printed = capsys.readouterr().out
    for step in a_day.DAY:
        assert f"{step.time}  {step.what}" in printed
        assert all(line in printed for line in [*step.feed, *step.stories])
    assert "stated was" not in printed
    assert printed.endswith("gives the same stories: True\n")
    assert a_day.main(url) == 1
    assert "has articles already" in capsys.readouterr().out


def test_what_is_not_as_stated_is_printed(stored: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    url, first = stored().url, a_day.DAY[0]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(a_day, "DAY", [first._replace(stories=["s0: nobody*"])])
        assert a_day.main(url) == 1
    assert "!        stated was: ['s0: nobody*']" in capsys.readouterr().out


def test_its_articles_are_long_enough_to_be_judged() -> None:
    for name, one in a_day.ARTICLES.items():
        assert len(one["text"].split()) >= 140 or one.get("status") == "canceled", name
