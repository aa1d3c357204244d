"""Processes that are killed and disks that refuse: what was acknowledged is there, and nothing else is claimed."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.storage_writer import SCHEME, append_some, entry, record
from wirecopy import errors
from wirecopy.storage import Store, backup, restore, store, verify
from wirecopy.storage.marks import Marks
from wirecopy.storage.place import StoreFolder

ROOT = Path(__file__).parent.parent.parent


def open_store(folder: Path, **options: bool) -> Store:
    return Store.open(folder, scheme=SCHEME, **options)


@contextmanager
def started_writer(folder: Path, seed: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that appends until it is killed, at the latest here, and tells each acknowledged number."""
    command = [sys.executable, "-m", "tests.storage_writer", str(folder), str(seed), "60000"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment}
    ) as writer:
        try:
            yield writer
        finally:
            writer.kill()


def hear(writer: subprocess.Popen[bytes]) -> int:
    """The next number that a writer acknowledges."""
    assert writer.stdout is not None
    return int(writer.stdout.readline())


def last_told(writer: subprocess.Popen[bytes]) -> tuple[int, str]:
    """The last number that a writer acknowledged before its end, and its last words."""
    output, words = writer.communicate(timeout=60)
    return int((output.split() or [b"0"])[-1]), words.decode()


def assert_holds_at_least(folder: Path, acknowledged: int) -> int:
    """All records up to some number that is not below the acknowledged one, as they were appended."""
    with open_store(folder) as target:
        assert target.last >= acknowledged
        assert list(target.replay()) == [record(number) for number in range(1, target.last + 1)]
        for number in range(1, target.last + 1):
            assert target.text(number) == entry(number).text
    assert verify(folder).problems == ()
    return target.last


# Killed


def test_everything_acknowledged_is_there_after_kill_9_again_and_again(tmp_path: Path) -> None:
    acknowledged = 0
    for number in range(8):
        with started_writer(tmp_path, seed=number) as writer:
            for _ in range(1 + 7 * number):
                told = hear(writer)
            writer.kill()
            told = max(told, last_told(writer)[0])
        acknowledged = assert_holds_at_least(tmp_path, max(told, acknowledged))
    assert acknowledged > 8


def test_kill_9_between_any_two_lines_loses_nothing_and_costs_no_check_of_everything(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.storage_deaths", str(tmp_path / "data"), "97"]
    deaths = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert deaths.stderr == ""
    assert int(deaths.stdout) > 20


def test_kill_9_frees_the_lock(tmp_path: Path) -> None:
    with started_writer(tmp_path, seed=1) as writer:
        hear(writer)
        with pytest.raises(errors.Locked):
            open_store(tmp_path)
    open_store(tmp_path).close()


def test_a_backup_beside_a_writer_is_a_beginning_of_what_it_wrote(tmp_path: Path) -> None:
    with started_writer(tmp_path / "data", seed=5) as writer:
        for number in range(3):
            told = hear(writer)
            report = backup(tmp_path / "data", tmp_path / f"copy{number}")
            restore(tmp_path / f"copy{number}", tmp_path / f"data{number}")
            assert assert_holds_at_least(tmp_path / f"data{number}", told) == report.last
            assert verify(tmp_path / "data").problems == ()
        writer.kill()
        told, _ = last_told(writer)
    assert_holds_at_least(tmp_path / "data", told)


# Refused by the disk


@pytest.mark.parametrize("largest", [100_000, 250_000, 500_000])
def test_a_full_disk_acknowledges_nothing_more_and_loses_nothing(tmp_path: Path, largest: int) -> None:
    with started_writer(tmp_path, seed=3, LARGEST_FILE_BYTES=str(largest)) as writer:
        told, words = last_told(writer)
    assert writer.returncode == 3
    assert str(tmp_path) in words
    assert told > 0
    assert_holds_at_least(tmp_path, told)


def test_a_database_that_may_not_grow_acknowledges_nothing_more(tmp_path: Path) -> None:
    target = open_store(tmp_path)
    append_some(target, 5)
    pages = target._writer.connection.execute("PRAGMA page_count").fetchone()[0]
    target._writer.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(errors.StorageFailed, match="full"):
        append_some(target, 100)
    assert_refuses_everything(target)
    target.close()
    assert assert_holds_at_least(tmp_path, 5) == 5


def assert_refuses_everything(target: Store) -> None:
    for ask in (lambda: append_some(target, 1), target.replay, lambda: target.text(1), lambda: target.prune([1])):
        with pytest.raises(errors.StorageFailed, match="is of no further use"):
            ask()


@pytest.mark.parametrize("called", ["os.pwrite", "wirecopy.storage.marks.sync_file"])
def test_a_commit_whose_counter_cannot_be_written_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    target = open_store(tmp_path)
    append_some(target, 3)
    with monkeypatch.context() as patch:
        patch.setattr(called, fail)
        with pytest.raises(errors.StorageFailed, match=r"wirecopy\.marks: input/output error"):
            append_some(target, 2)
    assert_refuses_everything(target)
    target.close()
    assert_holds_at_least(tmp_path, 3)


def test_a_counter_that_was_written_in_part_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(descriptor: int, data: bytes, offset: int, write: object = os.pwrite) -> int:
        assert callable(write)
        written = write(descriptor, data[: len(data) // 2], offset)
        assert isinstance(written, int)
        return written

    target = open_store(tmp_path)
    append_some(target, 3)
    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", write_half)
        with pytest.raises(errors.StorageFailed, match="bytes were written"):
            append_some(target, 2)
    target.close()
    assert_holds_at_least(tmp_path, 3)


def test_moving_pages_that_fails_ends_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_CHECKPOINT_BYTES", 1)
    monkeypatch.setattr(store, "move_pages", lambda connection, how: connection.execute("SELECT no_such_thing"))
    with pytest.raises(errors.StorageFailed, match="no_such_thing"):
        open_store(tmp_path)
    monkeypatch.undo()
    target = open_store(tmp_path)
    monkeypatch.setattr(store, "_CHECKPOINT_BYTES", 1)
    target._checkpoint_at = 1
    monkeypatch.setattr(store, "move_pages", lambda connection, how: connection.execute("SELECT no_such_thing"))
    with pytest.raises(errors.StorageFailed, match="no_such_thing"):
        append_some(target, 1)
    assert_refuses_everything(target)
    monkeypatch.undo()
    target.close()
    assert_holds_at_least(tmp_path, 0)


def test_an_interrupted_commit_ends_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    target = open_store(tmp_path)
    append_some(target, 3)
    with monkeypatch.context() as patch:
        patch.setattr(Marks, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            append_some(target, 2)
    assert_refuses_everything(target)
    target.close()
    assert_holds_at_least(tmp_path, 3)


@pytest.fixture(scope="module")
def failing_sync(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library whose fsync fails when told to."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler and LD_PRELOAD")
    library = tmp_path_factory.mktemp("library") / "failing_sync.so"
    source = Path(__file__).parent.parent / "failing_sync.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    return library


@pytest.mark.parametrize("fail_at", [1, 2, 7, 11, *range(13, 26), 28, 29, 30, 31])
def test_whichever_sync_fails_nothing_more_is_acknowledged_and_nothing_is_lost(
    tmp_path: Path, failing_sync: Path, fail_at: int
) -> None:
    with started_writer(tmp_path, seed=2, LD_PRELOAD=str(failing_sync), FAIL_AT=str(fail_at)) as writer:
        told, words = last_told(writer)
    assert writer.returncode == 3, words
    assert str(tmp_path) in words
    assert_holds_at_least(tmp_path, told)


def test_a_folder_that_cannot_be_synced_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_for_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.fsync", fail_for_folders)
    for _ in range(2):
        with pytest.raises(errors.StorageFailed, match="input/output error"):
            open_store(tmp_path)


def test_a_mark_is_written_when_its_records_are_on_disk_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, aside = tmp_path / "data", tmp_path / "aside"
    write = Marks.write

    def keep_what_is_there_then_write(marks: Marks, mark: object) -> None:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(folder, aside)
        write(marks, mark)  # type: ignore[arg-type]
        shutil.copy(StoreFolder(folder).marks, StoreFolder(aside).marks)
        with monkeypatch.context() as patch:
            patch.setattr(Marks, "write", write)
            with open_store(aside) as copy:
                found.append(copy.last)

    found: list[int] = []
    with open_store(folder) as target:
        monkeypatch.setattr(Marks, "write", keep_what_is_there_then_write)
        for count in (1, 20, 3):
            append_some(target, count)
            assert found[-1] == target.last
