"""A reader of the feed: applies events, in order, to what it knows of the stories."""

from collections.abc import Iterable
from typing import Any


class FeedReader:
    """Memberships and canonicals as the feed tells them, by story id."""

    def __init__(self) -> None:
        self.story_of: dict[str, str] = {}
        self.canonical: dict[str, str] = {}
        self._stood: dict[str, str] = {}  # for stories without members, until some come again
        self.seen = 0

    def apply(self, events: Iterable[Any]) -> None:
        """`events`: as the library gives them. Fails for a gap, or for an event that contradicts what is known."""
        for event in events:
            assert event.seq == self.seen + 1, "no gap"
            self.seen = event.seq
            story = event.story
            match event.type:
                case "created":
                    assert story not in self.story_of.values(), event
                    assert self.story_of.get(event.article) == event.other, event
                    self.story_of[event.article] = story
                    self.canonical[story] = event.article
                case "joined":
                    assert story in self.canonical, event
                    assert self.story_of.get(event.article) == event.other, event
                    self.story_of[event.article] = story
                case "split":
                    for article in event.articles:
                        assert self.story_of[article] == story, event
                        self.story_of[article] = event.other
                case "merged":
                    moved = [article for article, where in self.story_of.items() if where == event.other]
                    assert moved, event
                    self.story_of |= dict.fromkeys(moved, story)
                case "canonical_changed":
                    known = self.canonical.get(story)
                    assert known != event.article != event.previous, event
                    assert event.previous == known or (known is None and event.previous == self._stood.get(story)), (
                        event
                    )
                    assert self.story_of[event.article] == story, event
                    self.canonical[story] = event.article
                case "revised":
                    assert self.story_of[event.article] == story, event
                case "deleted":
                    assert self.story_of.pop(event.article) == story, event
                case _:
                    assert event.type == "recalled", event
            for gone in self.canonical.keys() - set(self.story_of.values()):
                self._stood[gone] = self.canonical.pop(gone)

    def stories(self) -> dict[str, tuple[str, frozenset[str]]]:
        """Story id -> its canonical and its members."""
        members: dict[str, set[str]] = {}
        for article, story in self.story_of.items():
            members.setdefault(story, set()).add(article)
        return {story: (self.canonical[story], frozenset(ids)) for story, ids in members.items()}
