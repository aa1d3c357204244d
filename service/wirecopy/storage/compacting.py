"""The database of a folder in which no service runs, whatever scheme its records have: opening it, writing it anew."""

import os
from contextlib import closing
from pathlib import Path

from wirecopy.storage.checking import find_place, look, open_marked
from wirecopy.storage.place import StoreFolder, take_lock
from wirecopy.storage.replacing import put_in_place
from wirecopy.storage.store import Store
from wirecopy.storage.verbs import Compaction


def open_any(folder: Path, *, accept_loss: bool = False) -> Store:
    """Open what a folder holds under its own scheme, in today's format.

    Raises StorageFailed where it holds nothing, and what `Store.open` raises.
    """
    place = StoreFolder(Path(folder))
    if place.made.exists():
        lock = take_lock(place)
        try:
            put_in_place(place)
        finally:
            os.close(lock)
    find_place(place.folder)
    _, pin = look(place)
    with closing(open_marked(place, pin)) as log:
        scheme = log.about.scheme
    return Store.open(place.folder, scheme=scheme, accept_loss=accept_loss)


def compact(folder: Path) -> Compaction:
    """Leave no byte of what was pruned or redacted in a folder's files.

    Raises Locked beside a running service, NoRoom, and what `Store.open` raises.
    """
    with open_any(folder) as store:
        return store.compact()
