"""Writing the database of a folder anew while no service runs, whatever scheme its records have."""

from contextlib import closing
from pathlib import Path

from wirecopy.storage.checking import find_place, look, open_marked
from wirecopy.storage.store import Compacted, Store


def compact(folder: Path) -> Compacted:
    """Leave no byte of what was pruned or redacted in a folder's files.

    Raises Locked beside a running service, NoRoom, and what `Store.open` raises.
    """
    place = find_place(folder)
    _, pin = look(place)
    with closing(open_marked(place, pin)) as log:
        scheme = log.about.scheme
    with Store.open(place.folder, scheme=scheme) as store:
        return store.compact()
