"""Answers: their bytes, and the headers that all of them carry."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web
from multidict import CIMultiDict

# Nothing of an answer may be guessed, framed, cached or sent on to others. The page of /docs replaces the policy.
SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "wirecopy",
    "X-Content-Type-Options": "nosniff",
}
_JSON = CIMultiDict({**SECURITY, "Content-Type": "application/json"})

_encode = msgspec.json.Encoder().encode


def json(value: Any, status: int = 200) -> web.Response:
    """An answer of one JSON value."""
    return web.Response(body=_encode(value), status=status, headers=_JSON)


def nothing() -> web.Response:
    """An answer that says no more than that it was done."""
    return web.Response(status=204, headers=SECURITY)


def content(body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer of any type."""
    return web.Response(body=body, headers={**SECURITY, **(headers or {}), "Content-Type": content_type})
