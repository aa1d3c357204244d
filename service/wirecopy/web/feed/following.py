"""Following the feed: who waits is woken when events are on disk, and who reads shares what was read.

    commit on disk ── tell ──> Following ── wakes ──> Follower of a stream, of a webhook
                                   └── pages, each read and encoded once for all that are at the same place

Nothing is queued for anybody: a follower has a place in the feed, asks for the page behind it when it is ready for one,
and is late as long as it likes. Followers that keep up ask for the same pages, so that a hundred of them cost the
thread that owns the feed one question. Wakings are some time apart: under load events come together, not one by one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import cached_property

import msgspec

from wirecopy.schema import wire

PAGE_EVENTS = 500
_APART_SECONDS = 0.05
_KEPT_PAGES = 32
_KEPT_SECONDS = 1.0  # for those who ask a moment later; whoever is later than that reads for himself

_encode = msgspec.json.Encoder().encode


class EventsRead:
    """Events that follow each other, and the number of the last, which is the place behind them."""

    def __init__(self, page: wire.EventPage) -> None:
        self.events = page.events
        self.next = page.next

    @cached_property
    def as_stream(self) -> bytes:
        """The events as server-sent events."""
        return b"".join(
            b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.type.encode(), _encode(event))
            for event in self.events
        )


class Following:
    """The feed as its followers see it. Belongs to the event loop that made it."""

    def __init__(self, read_page: Callable[[int, int], Awaitable[wire.EventPage]]) -> None:
        """`read_page` reads at most so many events, its second argument, behind the first."""
        self.last = 0  # the number of the newest event that followers know of
        self.followers: set[Follower] = set()
        self.newest = 0  # of the newest that is on disk
        self._read_page = read_page
        self._loop = asyncio.get_running_loop()
        self._wake_at = 0.0
        self._waking: asyncio.TimerHandle | None = None
        self._pages: dict[int, asyncio.Task[EventsRead]] = {}

    def tell(self, newest: int) -> None:
        """Wake who waits for the event of this number, which is on disk with all before it, now or a moment later."""
        self.newest = newest
        if self._waking is None:
            self._waking = self._loop.call_at(max(self._wake_at, self._loop.time()), self._wake)

    async def page(self, after: int) -> EventsRead:
        """Return the events behind `after`. Raises EventsGone, UsageError where there was never such a number,
        Overloaded.
        """
        reading = self._pages.get(after)
        if reading is None:
            reading = self._pages[after] = self._loop.create_task(self._read(after))
            reading.add_done_callback(lambda done: self._keep_for_a_moment(after, done))
            if len(self._pages) > _KEPT_PAGES:
                del self._pages[next(iter(self._pages))]
        return await asyncio.shield(reading)

    async def _read(self, after: int) -> EventsRead:
        return EventsRead(await self._read_page(after, PAGE_EVENTS))

    def _keep_for_a_moment(self, after: int, done: "asyncio.Task[EventsRead]") -> None:
        """Forget a page, at once if it failed or was the end of the feed: a later reading may find more."""
        if done.cancelled() or done.exception() or not done.result().events:
            self._forget(after, done)
        else:
            self._loop.call_later(_KEPT_SECONDS, self._forget, after, done)

    def _forget(self, after: int, done: "asyncio.Task[EventsRead]") -> None:
        if self._pages.get(after) is done:
            del self._pages[after]

    def _wake(self) -> None:
        self._waking = None
        self._wake_at = self._loop.time() + _APART_SECONDS
        self.last = self.newest
        for follower in self.followers:
            follower.wake()


class Follower:
    """A place in the feed that goes on: `after` is the number of the last event that was taken."""

    def __init__(self, following: Following, after: int) -> None:
        self.after = after
        self.is_stopped = False
        self._following = following
        self._woken = asyncio.Event()
        following.followers.add(self)

    async def wait(self, seconds: float | None) -> bool:
        """Return whether there are events behind `after`, once there are; False after so many seconds, and when
        stopped.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.is_stopped and self._following.last <= self.after:
                    self._woken.clear()
                    await self._woken.wait()
        return not self.is_stopped and self._following.last > self.after

    async def page(self) -> EventsRead:
        """Return the events behind `after`. Raises as `Following.page`."""
        return await self._following.page(self.after)

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until stopped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.is_stopped:
                    self._woken.clear()
                    await self._woken.wait()

    def wake(self) -> None:
        """There is something new to look at."""
        self._woken.set()

    def stop(self) -> None:
        """Wait no longer."""
        self.is_stopped = True
        self._woken.set()

    def leave(self) -> None:
        """Follow no more."""
        self._following.followers.discard(self)
