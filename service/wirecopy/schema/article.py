"""`Article` and `parse(bytes)`: the one schema of every edge.

A line of a file and the body of a request become an `Article` here and nowhere else. JSON is read by orjson. Lone
surrogates, which JSON can spell (`\\ud83d` alone) and UTF-8 cannot hold, make orjson refuse; such input is read again
with the standard library and the surrogates become U+FFFD. The cost beyond orjson is one to two microseconds.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, Never, get_args

import orjson
from msgspec import Struct

from wirecopy.config import Limits
from wirecopy.errors import InvalidArticle, MalformedArticle
from wirecopy.schema.dates import parse_published

FIELDS = ("id", "text", "title", "source", "url", "published", "language", "status", "embargoed")
Status = Literal["usable", "withheld", "canceled"]  # IPTC's words for the publication status of an item

_TYPE_NAMES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "an array"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Article(Struct, frozen=True, gc=False):
    """One version of a text as some outlet sent it. `published` and `embargoed` are in milliseconds since 1970 UTC.

    A withheld article is shown to nobody, nor is one that is `embargoed`, before that moment; a canceled one was wrong,
    and may come without a text, which is empty then.
    """

    id: str
    text: str
    title: str | None = None
    source: str | None = None
    url: str | None = None
    published: int | None = None
    language: str | None = None
    status: Status = "usable"
    embargoed: int | None = None


def parse(data: bytes, limits: Limits, mapping: Mapping[str, str] | None = None) -> Article:
    """Return the article that `data`, one JSON object, describes.

    `mapping` gives other names for fields: {"text": "body"} takes the text from `body`. Null is the same as absent;
    unknown fields are ignored. Raises MalformedArticle or InvalidArticle, nothing else.
    """
    return _from_clean_fields(decode(data, limits), limits, mapping)


def parse_named(data: bytes, limits: Limits, article_id: str) -> Article:
    """Return the article that `data` describes, whose id is known already and may be left out there.

    Raises MalformedArticle or InvalidArticle, the latter also when `data` has another id.
    """
    fields = decode(data, limits)
    if fields.get("id") is None:
        fields["id"] = article_id
    elif fields["id"] != article_id:
        raise InvalidArticle("id differs from the one in the path")
    return _from_clean_fields(fields, limits, None)


def from_fields(fields: Mapping[str, Any], limits: Limits, mapping: Mapping[str, str] | None = None) -> Article:
    """Return the article that a mapping of decoded fields describes; lone surrogates become U+FFFD.

    Raises InvalidArticle, nothing else.
    """
    return _from_clean_fields({name: _without_surrogates(value) for name, value in fields.items()}, limits, mapping)


def decode(data: bytes, limits: Limits) -> dict[str, Any]:
    """Return the JSON object in `data`, with no lone surrogates in its values of type string.

    Raises MalformedArticle (not JSON, not UTF-8, too deep) or InvalidArticle (no object).
    """
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        fields = _decode_again(data, error)
    if type(fields) is not dict:
        raise InvalidArticle(f"an article must be a JSON object, not {_type_name(fields)}")
    for value in fields.values():
        if (type(value) is list or type(value) is dict) and _is_deeper(value, limits.max_depth - 1):
            raise MalformedArticle(f"nested more than {limits.max_depth} levels deep")
    return fields


def _from_clean_fields(fields: Mapping[str, Any], limits: Limits, mapping: Mapping[str, str] | None) -> Article:
    get = fields.get
    names = [mapping.get(name, name) for name in FIELDS] if mapping else FIELDS
    article_id, text, title, source, url, published, language, status, embargoed = map(get, names)
    if type(article_id) is not str or not article_id:
        _refuse_required("id", article_id, mapping)
    if type(text) is not str or not text or text.isspace():
        if text is not None or status != "canceled":
            _refuse_required("text", text, mapping)
        text = ""  # a kill need not repeat what it kills
    _check_length("id", article_id, limits.max_id_bytes)
    _check_length("text", text, limits.max_text_bytes)
    surely_fits = limits.max_field_bytes // 4
    for value in (title, source, url, language):
        if value is not None and (type(value) is not str or len(value) > surely_fits):
            _check_optional(fields, limits, mapping)
    if published is not None:
        published = _moment("published", published, mapping)
    if status is None and embargoed is None:
        return Article(article_id, text, title, source, url, published, language)
    if status is not None and status not in get_args(Status):
        shown = repr(status[:60]) if type(status) is str else _type_name(status)
        raise InvalidArticle(f"{_label('status', mapping)} must be usable, withheld or canceled, not {shown}")
    if embargoed is not None:
        embargoed = _moment("embargoed", embargoed, mapping)
    return Article(article_id, text, title, source, url, published, language, status or "usable", embargoed)


def _check_optional(fields: Mapping[str, Any], limits: Limits, mapping: Mapping[str, str] | None) -> None:
    """Raise InvalidArticle for the first of the optional texts that is none, or too long."""
    for name in ("title", "source", "url", "language"):
        value = fields.get(mapping.get(name, name) if mapping else name)
        if value is not None:
            if type(value) is not str:
                raise InvalidArticle(f"{_label(name, mapping)} must be a string, not {_type_name(value)}")
            _check_length(name, value, limits.max_field_bytes)


def _moment(name: str, value: object, mapping: Mapping[str, str] | None) -> int:
    if type(value) in (str, int, float):
        return parse_published(value, _label(name, mapping))
    raise InvalidArticle(f"{_label(name, mapping)} must be a time or a date, not {_type_name(value)}")


def _check_length(name: str, value: str, max_bytes: int) -> None:
    """Raise InvalidArticle when `value` takes more than `max_bytes` in UTF-8 (at most 4 bytes per character)."""
    if len(value) * 4 > max_bytes and len(value.encode()) > max_bytes:
        raise InvalidArticle(f"{name} is longer than {max_bytes} bytes")


def _refuse_required(name: str, value: object, mapping: Mapping[str, str] | None) -> Never:
    label = _label(name, mapping)
    if value is None:
        raise InvalidArticle(f"{label} is missing")
    if type(value) is str:
        raise InvalidArticle(f"{label} is empty")
    raise InvalidArticle(f"{label} must be a string, not {_type_name(value)}")


def _label(name: str, mapping: Mapping[str, str] | None) -> str:
    """How a message calls a field: by our name, and by the sender's where they differ."""
    theirs = mapping.get(name, name) if mapping else name
    return name if theirs == name else f"{name} ({theirs})"


def _type_name(value: object) -> str:
    return "null" if value is None else _TYPE_NAMES.get(type(value), "an object")


def _decode_again(data: bytes, error: orjson.JSONDecodeError) -> Any:
    """Read JSON that orjson refused because of lone surrogates; raise MalformedArticle for every other cause."""
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        raise MalformedArticle(f"not UTF-8: {fault.reason} at byte {fault.start}") from None
    if "depth limit" in error.msg or "ecursion limit" in error.msg:
        raise MalformedArticle("nested too deeply")
    if not _ESCAPED_SURROGATE.search(data):
        raise MalformedArticle(f"not JSON: {error}")
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise MalformedArticle("nested too deeply") from None
    except ValueError as fault:
        raise MalformedArticle(f"not JSON: {fault}") from None
    if type(fields) is dict:
        return {name: _without_surrogates(value) for name, value in fields.items()}
    return fields


def _refuse_constant(name: str) -> Never:
    raise MalformedArticle(f"not JSON: {name} is no JSON value")


def _without_surrogates(value: Any) -> Any:
    if type(value) is str and not value.isascii():
        return _SURROGATE.sub("\ufffd", value)
    return value


def _is_deeper(value: Any, max_depth: int) -> bool:
    """Whether arrays and objects nest more than `max_depth` levels deep in `value`; level by level, not recursive."""
    level = [value]
    for _ in range(max_depth):
        inner = [item.values() if type(item) is dict else item for item in level]
        level = [child for items in inner for child in items if type(child) is list or type(child) is dict]
        if not level:
            return False
    return True
