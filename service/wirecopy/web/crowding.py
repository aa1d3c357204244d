"""Who gets in when there are many: how many connections there may be, in all and from one address.

A connection that only stands there makes room for one that comes: when all are taken, the one that has been without a
request for longest is closed, first of the address that holds the most. So nobody locks others out by holding on.
"""

import time
from typing import Protocol


class Guest(Protocol):
    """A connection, as it is seen here."""

    address: str

    @property
    def idle_since(self) -> float | None:
        """Since when no request is under way; None while one is."""

    def make_room(self) -> None:
        """Close."""


_IDLE_SECONDS = 1.0  # that a connection may stand there in any case


class Crowding:
    """The open connections, by the address that they come from."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._by_address: dict[str, set[Guest]] = {}
        self.count = 0

    def enter(self, guest: Guest) -> bool:
        """Let a connection in, if need be in the place of another; False when there is no room."""
        own = self._by_address.get(guest.address, set())
        if len(own) >= self._most_of_one and not self._clear(own):
            return False
        if self.count >= self._most:
            by_size = sorted(self._by_address.values(), key=len, reverse=True)
            if not any(self._clear(guests) for guests in by_size):
                return False
        self._by_address.setdefault(guest.address, set()).add(guest)
        self.count += 1
        return True

    def leave(self, guest: Guest) -> None:
        """Count a connection as ended; do nothing for one that has left before."""
        own = self._by_address.get(guest.address)
        if own is None or guest not in own:
            return
        own.remove(guest)
        self.count -= 1
        if not own:
            del self._by_address[guest.address]

    def _clear(self, guests: set[Guest]) -> bool:
        """Close the one of these that has been idle for longest; False when none has been for a while."""
        before = time.monotonic() - _IDLE_SECONDS
        idle = [guest for guest in guests if guest.idle_since is not None and guest.idle_since < before]
        if not idle:
            return False
        longest = min(idle, key=lambda guest: guest.idle_since or 0.0)
        self.leave(longest)
        longest.make_room()
        return True
