"""Handlers of articles. What goes wrong is raised, and answered in one place."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article
from wirecopy.schema.formats import known
from wirecopy.schema.formats.found import Format
from wirecopy.web.finding import find_articles
from wirecopy.web.handlers.stories import DEFAULT_LIMIT, MAX_LIMIT
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call, check_body_id, check_id
from wirecopy.web.http.problems import InvalidParameter
from wirecopy.web.search.index_file import Wanted
from wirecopy.web.service import RunningService

_SHORT_ITEM_BYTES = 2 * 2**10


_MOST_REVISIONS = 10**9
DEFAULT_REVISIONS = 50
MAX_REVISIONS = 200
_MOST_TOLD = 500  # characters of warnings in a header
_PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"  # beside letters and digits, what a header may hold as it is


async def put(service: RunningService, call: Call) -> web.StreamResponse:
    """PUT /v1/articles/{id}: the verdict, once the article is on disk."""
    service.owner.check_room()
    article_id = check_id(call.id)
    data = await call.read_json()
    warnings: list[str] = []
    form = known.of_content_type(call.request.headers.get("Content-Type", ""))
    if form is not None:
        article = await parse_item(service, form, data, warnings, article_id)
    else:
        article = service.intake.parse(data, warnings, article_id)
    return answer_verdict(call, await service.owner.ingest(article), warnings)


async def post(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/articles: the same with the id in the body."""
    service.owner.check_room()
    warnings: list[str] = []
    article = await _read_article(service, call, warnings)
    response = answer_verdict(call, await service.owner.ingest(article), warnings)
    response.headers["Location"] = f"/v1/articles/{quote(article.id, safe='')}"
    return response


async def check(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/check: the verdict that the article would get; nothing is stored."""
    article = await _read_article(service, call, [])
    verdict = await service.owner.ask(lambda detector: detector.check(article))
    call.story = verdict.story
    return replies.json(verdict)


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/articles/{id}?revision=&keep=: the article as it is kept, or an earlier revision as it was."""
    article_id, revision, keep = check_id(call.id), _revision_in(call.query), queries.policy(call.query)
    article = await service.owner.ask(lambda detector: detector.article(article_id, revision, keep=keep))
    call.story = article.story
    return replies.json(wire.stored(article))


async def get_by_query(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/articles?id=: the same, for clients behind a proxy that decodes paths; ?q=: those with some words."""
    if "q" in call.query:
        return await _find(service, call)
    call.id = _id_in_query(call)
    return await get(service, call)


async def delete(service: RunningService, call: Call) -> web.StreamResponse:
    """DELETE /v1/articles/{id}: the article is gone with all its revisions, on disk too."""
    return await _erase(service, call)


async def delete_by_query(service: RunningService, call: Call) -> web.StreamResponse:
    """DELETE /v1/articles?id=: the same, for clients behind a proxy that decodes paths."""
    call.id = _id_in_query(call)
    return await _erase(service, call)


async def revisions(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/articles/{id}/revisions?after=&limit=: what each revision changed, a page at a time."""
    article_id = check_id(call.id)
    after = queries.integer(call.query, "after", 0, 0, _MOST_REVISIONS)
    limit = queries.integer(call.query, "limit", DEFAULT_REVISIONS, 1, MAX_REVISIONS)
    texts, has_more = await service.owner.ask_in_parts(
        lambda detector: detector.revision_texts_in_parts(article_id, after, limit)
    )
    from wirecopy.detector.answers import views  # the compiled kernels: not before the service listens

    found = await service.owner.work_aside(partial(views.with_changes, texts))
    told = [wire.revision(one) for one in found if one.revision > after]
    return replies.json(wire.Revisions(article_id, told, told[-1].revision if has_more and told else None))


async def matches(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/articles/{id}/matches: all its verified matches."""
    article_id = check_id(call.id)
    found = await service.owner.ask(lambda detector: detector.matches(article_id))
    return replies.json(wire.Matches(article_id, found))


async def _find(service: RunningService, call: Call) -> web.StreamResponse:
    """Return the articles that hold some words, a page at a time."""
    values = call.query
    queries.check_names(values, {"q", "source", "language", "since", "cursor", "limit"})
    sources = (values["source"],) if "source" in values else ()
    wanted = Wanted(values["q"], sources, values.get("language"), queries.moment(values, "since"))
    limit = queries.integer(values, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    found, cursor = await find_articles(service, wanted, values.get("cursor"), limit)
    return replies.json(wire.FoundPage([wire.found(document) for document in found], cursor))


async def _erase(service: RunningService, call: Call) -> web.StreamResponse:
    article_id = check_id(call.id)
    await service.owner.change(lambda detector, now: detector.erase(article_id, now))
    if service.indexing is not None:
        service.indexing.forget(article_id)
    return replies.nothing()


def _revision_in(values: dict[str, str]) -> int | None:
    return queries.integer(values, "revision", 1, 1, _MOST_REVISIONS) if "revision" in values else None


def _id_in_query(call: Call) -> str:
    if "id" not in call.query:
        raise InvalidParameter("the parameter id is missing: /v1/articles?id=...")
    queries.check_names(call.query, {"id", "revision", "keep"})
    return call.query["id"]


async def _read_article(service: RunningService, call: Call, warnings: list[str]) -> Article:
    data = await call.read_json()
    form = known.of_content_type(call.request.headers.get("Content-Type", ""))
    if form is not None:
        article = check_body_id(await parse_item(service, form, data, warnings))
    else:
        article = check_body_id(service.intake.parse(data, warnings))
    call.id = article.id
    return article


async def parse_item(
    service: RunningService, form: Format, data: bytes, warnings: list[str], article_id: str | None = None
) -> Article:
    """Return the article in an item of the wire; markup that may take long is read in a process of its own."""
    request = service.reading(form)
    if len(data) <= _SHORT_ITEM_BYTES:
        article, told = known.read_one(request, data, article_id)
    else:
        article, told = await service.worker.run(known.read_one, request, data, article_id)
    warnings += told
    return article


def answer_verdict(call: Call, verdict: Verdict, warnings: Sequence[str]) -> web.StreamResponse:
    """Return the answer with a verdict, and with which fields were left out."""
    call.story = verdict.story
    call.warnings = len(warnings) or None
    is_known = verdict.replayed or verdict.superseded or verdict.revision > 1
    response = replies.json(verdict, 200 if is_known else 201)
    if warnings:
        response.headers["Wirecopy-Warning"] = quote("; ".join(warnings)[:_MOST_TOLD], safe=_PLAIN)
    return response
