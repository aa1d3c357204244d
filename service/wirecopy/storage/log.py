"""Reading the log over one connection; everything that is read is checked."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from wirecopy import errors
from wirecopy.storage.place import StoreFolder, connect, failures_of, reading_failures_of, size_of
from wirecopy.storage.rows import (
    COLUMNS,
    FORMAT,
    About,
    BadRow,
    Record,
    Row,
    check_pruned,
    first_of,
    follow,
    unpack_text,
)


class End(NamedTuple):
    """The last number of a log (0 for an empty one) and its chain, which vouches for all before it."""

    number: int
    chain: bytes


class RecordLog:
    """The records and texts of one database, through a connection that it owns."""

    def __init__(self, file: Path, connection: sqlite3.Connection, about: About) -> None:
        self.file = file
        self.connection = connection
        self.about = about

    @classmethod
    def open(cls, file: Path, *, mode: str = "ro") -> "RecordLog":
        """Raises Damaged for a file that is no log, NewerFormat, StorageFailed when it cannot be read.

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

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def freeze(self) -> None:
        """Read everything from now on as it is now, whatever is appended meanwhile."""
        with reading_failures_of(self.file):
            self.connection.execute("BEGIN")
            self._look_again()

    def _look_again(self) -> None:
        self.about = _read_about(self.connection, self.file)

    def end(self) -> End:
        """Where the log ends, by its last row alone."""
        found = self._rows("SELECT number, chain FROM records ORDER BY number DESC LIMIT 1")
        return End(*found[0]) if found else End(0, self.about.genesis())

    def has_chain(self, number: int, chain: bytes) -> bool:
        """Whether a record (0: the beginning) has this chain; True also when it was pruned together with later ones."""
        if number == 0:
            return self.about.genesis() == chain
        try:
            _, row = self.around(number)
        except BadRow:
            return False
        return row[0] != number or bool(row[5] == chain)

    def replay(self) -> Iterator[Record]:
        """All records but pruned ones, in order, each checked, and that there are none after the end.

        Raises Damaged, naming the first record that is not as written.
        """
        before, expected, records = self.about.genesis(), 1, 0
        with reading_failures_of(self.file), self.naming():
            self._look_again()
            end = self.end().number
            with closing(self.connection.execute(f"SELECT {COLUMNS} FROM records ORDER BY number")) as rows:
                for row in rows:
                    record = follow(before, expected, row)
                    before, expected = row[5], row[0] + 1
                    records += row[1] is not None
                    if record is not None:
                        yield record
            if expected != end + 1:
                raise BadRow(f"records {expected} to {end} are missing")
            check_pruned(self.about, end - records)

    def record(self, number: int) -> Record | None:
        """One record, None when it was pruned. Raises Damaged; `number` must be one that was given out."""
        with self.naming():
            before, row = self.around(number)
            return follow(before, number, row)

    def text(self, number: int) -> bytes | None:
        """The kept text of a record; None when none was kept or the record was pruned. Raises Damaged."""
        with self.naming():
            before, row = self.around(number)
            if follow(before, number, row) is None or row[4] is None:
                return None
            found = self._rows("SELECT body FROM texts WHERE number = ?", number)
            return unpack_text(number, row[4], found[0][0] if found else None)

    def numbers_without_text(self, kind: int) -> set[int]:
        """The numbers of the records of a kind that never had a text; unchecked."""
        return {row[0] for row in self._rows("SELECT number FROM records WHERE kind = ? AND text_digest IS NULL", kind)}

    def around(self, number: int) -> tuple[bytes, Row]:
        """The row that stands for a number, and the chain before it; raises BadRow when there is none."""
        found = self._rows(f"SELECT {COLUMNS} FROM records WHERE number >= ? ORDER BY number LIMIT 1", number)
        if not found or first_of(found[0]) > number:
            raise BadRow(f"record {number} is missing")
        row: Row = found[0]
        earlier = self._rows("SELECT chain FROM records WHERE number < ? ORDER BY number DESC LIMIT 1", first_of(row))
        return (earlier[0][0] if earlier else self.about.genesis()), row

    def rows_with_texts(self) -> Iterator[tuple[Row, Any]]:
        """All rows in order, unchecked, each with the stored form of its text."""
        query = f"SELECT {COLUMNS}, body FROM records LEFT JOIN texts USING (number) ORDER BY records.number"
        with reading_failures_of(self.file), closing(self.connection.execute(query)) as rows:
            for row in rows:
                yield row[:6], row[6]

    @contextmanager
    def naming(self) -> Iterator[None]:
        """A block in which BadRow becomes Damaged with the name of the file."""
        try:
            yield
        except BadRow as error:
            raise errors.Damaged(str(self.file), str(error)) from None

    def _rows(self, query: str, *values: int) -> list[Any]:
        with reading_failures_of(self.file):
            return self.connection.execute(query, values).fetchall()


def _sqlite_mode(file: Path, mode: str) -> str:
    """A folder that nobody can write to (a snapshot) has no place for shared memory, and no need of it."""
    frozen = mode == "ro" and size_of(StoreFolder(file.parent).wal) == 0 and not os.access(file.parent, os.W_OK)
    return "ro&immutable=1" if frozen or mode == "main file" else mode


def _read_about(connection: sqlite3.Connection, file: Path) -> About:
    row = connection.execute("SELECT format, identity, scheme, pruned, seal FROM about").fetchone()
    try:
        about = About.of_row(row)
    except BadRow as error:
        raise errors.Damaged(str(file), str(error)) from None
    if about.format > FORMAT:
        raise errors.NewerFormat(str(file), about.format, FORMAT)
    return about
