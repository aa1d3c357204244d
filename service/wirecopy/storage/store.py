"""The store: open (replay), append (one commit per batch), close.

One process writes, from one thread at a time. `text` and `record` may be called from any thread beside it.

**A commit.** Rows into SQLite's write-ahead log, synced; then the commit counter, synced (`marks.py` says why in this
order); then the caller may answer. Whatever fails in between, the store refuses all further use: after a failed sync
nobody knows what is on disk, and only a new process that reads it can tell.

**Moving pages.** When the write-ahead log has grown to `_CHECKPOINT_BYTES`, the commit that saw it moves its pages into
the main file: SQLite would do so by itself, but drop the errors.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from sqlite3 import Connection
from threading import Lock
from typing import Any

from zstandard import ZstdCompressor

from wirecopy import errors
from wirecopy.storage import checking
from wirecopy.storage.chained import RowPage
from wirecopy.storage.changes import additions, refuse_unknown, take_away
from wirecopy.storage.copying import create
from wirecopy.storage.log import RecordLog
from wirecopy.storage.marks import EMPTY_PIN, Mark, Marks, WalState
from wirecopy.storage.migration import migrate
from wirecopy.storage.place import StoreFolder, move_pages, prepare, size_of, sync_path, take_lock, writing_failures_of
from wirecopy.storage.replacing import put_in_place
from wirecopy.storage.rows import Entry, Record, Remains
from wirecopy.storage.verbs import Compaction
from wirecopy.storage.wal import WalTail

_CHECKPOINT_BYTES = 4 * 2**20
_ZSTD_LEVEL = 1  # level 3 takes a third longer, for texts of 2.7 KB that are no smaller
_ROWS_AT_ONCE = 60  # of both tables: connections keep 128 statements ready
_ROOM = 1.1  # a compaction needs so many times the database's size free on the disk, for the write-ahead log


class Store:
    """A durable, checksummed log of opaque records, with the texts that were kept.

    `loss` is a sentence on what was lost and accepted at opening, or None.
    """

    beat_seconds: float | None = None

    def __init__(
        self,
        place: StoreFolder,
        stack: ExitStack,
        writer: RecordLog,
        reader: RecordLog,
        state: checking.CheckedDatabase,
    ) -> None:
        """Use `Store.open`; what must be closed goes on `stack`."""
        self.loss = state.loss
        self._stack = stack
        self._writer = writer
        self._reader = reader
        self._reading = Lock()
        self._end = state.end
        self._place = place
        self._compressor = ZstdCompressor(level=_ZSTD_LEVEL)
        self._refusal = ""
        pin = EMPTY_PIN if state.pin is None else state.pin
        self._follower = WalTail(place.wal, pin)
        stack.callback(self._follower.close)
        moved = move_pages(writer.connection, "PASSIVE")  # under the mark of before, which holds for what is there
        self._marks = Marks.start(place.marks, self._mark(pin, settled=moved))
        stack.callback(self._marks.close)
        if moved:
            self._empty_wal()
        self._checkpoint_at = _CHECKPOINT_BYTES

    @classmethod
    def open(cls, folder: Path, *, scheme: str, accept_loss: bool = False) -> "Store":
        """Lock a folder and open what it holds, or a new empty log; `replay` then checks every record.

        Raises Locked, Damaged, TailLost (unless `accept_loss`, which reads everything and says in `loss` what is gone),
        OtherScheme, NewerFormat, StorageFailed. A folder that is refused is left as it was.
        """
        place = StoreFolder(Path(folder))
        with ExitStack() as stack:
            stack.callback(os.close, take_lock(place))
            put_in_place(place)
            if not place.database.exists():
                create(place, scheme)
            state = checking.inspect(place, scheme, accept_loss=accept_loss)
            with writing_failures_of(place.database):
                if state.pin is None:
                    _forget_wal(place)
                writer = RecordLog.open(place.database, mode="rw")
                stack.callback(writer.close)
                prepare(writer.connection)
                migrate(writer)
                reader = RecordLog.open(place.database)
                stack.callback(reader.close)
                store = cls(place, stack, writer, reader, state)
                store._stack = stack.pop_all()
        return store

    @property
    def last(self) -> int:
        """The number of the last record; 0 before the first."""
        return self._end.number

    def replay(self) -> Iterator[Record]:
        """Return all records but pruned ones, in order, each checked; raises Damaged, naming the first that is not as
        written.

        A caller must forget what it was given before that.
        """
        self._refuse_further_use()
        return self._reader.replay()

    def append(
        self, entries: Sequence[Entry], prune: Iterable[int] = (), redact: Mapping[int, Remains] | None = None
    ) -> int:
        """Append records and prune others, all or none; returns the number of the last record once that is durable.

        Of those in `redact` something remains in their place. Pruning what was redacted takes that too. Raises
        StorageFailed, after which the store is of no further use and the process must not go on.
        """
        records, texts, end = additions(entries, self._end, self._compressor)
        gone, redacted = sorted(set(prune)), dict(redact or {})
        for numbers in (gone, sorted(redacted)):
            refuse_unknown(numbers, self.last)
        if records or gone or redacted:
            with self._failing_for_good():
                self._write(records, texts, gone, redacted)
                self._end = end
                self._marks.write(self._mark(self._follower.advance(), settled=False))
                self._move_pages_when_due()
        return self.last

    def prune(self, numbers: Iterable[int]) -> None:
        """Drop records with their texts for good, leaving only that there were such numbers; pruning twice is fine.

        Returns when that is durable. Their bytes are overwritten in the database; a write-ahead log or a backup may
        still hold them. Raises like `append`, and ValueError for numbers that were never given out.
        """
        self.append((), prune=numbers)

    def compact(self) -> Compaction:
        """Write the database anew and empty the write-ahead log: no byte of either holds what was pruned or redacted.

        Takes as long as copying the database. Raises Locked when another process reads it (a backup, a verification),
        NoRoom when the disk has too little; all is as it was then, or will be done by compacting again. Raises
        StorageFailed like `append`. SQLite's temporary folder (SQLITE_TMPDIR, /var/tmp) must hold a copy for a while.
        """
        with self._reading:
            self._move_all_pages()
            before = size_of(self._place.database)
            needed, free = int(_ROOM * before), shutil.disk_usage(self._place.folder).free
            if free < needed:
                raise errors.NoRoom(str(self._place.folder), needed, free)
            with self._failing_for_good():
                self._writer.connection.execute("VACUUM")
                self._marks.write(self._mark(self._follower.advance(), settled=False))
            self._move_all_pages()
        return Compaction(before, size_of(self._place.database))

    def record(self, number: int) -> Record | None:
        """Return one record, checked; None when it was pruned. Raises Damaged, and ValueError when it was never given
        out.
        """
        self._refuse_unknown(number)
        with self._reading:
            return self._reader.record(number)

    def text(self, number: int) -> bytes | None:
        """Return the kept text of a record; None when none was kept or it was pruned. Raises like `record`."""
        self._refuse_unknown(number)
        with self._reading:
            return self._reader.text(number)

    def page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool = False) -> RowPage:
        """Return rows of what is on disk behind a number; as `ChainedLog.page_after`."""
        self._refuse_further_use()
        with self._reading:
            return self._reader.page_after(after, most, most_bytes, with_texts=with_texts)

    def beat(self) -> None:
        """Do nothing: the lock on a folder is held until the process ends."""

    def tell_url(self, url: str) -> None:
        """Do nothing: a folder has no standby that could ask."""

    def close(self) -> None:
        """Move everything into the main file and unlock the folder; may be called twice. Raises StorageFailed."""
        with self._stack, self._reading:
            if not self._refusal:
                with self._failing_for_good():
                    if self._move_pages():
                        self._empty_wal()
                self._refusal = "it is closed"

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _write(
        self,
        records: list[tuple[Any, ...]],
        texts: list[tuple[int, bytes]],
        gone: list[int],
        redacted: Mapping[int, Remains],
    ) -> None:
        connection = self._writer.connection
        connection.execute("BEGIN IMMEDIATE")
        if gone or redacted:
            take_away(self._writer, self.last, gone, redacted)
        _insert(connection, "records", records)
        _insert(connection, "texts", texts)
        connection.execute("COMMIT")

    def _mark(self, pin: WalState, *, settled: bool) -> Mark:
        return Mark(*self._end, self._writer.about.pruned, settled, pin)

    def _move_pages_when_due(self) -> None:
        end = self._follower.pin.end
        if 0 <= end < self._checkpoint_at:
            return
        moved = self._move_pages()
        self._checkpoint_at = _CHECKPOINT_BYTES if moved else end + _CHECKPOINT_BYTES  # somebody reads older pages

    def _move_pages(self) -> bool:
        moved = move_pages(self._writer.connection, "PASSIVE")
        if moved:
            self._marks.write(self._mark(self._follower.pin, settled=True))
        return moved

    def _empty_wal(self) -> bool:
        """Empty the write-ahead log if nobody reads it; the last mark says that all of it was moved."""
        emptied = move_pages(self._writer.connection, "TRUNCATE")
        if emptied:
            self._marks.write(self._mark(self._follower.begin_anew(), settled=True))
        return emptied

    def _move_all_pages(self) -> None:
        """Move everything into the main file and empty the write-ahead log. Raises Locked when somebody reads it."""
        with self._failing_for_good():
            emptied = self._move_pages() and self._empty_wal()
        if not emptied:
            raise errors.Locked(f"another process reads {self._place.database}: compact again when it is done")

    @contextmanager
    def _failing_for_good(self) -> Iterator[None]:
        self._refuse_further_use()
        try:
            with writing_failures_of(self._writer.file), self._writer.naming():
                yield
        except BaseException as error:
            self._refusal = str(error) or type(error).__name__
            raise

    def _refuse_further_use(self) -> None:
        if self._refusal:
            raise errors.StorageFailed(f"{self._writer.file} is of no further use: {self._refusal}")

    def _refuse_unknown(self, number: int) -> None:
        self._refuse_further_use()
        if not 1 <= number <= self.last:
            raise ValueError(f"no record {number}: the log has 1 to {self.last}")


def _insert(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, many with each statement: every one lets the other threads in, and has to wait for its turn."""
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[at : at + _ROWS_AT_ONCE]
        connection.execute(_insertion(table, len(part), len(part[0])), [value for row in part for value in row])


@cache
def _insertion(table: str, rows: int, columns: int) -> str:
    places = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {table} VALUES {', '.join([places] * rows)}"


def _forget_wal(place: StoreFolder) -> None:
    """Remove a write-ahead log in which nothing counts, before SQLite lays its pages over newer ones."""
    for file in (place.wal, place.shared_memory):
        file.unlink(missing_ok=True)
    sync_path(place.folder)
