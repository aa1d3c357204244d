"""What SQLite's write-ahead log must still hold: known byte for byte, checked before SQLite reads it.

The commit counter notices records that are gone. It cannot see this: pages are moved from the log into the main file,
the process dies, and the log's beginning is damaged. Then SQLite lays *old* pages of the log over newer ones of the
main file. So each mark also pins the log: how long it was, and a digest of those bytes (kept up to date by reading what
a commit added, a few pages from the page cache).

A pinned log that is not as pinned is no proof of damage: a process that ends by an exception lets SQLite move
everything and delete the log. In doubt, the caller reads everything before it goes on.

Layout (sqlite.org/walformat.html), big-endian: a header of 32 bytes with page size at 8 and two salts at 16; frames of
24 bytes and a page each, with the size of the database at 4 in frames that end a commit and else 0, and the salts at 8.
A log whose pages were all moved is begun anew at its start, with the first salt incremented.
"""

import os
import struct
from pathlib import Path

from xxhash import xxh3_128

from wirecopy.storage.marks import EMPTY_PIN, UNKNOWN_PIN, Mark, WalState
from wirecopy.storage.place import size_of

_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_BLOCK_FRAMES = 16
_U32 = struct.Struct(">I")


class WalTail:
    """Keeps the pin of the log that this process writes."""

    def __init__(self, wal: Path, pin: WalState) -> None:
        """Follow a log that may be there already, with its pin; what is added is known once it begins anew."""
        self._wal = wal
        self._descriptor = -1
        self._header = _read_start(wal)
        self._hash: xxh3_128 | None = None
        self.pin = pin

    def begin_anew(self) -> WalState:
        """Return the log was emptied; returns the pin of that."""
        self._header, self._hash, self.pin = b"", None, EMPTY_PIN
        return self.pin

    def advance(self) -> WalState:
        """Take in the commit that was just made; returns the new pin. Raises OSError when the log does not hold it."""
        if self._descriptor < 0:
            self._descriptor = os.open(self._wal, os.O_RDONLY)
        header = os.pread(self._descriptor, _HEADER_BYTES, 0)
        if header != self._header:
            self._header, self._hash = header, xxh3_128(header)
            self.pin = WalState(len(header), _salt(header), b"")
        if self._hash is None:
            self.pin = UNKNOWN_PIN
        else:
            end = self._read_commit(self.pin.end, self._hash)
            self.pin = WalState(end, self.pin.salt, self._hash.digest())
        return self.pin

    def _read_commit(self, end: int, digest: xxh3_128) -> int:
        """Take in frames from `end` up to the first that ends a commit; returns where that ends."""
        frame_bytes: int = _FRAME_HEADER_BYTES + _U32.unpack_from(self._header, 8)[0]
        while True:
            block = os.pread(self._descriptor, _BLOCK_FRAMES * frame_bytes, end)
            for at in range(0, len(block) - frame_bytes + 1, frame_bytes):
                if block[at + 8 : at + 16] != self._header[16:24]:
                    break
                if block[at + 4 : at + 8] != bytes(4):
                    digest.update(memoryview(block)[: at + frame_bytes])
                    return end + at + frame_bytes
            else:
                if len(block) == _BLOCK_FRAMES * frame_bytes:
                    digest.update(block)
                    end += len(block)
                    continue
            raise OSError(f"{self._wal} does not hold the last commit")

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def is_as_marked(wal: Path, mark: Mark) -> bool:
    """Return whether the log can be given to SQLite without doubt; False also when it merely is not known."""
    pin = mark.pin
    if pin.end <= 0:
        return pin.end == 0
    if size_of(wal) == 0:
        return mark.settled
    if mark.settled and _salt(_read_start(wal)) == (pin.salt + 1) % 2**32:
        return True
    return _digest(wal, pin.end) == pin.digest


def _read_start(wal: Path) -> bytes:
    try:
        with wal.open("rb") as stream:
            return stream.read(_HEADER_BYTES)
    except FileNotFoundError:
        return b""


def _salt(header: bytes) -> int:
    """Return the first salt of a header; -1 when it is cut short."""
    salt: int = _U32.unpack_from(header, 16)[0] if len(header) == _HEADER_BYTES else -1
    return salt


def _digest(wal: Path, length: int) -> bytes | None:
    """Digest of the first `length` bytes, None when there are fewer."""
    digest = xxh3_128()
    with wal.open("rb") as stream:
        while length > 0:
            block = stream.read(min(length, 2**20))
            if not block:
                return None
            digest.update(block)
            length -= len(block)
    return digest.digest()
