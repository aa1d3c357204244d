"""A store that is written by a thread of its own, so that the next articles are decided while the last are synced.

`append` gives numbers at once; what was appended is made durable in that order, everything that waits together in one
commit. Whoever must not speak before something is on disk says so with `when_durable`. Records that are not on disk yet
are read from memory. One failure ends everything: nothing that was appended after it, or was not yet written, is
written or called durable any more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from threading import Condition, Thread
from typing import NamedTuple

from wirecopy.storage.chained import RowPage
from wirecopy.storage.rows import Entry, Record, Remains
from wirecopy.storage.verbs import Compaction, Writing

Told = Callable[[BaseException | None], None]
_TELL_EVERY_RECORDS = 4096


class _Write(NamedTuple):
    """What one call asked for; `told`, if any, is called once it is done."""

    entries: Sequence[Entry] = ()
    pruned: Sequence[int] = ()
    redacted: Mapping[int, Remains] | None = None
    told: Told | None = None

    @property
    def may_follow(self) -> bool:
        """Whether it can be done together with what is before it: what it takes away may not be there yet."""
        return not self.pruned and not self.redacted


class Pipeline:
    """Takes the place of a store. Its methods belong to one thread, those that read included."""

    def __init__(self, store: Writing, on_replay: Callable[[int, int], None] | None = None) -> None:
        """Write to the store, to which nobody else may write from now on; `close` closes it.

        `on_replay` hears now and then how many of how many records were replayed; what it raises breaks that off.
        """
        self._store = store
        self._on_replay = on_replay
        self._changed = Condition()
        self._last = store.last
        self._entries: dict[int, Entry] = {}  # what is not on disk yet, by number
        self._works: list[_Write] = []
        self._is_writing = False
        self._is_closing = False
        self._failure: BaseException | None = None
        self._writer = Thread(target=self._run, name="store", daemon=True)
        self._writer.start()

    @property
    def last(self) -> int:
        """The number of the last record that was appended, on disk or not; 0 before the first."""
        return self._last

    def replay(self) -> Iterator[Record]:
        """Return all records, as `Store.replay`; to be read before anything is appended."""
        return self._store.replay() if self._on_replay is None else self._told_replay(self._on_replay)

    def _told_replay(self, on_replay: Callable[[int, int], None]) -> Iterator[Record]:
        for record in self._store.replay():
            if record.number % _TELL_EVERY_RECORDS == 1:
                on_replay(record.number, self._last)
            yield record

    def append(
        self, entries: Sequence[Entry], prune: Iterable[int] = (), redact: Mapping[int, Remains] | None = None
    ) -> int:
        """Do as `Store.append`, but returns before that is durable. Raises what an earlier call failed with."""
        with self._changed:
            self._check()
            for entry in entries:
                self._last += 1
                self._entries[self._last] = entry
            self._add(_Write(entries, tuple(prune), redact))
        return self._last

    def when_durable(self, told: Told) -> None:
        """Call `told` once all that was appended up to now is on disk, with None: at once, or from the writer's thread.

        With the failure instead, when it cannot be written. Calls come in the order in which they were asked for.
        """
        with self._changed:
            if self._failure is None and (self._works or self._is_writing):
                self._add(_Write(told=told))
                return
            failure = self._failure
        told(failure)

    def flush(self) -> None:
        """Return once everything that was appended is on disk. Raises what failed."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._works or self._is_writing))
            self._check()

    def record(self, number: int) -> Record | None:
        """Do as `Store.record`; one that is not on disk yet too."""
        with self._changed:
            self._check()
            entry = self._entries.get(number)
        return self._store.record(number) if entry is None else Record(number, *entry[:3])

    def text(self, number: int) -> bytes | None:
        """Do as `Store.text`; one that is not on disk yet too."""
        with self._changed:
            self._check()
            entry = self._entries.get(number)
        return self._store.text(number) if entry is None else entry.text

    def page_after(self, after: int, most: int, most_bytes: int, *, with_texts: bool = False) -> RowPage:
        """Do as `Store.page_after`: only what is on disk."""
        self._check()
        return self._store.page_after(after, most, most_bytes, with_texts=with_texts)

    def compact(self) -> Compaction:
        """Do as `Store.compact`, when everything that was appended is on disk."""
        self.flush()
        return self._store.compact()

    def tell_url(self, url: str) -> None:
        """Do as `Store.tell_url`."""
        self._store.tell_url(url)

    def close(self) -> None:
        """Write what is left, and close the store; may be called twice. Raises StorageFailed."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._writer.join()
        self._store.close()
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _add(self, work: _Write) -> None:
        self._works.append(work)
        self._changed.notify_all()

    # What follows runs in the writer's thread.

    def _run(self) -> None:
        works: list[_Write] = []
        try:
            while works := self._take():
                while works:
                    works = works[self._write(works) :]
        except BaseException as error:  # noqa: BLE001 - belongs to whoever appended, and ends them
            with self._changed:
                self._failure = error
                works += self._works
                self._works, self._is_writing = [], False
                self._changed.notify_all()
            for work in works:
                if work.told is not None:
                    work.told(error)

    def _take(self) -> list[_Write]:
        """Return everything that waits, once there is something; nothing when there will be no more."""
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                if self._changed.wait_for(lambda: self._works or self._is_closing, self._store.beat_seconds):
                    works, self._works = self._works, []
                    self._is_writing = bool(works)
                    return works
            self._store.beat()

    def _write(self, works: Sequence[_Write]) -> int:
        """Make the first of `works` durable, as many as fit into one commit, and tell; return how many those were."""
        first, *others = works
        together = [first, *takewhile(lambda work: work.may_follow, others)]
        entries = [entry for work in together for entry in work.entries]
        if entries or not first.may_follow:
            number = self._store.append(entries, first.pruned, first.redacted)
            with self._changed:
                for written in range(number - len(entries) + 1, number + 1):
                    del self._entries[written]
        for work in together:
            if work.told is not None:
                work.told(None)
        return len(together)
