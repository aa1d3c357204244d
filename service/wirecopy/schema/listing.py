"""What lists tell: a story as one line, an article as something that was found. Times are milliseconds since 1970."""

from msgspec import Struct

from wirecopy.schema.article import Status


class Outlet(Struct, frozen=True):
    """A source in a story: how many articles it has there, and when the first of them came."""

    source: str
    articles: int
    first_seen: int


class StoryLine(Struct, frozen=True):
    """A story at a glance: what its canonical article says of itself, and who has it.

    `copies` and `rewrites` are null for a story too large to be counted at a glance. `recalled`: whether one of its
    articles was canceled. `recent`: articles that came lately, where the list is about that.
    """

    id: str
    canonical: str
    title: str | None
    source: str | None
    language: str | None
    first_seen: int
    last_seen: int
    articles: int
    copies: int | None
    rewrites: int | None
    outlets: tuple[Outlet, ...]
    recalled: bool = False
    recent: int = 0


class Document(Struct, frozen=True):
    """An article as it is found and listed."""

    id: str
    story: str
    title: str | None
    source: str | None
    url: str | None
    language: str | None
    published: int | None
    first_seen: int
    status: Status
    text: str | None
