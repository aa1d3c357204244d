"""Reading the log of a folder over one SQLite connection; everything that is read is checked."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from wirecopy import errors
from wirecopy.storage.chained import ChainedLog, End, checked_about
from wirecopy.storage.place import StoreFolder, connect, failures_of, reading_failures_of, size_of
from wirecopy.storage.rows import FORMAT, About

__all__ = ["End", "RecordLog"]

_MOST_PROBLEMS = 20  # as many as a person reads


class RecordLog(ChainedLog):
    """The records and texts of one database, through a connection that it owns."""

    def __init__(self, file: Path, connection: sqlite3.Connection, about: About) -> None:
        self.file = file
        self.connection = connection
        self.about = about

    @classmethod
    def open(cls, file: Path, *, mode: str = "ro") -> "RecordLog":
        """Raise Damaged for a file that is no log, NewerFormat, StorageFailed when it cannot be read.

        `mode` as in `connect`; `main file` reads that alone, as if there were no write-ahead log.
        """
        with failures_of(file), reading_failures_of(file):
            if file.stat().st_size == 0:  # SQLite takes it for a new database
                raise errors.Damaged(str(file), "it is empty")
            connection = connect(file, _sqlite_mode(file, mode))
            try:
                return cls(file, connection, _read_about(connection, file))
            except BaseException:
                connection.close()
                raise

    @property
    def name(self) -> str:
        return str(self.file)

    def close(self) -> None:
        self.connection.close()

    def freeze(self) -> None:
        with self.failures():
            self.connection.execute("BEGIN")
            self._look_again()

    def execute(self, query: str, *values: Any) -> int:
        return self.connection.execute(query, values).rowcount

    def check_structure(self) -> list[str]:
        with self.failures():
            found = self.connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})").fetchall()
        lines = [line for row in found for line in row[0].decode(errors="replace").splitlines()]
        return [line for line in lines if line != "ok"]

    def failures(self) -> AbstractContextManager[None]:
        return reading_failures_of(self.file)

    def _query(self, query: str, *values: int) -> list[Any]:
        return self.connection.execute(query, values).fetchall()

    def _stream(self, columns: str, source: str, after: int) -> Iterator[Any]:
        query = f"SELECT {columns} FROM {source} WHERE records.number > ? ORDER BY records.number"
        with closing(self.connection.execute(query, (after,))) as rows:
            yield from rows

    def _look_again(self) -> None:
        self.about = _read_about(self.connection, self.file)


def _sqlite_mode(file: Path, mode: str) -> str:
    """Return a folder that nobody can write to (a snapshot) has no place for shared memory, and no need of it."""
    frozen = mode == "ro" and size_of(StoreFolder(file.parent).wal) == 0 and not os.access(file.parent, os.W_OK)
    return "ro&immutable=1" if frozen or mode == "main file" else mode


def _read_about(connection: sqlite3.Connection, file: Path) -> About:
    row = connection.execute("SELECT format, identity, scheme, pruned, seal FROM about").fetchone()
    return checked_about(row, str(file), FORMAT)
