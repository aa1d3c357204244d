"""A folder as it is at one moment, for reading only: also beside a running service, which it does not hold up."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from wirecopy import errors
from wirecopy.storage.chained import ChainedLog, RowPage
from wirecopy.storage.checking import find_loss, find_place, look, open_marked
from wirecopy.storage.rows import Record


class Snapshot:
    """The records and texts that a folder held when it was opened; nothing is written, nobody is waited for.

    While it is open, the write-ahead log of a running service grows by what is stored meanwhile. For one thread.
    """

    def __init__(self, log: ChainedLog) -> None:
        """Use `Snapshot.open`; the snapshot owns the log from now on."""
        self._log = log
        self._last = log.end().number

    @classmethod
    def open(cls, folder: Path, *, scheme: str | None = None) -> "Snapshot":
        """Return what `folder` holds now; None for a scheme takes any.

        Raises StorageFailed when there is nothing to read, Damaged, TailLost, OtherScheme, NewerFormat, Locked.
        """
        place = find_place(folder)
        mark, pin = look(place)
        log = open_marked(place, pin)
        with ExitStack() as stack:
            stack.callback(log.close)
            log.freeze()
            loss = find_loss(log, mark)
            if loss is not None:
                raise errors.TailLost(str(place.database), loss)
            if scheme is not None and log.about.scheme != scheme:
                raise errors.OtherScheme(str(place.database), log.about.scheme, scheme)
            stack.pop_all()
        return cls(log)

    @property
    def last(self) -> int:
        """The number of the last record; 0 when there is none."""
        return self._last

    @property
    def scheme(self) -> str:
        """The scheme that its sketches were made with."""
        return self._log.about.scheme

    def replay(self) -> Iterator[Record]:
        """Do as `Store.replay`."""
        return self._log.replay()

    def record(self, number: int) -> Record | None:
        """Do as `Store.record`."""
        return self._log.record(number)

    def text(self, number: int) -> bytes | None:
        """Do as `Store.text`."""
        return self._log.text(number)

    def page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool = False) -> RowPage:
        """Return rows of what is on disk behind a number; as `ChainedLog.page_after`."""
        return self._log.page_after(after, most, most_bytes, with_texts=with_texts)

    def numbers_without_text(self, kind: int) -> set[int]:
        """Return the numbers of the records of a kind whose texts were not kept."""
        return self._log.numbers_without_text(kind)

    def close(self) -> None:
        """Let go of the files."""
        self._log.close()

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()
