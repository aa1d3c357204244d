"""Output files are complete or not there."""

import os
import stat
import threading
from pathlib import Path

import pytest

from wirecopy.errors import OutputFailed, ReaderLeft, UsageError
from wirecopy.files.writing import check_targets, open_output


class Interruption(BaseException):
    """Stands for anything that ends a run, Ctrl-C included."""


def interrupt_while_writing(target: Path) -> None:
    with open_output(str(target)) as output:
        output.write(b"half")
        output.flush()
        raise Interruption


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_regular_file_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with open_output(str(target)) as output:
        output.write_lines([b"one", b"two"])
        output.flush()
        assert not target.exists()
    assert target.read_bytes() == b"one\ntwo\n"
    assert names_in(tmp_path) == ["out.jsonl"]


def test_many_lines_are_written_completely(tmp_path: Path) -> None:
    lines = [b"%d" % number * 30 for number in range(50_000)]
    with open_output(str(tmp_path / "out")) as output:
        output.write_lines(lines)
    assert (tmp_path / "out").read_bytes() == b"\n".join([*lines, b""])


def test_a_failure_leaves_what_was_there_before(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"before")
    for target in (old, tmp_path / "new"):
        with pytest.raises(Interruption):
            interrupt_while_writing(target)
    assert names_in(tmp_path) == ["old"]
    assert old.read_bytes() == b"before"


def test_a_replaced_file_keeps_its_mode_and_a_symbolic_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"before")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with open_output(str(tmp_path / "link")) as output:
        output.write(b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"after"
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o640


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "out")):
        pass
    usual = tmp_path / "usual"
    usual.touch()
    assert (tmp_path / "out").stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize(
    ("name", "reason"),
    [("absent/out", "no such file or directory"), (".", "it is a folder"), ("file/out", "not a directory")],
)
def test_an_unwritable_target_fails_on_entering(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed, match=f"cannot write .*: {reason}"), open_output(str(tmp_path / name)):
        pytest.fail("the block was entered")


def test_a_full_device_is_a_failure_of_one_sentence() -> None:
    with (
        pytest.raises(OutputFailed, match="cannot write /dev/full: no space left on device"),
        open_output("/dev/full") as output,
    ):
        output.write(b"x" * 10)


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    with open_output(str(pipe)) as output:
        output.write_lines([b"line"])
    reader.join()
    assert received == [b"line\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_reader_who_leaves_is_told_apart() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(ReaderLeft), open_output(f"/dev/fd/{writer}") as output:
        output.write(b"x")
    os.close(writer)


def test_a_dash_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for name in ("-", "/dev/stdout"):
        with open_output(name) as output:
            output.write_lines([b"line"])
    assert capfdbinary.readouterr().out == b"line\n" * 2


def test_outputs_must_differ_from_each_other_and_from_inputs(tmp_path: Path) -> None:
    a, b, link = (str(tmp_path / name) for name in ("a", "b", "link"))
    Path(a).touch()
    Path(link).symlink_to(a)
    check_targets([a], [b])
    check_targets(["<stdin>"], ["-", b])
    with pytest.raises(UsageError, match="two outputs go to"):
        check_targets([], [b, str(tmp_path / "." / "b")])
    with pytest.raises(UsageError, match="is an input too"):
        check_targets([a], [b, link])
