"""A database that another process writes: read by a standby, which takes it over when its writer is gone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock

from wirecopy import errors
from wirecopy.storage.chained import End, RowPage
from wirecopy.storage.postgres.address import Address
from wirecopy.storage.postgres.log import PostgresLog
from wirecopy.storage.postgres.session import PostgresSession, failures_of
from wirecopy.storage.postgres.store import PostgresStore
from wirecopy.storage.rows import Record

_NEWS_SECONDS = 1.0  # so long is waited for a notice before it is seen whether somebody still wants to hear any
_AGAIN_SECONDS = 0.5  # after which a connection for notices that broke is made anew


class FollowedDatabase:
    """The log of a running service, read as far as `end`; what is read is what that service has acknowledged.

    Its methods belong to one thread, but `record` and `text`, which any may call.
    """

    def __init__(self, log: PostgresLog, claim: PostgresSession) -> None:
        """Use `FollowedDatabase.open`."""
        self.end = End(0, log.about.genesis())
        self._listener: threading.Thread | None = None
        self._is_taken = False
        self._log = log
        self._claim = claim
        self._reading = Lock()
        self._closing = threading.Event()

    @classmethod
    def open(cls, address: Address, *, scheme: str) -> "FollowedDatabase":
        """Raise StorageFailed where there is nothing yet or nobody answers, Damaged, OtherScheme, NewerFormat."""
        with ExitStack() as opening:
            log = PostgresLog.open(address)
            opening.callback(log.close)
            if log.about.scheme != scheme:
                raise errors.OtherScheme(str(address), log.about.scheme, scheme)
            claim = PostgresSession.open(address)
            opening.pop_all()
        return cls(log, claim)

    @property
    def last(self) -> int:
        """The number of the last record that was read."""
        return self.end.number

    @property
    def newest(self) -> int:
        """The number of the last record that there is."""
        with self._reading:
            return self._log.end().number

    @property
    def writer_url(self) -> str | None:
        """Where the writer says that it is."""
        with self._reading:
            found = self._log.session.rows("SELECT url FROM writer")
        return found[0][0] if found else None

    def replay(self) -> Iterator[Record]:
        """Yield all records that there are now, each checked. Raises Damaged, StorageFailed."""
        self._log.freeze()
        try:
            end = self._log.end()
            yield from self._log.replay()
            self.end = end
        finally:
            with suppress(errors.StorageError):
                self._log.session.run("ROLLBACK")

    def news(self, most: int) -> list[Record]:
        """Return the records of the next rows behind the end, at most so many rows. Raises Damaged, StorageFailed."""
        with self._reading:
            found, self.end = self._log.records_after(self.end, most)
        return found

    def renew(self) -> None:
        """Connect anew after a failure, and go on where the end is. Raises StorageFailed, TailLost."""
        with self._reading:
            log = PostgresLog.open(self._claim.address)
            self._log.close()
            self._claim.close()
            self._log = log
            if not log.has_chain(*self.end):
                raise errors.TailLost(
                    log.name, f"record {self.end.number} was read and is not there, or is another one"
                )
            self._claim = PostgresSession.open(log.session.address)

    def tombstones(self) -> list[tuple[int, int, bool]]:
        """See `ChainedLog.tombstones`."""
        with self._reading:
            return self._log.tombstones()

    def record(self, number: int) -> Record | None:
        """Do as `Store.record`."""
        with self._reading:
            return self._log.record(number)

    def text(self, number: int) -> bytes | None:
        """Do as `Store.text`."""
        with self._reading:
            return self._log.text(number)

    def page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool = False) -> RowPage:
        """Return rows of what is on disk behind a number; as `ChainedLog.page_after`."""
        with self._reading:
            return self._log.page_after(after, most, most_bytes, with_texts=with_texts)

    def claim(self) -> bool:
        """Take the lock of the one that writes if it is free. Raises StorageFailed."""
        return self._claim.try_lock()

    def take_over(self, *, scheme: str, witness: Path | None, url: str | None) -> PostgresStore:
        """Return the store, whose lock was claimed and all of whose records were read. Raises as `PostgresStore.open`.

        Also TailLost, where the database does not hold what was read from it.
        """
        with self._reading:
            if not self._log.has_chain(*self.end):
                finding = f"record {self.end.number} was read and is not there, or is another one"
                raise errors.TailLost(self._log.name, finding)
        address, self._is_taken = self._claim.address, True
        return PostgresStore.open(address, scheme=scheme, witness=witness, url=url, session=self._claim)

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told`, in a thread of its own, whenever the writer has committed; a broken connection is made anew."""
        self._listener = threading.Thread(target=self._listen, args=(told,), name="notices", daemon=True)
        self._listener.start()

    def _listen(self, told: Callable[[], None]) -> None:
        address = self._claim.address
        while not self._closing.is_set():
            with suppress(errors.StorageError), failures_of(address):
                session = PostgresSession.open(address)
                try:
                    session.run(f'LISTEN "{address.schema}"')
                    while not self._closing.is_set():
                        for _ in session.connection.notifies(timeout=_NEWS_SECONDS):
                            told()
                finally:
                    session.close()
            self._closing.wait(_AGAIN_SECONDS)

    def close(self) -> None:
        """Let go of the database; what was taken over stays with its store."""
        self._closing.set()
        with self._reading:
            self._log.close()
        if not self._is_taken:
            self._claim.close()
        if self._listener is not None:
            self._listener.join(2 * _NEWS_SECONDS)
