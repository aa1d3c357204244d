"""Standby: the state of a detector that another process writes, kept up as records come, ready to go on by itself.

    follow      the next records, applied as replay does, into an index that is there already
    start over  what cannot be taken back here is read from the beginning
    take over   a detector with the same state, on the store whose lock was free

Records of what was pruned or erased are gone from the log, or are others, once they are; what was applied before is
taken back when the checkpoint or the erasure comes that tells of it.
"""

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wirecopy.config import Config
from wirecopy.detector.browsing import Browsing
from wirecopy.detector.detector import Detector, scheme_of
from wirecopy.detector.feed.feed import Feed
from wirecopy.detector.history.replay import Replayed, apply, replay
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.records import Erasure, RecordKind, decode
from wirecopy.detector.state import State
from wirecopy.storage import Pipeline, Record

if TYPE_CHECKING:
    from wirecopy.storage.postgres.followed import FollowedDatabase

STEP = 256  # records that are applied between two questions: some 20 ms


class Standby(Browsing):
    """Answers what may be asked, as of the record `as_of`; nothing that it holds was decided here."""

    is_standby = True

    def __init__(self, config: Config, followed: "FollowedDatabase", witness: Path | None = None) -> None:
        """Read all that there is. Raises as `Detector` does; `witness` as `open_store` takes it."""
        self._followed = followed
        self._witness_folder = witness
        self.starts_over = 0  # how often all was read from the beginning
        self._read_all(config)

    @property
    def as_of(self) -> int:
        """The number of the last record that was applied."""
        return self._followed.last

    @property
    def writer_url(self) -> str | None:
        """Where the writer says that it is. Raises StorageFailed."""
        return self._followed.writer_url

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told`, in another thread, when there may be something to follow."""
        self._followed.listen(told)

    def follow(self, most: int = STEP) -> bool:
        """Apply the next records, so many at most; return whether there may be more. Raises Damaged, StorageFailed."""
        before = self._followed.last
        records = self._followed.news(most)
        if not all(self._take_back(record) for record in records):
            self.starts_over += 1
            self._read_all(self._config)
            return True
        apply(Replayed(self._state, self._feed, self._others), records)
        self._archive.lift(max(self._state.moment, self._feed.moment))
        return self._followed.last - before >= most

    def claim(self) -> bool:
        """Take the lock of the one that writes, if it is free. Raises StorageFailed."""
        return self._followed.claim()

    def take_over(self, url: str | None) -> Detector:
        """Return a detector that goes on where the records end, once the lock was claimed; this is of no use then.

        Raises TailLost where records are gone that were applied, and as opening a store does.
        """
        store = self._followed.take_over(scheme=scheme_of(self._config), witness=self._witness_folder, url=url)
        while self._followed.last < store.last:
            self.follow()
        self._followed.close()
        return Detector(self._config, Pipeline(store), replayed=Replayed(self._state, self._feed, self._others))

    def renew(self) -> None:
        """Connect anew after a failure. Raises StorageFailed while nobody answers, TailLost."""
        self._followed.renew()

    def close(self) -> None:
        """Let go of the database."""
        self._followed.close()

    def _read_all(self, config: Config) -> None:
        state, feed = State(config, Archive(self._followed)), Feed(self._followed)
        self._others = replay(state, feed, self._followed.replay())
        super().__init__(config, self._followed, state, feed)

    def _take_back(self, record: Record) -> bool:
        """Take back what was applied and is gone with this record; return False when that cannot be done here."""
        if record.kind == RecordKind.CHECKPOINT:
            self._forget_pruned()
        elif record.kind == RecordKind.ERASURE and isinstance(what := decode(record.kind, record.payload), Erasure):
            erased = [number for number in what.erased if self._knows(number)]
            if any(number < self._state.window.oldest for number in erased):
                return False  # its trace is gone, and its words cannot be taken out of the counts
            for number in erased:
                self._archive.forget_later(number)
                self._state.forget_counts(number, b"", ())
        return True

    def _knows(self, number: int) -> bool:
        kept = self._archive.kept.get(number)
        return kept is not None and kept.record > 0

    def _forget_pruned(self) -> None:
        """Forget articles and events whose records are pruned."""
        runs = [(first, last) for first, last, is_bare in self._followed.tombstones() if is_bare]
        firsts = np.array([first for first, _ in runs], dtype=np.int64)

        def is_pruned(record: int) -> bool:
            at = bisect_right(firsts, record) - 1
            return at >= 0 and record <= runs[at][1]

        numbers = []
        for number, kept in self._archive.kept.items():
            if kept.record and not is_pruned(kept.record):
                break
            if kept.record:
                numbers.append(number)
        if numbers:
            self._state.forget(numbers[-1] + 1)  # here they may not have been too old yet
        self._state.drop(numbers)
        for number in numbers:
            self._archive.drop(number)
        self._feed.forget_records(is_pruned)
        self._others.actions.forget_records(is_pruned)
        self._others.useless(self._state)
