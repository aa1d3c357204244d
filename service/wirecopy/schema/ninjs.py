"""ninjs, the IPTC's news in JSON (1, 2 and 3), and the items of AP's Media API -> an article.

Names differ between the versions (`headline`, `headlines`; `versioncreated`, `versionCreated`) and are read whatever
their case. What is said of a field that is wrong names it as the sender does.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Never

from wirecopy.config import Limits
from wirecopy.errors import InvalidArticle
from wirecopy.schema.article import Article, decode, from_fields
from wirecopy.schema.markup import to_text

MEDIA_TYPE = "application/ninjs+json"

_STATUSES = ("usable", "withheld", "canceled")
_ZONE_WITHOUT_COLON = re.compile(r"(.*T.*[+-][0-9]{2})([0-9]{2})")
_MARKUP = re.compile(r"<[A-Za-z!/]")
_ORDER = ("plain", "html", "unknown", "xml")  # of bodies; of equal ones the longest is the text


class _Named(NamedTuple):
    """A value and the name under which it was sent."""

    name: str
    value: Any


_Fields = Mapping[str, _Named]  # by the name in small letters


def parse(data: bytes, limits: Limits, article_id: str | None = None) -> Article:
    """Return the article that `data`, one item, describes; `article_id` stands for whatever ids it has.

    Raises MalformedArticle or InvalidArticle, which names the field.
    """
    return article_of(decode(data, limits), limits, article_id)


def article_of(item: Mapping[str, Any], limits: Limits, article_id: str | None = None) -> Article:
    """Return the article that a decoded item describes. Raises InvalidArticle, which names the field."""
    item = _unwrapped(item)
    fields = {name.lower(): _Named(name, value) for name, value in item.items() if value is not None}
    status, embargoed = _status(fields)
    found: dict[str, _Named | None] = {
        "id": _Named("id", article_id) if article_id is not None else _id(fields),
        "title": _title(fields),
        "source": _source(fields),
        "published": _moment(fields, "versioncreated", "firstcreated"),
        "language": fields.get("language"),
        "status": status,
        "embargoed": embargoed,
    }
    found["text"] = _text(fields, needs_one=status is None or status.value != "canceled")
    mapping = {ours: theirs.name for ours, theirs in found.items() if theirs is not None}
    return from_fields({theirs.name: theirs.value for theirs in found.values() if theirs is not None}, limits, mapping)


def items_in(document: Any) -> Iterator[Any]:
    """Yield the items of a whole file: one, a list of some, or an answer of AP's feed or search."""
    if isinstance(document, list):
        yield from document
        return
    data = document.get("data") if isinstance(document, dict) else None
    items = data.get("items") if isinstance(data, dict) else None
    if isinstance(items, list):
        yield from items
    else:
        yield document


def _unwrapped(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item itself: AP's answers hold it under `data`, `item` or both."""
    for name in ("data", "item"):
        inner = item.get(name)
        if isinstance(inner, dict):
            item = inner
    return item


def _id(fields: _Fields) -> _Named:
    """AP's itemid, which all revisions share; else the uri; else Superdesk's guid or the first alternative id."""
    altids = fields.get("altids")
    if altids is not None and isinstance(altids.value, dict) and isinstance(altids.value.get("itemid"), str):
        return _Named("altids.itemid", altids.value["itemid"])
    for name in ("uri", "guid"):
        if name in fields:
            return fields[name]
    listed = altids.value if altids is not None and isinstance(altids.value, list) else []
    for place, altid in enumerate(listed):
        if isinstance(altid, dict) and altid.get("value") is not None:
            return _Named(f"altids[{place}].value", altid["value"])
    return _Named("uri", None)


def _title(fields: _Fields) -> _Named | None:
    headlines = _values(fields, "headlines")
    main = [headline for headline in headlines if headline.role.lower() in ("", "main", "headline")]
    for name, value, kind, _ in main or headlines:
        return _Named(name, to_text(value).replace("\n", " ") if kind == "html" else value)
    return fields.get("headline") or fields.get("title")


def _text(fields: _Fields, *, needs_one: bool) -> _Named | None:
    """The best body: plain text before HTML, of several the longest; None where there is none and none is needed."""
    bodies = _values(fields, "bodies")
    for lower, (name, value) in fields.items():
        if lower.startswith("body_") or lower == "body":
            if not isinstance(value, str):
                _refuse(name, "a string")
            bodies.append(_Value(name, value, _kind(lower.removeprefix("body"), value), ""))
    bodies = [body for body in bodies if body.value.strip()]
    if not bodies and not needs_one:
        return None
    if not bodies:
        _refuse_without_text(fields)
    best = min(bodies, key=lambda body: (_ORDER.index(body.kind), -len(body.value)))
    if best.kind == "plain":
        return _Named(best.name, best.value)
    try:
        return _Named(best.name, to_text(best.value))
    except InvalidArticle as error:
        raise InvalidArticle(f"text ({best.name}): {error}") from None


class _Value(NamedTuple):
    """One of `bodies` or `headlines`, and what it is written in."""

    name: str
    value: str
    kind: str
    role: str


def _values(fields: _Fields, name: str) -> list[_Value]:
    """The values of an array of {role, contenttype, value}. Raises InvalidArticle for another form."""
    if name not in fields:
        return []
    label, listed = fields[name]
    if not isinstance(listed, list):
        _refuse(label, "an array")
    found = []
    for place, entry in enumerate(listed):
        if not isinstance(entry, dict):
            _refuse(f"{label}[{place}]", "an object")
        value = entry.get("value")
        if not isinstance(value, str):
            _refuse(f"{label}[{place}].value", "a string")
        role, kind = entry.get("role") or "", entry.get("contentType") or entry.get("contenttype") or ""
        found.append(_Value(f"{label}[{place}].value", value, _kind(str(kind) or str(role), value), str(role)))
    return found


def _kind(said: str, value: str) -> str:
    """What a value is written in, by its media type, role or name, or else by its looks."""
    said = said.lower()
    if "html" in said:
        return "html"
    if "xml" in said or "nitf" in said:
        return "xml"
    if "plain" in said or said == "_text":
        return "plain"
    return "unknown" if _MARKUP.search(value) else "plain"


def _source(fields: _Fields) -> _Named | None:
    """Who sent it: `source`, else the first of the information sources, else the holder of the copyright."""
    if "source" in fields:
        return fields["source"]
    for name in ("infosources", "infosource"):
        if name not in fields:
            continue
        label, listed = fields[name]
        for place, entry in enumerate(listed if isinstance(listed, list) else [listed]):
            where = f"{label}[{place}]" if isinstance(listed, list) else label
            if isinstance(entry, str):
                return _Named(where, entry)
            if not isinstance(entry, dict):
                _refuse(where, "a string or an object")
            for key in ("name", "literal", "uri"):
                if entry.get(key) is not None:
                    return _Named(f"{where}.{key}", entry[key])
    return fields.get("copyrightholder")


def _status(fields: _Fields) -> tuple[_Named | None, _Named | None]:
    """The publication status, and until when the item is embargoed. AP has a status for that, and may give no time."""
    embargoed = _moment(fields, "embargoed", "embargoeduntil")
    if "pubstatus" not in fields:
        return None, embargoed
    name, value = fields["pubstatus"]
    word = value.lower().removeprefix("stat:") if isinstance(value, str) else value
    if word == "embargoed":
        return _Named(name, "usable" if embargoed is not None else "withheld"), embargoed
    if word not in _STATUSES:
        raise InvalidArticle(f"status ({name}) must be usable, withheld or canceled, not {repr(value)[:60]}")
    return _Named(name, word), embargoed


def _moment(fields: _Fields, *names: str) -> _Named | None:
    """The first of these times that is there; some systems write its zone without a colon."""
    for name in names:
        if name in fields:
            label, value = fields[name]
            written = _ZONE_WITHOUT_COLON.fullmatch(value) if isinstance(value, str) else None
            return _Named(label, f"{written[1]}:{written[2]}" if written else value)
    return None


def _refuse_without_text(fields: _Fields) -> Never:
    renditions = fields.get("renditions")
    if renditions is not None and isinstance(renditions.value, dict) and "nitf" in renditions.value:
        raise InvalidArticle("text is missing: renditions.nitf only links to it; send what it holds as body_nitf")
    kind = fields.get("type")
    if kind is not None and kind.value != "text":
        raise InvalidArticle(f"text is missing: no bodies, body_text or body_html in this item of type {kind.value!r}")
    raise InvalidArticle("text is missing: the item has no bodies, body_text or body_html")


def _refuse(name: str, wanted: str) -> Never:
    raise InvalidArticle(f"{name} must be {wanted}")


def is_media_type(content_type: str) -> bool:
    """Whether a Content-Type says that the body is ninjs."""
    return content_type.partition(";")[0].strip().lower() == MEDIA_TYPE
