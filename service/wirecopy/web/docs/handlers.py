"""Handlers of the description of the API: /openapi.json for programs, /docs for people."""

from functools import cache

from aiohttp import web

from wirecopy.web.docs import page
from wirecopy.web.docs.openapi import as_json, describe
from wirecopy.web.http import replies
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService


async def openapi(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /openapi.json: what the service takes and answers."""
    return replies.content(as_json(), "application/json")


async def docs(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /docs: the same, to read."""
    body, policy = _page()
    return replies.content(body, "text/html; charset=utf-8", {"Content-Security-Policy": policy})


@cache
def _page() -> tuple[bytes, str]:
    return page.render(describe())
