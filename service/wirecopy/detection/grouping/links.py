"""Links: the evidence between pairs of articles, row by row.

Rows that were used lately are at hand; the others, most of which nobody asks for again, are packed.
"""

import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import get_args

from wirecopy.detection.evidence.model import Link, Relation
from wirecopy.detection.grouping.packed_rows import PackedRows

_AT_HAND = 16384  # rows
_RELATIONS: tuple[Relation, ...] = get_args(Relation)
_CODES = {relation: code for code, relation in enumerate(_RELATIONS)}
_PACKED = struct.Struct("<QdB")  # the other article, log-odds, relation


class Links(Mapping[int, Mapping[int, Link]]):
    """For each article that was compared, its links by the other article; those who have lost all have an empty row."""

    def __init__(self, at_hand: int = _AT_HAND) -> None:
        self._at_hand = at_hand
        self._open: dict[int, dict[int, Link]] = {}
        self._packed = PackedRows()

    def __len__(self) -> int:
        return len(self._open) + len(self._packed)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted([*self._open, *self._packed]))

    def __contains__(self, number: object) -> bool:
        return number in self._open or number in self._packed

    def __getitem__(self, number: int) -> Mapping[int, Link]:
        row = self._open.get(number)
        if row is None:
            packed = self._packed.get(number)
            if packed is None:
                raise KeyError(number)
            row = _unpack(packed)
        return row

    def row(self, number: int) -> dict[int, Link] | None:
        """Return the links of an article, which will be asked for again; None for one that was never compared."""
        row = self._open.get(number)
        if row is None and (packed := self._packed.pop(number)) is not None:
            row = self._put(number, _unpack(packed))
        return row

    def add(self, number: int, other: int, link: Link) -> None:
        """Take a link down, on both sides."""
        at_hand = self._open
        (at_hand.get(number) or self._begun(number))[other] = link
        (at_hand.get(other) or self._begun(other))[number] = link

    def remove(self, number: int) -> None:
        """Forget an article on both sides."""
        for other in self.row(number) or ():
            if (row := self.row(other)) is not None:
                row.pop(number, None)
        self.retire(number)

    def retire(self, number: int) -> None:
        """Forget the row of an article; the others keep their links with it."""
        if self._open.pop(number, None) is None:
            self._packed.pop(number)

    def _begun(self, number: int) -> dict[int, Link]:
        row = self.row(number)
        return self._put(number, {}) if row is None else row

    def _put(self, number: int, row: dict[int, Link]) -> dict[int, Link]:
        if len(self._open) >= self._at_hand:
            for old in list(islice(self._open, max(1, self._at_hand // 2))):
                self._packed.put(old, _pack(self._open.pop(old)))
        self._open[number] = row
        return row


def _pack(row: Mapping[int, Link]) -> bytes:
    return b"".join([_PACKED.pack(other, odds, _CODES[relation]) for other, (odds, relation) in row.items()])


def _unpack(packed: bytearray) -> dict[int, Link]:
    return {other: Link(odds, _RELATIONS[code]) for other, odds, code in _PACKED.iter_unpack(packed)}
