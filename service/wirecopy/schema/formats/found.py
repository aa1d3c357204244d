"""What a format finds in an item: our fields, each with the name under which it was sent; the item as an article."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from wirecopy.config import Limits
from wirecopy.errors import ArticleError, NotText
from wirecopy.schema.article import FIELDS, Article, build, without_surrogates

# Kinds of items that have no text of their own, whatever they say about what they show.
NO_TEXT = frozenset(
    (
        *("picture", "photo", "photograph", "image", "graphic", "audio", "video", "animation", "animated", "icon"),
        *("event", "events", "planning", "data", "component", "package"),
    )
)


class Named(NamedTuple):
    """A value and the name under which it was sent."""

    name: str
    value: Any


Found = Mapping[str, Named | None]  # by our names of fields
Items = Iterator[Found | ArticleError]


class Format(NamedTuple):
    """A format: how it is called, by which media types it comes, where our fields are in it, what of it is skipped.

    `read` finds the items of a document; a format of JSON finds one in each decoded object instead, by `read_object`,
    which raises InvalidArticle. docs/inputs.md is made of these.
    """

    name: str
    title: str
    media_types: tuple[str, ...]
    endings: tuple[str, ...]
    where: Mapping[str, str]
    skipped: str
    read: Callable[[bytes, Limits], Items] | None = None
    read_object: Callable[[Mapping[str, Any]], Found] | None = None


def article_of(
    found: Found,
    limits: Limits,
    article_id: str | None = None,
    zone: tzinfo = UTC,
    warn: Callable[[str], None] | None = None,
) -> Article:
    """Return the article; `article_id` stands for whatever ids it has, `warn` as in `build`. Raises InvalidArticle."""
    named = [found.get(name) or Named(name, None) for name in FIELDS]
    if article_id is not None:
        named[0] = Named("id", article_id)
    values = [without_surrogates(each.value) for each in named]
    return build(values, limits, [each.name for each in named], zone, warn)


def check_kind(kind: object) -> None:
    """Raise NotText for a kind of item that has no text of its own."""
    if isinstance(kind, str) and (said := kind.rpartition(":")[2].lower()) in NO_TEXT:
        raise NotText(said)
