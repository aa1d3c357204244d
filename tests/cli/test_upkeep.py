"""The commands verify, backup, restore and compact: what they print, and their exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage_writer import SCHEME, append_some
from wirecopy.cli.commands import main
from wirecopy.storage import Store, verify
from wirecopy.storage.place import StoreFolder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with twelve records, one of them pruned."""
    with Store.open(tmp_path / "data", scheme=SCHEME) as target:
        append_some(target, 12)
        target.prune([2])
    return tmp_path / "data"


def test_verify_says_what_it_read(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--data", str(data)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{data}: everything is as it was written: 11 records, 8 texts, 1 pruned\n"
    assert err == ""


def test_verify_prints_each_problem_and_fails(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = StoreFolder(data).database
    content = bytearray(database.read_bytes())
    content[content.index(b"id-7-")] ^= 1
    database.write_bytes(content)
    assert main(["verify", "--data", str(data)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"wirecopy: {data}: record 7 does not match its checksum\n"


def test_verify_works_beside_a_running_service(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(data, scheme=SCHEME) as target:
        append_some(target, 1)
        command = [sys.executable, "-m", "wirecopy", "verify", "--data", str(data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "12 records" in done.stdout
        append_some(target, 1)


@pytest.mark.parametrize("command", [["verify"], ["backup", "copy.db"], ["compact"]])
def test_a_folder_without_articles_is_refused(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "wirecopy: data holds no stored articles\n"
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_written_and_restored(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy, elsewhere = tmp_path / "copy.db", tmp_path / "elsewhere"
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    assert main(["restore", str(copy), "--data", str(elsewhere)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{copy}: written and checked: 11 records, 8 texts, 1 pruned",
        f"{elsewhere}: restored and checked: 11 records, 8 texts, 1 pruned",
    ]
    assert verify(elsewhere) == verify(data)


def test_a_backup_that_exists_and_a_folder_in_use_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    assert main(["backup", str(copy), "--data", str(data)]) == 3
    assert main(["restore", str(copy), "--data", str(data)]) == 3
    assert main(["restore", str(tmp_path / "missing"), "--data", str(data)]) == 3
    assert capsys.readouterr().err.splitlines() == [
        f"wirecopy: {copy} exists already; name a new file",
        f"wirecopy: {data} holds articles already: name another folder, or move it away first",
        f"wirecopy: {tmp_path / 'missing'} is no file",
    ]


def test_compact_says_what_became_of_the_database(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = StoreFolder(data).database.stat().st_size
    assert main(["compact", "--data", str(data)]) == 0
    after = StoreFolder(data).database.stat().st_size
    assert capsys.readouterr().out == f"{data}: written anew: {before:,} bytes before, {after:,} now\n"
    assert main(["verify", "--data", str(data)]) == 0


@pytest.mark.parametrize(
    "arguments", [["verify", "x"], ["compact", "x"], ["backup"], ["restore"], ["verify", "--nope"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Usage: wirecopy" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["verify", "backup", "restore", "compact"])
def test_help_states_the_exit_codes_and_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert "3  refused, failed or damaged" in out
    assert f"wirecopy {command} " in out.split("Example:")[1]
