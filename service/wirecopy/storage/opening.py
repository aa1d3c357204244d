"""What is stored, by the place that a person names: a folder, or the address of a database in PostgreSQL.

All that others ask of `storage` comes through here; PostgreSQL's driver is loaded when an address is named.
"""

import tempfile
from contextlib import AbstractContextManager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, overload

from wirecopy import errors
from wirecopy.storage import checking, compacting, copying
from wirecopy.storage.checking import Report
from wirecopy.storage.postgres.address import Address, is_address
from wirecopy.storage.replacing import replacing
from wirecopy.storage.snapshot import Snapshot
from wirecopy.storage.store import Store
from wirecopy.storage.verbs import Compaction, Writing

if TYPE_CHECKING:
    from wirecopy.storage.postgres.followed import FollowedDatabase

Where = Path | Address


def where(name: str | PathLike[str] | Address) -> Where:
    """Return the place of a name: `postgresql://…` is a database, all else a folder."""
    if isinstance(name, Address):
        return name
    text = str(name)
    return Address(text) if is_address(text) else Path(name)


def open_store(
    place: Where, *, scheme: str, accept_loss: bool = False, witness: Path | None = None, url: str | None = None
) -> Writing:
    """Return the store of a place, for writing. Raises what `Store.open` raises.

    Of a database: `witness` is a folder on this machine that remembers what was acknowledged, `url` where standbys are
    told that the writer is.
    """
    if isinstance(place, Path):
        return Store.open(place, scheme=scheme, accept_loss=accept_loss)
    from wirecopy.storage.postgres.store import PostgresStore

    return PostgresStore.open(place, scheme=scheme, accept_loss=accept_loss, witness=witness, url=url)


def open_any(place: Where, *, accept_loss: bool = False) -> Writing:
    """Open what a place holds under its own scheme. Raises StorageFailed where it holds nothing."""
    if isinstance(place, Path):
        return compacting.open_any(place, accept_loss=accept_loss)
    from wirecopy.storage.postgres.copying import scheme_in

    return open_store(place, scheme=scheme_in(place), accept_loss=accept_loss)


def open_snapshot(place: Where, *, scheme: str | None = None) -> Snapshot:
    """Return what a place holds now, for reading only. Raises what `Snapshot.open` raises."""
    if isinstance(place, Path):
        return Snapshot.open(place, scheme=scheme)
    from wirecopy.storage.postgres import copying as exporting

    return exporting.open_snapshot(place, scheme)


def open_followed(place: Where, *, scheme: str) -> "FollowedDatabase":
    """Return the log of a running service, to be followed. Raises UsageError for a folder, and as a snapshot does."""
    if isinstance(place, Path):
        raise errors.UsageError(f"a standby follows a database, and {place} is a folder: set service.store")
    from wirecopy.storage.postgres.followed import FollowedDatabase

    return FollowedDatabase.open(place, scheme=scheme)


def verify(place: Where) -> Report:
    """Read and check everything in a place, also beside a running service. Raises StorageFailed, NewerFormat."""
    if isinstance(place, Path):
        return checking.verify(place)
    from wirecopy.storage.postgres import copying as exporting

    return exporting.verify(place)


def backup(place: Where, target: Path) -> Report:
    """Write what a place holds now to a new file, and check the copy. Raises Damaged, TailLost, StorageFailed."""
    if isinstance(place, Path):
        return copying.backup(place, target)
    from wirecopy.storage.postgres import copying as exporting

    return exporting.backup(place, target)


def restore(backup_file: Path, place: Where) -> Report:
    """Check a backup and put it where no articles are. Raises Damaged, StorageFailed, NewerFormat, Locked."""
    if isinstance(place, Path):
        return copying.restore(backup_file, place)
    from wirecopy.storage.postgres import copying as exporting

    return exporting.restore(backup_file, place)


def copy(place: Where, target: Where) -> Report:
    """Put what a place holds now into another, which holds no articles. Raises what `backup` and `restore` raise."""
    if isinstance(place, Path) and isinstance(target, Path):
        return copying.copy(place, target)
    with tempfile.TemporaryDirectory(prefix="wirecopy-") as folder:
        part = Path(folder) / "copy.db"
        backup(place, part)
        return restore(part, target)


def compact(place: Where) -> Compaction:
    """Write a place anew, without what was pruned or redacted. Raises Locked beside a running service, NoRoom."""
    with open_any(place) as store:
        return store.compact()


@overload
def replacing_of(place: Path) -> AbstractContextManager[Path]: ...
@overload
def replacing_of(place: Address) -> AbstractContextManager[Address]: ...
def replacing_of(place: Where) -> AbstractContextManager[Path] | AbstractContextManager[Address]:
    """Return an empty place whose log takes the place of the one there when the block ends well. Raises Locked,
    NoRoom.
    """
    if isinstance(place, Path):
        return replacing(place)
    from wirecopy.storage.postgres import copying as exporting

    return exporting.replacing(place)


def holds_articles(place: Where) -> bool:
    """Return whether a place has a log, however empty that is."""
    if isinstance(place, Path):
        return checking.holds_articles(place)
    from wirecopy.storage.postgres import copying as exporting

    return exporting.holds_articles(place)


def refuse_nothing(place: Where) -> None:
    """Raise StorageFailed where no articles are or were stored."""
    if isinstance(place, Path):
        checking.find_place(place)
    elif not holds_articles(place):
        raise errors.StorageFailed(f"{place} holds no stored articles")
