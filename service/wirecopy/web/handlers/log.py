"""Handlers of the log: everything that is stored, for whoever keeps a copy."""

from aiohttp import web

from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000
MAX_NUMBER = 2**62


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/log?after=&limit=&texts=: records that are on disk, in order. Raises Damaged, Overloaded."""
    after = queries.integer(call.query, "after", 0, 0, MAX_NUMBER)
    limit = queries.integer(call.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    texts = queries.boolean(call.query, "texts")
    page = await service.owner.ask_in_parts(lambda detector: detector.log_in_parts(after, limit, with_texts=texts))
    return replies.json(page)
