"""A log of whatever database, read and checked: what SQLite's and PostgreSQL's have in common.

The SQL is that of both; a place for a value is `?`. What differs is behind the methods that are abstract.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from wirecopy import errors
from wirecopy.storage.rows import (
    COLUMNS,
    About,
    BadRow,
    Record,
    Row,
    check_pruned,
    first_of,
    follow,
    is_bare,
    unpack_text,
)

T = TypeVar("T")


class End(NamedTuple):
    """The last number of a log (0 for an empty one) and its chain, which vouches for all before it."""

    number: int
    chain: bytes


class RowPage(NamedTuple):
    """Rows of a log in order, each with the stored form of its text, and the chain before the first of them."""

    about: About
    before: bytes
    rows: list[tuple[Row, bytes | None]]
    last: int  # the number of the last record of the whole log


class ChainedLog(ABC):
    """The records and texts of one database."""

    about: About

    @property
    @abstractmethod
    def name(self) -> str:
        """What a person is told where something is wrong."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""

    @abstractmethod
    def freeze(self) -> None:
        """Read everything from now on as it is now, whatever is appended meanwhile."""

    @abstractmethod
    def execute(self, query: str, *values: Any) -> int:
        """Run a statement that changes something; return how many rows that were."""

    @abstractmethod
    def check_structure(self) -> list[str]:
        """Return what the database itself finds wrong in its structure, a sentence each."""

    @abstractmethod
    def failures(self) -> AbstractContextManager[None]:
        """Return a block in which failures to read become Damaged, Locked or StorageFailed."""

    @abstractmethod
    def _query(self, query: str, *values: int) -> list[Any]:
        """Return all rows of a question that has few."""

    @abstractmethod
    def _stream(self, columns: str, source: str, after: int) -> Iterator[Any]:
        """Return the rows of records behind the number `after`, in order of their numbers, of which there may
        be many.
        """

    @abstractmethod
    def _look_again(self) -> None:
        """Read anew what the database says of itself."""

    def end(self) -> End:
        """Return where the log ends, by its last row alone."""
        found = self._rows("SELECT number, chain FROM records ORDER BY number DESC LIMIT 1")
        return End(*found[0]) if found else End(0, self.about.genesis())

    def has_chain(self, number: int, chain: bytes) -> bool:
        """Return whether a record (0: the beginning) has this chain; True also when it was pruned together with later
        ones.
        """
        if number == 0:
            return self.about.genesis() == chain
        try:
            _, row = self.around(number)
        except BadRow:
            return False
        return row[0] != number or bool(row[5] == chain)

    def replay(self) -> Iterator[Record]:
        """Yield all records but pruned ones, in order, each checked, and that there are none after the end.

        Raises Damaged, naming the first record that is not as written.
        """
        before, expected, records = self.about.genesis(), 1, 0
        with self.failures(), self.naming():
            self._look_again()
            end = self.end().number
            for row in self._stream(COLUMNS, "records", 0):
                record = follow(before, expected, row)
                before, expected = row[5], row[0] + 1
                records += row[1] is not None
                if record is not None:
                    yield record
            if expected != end + 1:
                raise BadRow(f"records {expected} to {end} are missing")
            check_pruned(self.about, end - records)

    def records_after(self, end: End, most: int) -> tuple[list[Record], End]:
        """Return the records of at most `most` rows behind an end that was read before, each checked, and the end then.

        A run of pruned ones is one row. Raises Damaged for a log that does not go on from that end.
        """
        with self.failures(), self.naming():
            return _twice(lambda: self._records_after(end, most))

    def page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool = False) -> RowPage:
        """Return the rows of records behind a number, each checked: at most `most`, and none more once they have
        `most_bytes`.

        The first may be a pruned run that began before that number. Raises Damaged.
        """
        with self.failures(), self.naming():
            return _twice(lambda: self._page_after(after, most, most_bytes, with_texts=with_texts))

    def tombstones(self) -> list[tuple[int, int, bool]]:
        """Return the numbers (first, last) of all pruned runs in order, each with whether nothing remains there;
        unchecked.
        """
        found = self._rows(f"SELECT {COLUMNS} FROM records WHERE kind IS NULL ORDER BY number")
        with self.naming():
            return [(first_of(row), row[0], is_bare(row)) for row in found]

    def record(self, number: int) -> Record | None:
        """Return one record, None when it was pruned. Raises Damaged; `number` must be one that was given out."""
        with self.naming():
            before, row = self.around(number)
            return follow(before, number, row)

    def text(self, number: int) -> bytes | None:
        """Return the kept text of a record; None when none was kept or the record was pruned. Raises Damaged."""
        with self.naming():
            before, row = self.around(number)
            if follow(before, number, row) is None or row[4] is None:
                return None
            found = self._rows("SELECT body FROM texts WHERE number = ?", number)
            return unpack_text(number, row[4], found[0][0] if found else None)

    def numbers_without_text(self, kind: int) -> set[int]:
        """Return the numbers of the records of a kind that never had a text; unchecked."""
        return {row[0] for row in self._rows("SELECT number FROM records WHERE kind = ? AND text_digest IS NULL", kind)}

    def around(self, number: int) -> tuple[bytes, Row]:
        """Return the row that stands for a number, and the chain before it; raises BadRow when there is none."""
        found = self._rows(f"SELECT {COLUMNS} FROM records WHERE number >= ? ORDER BY number LIMIT 1", number)
        if not found or first_of(found[0]) > number:
            raise BadRow(f"record {number} is missing")
        row: Row = tuple(found[0])
        earlier = self._rows("SELECT chain FROM records WHERE number < ? ORDER BY number DESC LIMIT 1", first_of(row))
        return (earlier[0][0] if earlier else self.about.genesis()), row

    def rows_with_texts(self) -> Iterator[tuple[Row, Any]]:
        """Yield all rows in order, unchecked, each with the stored form of its text."""
        with self.failures():
            for row in self._stream(f"{COLUMNS}, body", "records LEFT JOIN texts USING (number)", 0):
                yield row[:6], row[6]

    def texts(self) -> int:
        """Return how many texts there are, whomever they belong to."""
        count: int = self._rows("SELECT count(*) FROM texts")[0][0]
        return count

    def _records_after(self, end: End, most: int) -> tuple[list[Record], End]:
        if not self.has_chain(*end):
            raise BadRow(f"record {end.number} is another one than before")
        if end.number == self.end().number:
            return [], end
        before, _ = self.around(end.number + 1)
        found = []
        for row in islice(self._stream(COLUMNS, "records", end.number), most):
            record = follow(before, end.number + 1, row)
            before, end = row[5], End(row[0], row[5])
            if record is not None:
                found.append(record)
        return found, end

    def _page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool) -> RowPage:
        last = self.end().number
        page = RowPage(self.about, b"" if after >= last else self.around(after + 1)[0], [], last)
        chain, expected, size = page.before, after + 1, 0
        for row in islice(self._stream(COLUMNS, "records", after), most if page.before else 0):
            follow(chain, expected, row)
            chain, expected = row[5], row[0] + 1
            has_text = with_texts and row[4] is not None
            body = self._query("SELECT body FROM texts WHERE number = ?", row[0]) if has_text else []
            page.rows.append((row, body[0][0] if body else None))
            size += len(row[3]) + (len(body[0][0]) if body else 0)
            if size >= most_bytes:
                break
        return page

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Turn BadRow within the block into Damaged with the name of the database."""
        try:
            yield
        except BadRow as error:
            raise errors.Damaged(self.name, str(error)) from None

    def _rows(self, query: str, *values: int) -> list[Any]:
        with self.failures():
            return self._query(query, *values)


def checked_about(row: tuple[Any, ...] | None, name: str, newest: int) -> About:
    """Return what a database says of itself. Raises Damaged, NewerFormat where its format is above `newest`."""
    try:
        about = About.of_row(row)
    except BadRow as error:
        raise errors.Damaged(name, str(error)) from None
    if about.format > newest:
        raise errors.NewerFormat(name, about.format, newest)
    return about


def _twice(read: Callable[[], T]) -> T:
    """Return what a few questions find together; asked again where rows were pruned between two of them."""
    try:
        return read()
    except BadRow:
        return read()
