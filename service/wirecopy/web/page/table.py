"""The paths of the page. Behind each, `.json` asks for the same as JSON, and `.html` says that an id ends there."""

from wirecopy.web.page import acting, articles, assets, checking, comparing, entering, feed, sources, stories
from wirecopy.web.route import Route

_LISTED = frozenset(
    ("order", "q", "source", "mine", "language", "since", "until", "min_size", "relation", "cursor", "limit")
)

ROOT = Route("/", {"GET": stories.get_page}, {"GET": _LISTED}, is_page=True)
PAGES = (
    ROOT,
    Route("/stories", {"GET": stories.get_page}, {"GET": _LISTED}, is_page=True),
    Route("/stories/{id}", {"GET": stories.get}, {"GET": frozenset(("keep", "since"))}, is_page=True),
    Route("/stories/{id}/recall.csv", {"GET": stories.recall}, is_page=True),
    Route("/stories/{id}/merge", {"POST": acting.merge}, roles={"POST": "edit"}, is_page=True),
    Route("/stories/{id}/split", {"POST": acting.split}, roles={"POST": "edit"}, is_page=True),
    Route("/stories/{id}/canonical", {"POST": acting.correct}, roles={"POST": "edit"}, is_page=True),
    Route("/articles/{id}", {"GET": articles.get}, {"GET": frozenset(("revision",))}, is_page=True),
    Route("/articles/{id}/status", {"POST": acting.set_status}, roles={"POST": "edit"}, is_page=True),
    Route("/articles/{id}/erase", {"POST": acting.erase}, roles={"POST": "erase"}, is_page=True),
    Route("/compare/{id}/{other}", {"GET": comparing.get}, {"GET": frozenset(("from", "to"))}, is_page=True),
    Route("/compare", {"GET": comparing.choose}, {"GET": frozenset(("a", "b"))}, is_page=True),
    Route("/check", {"GET": checking.get, "POST": checking.post}, roles={"GET": "read", "POST": "read"}, is_page=True),
    Route("/sources", {"GET": sources.get}, {"GET": frozenset(("source", "cursor", "limit"))}, is_page=True),
    Route(
        "/pins",
        {"GET": acting.pins, "POST": acting.pin},
        roles={"GET": "read", "POST": "edit"},
        is_page=True,
    ),
    Route("/pins/{id}/cancel", {"POST": acting.unpin}, roles={"POST": "edit"}, is_page=True),
    Route("/edits", {"GET": acting.edits}, {"GET": frozenset(("cursor", "limit"))}, is_page=True),
    Route("/edits/{id}/undo", {"POST": acting.undo}, roles={"POST": "edit"}, is_page=True),
    Route("/feed", {"GET": feed.get}, {"GET": frozenset(("after", "limit"))}, is_page=True),
    Route("/live", {"GET": feed.live}, {"GET": frozenset(("after",))}, is_page=True),
    Route("/outlets", {"POST": stories.choose_outlets}, roles={"POST": "read"}, is_page=True),
    Route(
        "/sign-in",
        {"GET": entering.get, "POST": entering.post},
        {"GET": frozenset(("next",))},
        is_open=True,
        needs_detector=False,
        is_page=True,
    ),
    Route("/sign-out", {"POST": entering.leave}, is_open=True, needs_detector=False, is_page=True),
    Route("/page.css", {"GET": assets.get}, None, is_open=True, needs_detector=False),
    Route("/page.js", {"GET": assets.get}, None, is_open=True, needs_detector=False),
    Route("/icon.svg", {"GET": assets.get}, None, is_open=True, needs_detector=False),
    Route("/favicon.ico", {"GET": assets.get}, None, is_open=True, needs_detector=False),
)
_BY_TEMPLATE = {route.template: route for route in PAGES}
_OF_NO_PAGE = ("/v1", "/livez", "/readyz", "/metrics", "/openapi.json", "/docs")


def find(path: str) -> tuple[Route, list[str], bool] | None:
    """Return the page under a path, the ids in it as they stand there, whether JSON is asked for; None where there is
    none.
    """
    if path.startswith(_OF_NO_PAGE):
        return None
    if path in ("/", "/.json", "/index.json"):
        return ROOT, [], path != "/"
    exact = _BY_TEMPLATE.get(path)
    if exact is not None and "{" not in path:
        return exact, [], False
    path, is_json = _without_suffix(path)
    parts = path[1:].split("/")
    for template in _templates(parts):
        if template in _BY_TEMPLATE and all(parts):
            return _BY_TEMPLATE[template], _ids(template, parts), is_json
    return None


def _without_suffix(path: str) -> tuple[str, bool]:
    if path.endswith(".json"):
        return path.removesuffix(".json"), True
    return path.removesuffix(".html"), False


def _templates(parts: list[str]) -> list[str]:
    """Return the templates that a path of these parts may have."""
    if len(parts) == 1:
        return ["/" + parts[0]]
    if len(parts) == 2:
        return [f"/{parts[0]}/{{id}}"]
    if len(parts) == 3:
        return [f"/{parts[0]}/{{id}}/{parts[2]}", f"/{parts[0]}/{{id}}/{{other}}"]
    return []


def _ids(template: str, parts: list[str]) -> list[str]:
    return [part for name, part in zip(template[1:].split("/"), parts, strict=True) if name.startswith("{")]
