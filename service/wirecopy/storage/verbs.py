"""The verbs of a store, whatever database is behind them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from wirecopy.storage.chained import RowPage
from wirecopy.storage.rows import Entry, Record, Remains


class Compaction(NamedTuple):
    """Bytes of the database before and after it was written anew."""

    before: int
    after: int


class Reading(Protocol):
    """A log that can be read: a store, or a snapshot of one."""

    @property
    def last(self) -> int:
        """The number of the last record; 0 when there is none."""

    def replay(self) -> Iterator[Record]:
        """Return all records but pruned ones, in order, each checked."""

    def record(self, number: int) -> Record | None:
        """Return one record, checked; None when it was pruned."""

    def text(self, number: int) -> bytes | None:
        """Return the kept text of a record; None when none was kept or it was pruned."""

    def page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool = False) -> RowPage:
        """Return rows of what is on disk behind a number; as `ChainedLog.page_after`."""


class Writing(Reading, Protocol):
    """A log that this process writes: the store of a folder, or of a database in PostgreSQL.

    `beat_seconds`: so often `beat` is to be called when nothing is written, None for never.
    """

    loss: str | None
    beat_seconds: float | None

    def append(
        self, entries: Sequence[Entry], prune: Iterable[int] = (), redact: Mapping[int, Remains] | None = None
    ) -> int:
        """Append records and prune others, all or none; return the number of the last record once that is durable."""

    def compact(self) -> Compaction:
        """Write the database anew, without what was pruned or redacted."""

    def beat(self) -> None:
        """See that this is still the one that writes; raises StorageFailed."""

    def tell_url(self, url: str) -> None:
        """Tell standbys where the writer is, where there can be any."""

    def close(self) -> None:
        """Let go of the database; may be called twice."""

    def __enter__(self) -> "Writing":
        """Return the store itself, which the block closes."""

    def __exit__(self, *failure: object) -> None:
        """Close."""
