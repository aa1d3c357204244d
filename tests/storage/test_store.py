"""The store: what is appended is there in order, what is pruned is gone, and who may open it."""

import sqlite3
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage_writer import SCHEME, append_some, entry, record, remains
from wirecopy import errors
from wirecopy.storage import Entry, Record, Store, backup, compact, restore, rows, store, verify
from wirecopy.storage.log import RecordLog
from wirecopy.storage.place import StoreFolder


def open_store(folder: Path, **options: bool) -> Store:
    return Store.open(folder, scheme=SCHEME, **options)


def left_of(number: int) -> Record:
    """What replay must give for a redacted record."""
    kind, payload = remains(number)
    return Record(number, kind, None, payload)


def assert_holds(target: Store, last: int, pruned: Sequence[int] = (), redacted: Sequence[int] = ()) -> None:
    """Exactly the records up to `last`, without those that were pruned, with their texts."""
    expected = {number: record(number) for number in range(1, last + 1) if number not in set(pruned)}
    expected |= {number: left_of(number) for number in redacted}
    assert target.last == last
    assert list(target.replay()) == list(expected.values())
    for number in range(1, last + 1):
        assert target.record(number) == expected.get(number)
        assert target.text(number) == (entry(number).text if number in set(expected) - set(redacted) else None)


def test_what_is_appended_is_there_in_order_after_opening_anew(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with open_store(folder) as target:
        assert target.last == 0
        assert list(target.replay()) == []
        assert append_some(target, 1) == 1
        assert append_some(target, 64) == 65
        assert_holds(target, 65)
    with open_store(folder) as target:
        assert_holds(target, 65)
        assert append_some(target, 3) == 68
    with open_store(folder) as target:
        assert_holds(target, 68)
        assert target.loss is None


def test_appending_nothing_commits_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 2)
        marks = StoreFolder(tmp_path).marks.read_bytes()
        assert target.append([]) == 2
        target.prune([])
        assert StoreFolder(tmp_path).marks.read_bytes() == marks


@pytest.mark.parametrize("kind", [-(2**63), 0, 2**63 - 1])
@pytest.mark.parametrize("article_id", [None, "", "a/b", "\x00", "é\U0001f600", "x" * 5000])
def test_kinds_and_ids_of_every_sort_come_back(tmp_path: Path, kind: int, article_id: str | None) -> None:
    with open_store(tmp_path) as target:
        target.append([Entry(kind, article_id, b"", b"")])
    with open_store(tmp_path) as target:
        assert list(target.replay()) == [(1, kind, article_id, b"")]
        assert target.text(1) == b""


@pytest.mark.parametrize(
    ("bad", "failure"),
    [
        (Entry(1, "\ud800", b"", None), UnicodeEncodeError),
        (Entry(2**63, "a", b"", None), struct.error),
        (Entry(1, "a", "text", None), TypeError),  # type: ignore[arg-type]
    ],
)
def test_an_entry_that_cannot_be_stored_touches_nothing(tmp_path: Path, bad: Entry, failure: type[Exception]) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 2)
        with pytest.raises(failure):
            target.append([entry(3), bad])
        assert append_some(target, 2) == 4
        assert_holds(target, 4)


def test_a_big_payload_and_a_big_text_come_back(tmp_path: Path) -> None:
    payload, text = bytes(range(256)) * 40_000, "wörter ".encode() * 500_000
    with open_store(tmp_path) as target:
        target.append([Entry(1, "big", payload, text)])
    with open_store(tmp_path) as target:
        assert next(target.replay()).payload == payload
        assert target.text(1) == text


@pytest.mark.parametrize("texts", [[b"one text"] * 87, [b"", None, b"x"], [None] * 20, [b"a", b""], [b"only"]])
def test_commits_of_any_size_give_back_each_text_to_its_record(tmp_path: Path, texts: list[bytes | None]) -> None:
    own = [None if text is None else text + b"%d" % k if text else text for k, text in enumerate(texts)]
    with open_store(tmp_path) as target:
        assert target.append([Entry(1, f"id-{k}", b"payload %d" % k, text) for k, text in enumerate(own)]) == len(own)
    with open_store(tmp_path) as target:
        assert [found.payload for found in target.replay()] == [b"payload %d" % k for k in range(len(own))]
        assert [target.text(number) for number in range(1, len(own) + 1)] == own


@pytest.mark.parametrize("number", [0, -1, 4])
def test_a_number_that_was_never_given_out_is_an_error(tmp_path: Path, number: int) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 3)
        for ask in (target.text, target.record, lambda number: target.prune([number])):
            with pytest.raises(ValueError, match="the log has 1 to 3"):
                ask(number)
        assert append_some(target, 1) == 4


def test_pages_move_into_the_main_file_while_records_are_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_CHECKPOINT_BYTES", 100_000)
    with open_store(tmp_path) as target:
        for _ in range(100):
            append_some(target, 3)
        assert StoreFolder(tmp_path).wal.stat().st_size < 400_000
        assert StoreFolder(tmp_path).database.stat().st_size > 500_000
        assert_holds(target, 300)


def test_texts_and_records_are_read_from_other_threads_beside_appends(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                for number in range(1, 21):
                    assert target.text(number) == entry(number).text
                    assert target.record(number) == record(number)
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    with open_store(tmp_path) as target:
        append_some(target, 20)
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(60):
            append_some(target, 2)
        done.set()
        for thread in threads:
            thread.join()
    assert not failures


# Pruning


def test_pruned_records_are_gone_and_the_others_are_not(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 30)
        target.prune([3, 5, 6, 7, 30])
        assert_holds(target, 30, [3, 5, 6, 7, 30])
        target.prune([4, 3])
        append_some(target, 2)
        assert_holds(target, 32, [3, 4, 5, 6, 7, 30])
    with open_store(tmp_path) as target:
        assert_holds(target, 32, [3, 4, 5, 6, 7, 30])
        assert verify(tmp_path) == (26, 6, 19, 32, ())


def test_a_pruned_run_costs_one_row_however_long(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 50)
        for start in (1, 31, 11, 21, 41):
            target.prune(range(start, start + 10))
        assert_holds(target, 50, range(1, 51))
        append_some(target, 1)
        assert_holds(target, 51, range(1, 51))
        assert target._reader.connection.execute("SELECT count(*) FROM records").fetchone() == (2,)


def test_records_are_appended_and_pruned_in_one_commit(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 5)
        assert target.append([entry(6)], prune=[2]) == 6
        assert_holds(target, 6, [2])
        with pytest.raises(ValueError, match="the log has 1 to 6"):
            target.append([entry(7)], prune=[7])
        assert_holds(target, 6, [2])


def test_what_was_pruned_is_in_no_byte_of_the_database(tmp_path: Path) -> None:
    secret = b"the secret that was erased " * 9
    with open_store(tmp_path) as target:
        append_some(target, 5)
        target.append([Entry(1, "secret-id", secret, secret)])
        append_some(target, 5)
    database = StoreFolder(tmp_path).database
    assert secret in database.read_bytes()
    with open_store(tmp_path) as target:
        target.prune([6])
    assert secret not in database.read_bytes()
    assert b"secret-id" not in database.read_bytes()


# Redacting and compacting


def test_of_a_redacted_record_only_what_remains_is_there(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 12)
        target.append([entry(13)], prune=[8], redact={number: remains(number) for number in (7, 9, 10)})
        assert_holds(target, 13, [8], [7, 9, 10])
        with pytest.raises(ValueError, match="the log has 1 to 13"):
            target.append([], redact={14: remains(14)})
    with open_store(tmp_path) as target:
        assert_holds(target, 13, [8], [7, 9, 10])
        target.prune([6, 7, 11])
        assert_holds(target, 13, [6, 7, 8, 11], [9, 10])
        target.prune([9, 10])
        assert_holds(target, 13, [6, 7, 8, 9, 10, 11])
        assert verify(tmp_path)[:2] == (7, 6)


def test_what_remains_is_under_its_checksum(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 6)
        target.append([], redact={4: remains(4)})
    database = StoreFolder(tmp_path).database
    content = database.read_bytes()
    assert content.count(remains(4).payload) == 1
    database.write_bytes(content.replace(b"left of 4 ", b"left of 5 "))
    assert verify(tmp_path).problems[0] == "record 4 does not match its checksum"


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def test_after_compacting_no_file_holds_what_was_pruned_or_redacted(tmp_path: Path) -> None:
    secrets = [b"the %d. secret that was erased " % k * 400 for k in range(4)]
    with open_store(tmp_path) as target:
        append_some(target, 5)
        target.append([Entry(1, f"secret-id-{k}", secret, secret) for k, secret in enumerate(secrets)])
        append_some(target, 5)
        target.append([], prune=[6, 7], redact={8: remains(8), 9: remains(9)})
        assert b"secret" in bytes_of(tmp_path)  # of the write-ahead log
        before, after = target.compact()
        assert after < before
        assert b"secret" not in bytes_of(tmp_path)
        append_some(target, 2)
        assert b"secret" not in bytes_of(tmp_path)
    with open_store(tmp_path) as target:
        assert target.last == 16
        assert target.record(9) == left_of(9)
    assert verify(tmp_path).problems == ()


def test_a_folder_is_compacted_whatever_its_scheme_and_never_beside_a_service(tmp_path: Path) -> None:
    with Store.open(tmp_path, scheme="another") as target:
        append_some(target, 40)
        target.prune(range(5, 36))
        with pytest.raises(errors.Locked):
            compact(tmp_path)
    before, after = compact(tmp_path)
    assert after < before
    with Store.open(tmp_path, scheme="another") as target:
        assert_holds(target, 40, range(5, 36))


def test_compacting_waits_for_nobody_who_reads(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 5)
        reading = RecordLog.open(StoreFolder(tmp_path).database)
        reading.freeze()
        append_some(target, 5)
        with pytest.raises(errors.Locked, match="compact again when it is done"):
            target.compact()
        reading.close()
        append_some(target, 1)
        target.compact()
        assert_holds(target, 11)


def test_compacting_without_room_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 5)
        monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
        with pytest.raises(errors.NoRoom, match=r"has 1,000 bytes free, and [0-9,]+ are needed"):
            target.compact()
        append_some(target, 1)
        assert_holds(target, 6)


Step = tuple[str, object]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("prune"), st.lists(st.integers(1, 40), min_size=1, max_size=6)),
        st.tuples(st.just("redact"), st.lists(st.integers(1, 40), min_size=1, max_size=6)),
        st.tuples(st.sampled_from(["reopen", "compact"]), st.none()),
    ),
    max_size=15,
)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_any_sequence_of_appends_prunings_and_openings_equals_a_list(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    target, pruned, redacted = open_store(folder), set[int](), set[int]()
    for what, value in steps:
        if what == "append":
            assert isinstance(value, int)
            append_some(target, value)
        elif what == "prune":
            assert isinstance(value, list)
            numbers = [number for number in value if number <= target.last]
            target.prune(numbers)
            pruned |= set(numbers)
            redacted -= pruned
        elif what == "redact":
            assert isinstance(value, list)
            numbers = [number for number in value if number <= target.last and number not in pruned | redacted]
            target.append([], redact={number: remains(number) for number in numbers})
            redacted |= set(numbers)
        elif what == "compact":
            target.compact()
        else:
            target.close()
            target = open_store(folder)
    assert_holds(target, target.last, sorted(pruned), sorted(redacted))
    target.close()
    report = verify(folder)
    assert report.problems == ()
    gone = len(pruned) + len(redacted)
    assert (report.records, report.pruned) == (report.last - gone, gone)


# Who may open it


def test_a_second_store_on_the_same_folder_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 1)
        with pytest.raises(errors.Locked, match="is in use by another wirecopy"):
            open_store(tmp_path)
        assert append_some(target, 1) == 2
    open_store(tmp_path).close()


def test_another_scheme_is_refused_with_what_to_do(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with pytest.raises(
        errors.OtherScheme,
        match=r"made with scheme test, this program uses other: .* wirecopy rebuild, or use the version or model",
    ):
        Store.open(tmp_path, scheme="other")
    open_store(tmp_path).close()


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with sqlite3.connect(StoreFolder(tmp_path).database) as connection:
        _, identity, scheme, pruned = connection.execute(
            "SELECT format, identity, scheme, pruned FROM about"
        ).fetchone()
        newer = rows.About(rows.FORMAT + 1, identity, scheme, pruned)
        connection.execute("UPDATE about SET format = ?, seal = ?", (newer.format, newer.seal()))
    connection.close()
    for ask in (lambda: open_store(tmp_path), lambda: verify(tmp_path)):
        with pytest.raises(errors.NewerFormat, match="has format 2, this program knows up to 1: use a newer wirecopy"):
            ask()


def test_a_folder_that_cannot_be_made_or_read_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(errors.StorageFailed):
            open_store(folder)
    with pytest.raises(errors.StorageFailed, match="holds no stored articles"):
        verify(tmp_path / "nowhere")


def test_a_closed_store_refuses_everything(tmp_path: Path) -> None:
    target = open_store(tmp_path)
    append_some(target, 1)
    target.close()
    target.close()
    for ask in (lambda: append_some(target, 1), target.replay, lambda: target.text(1), lambda: target.prune([1])):
        with pytest.raises(errors.StorageFailed, match="it is closed"):
            ask()


def test_no_file_is_left_behind_but_the_three_that_are_documented(tmp_path: Path) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 3)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["wirecopy.db", "wirecopy.lock", "wirecopy.marks"]


def test_a_folder_that_nobody_can_write_to_is_read_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 3)
    before = sorted(file.name for file in tmp_path.iterdir())
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert verify(tmp_path).records == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == before


# Backups


def test_a_restored_backup_holds_what_was_stored_and_goes_on(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as target:
        append_some(target, 20)
        target.prune([2, 3])
        report = backup(tmp_path / "data", tmp_path / "copy.db")
        append_some(target, 5)
    assert report == (18, 2, 13, 20, ())
    assert restore(tmp_path / "copy.db", tmp_path / "elsewhere") == report
    with open_store(tmp_path / "elsewhere") as target:
        assert_holds(target, 20, [2, 3])
        append_some(target, 2)
    with open_store(tmp_path / "elsewhere") as target:
        assert_holds(target, 22, [2, 3])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.db", "data", "elsewhere"]


def test_a_backup_never_replaces_a_file(tmp_path: Path) -> None:
    open_store(tmp_path / "data").close()
    (tmp_path / "copy.db").write_bytes(b"precious")
    with pytest.raises(errors.StorageFailed, match="exists already; name a new file"):
        backup(tmp_path / "data", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == b"precious"


def test_a_backup_of_nothing_or_to_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.StorageError):
        backup(tmp_path / "nothing", tmp_path / "copy.db")
    open_store(tmp_path / "data").close()
    with pytest.raises(errors.StorageFailed):
        backup(tmp_path / "data", tmp_path / "missing" / "copy.db")
    assert [file.name for file in tmp_path.iterdir()] == ["data"]


def test_a_folder_with_articles_is_never_restored_over(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as target:
        append_some(target, 3)
        backup(tmp_path / "data", tmp_path / "copy.db")
        with pytest.raises(errors.Locked):
            restore(tmp_path / "copy.db", tmp_path / "data")
    with pytest.raises(errors.StorageFailed, match="holds articles already"):
        restore(tmp_path / "copy.db", tmp_path / "data")
    with open_store(tmp_path / "data") as target:
        assert_holds(target, 3)


def test_only_what_backup_wrote_can_be_restored(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as target:
        append_some(target, 3)
    (tmp_path / "text").write_text("no database, but long enough to be looked at as one" * 100)
    for file in (StoreFolder(tmp_path / "data").database, tmp_path / "text", tmp_path / "data", tmp_path / "missing"):
        with pytest.raises(errors.StorageError):
            restore(file, tmp_path / "elsewhere")
    assert [file.name for file in (tmp_path / "elsewhere").iterdir()] == ["wirecopy.lock"]
    with open_store(tmp_path / "elsewhere") as target:
        assert target.last == 0


def test_a_lost_database_is_restored_into_its_folder(tmp_path: Path) -> None:
    place = StoreFolder(tmp_path / "data")
    with open_store(place.folder) as target:
        append_some(target, 3)
        backup(place.folder, tmp_path / "copy.db")
    place.database.unlink()
    with pytest.raises(errors.Damaged, match="it is missing"):
        open_store(place.folder)
    restore(tmp_path / "copy.db", place.folder)
    with open_store(place.folder) as target:
        assert_holds(target, 3)


def test_verify_reads_beside_a_writer_as_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path) as target:
        append_some(target, 5)
        freeze = RecordLog.freeze

        def freeze_then_append(log: RecordLog) -> None:
            append_some(target, 4)
            freeze(log)
            append_some(target, 7)
            target.prune(range(2, 12))

        monkeypatch.setattr(RecordLog, "freeze", freeze_then_append)
        report = verify(tmp_path)
        assert (report.last, report.problems) == (9, ())
