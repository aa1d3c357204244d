"""Ahead: what will be asked for next, made in a thread of its own before it is.

A chain of these is a pipeline, each step of which works on what the one before has ready. It pays where steps release
the interpreter: decompressing, compiled passes.
"""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_READY = 4  # items that may wait for who asks

T = TypeVar("T")


@contextmanager
def made_ahead(source: Iterable[T]) -> Iterator[Iterator[T]]:
    """The items of `source`, made in a thread; an error there is raised here, after what came before it.

    What is not asked for until the end is dropped then: the thread ends with the item that it is at.
    """
    ready: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(_READY)
    left = threading.Event()

    def produce() -> None:
        try:
            for item in source:
                ready.put((item,))
                if left.is_set():
                    return
            ready.put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            ready.put(error)

    def consume() -> Iterator[T]:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        left.set()
        while thread.is_alive():
            while not ready.empty():  # frees the thread where it waits for a place
                ready.get_nowait()
            thread.join(0.05)
