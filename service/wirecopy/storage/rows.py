"""What a record is on disk, and how each one vouches for all before it.

Every record carries a checksum over itself and the checksum of the record before it, its *chain*: one wrong bit, a
missing record, a changed order or a record of another log breaks it at a known number, and the last chain alone vouches
for the whole log. A kept text lies in a table of its own, so that replay never reads it; its digest is part of its
record, so that a missing text is noticed too.

Pruned records leave a *tombstone* for each run of numbers: the row of the run's last number, with its chain, kind NULL
and a payload of the run's first number and a seal. So numbers stay consecutive, and a run costs one row, however long.

Of a redacted record something may remain in its place: its tombstone, which stands for no other number, then holds a
kind and a payload that the seal covers. It counts as pruned.
"""

import os
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from xxhash import xxh3_128_digest
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

FORMAT = 1  # the first: there is nothing older to migrate
APPLICATION_ID = 0x77697265  # "wire": what `file` shows
PAGE_BYTES = 8192  # three records of 2.5 KB with their keys; twice SQLite's default, whose pages would hold one

# `about` and its seal keep their shape in all later formats, so that each version can tell what it has before it.
SCHEMA = (
    "CREATE TABLE about (only INTEGER PRIMARY KEY CHECK (only = 1), format INTEGER NOT NULL, identity BLOB NOT NULL,"
    " scheme TEXT NOT NULL, pruned INTEGER NOT NULL, seal BLOB NOT NULL)",
    "CREATE TABLE records (number INTEGER PRIMARY KEY, kind INTEGER, id TEXT, payload BLOB NOT NULL, text_digest BLOB,"
    " chain BLOB NOT NULL)",
    "CREATE TABLE texts (number INTEGER PRIMARY KEY, body BLOB NOT NULL)",
)
COLUMNS = "records.number, kind, id, payload, text_digest, chain"

_HEAD = struct.Struct("<qqii")  # number, kind, length of id, length of text digest; -1: none
_ABOUT = struct.Struct("<qq")  # format, pruned
_RUN = struct.Struct("<qq")  # first and last number of a pruned run
_FIRST = struct.Struct("<q")
_KIND = struct.Struct("<q")
_DIGEST_BYTES = 16
_SEAL_END = _FIRST.size + _DIGEST_BYTES

Row = tuple[Any, Any, Any, Any, Any, Any]  # COLUMNS; any value may be damaged, even in its type


class Entry(NamedTuple):
    """What `append` takes; `text` is raw UTF-8 that the store compresses, None keeps none."""

    kind: int
    id: str | None
    payload: bytes
    text: bytes | None


class Remains(NamedTuple):
    """What stays in the place of a redacted record."""

    kind: int
    payload: bytes


class Record(NamedTuple):
    """What `replay` gives; `number` counts from 1. Of a redacted one: the kind and payload of what remains, no id."""

    number: int
    kind: int
    id: str | None
    payload: bytes


class BadRow(ValueError):
    """A row is not what was written; the message says which and how, the caller adds where."""


class About(NamedTuple):
    """What a database says of itself; `pruned` counts the records that were, as pages of before know nothing of it."""

    format: int
    identity: bytes
    scheme: str
    pruned: int

    @classmethod
    def new(cls, scheme: str) -> "About":
        """Return a new log; its identity makes every checksum in it unlike those of any other log."""
        return cls(FORMAT, os.urandom(_DIGEST_BYTES), scheme, 0)

    @classmethod
    def of_row(cls, row: tuple[Any, ...] | None) -> "About":
        """Check a row (format, identity, scheme, pruned, seal); raises BadRow."""
        try:
            format_, identity, scheme, pruned, seal = row or ()
            about = cls(format_, identity, scheme.decode(), pruned)
            intact = about.seal() == seal
        except (AttributeError, TypeError, ValueError, struct.error):
            intact = False
        if not intact:
            raise BadRow("its description does not match its checksum")
        return about

    def row(self) -> tuple[int, bytes, str, int, bytes]:
        """Return what `of_row` takes."""
        return (*self, self.seal())

    def seal(self) -> bytes:
        """Return the checksum over everything in it."""
        head = _ABOUT.pack(self.format, self.pruned)
        return xxh3_128_digest(b"".join((b"about", head, self.identity, self.scheme.encode())))

    def genesis(self) -> bytes:
        """Return the chain before the first record."""
        return xxh3_128_digest(b"genesis" + self.identity)


def link(
    before: bytes, number: int, kind: int, article_id: bytes | None, text_digest: bytes | None, payload: bytes
) -> bytes:
    """Return the chain of a record after one whose chain is `before`."""
    lengths = -1 if article_id is None else len(article_id), -1 if text_digest is None else len(text_digest)
    parts = before, _HEAD.pack(number, kind, *lengths), article_id or b"", text_digest or b"", payload
    return xxh3_128_digest(b"".join(parts))


def tombstone(before: bytes, first: int, last: int, chain: bytes, remains: Remains | None = None) -> tuple[Any, ...]:
    """Return the row that stands for the pruned records `first` to `last`; `before` and `chain` as those records had
    them.
    """
    kept = b"" if remains is None else _KIND.pack(remains.kind) + remains.payload
    return last, None, None, _FIRST.pack(first) + _run_seal(before, first, last, chain, kept) + kept, None, chain


def is_bare(row: Row) -> bool:
    """Return whether a row is a tombstone with which others may become one: nothing remains there."""
    return row[1] is None and len(row[3]) == _SEAL_END


def first_of(row: Row) -> int:
    """Return the first number that a row stands for: its own, or that of its pruned run. Raises BadRow."""
    number, kind, payload = row[0], row[1], row[3]
    try:
        first: int = number if kind is not None else _FIRST.unpack_from(payload)[0]
    except (TypeError, struct.error):
        raise BadRow(f"record {number!r} does not match its checksum") from None
    return first


def follow(before: bytes, expected: int, row: Row) -> Record | None:
    """Check the row that comes after number `expected` - 1 with chain `before`: its record, or None when pruned.

    Of a redacted one: what remains of it.

    Raises BadRow, naming the record.
    """
    number, kind, article_id, payload, text_digest, chain = row
    try:
        if kind is None:
            first, kept = first_of(row), payload[_SEAL_END:]
            intact = payload[_FIRST.size : _SEAL_END] == _run_seal(before, first, number, chain, kept)
        else:
            first, kept = number, b""
            intact = link(before, number, kind, article_id, text_digest, payload) == chain
        if (number > expected and kind is not None) or (intact and first > expected):
            raise BadRow(f"records {expected} to {first - 1} are missing")
        if intact:
            decoded = None if article_id is None else article_id.decode()
            if kind is not None:
                return Record(number, kind, decoded, payload)
            return Record(number, _KIND.unpack_from(kept)[0], None, kept[_KIND.size :]) if kept else None
    except (TypeError, UnicodeDecodeError, AttributeError, struct.error):
        pass
    raise BadRow(f"record {number} does not match its checksum")


def check_pruned(about: About, pruned: int) -> None:
    """Raise BadRow when a log stands for another number of pruned records than it should."""
    if pruned != about.pruned:
        raise BadRow(f"{about.pruned} records were pruned and {pruned} are")


def _run_seal(before: bytes, first: int, last: int, chain: bytes, kept: bytes) -> bytes:
    return xxh3_128_digest(b"".join((b"pruned", before, _RUN.pack(first, last), chain, kept)))


def pack_texts(compressor: ZstdCompressor, texts: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the stored form of each text and the digest that goes into its record.

    All are compressed in one call: every call lets the other threads in, and has to wait for its turn afterwards.
    """
    if len(texts) > 1 and all(texts):
        packed = compressor.multi_compress_to_buffer(list(texts))
        bodies = [packed[k].tobytes() for k in range(len(texts))]
    else:
        bodies = [compressor.compress(text) for text in texts]
    return [(body, xxh3_128_digest(body)) for body in bodies]


def unpack_text(number: int, text_digest: bytes, body: Any) -> bytes:
    """Return the text of a stored form; raises BadRow when the form is missing or not the one of the digest."""
    if body is None:
        raise BadRow(f"the text of record {number} is missing")
    try:
        if xxh3_128_digest(body) == text_digest:
            return ZstdDecompressor().decompress(body)
    except (TypeError, ZstdError):
        pass
    raise BadRow(f"the text of record {number} does not match its checksum")
