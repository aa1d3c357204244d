"""Putting a new database in the place of the one that a folder holds, in one step.

The new one is made in a folder inside, `wirecopy.making`. When it is complete and synced, that is renamed to
`wirecopy.made`: from this instant on it is the database, before it the old one was. What is left, giving the files
their names, is done by whoever opens the folder next if the process dies; it may be done again from anywhere.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wirecopy import errors
from wirecopy.storage.place import StoreFolder, failures_of, make_folder, size_of, sync_path, take_lock


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder inside `folder`, whose database takes the place of the one in `folder` when the block
    ends well.

    `folder` is locked meanwhile, and may hold nothing yet. The block must leave a closed store. When it fails, or the
    process dies, the old database stays. Raises Locked, StorageFailed, NoRoom where the disk cannot hold another
    database as large as the old one.
    """
    place = StoreFolder(Path(folder))
    lock = take_lock(place)
    try:
        put_in_place(place)
        with failures_of(place.making):
            needed, free = size_of(place.database), shutil.disk_usage(place.folder).free
            if free < needed:
                raise errors.NoRoom(str(place.folder), needed, free)
            make_folder(place.making)
        try:
            yield place.making
            _make_durable(StoreFolder(place.making))
        except BaseException:
            with suppress(OSError):
                _discard(place.making)
            raise
        with failures_of(place.made):
            os.rename(place.making, place.made)
            sync_path(place.folder)
        put_in_place(place)
    finally:
        os.close(lock)


def put_in_place(place: StoreFolder) -> None:
    """Finish what `replacing` began in a folder that this process has locked, or take it away; may be done again.

    Raises StorageFailed.
    """
    with failures_of(place.making):
        _discard(place.making)
    if not place.made.exists():
        return
    made = StoreFolder(place.made)
    with failures_of(place.folder):
        for file in (place.wal, place.shared_memory):
            file.unlink(missing_ok=True)
        for new, old in ((made.database, place.database), (made.marks, place.marks)):
            with suppress(FileNotFoundError):
                os.replace(new, old)
        sync_path(place.folder)
        _discard(place.made)
        sync_path(place.folder)


def _make_durable(made: StoreFolder) -> None:
    """Sync a new database whose store was closed; raises StorageFailed for one that is not there or not closed."""
    if not made.database.exists() or size_of(made.wal) > 0:
        raise errors.StorageFailed(f"{made.database} is not complete")
    with failures_of(made.folder):
        for path in (made.database, made.marks, made.folder):
            sync_path(path)


def _discard(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
