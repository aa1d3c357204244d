"""Work beside the loop and the owner, in a thread that is given up when the process ends, however long it works."""

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar, cast

T = TypeVar("T")


class _Work(NamedTuple):
    do: Callable[[], Any]
    future: "asyncio.Future[Any]"


class Aside:
    """One thread that takes work in order. Belongs to the event loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, raise what it raises; work that nobody waits for any more is not begun."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="aside", daemon=True)
            self._thread.start()
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put(_Work(work, future))
        return cast(T, await future)

    def close(self) -> None:
        """End the thread when it has done what it is at; nobody waits for that."""
        self._queue.put(None)

    def run_last(self, work: Callable[[], object]) -> None:
        """Do this in the thread, if there is one, and end it."""
        if self._thread is not None:
            self._queue.put(_Work(work, self._loop.create_future()))
            self.close()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            if work.future.done():
                continue
            try:
                result, error = work.do(), None
            except BaseException as raised:  # noqa: BLE001 - handed to whoever waits
                result, error = None, raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_hand_over, work.future, result, error)


def _hand_over(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
