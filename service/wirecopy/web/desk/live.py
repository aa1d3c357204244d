"""Live: what is new, put together once a second for all open pages.

A page needs to know that something came, what the newest of it is, and how much there is of each outlet, not every
event: under load there are thousands in a second. So ten open pages cost as much as one, and none costs nothing.
"""

import asyncio
import contextlib
from collections import Counter

import msgspec

from wirecopy import errors
from wirecopy.schema.answers import Milliseconds
from wirecopy.schema.events import Event
from wirecopy.web.feed.following import Follower, Following
from wirecopy.web.owner import Owner

_APART_SECONDS = 1.0
_LOOKED_AT = 500  # events of one second
_SHOWN = 20
_MOST_OUTLETS = 100


class News(msgspec.Struct, frozen=True):
    """One new thing."""

    type: str
    story: str
    article: str
    title: str | None
    source: str | None


class Tick(msgspec.Struct, frozen=True):
    """What is new since the tick before; `more`: events that were not looked at."""

    seq: int
    new_stories: int
    joined: int
    others: int
    more: int
    outlets: dict[str, int]
    news: list[News]


class Live:
    """Ticks for those who listen. Belongs to the event loop that made it."""

    def __init__(self, owner: Owner, following: Following) -> None:
        self._owner = owner
        self._following = following
        self._listeners: dict[asyncio.Queue[bytes], int] = {}  # and the event that each knows of
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> "asyncio.Queue[bytes]":
        """Return where ticks are put, from now on; whoever is slow misses some."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(4)
        self._listeners[queue] = self._following.newest
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        return queue

    def leave(self, queue: "asyncio.Queue[bytes]") -> None:
        """Listen no more."""
        self._listeners.pop(queue, None)

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        follower = Follower(self._following, self._following.newest)
        try:
            while self._listeners:
                if not await follower.wait(_APART_SECONDS):
                    continue
                newest = self._following.newest
                with contextlib.suppress(errors.WirecopyError):
                    await self._send(newest)
                follower.after = newest
                await asyncio.sleep(_APART_SECONDS)
        finally:
            follower.leave()

    async def _tick(self, after: int, newest: int) -> Tick:
        begin = max(after, newest - _LOOKED_AT)
        read = await self._owner.ask(lambda detector: detector.events_reader(begin, newest - begin))
        events: list[Event[Milliseconds]] = await asyncio.to_thread(read)
        kinds = Counter(event.type for event in events)
        arrived = [event for event in events if event.type in ("created", "joined") and event.article]
        ids = list(dict.fromkeys(event.article or "" for event in reversed(arrived)))
        sources = await self._owner.ask(lambda detector: detector.sources_of(ids))
        found = await self._owner.ask(lambda detector: detector.documents(ids[:_SHOWN]))
        places = {event.article: event for event in arrived}
        news = [News(places[d.id].type, d.story, d.id, (d.title or "")[:300] or None, d.source) for d in found]
        outlets = dict(Counter(source for source in sources if source).most_common(_MOST_OUTLETS))
        others = len(events) - kinds["created"] - kinds["joined"]
        return Tick(newest, kinds["created"], kinds["joined"], others, begin - after, outlets, news)

    async def _send(self, newest: int) -> None:
        """Tell everybody what they do not know: one tick for most, another for those who came a moment ago."""
        for after in sorted(set(self._listeners.values())):
            if after >= newest:
                continue
            tick = await self._tick(after, newest)
            data = b"id: %d\nevent: tick\ndata: %s\n\n" % (tick.seq, msgspec.json.encode(tick))
            for queue in [queue for queue, known in self._listeners.items() if known == after]:
                self._listeners[queue] = newest
                if not queue.full():
                    queue.put_nowait(data)
