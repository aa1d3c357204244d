"""Snapshots, older formats, and putting a new database in the place of an old one: whole or not at all."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage_deaths import die_at
from tests.storage_writer import SCHEME, append_some, record
from wirecopy import errors, storage
from wirecopy.storage import Entry, Snapshot, Store, log, migration, replacing, rows, verify
from wirecopy.storage.place import StoreFolder

CODE = sys.modules["wirecopy.storage.replacing"].__file__  # the function of this name hides it


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with twelve records, one of them pruned."""
    with Store.open(tmp_path / "data", scheme=SCHEME) as target:
        append_some(target, 12)
        target.prune([2])
    return tmp_path / "data"


def replace(folder: Path) -> None:
    """A new database with one record, under another scheme."""
    with replacing(folder) as new, Store.open(new, scheme="other") as target:
        target.append([Entry(5, "new", b"payload", b"text")])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Snapshots


def test_a_snapshot_holds_what_was_there_while_the_writer_goes_on(data: Path) -> None:
    with Store.open(data, scheme=SCHEME) as target:
        append_some(target, 3)
        with Snapshot.open(data, scheme=SCHEME) as seen:
            append_some(target, 5)
            target.prune([1])
            assert (seen.last, seen.scheme) == (15, SCHEME)
            assert [found.number for found in seen.replay()] == [1, *range(3, 16)]
            assert seen.record(7) == record(7)
            assert seen.text(7) == target.text(7)
        assert append_some(target, 1) == 21


def test_a_snapshot_of_another_scheme_or_of_nothing_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.OtherScheme, match="wirecopy rebuild"):
        Snapshot.open(data, scheme="other")
    with pytest.raises(errors.StorageFailed, match="holds no stored articles"):
        Snapshot.open(tmp_path / "nothing")
    with Snapshot.open(data) as any_scheme:
        assert any_scheme.scheme == SCHEME


def test_a_snapshot_of_a_folder_that_lost_its_end_is_refused(data: Path) -> None:
    older = StoreFolder(data).database.read_bytes()
    with Store.open(data, scheme=SCHEME) as target:
        append_some(target, 40)
    StoreFolder(data).database.write_bytes(older)
    with pytest.raises(errors.TailLost):
        Snapshot.open(data)


# Older formats


def make_later(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE later (number INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO later SELECT number FROM records WHERE kind IS NOT NULL")


def test_an_older_format_is_migrated_when_it_is_opened_for_writing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rows, log):
        monkeypatch.setattr(module, "FORMAT", 3)
    monkeypatch.setitem(migration.MIGRATIONS, 1, make_later)
    monkeypatch.setitem(
        migration.MIGRATIONS, 2, lambda connection: connection.execute("UPDATE later SET number = -1 * number")
    )
    with Store.open(data, scheme=SCHEME) as target:
        assert [found.number for found in target.replay()] == [1, *range(3, 13)]
        assert append_some(target, 2) == 14
    assert verify(data).problems == ()
    with sqlite3.connect(StoreFolder(data).database) as connection:
        assert connection.execute("SELECT format FROM about").fetchone() == (3,)
        assert connection.execute("SELECT min(number), max(number), count(*) FROM later").fetchone() == (-12, -1, 11)
    connection.close()


def test_a_migration_that_fails_leaves_the_format_that_was_there(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        make_later(connection)
        raise sqlite3.OperationalError("disk is full")

    with monkeypatch.context() as patched:
        for module in (rows, log):
            patched.setattr(module, "FORMAT", 2)
        patched.setitem(migration.MIGRATIONS, 1, fail)
        with pytest.raises(errors.StorageFailed, match="disk is full"):
            Store.open(data, scheme=SCHEME)
    with Store.open(data, scheme=SCHEME) as target:
        assert target.last == 12
    assert verify(data).problems == ()


# Replacing


def test_a_new_database_takes_the_place_of_the_old_one(data: Path) -> None:
    before = names(data)
    replace(data)
    assert names(data) == before
    with Store.open(data, scheme="other") as target:
        assert [found.id for found in target.replay()] == ["new"]
    assert verify(data).problems == ()


def test_a_folder_that_holds_nothing_gets_one(tmp_path: Path) -> None:
    replace(tmp_path / "deep" / "new")
    assert verify(tmp_path / "deep" / "new").records == 1


def test_a_folder_in_use_is_not_replaced(data: Path) -> None:
    with Store.open(data, scheme=SCHEME), pytest.raises(errors.Locked, match="in use by another wirecopy"):
        replace(data)
    assert verify(data).records == 11


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_the_old_database(data: Path, failure: BaseException) -> None:
    before = names(data)

    def fail(target: Store) -> None:
        target.append([Entry(5, "new", b"payload", b"text")])
        raise failure

    with pytest.raises(type(failure)), replacing(data) as new, Store.open(new, scheme="other") as target:
        fail(target)
    assert names(data) == before
    assert verify(data).records == 11


def test_what_is_not_closed_does_not_take_the_place(data: Path) -> None:
    with pytest.raises(errors.StorageFailed, match="is not complete"), replacing(data) as new:
        Store.open(new, scheme="other").append([Entry(5, "new", b"payload", b"text")])
    with pytest.raises(errors.StorageFailed, match="is not complete"), replacing(data):
        pass
    assert verify(data).records == 11


def test_a_folder_is_copied_beside_its_service(data: Path, tmp_path: Path) -> None:
    with Store.open(data, scheme=SCHEME):
        report = storage.copy(data, tmp_path / "copy")
    assert (report.records, report.texts) == (11, 8)
    assert names(tmp_path / "copy") == {"wirecopy.db", "wirecopy.lock", "wirecopy.marks"}
    assert verify(tmp_path / "copy") == verify(data)
    with pytest.raises(errors.StorageFailed, match="holds articles already"):
        storage.copy(data, tmp_path / "copy")


def test_a_kill_at_any_line_leaves_the_old_database_or_the_new_one(tmp_path: Path) -> None:
    line, schemes = 0, []
    folder = tmp_path / "data"
    while True:
        line += 1
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        with Store.open(folder, scheme=SCHEME) as target:
            append_some(target, 3)
        died = die_at(line, CODE.__eq__, lambda: replace(folder))
        if StoreFolder(folder).made.exists():
            with pytest.raises(errors.Locked, match="the next start finishes it"):
                verify(folder)
        for scheme, last in ((SCHEME, 3), ("other", 1)):
            try:
                with Store.open(folder, scheme=scheme) as target:
                    assert (target.last, len(list(target.replay()))) == (last, last)
                schemes.append(scheme)
            except errors.OtherScheme:
                pass
        assert verify(folder).problems == ()
        replace(folder)
        assert names(folder) <= {"wirecopy.db", "wirecopy.lock", "wirecopy.marks"}
        if not died:
            break
    assert line > 30
    assert len(schemes) == line
    assert schemes == sorted(schemes, reverse=True), "first the old one, then the new one"
