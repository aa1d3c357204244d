"""What people do by hand, as it is told of: who, when, why."""

from typing import Generic, Literal, NamedTuple

from msgspec import Struct

from wirecopy.schema.answers import When

ActionKind = Literal["merged", "split", "pinned", "unpinned", "corrected", "status", "erased", "undone"]


class Action(Struct, Generic[When], frozen=True):
    """What somebody did by hand: who, when, why.

    `undoes` is the edit that this one undid, `undone_by` the one that undid this. Of a status, `before` and `after` are
    the two; of a corrected canonical, who stood and who stands for the story; of a pin, `after` is together or apart.
    """

    id: str
    kind: ActionKind
    at: When
    by: str
    reason: str
    stories: tuple[str, ...]
    articles: tuple[str, ...]
    before: str | None
    after: str | None
    undoes: str | None
    undone_by: str | None
    can_be_undone: bool


class Said(NamedTuple):
    """Who does something, and why; empty where nobody says."""

    by: str = ""
    reason: str = ""


UNSAID = Said()
