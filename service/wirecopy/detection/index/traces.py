"""TraceStore: the traces and weights of the newest articles, in a ring of reserved memory.

The words of an article stand together in one flat array; the next article's follow, and after the end of the array
come those at its beginning, when they have been forgotten. What is forgotten gives its memory back.
"""

from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from wirecopy.detection.index.reserved import Reserved, reserve
from wirecopy.detection.index.sizes import pack, words_of
from wirecopy.detection.words.text import Traces


class TraceStore:
    """Traces by the slots of a ring of `capacity` articles; slot `capacity` is for one that does not come to stay."""

    def __init__(self, capacity: int, words: int) -> None:
        """`words` is how many may be held; more are made room for by copying, as long as nothing was forgotten."""
        self.capacity = capacity
        self.live_words = 0
        self._words, self._weights = Reserved(words, np.uint32), Reserved(words, np.uint8)
        self._starts, self._sizes = reserve(capacity + 1, np.int64), reserve(capacity + 1, np.int64)
        self._head = self._tail = 0  # counted on over the ends of the ring: what lies between is in use
        self._released = [0, 0]

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """words, weights, starts, sizes"""
        return self._words.array, self._weights.array, self._starts, self._sizes

    def append(self, first: int, traces: Traces, title_words: npt.NDArray[np.int64]) -> None:
        """Store the traces of articles numbered from `first`; their weights are still to be made."""
        self._head = begin = self._room(len(traces.words))
        slots = np.arange(first, first + len(traces)) % self.capacity
        self._write(begin, slots, traces, title_words)
        self._head += len(traces.words)
        self.live_words += len(traces.words)

    def put_aside(self, traces: Traces, title_words: npt.NDArray[np.int64]) -> int:
        """Store one trace where the next one will overwrite it; return its slot."""
        self._write(self._room(len(traces.words)), np.array([self.capacity]), traces, title_words)
        return self.capacity

    def part(self, first: int, count: int) -> tuple[Traces, npt.NDArray[np.uint8]]:
        """Return the traces of `count` articles that were appended together, and their weights to be written."""
        return self.at(np.arange(first, first + count) % self.capacity)

    def at(self, slots: npt.NDArray[np.int64]) -> tuple[Traces, npt.NDArray[np.uint8]]:
        """Return the same for slots whose traces stand one after the other."""
        bounds = np.array([0, *accumulate(words_of(self._sizes[slots]).tolist())], dtype=np.int64)
        start = int(self._starts[slots[0]]) if len(slots) else 0
        end = start + int(bounds[-1])
        return Traces(self._words.array[start:end], bounds), self._weights.array[start:end]

    def forget(self, first: int, last: int) -> None:
        """Give up the traces of the oldest articles, `first` to `last` - 1; numbers without one do not matter."""
        slots = np.arange(first, last) % self.capacity
        sizes = words_of(self._sizes[slots])
        self.live_words -= int(sizes.sum())
        ends = self._tail + (self._starts[slots] - self._tail) % len(self._words.array) + sizes
        tail = max(self._tail, int(ends[sizes > 0].max(initial=0)))
        self._clear(self._tail, tail)
        self._tail = tail
        self._sizes[slots] = 0
        for k, kept in enumerate((self._words, self._weights)):
            self._release(k, kept)

    def erase(self, number: int) -> None:
        """Make the words and weights of an article that was not forgotten zeros, and all of them the text's."""
        slot = number % self.capacity
        start, size = int(self._starts[slot]), words_of(int(self._sizes[slot]))
        self._words.array[start : start + size] = 0
        self._weights.array[start : start + size] = 0
        self._sizes[slot] = size

    def grow(self, capacity: int) -> "TraceStore":
        """Return a store for more articles with the same traces; only valid while slots have not been reused."""
        larger = TraceStore(capacity, 1)
        larger._words, larger._weights, larger.live_words = self._words, self._weights, self.live_words
        larger._head, larger._tail, larger._released = self._head, self._tail, self._released
        for name in ("_starts", "_sizes"):
            getattr(larger, name)[: self.capacity] = getattr(self, name)[: self.capacity]
        return larger

    def _room(self, words: int) -> int:
        """Return where the next `words` words can stand together."""
        size = len(self._words.array)
        begin = self._head
        if begin % size + words > size:
            begin += -begin % size
        if begin + words - self._tail <= size and words <= size:
            return begin
        assert self._tail == 0, "the ring is too small for what is kept"
        self._enlarge(max(2 * size, self._head + words))
        return self._head

    def _enlarge(self, size: int) -> None:
        for name in ("_words", "_weights"):
            old = getattr(self, name).array
            larger = Reserved(size, old.dtype)
            larger.array[: self._head] = old[: self._head]
            setattr(self, name, larger)

    def _write(
        self, begin: int, slots: npt.NDArray[np.int64], traces: Traces, title_words: npt.NDArray[np.int64]
    ) -> None:
        start = begin % len(self._words.array)
        self._words.array[start : start + len(traces.words)] = traces.words
        self._starts[slots] = start + traces.bounds[:-1]
        self._sizes[slots] = pack(title_words, np.diff(traces.bounds))

    def _clear(self, first: int, last: int) -> None:
        """Make zeros of what lies between two places: memory that cannot be given back yet still holds nothing."""
        size = len(self._words.array)
        while first < last:
            begin = first % size
            end = min(size, begin + last - first)
            self._words.array[begin:end] = 0
            self._weights.array[begin:end] = 0
            first += end - begin

    def _release(self, k: int, kept: Reserved) -> None:
        """Give back what lies between the last release and the tail, up to the end of the ring at a time."""
        size = len(kept.array)
        while self._released[k] < self._tail:
            first = self._released[k] % size
            last = min(size, first + self._tail - self._released[k])
            reached = size if last == size else kept.release(first, last)
            if last == size:
                kept.release(first, last)
            if reached == first:
                return
            self._released[k] += reached - first
            if last < size:
                return
