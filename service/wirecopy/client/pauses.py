"""How long everything here waits before it tries again: pauses double, from half a second to half a minute.

Each is shortened by chance, to half at most, so that clients that lost one service do not all come back at one moment.
"""

import random

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0


class GrowingPauses:
    """Pauses between tries of one thing."""

    def __init__(self, first: float = FIRST_SECONDS) -> None:
        self._first = self._next = first

    def next(self, asked: float | None = None) -> float:
        """Return the seconds to wait now, no fewer than the other side asked for."""
        pause = self._next * random.uniform(0.5, 1.0)
        self._next = min(2 * self._next, LONGEST_SECONDS)
        return max(pause, asked or 0.0)

    def begin_anew(self) -> None:
        """Begin anew, since something went well: the next pause is the first one again."""
        self._next = self._first
