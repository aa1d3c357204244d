"""Making the database of a folder, new or from a backup, and making backups.

A backup is one file: an SQLite database at rest, with a row that says where its log ends. Whatever is made here is
made under another name, synced, checked, and then renamed, so that a half-made one is never taken for a whole one.
"""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from xxhash import xxh3_128_digest

from wirecopy import errors
from wirecopy.storage.chained import ChainedLog
from wirecopy.storage.checking import Report, find_loss, find_place, holds_anything, look, open_marked, read_everything
from wirecopy.storage.log import End, RecordLog
from wirecopy.storage.marks import EMPTY_PIN, Mark, Marks
from wirecopy.storage.place import (
    StoreFolder,
    connect,
    make_folder,
    move_all_pages,
    prepare,
    reading_failures_of,
    size_of,
    sync_path,
    take_lock,
    writing_failures_of,
)
from wirecopy.storage.replacing import put_in_place
from wirecopy.storage.rows import APPLICATION_ID, PAGE_BYTES, SCHEMA, About

_STEP_PAGES = 4096  # between steps an interrupt is heard


def create(place: StoreFolder, scheme: str) -> None:
    """Make an empty log in a folder that this process has locked.

    Raises Damaged when the folder held records and their database is missing, StorageFailed.
    """
    if holds_anything(place):
        raise errors.Damaged(str(place.database), "it is missing")
    about = About.new(scheme)
    with _made(place.database, _new(place)) as new, closing(connect(new, "rwc")) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        prepare(connection)
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO about VALUES (1, ?, ?, ?, ?, ?)", about.row())
        move_all_pages(connection)
        _start_marks(place, End(0, about.genesis()), about)


def backup(folder: Path, target: Path) -> Report:
    """Write what a folder holds now to a new file, also beside a running service, and check the whole copy.

    Raises Damaged or TailLost when the folder is not as written, StorageFailed for a target that exists or cannot be
    written. No file is left then.
    """
    place, target = find_place(folder), Path(target)
    if target.exists():
        raise errors.StorageFailed(f"{target} exists already; name a new file")
    mark, pin = look(place)
    with closing(open_marked(place, pin)) as log, _made(target, _beside(target)) as copy:
        log.freeze()
        loss = find_loss(log, mark)
        if loss is not None:
            raise errors.TailLost(str(place.database), loss)
        with closing(connect(copy, "rwc")) as connection:
            log.connection.backup(connection, pages=_STEP_PAGES)
            connection.execute("PRAGMA journal_mode = DELETE")
            _sign(connection, log.end())
        return check(copy, place.database)


def export(log: ChainedLog, target: Path) -> Report:
    """Write what a frozen log of another database holds to a new file, a backup like any other, and check it.

    Raises Damaged, and StorageFailed as `backup` does.
    """
    target = Path(target)
    if target.exists():
        raise errors.StorageFailed(f"{target} exists already; name a new file")
    with _made(target, _beside(target)) as copy:
        with closing(connect(copy, "rwc")) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("PRAGMA synchronous = OFF")  # it is synced before it gets its name
            connection.execute("BEGIN")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES (1, ?, ?, ?, ?, ?)", log.about.row())
            for row, body in log.rows_with_texts():
                number, kind, article_id, *rest = row
                named = None if article_id is None else bytes(article_id).decode()
                connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", (number, kind, named, *rest))
                if body is not None:
                    connection.execute("INSERT INTO texts VALUES (?, ?)", (number, body))
            _sign(connection, log.end())
            connection.execute("COMMIT")
        return check(copy, log.name)


def restore(backup: Path, folder: Path) -> Report:
    """Check a backup and put it into a folder that holds no articles.

    Raises Damaged for a file that is not as it was written, StorageFailed for one that is no backup and for a folder
    that holds articles or cannot be written, NewerFormat, Locked; the folder stays without articles then.
    """
    place, backup = StoreFolder(Path(folder)), Path(backup)
    if not backup.is_file():
        raise errors.StorageFailed(f"{backup} is no file")
    lock = take_lock(place)
    try:
        put_in_place(place)
        if place.database.exists() or size_of(place.wal) > 0:
            raise errors.StorageFailed(f"{folder} holds articles already: name another folder, or move it away first")
        with _made(place.database, _new(place)) as new:
            shutil.copyfile(backup, new)
            report = check(new, backup)
            with closing(RecordLog.open(new, mode="rw")) as log:
                prepare(log.connection)
                log.connection.execute("DROP TABLE backup")
                move_all_pages(log.connection)
                _start_marks(place, log.end(), log.about)
    finally:
        os.close(lock)
    return report


def copy(folder: Path, target: Path) -> Report:
    """Put what `folder` holds now into the folder `target`, which holds no articles; also beside a running service.

    Raises what `backup` and `restore` raise; `target` stays without articles then.
    """
    part = StoreFolder(Path(target)).database.with_suffix(".copy")
    with writing_failures_of(part):
        make_folder(part.parent)
    try:
        backup(folder, part)
        return restore(part, target)
    finally:
        with suppress(OSError):
            _remove(part)


def check(copy: Path, origin: object) -> Report:
    """Read all of a backup; raises Damaged and StorageFailed in the name of its origin."""
    with closing(RecordLog.open(copy)) as log:
        try:
            with reading_failures_of(copy):
                number, chain, seal = log.connection.execute("SELECT number, chain, seal FROM backup").fetchone()
            intact = _seal(End(number, chain)) == seal and log.end() == End(number, chain)
        except (errors.Damaged, AttributeError, TypeError, ValueError):
            intact = False
        report = read_everything(log)
    if report.problems:
        raise errors.Damaged(str(origin), report.problems[0])
    if not intact:
        raise errors.StorageFailed(f"{origin} is no complete backup: only what wirecopy backup wrote can be restored")
    return report


def _sign(connection: sqlite3.Connection, end: End) -> None:
    """Say in a backup where its log ends."""
    connection.execute("CREATE TABLE backup (number INTEGER NOT NULL, chain BLOB NOT NULL, seal BLOB NOT NULL)")
    connection.execute("INSERT INTO backup VALUES (?, ?, ?)", (*end, _seal(end)))


def _seal(end: End) -> bytes:
    return xxh3_128_digest(b"backup" + end.number.to_bytes(8, "little") + end.chain)


def _start_marks(place: StoreFolder, end: End, about: About) -> None:
    """Put the counter there before the database: a database without one has lost it."""
    Marks.start(place.marks, Mark(*end, about.pruned, True, EMPTY_PIN)).close()


def _new(place: StoreFolder) -> Path:
    return place.database.with_name(place.database.name + ".new")


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")


@contextmanager
def _made(final: Path, temporary: Path) -> Iterator[Path]:
    """Make a file under a temporary name; it gets its own when the block ends well, and is removed when not."""
    with writing_failures_of(final):
        _remove(temporary)
        try:
            yield temporary
            sync_path(temporary)
            os.replace(temporary, final)
            sync_path(final.parent)
        except BaseException:
            with suppress(OSError):
                _remove(temporary)
            raise


def _remove(database: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
