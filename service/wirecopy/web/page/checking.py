"""Check: who has a text, how much of it, side by side. Nothing of it is stored."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from wirecopy import errors
from wirecopy.schema.article import Article, from_fields
from wirecopy.web.http.call import Call
from wirecopy.web.page import comparing, rendering
from wirecopy.web.page.fetching import fetch_text
from wirecopy.web.service import RunningService

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector

_MOST_BYTES = 4 * 2**20
_ID = "this text"


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /check: where a text is pasted, or a file dropped."""
    return _form(service, call, {"text": "", "title": ""})


async def post(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /check: who has it; with `with`, the two side by side."""
    fields = {name: values[0] for name, values in (await call.read_form(_MOST_BYTES)).items() if values}
    service.desk.sessions.check_token(call.session, fields.get("token", ""))
    given = await _given(service, fields)
    if not given["text"].strip():
        return _form(service, call, given, "check.empty")
    article = _article(service, given)
    if fields.get("with"):
        pair = await service.owner.ask(lambda d: d.pair_with(article, fields["with"]))
        found = await service.owner.ask(lambda d: d.documents([fields["with"]]))
        right = found[0] if found else None
        names: dict[str, Any] = {"revisions": None, "left": None, "right": right}
        return await comparing.answer(service, call, pair, rendering.travelling(names))
    data, others = await service.owner.ask(lambda d: _check(d, article))
    return rendering.answer(
        service, call, "checked.html", data, given=given, others=rendering.travelling(others),
        can_fetch=bool(service.desk.settings.fetch_hosts),
    )  # fmt: skip


def _form(service: RunningService, call: Call, given: dict[str, str], wrong: str | None = None) -> web.StreamResponse:
    status = 200 if wrong is None else 422
    hosts = service.desk.settings.fetch_hosts
    return rendering.answer(service, call, "check.html", {"problem": wrong}, status=status, given=given, hosts=hosts)


async def _given(service: RunningService, fields: dict[str, str]) -> dict[str, str]:
    """Return the text and title of a form: pasted, of a file, or of an address that may be fetched."""
    text, title = fields.get("text", ""), fields.get("title", "")
    if not text.strip():
        text = fields.get("file", "")
    if not text.strip() and fields.get("url", "").strip():
        text = await fetch_text(fields["url"].strip(), service.desk.settings.fetch_hosts)
    return {"text": text.replace("\x00", ""), "title": title}


def _article(service: RunningService, given: dict[str, str]) -> Article:
    return from_fields({"id": _ID, "text": given["text"], "title": given["title"] or None}, service.limits)


def _check(detector: "Detector", article: Article) -> tuple[dict[str, Any], dict[str, Any]]:
    if article.id in detector.places_of([article.id]):  # somebody gave an article this very id
        raise errors.UsageError(f"an article is called {_ID!r}: nothing can be checked beside it")
    verdict = detector.check(article)
    others = {document.id: document for document in detector.documents([match.id for match in verdict.matches])}
    shown = [match for match in verdict.matches if match.id in others]
    likely = [match for match in shown if match.score >= detector.least_score()]
    is_known = bool(likely) and verdict.match is not None
    unlikely = [match for match in shown if match not in likely]  # one may contain the other; nobody would join them
    return {"matches": likely, "unlikely": unlikely, "story": verdict.story if is_known else None}, others
