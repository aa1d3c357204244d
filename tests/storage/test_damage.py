"""Flipped bits, cut and lost files: a store gives exactly what was acknowledged, or refuses; never silently wrong.

The store under test was killed: part of it is in the main file, part in the write-ahead log. In some folders
its pages were moved before, or it had been begun anew, so that stale pages follow.
"""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.storage_writer import SCHEME, append_some, entry, record
from wirecopy import errors
from wirecopy.storage import Store, backup, restore, verify
from wirecopy.storage.place import StoreFolder

ROOT = Path(__file__).parent.parent.parent
REFUSALS = (errors.Damaged, errors.TailLost, errors.StorageFailed, errors.NewerFormat)
Content = list[tuple[object, bytes | None]]

# What the process does before it is killed; `moved` stands for pages that were moved while the log was kept.
LIVES = {
    "log": "append_some(target, 6); target.prune([2, 3]); append_some(target, 5)",
    "moved": "append_some(target, 6); target.prune([2]); append_some(target, 5);"
    "target._writer.connection.execute('PRAGMA wal_checkpoint(PASSIVE)')",
    "settled": "append_some(target, 6); append_some(target, 5); target._checkpoint_at = 1; target.prune([2])",
    "begun anew": "append_some(target, 9); target._checkpoint_at = 1; append_some(target, 1); append_some(target, 1)",
}


class Damage(NamedTuple):
    """What happens to one file: a bit flipped or the rest cut off at a place (0 to 1), or the file lost."""

    file: str
    how: str
    where: float

    def strike(self, folder: Path) -> None:
        path = folder / self.file
        data = bytearray(path.read_bytes())
        bit = int(self.where * 8 * len(data))
        if self.how == "lose":
            path.unlink()
        elif self.how == "cut":
            path.write_bytes(data[: bit // 8])
        elif data:
            data[bit // 8] ^= 1 << bit % 8
            path.write_bytes(data)


FILES = st.sampled_from(["wirecopy.db", "wirecopy.db-wal", "wirecopy.marks", "wirecopy.db-shm"])
DAMAGES = st.builds(Damage, FILES, st.sampled_from(["flip", "flip", "cut", "lose"]), st.floats(0, 1, exclude_max=True))


@cache
def killed(life: str) -> tuple[dict[str, bytes], Content]:
    """The files that a killed process left, and what it had acknowledged."""
    script = f"""
import os, signal, sys
from pathlib import Path
from tests.storage_writer import *
target = Store.open(Path(sys.argv[1]), scheme=SCHEME)
{LIVES[life]}
os.kill(os.getpid(), signal.SIGKILL)
"""
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", script, folder], cwd=ROOT, check=False)
        files = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
        with Store.open(Path(folder), scheme=SCHEME) as target:
            return files, content(target)


def content(target: Store) -> Content:
    """All that a store gives."""
    return [(found, target.text(found.number)) for found in target.replay()]


def expected(numbers: list[int]) -> Content:
    return [(record(number), entry(number).text) for number in numbers]


def put(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "data"


def read_or_refuse(folder: Path, *, accept_loss: bool = False) -> tuple[Content | None, str | None]:
    """What a store gives and what it says was lost; None for a documented refusal. Goes on with what it gave."""
    try:
        with Store.open(folder, scheme=SCHEME, accept_loss=accept_loss) as target:
            given, last = content(target), target.last
            append_some(target, 2)
            assert content(target) == given + expected([last + 1, last + 2])
            return given, target.loss
    except REFUSALS as error:
        refusal = str(error)
    assert str(folder) in refusal
    assert "\n" not in refusal
    return None, None


@settings(max_examples=250, deadline=None)
@given(life=st.sampled_from(sorted(LIVES)), damage=DAMAGES)
@example(life="moved", damage=Damage("wirecopy.db-wal", "flip", 0.001))
@example(life="moved", damage=Damage("wirecopy.db-wal", "flip", 0.75))
@example(life="settled", damage=Damage("wirecopy.db-wal", "flip", 0.75))
@example(life="settled", damage=Damage("wirecopy.db-wal", "lose", 0))
def test_after_any_damage_a_store_gives_exactly_what_was_acknowledged_or_refuses(
    folder: Path, life: str, damage: Damage
) -> None:
    files, acknowledged = killed(life)
    put(folder, files)
    damage.strike(folder)
    sound = not verify_or_refuse(folder)
    given, _ = read_or_refuse(folder)
    assert given is None or given == acknowledged
    assert not sound or given == acknowledged
    if given is not None:
        assert verify_or_refuse(folder) == []


def verify_or_refuse(folder: Path) -> list[str]:
    try:
        return list(verify(folder).problems)
    except REFUSALS as error:
        return [str(error)]


@settings(max_examples=120, deadline=None)
@given(life=st.sampled_from(sorted(LIVES)), damage=DAMAGES)
def test_accepting_loss_goes_on_with_a_beginning_of_what_was_acknowledged_and_says_so(
    folder: Path, life: str, damage: Damage
) -> None:
    files, acknowledged = killed(life)
    put(folder, files)
    damage.strike(folder)
    given, loss = read_or_refuse(folder, accept_loss=True)
    if given is not None:
        kept = [number for number in range(1, len(given) + 3) if (record(number), entry(number).text) in given]
        assert given == expected(kept)
        assert given == acknowledged or loss is not None
        assert verify(folder).problems == ()


@pytest.mark.parametrize("life", sorted(LIVES))
def test_what_a_killed_process_left_is_opened_without_loss(folder: Path, life: str) -> None:
    files, acknowledged = killed(life)
    assert len(acknowledged) >= 9
    put(folder, files)
    assert read_or_refuse(folder) == (acknowledged, None)


@pytest.mark.parametrize("cut", [1, 5000, 20000])
@pytest.mark.parametrize("life", ["log", "begun anew"])
def test_a_cut_log_is_refused_until_the_loss_is_accepted(folder: Path, life: str, cut: int) -> None:
    files, acknowledged = killed(life)
    put(folder, files)
    wal = StoreFolder(folder).wal
    wal.write_bytes(files[wal.name][: len(files[wal.name]) - cut] if life == "log" else b"")
    for _ in range(2):  # refusing changes nothing
        with pytest.raises(errors.TailLost, match=r"go on without it by --accept-loss"):
            Store.open(folder, scheme=SCHEME)
    assert verify(folder).problems
    given, loss = read_or_refuse(folder, accept_loss=True)
    assert given is not None
    assert loss is not None
    assert given == acknowledged[: len(given)]
    assert read_or_refuse(folder)[1] is None


def test_a_lost_log_is_refused_with_the_numbers_that_are_missing(folder: Path) -> None:
    files, _ = killed("log")
    put(folder, files)
    StoreFolder(folder).wal.unlink()
    with pytest.raises(
        errors.TailLost, match="records 1 to 11 were acknowledged and are missing; restore a backup, or"
    ):
        Store.open(folder, scheme=SCHEME)


def test_a_pruning_that_is_lost_is_refused(folder: Path) -> None:
    with Store.open(folder.with_name("pruned"), scheme=SCHEME) as target:
        append_some(target, 3)
    before = {file.name: file.read_bytes() for file in folder.with_name("pruned").iterdir()}
    with Store.open(folder.with_name("pruned"), scheme=SCHEME) as target:
        target.prune([1])
    put(folder, before)
    shutil.copy(StoreFolder(folder.with_name("pruned")).marks, StoreFolder(folder).marks)
    with pytest.raises(errors.TailLost, match="records that were pruned are there again"):
        Store.open(folder, scheme=SCHEME)


def test_an_older_copy_of_the_database_is_refused(folder: Path) -> None:
    with Store.open(folder.with_name("older"), scheme=SCHEME) as target:
        append_some(target, 3)
    place = StoreFolder(folder.with_name("older"))
    older = place.database.read_bytes()
    with Store.open(place.folder, scheme=SCHEME) as target:
        append_some(target, 3)
    place.database.write_bytes(older)
    with pytest.raises(errors.TailLost, match="records 4 to 6 were acknowledged and are missing"):
        Store.open(place.folder, scheme=SCHEME)


def test_the_database_of_another_folder_is_refused(folder: Path) -> None:
    places = [StoreFolder(folder.with_name(name)) for name in ("one", "two")]
    for place in places:
        with Store.open(place.folder, scheme=SCHEME) as target:
            append_some(target, 3)
    shutil.copy(places[0].database, places[1].database)
    with pytest.raises(errors.TailLost, match="record 3 is not the one that was acknowledged"):
        Store.open(places[1].folder, scheme=SCHEME)


@pytest.mark.parametrize("file", ["wirecopy.marks", "wirecopy.db"])
@pytest.mark.parametrize("cut", [None, 0, 50])
def test_a_lost_or_emptied_file_is_refused(folder: Path, file: str, cut: int | None) -> None:
    files, acknowledged = killed("begun anew")
    put(folder, files)
    if cut is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(files[file][:cut])
    assert read_or_refuse(folder)[0] is None
    given, loss = read_or_refuse(folder, accept_loss=True)
    if file == "wirecopy.marks":
        assert given == acknowledged
        assert "commit counter" in str(loss)
    else:
        assert given is None


def test_a_write_ahead_log_without_its_database_is_no_empty_store(folder: Path) -> None:
    files, _ = killed("log")
    put(folder, {"wirecopy.db-wal": files["wirecopy.db-wal"]})
    with pytest.raises(errors.Damaged, match="it is missing"):
        Store.open(folder, scheme=SCHEME)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("UPDATE records SET payload = payload || x'00' WHERE number = 7", "record 7 does not match its checksum"),
        ("UPDATE records SET id = 'x' WHERE number = 7", "record 7 does not match its checksum"),
        ("UPDATE records SET kind = kind + 1 WHERE number = 7", "record 7 does not match its checksum"),
        ("UPDATE records SET kind = NULL WHERE number = 7", "record 7 does not match its checksum"),
        ("UPDATE records SET kind = NULL, payload = '' WHERE number = 7", "record 7 does not match its checksum"),
        ("UPDATE records SET text_digest = NULL WHERE number = 7", "record 7 does not match its checksum"),
        ("UPDATE records SET chain = x'00' WHERE number = 7", "record 7 does not match its checksum"),
        ("UPDATE records SET chain = 5.5, id = 3, payload = 1 WHERE number=7", "record 7 does not match its checksum"),
        ("DELETE FROM records WHERE number BETWEEN 7 AND 8", "records 7 to 8 are missing"),
        ("DELETE FROM records WHERE number = 1", "records 1 to 1 are missing"),
        ("UPDATE records SET number = 99 WHERE number = 7; UPDATE records SET number = 7 WHERE number = 8;"
         "UPDATE records SET number = 8 WHERE number = 99", "record 7 does not match its checksum"),
        ("UPDATE about SET scheme = 'other'", "its description does not match its checksum"),
        ("UPDATE about SET format = 2", "its description does not match its checksum"),
        ("DELETE FROM about", "its description does not match its checksum"),
        ("DROP TABLE about", "no such table: about"),
    ],
)  # fmt: skip
def test_every_value_of_a_record_is_under_its_checksum(folder: Path, change: str, finding: str) -> None:
    change_database(folder, change)
    with pytest.raises(errors.Damaged, match=rf"wirecopy\.db is damaged \({finding}\): restore a backup"):
        list(Store.open(folder, scheme=SCHEME).replay())
    assert verify(folder).problems[0] == finding


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("UPDATE texts SET body = x'00' WHERE number = 7", "the text of record 7 does not match its checksum"),
        ("UPDATE texts SET body = 'word' WHERE number = 7", "the text of record 7 does not match its checksum"),
        ("DELETE FROM texts WHERE number = 7", "the text of record 7 is missing"),
    ],
)
def test_every_kept_text_is_under_its_checksum(folder: Path, change: str, finding: str) -> None:
    change_database(folder, change)
    with Store.open(folder, scheme=SCHEME) as target:
        assert len(list(target.replay())) == 12
        with pytest.raises(errors.Damaged, match=finding):
            target.text(7)
    assert verify(folder).problems == (finding,)


def test_verify_names_everything_that_is_wrong(folder: Path) -> None:
    change_database(
        folder, "UPDATE records SET kind = 9 WHERE number IN (3, 5); INSERT INTO texts VALUES (8, x''), (99, x'')"
    )
    assert verify(folder).problems == (
        "record 3 does not match its checksum",
        "record 5 does not match its checksum",
        "2 texts belong to no record",
    )


def change_database(folder: Path, change: str) -> None:
    """Twelve records at rest, then somebody's hand."""
    import sqlite3

    put(folder, {})
    with Store.open(folder, scheme=SCHEME) as target:
        append_some(target, 12)
    connection = sqlite3.connect(StoreFolder(folder).database)
    connection.executescript(change)
    connection.close()


@settings(max_examples=80, deadline=None)
@given(how=st.sampled_from(["flip", "cut"]), where=st.floats(0, 1, exclude_max=True))
def test_a_damaged_backup_is_never_restored(folder: Path, how: str, where: float) -> None:
    files, acknowledged = killed("log")
    put(folder, files)
    copy, elsewhere = folder.with_name("copy.db"), folder.with_name("elsewhere")
    copy.unlink(missing_ok=True)
    shutil.rmtree(elsewhere, ignore_errors=True)
    backup(folder, copy)
    Damage(copy.name, how, where).strike(copy.parent)
    try:
        restore(copy, elsewhere)
    except REFUSALS:
        assert [file.name for file in elsewhere.iterdir()] == ["wirecopy.lock"]
    else:
        assert read_or_refuse(elsewhere) == (acknowledged, None)


def test_a_damaged_database_is_not_backed_up(folder: Path) -> None:
    change_database(folder, "UPDATE texts SET body = x'00' WHERE number = 7")
    with pytest.raises(errors.Damaged, match="the text of record 7"):
        backup(folder, folder.with_name("bad.db"))
    assert not folder.with_name("bad.db").exists()
