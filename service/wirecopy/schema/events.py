"""Events as readers of the feed get them."""

from typing import Annotated, Generic, Literal

from msgspec import Meta, Struct

from wirecopy.schema.answers import When

EventType = Literal["created", "joined", "merged", "split", "canonical_changed", "revised", "recalled", "deleted"]


class Event(Struct, Generic[When], frozen=True, omit_defaults=True):
    """What changed, by ids; docs/http-api.md says what each type tells. Fields that a type does not need are absent.

    `seq` counts from 1 without gaps. `other` is the other story, `previous` the article that stood for the story.
    `credits`: whom the text of an article that came names as its source.
    """

    seq: Annotated[int, Meta(ge=1)]
    type: EventType
    at: When
    story: str
    article: str | None = None
    other: str | None = None
    previous: str | None = None
    revision: int | None = None
    articles: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
