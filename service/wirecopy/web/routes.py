"""Which handler answers which method and path.

Paths are matched as they came, still percent-encoded, so that an id may hold a slash (%2F); the id is decoded here.
"""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from wirecopy.config import Role
from wirecopy.web.docs.handlers import docs, openapi
from wirecopy.web.handlers import (
    admin,
    articles,
    boilerplate,
    bulk,
    edits,
    elastic,
    events,
    explanations,
    log,
    operations,
    refusals,
    sources,
    stories,
    superdesk,
)
from wirecopy.web.http.call import Call
from wirecopy.web.http.problems import MalformedRequest, MethodNotAllowed, NoSuchPath
from wirecopy.web.page import table
from wirecopy.web.route import Handler, Route

_BEHIND = frozenset(("after", "limit"))
_PAGE = frozenset(("source", "cursor", "limit"))
_ARTICLES = frozenset(("id", "revision", "keep", "q", "source", "language", "since", "cursor", "limit"))
_STORIES = frozenset(("q", "since", "source", "min_size", "keep", "cursor", "limit"))

ARTICLE = Route(
    "/v1/articles/{id}",
    {"PUT": articles.put, "GET": articles.get, "DELETE": articles.delete},
    {"GET": frozenset(("revision", "keep"))},
    {"PUT": "write", "GET": "read", "DELETE": "erase"},
)
_SHIPPED: dict[str, Handler] = {"POST": elastic.bulk, "PUT": elastic.bulk}
_HARMLESS: dict[str, Handler] = {"GET": elastic.nothing, "PUT": elastic.acknowledge, "POST": elastic.acknowledge}
_WRITERS: Mapping[str, Role] = {"GET": "write", "PUT": "write", "POST": "write"}
INDEX = Route("/{index}", {"GET": elastic.nothing, "PUT": elastic.acknowledge}, None, _WRITERS, needs_detector=False)
# What shippers for Elasticsearch ask; they put parameters of their own into the query.
_OF_SHIPPERS = (
    Route("/", {"GET": elastic.root}, None, is_open=True, needs_detector=False),
    Route("/_bulk", _SHIPPED, None, _WRITERS),
    Route("/{index}/_bulk", _SHIPPED, None, _WRITERS),
    Route("/_cluster/health", {"GET": elastic.health}, None, _WRITERS),
    Route("/_license", {"GET": elastic.license}, None, _WRITERS, needs_detector=False),
    *(
        Route(template, _HARMLESS, None, _WRITERS, needs_detector=False)
        for template in (
            *("/_template/{name}", "/_index_template/{name}", "/_component_template/{name}"),
            *("/_ingest/pipeline/{name}", "/_ilm/policy/{name}", "/{index}/_mapping"),
        )
    ),
    INDEX,
)
ROUTES = (
    ARTICLE,
    Route("/v1/articles/{id}/revisions", {"GET": articles.revisions}, {"GET": _BEHIND}),
    Route("/v1/articles/{id}/matches", {"GET": articles.matches}),
    Route(
        "/v1/articles/{id}/matches/{other}",
        {"GET": explanations.match, "POST": explanations.match_texts},
        roles={"GET": "read", "POST": "read"},
    ),
    Route(
        "/v1/articles",
        {"POST": articles.post, "GET": articles.get_by_query, "DELETE": articles.delete_by_query},
        {"GET": _ARTICLES, "DELETE": frozenset(("id",))},
        {"POST": "write", "GET": "read", "DELETE": "erase"},
    ),
    Route("/v1/bulk", {"POST": bulk.post}, {"POST": frozenset(("stream",))}, {"POST": "write"}),
    Route("/v1/superdesk", {"POST": superdesk.post}, roles={"POST": "write"}),
    Route("/v1/refused", {"GET": refusals.get}, {"GET": frozenset(("after", "limit"))}, {"GET": "write"}),
    Route("/v1/check", {"POST": articles.check}, roles={"POST": "read"}),
    Route("/v1/stories/{id}", {"GET": stories.get}, {"GET": frozenset(("keep",))}),
    Route("/v1/stories/{id}/why", {"GET": explanations.why}, {"GET": frozenset(("keep",))}),
    Route("/v1/stories/{id}/merge", {"POST": edits.merge}, roles={"POST": "edit"}),
    Route("/v1/stories/{id}/split", {"POST": edits.split}, roles={"POST": "edit"}),
    Route("/v1/stories/{id}/canonical", {"POST": edits.correct}, roles={"POST": "edit"}),
    Route("/v1/edits", {"GET": edits.get_page}, {"GET": frozenset(("cursor", "limit"))}),
    Route("/v1/edits/{id}/undo", {"POST": edits.undo}, roles={"POST": "edit"}),
    Route(
        "/v1/pins",
        {"GET": edits.get_pins, "POST": edits.post_pin},
        {"GET": _BEHIND},
        roles={"GET": "read", "POST": "edit"},
    ),
    Route("/v1/pins/{id}", {"DELETE": edits.delete_pin}, roles={"DELETE": "edit"}),
    Route("/v1/stories", {"GET": stories.get_page}, {"GET": _STORIES}),
    Route("/v1/sources", {"GET": sources.get_page}, {"GET": _PAGE}),
    Route("/v1/events", {"GET": events.get}, {"GET": frozenset(("after", "limit"))}),
    Route(
        "/v1/boilerplate",
        {"GET": boilerplate.get_page, "DELETE": boilerplate.delete},
        {"GET": _PAGE, "DELETE": frozenset(("source",))},
        {"GET": "read", "DELETE": "edit"},
    ),
    Route("/v1/log", {"GET": log.get}, {"GET": frozenset(("after", "limit", "texts"))}, {"GET": "admin"}),
    Route("/v1/admin/clock", {"POST": admin.confirm_clock}, roles={"POST": "admin"}),
    Route("/v1/admin/compact", {"POST": admin.compact}, roles={"POST": "admin"}),
    Route("/livez", {"GET": operations.live}, None, is_open=True, needs_detector=False),
    Route("/readyz", {"GET": operations.ready}, None, is_open=True, needs_detector=False),
    Route("/metrics", {"GET": operations.metrics}, None, {"GET": "metrics"}, needs_detector=False),
    Route("/openapi.json", {"GET": openapi}, None, is_open=True, needs_detector=False),
    Route("/docs", {"GET": docs}, None, is_open=True, needs_detector=False),
    *_OF_SHIPPERS,
)

_BY_TEMPLATE = {route.template: route for route in ROUTES}
_ARTICLE_PREFIX = "/v1/articles/"
_STORY_PREFIX = "/v1/stories/"


def find(call: Call) -> Route:
    """Return the route of the call's path, whose id, an article's or a story's, goes into the call.

    Raises NoSuchPath, MalformedRequest.
    """
    path = call.request.rel_url.raw_path
    # shippers may call their index like a page
    is_for_shippers = call.request.method == "PUT" or path.endswith(("/_bulk", "/_mapping"))
    page = None if is_for_shippers else table.find(path)
    if page is not None and _open_page(call, *page):
        return page[0]
    route = _BY_TEMPLATE.get(path)
    if route is None and (route := _find_for_shippers(path, call.request.method)) is not None:
        pass
    elif route is None or "{" in path:
        route, own, other = _find_by_id(path)
        if route.template.startswith(_STORY_PREFIX):
            call.story = _decode(own)
        else:
            call.id = _decode(own)
        if other:
            call.other_id = _decode(other)
    call.route = route.template
    return route


def _find_for_shippers(path: str, method: str) -> Route | None:
    """Return the route of a path with the name of an index or a template, which nobody looks at; None for other
    paths.
    """
    parts = path.split("/")[1:]
    if len(parts) > 3 or "" in parts or parts[0] == "v1":
        return None
    if parts[-1] in ("_bulk", "_mapping") and not parts[0].startswith(
        "_"
    ):  # the type of old versions may stand between
        return _BY_TEMPLATE["/{index}/" + parts[-1]]
    if len(parts) == 1:
        return INDEX if method in ("HEAD", "PUT") and not parts[0].startswith("_") else None
    return _BY_TEMPLATE.get("/".join(["", *parts[:-1], "{name}"]))


def _open_page(call: Call, route: Route, ids: list[str], is_json: bool) -> bool:
    """Put what the path of a page says into the call; False at the root for a program, which is told what this is."""
    accept = call.request.headers.get("Accept", "")
    call.is_html = route.is_page and not is_json and "text/html" in accept.lower()
    if route is table.ROOT and not call.is_html and not is_json:
        return False
    call.id, call.other_id = ([_decode(each) for each in ids] + ["", ""])[:2]
    if route.template.startswith("/stories"):
        call.story, call.id = call.id, ""
    call.route = route.template
    return True


def _find_by_id(path: str) -> tuple[Route, str, str]:
    """Return the route of a path that holds an id, or two, and the ids as they stand there."""
    if path.startswith(_ARTICLE_PREFIX) and "/" not in (encoded := path[len(_ARTICLE_PREFIX) :]) and encoded:
        return ARTICLE, encoded, ""
    parts = path.split("/")
    other = parts.pop(5) if len(parts) == 6 and parts[5] else ""
    named = "/".join([*parts[:3], "{id}", *parts[4:], *(["{other}"] if other else [])])
    route = _BY_TEMPLATE.get(named) if len(parts) > 3 and parts[3] else None
    if route is None:
        hint = "; a '/' in an id is written %2F" if path.startswith("/v1/") and len(parts) > 4 else ""
        raise NoSuchPath(f"there is nothing under this path{hint}")
    return route, parts[3], other


def handler_of(route: Route, method: str) -> Handler:
    """Return the handler of a method; HEAD is answered as GET, without the body. Raises MethodNotAllowed."""
    handler = route.handlers.get("GET" if method == "HEAD" else method)
    if handler is None:
        allowed = ", ".join([*route.handlers, *(["HEAD"] if "GET" in route.handlers else [])])
        raise MethodNotAllowed(f"this path takes {allowed}", Allow=allowed)
    return handler


def _decode(encoded: str) -> str:
    if "%" not in encoded:
        return encoded
    try:
        return unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        raise MalformedRequest("the id in the path is not percent-encoded UTF-8") from None
