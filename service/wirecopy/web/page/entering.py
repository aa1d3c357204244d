"""Signing in by a key, and out."""

from aiohttp import web

from wirecopy.web.http.call import Call
from wirecopy.web.page import rendering
from wirecopy.web.service import RunningService

_MOST_BYTES = 2**14


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /sign-in?next=."""
    return _form(service, call, call.query.get("next", "/"))


async def post(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /sign-in: a session of whoever holds this key. Attempts count against their address."""
    address = service.addresses.bucket_of(service.network_of_client(call))
    if address is not None:
        address.take()
    fields = {name: values[0] for name, values in (await call.read_form(_MOST_BYTES)).items() if values}
    sessions, following = service.desk.sessions, fields.get("next", "/")
    sessions.check_token(call.session, fields.get("token", ""))
    client = service.keys.holder(fields.get("key", "").strip())
    if client is None and service.keys.are_set:
        return _form(service, call, following, "sign_in.wrong")
    response = rendering.redirect(service, call, _own_path(following))
    rendering.begin_session(service, call, sessions.begin(client, fields.get("name", "").strip()), response)
    return response


async def leave(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /sign-out: the session is over."""
    fields = {name: values[0] for name, values in (await call.read_form(_MOST_BYTES)).items() if values}
    service.desk.sessions.check_token(call.session, fields.get("token", ""))
    call.session = service.desk.sessions.begin(None, "")
    return rendering.redirect(service, call, "/sign-in" if service.keys.are_set else "/")


def _form(service: RunningService, call: Call, following: str, wrong: str | None = None) -> web.StreamResponse:
    status = 200 if wrong is None else 401
    data = {"problem": wrong, "next": _own_path(following)}
    return rendering.answer(service, call, "sign_in.html", data, status=status)


def _own_path(path: str) -> str:
    """Return a path of this service: nothing that leads to another."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and len(path) < 2000
    return path if is_own else "/"
