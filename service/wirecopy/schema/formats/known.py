"""The formats that are read: by name, by media type, by looks; and their items as articles."""

import re
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any, NamedTuple

from wirecopy.config import Limits
from wirecopy.errors import ArticleError, MalformedArticle
from wirecopy.schema.article import Article, decode
from wirecopy.schema.formats import dpa, iptc7901, newsml_1, newsml_g2, ninjs, nitf
from wirecopy.schema.formats.found import Format, Found, Named, article_of
from wirecopy.schema.intake import IntakeParser

FORMATS: tuple[Format, ...] = (
    ninjs.FORMAT,
    dpa.FORMAT,
    newsml_g2.FORMAT,
    newsml_1.FORMAT,
    nitf.FORMAT,
    iptc7901.FORMAT,
)
BY_NAME = {each.name: each for each in FORMATS}
BY_MEDIA_TYPE = {media_type: each for each in FORMATS for media_type in each.media_types}
_BY_ROOT = {
    "newsml": newsml_1.FORMAT,
    "nitf": nitf.FORMAT,
    **{name.lower(): newsml_g2.FORMAT for name in newsml_g2.ROOTS},
}
_NO_ID = Named("id", None)
_HEAD_BYTES = 16 * 1024
_ASIDE = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)  # one that is not ended is all the rest, not tried again
_ROOT = re.compile(rb"<(?:[A-Za-z][\w.-]*:)?([A-Za-z][\w.-]*)")


class Read(NamedTuple):
    """An item: the article, or why it is none; and which of its fields were left out."""

    found: Article | ArticleError
    warnings: list[str]


def of_content_type(content_type: str) -> Format | None:
    """Return the format that a Content-Type names, None for one that is none of these."""
    return BY_MEDIA_TYPE.get(content_type.partition(";")[0].strip().lower())


def recognise(data: bytes) -> Format | None:
    """Return the format of a document that is no JSON, by how it begins; None for one that is not known."""
    head = data[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"\x01"):
        return iptc7901.FORMAT
    if not head.startswith(b"<"):
        return None
    root = _ROOT.search(_ASIDE.sub(b"", head))
    return _BY_ROOT.get(root[1].decode().lower()) if root is not None else None


def read(
    form: Format, data: bytes, intake: IntakeParser, article_id: str | None = None, *, otherwise: str | None = None
) -> Iterator[Read]:
    """Yield the items of a document. Raises nothing: what is wrong with an item is yielded in its place.

    `article_id` is the id whatever the item says, `otherwise` the id of the first item if it has none.
    """
    if form.read is not None:
        for found in form.read(data, intake.limits):
            if otherwise is not None and not isinstance(found, ArticleError) and not (found["id"] or _NO_ID).value:
                found = {**found, "id": Named("id", otherwise)}
            yield _read(found, intake, article_id)
            otherwise = None
        return
    try:
        item = decode(data, intake.limits)
    except ArticleError as error:
        yield Read(error, [])
    else:
        yield read_object(form, item, intake, article_id)


def read_object(form: Format, item: Mapping[str, Any], intake: IntakeParser, article_id: str | None = None) -> Read:
    """Return the article of a decoded object of a format of JSON, or why it is none."""
    assert form.read_object is not None
    try:
        return _read(form.read_object(item), intake, article_id)
    except ArticleError as error:
        return Read(error, [])


class WireRequest(NamedTuple):
    """A document to be read in another process: the name of its format, and how it is to be read."""

    form: str
    limits: Limits
    zone: tzinfo
    is_strict: bool

    def intake(self) -> IntakeParser:
        """Return what reads it."""
        return IntakeParser(self.limits, zone=self.zone, is_strict=self.is_strict)


def read_all(request: WireRequest, data: bytes) -> list[Read]:
    """Return the items of a document."""
    return list(read(BY_NAME[request.form], data, request.intake()))


def read_one(request: WireRequest, data: bytes, article_id: str | None = None) -> tuple[Article, list[str]]:
    """Return the one article of a document, and which of its fields were left out.

    Raises ArticleError, also for a document with more than one item.
    """
    items = list(read(BY_NAME[request.form], data, request.intake(), article_id))
    if len(items) != 1:
        raise MalformedArticle(f"the document has {len(items)} items; send one, or many to /v1/bulk")
    found, warnings = items[0]
    if isinstance(found, ArticleError):
        raise found
    return found, warnings


def _read(found: Found | ArticleError, intake: IntakeParser, article_id: str | None) -> Read:
    if isinstance(found, ArticleError):
        return Read(found, [])
    warnings: list[str] = []
    try:
        warn = None if intake.is_strict else warnings.append
        return Read(article_of(found, intake.limits, article_id, intake.zone, warn), warnings)
    except ArticleError as error:
        return Read(error, warnings)
