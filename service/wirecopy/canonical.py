"""Which member stands for its story: an order of what is remembered of articles."""

from collections.abc import Iterable
from typing import Literal

from wirecopy.archive import Archive, Kept

Keep = Literal["first", "longest"]
_NO_DATE = 1 << 62


def rank(kept: Kept, keep: Keep) -> tuple[int, int]:
    """Of the members of a story, the one of the least rank stands for it.

    first: the earliest published, unknown last, then in the order in which they came; longest: the longest trace.
    """
    if keep == "longest":
        return -kept.words, kept.came
    return _NO_DATE if kept.published is None else kept.published, kept.came


def canonical(archive: Archive, members: Iterable[int], keep: Keep) -> int:
    """The member that stands for its story."""
    return min(members, key=lambda number: rank(archive.kept[number], keep))
