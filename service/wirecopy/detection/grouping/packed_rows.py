"""Shelves: what is remembered of every article under its number, in few bytes and without an object each.

Articles are numbered in the order in which they come, and most are forgotten in the same order. So what belongs to
numbers that follow each other lies together, on a shelf, and a shelf goes when nothing is left on it.
"""

from array import array
from collections.abc import Iterator

_BITS = 10
_SHELF = 1 << _BITS  # numbers that share a shelf
_PLACE = _SHELF - 1
_NONE = array("q", [-1]) * _SHELF
_WASTE = 1 << 13  # bytes that are not worth tidying
_LENGTH = (1 << 32) - 1  # places hold where a row begins << 32 | how long it is


class Numbers:
    """A number from 0 on under those of some articles: eight bytes each."""

    def __init__(self) -> None:
        self._shelves: dict[int, array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        """Yield the articles in ascending order."""
        for shelf in sorted(self._shelves):
            for k, value in enumerate(self._shelves.get(shelf, ())):
                if value >= 0:
                    yield shelf << _BITS | k

    def get(self, number: int) -> int:
        """Return what is under a number, -1 for nothing."""
        shelf = self._shelves.get(number >> _BITS)
        return -1 if shelf is None else shelf[number & _PLACE]

    def put(self, number: int, value: int) -> None:
        """Put a number in the place of what was there."""
        shelf = self._shelves.get(number >> _BITS)
        if shelf is None:
            shelf = self._shelves[number >> _BITS] = _NONE[:]
        self._count += shelf[number & _PLACE] < 0
        shelf[number & _PLACE] = value

    def pop(self, number: int) -> int:
        """Take away what is under a number; return it, -1 for nothing."""
        shelf = self._shelves.get(number >> _BITS)
        if shelf is None or (value := shelf[number & _PLACE]) < 0:
            return -1
        shelf[number & _PLACE] = -1
        self._count -= 1
        if shelf == _NONE:
            del self._shelves[number >> _BITS]
        return value


class _Shelf:
    """Rows one after the other, in the order in which they were put there, and where each is."""

    __slots__ = ("held", "places", "rows", "waste")

    def __init__(self) -> None:
        self.places = array("Q", bytes(8 * _SHELF))  # 0: no row
        self.rows = bytearray(1)  # so that no row begins at 0
        self.held = 0  # rows
        self.waste = 0  # bytes that no row has any more

    def clear(self, k: int) -> None:
        """Take a row away, so that nothing of it is left."""
        place = self.places[k]
        if place:
            begin, length = place >> 32, place & _LENGTH
            self.rows[begin : begin + length] = bytes(length)
            self.waste += length
            self.places[k] = 0
            self.held -= 1

    def tidy(self) -> None:
        """Leave out what no row has, and the room for rows to come."""
        rows = bytearray(1)
        for k, place in enumerate(self.places):
            if place:
                begin, length = place >> 32, place & _LENGTH
                self.places[k] = len(rows) << 32 | length
                rows += self.rows[begin : begin + length]
        self.rows, self.waste = rows[:], 0


class PackedRows:
    """A string of bytes under the numbers of some articles: eight bytes more than it has."""

    def __init__(self) -> None:
        self._shelves: dict[int, _Shelf] = {}
        self._newest = -1  # the shelf that was begun last
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        shelf = self._shelves.get(number >> _BITS)
        return shelf is not None and shelf.places[number & _PLACE] > 0

    def __iter__(self) -> Iterator[int]:
        """Yield the articles in ascending order."""
        for first in sorted(self._shelves):
            shelf = self._shelves.get(first)
            for k, place in enumerate(shelf.places if shelf else ()):
                if place:
                    yield first << _BITS | k

    def get(self, number: int) -> bytearray | None:
        """Return a copy of what is under a number; None for nothing."""
        shelf = self._shelves.get(number >> _BITS)
        if shelf is None or not (place := shelf.places[number & _PLACE]):
            return None
        begin = place >> 32
        return shelf.rows[begin : begin + (place & _LENGTH)]

    def put(self, number: int, row: bytes) -> None:
        """Put a row in the place of what was there."""
        shelf = self._shelves.get(number >> _BITS)
        if shelf is None:
            if self._newest in self._shelves:
                self._shelves[self._newest].tidy()  # hardly anything is put there any more
            self._newest = number >> _BITS
            shelf = self._shelves[self._newest] = _Shelf()
        k = number & _PLACE
        if shelf.places[k]:
            shelf.clear(k)
        else:
            self._count += 1
        if shelf.waste > _WASTE and shelf.waste > len(shelf.rows) >> 1:
            shelf.tidy()
        rows = shelf.rows
        shelf.places[k] = len(rows) << 32 | len(row)
        rows += row
        shelf.held += 1

    def pop(self, number: int) -> bytearray | None:
        """Take away what is under a number; return it, None for nothing."""
        row = self.get(number)
        if row is not None:
            shelf = self._shelves[number >> _BITS]
            shelf.clear(number & _PLACE)
            self._count -= 1
            if not shelf.held:
                del self._shelves[number >> _BITS]
        return row
