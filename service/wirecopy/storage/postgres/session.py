"""One connection to PostgreSQL: its settings, its failures in our words, and the lock of the one that writes.

The lock is an advisory one that belongs to the session in which is written. When that session ends, however, the server
frees the lock, and nothing can be committed in it any more. A server that does not answer is given up after
`PATIENCE_SECONDS`: the connection is shut under whoever waits, since libpq itself would wait for ever.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from zlib import crc32

from wirecopy import errors
from wirecopy.storage.postgres.address import Address

try:
    import psycopg
except ImportError as missing:  # the extra is not installed
    raise errors.UsageError(
        "PostgreSQL needs a driver that is not installed: pip install 'wirecopy[postgres]'"
    ) from missing

PATIENCE_SECONDS = 30.0
_CONNECT_SECONDS = 10
_HOLDER_DIES_SECONDS = 1.0  # measured: 0.2, until the server frees the lock of a process that was killed
_LOCK_CLASS = 0x77697265  # "wire"
# A client whose machine is gone says nothing: without these its lock would be held for two hours.
_SETTINGS = (
    "SET bytea_output = 'hex'; SET client_min_messages = warning; SET tcp_keepalives_idle = 2; "
    "SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3; SET idle_in_transaction_session_timeout = 0; "
    "SET statement_timeout = 0; SET lock_timeout = '20s'; SET search_path = {schema}"
)
_DAMAGED = ("XX001", "XX002", "42P01", "42703")  # data or index corrupted; a table or a column is missing
_GONE = ("08", "57P")  # connections; the server stops


class PostgresSession:
    """A connection that commits every statement by itself, unless a transaction is begun."""

    def __init__(self, address: Address, connection: "psycopg.Connection[Any]") -> None:
        self.address = address
        self.connection = connection
        self.has_lock = False
        self._until: float | None = None
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._shut_when_late, name="patience", daemon=True)
        self._watch.start()

    @classmethod
    def open(cls, address: Address) -> "PostgresSession":
        """Raise StorageFailed when the server does not take the connection."""
        with failures_of(address):
            connection = psycopg.connect(
                address.url, autocommit=True, connect_timeout=_CONNECT_SECONDS, fallback_application_name="wirecopy",
                keepalives_idle=5, keepalives_interval=2, keepalives_count=3, tcp_user_timeout=15_000,
            )  # fmt: skip
            try:
                connection.execute(_SETTINGS.format(schema=f'"{address.schema}"').encode())
            except BaseException:
                connection.close()
                raise
        return cls(address, connection)

    def try_lock(self) -> bool:
        """Take the lock of the one that writes, if it is free; whether this session has it."""
        if not self.has_lock:
            found = self.rows("SELECT pg_try_advisory_lock(%s, %s)", _LOCK_CLASS, _lock_of(self.address))
            self.has_lock = bool(found[0][0])
        return self.has_lock

    def wait_lock(self) -> bool:
        """Return the same; one whose holder has just died is waited for."""
        until = time.monotonic() + _HOLDER_DIES_SECONDS
        while not self.try_lock():
            if time.monotonic() > until:
                return False
            self._closed.wait(0.1)
        return True

    def is_locked(self) -> bool:
        """Return whether some session has the lock of the one that writes."""
        query = (
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database WHERE locktype = 'advisory' "
            "AND granted AND datname = current_database() AND classid = %s::bigint::oid AND objid = %s::bigint::oid"
        )
        return bool(self.rows(query, _LOCK_CLASS, _lock_of(self.address) & 0xFFFFFFFF)[0][0])

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Return the rows that a statement gives. Raises StorageFailed, Damaged."""
        with failures_of(self.address), self.in_time():
            return self.connection.execute(query.encode(), values, binary=True).fetchall()

    def change(self, query: str, *values: Any) -> int:
        """Return how many rows a statement changed. Raises StorageFailed, Damaged."""
        with failures_of(self.address), self.in_time():
            return self.connection.execute(query.encode(), values, binary=True).rowcount

    def change_many(self, query: str, values: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of the values, sent together."""
        with failures_of(self.address), self.in_time(), self.connection.cursor() as cursor:
            cursor.executemany(query.encode(), values)

    def run(self, statements: str) -> None:
        """Run statements without values, however long that takes."""
        with failures_of(self.address):
            self.connection.execute(statements.encode())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the statements of the block together, or none of them."""
        with failures_of(self.address), self.connection.transaction():
            yield

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """Shut the connection when the server does not answer within the block in time."""
        self._until = time.monotonic() + PATIENCE_SECONDS
        try:
            yield
        finally:
            self._until = None

    def close(self) -> None:
        """End the session; its lock is free then."""
        if self.has_lock and not self._closed.is_set():  # the server would free it, a moment later
            with suppress(errors.StorageError):
                self.rows("SELECT pg_advisory_unlock(%s, %s)", _LOCK_CLASS, _lock_of(self.address))
        self._closed.set()
        with suppress(psycopg.Error):
            self.connection.close()

    def _shut_when_late(self) -> None:
        while not self._closed.wait(1.0):
            until = self._until
            if until is not None and time.monotonic() > until:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.connection.fileno())) as ours:
                    ours.shutdown(socket.SHUT_RDWR)
                return


@contextmanager
def failures_of(address: Address) -> Iterator[None]:
    """Turn what PostgreSQL says into Damaged or StorageFailed, in one sentence without the password."""
    try:
        yield
    except psycopg.Error as error:
        code = error.sqlstate or ""
        said = " ".join(str(error).split("\n")[0].split()) or type(error).__name__
        if code in _DAMAGED:
            raise errors.Damaged(str(address), said) from error
        if not code or code.startswith(_GONE):
            said = f"PostgreSQL does not answer: {said}"
        raise errors.StorageFailed(f"{address}: {said}") from error


def _lock_of(address: Address) -> int:
    number = crc32(address.schema.encode())
    return number - 2**32 if number >= 2**31 else number
