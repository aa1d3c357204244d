"""Events as readers of the feed get them."""

from typing import Literal

from msgspec import Struct

EventType = Literal["created", "joined", "merged", "split", "canonical_changed", "revised", "recalled", "deleted"]


class Event(Struct, frozen=True):
    """A fact with its number, from 1 without gaps, and its moment, in milliseconds since 1970 UTC, our clock."""

    seq: int
    type: EventType
    at: int
    story: str
    article: str | None = None
    other: str | None = None
    previous: str | None = None
    revision: int | None = None
    articles: tuple[str, ...] = ()
