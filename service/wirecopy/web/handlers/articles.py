"""Handlers of articles. What goes wrong is raised, and answered in one place."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from wirecopy.errors import InvalidArticle
from wirecopy.schema import ninjs, wire
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article, parse, parse_named
from wirecopy.schema.ninjs import is_media_type
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.http.problems import InvalidParameter

if TYPE_CHECKING:
    from wirecopy.web.app import App

_SHORT_ITEM_BYTES = 64 * 2**10


_MOST_REVISIONS = 10**9


async def put(app: "App", call: Call) -> web.StreamResponse:
    """PUT /v1/articles/{id}: the verdict, once the article is on disk."""
    app.intake.check_room()
    article_id = check_id(call.id)
    data = await call.read_json()
    if is_media_type(call.request.headers.get("Content-Type", "")):
        article = await _parse_item(app, data, article_id)
    else:
        article = parse_named(data, app.limits, article_id)
    return _tell(call, await app.intake.ingest(article))


async def post(app: "App", call: Call) -> web.StreamResponse:
    """POST /v1/articles: the same with the id in the body."""
    app.intake.check_room()
    article = await _read_article(app, call)
    response = _tell(call, await app.intake.ingest(article))
    response.headers["Location"] = f"/v1/articles/{quote(article.id, safe='')}"
    return response


async def check(app: "App", call: Call) -> web.StreamResponse:
    """POST /v1/check: the verdict that the article would get; nothing is stored."""
    article = await _read_article(app, call)
    verdict = await app.intake.ask(lambda detector: detector.check(article))
    call.story = verdict.story
    return replies.json(verdict)


async def get(app: "App", call: Call) -> web.StreamResponse:
    """GET /v1/articles/{id}?revision=&keep=: the article as it is kept, or an earlier revision as it was."""
    article_id, revision, keep = check_id(call.id), _revision_in(call.query), queries.policy(call.query)
    article = await app.intake.ask(lambda detector: detector.article(article_id, revision, keep=keep))
    call.story = article.story
    return replies.json(wire.stored(article))


async def get_by_query(app: "App", call: Call) -> web.StreamResponse:
    """GET /v1/articles?id=: the same, for clients behind a proxy that decodes paths."""
    call.id = _id_in_query(call)
    return await get(app, call)


async def delete(app: "App", call: Call) -> web.StreamResponse:
    """DELETE /v1/articles/{id}: the article is gone with all its revisions, on disk too."""
    return await _erase(app, call)


async def delete_by_query(app: "App", call: Call) -> web.StreamResponse:
    """DELETE /v1/articles?id=: the same, for clients behind a proxy that decodes paths."""
    call.id = _id_in_query(call)
    return await _erase(app, call)


async def revisions(app: "App", call: Call) -> web.StreamResponse:
    """GET /v1/articles/{id}/revisions: what each revision changed."""
    article_id = check_id(call.id)
    found = await app.intake.ask(lambda detector: detector.revisions(article_id))
    return replies.json(wire.Revisions(article_id, [wire.revision(one) for one in found]))


async def matches(app: "App", call: Call) -> web.StreamResponse:
    """GET /v1/articles/{id}/matches: all its verified matches."""
    article_id = check_id(call.id)
    found = await app.intake.ask(lambda detector: detector.matches(article_id))
    return replies.json(wire.Matches(article_id, found))


def check_body_id(article: Article) -> Article:
    """Return the article. Raises InvalidArticle for an id that no path could hold."""
    if article.id in (".", ".."):
        raise InvalidArticle("id must not be '.' or '..'")
    return article


async def _erase(app: "App", call: Call) -> web.StreamResponse:
    article_id = check_id(call.id)
    await app.intake.change(lambda detector, now: detector.erase(article_id, now))
    return replies.nothing()


def _revision_in(values: dict[str, str]) -> int | None:
    return queries.integer(values, "revision", 1, 1, _MOST_REVISIONS) if "revision" in values else None


def _id_in_query(call: Call) -> str:
    if "id" not in call.query:
        raise InvalidParameter("the parameter id is missing: /v1/articles?id=...")
    return call.query["id"]


async def _read_article(app: "App", call: Call) -> Article:
    data = await call.read_json()
    is_item = is_media_type(call.request.headers.get("Content-Type", ""))
    article = check_body_id(await _parse_item(app, data) if is_item else parse(data, app.limits))
    call.id = article.id
    return article


async def _parse_item(app: "App", data: bytes, article_id: str | None = None) -> Article:
    """The article in a ninjs item; long markup is read in a thread of its own."""
    if len(data) <= _SHORT_ITEM_BYTES:
        return ninjs.parse(data, app.limits, article_id)
    return await app.intake.work_aside(lambda: ninjs.parse(data, app.limits, article_id))


def _tell(call: Call, verdict: Verdict) -> web.StreamResponse:
    call.story = verdict.story
    return replies.json(verdict, 200 if verdict.replayed or verdict.revision > 1 else 201)
