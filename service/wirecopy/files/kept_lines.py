"""Bytes that a run needs once more, in a temporary file: lines, articles."""

import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from wirecopy.errors import OutputFailed


class KeptLines:
    """A list of byte strings on disk: spool[k] is the k-th that was added. The file goes with the object."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the object
        self._starts = [0]
        weakref.finalize(self, _close, self._file)

    def extend(self, items: Sequence[bytes]) -> None:
        """Add byte strings. Raises OutputFailed when there is no room."""
        try:
            self._file.seek(self._starts[-1])
            self._file.writelines(items)
            self._file.flush()
        except OSError as error:
            raise OutputFailed(f"a file in {tempfile.gettempdir()}", (error.strerror or str(error)).lower()) from None
        for item in items:
            self._starts.append(self._starts[-1] + len(item))

    def __getitem__(self, k: int) -> bytes:
        self._file.seek(self._starts[k])
        return self._file.read(self._starts[k + 1] - self._starts[k])


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # a full disk has been told
        file.close()
