"""/openapi.json: the API described in OpenAPI 3.1, its schemas made of the types that travel.

What a route takes and answers is listed here once; /docs is rendered from the result, and the tests hold the running
service to it.
"""

import re
from functools import cache
from typing import Any

import msgspec

from wirecopy.schema import wire
from wirecopy.schema.answers import Comparison, Pin, Reasons, Verdict
from wirecopy.schema.formats import known
from wirecopy.schema.log import LogPage
from wirecopy.schema.version import VERSION
from wirecopy.web.docs.bulk_paths import bulk_paths, shipper_paths
from wirecopy.web.docs.edit_paths import editing_paths
from wirecopy.web.docs.log_paths import log_paths
from wirecopy.web.docs.pieces import ANYWHERE as _ANYWHERE
from wirecopy.web.docs.pieces import ID as _ID
from wirecopy.web.docs.pieces import REFERENCE as _REFERENCE
from wirecopy.web.docs.pieces import WITH_BODY as _WITH_BODY
from wirecopy.web.docs.pieces import content as _content
from wirecopy.web.docs.pieces import json_answer as _json
from wirecopy.web.docs.pieces import name_of
from wirecopy.web.docs.pieces import operation as _operation
from wirecopy.web.docs.pieces import problems_of as _problems
from wirecopy.web.docs.pieces import query as _query
from wirecopy.web.handlers import event_stream, events, stories
from wirecopy.web.http import queries

_TYPES = (
    *(
        Verdict,
        wire.ArticleInput,
        wire.Stored,
        wire.Revisions,
        wire.Matches,
        wire.Story,
        wire.StoryPage,
        wire.SourcePage,
    ),
    *(
        Comparison,
        Reasons,
        wire.PairTexts,
        wire.EventPage,
        wire.Delivery,
        wire.BoilerplatePage,
        wire.Cleared,
        wire.Compacted,
        wire.ClockTaken,
    ),
    *(Pin, wire.MergeInput, wire.SplitInput, wire.Split, wire.PinInput, wire.PinList, wire.Moved),
    *(wire.CorrectionInput, wire.ReasonInput, wire.Action, wire.ActionPage, wire.FoundPage),
    *(LogPage, wire.BulkAnswer, wire.RefusedPage, wire.SkippedItem, wire.Problem, wire.Health, wire.Readiness),
)
_TIMED_NAME = re.compile(  # `Story[Time]` as msgspec names its schema, and in its title
    r"_typing\.Annotated_datetime\.datetime__msgspec\.Meta_tz_True_+|\[typing\.Annotated\[[^]]*\]\]"
)

_INTRODUCTION = """\
Send articles, get the story of each: copies and rewrites of one text together, look-alikes apart. What was answered \
with 200 or 201 is on disk.

Ids may hold any Unicode; in paths they are percent-encoded UTF-8, a slash is written %2F. Times are RFC 3339 in UTC. \
Every error is a problem (RFC 9457); 429 and 503 carry Retry-After. Every answer carries X-Request-Id, the caller's \
own where it sent one."""

_EXAMPLE = {
    "id": "wire-1",
    "title": "Harbour bridge closed after storm",
    "text": "The harbour bridge was closed to all traffic on Monday after gusts of 140 km/h damaged two cables.",
    "source": "example-wire",
    "published": "2026-03-02T09:30:00Z",
}


@cache
def as_json() -> bytes:
    """Return the description as JSON."""
    return msgspec.json.format(msgspec.json.encode(describe()), indent=1)


def _with_plain_names(components: Any) -> Any:
    """Return the schemas under the names of their types, where msgspec adds how moments are told."""
    encoded = msgspec.json.encode(components).decode()
    return msgspec.json.decode(_TIMED_NAME.sub("", encoded))


@cache
def describe() -> dict[str, Any]:
    """Return the description, as decoded JSON."""
    _, schemas = _with_plain_names(msgspec.json.schema_components(_TYPES, ref_template=_REFERENCE))
    return {
        "openapi": "3.1.0",
        "info": {"title": "wirecopy", "version": VERSION, "description": _INTRODUCTION, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "articles", "description": "Send articles, read what became of them."},
            {"name": "stories", "description": "Articles grouped."},
            {"name": "events", "description": "What changed, in order."},
            {"name": "boilerplate", "description": "What sources repeat, which counts as no evidence."},
            {"name": "shippers", "description": "The bulk form of Elasticsearch."},
            {"name": "operation", "description": "Health, metrics, this description."},
        ],
        "paths": {
            **_article_paths(),
            **_story_paths(),
            **_source_paths(),
            **editing_paths(),
            **_event_paths(),
            **_boilerplate_paths(),
            **log_paths(),
            **_operation_paths(),
            **shipper_paths(),
        },
        "webhooks": _webhooks(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of auth.keys."}},
        },
        "security": [{"key": []}, {}],
    }


def _article_paths() -> dict[str, Any]:
    verdicts = {
        201: _json("The verdict of a new article, now on disk.", Verdict),
        200: _json("The verdict of a revision, or (replayed) the one given to the same content before.", Verdict),
    }
    number = {"type": "integer", "minimum": 1, "maximum": 10**9}
    revision = _query("revision", number, "Which revision; without, the newest.")
    gone = {204: {"description": "It is gone, on disk."}}
    return {
        "/v1/articles/{id}": {
            "parameters": [_ID],
            "put": _operation(
                "put_article",
                "articles",
                "Store an article and tell its story",
                "The same content again changes nothing (`replayed`). Other content is a new revision, whose story is "
                "decided anew. An id in the body may be left out; it must equal the path's.",
                verdicts,
                _WITH_BODY,
                body=_article_body(),
            ),
            "get": _operation(
                "get_article",
                "articles",
                "An article as it is kept",
                "Its current verdict's fields, its own, and its text when texts are kept. An earlier revision as it "
                "was decided then.",
                {200: _json("The article.", wire.Stored)},
                (*_ANYWHERE, 404, 422),
                parameters=[revision, _keep()],
            ),
            "delete": _operation(
                "delete_article",
                "articles",
                "Erase an article",
                "With all its revisions: text, trace, keys, matches. Its story is decided anew, its id is new again. "
                "What is left is its id and the moment, in the feed. Until `compact` files may hold bytes of it.",
                gone,
                (*_ANYWHERE, 404, 422),
            ),
        },
        **_posted_article_paths(verdicts, gone, revision),
        **_article_question_paths(),
    }


def _posted_article_paths(verdicts: dict[int, Any], gone: dict[int, Any], revision: dict[str, Any]) -> dict[str, Any]:
    asked = {"name": "id", "in": "query", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "/v1/articles": {
            "post": _operation(
                "post_article",
                "articles",
                "Store an article whose id is in the body",
                "For clients that cannot put any id into a path.",
                verdicts,
                _WITH_BODY,
                body=_article_body("id"),
            ),
            "get": _operation(
                "get_article_by_query",
                "articles",
                "An article by a query, or the articles that hold some words",
                "With `id` the article, for clients behind a proxy that decodes paths. With `q` the newest articles "
                'whose title or text holds all its words: "words together", -without, begin*. One of them is needed; '
                "`revision` and `keep` go with `id`, the others with `q`.",
                {200: _json_of_either("The article, or a page of articles.", wire.Stored, wire.FoundPage)},
                (*_ANYWHERE, 404, 422),
                parameters=[{**asked, "required": False}, revision, _keep(), *_search_parameters()],
            ),
            "delete": _operation(
                "delete_article_by_query",
                "articles",
                "Erase an article by a query",
                "For clients behind a proxy that decodes paths.",
                gone,
                (*_ANYWHERE, 404, 422),
                parameters=[asked],
            ),
        },
    }


def _revision_page() -> list[dict[str, Any]]:
    return [
        _query("after", {"type": "integer", "minimum": 0, "maximum": 10**9}, "The last that is known."),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "Of a page."),
    ]


def _article_question_paths() -> dict[str, Any]:
    revisions = {
        "/v1/articles/{id}/revisions": {
            "parameters": [_ID],
            "get": _operation(
                "get_revisions",
                "articles",
                "The revisions of an article, each with what it changed",
                "Headline, paragraphs, numbers.",
                {200: _json("In order.", wire.Revisions)},
                (*_ANYWHERE, 404, 422),
                parameters=_revision_page(),
            ),
        },
    }
    return revisions | _match_paths()


def _match_paths() -> dict[str, Any]:
    return {
        "/v1/articles/{id}/matches": {
            "parameters": [_ID],
            "get": _operation(
                "get_matches",
                "articles",
                "All verified matches of an article",
                "Best first; the articles may belong to other stories.",
                {200: _json("The matches.", wire.Matches)},
                (*_ANYWHERE, 404, 422),
            ),
        },
        "/v1/articles/{id}/matches/{other}": {
            "parameters": [_ID, {**_ID, "name": "other"}],
            "get": _operation(
                "explain_match",
                "articles",
                "Why two articles match, or do not",
                "Shared passages with their offsets, the paragraphs of each marked shared, reworded or only here, "
                "numbers and quotations that changed, the features and the score. Where texts are not kept, offsets "
                "are in words.",
                {200: _json("What they share.", Comparison)},
                (*_ANYWHERE, 404, 422),
            ),
            "post": _operation(
                "explain_match_of_texts",
                "articles",
                "Why two articles match, with the caller's texts",
                "For services that keep no texts: both are given, and must have the words of the articles. Nothing is "
                "stored.",
                {200: _json("What they share.", Comparison)},
                (*_WITH_BODY, 404),
                body={"application/json": {"schema": {"$ref": _REFERENCE.format(name="PairTexts")}}},
            ),
        },
        **bulk_paths(),
        "/v1/check": {
            "post": _operation(
                "check_article",
                "articles",
                "The verdict an article would get",
                "Nothing is stored.",
                {200: _json("The verdict.", Verdict)},
                _WITH_BODY,
                body=_article_body("id"),
            ),
        },
    }


def _limit() -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": stories.MAX_LIMIT, "default": stories.DEFAULT_LIMIT}


def _search_parameters() -> list[dict[str, Any]]:
    return [
        _query("q", {"type": "string"}, "Words to be found."),
        _query("source", {"type": "string"}, "With q: only of this source."),
        _query("language", {"type": "string"}, "With q: only in this language."),
        _query("since", {"type": "string"}, "With q: only what came at that time or later (RFC 3339, or a date)."),
        _query("cursor", {"type": "string"}, "With q: the cursor of the page before."),
        _query("limit", _limit(), "With q: articles per page."),
    ]


def _json_of_either(description: str, *types: type[msgspec.Struct]) -> dict[str, Any]:
    references = [{"$ref": _REFERENCE.format(name=name_of(of))} for of in types]
    return {"description": description, "content": {"application/json": {"schema": {"anyOf": references}}}}


def _source_paths() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": stories.MAX_LIMIT, "default": stories.DEFAULT_LIMIT}
    return {
        "/v1/sources": {
            "get": _operation(
                "list_sources",
                "stories",
                "How much of each source is copied from whom",
                "By name. An article counts as a copy of the earliest article of another source in its story that "
                "it is a copy of, else as a rewrite of the earliest that it is a rewrite of.",
                {200: _json("A page of sources.", wire.SourcePage)},
                (*_ANYWHERE, 422),
                parameters=[
                    _query("source", {"type": "string"}, "Only this source."),
                    _query("cursor", {"type": "string"}, "The cursor of the page before."),
                    _query("limit", limit, "Sources per page."),
                ],
            ),
        },
    }


def _story_paths() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": stories.MAX_LIMIT, "default": stories.DEFAULT_LIMIT}
    size = {"type": "integer", "minimum": 1, "maximum": stories.MAX_SIZE, "default": 1}
    return {
        "/v1/stories/{id}": {
            "parameters": [_ID],
            "get": _operation(
                "get_story",
                "stories",
                "A story with its members",
                "Each member with its relation to, and the score of, its best match in the story.",
                {200: _json("The story.", wire.Story), 308: _json("It was merged; see Location.", wire.Moved)},
                (*_ANYWHERE, 404, 422),
                parameters=[_keep()],
            ),
        },
        "/v1/stories/{id}/why": {
            "parameters": [_ID],
            "get": _operation(
                "why_story",
                "stories",
                "What holds a story together",
                "For each member its best match in the story, and the mean log-odds to all that it was compared with.",
                {200: _json("The links.", Reasons)},
                (*_ANYWHERE, 404, 422),
                parameters=[_keep()],
            ),
        },
        "/v1/stories": {
            "get": _operation(
                "list_stories",
                "stories",
                "Stories, newest first",
                "A page at a time; `cursor` of one page asks for the next.",
                {200: _json("A page of stories.", wire.StoryPage)},
                (*_ANYWHERE, 422),
                parameters=[
                    _query("q", {"type": "string"}, "Stories with an article that holds these words."),
                    _query("since", {"type": "string"}, "Stories first seen at or after this time or date."),
                    _query("source", {"type": "string"}, "Stories with a member of this source."),
                    _query("min_size", size, "Stories of at least so many members."),
                    _keep(),
                    _query("cursor", {"type": "string"}, "The cursor of the page before."),
                    _query("limit", limit, "Stories per page."),
                ],
            ),
        },
    }


def _event_paths() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": events.MAX_LIMIT, "default": events.DEFAULT_LIMIT}
    after = {"type": "integer", "minimum": 0, "maximum": events.MAX_SEQ, "default": 0}
    page = _json("A page of events, or all of them as they come.", wire.EventPage)
    streamed = {event_stream.MEDIA_TYPE: {"schema": {"type": "string"}}}
    return {
        "/v1/events": {
            "get": _operation(
                "list_events",
                "events",
                "What changed, in order",
                "Numbered from 1 without gaps; who applies all of them has the stories. 410: `after` is older than "
                "what is kept. With Accept: text/event-stream as server-sent events, as they come, without an end: "
                "`id` is the number, `event` the type, `data` an Event. 503: as many streams are open as there may be.",
                {200: {**page, "content": {**page["content"], **streamed}}},
                (*_ANYWHERE, 410, 422),
                parameters=[
                    _query("after", after, "The number of the last event that is known."),
                    _query("limit", limit, "Events per page; not of a stream."),
                    {
                        "name": "Last-Event-ID",
                        "in": "header",
                        "schema": after,
                        "description": "Of a stream: the number of the last event that came; wins over `after`.",
                    },
                ],
            ),
        },
    }


def _webhooks() -> dict[str, Any]:
    """Return what the service itself sends."""
    signature = {"name": "Wirecopy-Signature", "in": "header", "required": True, "schema": {"type": "string"}}
    delivered = {
        "operationId": "deliver_events",
        "tags": ["events"],
        "summary": "Events, delivered in order, at least once",
        "description": "To each of `webhooks.to`. The signature is t=SECONDS,v1=HMAC-SHA256 of the seconds, a dot and "
        "the body, in hexadecimal digits.",
        "parameters": [signature],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name="Delivery")}}},
        },
        "responses": {"2XX": {"description": "Taken; anything else is tried again."}},
    }
    return {"events": {"post": delivered}}


def _boilerplate_paths() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": stories.MAX_LIMIT, "default": stories.DEFAULT_LIMIT}
    source = _query("source", {"type": "string"}, "The source; empty for articles without one.")
    return {
        "/v1/boilerplate": {
            "get": _operation(
                "list_boilerplate",
                "boilerplate",
                "What sources repeat",
                "Passages that a source repeats in so many articles (`detection.boilerplate_stories`) that they count "
                "as no evidence in its further ones. Source by source, of each the most frequent first; a page may "
                "hold fewer passages than asked for and still have a next one. Found by reading the indexed articles "
                "of the sources: a question for people, not for every second.",
                {200: _json("A page of passages.", wire.BoilerplatePage)},
                (*_ANYWHERE, 422),
                parameters=[
                    {**source, "description": f"Only this source. {source['description']}"},
                    _query("cursor", {"type": "string"}, "The cursor of the page before."),
                    _query("limit", limit, "Passages per page."),
                ],
            ),
            "delete": _operation(
                "clear_boilerplate",
                "boilerplate",
                "Forget what a source repeats",
                "From now on it is learnt anew, from articles that come; what was decided stays as it is.",
                {200: _json("It is forgotten, on disk.", wire.Cleared)},
                (*_ANYWHERE, 422),
                parameters=[{**source, "required": True}],
            ),
        },
    }


def _operation_paths() -> dict[str, Any]:
    def plain(name: str, summary: str, answers: dict[int, Any], refused: tuple[int, ...] = (500,)) -> dict[str, Any]:
        return {"get": {**_operation(name, "operation", summary, "", answers, refused), "security": [{}]}}

    text = {"schema": {"type": "string"}}
    metrics = plain("metrics", "Counters and gauges for Prometheus", {200: _content("Metrics.", "text/plain", text)})
    metrics["get"] = {**metrics["get"], "security": [{"key": []}, {}]}
    metrics["get"]["responses"] |= _problems((401, 403, 429))
    return {
        "/v1/admin/compact": {
            "post": _operation(
                "compact",
                "operation",
                "Leave no byte of what was deleted in the files",
                "The database is written anew, which takes as long as copying it; articles wait meanwhile. 503 when "
                "another process reads it, a backup for instance, 507 when the disk has no room for a copy.",
                {200: _json("Done.", wire.Compacted)},
                (*_ANYWHERE, 422, 507),
            )
        },
        "/v1/admin/clock": {
            "post": _operation(
                "confirm_clock",
                "operation",
                "Say that the machine's clock is right",
                "A clock that was moved further than `service.max_clock_jump_seconds` is not believed: articles are "
                "stamped, shown and kept by the time as it was going on. This ends that at once.",
                {200: _json("It is believed.", wire.ClockTaken)},
                (*_ANYWHERE, 422),
            )
        },
        "/livez": plain("livez", "Whether the process answers", {200: _json("It does.", wire.Health)}),
        "/readyz": plain(
            "readyz",
            "Whether questions are answered; with ?role=writer, whether articles are taken",
            {200: _json("They are.", wire.Readiness)},
            (500, 503),
        ),
        "/metrics": metrics,
        "/openapi.json": plain(
            "openapi", "This description", {200: _content("It.", "application/json", {"schema": {"type": "object"}})}
        ),
        "/docs": plain("docs", "This description, to read", {200: _content("A page.", "text/html", text)}),
    }


def _article_body(*required: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": _REFERENCE.format(name="ArticleInput")}
    if required:
        named = {"required": list(required), "properties": {"id": {"type": "string", "minLength": 1}}}
        schema = {"allOf": [schema, named]}
    return {
        "application/json": {"schema": schema, "example": _EXAMPLE},
        **{
            media_type: {"schema": {"type": "object" if form.read is None else "string", "description": form.title}}
            for media_type, form in known.BY_MEDIA_TYPE.items()
        },
    }


def _keep() -> dict[str, Any]:
    policies = {"type": "string", "enum": list(queries.POLICIES)}
    return _query("keep", policies, "The policy by which `canonical` is told; without, the one that is set.")
