"""Output files that are complete or not there.

A regular file is written under a temporary name in the same folder, synced, and renamed when everything went well; a
failure removes it and leaves what had the name before. Standard output (`-`), pipes and devices are written directly.
"""

import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

from wirecopy.errors import OutputFailed, ReaderLeft, UsageError

_BLOCK_BYTES = 2**20
_STREAMS = {"-": 1, "/dev/stdout": 1, "/dev/fd/1": 1, "/dev/stderr": 2, "/dev/fd/2": 2}


class Output:
    """A place for bytes; every failure of the operating system becomes one of our errors."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name = name
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Raise OutputFailed (ReaderLeft when the other end of a pipe closed)."""
        with _failures_of(self.name):
            self._stream.write(data)

    def write_lines(self, lines: Iterable[bytes]) -> None:
        """Write each line with a newline, in big blocks; raises like `write`."""
        block: list[bytes] = []
        size = 0
        for line in lines:
            block += line, b"\n"
            size += len(line)
            if size >= _BLOCK_BYTES:
                self.write(b"".join(block))
                block, size = [], 0
        self.write(b"".join(block))

    def flush(self) -> None:
        """Hand everything to the operating system; raises like `write`."""
        with _failures_of(self.name):
            self._stream.flush()


def is_stream(target: str) -> bool:
    """Return whether a target is standard output or the like, which has no ending."""
    return target in _STREAMS


def check_targets(inputs: Sequence[str], targets: Sequence[str]) -> None:
    """Raise UsageError when two targets, or a target and an input, are one file."""
    if len({os.path.realpath(target) for target in targets}) < len(targets):
        raise UsageError(f"two outputs go to {targets[0]}; name different files")
    for target in targets:
        if os.path.isfile(target) and any(os.path.exists(file) and os.path.samefile(file, target) for file in inputs):
            raise UsageError(f"{target} is an input too; write to another file")


@contextmanager
def open_output(target: str) -> Iterator[Output]:
    """Open `target` for the time of the block; a regular file gets its name only if the block ends without exception.

    Raises OutputFailed, on entering when the target can be seen to be unwritable.
    """
    if target in _STREAMS:
        stream = sys.stdout if _STREAMS[target] == 1 else sys.stderr
        if stream is None:
            raise OutputFailed(target, "it is closed")
        output = Output(target, stream.buffer)
        yield output
        output.flush()
    elif _is_regular(target):
        yield from _write_then_rename(target)
    else:
        yield from _write_directly(target)


def _write_directly(target: str) -> Iterator[Output]:
    with _failures_of(target):
        stream = open(target, "wb")  # noqa: SIM115 - closed below, where its failure can be told
    output = Output(target, stream)
    try:
        yield output
        output.flush()
    finally:
        with suppress(OSError):
            stream.close()


def _write_then_rename(target: str) -> Iterator[Output]:
    final = os.path.realpath(target)  # a symbolic link stays, the file that it names is replaced
    folder = os.path.dirname(final)
    temporary = os.path.join(folder, f".wirecopy.{secrets.token_hex(8)}.part")
    with _failures_of(target):
        if os.path.exists(final) and not os.access(final, os.W_OK):
            raise PermissionError(0, "permission denied")
        stream = open(temporary, "xb")  # noqa: SIM115 - closed below, before the rename
    output = Output(target, stream)
    try:
        yield output
        output.flush()
        with _failures_of(target):
            os.fsync(stream.fileno())
            if os.path.exists(final):
                os.fchmod(stream.fileno(), stat.S_IMODE(os.stat(final).st_mode))
            stream.close()
            os.replace(temporary, final)
            _sync_folder(folder)
    except BaseException:
        with suppress(OSError):
            stream.close()
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _is_regular(target: str) -> bool:
    """Return whether a regular file is or can be made under this name."""
    with _failures_of(target):
        try:
            mode = os.stat(target).st_mode
        except FileNotFoundError:
            return True
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(0, "it is a folder")
        return stat.S_ISREG(mode)


def _sync_folder(folder: str) -> None:
    """Make the rename itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _failures_of(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderLeft(name) from None
    except (OSError, ValueError) as error:  # writing to a closed stream is a ValueError
        raise OutputFailed(name, (getattr(error, "strerror", None) or str(error)).lower()) from None
