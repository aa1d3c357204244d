"""Which member stands for its story: an order of what is remembered of articles."""

from collections.abc import Sequence
from typing import Literal

from wirecopy.archive import Archive, Kept

Keep = Literal["first", "longest"]
_NO_DATE = 1 << 62


def rank(kept: Kept, keep: Keep) -> tuple[bool, int, int]:
    """Of the members of a story, the one of the least rank stands for it: one that was not canceled, if there is one.

    first: the earliest published, unknown last, then in the order in which they came; longest: the longest trace.
    """
    if keep == "longest":
        return kept.status == "canceled", -kept.words, kept.came
    return kept.status == "canceled", _NO_DATE if kept.published is None else kept.published, kept.came


def canonical(archive: Archive, members: Sequence[int], keep: Keep) -> int:
    """The member that stands for its story, a hidden one only where all are."""
    return min(archive.shown(members) or members, key=lambda number: rank(archive.kept[number], keep))
