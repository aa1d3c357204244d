"""Handlers of what was refused."""

from aiohttp import web

from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
MAX_SEQ = 2**62


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/refused?after=&limit=: lines of bulk bodies that were refused lately, oldest first."""
    after = queries.integer(call.query, "after", 0, 0, MAX_SEQ)
    return replies.json(service.refused.page(after, queries.integer(call.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)))
