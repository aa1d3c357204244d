"""Where our fields are in a record, under whatever names newsrooms, crawlers and APIs use.

    a mapping            `text=body`, and by dotted paths into what is nested: `source=source.name`, `text=parts.0.v`
    our names            `text`, `published`, ...
    names of others      `NAMES`: the first of these that is there, whatever its case, hyphens and underscores
    what is within       a source, title or link that is an object: its `WITHIN`; markup becomes text

Names are found once for each set of names that records come with, so a feed pays nothing for them.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from wirecopy.errors import InvalidArticle

FIELDS = ("id", "text", "title", "source", "url", "published", "language", "status", "embargoed", "version", "updated")

# What others call our fields, in the order in which they are looked for. docs/inputs.md shows this table.
NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        *(
            "_id",
            "uuid",
            "guid",
            "article_id",
            "news_id",
            "story_id",
            "item_id",
            "doc_id",
            "docid",
            "document_id",
            "pk",
        ),
        *("uri", "urn", "url", "link", "article_url", "canonical_url", "requested_url", "web_url"),
    ),
    "text": (
        *(
            "content",
            "body",
            "maintext",
            "main_text",
            "article_text",
            "full_text",
            "fulltext",
            "plain_text",
            "raw_text",
        ),
        *("body_text", "article_body", "content_text", "news_text", "cleaned_text", "message"),
        *("content_html", "body_html", "article_html", "html"),
    ),
    "title": ("headline", "heading", "news_title", "article_title", "web_title", "headline_main", "subject"),
    "source": (
        *("source_name", "publisher", "outlet", "media_name", "newspaper", "provider", "agency", "news_source"),
        *("site_name", "sitename", "site", "source_domain", "source_hostname", "hostname", "domain", "publication"),
    ),
    "url": ("link", "article_url", "canonical_url", "source_url", "web_url", "requested_url", "href", "permalink"),
    "published": (
        *(
            "published_at",
            "publish_date",
            "published_date",
            "date_publish",
            "date_published",
            "pub_date",
            "publication_date",
        ),
        *(
            "publication_time",
            "published_time",
            "web_publication_date",
            "iso_date",
            "date_time_pub",
            "date_time",
            "date",
        ),
        *("datetime", "timestamp", "@timestamp", "created_at", "created", "seendate", "first_published_at"),
    ),
    "language": ("lang", "language_code", "lang_code", "langcode", "source_language"),
    "status": ("pub_status", "publication_status"),
    "embargoed": ("embargo", "embargo_date", "embargoed_until", "embargo_until"),
    "version": (),
    "updated": ("updated_at", "modified_at", "date_modified", "last_modified"),
}
# Where a field's value is when it is an object.
WITHIN: dict[str, tuple[str, ...]] = {
    "text": ("text", "plain", "value", "rendered", "html", "#text"),
    "title": ("main", "rendered", "value", "text", "name", "#text"),
    "source": ("name", "title", "domain", "uri", "id", "#text"),
    "url": ("href", "url", "#text"),
    "published": ("date", "value", "$date", "#text"),
    "language": ("code", "value", "id"),
}
_MARKUP = ("html", "rendered")  # how names end whose text is HTML
_MOST_REMEMBERED = 64  # names of one record beyond which, or longer than which, nothing is remembered of it
_TRIAL = 1000  # articles after which a path that matched nothing is said
_EMPTY = (None, "")
_PUNCTUATION = re.compile(r"[\W_]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


class FieldNames:
    """Finds our fields in records. `seen` counts these."""

    def __init__(self, mapping: Mapping[str, str] | None = None) -> None:
        """Find fields by name: `mapping` gives the path of a field, which is then looked for nowhere else."""
        self.seen = 0
        self._mapping = [(FIELDS.index(ours), path, path.split(".")) for ours, path in (mapping or {}).items()]
        self._unmatched = dict(mapping or {})
        self._remembered_names = lru_cache(1024)(self._find_names)
        self._labels_of = lru_cache(1024)(self._find_labels)

    def resolve(self, fields: Mapping[str, Any]) -> tuple[list[Any], Sequence[str]]:
        """Return the values of our FIELDS in a record, None where it has none, and how messages call them."""
        self.seen += 1
        if isinstance(inner := fields.get("_source"), dict):  # a hit of Elasticsearch
            fields = {**({"_id": fields["_id"]} if "_id" in fields else {}), **inner}
        names = self.names_of(fields)
        values = [None if name is None else fields[name] for name in names]
        if None in fields.values() or "" in fields.values():  # another name may have what this one has not
            again = self.names_of({name: None for name, value in fields.items() if value not in _EMPTY})
            names = tuple(later or first for later, first in zip(again, names, strict=True))
            values = [None if name is None else fields[name] for name in names]
        labels = self._labels_of(names)
        for k, path, parts in self._mapping:
            values[k] = self._follow(fields, k, path, parts)
        if dict in map(type, values):
            labels = list(labels)
            for k, value in enumerate(values):
                if type(value) is dict:
                    values[k], labels[k] = _within(FIELDS[k], value, labels[k])
        return values, labels

    def names_of(self, fields: Mapping[str, Any]) -> tuple[str | None, ...]:
        """Return the record's names of our FIELDS, None where it has none, and for what is mapped."""
        if len(fields) <= _MOST_REMEMBERED and sum(map(len, fields)) <= 32 * _MOST_REMEMBERED:
            return self._remembered_names(tuple(fields))
        return self._find_names(tuple(fields))

    def wanted(self, present: Sequence[str]) -> list[str]:
        """Return those names of columns that may hold one of our fields."""
        plain = {_plain(name) for ours in FIELDS for name in (ours, *NAMES[ours])}
        mapped = {name for _, path, parts in self._mapping for name in (path, parts[0])}
        return [name for name in present if name in mapped or _plain(name) in plain]

    def missing(self, present: Sequence[str]) -> list[str]:
        """Return the required fields, by the name under which they are looked for, that these columns cannot hold."""
        mapped = {FIELDS[k]: (path, parts[0]) for k, path, parts in self._mapping}
        names = dict(zip(FIELDS, self._find_names(present), strict=True))
        return [
            mapped[ours][0] if ours in mapped else ours
            for ours in FIELDS[:2]
            if (not set(mapped[ours]) & set(present) if ours in mapped else names[ours] is None)
        ]

    def unmatched(self, *, is_over: bool = False) -> list[str]:
        """Return the paths that matched nothing, in the form of the option, once enough was seen or all is over.

        Each is returned once.
        """
        if not self._unmatched or not (self.seen >= _TRIAL or (is_over and self.seen)):
            return []
        told = [f"{ours}={path}" for ours, path in self._unmatched.items()]
        self._unmatched.clear()
        return told

    def _find_labels(self, names: tuple[str | None, ...]) -> Sequence[str]:
        """Return how messages call what was found under these names."""
        labels = [name or ours for name, ours in zip(names, FIELDS, strict=True)]
        for k, path, _ in self._mapping:
            labels[k] = path
        return labels

    def _find_names(self, present: Sequence[str]) -> tuple[str | None, ...]:
        mapped = {k for k, _, _ in self._mapping}
        plain: dict[str, str] = {}
        for name in present:
            plain.setdefault(_plain(name), name)

        def find(ours: str) -> str | None:
            if ours in present:
                return ours
            return next((plain[name] for each in (ours, *NAMES[ours]) if (name := _plain(each)) in plain), None)

        return tuple(None if k in mapped else find(ours) for k, ours in enumerate(FIELDS))

    def _follow(self, fields: Mapping[str, Any], k: int, path: str, parts: Sequence[str]) -> Any:
        """Return what a path leads to, None when that is nothing."""
        value = fields.get(path)
        if value is None and len(parts) > 1:
            value = fields
            for part in parts:
                if isinstance(value, Mapping):
                    value = value.get(part)
                elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
                    value = value[int(part)]
                else:
                    value = None
                    break
            value = without_surrogates(value)
        if value is not None:
            self._unmatched.pop(FIELDS[k], None)
        return value


def text_in(value: Any, label: str) -> Any:
    """Return the text of a value whose name says that it is markup; any other value as it is. Raises InvalidArticle."""
    if label == "text" or not label.lower().endswith(_MARKUP) or type(value) is not str:
        return value
    from wirecopy.schema.markup import to_text  # only who has HTML pays for its library

    try:
        return to_text(value)
    except InvalidArticle as error:
        raise InvalidArticle(f"text ({label}): {error}") from None


def without_surrogates(value: Any) -> Any:
    """Return the value, with U+FFFD for each lone surrogate if it is a string."""
    if type(value) is str and not value.isascii():
        return _SURROGATE.sub("\ufffd", value)
    return value


def _within(ours: str, value: Mapping[str, Any], label: str) -> tuple[Any, str]:
    """Return what stands for an object, and its label; the object itself where nothing does."""
    for name in WITHIN.get(ours, ()):
        if value.get(name) is not None:
            return without_surrogates(value[name]), f"{label}.{name}"
    return value, label


@lru_cache(4096)
def _plain(name: str) -> str:
    """Return a name without what differs between feeds: case, hyphens, underscores."""
    return _PUNCTUATION.sub("", name).lower()
