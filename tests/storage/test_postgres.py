"""The store in PostgreSQL: what a folder does, on a real server, and what only a server can do to us."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exact_detector import wait_until
from tests.postgres_server import PostgresServer, running
from tests.storage_writer import SCHEME, append_some, entry, record, remains
from tests.streams import image, small, stream
from wirecopy import errors, storage
from wirecopy.cli.commands import commands
from wirecopy.detector.detector import SCHEME as DETECTORS
from wirecopy.detector.detector import Detector
from wirecopy.storage import Entry, Pipeline, Store, where

HOUR = 3_600_000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as server:
        yield server


@pytest.fixture
def place(server: PostgresServer) -> storage.Where:
    return where(server.database())


def open_store(place: storage.Where, scheme: str = SCHEME, **options: object) -> storage.Writing:
    return storage.open_store(place, scheme=scheme, **options)  # type: ignore[arg-type]


def test_what_is_appended_is_there_in_order_after_opening_anew(place: storage.Where) -> None:
    with open_store(place) as target:
        assert target.last == 0
        assert list(target.replay()) == []
        assert append_some(target, 1) == 1
        assert append_some(target, 64) == 65
    with open_store(place) as target:
        assert target.last == 65
        assert list(target.replay()) == [record(number) for number in range(1, 66)]
        assert [target.text(number) for number in range(1, 66)] == [entry(number).text for number in range(1, 66)]
        assert target.loss is None


@pytest.mark.parametrize("article_id", [None, "", "a/b", "\x00", "é\U0001f600", "x" * 5000])
def test_ids_of_every_sort_come_back(place: storage.Where, article_id: str | None) -> None:
    with open_store(place) as target:
        target.append([Entry(2**63 - 1, article_id, b"\x00\xff", b"")])
    with open_store(place) as target:
        assert list(target.replay()) == [(1, 2**63 - 1, article_id, b"\x00\xff")]
        assert target.text(1) == b""


@given(st.lists(st.tuples(st.integers(1, 6), st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40))), max_size=5))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pruning_and_redacting_leave_what_a_folder_leaves(
    server: PostgresServer, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, set[int], set[int]]]
) -> None:
    folder, place = tmp_path_factory.mktemp("data") / "data", where(server.database())
    with Store.open(folder, scheme=SCHEME) as one, open_store(place) as other:
        gone: set[int] = set()
        for count, pruned, redacted in steps:
            last = append_some(one, count)
            assert append_some(other, count) == last
            wanted = {number for number in pruned if number <= last}
            kept = {number: remains(number) for number in redacted - wanted - gone if number <= last}
            for target in (one, other):
                target.append((), prune=wanted, redact=kept)
            gone |= wanted | set(kept)
        assert list(one.replay()) == list(other.replay())
        assert numbers_of(one) == numbers_of(other)
        assert [one.text(k) for k in range(1, one.last + 1)] == [other.text(k) for k in range(1, other.last + 1)]
    assert storage.verify(place) == storage.verify(folder)
    assert storage.verify(place).problems == ()


def numbers_of(store: storage.Writing) -> list[tuple[int, bool, bytes | None]]:
    """What a page of the log holds of each row: the number, whether it was pruned, the text."""
    page = store.page_after(0, 10_000, 1 << 30, with_texts=True)
    return [(row[0], row[1] is None, text) for row, text in page.rows]


def test_a_detector_on_a_server_says_and_keeps_what_one_on_a_folder_does(place: storage.Where, tmp_path: Path) -> None:
    articles = stream(300)
    images = []
    for at in (place, tmp_path / "data"):
        detector = Detector(small(), Pipeline(open_store(at, DETECTORS)))
        for begin in range(0, 300, 50):
            detector.ingest(articles[begin : begin + 50], first_seen=begin * HOUR)
        detector.erase(articles[7].id, 300 * HOUR)
        detector.prune(1000 * HOUR)
        detector.close()
        again = Detector(small(), open_store(at, DETECTORS))
        images.append(image(again))
        again.close()
    assert images[0] == images[1]


def test_one_writes_and_the_next_waits_until_it_has_ended(place: storage.Where) -> None:
    first = open_store(place)
    with pytest.raises(errors.Locked, match="in use by another wirecopy"):
        open_store(place)
    append_some(first, 3)
    first.close()
    with open_store(place) as second:
        assert second.last == 3


def test_of_two_that_both_believe_to_write_one_commits(server: PostgresServer) -> None:
    address = server.database()
    name = urlsplit(address).path[1:]
    for how in ("pg_terminate_backend(pid)", "pg_cancel_backend(pid), pg_terminate_backend(pid)"):
        first = open_store(where(address))
        before = append_some(first, 2)
        server.run(f"SELECT {how} FROM pg_locks WHERE locktype = 'advisory'", name)
        second = open_store(where(address))
        with pytest.raises(errors.StorageFailed):
            append_some(first, 1)
        with pytest.raises(errors.StorageFailed, match="of no further use"):
            append_some(first, 1)
        assert append_some(second, 1) == before + 1
        first.close()
        second.close()
    assert storage.verify(where(address)).problems == ()


def test_a_writer_whose_lock_was_freed_under_it_commits_nothing(place: storage.Where) -> None:
    first = open_store(place)
    append_some(first, 2)
    first._writer.session.run("SELECT pg_advisory_unlock_all()")  # type: ignore[attr-defined]  # as a pooler would
    with open_store(place) as second:
        with pytest.raises(errors.StorageFailed, match="another wirecopy writes there since"):
            first.beat()
        first = open_store_without_lock(first)
        with pytest.raises(errors.StorageFailed, match="nothing of this was stored"):
            append_some(first, 1)
        assert append_some(second, 1) == 3
    assert storage.verify(place) == storage.Report(3, 0, 3, 3, ())
    first.close()


def open_store_without_lock(store: storage.Writing) -> storage.Writing:
    """The same, not yet knowing that it was told."""
    store._refusal = ""  # type: ignore[attr-defined]
    return store


def test_writers_in_a_race_store_every_number_once(place: storage.Where) -> None:
    """Eight threads open, append and close as fast as they can: whoever was told so has its records there."""
    acknowledged: list[int] = []

    def run() -> None:
        for _ in range(6):
            try:
                with open_store(place) as target:
                    number = target.append([Entry(1, f"{threading.get_ident()}", b"x", None)])
                    acknowledged.append(number)
            except errors.Locked:
                pass

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(acknowledged) == list(range(1, len(acknowledged) + 1))
    assert storage.verify(place).records == len(acknowledged) > 0


def test_damage_is_found_and_named(server: PostgresServer) -> None:
    address = server.database()
    name = urlsplit(address).path[1:]
    with open_store(where(address)) as target:
        append_some(target, 20)
    server.run("UPDATE wirecopy.records SET payload = payload || 'x' WHERE number = 7", name)
    server.run("UPDATE wirecopy.texts SET body = 'x' WHERE number = 9", name)
    problems = storage.verify(where(address)).problems
    assert any("record 7 does not match its checksum" in problem for problem in problems)
    assert any("the text of record 9 does not match" in problem for problem in problems)
    with open_store(where(address)) as target, pytest.raises(errors.Damaged, match="record 7"):
        list(target.replay())


def test_records_that_were_acknowledged_and_are_gone_are_noticed(server: PostgresServer, tmp_path: Path) -> None:
    """As after a standby was promoted that had not got the last commits: all tables are as they were before."""
    address = server.database()
    name = urlsplit(address).path[1:]
    with open_store(where(address), witness=tmp_path) as target:
        append_some(target, 20)
    older = server.run("SELECT number, encode(chain, 'hex') FROM wirecopy.records WHERE number = 15", name)[0]
    server.run("DELETE FROM wirecopy.records WHERE number > 15", name)
    server.run("DELETE FROM wirecopy.texts WHERE number > 15", name)
    server.run(f"UPDATE wirecopy.writer SET number = 15, chain = '\\x{older[1]}'", name)
    with pytest.raises(errors.TailLost, match="records 16 to 20 were acknowledged and are missing"):
        open_store(where(address), witness=tmp_path)
    with open_store(where(address), witness=tmp_path, accept_loss=True) as target:
        assert target.loss is not None
        assert append_some(target, 1) == 16


def test_a_backup_is_the_same_file_and_goes_both_ways(
    place: storage.Where, server: PostgresServer, tmp_path: Path
) -> None:
    with open_store(place) as target:
        append_some(target, 50)
        target.append((), prune=[3, 4, 5], redact={9: remains(9)})
        backed = storage.backup(place, tmp_path / "backup.db")  # beside the writer
        append_some(target, 1)
    assert backed.records == 46
    storage.restore(tmp_path / "backup.db", tmp_path / "data")
    other = where(server.database())
    assert storage.restore(tmp_path / "backup.db", other) == backed
    assert storage.verify(other) == storage.verify(tmp_path / "data") == backed
    with pytest.raises(errors.StorageFailed, match="holds articles already"):
        storage.restore(tmp_path / "backup.db", other)
    back = tmp_path / "back"
    assert storage.copy(place, back) == storage.verify(place)
    with open_store(place) as one, Store.open(back, scheme=SCHEME) as two:
        assert list(one.replay()) == list(two.replay())
        assert append_some(two, 1) == 52


def test_the_commands_take_an_address_where_they_take_a_folder(server: PostgresServer, tmp_path: Path) -> None:
    articles = stream(120)
    data, address = str(tmp_path / "data"), server.database()
    detector = Detector(small(), Store.open(Path(data), scheme=DETECTORS))
    detector.ingest(articles, first_seen=HOUR)
    detector.erase(articles[3].id, 2 * HOUR)
    detector.close()
    run = CliRunner().invoke
    for arguments in (
        ["migrate", address, "--data", data],
        ["verify", "--data", address],
        ["compact", "--data", address],
        ["rebuild", "--data", address],
        ["backup", str(tmp_path / "backup.db"), "--data", address],
        ["migrate", str(tmp_path / "back"), "--data", address],
        ["verify", "--data", str(tmp_path / "back")],
        ["boilerplate", "--data", address],
    ):
        result = run(commands, arguments)
        assert result.exit_code == 0, (arguments, result.output)
    with open_store(where(address), DETECTORS) as one, Store.open(tmp_path / "back", scheme=DETECTORS) as two:
        assert image(Detector(small(), one)) == image(Detector(small(), two))


def test_a_rebuild_that_fails_leaves_the_old_database(place: storage.Where) -> None:
    with open_store(place) as target:
        append_some(target, 5)
    with pytest.raises(errors.StorageFailed, match="not complete"), storage.replacing(place):
        assert storage.verify(place).records == 5
    assert storage.verify(place).records == 5
    with storage.replacing(place) as new, open_store(new, "another scheme") as target:
        append_some(target, 2)
    with open_store(place, "another scheme") as target:
        assert target.last == 2


def test_what_is_no_place_for_articles_is_said_in_one_sentence(server: PostgresServer, tmp_path: Path) -> None:
    empty = where(server.database())
    with pytest.raises(errors.StorageFailed, match="holds no stored articles"):
        storage.verify(empty)
    open_store(empty).close()
    with pytest.raises(errors.OtherScheme, match="another scheme"):
        open_store(empty, "another scheme")
    with pytest.raises(errors.StorageFailed, match="does not answer") as failure:
        storage.verify(where("postgresql://me:secret@/news?host=/nowhere"))
    assert "secret" not in str(failure.value)
    assert (
        str(where("postgresql://me:secret@db.example:5432/news?sslmode=require"))
        == "postgresql://me@db.example:5432/news"
    )


def test_a_server_that_is_restarted_ends_the_writer_and_loses_nothing() -> None:
    with running() as server:
        place = where(server.database())
        target = open_store(place)
        append_some(target, 10)
        server.stop(signal.SIGQUIT)  # as after a crash: it recovers from its write-ahead log
        with pytest.raises(errors.StorageFailed, match=r"does not answer|is of no further use"):
            append_some(target, 1)
        target.close()
        server.start()
        with open_store(place) as target:
            assert target.last == 10
            append_some(target, 1)
        assert storage.verify(place).problems == ()


def test_a_server_that_lost_its_disk_is_no_new_beginning(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    with running() as server, open_store(where(server.database()), witness=witness) as target:
        append_some(target, 10)
    with running() as server, pytest.raises(errors.TailLost, match="10 records were acknowledged"):
        open_store(where(server.database()), witness=witness)


def test_a_server_that_only_reads_or_keeps_nothing_is_refused() -> None:
    with running() as server:
        address = server.database()
        name = urlsplit(address).path[1:]
        target = open_store(where(address))
        append_some(target, 1)
        server.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        target.close()
        with pytest.raises(errors.StorageFailed, match="read-only"):
            open_store(where(address))
        assert storage.verify(where(address)).records == 1
        server.stop()
        server.start("-c", "fsync=off")
        with pytest.raises(errors.StorageFailed, match="fsync = off"):
            open_store(where(address))


def test_a_server_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from wirecopy.storage.postgres import session

    with running() as server:
        target = open_store(where(server.database()))
        append_some(target, 1)
        monkeypatch.setattr(session, "PATIENCE_SECONDS", 1.0)
        pids = [pid for (pid,) in server.run("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")]
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(errors.StorageFailed, match="does not answer"):
                append_some(target, 1)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        target.close()


def test_a_writer_that_is_idle_hears_that_it_was_replaced(place: storage.Where) -> None:
    target = open_store(place)
    pipeline = Pipeline(target)
    told: list[BaseException | None] = []
    pipeline.append([Entry(1, "a", b"", None)])
    pipeline.flush()
    target._writer.session.run("SELECT pg_advisory_unlock_all()")  # type: ignore[attr-defined]
    with open_store(place):

        def failed() -> bool:
            try:
                pipeline.flush()
            except errors.StorageFailed as error:
                told.append(error)
            return bool(told)

        wait_until(failed)
    with pytest.raises(errors.StorageFailed):
        pipeline.close()
