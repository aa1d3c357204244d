"""The part of the owner's thread while this service is a standby: follow, look whether the writer is gone, take over.

A database that does not answer is no reason to end: the standby goes on answering with what it has, as of the record
that it names, and connects anew. It ends only where the log is another one than it has read.
"""

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from wirecopy import errors

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector
    from wirecopy.detector.standby import Standby

LOOK_EVERY_SECONDS = 0.2  # whether the lock is free: two short questions to the database
_URL_EVERY_SECONDS = 2.0


class Role:
    """What this service is at the moment; written by the owner's thread, read by all."""

    def __init__(self) -> None:
        self.is_writer = False
        self.as_of: int | None = None  # of a standby: the last record that its answers know of
        self.writer_url: str | None = None

    @property
    def is_standby(self) -> bool:
        """Whether it answers, and another one writes."""
        return self.as_of is not None


class LogFollower:
    """Follows the log of the writer for a standby. All of it runs in the owner's thread."""

    def __init__(self, standby: "Standby", role: Role) -> None:
        self.next_look = time.monotonic()
        self._standby = standby
        self._role = role
        self._next_url = 0.0
        self._has_more = True
        self._is_broken = False
        role.as_of = standby.as_of

    def step(self) -> None:
        """Apply what is next of the log. Raises Damaged, TailLost."""
        try:
            if self._is_broken:
                self._standby.renew()
                self._is_broken = False
            self._has_more = self._standby.follow()
            self._role.as_of = self._standby.as_of
            if time.monotonic() >= self._next_url:
                self._role.writer_url = self._standby.writer_url
                self._next_url = time.monotonic() + _URL_EVERY_SECONDS
        except errors.StorageFailed as error:
            self._break(error)
        if not self._has_more or self._is_broken:
            self.next_look = time.monotonic() + LOOK_EVERY_SECONDS

    def claims(self) -> bool:
        """Return whether this service has the lock now, and all records before it."""
        if self._has_more or self._is_broken:
            return False
        with suppress(errors.StorageFailed):
            return self._standby.claim()
        return False

    def take_over(self, url: str | None) -> "Detector":
        """Return the detector that goes on. Raises TailLost, StorageFailed, Damaged."""
        started = time.monotonic()
        detector = self._standby.take_over(url)
        self._role.as_of = self._role.writer_url = None
        seconds = time.monotonic() - started
        logging.getLogger("standby").warning("the writer is gone: this service writes now, after %.2f s", seconds)
        return detector

    def _break(self, error: errors.StorageFailed) -> None:
        if not self._is_broken:
            logging.getLogger("standby").warning("%s; answering with what is known, and trying again", error)
        self._is_broken = True
