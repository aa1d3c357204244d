"""What editors do by hand, over a connection: merge, split, choose, pin, and take back."""

from collections.abc import AsyncIterator, Iterator, Sequence

from wirecopy.client import calls
from wirecopy.client.connection import AsyncServiceCalls, ServiceCalls
from wirecopy.schema.answers import Pin
from wirecopy.schema.wire import Action, Split, Story


class EditingCalls(ServiceCalls):
    """Edits, for a client that waits."""

    def merge_stories(self, id: str, other: str, *, reason: str = "") -> Story:
        """Make two stories one by hand; the older id stays, all members are pinned together. Why is kept and shown."""
        return self._call(calls.merge_stories(id, other, reason))

    def split_story(self, id: str, articles: Sequence[str], *, reason: str = "") -> Split:
        """Part some of a story's articles from the others by hand, and pin the parts apart."""
        return self._call(calls.split_story(id, articles, reason))

    def correct_canonical(self, id: str, article: str, *, reason: str = "") -> Story:
        """Choose by hand which article stands for a story, whatever the policy says."""
        return self._call(calls.correct_canonical(id, article, reason))

    def pin(self, articles: Sequence[str], *, together: bool, reason: str = "") -> Pin:
        """Pin articles together, or two of them apart, against all evidence."""
        return self._call(calls.post_pin(articles, together, reason))

    def pins(self) -> list[Pin]:
        """Return all pins, the oldest first."""
        page = self._call(calls.get_pins(0))
        found = page.pins
        while page.next is not None:
            page = self._call(calls.get_pins(page.next))
            found += page.pins
        return found

    def unpin(self, id: str) -> None:
        """Delete a pin; the evidence decides again."""
        self._call(calls.delete_pin(id))

    def edits(self, *, page_size: int = 50) -> Iterator[Action]:
        """Yield what was done by hand, the newest first, asked for by the page: who, when, why."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._call(calls.get_edits(page_size, cursor))
            yield from page.edits
            cursor = page.cursor

    def undo(self, id: str, *, reason: str = "") -> Action:
        """Take an edit back; a story that was merged has its id again. The action that took it back."""
        return self._call(calls.undo(id, reason))


class AsyncEditingCalls(AsyncServiceCalls):
    """Edits, for asyncio."""

    async def merge_stories(self, id: str, other: str, *, reason: str = "") -> Story:
        """Make two stories one by hand; the older id stays, all members are pinned together. Why is kept and shown."""
        return await self._call(calls.merge_stories(id, other, reason))

    async def split_story(self, id: str, articles: Sequence[str], *, reason: str = "") -> Split:
        """Part some of a story's articles from the others by hand, and pin the parts apart."""
        return await self._call(calls.split_story(id, articles, reason))

    async def correct_canonical(self, id: str, article: str, *, reason: str = "") -> Story:
        """Choose by hand which article stands for a story, whatever the policy says."""
        return await self._call(calls.correct_canonical(id, article, reason))

    async def pin(self, articles: Sequence[str], *, together: bool, reason: str = "") -> Pin:
        """Pin articles together, or two of them apart, against all evidence."""
        return await self._call(calls.post_pin(articles, together, reason))

    async def pins(self) -> list[Pin]:
        """Return all pins, the oldest first."""
        page = await self._call(calls.get_pins(0))
        found = page.pins
        while page.next is not None:
            page = await self._call(calls.get_pins(page.next))
            found += page.pins
        return found

    async def unpin(self, id: str) -> None:
        """Delete a pin; the evidence decides again."""
        await self._call(calls.delete_pin(id))

    async def edits(self, *, page_size: int = 50) -> AsyncIterator[Action]:
        """Yield what was done by hand, the newest first, asked for by the page: who, when, why."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(calls.get_edits(page_size, cursor))
            for action in page.edits:
                yield action
            cursor = page.cursor

    async def undo(self, id: str, *, reason: str = "") -> Action:
        """Take an edit back; a story that was merged has its id again. The action that took it back."""
        return await self._call(calls.undo(id, reason))
