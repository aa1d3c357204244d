"""RSS and Atom (the extra `feeds`) -> records: an entry of a feed is an article with its full text, or its summary."""

import io
import re
from collections.abc import Iterator
from typing import Any

from wirecopy.errors import ArticleError, InputFailed, MalformedArticle
from wirecopy.files.documents import InputRecord, line_of
from wirecopy.schema.intake import IntakeParser
from wirecopy.schema.markup import to_text

_HEAD_BYTES = 16 * 1024
_ASIDE = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)  # one that is not ended is all the rest, not tried again
_ROOT = re.compile(rb"<(?:[A-Za-z][\w.-]*:)?([A-Za-z][\w.-]*)")
WHERE = {
    "id": "`guid` of RSS, `id` of Atom; the link",
    "text": "`content:encoded`, `content`; else `description` or `summary`",
    "title": "`title`",
    "source": "the entry's `source`, else the feed's `title`",
    "url": "`link`",
    "published": "`pubDate`, `published`, `dc:date`, `updated`",
    "language": "the content's, else the feed's `language`",
}


def is_feed(data: bytes) -> bool:
    """Return whether the first element of a document is that of a feed."""
    root = _ROOT.search(_ASIDE.sub(b"", data[:_HEAD_BYTES]))
    return root is not None and root[1].lower() in (b"rss", b"feed", b"rdf")


def read_feed(file: str, data: bytes, intake: IntakeParser) -> Iterator[InputRecord]:
    """Yield the entries. Raises InputFailed: no feed, or feedparser is not installed."""
    try:
        for number, fields in enumerate(read_entries(file, data), 1):
            yield _record(number, fields, intake)
    except MalformedArticle as error:
        yield InputRecord(1, error)


def read_entries(file: str, data: bytes) -> Iterator[dict[str, Any] | ArticleError]:
    """Yield the fields of each entry, by our names, or why there are none.

    Raises InputFailed as above, MalformedArticle for a document that declares entities.
    """
    try:
        import feedparser
    except ImportError:
        raise InputFailed(file, "RSS and Atom need feedparser: pip install 'wirecopy[feeds]'") from None
    if b"<!ENTITY" in data:
        raise MalformedArticle("the XML declares entities of its own, which are not read")
    parsed = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    if not parsed.version:
        raise InputFailed(file, "it is no feed of RSS or Atom")
    for entry in parsed.entries:
        try:
            fields: dict[str, Any] | ArticleError = _fields(entry, parsed.feed)
        except ArticleError as error:
            fields = error
        yield fields


def _record(number: int, fields: dict[str, Any] | ArticleError, intake: IntakeParser) -> InputRecord:
    if isinstance(fields, ArticleError):
        return InputRecord(number, fields)
    warnings: list[str] = []
    try:
        article = intake.read(fields, warnings)
    except ArticleError as error:
        return InputRecord(number, error)
    return InputRecord(number, article, line_of(article), warnings)


def _fields(entry: Any, feed: Any) -> dict[str, Any]:
    contents = entry.get("content") or []
    best = max(contents, key=lambda content: len(content.get("value") or ""), default=None)
    html = (best or {}).get("value") or entry.get("summary")
    return {
        "id": entry.get("id") or entry.get("link"),
        "text": to_text(html) if html else None,
        "title": to_text(entry.get("title") or "") or None,
        "source": (entry.get("source") or {}).get("title") or feed.get("title"),
        "url": entry.get("link"),
        "published": entry.get("published") or entry.get("updated"),
        "language": (best or {}).get("language") or feed.get("language"),
    }
