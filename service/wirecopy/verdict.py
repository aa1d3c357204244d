"""What callers are told: verdicts, matches, stories. The API's schema is made of these types."""

from typing import Literal

from msgspec import Struct

Relation = Literal["identical", "copy", "rewrite", "contains"]


class Containment(Struct, frozen=True):
    """How much of each text's informative words stands in the other, 0 to 1."""

    this_in_other: float
    other_in_this: float


class Match(Struct, frozen=True):
    """An article that shares its source with this one. `contains`: this one, or the other, is a round-up of stories."""

    id: str
    score: float
    relation: Relation
    containment: Containment
    shared_words: int


class Verdict(Struct, frozen=True):
    """What was decided for an article when it came.

    `relation`, `match` and `score` belong to the best match among the other members of the story, all null when the
    article stands alone. `matches` are all verified matches, best first. `candidates` counts the articles that were
    compared; `truncated` says that more of them, or of the text, were left out by a limit.
    """

    id: str
    revision: int
    story: str
    canonical: bool
    relation: Relation | None
    match: str | None
    score: float | None
    matches: tuple[Match, ...]
    candidates: int
    truncated: bool
    replayed: bool = False


class Member(Struct, frozen=True):
    """An article of a story, with its best match among the other members."""

    id: str
    canonical: bool
    relation: Relation | None
    match: str | None
    score: float | None
    source: str | None
    title: str | None
    published: int | None
    first_seen: int


class Story(Struct, frozen=True):
    """Articles connected by matches. `first_seen` is in milliseconds since 1970 UTC, our clock."""

    id: str
    canonical: str
    first_seen: int
    sources: tuple[str, ...]
    copies: int
    rewrites: int
    members: tuple[Member, ...]


class Stored(Struct, frozen=True):
    """An article as it is kept: its current verdict's fields, its own, and its text when texts are kept."""

    id: str
    revision: int
    story: str
    canonical: bool
    relation: Relation | None
    match: str | None
    score: float | None
    title: str | None
    source: str | None
    url: str | None
    language: str | None
    published: int | None
    first_seen: int
    text: str | None


class Boilerplate(Struct, frozen=True):
    """A passage that a source repeats, which therefore counts as no evidence in its further articles.

    `articles` is in how many of the source's articles in the index it stands, copies of earlier articles left out; 255
    stands for 255 or more. `example` is the id of one of them, in which it begins with the word number `first_word`,
    counted from 0 and from the title on, and has `words` words. `text` is how it stands there, null where texts are not
    kept.
    """

    source: str | None
    articles: int
    words: int
    text: str | None
    example: str
    first_word: int
