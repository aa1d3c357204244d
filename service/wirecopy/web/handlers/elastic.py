"""POST /_bulk in the form of Elasticsearch, and the few questions that its shippers ask first.

    {"index": {"_index": "wire", "_id": "a1"}}      index, create: the next line is the document
    {"text": "...", "title": "..."}                 update: {"doc": {...}} changes some fields of what is kept
    {"delete": {"_id": "a0"}}                       delete: erases, and no line follows

The status of an item is that of its article, `errors` tells whether one failed. What ends a request early is the status
of the whole request, 503 above all: shippers send it again, which does no harm. Any index is taken, and forgotten.
Without `_id` the document's own id is taken, without one the digest of the document, so that sending again is a replay.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

import orjson
from aiohttp import web
from xxhash import xxh3_128_hexdigest

from wirecopy import errors
from wirecopy.schema.article import FIELDS, Article, decode
from wirecopy.schema.dates import format_published
from wirecopy.schema.version import VERSION
from wirecopy.web.http import body, problems, replies
from wirecopy.web.http.call import Call, check_body_id
from wirecopy.web.http.ndjson import HEAD_BYTES
from wirecopy.web.http.problems import TooLarge, UnsupportedType
from wirecopy.web.http.tally import Tally
from wirecopy.web.service import RunningService

MEDIA_TYPE = "application/x-ndjson"
_ACTIONS = ("index", "create", "update", "delete")
_MOST_TOGETHER = 128
_MOST_ACTIONS = 100_000  # of one request: their answers are held until all are there
_ELASTIC_VERSION = "8.11.0"  # whose bulk form this is; clients compare it with their own
_PRODUCT = {"X-Elastic-Product": "Elasticsearch"}  # clients refuse to talk to what does not say so
_DONE = {"created": 201, "updated": 200, "noop": 200, "deleted": 200}


class _Action(NamedTuple):
    """What an action line asks for; `error` is what is wrong with it, or with its document."""

    name: str
    into: str
    id: str | None
    source: bytes
    line: int
    error: str = ""


class _Item(NamedTuple):
    """What became of an action."""

    action: _Action
    id: str | None
    result: str
    status: int
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """Return it as Elasticsearch tells it."""
        item: dict[str, Any] = {"_index": self.action.into, "_id": self.id, "status": self.status}
        if self.reason:
            kind = "version_conflict_engine_exception" if self.status == 409 else "mapper_parsing_exception"
            item["error"] = {"type": kind, "reason": self.reason}
        else:
            item |= {"_version": 1, "result": self.result, "_shards": {"total": 1, "successful": 1, "failed": 0}}
        return {self.action.name: item}


async def bulk(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /_bulk, /{index}/_bulk. Raises as reading a body does, NotReady, StorageFailed."""
    started = time.perf_counter()
    headers = call.request.headers
    if "json" not in (media_type := headers.get("Content-Type", "").lower()):
        raise UnsupportedType(f"the body must be sent as {MEDIA_TYPE}, not {media_type[:60]!r}", Accept=MEDIA_TYPE)
    service.owner.check_room()
    await call.expect_body()
    coding = headers.get("Content-Encoding", "")
    data = await body.read_all(call.request, call.patience, call.share, service.web.max_body_bytes, coding)
    call.tally = Tally()
    run = _Run(service, call)
    items = [item async for item in run.items(_actions(data, _index_in(call)))]
    told = {
        "took": int((time.perf_counter() - started) * 1000),
        "errors": any(item.status >= 300 for item in items),
        "items": [item.told() for item in items],
    }
    response = _reply(told)
    response.headers.update(call.tally.headers())
    return response


class _Run:
    """The actions of one request, in order; index actions that follow each other are committed together."""

    def __init__(self, service: RunningService, call: Call) -> None:
        self._service = service
        self._call = call
        self._together: list[tuple[_Action, Article, list[str]]] = []

    async def items(self, actions: Iterator[_Action]) -> AsyncIterator[_Item]:
        """Yield what became of each action, in order. Raises what ends the request early."""
        for count, action in enumerate(actions):
            if count % _MOST_TOGETHER == 0:
                await asyncio.sleep(0)  # a dense body must not hold the others up
            if action.name != "index" or action.error:
                for item in await self._commit():
                    yield item
                yield await self._one(action)
                continue
            warnings: list[str] = []
            try:
                article = self._article(action, warnings)
            except errors.ArticleError as error:
                for item in await self._commit():
                    yield item
                yield self._refuse(action, error)
                continue
            self._together.append((action, article, warnings))
            if len(self._together) == _MOST_TOGETHER:
                for item in await self._commit():
                    yield item
        for item in await self._commit():
            yield item

    async def _commit(self) -> list[_Item]:
        """Return what became of the articles that wait to be stored."""
        together, self._together = self._together, []
        if not together:
            return []
        verdicts = await self._service.owner.submit_batch([article for _, article, _ in together])
        assert self._call.tally is not None
        items = []
        for (action, article, warnings), verdict in zip(together, verdicts, strict=True):
            self._call.tally.count(verdict, warnings)
            is_unchanged = verdict.replayed or verdict.superseded
            result = "noop" if is_unchanged else "updated" if verdict.revision > 1 else "created"
            items.append(_Item(action, article.id, result, 200 if is_unchanged else _DONE[result]))
        return items

    async def _one(self, action: _Action) -> _Item:
        """Return what becomes of an action that is not `index`, or that is wrong."""
        try:
            if action.error:
                raise errors.MalformedArticle(action.error)
            match action.name:
                case "delete":
                    return await self._delete(action)
                case "create":
                    return await self._create(action)
            return await self._update(action)
        except errors.ArticleError as error:
            return self._refuse(action, error)

    async def _delete(self, action: _Action) -> _Item:
        article_id = action.id or ""
        try:
            await self._service.owner.change(lambda detector, now: detector.erase(article_id, now))
        except errors.UnknownArticle:
            return _Item(action, article_id, "not_found", 404)
        return _Item(action, article_id, "deleted", 200)

    async def _create(self, action: _Action) -> _Item:
        """Do as `index`, unless another content is kept under the id."""
        warnings: list[str] = []
        article = self._article(action, warnings)
        kept = await self._kept(article.id)
        if kept is not None and kept != {name: value for name, value in _fields_of(article).items() if name in kept}:
            return _Item(action, article.id, "", 409, f"[{article.id}]: document already exists with another content")
        self._together.append((action, article, warnings))
        [item] = await self._commit()
        return item

    async def _update(self, action: _Action) -> _Item:
        """Return what is kept, with the fields of `doc` in place of its own; `upsert` where nothing is kept."""
        asked = decode(action.source, self._service.limits)
        if not isinstance(asked.get("doc"), dict):
            raise errors.InvalidArticle("an update must have an object as doc; scripts are not run here")
        kept = await self._kept(action.id or "")
        if kept is None:
            found = asked["doc"] if asked.get("doc_as_upsert") is True else asked.get("upsert")
            if not isinstance(found, dict):
                return _Item(action, action.id, "", 404, f"[{action.id}]: document missing")
        else:
            found = {**kept, **asked["doc"]}
        warnings: list[str] = []
        article = check_body_id(self._service.intake.read({**found, "id": action.id}, warnings))
        self._together.append((action, article, warnings))
        [item] = await self._commit()
        return item

    async def _kept(self, article_id: str) -> dict[str, Any] | None:
        """Return the fields of the article that is kept under this id, as they are sent; None when there is none."""
        try:
            stored = await self._service.owner.ask(lambda detector: detector.article(article_id))
        except errors.UnknownArticle:
            return None
        kept: dict[str, Any] = {name: getattr(stored, name, None) for name in FIELDS}
        for name in ("published", "embargoed"):
            kept[name] = None if kept[name] is None else format_published(kept[name])
        return {name: value for name, value in kept.items() if value is not None}

    def _article(self, action: _Action, warnings: list[str]) -> Article:
        """Return the article of an action. Raises ArticleError."""
        intake = self._service.intake
        if action.id is not None:
            fields = {**decode(action.source, intake.limits), "id": action.id}
            return check_body_id(intake.read(fields, warnings))
        fields = decode(action.source, intake.limits)
        if intake.names_of(fields)[0] is None:
            fields = {**fields, "id": xxh3_128_hexdigest(action.source)}
        return check_body_id(intake.read(fields, warnings))

    def _refuse(self, action: _Action, error: errors.ArticleError) -> _Item:
        problem = problems.describe(error)
        assert self._call.tally is not None
        self._call.tally.refused += 1
        self._service.refused.add(self._call, action.line, action.source[:HEAD_BYTES], action.id, problem)
        return _Item(action, action.id, "", 400, problem.detail)


def _actions(data: bytes, index: str) -> Iterator[_Action]:
    """Yield the actions of a body; a broken action line fails alone, with the document behind it if one follows."""
    lines = iter(enumerate(data.split(b"\n"), 1))
    for number, line in lines:
        if not line.strip():
            continue
        if number > 2 * _MOST_ACTIONS:
            raise TooLarge(f"the body has more than {_MOST_ACTIONS} actions: send it in parts")
        action, of, error = _action_in(line)
        name = of.get("_index")
        common = (action, name if isinstance(name, str) else index, _id_of(of), b"", number)
        if action == "delete":
            yield _Action(*common, error or ("" if common[2] else "a delete must have an _id"))
            continue
        if error and not _is_action_like(line):
            yield _Action(*common, error)
            continue
        where, source = next(lines, (number, b""))
        missing = "" if source.strip() else "no document follows"
        needs_id = "an update must have an _id" if action == "update" and common[2] is None else ""
        yield _Action(*common[:3], source, where, error or needs_id or missing)


def _action_in(line: bytes) -> tuple[str, Mapping[str, Any], str]:
    """Return the name of the action in a line, what it says, and what is wrong with it."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "index", {}, "Malformed action/metadata line: it is not JSON"
    names = [name for name in found if name in _ACTIONS] if isinstance(found, dict) else []
    if len(names) != 1 or len(found) != 1:
        return "index", {}, f"Malformed action/metadata line: expected one of {', '.join(_ACTIONS)}"
    of = found[names[0]]
    return names[0], of if isinstance(of, dict) else {}, "" if isinstance(of, dict) else "its value must be an object"


def _is_action_like(line: bytes) -> bool:
    """Return whether a broken line was meant as an action, behind which a document comes."""
    return any(b'"%b"' % name.encode() in line[:40] for name in _ACTIONS)


def _id_of(of: Mapping[str, Any]) -> str | None:
    found = of.get("_id")
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None


def _fields_of(article: Article) -> dict[str, Any]:
    fields = {name: getattr(article, name) for name in FIELDS}
    for name in ("published", "embargoed", "updated"):
        fields[name] = None if fields[name] is None else format_published(fields[name])
    return fields


def _index_in(call: Call) -> str:
    first = call.request.rel_url.raw_path.split("/")[1]
    return "wirecopy" if first.startswith("_") else first


def _reply(value: Any) -> web.StreamResponse:
    response = replies.json(value)
    response.headers.update(_PRODUCT)
    return response


_ROUTES = {
    "openapi": "/openapi.json",
    "articles": "/v1/articles/{id}",
    "bulk": "/v1/bulk",
    "check": "/v1/check",
    "stories": "/v1/stories",
    "events": "/v1/events",
    "edits": "/v1/edits",
    "pins": "/v1/pins",
    "sources": "/v1/sources",
    "boilerplate": "/v1/boilerplate",
    "health": "/readyz",
    "metrics": "/metrics",
    "pages": "/stories",
}


async def root(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /: who this is and where everything is, in the form in which clients of Elasticsearch ask."""
    number = {"number": _ELASTIC_VERSION, "build_flavor": "default", "build_type": "wirecopy", "build_hash": VERSION}
    compatible = {"minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"}
    about = {"name": "wirecopy", "cluster_name": "wirecopy", "cluster_uuid": "wirecopy", "version": number | compatible}
    here = {"service": {"name": "wirecopy", "version": VERSION, "documentation": "/docs"}, "routes": _ROUTES}
    return _reply({**about, "tagline": "You Know, for Search", **here})


async def health(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /_cluster/health: green when articles are taken. Raises NotReady."""
    service.check_takes_work()
    nodes = {"number_of_nodes": 1, "number_of_data_nodes": 1}
    return _reply({"cluster_name": "wirecopy", "status": "green", "timed_out": False, **nodes})


async def license(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /_license, for shippers that send nothing without one."""
    return _reply({"license": {"status": "active", "type": "basic", "mode": "basic", "uid": "wirecopy"}})


async def acknowledge(service: RunningService, call: Call) -> web.StreamResponse:
    """PUT and POST of templates, policies, pipelines, mappings, indices: taken, and forgotten."""
    return _reply({"acknowledged": True, "shards_acknowledged": True, "index": _index_in(call)})


async def nothing(service: RunningService, call: Call) -> web.StreamResponse:
    """GET and HEAD of the same: there, and empty."""
    return _reply({})
