"""The commit counter: a small file beside the database that says up to where records were acknowledged.

SQLite takes the valid beginning of its write-ahead log for the whole of it: when the end is cut off or damaged, the
last commits are gone without a word. The counter notices.

**Order.** A mark is written and synced *after* the commit is durable and *before* anybody is answered. So at every
instant, whatever dies: acknowledged <= mark <= database. A database behind its mark has lost something that was
acknowledged; one ahead of it was interrupted between the two and is healthy. The other order (mark first) could not
tell a healthy store that was interrupted from one that lost its end.

**Two slots.** Marks go to two places in turn, each with a checksum, 4 KiB apart so that no write touches both. A write
that was cut short leaves the other slot, which holds the mark before.
"""

import errno
import os
import stat
import struct
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh3_128_digest

from wirecopy.storage.place import failures_of, sync_file, sync_path

_MAGIC = b"wcmark01"
_SLOT = struct.Struct("<8sQq16sQ?qI16s")
_SLOT_BYTES = _SLOT.size + 16
_STEP = 4096


class WalState(NamedTuple):
    """The write-ahead log as it was at a mark: its first `end` bytes have `digest`; `salt` names its generation.

    `end` is 0 when nothing in it counted, -1 when it is not known.
    """

    end: int
    salt: int
    digest: bytes


EMPTY_PIN = WalState(0, 0, bytes(16))
UNKNOWN_PIN = WalState(-1, 0, bytes(16))


class Mark(NamedTuple):
    """What was durable when it was written: `number` records, the last one's chain, and so many prunings.

    `settled`: all of it was in the main file, and the write-ahead log may be missing or begun anew.
    """

    number: int
    chain: bytes
    pruned: int
    settled: bool
    pin: WalState


class Marks:
    """The file, open for writing by the one process that holds the lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._sequence = 0

    @classmethod
    def start(cls, path: Path, mark: Mark) -> "Marks":
        """Replace the file, in one step, by one that holds `mark`; raises StorageFailed."""
        new = path.with_name(path.name + ".new")
        with failures_of(path):
            descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                os.pwrite(descriptor, bytes(2 * _STEP), 0)
                marks = cls(path, descriptor)
                marks.write(mark)
                os.fsync(descriptor)
                os.replace(new, path)
                sync_path(path.parent)
            except BaseException:
                os.close(descriptor)
                raise
        return marks

    def write(self, mark: Mark, *, durable: bool = True) -> None:
        """Make a mark durable; raises StorageFailed, after which nothing may be acknowledged any more.

        One that is not durable outlives the process, and not the machine.
        """
        self._sequence += 1
        body = _SLOT.pack(_MAGIC, self._sequence, *mark[:4], *mark.pin)
        with failures_of(self._path):
            written = os.pwrite(self._descriptor, body + xxh3_128_digest(body), _STEP * (self._sequence % 2))
            if written != _SLOT_BYTES:
                raise OSError(f"only {written} of {_SLOT_BYTES} bytes were written")
            if durable:
                sync_file(self._descriptor)

    def close(self) -> None:
        """Close the file; what was written is durable already."""
        os.close(self._descriptor)


def read_mark(path: Path) -> Mark | None:
    """Return the newest mark, None when there is no file or neither slot is intact; raises StorageFailed."""
    with failures_of(path):
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise OSError(errno.EINVAL, "is no regular file")
            data = path.read_bytes()
        except FileNotFoundError:
            return None
    found = [slot for slot in (_read_slot(data[at : at + _SLOT_BYTES]) for at in (0, _STEP)) if slot is not None]
    return max(found, key=lambda slot: slot[0])[1] if found else None


def _read_slot(slot: bytes) -> tuple[int, Mark] | None:
    body, checksum = slot[: _SLOT.size], slot[_SLOT.size :]
    if len(slot) < _SLOT_BYTES or xxh3_128_digest(body) != checksum:
        return None
    _, sequence, number, chain, pruned, settled, *pin = _SLOT.unpack(body)
    return sequence, Mark(number, chain, pruned, settled, WalState(*pin))
