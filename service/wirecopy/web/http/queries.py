"""Parameters of a query, read strictly: a misspelt or repeated one is told, not ignored."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import cast, get_args
from urllib.parse import parse_qsl

from aiohttp import web

from wirecopy.config import Keep
from wirecopy.errors import InvalidArticle
from wirecopy.schema.dates import parse_published
from wirecopy.web.http.problems import InvalidParameter, MalformedRequest

POLICIES: tuple[str, ...] = get_args(Keep)
_MAX_PARAMETERS = 20


def read(request: web.BaseRequest, allowed: AbstractSet[str]) -> dict[str, str]:
    """Return the parameters of the request. Raises MalformedRequest (no UTF-8) and InvalidParameter."""
    query = request.rel_url.raw_query_string
    if not query:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise MalformedRequest("the query is not UTF-8, or has too many parameters") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise InvalidParameter("a parameter is given twice")
    check_names(values, allowed)
    return values


def check_names(values: Mapping[str, str], allowed: AbstractSet[str]) -> None:
    """Raise InvalidParameter for the first parameter that is not one of `allowed`."""
    for name in values:
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise InvalidParameter(f"there is no parameter {name[:60]!r} here; known: {known}")


def source_page(values: Mapping[str, str], default: int, most: int) -> tuple[str | None, str | None, int]:
    """Return the source, the cursor and the limit of a page of what is listed by source. Raises as `integer` does."""
    return values.get("source"), values.get("cursor"), integer(values, "limit", default, 1, most)


def policy(values: Mapping[str, str]) -> Keep | None:
    """Return the policy by which an answer tells who stands for a story, None for the one that is set. Raises as
    `read`.
    """
    name = values.get("keep")
    if name is None:
        return None
    if name not in POLICIES:
        raise InvalidParameter(f"keep must be one of {', '.join(POLICIES)}")
    return cast(Keep, name)


def integer(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """Return the parameter as a whole number from `low` to `high`. Raises InvalidParameter."""
    text = values.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise InvalidParameter(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def boolean(values: Mapping[str, str], name: str) -> bool:
    """Return whether the parameter is true; without it, it is not. Raises InvalidParameter."""
    text = values.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidParameter(f"{name} must be true or false")
    return text == "true"


def moment(values: Mapping[str, str], name: str) -> int | None:
    """Return the parameter as milliseconds since 1970 UTC, None when it is not given. Raises InvalidParameter."""
    text = values.get(name)
    if text is None:
        return None
    try:
        return parse_published(text)
    except InvalidArticle:
        raise InvalidParameter(f"{name} must be an RFC 3339 time or a date (2024-08-12T09:30:00Z)") from None
