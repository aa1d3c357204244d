"""The folder: its files, the lock on it, and how connections to its database are opened."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from wirecopy import errors

_WAL_LIMIT_BYTES = 64 * 2**20  # what a long backup made it grow beyond is given back
_BUSY_SECONDS = 5.0  # how long another connection's recovery may make us wait
_ELSEWHERE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL}

_sync_data = getattr(os, "fdatasync", os.fsync)  # spares the file's times; not everywhere


class StoreFolder(NamedTuple):
    """The names of the files in a folder of stored articles."""

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.folder / "wirecopy.db"

    @property
    def wal(self) -> Path:
        """Its write-ahead log, which SQLite makes and removes; missing and empty are the same."""
        return self.folder / "wirecopy.db-wal"

    @property
    def shared_memory(self) -> Path:
        """The index of the write-ahead log, made anew by the first process that opens it."""
        return self.folder / "wirecopy.db-shm"

    @property
    def marks(self) -> Path:
        """The commit counter."""
        return self.folder / "wirecopy.marks"

    @property
    def lock(self) -> Path:
        """Whoever holds a lock on this file writes; the file itself says nothing and stays."""
        return self.folder / "wirecopy.lock"

    @property
    def making(self) -> Path:
        """A folder in which a database is being made that is to replace this one; what it holds is of no value yet."""
        return self.folder / "wirecopy.making"

    @property
    def made(self) -> Path:
        """A folder with a complete database that replaces this one, until its files have got their names."""
        return self.folder / "wirecopy.made"


@contextmanager
def failures_of(place: object) -> Iterator[None]:
    """Turn failures of the operating system into StorageFailed."""
    try:
        yield
    except OSError as error:
        raise errors.StorageFailed(f"{place}: {(error.strerror or str(error)).lower()}") from error


@contextmanager
def reading_failures_of(place: object) -> Iterator[None]:
    """Turn what SQLite says while reading into Damaged, Locked or StorageFailed."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _ELSEWHERE:
            raise errors.Locked(f"{place} is locked by another process") from error
        if code in _REFUSED:
            raise errors.StorageFailed(f"{place}: {error}") from error
        raise errors.Damaged(str(place), str(error)) from error
    except UnicodeDecodeError as error:  # SQLite quotes damaged bytes in its message
        raise errors.Damaged(str(place), "its schema is unreadable") from error


@contextmanager
def writing_failures_of(place: object) -> Iterator[None]:
    """Turn failures of SQLite and the operating system into StorageFailed."""
    with failures_of(place):
        try:
            yield
        except sqlite3.Error as error:
            raise errors.StorageFailed(f"{place}: {error}") from error


def take_lock(place: StoreFolder) -> int:
    """Make the folder if need be and return the descriptor of its lock, which the end of the process frees, kill too.

    Raises Locked when another process, or another store in this one, holds it, StorageFailed when it cannot be made.
    """
    with failures_of(place.folder):
        make_folder(place.folder)
        descriptor = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise errors.Locked(f"{place.folder} is in use by another wirecopy") from None
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durable in the one above; an existing folder is left as it is."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_path(folder.parent)


def sync_path(file: Path) -> None:
    """Make durable what somebody else wrote to a file, or the names that were given and taken in a folder."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(descriptor: int) -> None:
    """Make what was written to a file durable; a failure must not be retried, as the kernel forgets what it lost."""
    _sync_data(descriptor)


def size_of(file: Path) -> int:
    """Return bytes of a file; 0 when it is missing."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def connect(file: Path, mode: str) -> sqlite3.Connection:
    """Open a database: `ro` never writes to it and leaves its write-ahead log as it is, `rw` and `rwc` are SQLite's.

    Text comes as bytes, so that damaged text reaches our checks instead of failing in between.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(file.absolute()))}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = bytes
    try:
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Set up a connection that writes; the first makes the database one with a write-ahead log for good."""
    connection.execute("PRAGMA synchronous = FULL")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != b"wal":
        raise sqlite3.OperationalError("the file system has no shared memory, which SQLite's write-ahead log needs")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    connection.execute("PRAGMA secure_delete = ON")


def move_pages(connection: sqlite3.Connection, how: str) -> bool:
    """Move pages from the write-ahead log into the main file, waiting for nobody; whether all were moved and synced."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        busy, held, moved = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
    finally:
        connection.execute("PRAGMA busy_timeout = 5000")
    return not busy and held == moved


def move_all_pages(connection: sqlite3.Connection) -> None:
    """Move everything into the main file before closing: SQLite does so too, but keeps its failures to itself."""
    if not move_pages(connection, "TRUNCATE"):
        raise sqlite3.OperationalError("another connection reads the new database")
