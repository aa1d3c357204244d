"""Answers on their way to a client that does not take them yet.

The first megabyte waits in memory, what comes behind it in a file of fixed capacity that is written round and round,
so that a stream that is read slowly but steadily never outgrows it. The file has no name: it is gone with its process.
"""

import os
import tempfile
from collections import deque

_MEMORY_BYTES = 2**20
_TAKE_BYTES = 256 * 2**10


class AnswerSpool:
    """First in, first out. `put` always succeeds; `is_full` tells the caller to stop putting soon."""

    def __init__(self, capacity: int) -> None:
        """`capacity` bounds the file in bytes; what does not fit stays in memory and makes the spool full."""
        self._capacity = capacity
        self._memory: deque[bytes] = deque()
        self._in_memory = 0
        self._descriptor = -1
        self._start = 0  # of the unread part of the file, counted over all rounds
        self._end = 0
        self._late: deque[bytes] = deque()  # behind the file
        self.is_full = False

    def put(self, data: bytes) -> None:
        """Add `data` at the end."""
        if self._late:
            self._late.append(data)
        elif self._start == self._end and self._in_memory + len(data) <= _MEMORY_BYTES:
            self._memory.append(data)
            self._in_memory += len(data)
        elif not self._write(data):
            self._late.append(data)
            self.is_full = True

    def take(self) -> bytes:
        """Remove and return some bytes from the start; b"" when there are none."""
        if self._memory:
            data = self._memory.popleft()
            self._in_memory -= len(data)
            return data
        if self._start < self._end:
            offset = self._start % self._capacity
            size = min(_TAKE_BYTES, self._end - self._start, self._capacity - offset)
            data = os.pread(self._descriptor, size, offset)
            self._start += len(data)
            return data
        return self._late.popleft() if self._late else b""

    def close(self) -> None:
        """Forget everything."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> bool:
        """Return whether `data` found room in the file."""
        if self._end - self._start + len(data) > self._capacity:
            return False
        try:
            if self._descriptor < 0:
                self._descriptor = _open_nameless()
            position = self._end
            while data:
                offset = position % self._capacity
                written = os.pwrite(self._descriptor, data[: self._capacity - offset], offset)
                data, position = data[written:], position + written
        except OSError:  # the disk is full: as if the spool were
            return False
        self._end = position
        return True


def _open_nameless() -> int:
    descriptor, name = tempfile.mkstemp(prefix="wirecopy-spool-")
    os.unlink(name)
    return descriptor
