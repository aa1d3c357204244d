"""Garbage: when Python searches for what only refers to itself, so that no memory is lost and nobody waits for it.

A search of everything looks at all that lives: 25 ms for each 100,000 articles, during which nothing else goes on. So
what was loaded at the start is set aside: it is never garbage, since articles leave by being forgotten. Nothing else
is: what is set aside while a connection lives stays for good when that connection ends, with all that it holds.

Python would search everything whenever a quarter came on top, many times a minute under load. Here that is done when
enough connections have ended to be worth it, and once a minute when any has; young objects are searched as ever.
"""

import asyncio
import ctypes
import gc
import time
from collections.abc import Callable

_LOOK_EVERY_SECONDS = 1.0
_SEARCH_EVERY_SECONDS = 60.0
_ENDED_CONNECTIONS = 4096  # some 20 KB each at most: 80 MB
_NEVER = 1_000_000  # searches of the younger between two of everything
_LONG_SECONDS = 0.05
# glibc keeps what is freed below something that is not, for the process's own use.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


class Garbage:
    """Searches while the service runs."""

    def __init__(self, connections: Callable[[], int]) -> None:
        """Ask `connections` how many are open."""
        self._connections = connections
        self.ended = 0
        self._searched_at = time.monotonic()
        self.seconds = 0.0  # that the last search took

    def set_aside(self) -> None:
        """Spare everything that is there now; while no client is connected, and nothing else."""
        gc.collect()
        gc.freeze()

    def count_ended(self) -> None:
        """Count one more connection that has ended."""
        self.ended += 1

    async def run(self) -> None:
        """Search when it is worth it, until cancelled; then Python decides again."""
        thresholds = gc.get_threshold()
        gc.set_threshold(thresholds[0], thresholds[1], _NEVER)
        try:
            while True:
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
                if self.is_due():
                    self.search()
        finally:
            gc.set_threshold(*thresholds)

    def search(self) -> None:
        """Search everything that is not set aside; when that takes long and nobody is there, set it aside."""
        started = time.perf_counter()
        gc.collect()
        _give_back()
        self.seconds = time.perf_counter() - started
        if self.seconds > _LONG_SECONDS and not self._connections():
            gc.freeze()
        self.ended = 0
        self._searched_at = time.monotonic()

    def is_due(self) -> bool:
        """Return whether enough has ended, or enough time has gone by, since the last."""
        is_long_ago = time.monotonic() - self._searched_at >= _SEARCH_EVERY_SECONDS
        return self.ended >= _ENDED_CONNECTIONS or is_long_ago


def _give_back() -> None:
    """Give memory that nothing uses back to the machine, where the C library can."""
    if _trim is not None:
        _trim(0)
