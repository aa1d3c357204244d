"""Tolerant intake, in one place: what newsrooms, crawlers and APIs call things -> articles.

    a mapping            `text=body`, and by dotted paths into what is nested: `source=source.name`, `text=parts.0.v`
    our names            `text`, `published`, ...
    names of others      `NAMES`: the first of these that is there, whatever its case, hyphens and underscores
    what is within       a source, title or link that is an object: its `WITHIN`; markup becomes text

An optional field that cannot be read costs the field, not the article: it is left out with a warning, unless the intake
is strict. Names are found once for each set of names that records come with, so a feed pays nothing for them.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any

from wirecopy import config
from wirecopy.config import Limits
from wirecopy.errors import ConfigError, InvalidArticle
from wirecopy.schema.article import FIELDS, Article, build, decode, without_surrogates
from wirecopy.schema.dates import parse_zone

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
_MOST_TOLD = 30  # names that are told as found
_TRIAL = 1000  # articles after which a path that matched nothing is said
_EMPTY = (None, "")
_PUNCTUATION = re.compile(r"[\W_]+")


class IntakeParser:
    """Reads records into articles. `seen` counts them; `found` the names of those that were no articles."""

    def __init__(
        self,
        limits: Limits,
        mapping: Mapping[str, str] | None = None,
        *,
        zone: tzinfo = UTC,
        is_strict: bool = False,
    ) -> None:
        """`mapping` gives the path of a field, `zone` is assumed for times without one; see above for `is_strict`."""
        self.limits = limits
        self.zone = zone
        self.is_strict = is_strict
        self.seen = 0
        self.found: Counter[str] = Counter()
        self._mapping = [(FIELDS.index(ours), path, path.split(".")) for ours, path in (mapping or {}).items()]
        self._unmatched = dict(mapping or {})
        self._remembered_names = lru_cache(1024)(self._find_names)
        self._labels_of = lru_cache(1024)(self._find_labels)

    @classmethod
    def of(cls, limits: Limits, settings: config.Intake, **mapping: str) -> "IntakeParser":
        """Return the intake that is set, with further entries of the mapping. Raises ConfigError."""
        unknown = [name for name in settings.map if name not in FIELDS]
        if unknown:
            expected = f"an article has no field {unknown[0]!r}, only {', '.join(FIELDS)}"
            raise ConfigError("configuration", "intake.map", expected)
        try:
            zone = parse_zone(settings.zone)
        except ValueError as error:
            raise ConfigError("configuration", "intake.zone", str(error)) from None
        return cls(limits, {**settings.map, **mapping}, zone=zone, is_strict=settings.strict)

    def parse(self, data: bytes, warnings: list[str], article_id: str | None = None) -> Article:
        """Return the article that `data`, one JSON object, describes; what was left out is added to `warnings`.

        `article_id` is the id of a record that may leave it out; under its own name it must be the same. Raises
        MalformedArticle or InvalidArticle.
        """
        return self.read(decode(data, self.limits), warnings, article_id)

    def read(self, fields: Mapping[str, Any], warnings: list[str], article_id: str | None = None) -> Article:
        """Return the article that decoded fields describe; as `parse`. Raises InvalidArticle."""
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
        if article_id is not None:
            if labels[0] == "id" and values[0] is not None and str(values[0]) != article_id:
                raise InvalidArticle("id differs from the one in the path")
            values[0] = article_id
        try:
            if labels[1] != "text" and labels[1].lower().endswith(_MARKUP) and type(values[1]) is str:
                values[1] = _text_of(values[1], labels[1])
            return build(values, self.limits, labels, self.zone, None if self.is_strict else warnings.append)
        except InvalidArticle:
            self._note(fields)
            raise

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

    def names_found(self) -> list[str]:
        """Return the names, the most frequent first, that records had which were no articles."""
        return [name for name, _ in self.found.most_common(_MOST_TOLD)]

    def _find_labels(self, names: tuple[str | None, ...]) -> Sequence[str]:
        """How messages call what was found under these names."""
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
        """What a path leads to, None when that is nothing."""
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

    def _note(self, fields: Mapping[str, Any]) -> None:
        if len(self.found) < 10 * _MOST_TOLD:
            self.found.update([str(name)[:60] for name in list(fields)[:100]])


def _within(ours: str, value: Mapping[str, Any], label: str) -> tuple[Any, str]:
    """What stands for an object, and its label; the object itself where nothing does."""
    for name in WITHIN.get(ours, ()):
        if value.get(name) is not None:
            return without_surrogates(value[name]), f"{label}.{name}"
    return value, label


def _text_of(html: str, label: str) -> str:
    from wirecopy.schema.markup import to_text  # only who has HTML pays for its library

    try:
        return to_text(html)
    except InvalidArticle as error:
        raise InvalidArticle(f"text ({label}): {error}") from None


@lru_cache(4096)
def _plain(name: str) -> str:
    """A name without what differs between feeds: case, hyphens, underscores."""
    return _PUNCTUATION.sub("", name).lower()
