"""Redirects: which story a merged one is now, also after further merges."""

from collections.abc import Container, Iterable


class Redirects:
    """The stories that were merged into others."""

    def __init__(self) -> None:
        self._heirs: dict[str, str] = {}

    def add(self, merged: Iterable[tuple[str, str]]) -> None:
        """Take up (gone, where to), in the order in which it happened."""
        for gone, heir in merged:
            self._heirs[gone] = heir

    def follow(self, story: str) -> str:
        """Return the story that this one is now; itself when it was never merged."""
        while story in self._heirs:
            story = self._heirs[story]
        return story

    def tidy(self, stories: Container[str]) -> list[tuple[str, str]]:
        """Forget what leads to no story any more; return all that is left, each with its last heir."""
        followed = ((gone, self.follow(gone)) for gone in self._heirs)
        self._heirs = {gone: heir for gone, heir in followed if heir in stories}
        return sorted(self._heirs.items())

    def revive(self, stories: Iterable[str]) -> None:
        """Forget that stories which are there were merged into others once."""
        for story in stories:
            self._heirs.pop(story, None)

    def replace(self, merged: Iterable[tuple[str, str]]) -> None:
        """Take these and no others."""
        self._heirs = dict(merged)
