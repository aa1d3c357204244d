"""Feed: the events in order; where in the store each is, so that any page is found at once; how far who follows got.

In memory stay three numbers per record of events, and the newest events themselves for those who follow.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from wirecopy import errors
from wirecopy.detector.feed.events import batch_of
from wirecopy.detector.feed.redirects import Redirects
from wirecopy.detector.memory.records import EventBatch, EventBatchHead, Fact, Rule, decode_events
from wirecopy.schema.answers import Milliseconds
from wirecopy.schema.events import Event
from wirecopy.storage import Reading

_RECENT = 4096  # events that are kept in memory


class Feed:
    """All events that are kept, numbered from 1 without gaps; without a store they stay in memory."""

    def __init__(self, store: Reading | None) -> None:
        self.last = 0  # the number of the newest event
        self.redirects = Redirects()
        self.positions: dict[str, int] = {}  # name of a follower -> the number of the last event that it took
        self.rule = Rule("first_published")  # by which it has told who stands for a story
        self._store = store
        self._firsts = array("q")  # the number of the first event of each record that is kept
        self._records = array("q")  # the numbers of these records in the store, 0 without one
        self._moments = array("q")  # when they were told, ascending
        self._recent: deque[EventBatch] = deque()
        self._held = 0  # events in _recent
        self._placed = 0  # the number of the record of positions, 0 before the first

    @property
    def moment(self) -> int:
        """When the newest event that is kept was told, in milliseconds since 1970; 0 without one."""
        return self._moments[-1] if self._moments else 0

    def next_batch(self, facts: Sequence[Fact], at: int) -> EventBatch:
        """Return the record of the next events; `keep` makes it part of the feed."""
        return batch_of(self.last + 1, at, facts)

    def keep(self, told: EventBatch, record: int) -> None:
        """Take up a record of events, which has this number in the store."""
        self.restore(told, record)
        self._recent.append(told)
        self._held += told.count
        while self._store is not None and self._held - self._recent[0].count >= _RECENT:
            self._held -= self._recent.popleft().count

    def restore(self, head: EventBatchHead, record: int) -> None:
        """Take up a record of events that was stored before."""
        self._firsts.append(head.first)
        self._records.append(record)
        self._moments.append(head.at)
        self.redirects.add(head.merged)
        self.last = head.first + head.count - 1

    def restore_pruned(self, last: int, redirects: list[tuple[str, str]]) -> None:
        """Take up where the numbers were, and which stories are others now, though records are pruned."""
        self.last = max(self.last, last)
        self.redirects.replace(redirects)

    def place(self, positions: Mapping[str, int], record: int) -> list[int]:
        """Take up how far followers got, by the record of this number; return the numbers of records it replaces."""
        replaced, self._placed = self._placed, record
        self.positions = dict(positions)
        return [replaced] if replaced else []

    def forget(self, moment: int) -> list[int]:
        """Forget the events of before a moment; return the numbers of their records."""
        count = bisect_left(self._moments, moment)
        records = self._records[:count].tolist()
        del self._firsts[:count], self._records[:count], self._moments[:count]
        oldest = self._firsts[0] if self._firsts else self.last + 1
        while self._recent and self._recent[0].first < oldest:
            self._held -= self._recent.popleft().count
        return records

    def forget_records(self, is_pruned: Callable[[int], bool]) -> None:
        """Forget the oldest events, those whose records are pruned."""
        count = next((k for k, record in enumerate(self._records) if not is_pruned(record)), len(self._records))
        del self._firsts[:count], self._records[:count], self._moments[:count]

    def attach(self, store: Reading) -> None:
        """Read from another store from now on, which holds the same records."""
        self._store = store

    def reader(self, after: int, limit: int) -> Callable[[], list[Event[Milliseconds]]]:
        """Return what reads at most `limit` events behind the number `after`, in any thread.

        Both raise EventsGone when they are not kept any more; raises UsageError for a number that was never given.
        """
        oldest = self._firsts[0] if self._firsts else self.last + 1
        if after + 1 < oldest:
            raise errors.EventsGone(after, oldest)
        if after > self.last:
            raise errors.UsageError(f"there is no event {after} yet: the last one is {self.last}")
        if after == self.last:
            return list
        first = bisect_right(self._firsts, after + 1) - 1
        end = min(bisect_right(self._firsts, after + limit), len(self._firsts))
        if self._recent and self._recent[0].first <= after + 1:
            begin = len(self._recent) - (len(self._firsts) - first)
            held = [self._recent[k] for k in range(begin, begin + end - first)]
            return lambda: _cut((event for told in held for event in told.events()), after, limit)
        records = self._records[first:end].tolist()
        return lambda: _cut((event for told in self._read(records, after) for event in told.events()), after, limit)

    def _read(self, records: Sequence[int], after: int) -> list[EventBatch]:
        assert self._store is not None, "without a store everything is held"
        found = []
        for number in records:
            record = self._store.record(number)
            if record is None:
                raise errors.EventsGone(after, None)
            found.append(decode_events(record.payload))
        return found


def _cut(events: Iterable[Event[Milliseconds]], after: int, limit: int) -> list[Event[Milliseconds]]:
    return [event for event in events if after < event.seq <= after + limit]
