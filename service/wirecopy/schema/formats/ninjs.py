"""ninjs, the IPTC's news in JSON (1.0 to 3.1), and the items of AP's Media API -> an article.

Names differ between the versions (`headline`, `headlines`; `versioncreated`, `versionCreated`) and are read whatever
their case. What is said of a field that is wrong names it as the sender does.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Never

from wirecopy.config import Limits
from wirecopy.errors import InvalidArticle, MalformedArticle, NotText
from wirecopy.schema.article import Article, decode
from wirecopy.schema.formats import found as found_fields
from wirecopy.schema.formats import nitf, xml
from wirecopy.schema.formats.found import Format, Found, Named, check_kind
from wirecopy.schema.markup import to_text

MEDIA_TYPE = "application/ninjs+json"

_STATUSES = ("usable", "withheld", "canceled")
_MARKUP = re.compile(r"<[A-Za-z!/]")
_ORDER = ("plain", "html", "unknown", "xml")  # of bodies; of equal ones the longest is the text


_Fields = Mapping[str, Named]  # by the name in small letters


def parse(data: bytes, limits: Limits, article_id: str | None = None) -> Article:
    """Return the article that `data`, one item, describes; `article_id` stands for whatever ids it has.

    Raises MalformedArticle or InvalidArticle, which names the field.
    """
    return article_of(decode(data, limits), limits, article_id)


def article_of(item: Mapping[str, Any], limits: Limits, article_id: str | None = None) -> Article:
    """Return the article that a decoded item describes. Raises InvalidArticle, which names the field."""
    return found_fields.article_of(find(item), limits, article_id)


def find(item: Mapping[str, Any]) -> Found:
    """Return where an item has our fields. Raises NotText for an item that is no text, InvalidArticle."""
    item = _unwrapped(item)
    fields = {name.lower(): Named(name, value) for name, value in item.items() if value is not None}
    if "type" in fields:
        check_kind(fields["type"].value)
    if "eventdetails" in fields:
        raise NotText("event")
    status, embargoed = _status(fields)
    return {
        "id": _id(fields),
        "text": _text(fields, needs_one=status is None or status.value != "canceled"),
        "title": _title(fields),
        "source": _source(fields),
        "published": _first(fields, "versioncreated", "firstcreated"),
        "language": fields.get("language"),
        "status": status,
        "embargoed": embargoed,
        "version": _version(fields),
        "updated": _first(fields, "versioncreated"),
    }


def _unwrapped(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the item itself: AP's answers hold it under `data`, `item` or both."""
    for name in ("data", "item"):
        inner = item.get(name)
        if isinstance(inner, dict):
            item = inner
    return item


def _id(fields: _Fields) -> Named:
    """AP's itemid, which all revisions share; else the uri; else Superdesk's guid or the first alternative id."""
    altids = fields.get("altids")
    if altids is not None and isinstance(altids.value, dict) and isinstance(altids.value.get("itemid"), str):
        return Named("altids.itemid", altids.value["itemid"])
    for name in ("uri", "guid"):
        if name in fields:
            return fields[name]
    listed = altids.value if altids is not None and isinstance(altids.value, list) else []
    for place, altid in enumerate(listed):
        if isinstance(altid, dict) and altid.get("value") is not None:
            return Named(f"altids[{place}].value", altid["value"])
    return Named("uri", None)


def _title(fields: _Fields) -> Named | None:
    headlines = _values(fields, "headlines")
    main = [headline for headline in headlines if headline.role.lower() in ("", "main", "headline")]
    for name, value, kind, _ in main or headlines:
        return Named(name, to_text(value).replace("\n", " ") if kind == "html" else value)
    named = sorted(name for name in fields if name.startswith("headline_"))
    by_name = ["headline", "headline_main", *named, "title"]  # 1.6 has headlines by their role
    return next((fields[name] for name in by_name if name in fields), None)


def _text(fields: _Fields, *, needs_one: bool) -> Named | None:
    """Return the best body: plain text before HTML, of several the longest; None where there is none and none is
    needed.
    """
    bodies = _values(fields, "bodies")
    for lower, (name, value) in fields.items():
        if lower.startswith("body_") or lower == "body":
            if not isinstance(value, str):
                _refuse(name, "a string")
            bodies.append(_Value(name, value, _kind(lower.removeprefix("body"), value), ""))
    bodies += _inlined(fields)
    bodies = [body for body in bodies if body.value.strip()] or _descriptions(fields)
    if not bodies and not needs_one:
        return None
    if not bodies:
        _refuse_without_text(fields)
    best = min(bodies, key=lambda body: (_ORDER.index(body.kind), -len(body.value)))
    if best.kind == "plain":
        return Named(best.name, best.value)
    try:
        return Named(best.name, _of_markup(best))
    except InvalidArticle as error:
        raise InvalidArticle(f"text ({best.name}): {error}") from None


def _of_markup(body: "_Value") -> str:
    """Return the text of a body: of NITF without its pictures' captions, of all else as of HTML."""
    if body.kind == "xml":
        with suppress(MalformedArticle):
            root = xml.parse(body.value.encode("utf-8", "replace"))
            if xml.local(root).lower() == "nitf":
                return nitf.text(root) or ""
    return to_text(body.value)


def _descriptions(fields: _Fields) -> list["_Value"]:
    """Return what an item of type text says of itself: some agencies have their text there and no body."""
    if "type" not in fields or fields["type"].value != "text":
        return []
    found = [body for body in _values(fields, "descriptions") if body.role.lower() not in ("caption", "ednote")]
    for lower, (name, value) in fields.items():
        if lower.startswith("description_") and "caption" not in lower and isinstance(value, str):
            found.append(_Value(name, value, _kind(lower.removeprefix("description"), value), ""))
    return [body for body in found if body.value.strip()]


def _inlined(fields: _Fields) -> list["_Value"]:
    """Return the NITF that an item of AP links to, where who fetched it has put it into the item."""
    renditions = fields.get("renditions")
    nitf = renditions.value.get("nitf") if renditions is not None and isinstance(renditions.value, dict) else None
    for name in ("content", "body", "value"):
        if isinstance(nitf, dict) and isinstance(nitf.get(name), str):
            return [_Value(f"renditions.nitf.{name}", nitf[name], "xml", "")]
    return []


class _Value(NamedTuple):
    """One of `bodies` or `headlines`, and what it is written in."""

    name: str
    value: str
    kind: str
    role: str


def _values(fields: _Fields, name: str) -> list[_Value]:
    """Return the values of an array of {role, contenttype, value}. Raises InvalidArticle for another form."""
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
    """Return what a value is written in, by its media type, role or name, or else by its looks."""
    said = said.lower()
    if "html" in said:
        return "html"
    if "xml" in said or "nitf" in said:
        return "xml"
    if "plain" in said or said == "_text":
        return "plain"
    return "unknown" if _MARKUP.search(value) else "plain"


def _source(fields: _Fields) -> Named | None:
    """Return who sent it: `source`, else the first of the information sources, else the holder of the copyright."""
    if "source" in fields:
        return fields["source"]
    for name in ("infosources", "infosource"):
        if name not in fields:
            continue
        label, listed = fields[name]
        for place, entry in enumerate(listed if isinstance(listed, list) else [listed]):
            where = f"{label}[{place}]" if isinstance(listed, list) else label
            if isinstance(entry, str):
                return Named(where, entry)
            if not isinstance(entry, dict):
                _refuse(where, "a string or an object")
            for key in ("name", "literal", "uri"):
                if entry.get(key) is not None:
                    return Named(f"{where}.{key}", entry[key])
    return fields.get("copyrightholder")


def _status(fields: _Fields) -> tuple[Named | None, Named | None]:
    """Return the publication status, and until when the item is embargoed. AP has a status for that, and may give no
    time.
    """
    embargoed = _first(fields, "embargoed", "embargoeduntil")
    if "pubstatus" not in fields:
        return None, embargoed
    name, value = fields["pubstatus"]
    word = value.lower().removeprefix("stat:") if isinstance(value, str) else value
    if word == "embargoed":
        return Named(name, "usable" if embargoed is not None else "withheld"), embargoed
    if word not in _STATUSES:
        raise InvalidArticle(f"status ({name}) must be usable, withheld or canceled, not {repr(value)[:60]}")
    return Named(name, word), embargoed


def _first(fields: _Fields, *names: str) -> Named | None:
    """Return the first of these fields that is there."""
    return next((fields[name] for name in names if name in fields), None)


def _version(fields: _Fields) -> Named | None:
    """Return the version, where it is a number: ninjs lets it be any text."""
    found = fields.get("version")
    is_number = found is not None and str(found.value).isascii() and str(found.value).isdigit()
    return found if is_number and len(str(found.value if found else "")) < 16 else None


def _refuse_without_text(fields: _Fields) -> Never:
    renditions = fields.get("renditions")
    if renditions is not None and isinstance(renditions.value, dict) and "nitf" in renditions.value:
        raise InvalidArticle("text is missing: renditions.nitf only links to it; send what it holds as body_nitf")
    kind = fields.get("type")
    if kind is not None and kind.value != "text":
        raise NotText(str(kind.value))
    raise InvalidArticle("text is missing: the item has no bodies, body_text or body_html")


def _refuse(name: str, wanted: str) -> Never:
    raise InvalidArticle(f"{name} must be {wanted}")


def nitf_link(item: Mapping[str, Any]) -> str | None:
    """Return the address of the NITF in which an item of AP has its text; None when it has a text, or no such link."""
    inner = _unwrapped(item)
    renditions = inner.get("renditions")
    nitf = renditions.get("nitf") if isinstance(renditions, dict) else None
    has_text = any(name.startswith(("body", "bodies")) for name in inner)
    link = nitf.get("href") if isinstance(nitf, dict) and not has_text else None
    return link if isinstance(link, str) else None


def with_nitf(item: Mapping[str, Any], nitf: str) -> dict[str, Any]:
    """Return an item of AP with the NITF that it links to."""
    return {**_unwrapped(item), "body_nitf": nitf}


FORMAT = Format(
    name="ninjs",
    title="ninjs 1.0 to 3.1 (IPTC), AP Media API, BBC's wrapped ninjs",
    media_types=(MEDIA_TYPE,),
    endings=(".json", ".jsonl", ".ndjson"),
    where={
        "id": "AP's `altids.itemid`; `uri`; Superdesk's `guid`; the first of `altids`",
        "text": "`bodies`, `body_*`, `renditions.nitf.content`: plain, then HTML, the longest; `descriptions`",
        "title": "`headlines`, `headline`, `headline_main`, `headline_*`, `title`",
        "source": "`source`, `infosource(s)`, `copyrightholder`",
        "published": "`versioncreated`, `firstcreated`",
        "language": "`language`",
        "status": "`pubstatus`; AP's `embargoed` without a time is withheld",
        "embargoed": "`embargoed`, `embargoeduntil`",
    },
    skipped="items whose `type` is no text: picture, graphic, audio, video, event, planning; `associations`",
    read_object=find,
)
