"""The style sheet, the script and the icon of the page: files of the package, kept by browsers until they change."""

import hashlib
from functools import cache
from importlib import resources

from aiohttp import web

from wirecopy.web.http import replies
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /page.css, /page.js, /icon.svg: 304 for a browser that has it."""
    name = call.route[1:].replace("favicon.ico", "icon.svg")
    body, tag = _file(name)
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if call.request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={**replies.SECURITY, **headers})
    return replies.content(body, _TYPES[name.rpartition(".")[2]], headers)


@cache
def _file(name: str) -> tuple[bytes, str]:
    body = resources.files("wirecopy.web.page").joinpath("static", name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
