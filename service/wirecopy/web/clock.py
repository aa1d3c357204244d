"""The time that articles are stamped with, that embargoes end by and that articles are kept until.

The machine's clock may be moved by mistake: by days, for seconds. What is stamped, shown or erased in that time stays
so. So the clock is compared with one that only counts on: when the two part by more than a moment, the clock's word is
not taken, and the time goes on as it was, until an operator says that the clock is right or it has stayed so for long.
"""

import time
from collections.abc import Callable

MILLISECONDS = 1_000_000  # nanoseconds in one


def _count_on() -> int:
    """Return nanoseconds of a clock that nobody sets; where the system has one, it counts while the machine sleeps,
    too.
    """
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Clock:
    """The time in milliseconds since 1970. `now` belongs to one thread; the others may read the rest."""

    def __init__(
        self,
        max_jump_seconds: float,
        patience_seconds: float,
        *,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = _count_on,
    ) -> None:
        """Believe a jump of the clock beyond `max_jump_seconds` once it has lasted for `patience_seconds`."""
        self._max_jump = int(max_jump_seconds * 1000)
        self._patience = int(patience_seconds * 1000)
        self._wall = wall
        self._steady = steady
        self._offset = self._measure()  # what the good time is ahead of the steady clock
        self._refused_offset = 0
        self._refused_since: int | None = None
        self._is_confirmed = False
        self._last = 0
        self.jump_seconds = 0.0  # that the machine's clock is ahead of the time that goes on; 0 when it is trusted
        self.refused = 0  # how often the clock's word was not taken

    def now(self) -> int:
        """Return the time, never less than before: a clock that is set back must not reorder intake."""
        steady = self._steady() // MILLISECONDS
        offset = self._measure()
        if abs(offset - self._offset) <= self._max_jump or self._is_taken(offset, steady):
            self._offset, self._refused_since, self.jump_seconds = offset, None, 0.0
        else:
            self.jump_seconds = (offset - self._offset) / 1000
        self._is_confirmed = False
        self._last = max(self._last, steady + self._offset)
        return self._last

    def confirm(self) -> None:
        """Believe the machine's clock when it is asked next."""
        self._is_confirmed = True

    def _measure(self) -> int:
        return self._wall() // MILLISECONDS - self._steady() // MILLISECONDS

    def _is_taken(self, offset: int, steady: int) -> bool:
        """Return whether a clock that has jumped is right all the same: somebody said so, or it has stayed so."""
        if self._is_confirmed:
            return True
        if self._refused_since is None or abs(offset - self._refused_offset) > self._max_jump:
            self._refused_since, self._refused_offset = steady, offset
            self.refused += 1
        return steady - self._refused_since >= self._patience
