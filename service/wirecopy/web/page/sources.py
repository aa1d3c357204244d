"""Sources: how much of each is copied from whom, as tables and pictures."""

import time

from aiohttp import web

from wirecopy.schema.answers import Source
from wirecopy.web.http import queries
from wirecopy.web.http.call import Call
from wirecopy.web.page import pictures, rendering
from wirecopy.web.service import RunningService

_LIMIT, _MOST = 100, 500
_IN_NETWORK, _IN_BARS = 16, 20
_CALENDAR_DAYS = 26 * 7
_DAY = 86_400_000


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /sources?source=&cursor=&limit=."""
    values = {name: value for name, value in call.query.items() if value}
    source, cursor, limit = queries.source_page(values, _LIMIT, _MOST)
    found, following = await service.owner.ask_in_parts(
        lambda detector: detector.sources_in_parts(source=source, cursor=cursor, limit=limit)
    )
    volume: list[tuple[int, int]] = []
    if service.indexing is not None:
        since = time.time_ns() // 1_000_000 - _CALENDAR_DAYS * _DAY
        volume = await service.indexing.ask(lambda file: file.volume(since))
    days = [{"day": day, "articles": count} for day, count in volume]
    largest = sorted(found, key=lambda one: (-one.articles, one.source))
    edges = _edges(largest[:_IN_NETWORK])
    return rendering.answer(
        service, call, "sources.html", {"sources": found, "cursor": following, "days": days},
        bars=pictures.bars(largest[:_IN_BARS]), calendar=pictures.calendar(volume),
        network=pictures.network(edges), edges=edges, asked=source,
        more=rendering.path_of("sources", cursor=following) if following else None,
    )  # fmt: skip


def _edges(sources: list[Source]) -> list[tuple[str, str, int]]:
    """(from whom, who, how many articles) among these sources, the most first."""
    names = {one.source for one in sources}
    edges = [
        (origin.source, one.source, origin.copies + origin.rewrites)
        for one in sources
        for origin in one.copied_from
        if origin.source in names
    ]
    return sorted(edges, key=lambda edge: (-edge[2], edge[:2]))[:60]
