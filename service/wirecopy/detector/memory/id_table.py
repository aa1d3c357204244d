"""Directory: the number of each article by its id, in some sixteen bytes; the id itself is read where it is kept."""

from array import array
from collections.abc import Callable, Iterator, Mapping

import numpy as np

_NUMBER_BITS = 36
_NUMBER = (1 << _NUMBER_BITS) - 1
_HASH_BITS = 64 - _NUMBER_BITS
_HASH = (1 << _HASH_BITS) - 1
_FIRST_BITS = 10
_BEHIND = 64  # slots behind the last that a hash points to


class IdTable(Mapping[str, int]):
    """A table of slots, each a part of an id's hash and the article's number; those of equal places follow each other.

    Larger hashes have later places, so that a larger table is made by sorting.
    """

    def __init__(self, id_of: Callable[[int], str]) -> None:
        """`id_of` tells the id of any number that is in it."""
        self._id_of = id_of
        self._bits = _FIRST_BITS
        self._most = (2 << _FIRST_BITS) // 3  # ids before the table is enlarged
        self._slots = array("Q", bytes(8 * ((1 << _FIRST_BITS) + _BEHIND)))  # hash << 36 | number + 1; 0: free
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        """Return the ids, in the order of their numbers."""
        return iter([self._id_of(number) for number in sorted((slot & _NUMBER) - 1 for slot in self._slots if slot)])

    def __contains__(self, article_id: object) -> bool:
        return isinstance(article_id, str) and self._slots[self._find(article_id)] > 0

    def __getitem__(self, article_id: str) -> int:
        slot = self._slots[self._find(article_id)]
        if not slot:
            raise KeyError(article_id)
        return (slot & _NUMBER) - 1

    def number(self, article_id: str) -> int:
        """Return the number of an article; -1 for an id that is not there."""
        return (self._slots[self._find(article_id)] & _NUMBER) - 1

    def put(self, article_id: str, number: int) -> int:
        """Put an id in, or gives it another number; return the number that it had, -1 for none."""
        at, slots = self._find(article_id), self._slots
        before = slots[at] & _NUMBER
        if not before:
            self._count += 1
            if self._count > self._most or at == len(slots) - 1:
                self._enlarge()
                at, slots = self._find(article_id), self._slots
        slots[at] = (hash(article_id) & _HASH) << _NUMBER_BITS | number + 1
        return before - 1

    def remove(self, article_id: str) -> None:
        """Take an id out that is there, while its number still has it."""
        slots, free = self._slots, self._find(article_id)
        at = free + 1
        while slots[at]:  # those behind move up, as far as their hashes allow it
            if slots[at] >> 64 - self._bits <= free:
                slots[free], free = slots[at], at
            at += 1
        slots[free] = 0
        self._count -= 1

    def _find(self, article_id: str) -> int:
        """Return the place of an id, or the free one in which it would be."""
        slots, hashed = self._slots, hash(article_id) & _HASH
        at = hashed >> _HASH_BITS - self._bits
        while slot := slots[at]:
            if slot >> _NUMBER_BITS == hashed and self._id_of((slot & _NUMBER) - 1) == article_id:
                break
            at += 1
        return at

    def _enlarge(self) -> None:
        """Make room; the last slot is always free, so that every search ends."""
        self._bits = min(self._bits + 1, _HASH_BITS)
        self._most = (2 << self._bits) // 3
        slots = np.frombuffer(self._slots, dtype=np.uint64)
        slots = np.sort(slots[slots > 0])
        order = np.arange(len(slots))
        places = (slots >> np.uint64(_NUMBER_BITS + _HASH_BITS - self._bits)).astype(np.int64)
        places = np.maximum.accumulate(places - order) + order
        last = int(places.max(initial=0))
        table = np.zeros(max(1 << self._bits, last + 1) + _BEHIND, dtype=np.uint64)
        table[places] = slots
        self._slots = array("Q", table.tobytes())
