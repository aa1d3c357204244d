"""Keeping the index file up with the feed: out of the way of those who send articles.

Events that are on disk are taken up a page at a time, their articles as they are now; so an article that was erased, or
withheld, meanwhile is not found, and one that is `deleted` is taken out. While articles come, only a small share of the
time is spent; what is missing then is made up for when it is quiet. After an erasure the file is purged.
"""

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from wirecopy import errors
from wirecopy.schema.answers import Milliseconds
from wirecopy.schema.events import Event
from wirecopy.schema.listing import Document
from wirecopy.web.feed.following import Follower, Following
from wirecopy.web.log import Log
from wirecopy.web.owner import Owner
from wirecopy.web.search.index_file import Failure, IndexFile, is_damage

T = TypeVar("T")

_PAGE = 100  # events that are taken up at once
_BUSY_SHARE, _QUIET_SHARE = 0.08, 0.7  # of the time
_BUSY_EVENTS = 200  # that came while a page was taken up
_TRY_AGAIN_SECONDS = 1.0
_PURGE_AFTER_SECONDS = 2.0


class Indexing:
    """The file and the task that fills it. Belongs to the event loop that made it."""

    def __init__(self, file: IndexFile, owner: Owner, following: Following, log: Log) -> None:
        self.file = file
        self._owner = owner
        self._following = following
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="index")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="search")
        self._reached = 0
        self._generation = 0  # of the file: a page that was read for an older one says nothing of this one
        self._caught_up = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._purge_at: float | None = None
        self._follower: Follower | None = None

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._tell_end)

    async def close(self) -> None:
        """Stop, and close the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._thread.shutdown()
        self._readers.shutdown()
        self.file.close()

    async def ask(self, question: Callable[[IndexFile], T]) -> T:
        """Return what `question` finds in the file, in a thread of its own. Raises NotReady while it cannot be read."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, question, self.file)
        except Failure as error:
            if is_damage(error):
                await self._begin_anew()
            raise errors.NotReady(f"searches cannot be answered now: {error}") from None

    def forget(self, article_id: str) -> None:
        """Take an article that was erased out as soon as may be, and purge the file a moment later.

        Nobody waits for it: what is found is asked of the owner before it is told, and the feed says the same again.
        """
        self._thread.submit(self.file.forget, article_id)
        self._purge_at = time.monotonic() + _PURGE_AFTER_SECONDS

    async def purge(self) -> None:
        """Leave no word of what was removed in the file, now."""
        self._purge_at = None
        await self._aside(self.file.purge)

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """Return whether the event of this number is in the file, at the latest after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._caught_up:
                await self._caught_up.wait_for(lambda: self._reached >= seq)
        return self._reached >= seq

    async def _run(self) -> None:
        self._reached = (await self._aside(lambda: self.file.place)).seq
        while True:
            try:
                await self._follow()
            except errors.NotReady:
                return
            except errors.EventsGone as gone:
                self._reached = max(self._reached, (gone.oldest or 1) - 1)
            except (errors.WirecopyError, OSError, Failure) as error:
                self._log.write("index", problem=str(error))
                if is_damage(error):
                    await self._begin_anew()
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    def _tell_end(self, task: asyncio.Task[None]) -> None:
        """Say what nobody foresaw, at once: searches stay as they are then, and nothing else is concerned."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.write("index", problem="it follows no more", traceback="".join(traceback.format_exception(error)))

    async def _begin_anew(self) -> None:
        """Put a new file in the place of a damaged one, if the disk lets us; else it is tried again."""
        with contextlib.suppress(OSError, Failure):
            await self._aside(self.file.start_anew)
            self._generation += 1
            self._reached = 0
            if self._follower is not None:
                self._follower.after = 0
                self._follower.wake()

    async def _follow(self) -> None:
        """Take up what comes, for ever. Raises what reading the feed raises."""
        await self._check_feed()
        while True:
            if self._following.newest <= self._reached:
                await self._wait()
                continue
            began, newest = time.monotonic(), self._following.newest
            await self._apply_page()
            spent = time.monotonic() - began
            share = _BUSY_SHARE if self._following.newest - newest > _BUSY_EVENTS else _QUIET_SHARE
            await asyncio.sleep(spent / share - spent)

    async def _check_feed(self) -> None:
        """Start over where the file was not made of this feed."""
        place = await self._aside(lambda: self.file.place)
        is_same = place.seq == 0
        with contextlib.suppress(errors.EventsGone, errors.UsageError):
            if place.seq:
                read = await self._owner.ask(lambda detector: detector.events_reader(place.seq - 1, 1))
                is_same = [(event.seq, event.at) for event in await asyncio.to_thread(read)] == [place]
        if not is_same:
            self._log.write("index", state="made anew", reason="it does not belong to this feed")
            await self._aside(self.file.start_over)
            self._reached = 0

    async def _apply_page(self) -> None:
        after, generation = self._reached, self._generation
        read = await self._owner.ask(lambda detector: detector.events_reader(after, _PAGE))
        events: list[Event[Milliseconds]] = (await asyncio.to_thread(read))[: 4 * _PAGE]
        ids = list(dict.fromkeys(e.article for e in events if e.article and e.type in ("created", "joined", "revised")))
        gone = {e.article for e in events if e.article and e.type == "deleted"}
        found: list[Document] = []
        if ids:
            found = await self._owner.ask(lambda detector: detector.documents(ids, with_text=True))
        here = {document.id for document in found}
        await self._aside(lambda: self.file.apply(events, found, (set(ids) | gone) - here))
        if gone - here:
            self._purge_at = time.monotonic() + _PURGE_AFTER_SECONDS
        if generation != self._generation:
            return  # the file was made anew meanwhile: everything is read again
        self._reached = events[-1].seq if events else self._following.newest
        async with self._caught_up:
            self._caught_up.notify_all()

    async def _wait(self) -> None:
        """Return when there is something new; purge the file first where that is due."""
        follower = self._follower = Follower(self._following, self._reached)
        try:
            while not await follower.wait(_PURGE_AFTER_SECONDS if self._purge_at else None):
                if self._purge_at is not None and time.monotonic() >= self._purge_at:
                    self._purge_at = None
                    await self._aside(self.file.purge)
                if follower.is_stopped:
                    return
        finally:
            follower.leave()

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
