"""Verify, backup, restore and replace, of a database in PostgreSQL. A backup is the same file as that of a folder."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from wirecopy import errors
from wirecopy.storage import checking, copying
from wirecopy.storage.checking import Report
from wirecopy.storage.log import RecordLog
from wirecopy.storage.postgres.address import Address
from wirecopy.storage.postgres.log import PostgresLog, is_there
from wirecopy.storage.postgres.session import PostgresSession
from wirecopy.storage.postgres.store import create
from wirecopy.storage.snapshot import Snapshot

_AT_ONCE = 500  # rows that are sent together


def open_snapshot(address: Address, scheme: str | None = None) -> Snapshot:
    """Return what a database holds now, also beside a running service; None for a scheme takes any.

    Raises StorageFailed when there is nothing to read, Damaged, OtherScheme, NewerFormat.
    """
    log = PostgresLog.open(address)
    with ExitStack() as stack:
        stack.callback(log.close)
        log.freeze()
        if scheme is not None and log.about.scheme != scheme:
            raise errors.OtherScheme(str(address), log.about.scheme, scheme)
        stack.pop_all()
    return Snapshot(log)


def verify(address: Address) -> Report:
    """Read and check everything, also beside a running service. Damage is reported, not raised."""
    try:
        log = PostgresLog.open(address)
    except errors.Damaged as error:
        return Report(0, 0, 0, 0, (error.finding,))
    with closing(log):
        log.freeze()
        report = checking.read_everything(log)
        found = log.session.rows("SELECT number, chain FROM writer")
        if found != [tuple(log.end())]:
            report = report._replace(problems=(*report.problems, "it does not end where the last commit ended"))
    return report


def backup(address: Address, target: Path) -> Report:
    """Write what a database holds now to a new file, and check the whole copy. Raises as `copying.backup`."""
    with closing(PostgresLog.open(address)) as log:
        log.freeze()
        return copying.export(log, target)


def restore(backup: Path, address: Address) -> Report:
    """Check a backup, of a folder or of a database, and put it where no articles are. Raises as `copying.restore`."""
    backup = Path(backup)
    if not backup.is_file():
        raise errors.StorageFailed(f"{backup} is no file")
    with closing(PostgresSession.open(address)) as session:
        _lock(session)
        if is_there(session):
            raise errors.StorageFailed(f"{address} holds articles already: name another database")
        report = copying.check(backup, backup)
        with closing(RecordLog.open(backup)) as log, session.transaction():
            create(session, log.about, log.end())
            _fill(session, log)
            made = checking.read_everything(PostgresLog(session, log.about))
            if made != report:
                raise errors.StorageFailed(f"{address} did not take everything: nothing was restored")
    return report


@contextmanager
def replacing(address: Address) -> Iterator[Address]:
    """Yield an address, whose log takes the place of that of `address` when the block ends well, in one transaction.

    `address` is locked meanwhile, and may hold nothing yet. Raises Locked, StorageFailed.
    """
    making = address.making
    with closing(PostgresSession.open(address)) as session:
        _lock(session)
        session.run(f'DROP SCHEMA IF EXISTS "{making.schema}" CASCADE')
        try:
            yield making
            with closing(PostgresSession.open(making)) as made:
                if not is_there(made):
                    raise errors.StorageFailed(f"{making} is not complete")
            with session.transaction():
                session.run(f'DROP SCHEMA IF EXISTS "{address.schema}" CASCADE')
                session.run(f'ALTER SCHEMA "{making.schema}" RENAME TO "{address.schema}"')
        finally:
            with suppress(errors.StorageError):
                session.run(f'DROP SCHEMA IF EXISTS "{making.schema}" CASCADE')


def holds_articles(address: Address) -> bool:
    """Return whether a database has a log, however empty that is. Raises StorageFailed."""
    with closing(PostgresSession.open(address)) as session:
        return is_there(session)


def scheme_in(address: Address) -> str:
    """Return the scheme of what a database holds. Raises StorageFailed where it holds nothing."""
    with closing(PostgresLog.open(address)) as log:
        return log.about.scheme


def _lock(session: PostgresSession) -> None:
    if not session.try_lock():
        raise errors.Locked(f"{session.address} is in use by another wirecopy")


def _fill(session: PostgresSession, log: RecordLog) -> None:
    """Put all rows of a log into the empty tables of a session."""
    records, texts = [], []
    for row, body in log.rows_with_texts():
        records.append(row)
        if body is not None:
            texts.append((row[0], body))
        if len(records) == _AT_ONCE:
            _send(session, records, texts)
            records, texts = [], []
    _send(session, records, texts)


def _send(session: PostgresSession, records: Sequence[tuple[object, ...]], texts: Sequence[tuple[object, ...]]) -> None:
    session.change_many("INSERT INTO records VALUES (%s, %s, %s, %s, %s, %s)", records)
    session.change_many("INSERT INTO texts VALUES (%s, %s)", texts)
