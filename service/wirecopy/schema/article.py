"""`Article` and `parse(bytes)`: the one schema of every edge.

A line of a file and the body of a request become an `Article` here and nowhere else. JSON is read by orjson. Lone
surrogates, which JSON can spell (`\\ud83d` alone) and UTF-8 cannot hold, make orjson refuse; such input is read again
with the standard library and the surrogates become U+FFFD. The cost beyond orjson is one to two microseconds.
"""

import json
import re
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Literal, Never, get_args

import orjson
from msgspec import Struct, structs

from wirecopy.config import Limits
from wirecopy.errors import InvalidArticle, MalformedArticle
from wirecopy.schema.dates import format_published, parse_published
from wirecopy.schema.names import FIELDS as FIELDS
from wirecopy.schema.names import FieldNames, text_in
from wirecopy.schema.names import without_surrogates as without_surrogates

_SOURCE = FIELDS.index("source")
Status = Literal["usable", "withheld", "canceled"]  # IPTC's words for the publication status of an item

_NAMES = FieldNames()
_STATUSES = get_args(Status)
_MARK = b"\xef\xbb\xbf"
_MOST_VERSIONS = 10**15
_STATUS_WORDS = {  # what other systems call them
    **dict.fromkeys(("usable", "publish", "published", "live", "active", "approved", "ok"), "usable"),
    **dict.fromkeys(("withheld", "embargoed", "draft", "pending", "private", "unpublished"), "withheld"),
    **dict.fromkeys(("canceled", "cancelled", "killed", "retracted", "deleted"), "canceled"),
}
_TYPE_NAMES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "an array"}
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Article(Struct, frozen=True, gc=False):
    """One version of a text as some outlet sent it. `published` and `embargoed` are in milliseconds since 1970 UTC.

    A withheld article is shown to nobody, nor is one that is `embargoed`, before that moment; a canceled one was wrong,
    and may come without a text, which is empty then. Of two contents of one id the one with the lower `version`, or
    else with the earlier `updated` (milliseconds too), is the older, whichever comes last.
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
    version: int | None = None
    updated: int | None = None

    def __post_init__(self) -> None:
        """Take times in other forms than milliseconds. Raises InvalidArticle, which names the field."""
        for name in ("published", "embargoed", "updated"):
            value = getattr(self, name)
            if value is not None and type(value) is not int:
                structs.force_setattr(self, name, parse_published(value, name))

    if TYPE_CHECKING:

        def __init__(
            self,
            id: str,
            text: str,
            title: str | None = None,
            source: str | None = None,
            url: str | None = None,
            published: datetime | str | int | None = None,
            language: str | None = None,
            status: Status = "usable",
            embargoed: datetime | str | int | None = None,
            version: int | None = None,
            updated: datetime | str | int | None = None,
        ) -> None:
            """Take times as `datetime`, as texts in any form that feeds write, or in milliseconds since 1970."""

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], *, strict: bool = False, limits: Limits | None = None) -> "Article":
        """Return the article that a record describes, with the tolerance of every edge: see `intake`.

        What is left out is told by the warning FieldLeftOut; with `strict` it is refused. Raises InvalidArticle, which
        names the field.
        """
        left_out: list[str] = []
        values, labels = _NAMES.resolve(fields)
        values[1] = text_in(values[1], labels[1])
        article = build(values, limits or Limits(), labels, warn=None if strict else left_out.append)
        for reason in left_out:
            warnings.warn(reason, FieldLeftOut, stacklevel=2)
        return article


class FieldLeftOut(UserWarning):
    """A field of a record could not be read, and the article does without it."""


def parse(data: bytes, limits: Limits, mapping: Mapping[str, str] | None = None) -> Article:
    """Return the article that `data`, one JSON object, describes.

    `mapping` gives other names for fields: {"text": "body"} takes the text from `body`. Null is the same as absent;
    unknown fields are ignored. Raises MalformedArticle or InvalidArticle, nothing else.
    """
    return _from_names(decode(data, limits), limits, mapping)


def from_fields(fields: Mapping[str, Any], limits: Limits, mapping: Mapping[str, str] | None = None) -> Article:
    """Return the article that a mapping of decoded fields describes; lone surrogates become U+FFFD.

    Raises InvalidArticle, nothing else.
    """
    return _from_names({name: without_surrogates(value) for name, value in fields.items()}, limits, mapping)


def decode(data: bytes, limits: Limits) -> dict[str, Any]:
    """Return the JSON object in `data`, with no lone surrogates in its values of type string.

    Raises MalformedArticle (not JSON, not UTF-8, too deep) or InvalidArticle (no object).
    """
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        data = data.removeprefix(_MARK)  # where files were joined it may stand before any line
        fields = _decode_again(data, error)
    if type(fields) is not dict:
        raise InvalidArticle(f"an article must be a JSON object, not {_type_name(fields)}")
    for value in fields.values():
        if (type(value) is list or type(value) is dict) and _is_deeper(value, limits.max_depth - 1):
            raise MalformedArticle(f"nested more than {limits.max_depth} levels deep")
    return fields


def _from_names(fields: Mapping[str, Any], limits: Limits, mapping: Mapping[str, str] | None) -> Article:
    names = [mapping.get(name, name) for name in FIELDS] if mapping else FIELDS
    return build(list(map(fields.get, names)), limits, names)


def build(
    values: Sequence[Any],
    limits: Limits,
    names: Sequence[str] = FIELDS,
    zone: tzinfo = UTC,
    warn: Callable[[str], None] | None = None,
) -> Article:
    """Return the article of `values`, which run parallel to FIELDS; None is absent, `names` are the sender's.

    With `warn` an optional field that cannot be read is told to it and left out; an embargo that cannot be read makes
    the article withheld, since it must not be shown too early. Without, it is refused. Raises InvalidArticle.
    """
    article_id, text, title, source, url, published, language, status, embargoed, version, updated = values
    if type(article_id) is int:
        article_id = str(article_id)
    if type(article_id) is not str or not article_id:
        _refuse_required(0, article_id, names)
    if "\ufffd" in article_id:  # what could not be read of two ids must not make them one
        raise InvalidArticle(f"{_label(0, names)} holds a character that could not be read (U+FFFD or half of one)")
    if status is not None and status not in _STATUSES:
        status = _status(status, names, warn)
    if type(text) is not str or not text or text.isspace():
        if text is not None or status != "canceled":
            _refuse_required(1, text, names)
        text = ""  # a kill need not repeat what it kills
    _check_length("id", article_id, limits.max_id_bytes)
    _check_length("text", text, limits.max_text_bytes)
    surely_fits = limits.max_field_bytes // 4
    if source is not None and (type(source) is not str or len(source) > limits.max_source_bytes // 4):
        source = _optional(_SOURCE, source, limits, names, warn)
    for value in (title, url, language):
        if value is not None and (
            type(value) is not str
            or len(value) > (surely_fits if value is not source else limits.max_source_bytes // 4)
        ):
            title, url, language = (_optional(k, values[k], limits, names, warn) for k in (2, 4, 6))
            break
    if published is not None:
        published = _plausible(_moment(5, published, names, zone, warn), limits, names, warn)
    if embargoed is not None:
        embargoed = _moment(8, embargoed, names, zone, warn)
        status = "withheld" if embargoed is None and status != "canceled" else status
    if version is not None or updated is not None:
        version = None if version is None else _version(version, names, warn)
        updated = None if updated is None else _moment(10, updated, names, zone, warn)
        known: Any = status or "usable"
        return Article(article_id, text, title, source, url, published, language, known, embargoed, version, updated)
    if status is None and embargoed is None:
        return Article(article_id, text, title, source, url, published, language)
    return Article(article_id, text, title, source, url, published, language, status or "usable", embargoed)


def _optional(k: int, value: Any, limits: Limits, names: Sequence[str], warn: Callable[[str], None] | None) -> Any:
    """Return the optional text, None where it is none or too long. Raises InvalidArticle where nobody is to be
    warned.
    """
    if value is None:
        return None
    if type(value) is not str:
        _leave_out(InvalidArticle(f"{_label(k, names)} must be a string, not {_type_name(value)}"), warn)
        return None
    try:
        _check_length(_label(k, names), value, limits.max_source_bytes if k == _SOURCE else limits.max_field_bytes)
    except InvalidArticle as error:
        _leave_out(error, warn)
        return None
    return value


def _moment(
    k: int, value: object, names: Sequence[str], zone: tzinfo, warn: Callable[[str], None] | None
) -> int | None:
    if type(value) is str and not value.strip() and warn is not None:
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        _leave_out(InvalidArticle(f"{_label(k, names)} must be a time or a date, not {_type_name(value)}"), warn)
        return None
    try:
        return parse_published(value, _label(k, names), zone)
    except InvalidArticle as error:
        _leave_out(error, warn)
        return None


def _plausible(
    published: int | None, limits: Limits, names: Sequence[str], warn: Callable[[str], None] | None
) -> int | None:
    """Return the date, None where it cannot be one: the zero of a clock, or too far ahead of the clock."""
    if published is None:
        return None
    latest = time.time_ns() // 1_000_000 + round(limits.most_hours_ahead * 3_600_000)
    if parse_published(limits.earliest_published) <= published <= latest:
        return published
    _leave_out(InvalidArticle(f"{_label(5, names)} cannot be: {format_published(published)}"), warn or _ignore)
    return None


def _ignore(warning: str) -> None:
    """Say nothing: a date that cannot be is unknown, and no reason to refuse an article."""


def _version(value: object, names: Sequence[str], warn: Callable[[str], None] | None) -> int | None:
    if type(value) is int and 0 <= value < _MOST_VERSIONS:
        return value
    if type(value) is str and len(value) < 16 and value.isascii() and value.isdigit():
        return int(value)
    shown = repr(value[:60]) if type(value) is str else _type_name(value)
    _leave_out(InvalidArticle(f"{_label(9, names)} must be a whole number, not {shown}"), warn)
    return None


def _status(value: object, names: Sequence[str], warn: Callable[[str], None] | None) -> str | None:
    if type(value) is str and (known := _STATUS_WORDS.get(value.strip().lower())):
        return known
    shown = repr(value[:60]) if type(value) is str else _type_name(value)
    _leave_out(InvalidArticle(f"{_label(7, names)} must be usable, withheld or canceled, not {shown}"), warn)
    return None


def _leave_out(error: InvalidArticle, warn: Callable[[str], None] | None) -> None:
    """Tell `warn` what is left out. Raises the error where nobody is to be told."""
    if warn is None:
        raise error
    warn(str(error))


def _check_length(name: str, value: str, max_bytes: int) -> None:
    """Raise InvalidArticle when `value` takes more than `max_bytes` in UTF-8 (at most 4 bytes per character)."""
    if len(value) * 4 > max_bytes and len(value.encode()) > max_bytes:
        raise InvalidArticle(f"{name} is longer than {max_bytes} bytes")


def _refuse_required(k: int, value: object, names: Sequence[str]) -> Never:
    label = _label(k, names)
    if value is None:
        raise InvalidArticle(f"{label} is missing")
    if type(value) is str:
        raise InvalidArticle(f"{label} is empty")
    raise InvalidArticle(f"{label} must be a string, not {_type_name(value)}")


def _label(k: int, names: Sequence[str]) -> str:
    """Return how a message calls a field: by our name, and by the sender's where they differ."""
    return FIELDS[k] if names[k] == FIELDS[k] else f"{FIELDS[k]} ({names[k]})"


def _type_name(value: object) -> str:
    return "null" if value is None else _TYPE_NAMES.get(type(value), "an object")


def _decode_again(data: bytes, error: orjson.JSONDecodeError) -> Any:
    """Read JSON that orjson refused because of lone surrogates; raise MalformedArticle for every other cause."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as again:
        error = again
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
        return {name: without_surrogates(value) for name, value in fields.items()}
    return fields


def _refuse_constant(name: str) -> Never:
    raise MalformedArticle(f"not JSON: {name} is no JSON value")


def _is_deeper(value: Any, max_depth: int) -> bool:
    """Return whether arrays and objects nest more than `max_depth` levels deep in `value`; level by level, not
    recursive.
    """
    level = [value]
    for _ in range(max_depth):
        inner = [item.values() if type(item) is dict else item for item in level]
        level = [child for items in inner for child in items if type(child) is list or type(child) is dict]
        if not level:
            return False
    return True
