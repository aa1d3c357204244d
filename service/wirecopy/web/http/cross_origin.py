"""CORS: pages of listed origins may ask the API by script, with a key of theirs; cookies are never taken from them."""

from collections.abc import Sequence

from aiohttp import web

from wirecopy.web.http.replies import SECURITY

_METHODS = "GET, HEAD, POST, PUT, DELETE"
_HEADERS = "Authorization, Content-Type, Last-Event-ID, X-Request-Id"
_SHOWN = "Location, Retry-After, X-Request-Id"
_KEPT_SECONDS = "600"


def headers_for(request: web.BaseRequest, origins: Sequence[str]) -> dict[str, str]:
    """Return what an answer says to a script of the origin that asks; nothing to one that is not listed."""
    origin = request.headers.get("Origin")
    if not origins or origin is None:
        return {}
    if origin not in origins:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _SHOWN, "Vary": "Origin"}


def preflight(request: web.BaseRequest, headers: dict[str, str]) -> web.Response | None:
    """Return the answer to a browser that asks whether a script may ask; None for any other request."""
    if request.method != "OPTIONS" or "Access-Control-Allow-Origin" not in headers:
        return None
    if "Access-Control-Request-Method" not in request.headers:
        return None
    allowed = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _KEPT_SECONDS,
    }
    return web.Response(status=204, headers={**SECURITY, **headers, **allowed})
