"""What people do by hand, as it is told of: who, when, why."""

from typing import Literal, NamedTuple

from msgspec import Struct

ActionKind = Literal["merged", "split", "pinned", "unpinned", "corrected", "status", "erased", "undone"]


class Action(Struct, frozen=True):
    """What somebody did; `at` is in milliseconds since 1970 UTC, our clock.

    `undoes` is the action that this one undid, `undone_by` the one that undid this. Of a status, `before` and `after`
    are the two; of a corrected canonical, who stood and who stands for the story.
    """

    id: str
    kind: ActionKind
    at: int
    by: str
    reason: str
    stories: tuple[str, ...]
    articles: tuple[str, ...]
    before: str | None = None
    after: str | None = None
    undoes: str | None = None
    undone_by: str | None = None
    can_be_undone: bool = False


class Said(NamedTuple):
    """Who does something, and why; empty where nobody says."""

    by: str = ""
    reason: str = ""


UNSAID = Said()
