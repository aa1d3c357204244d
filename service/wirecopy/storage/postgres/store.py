"""The store in PostgreSQL: open, append (one statement per batch), close.

**Who writes.** Whoever has the lock of the session in which it writes (`session.py`), and whose token stands in the
table `writer`: every append changes that row, under the condition that the token and the end of the log are still the
own ones. So of two that both believe, one commits, and the other is told; also where a pooler between us and the
server makes sessions something else than connections.

**What was acknowledged.** PostgreSQL keeps what it has committed, unless it loses its disk, is restored from an older
copy, or another server is promoted in its place that had not got everything. Its own tables cannot show that. So the
folder `witness`, on the machine of the writer, gets the end of the log after each commit, without a sync: when the
database ends before it, the next opening says so. Writers on several machines have a witness each.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock

from zstandard import ZstdCompressor

from wirecopy import errors
from wirecopy.storage import checking
from wirecopy.storage.chained import End, RowPage
from wirecopy.storage.changes import Additions, additions, refuse_unknown, take_away
from wirecopy.storage.marks import EMPTY_PIN, Mark, Marks, read_mark
from wirecopy.storage.place import make_folder
from wirecopy.storage.postgres.address import Address
from wirecopy.storage.postgres.log import SCHEMA, PostgresLog, is_there
from wirecopy.storage.postgres.session import PostgresSession
from wirecopy.storage.rows import About, Entry, Record, Remains
from wirecopy.storage.verbs import Compaction

_ZSTD_LEVEL = 1
_TOKEN_BYTES = 16
_APPEND = """
WITH held AS (
  UPDATE writer SET number = %b, chain = %b, pruned = %b WHERE token = %b AND number = %b RETURNING number
), added AS (
  INSERT INTO records SELECT rows.* FROM held, unnest(
    %b::bigint[], %b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[], %b::bytea[]) AS rows
), kept AS (
  INSERT INTO texts SELECT rows.* FROM held, unnest(%b::bigint[], %b::bytea[]) AS rows
)
SELECT pg_notify(current_schema(), number::text) FROM held
"""


class PostgresStore:
    """A durable, checksummed log of opaque records, with the texts that were kept; as `Store` is.

    `loss` is a sentence on what was lost and accepted at opening, or None.
    """

    beat_seconds: float | None = 1.0  # so often `beat` is to be called when nothing is written

    def __init__(self, stack: ExitStack, writer: PostgresLog, reader: PostgresLog, loss: str | None) -> None:
        """Use `PostgresStore.open`; what must be closed goes on `stack`."""
        self.loss = loss
        self._stack = stack
        self._writer = writer
        self._reader = reader
        self._reading = Lock()
        self._end = writer.end()
        self._compressor = ZstdCompressor(level=_ZSTD_LEVEL)
        self._refusal = ""
        self._token = b""
        self._marks: Marks | None = None

    @classmethod
    def open(
        cls, address: Address, *, scheme: str, accept_loss: bool = False, witness: Path | None = None,
        url: str | None = None, session: PostgresSession | None = None,
    ) -> "PostgresStore":  # fmt: skip
        """Take the lock and open what a database holds, or a new empty log; `replay` then checks every record.

        `witness`: see above; `url` is told to standbys as where the writer is; `session`: one that may have the lock
        already, and belongs to the store from now on. Raises what `Store.open` raises.
        """
        with ExitStack() as stack:
            session = session or PostgresSession.open(address)
            stack.callback(session.close)
            if not session.wait_lock():
                raise errors.Locked(f"{address} is in use by another wirecopy")
            _refuse_useless(session)
            if not is_there(session):
                _refuse_emptied(address, witness, accept_loss=accept_loss)
                create(session, About.new(scheme))
            writer = PostgresLog.open(address, session)
            if writer.about.scheme != scheme:
                raise errors.OtherScheme(str(address), writer.about.scheme, scheme)
            token = os.urandom(_TOKEN_BYTES)
            _take_over(writer, token, url)  # whoever believed to write is told so from here on; then the end is read
            loss = _find_loss(writer, witness)
            if loss is not None and not accept_loss:
                raise errors.TailLost(str(address), loss)
            if loss is not None:
                checking.refuse_damage(writer)
                session.change("UPDATE writer SET number = %s, chain = %s", *writer.end())
            reader = PostgresLog.open(address)
            stack.callback(reader.close)
            store = cls(stack, writer, reader, loss)
            store._begin(token, witness)
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
        """Do as `Store.append`; also StorageFailed where another one writes since, of which nothing was stored then."""
        added = additions(entries, self._end, self._compressor)
        gone, redacted = sorted(set(prune)), dict(redact or {})
        for numbers in (gone, sorted(redacted)):
            refuse_unknown(numbers, self.last)
        if added.records or gone or redacted:
            with self._failing_for_good():
                if gone or redacted:
                    with self._writer.session.transaction():
                        take_away(self._writer, self.last, gone, redacted)
                        self._write(added)
                else:
                    self._write(added)
                self._end = added.end
                self._mark()
        return self.last

    def prune(self, numbers: Iterable[int]) -> None:
        """Do as `Store.prune`; what PostgreSQL still holds of them, `compact` takes away."""
        self.append((), prune=numbers)

    def compact(self) -> Compaction:
        """Write the tables anew, without what was pruned or redacted, while nobody reads or writes them.

        What takes the place of a folder's compaction is less: PostgreSQL overwrites no file that it gives back, its
        write-ahead log holds older pages until it is recycled, and so do its replicas and archives.
        """
        with self._failing_for_good(), self._reading:
            before = self._size()
            for table in ("records", "texts", "writer"):
                self._writer.session.run(f"VACUUM FULL {table}")
            return Compaction(before, self._size())

    def record(self, number: int) -> Record | None:
        """Do as `Store.record`."""
        self._refuse_unknown(number)
        with self._reading:
            return self._reader.record(number)

    def text(self, number: int) -> bytes | None:
        """Do as `Store.text`."""
        self._refuse_unknown(number)
        with self._reading:
            return self._reader.text(number)

    def page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool = False) -> RowPage:
        """Return rows of what is on disk behind a number; as `ChainedLog.page_after`."""
        self._refuse_further_use()
        with self._reading:
            return self._reader.page_after(after, most, most_bytes, with_texts=with_texts)

    def beat(self) -> None:
        """See that this is still the one that writes. Raises StorageFailed, after which it is not."""
        with self._failing_for_good():
            if self._writer.session.rows("SELECT token FROM writer") != [(self._token,)]:
                raise errors.StorageFailed(f"{self._writer.name}: another wirecopy writes there since")

    def tell_url(self, url: str) -> None:
        """Tell standbys where the writer is."""
        self._refuse_further_use()
        with self._reading:
            self._reader.session.change("UPDATE writer SET url = %s WHERE token = %s", url, self._token)

    def close(self) -> None:
        """Free the lock; may be called twice."""
        with self._stack, self._reading:
            self._refusal = self._refusal or "it is closed"

    def __enter__(self) -> "PostgresStore":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _begin(self, token: bytes, witness: Path | None) -> None:
        self._token = token
        if witness is not None:
            make_folder(witness)
            self._marks = Marks.start(_witness_file(witness), self._as_mark())
            self._stack.callback(self._marks.close)

    def _write(self, added: Additions) -> None:
        columns = list(zip(*added.records, strict=True)) or [()] * 6
        ids = [None if article_id is None else article_id.encode() for article_id in columns[2]]
        texts = list(zip(*added.texts, strict=True)) or [()] * 2
        pruned = self._writer.about.pruned
        held = self._writer.session.change(
            _APPEND, *added.end, pruned, self._token, self._end.number, list(columns[0]), list(columns[1]), ids,
            *map(list, columns[3:]), *map(list, texts),
        )  # fmt: skip
        if held != 1:
            raise errors.StorageFailed(
                f"{self._writer.name}: another wirecopy writes there since; nothing of this was stored"
            )

    def _mark(self) -> None:
        if self._marks is not None:
            self._marks.write(self._as_mark(), durable=False)

    def _as_mark(self) -> Mark:
        return Mark(*self._end, self._writer.about.pruned, True, EMPTY_PIN)

    def _size(self) -> int:
        query = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest(ARRAY['records', 'texts']) name"
        size: int = self._writer.session.rows(query)[0][0]
        return size

    @contextmanager
    def _failing_for_good(self) -> Iterator[None]:
        self._refuse_further_use()
        try:
            with self._writer.failures(), self._writer.naming():
                yield
        except BaseException as error:
            self._refusal = str(error) or type(error).__name__
            raise

    def _refuse_further_use(self) -> None:
        if self._refusal:
            raise errors.StorageFailed(f"{self._writer.name} is of no further use: {self._refusal}")

    def _refuse_unknown(self, number: int) -> None:
        self._refuse_further_use()
        if not 1 <= number <= self.last:
            raise ValueError(f"no record {number}: the log has 1 to {self.last}")


def create(session: PostgresSession, about: About, end: End | None = None) -> None:
    """Make an empty log in the schema of a session, all of it or nothing."""
    number, chain = end or End(0, about.genesis())
    with session.transaction():
        session.run(f'CREATE SCHEMA IF NOT EXISTS "{session.address.schema}"')
        for statement in SCHEMA:
            session.run(statement)
        session.change("INSERT INTO about VALUES (1, %s, %s, %s, %s, %s)", *about.row())
        session.change("INSERT INTO writer VALUES (1, ''::bytea, NULL, %s, %s, %s)", number, chain, about.pruned)


def _take_over(writer: PostgresLog, token: bytes, url: str | None) -> None:
    """Make this the only one that can append; waits for a commit of another one that is under way."""
    if writer.session.change("UPDATE writer SET token = %s, url = %s", token, url) != 1:
        raise errors.Damaged(writer.name, "it does not say where it ends")
    writer._look_again()


def _find_loss(writer: PostgresLog, witness: Path | None) -> str | None:
    """Return a sentence on what was acknowledged and is missing; None when nothing is. Raises Damaged."""
    number, chain, pruned = writer.session.rows("SELECT number, chain, pruned FROM writer")[0]
    own = Mark(number, bytes(chain), pruned, True, EMPTY_PIN)
    seen = None if witness is None else read_mark(_witness_file(witness))
    loss = checking.find_loss(writer, own) or (seen and checking.find_loss(writer, seen))
    if loss is None and writer.end().number != number:
        raise errors.Damaged(writer.name, f"there are records behind {number}, where it says that it ends")
    return loss


def _refuse_emptied(address: Address, witness: Path | None, *, accept_loss: bool) -> None:
    """Raise TailLost for a database without a log, where this machine has seen one."""
    seen = None if witness is None else read_mark(_witness_file(witness))
    if seen is not None and seen.number and not accept_loss:
        raise errors.TailLost(str(address), f"it is empty, and {seen.number} records were acknowledged here")


def _witness_file(folder: Path) -> Path:
    return folder / "wirecopy.postgres-marks"


def _refuse_useless(session: PostgresSession) -> None:
    """Raise StorageFailed for a server that cannot write, or would not keep what it says that it has written."""
    [(replays, fsync, commits)] = session.rows(
        "SELECT pg_is_in_recovery(), current_setting('fsync'), current_setting('synchronous_commit')"
    )
    if replays:
        raise errors.StorageFailed(f"{session.address} is a replica that only reads: name the server that is promoted")
    if fsync != "on":
        raise errors.StorageFailed(f"{session.address} has fsync = off: it would lose what it has acknowledged")
    if commits in ("off", "local"):
        session.run("SET synchronous_commit = on")
