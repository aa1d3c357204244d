"""From what a handler found to an answer: JSON, or HTML from a template. Every value is escaped by the engine."""

import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
import msgspec
from aiohttp import web

from wirecopy.schema.version import VERSION
from wirecopy.web.http import problems, replies
from wirecopy.web.http.call import Call
from wirecopy.web.page import sentences
from wirecopy.web.page.strings import say, under
from wirecopy.web.service import RunningService

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENTS = frozenset(("first_seen", "last_seen", "published", "arrived", "at", "embargoed", "since", "until", "day"))
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_LONGEST_TITLE = 300  # characters of a title that are shown in a list
_CONTROLS = dict.fromkeys((1564, 8206, 8207, *range(8234, 8239), *range(8294, 8298)))
_HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin", "Vary": "Accept, Cookie"}


def answer(
    service: RunningService, call: Call, template: str, data: Mapping[str, Any], *, status: int = 200, **aside: Any
) -> web.StreamResponse:
    """Return `data` as JSON, or in a page; `aside` goes into the page alone."""
    shown = travelling(data)
    if not call.is_html:
        return replies.json(shown, status)
    body = _environment().get_template(template).render({**shown, **aside, **_around(service, call)})
    response = web.Response(
        body=body.encode("utf-8", "replace"), status=status,
        headers={**replies.SECURITY, **_HEADERS, "Content-Type": "text/html; charset=utf-8"}
    )  # fmt: skip
    _keep_session(service, call, response)
    return response


def problem(service: RunningService, call: Call, error: Exception) -> web.StreamResponse:
    """Return what went wrong as a page; whoever may sign in is led there."""
    kind, told = problems.kind_of(error), problems.describe(error, call.request_id)
    data = {"problem": msgspec.to_builtins(told)}
    response = answer(service, call, "problem.html", data, status=kind.status)
    if kind.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(kind.retry_after_seconds)
    return response


def redirect(service: RunningService, call: Call, path: str) -> web.StreamResponse:
    """Return what leads a browser elsewhere on the page after a form; a program is told where."""
    response = web.Response(status=303, headers={**replies.SECURITY, "Location": path})
    _keep_session(service, call, response)
    return response


def begin_session(service: RunningService, call: Call, session: Any, response: web.StreamResponse) -> None:
    """Have the browser keep a session from here on."""
    is_secure = call.request.headers.get("X-Forwarded-Proto", "").lower() == "https"
    response.headers["Set-Cookie"] = service.desk.sessions.header(session, is_secure=is_secure)
    call.session = session


def travelling(value: Any, name: str = "") -> Any:
    """Return the same value of plain types, its moments as times."""
    if isinstance(value, msgspec.Struct):
        return {f: travelling(getattr(value, f), f) for f in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {key: travelling(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [travelling(inner, name) for inner in value]
    if name in _MOMENTS and type(value) is int:
        return _EPOCH + timedelta(milliseconds=value)
    return value


def path_of(*parts: str, **query: Any) -> str:
    """Return the address of a page: ids percent-encoded, one that ends like a suffix protected from being cut."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    if path.endswith((".json", ".html")):
        path += ".html"
    asked = {name: value for name, value in query.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(asked)}" if asked else path


def plain(text: str | None, longest: int = _LONGEST_TITLE) -> str:
    """Return one line of a text without what turns the direction of others, cut where it is too long."""
    if not text:
        return ""
    line = " ".join(text[: longest * 4].translate(_CONTROLS).split())
    shown = "".join(c for c in line if unicodedata.category(c) != "Cc")
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def safe_url(url: str | None) -> str | None:
    """Return an address that a link may lead to: of http or https, nothing that runs."""
    return url if url and url.lower().startswith(("http://", "https://")) else None


def language_tag(language: str | None) -> str | None:
    """Return a language as an attribute may hold it."""
    tag = (language or "").replace("_", "-")
    return tag if tag and len(tag) <= 35 and tag.replace("-", "").isalnum() and tag.isascii() else None


def _around(service: RunningService, call: Call) -> dict[str, Any]:
    """Return what every page shows: who is there, what they may do, and the token of their forms."""
    desk = service.desk
    if call.session is None:
        call.session = desk.sessions.begin(None, "")
    return {
        "me": call.client.name,
        "person": call.session.name,
        "roles": call.client.roles,
        "form_token": desk.sessions.token(call.session),
        "has_keys": service.keys.are_set,
        "has_search": service.indexing is not None,
        "here": call.request.rel_url.raw_path_qs[:2000],
        "page_path": call.request.rel_url.raw_path[:1000],
        "now": datetime.now(UTC),
    }


def _keep_session(service: RunningService, call: Call, response: web.StreamResponse) -> None:
    given = service.desk.sessions.read(call.request)
    if call.session is not None and (given is None or given.cookie != call.session.cookie):
        begin_session(service, call, call.session, response)


def warm() -> None:
    """Compile all templates, which would make the first page wait."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("wirecopy.web.page"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, auto_reload=False
    )  # fmt: skip
    environment.globals |= {
        "t": say, "path": path_of, "version": VERSION, "script_strings": json.dumps(under("script"), sort_keys=True),
        "tell": sentences,
    }  # fmt: skip
    environment.filters |= {
        "plain": plain, "safe_url": safe_url, "tag": language_tag, "iso": _iso, "utc": _utc, "clock": _clock,
    }  # fmt: skip
    return environment


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment.year >= 1000 else _iso(moment)


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M")
