"""One article: its text, where it belongs, what it shares with others, its revisions."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from wirecopy.web.http import queries
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.page import rendering
from wirecopy.web.service import RunningService

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector

_MOST_MATCHES = 100


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /articles/{id}?revision=."""
    article_id = check_id(call.id)
    values = {name: value for name, value in call.query.items() if value}
    revision = queries.integer(values, "revision", 1, 1, 10**9) if "revision" in values else None
    data, aside = await service.owner.ask(lambda d: _article_in(d, article_id, revision))
    call.story = data["article"].story
    return rendering.answer(service, call, "article.html", data, **rendering.travelling(aside))


def _article_in(detector: "Detector", article_id: str, revision: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    article = detector.article(article_id, revision)
    found = detector.matches(article_id)[:_MOST_MATCHES]
    others = {document.id: document for document in detector.documents([match.id for match in found])}
    shown = [match for match in found if match.id in others]
    lines = detector.lines([article.story])
    line = lines[0] if lines else None
    is_hidden = line is None or (revision is None and article_id not in detector.members_of(article.story))
    data = {"article": article, "matches": shown, "revisions": detector.revisions(article_id)}
    return data, {"others": others, "line": line, "is_hidden": is_hidden, "asked": revision}
