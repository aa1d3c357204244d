"""Ahead: what will be asked for next, made in a thread of its own before it is.

A chain of these is a pipeline, each step of which works on what the one before has ready. It pays where steps release
the interpreter: decompressing, compiled passes.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

_READY = 4  # items that may wait for who asks

T = TypeVar("T")


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def made_ahead(
    source: Iterable[T], *, most: int = _READY, weigh: Callable[[T], int] = lambda _: 1
) -> Iterator[Iterator[T]]:
    """Yield the items of `source`, made in a thread; an error there is raised here, after what came before it.

    Items wait until they weigh `most` together. What is not asked for until the end is dropped then: the thread ends
    with the item that it is at.
    """
    ready: _Ready[T] = _Ready(most, weigh)

    def produce() -> None:
        try:
            for item in source:
                if not ready.put(item):
                    return
            ready.end(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            ready.end(error)

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        yield ready.taken()
    finally:
        ready.leave()
        thread.join()


class _Ready(Generic[T]):
    """Items between the thread that makes them and the one that asks for them."""

    def __init__(self, most: int, weigh: Callable[[T], int]) -> None:
        self._most, self._weigh, self._weight = most, weigh, 0
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._has_ended = self._is_left = False
        self._failure: BaseException | None = None

    def put(self, item: T) -> bool:
        """Add an item when there is room; return whether anybody will ask for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._weight < self._most or self._is_left)
            self._items.append(item)
            self._weight += self._weigh(item)
            self._changed.notify_all()
            return not self._is_left

    def end(self, failure: BaseException | None) -> None:
        """Say that no more items will come, because of a failure or not."""
        with self._changed:
            self._has_ended, self._failure = True, failure
            self._changed.notify_all()

    def leave(self) -> None:
        """Say that nobody will ask any more."""
        with self._changed:
            self._is_left = True
            self._changed.notify_all()

    def taken(self) -> Iterator[T]:
        """Yield the items, waiting for each; raises the failure behind the last."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._has_ended)
                if not self._items:
                    break
                item = self._items.popleft()
                self._weight -= self._weigh(item)
                self._changed.notify_all()
            yield item
        if self._failure is not None:
            raise self._failure
