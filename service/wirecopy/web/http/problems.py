"""Everything that a client is told went wrong: one table from error class to status, one form (RFC 9457).

Errors of the domain come from `errors`; those that only HTTP knows are defined here. `type` is a reference to the part
of /docs that describes the problem. What the table does not know is a bug: the client hears "internal error" and
nothing else, the log gets the traceback.
"""

from typing import NamedTuple

import msgspec
from aiohttp import web
from msgspec import structs

from wirecopy import errors
from wirecopy.schema.wire import Problem
from wirecopy.web.http.replies import SECURITY
from wirecopy.web.http.tally import Tally

CONTENT_TYPE = "application/problem+json"

_encode = msgspec.json.Encoder().encode


class HttpError(errors.WirecopyError):
    """What only HTTP can get wrong; `headers` go into the answer."""

    headers: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed

    def __init__(self, detail: str, **headers: str) -> None:
        super().__init__(detail)
        if headers:
            self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class MalformedRequest(HttpError):
    """The request is no correct HTTP, or its path, query or coding cannot be decoded."""


class InvalidParameter(HttpError):
    """A parameter of the query, or the id in the path, has a value that is not allowed."""


class NotAuthorized(HttpError):
    """No key, or one that is not known."""


class RoleMissing(HttpError):
    """The key is known, and has not the role that the request needs."""


class CrossOrigin(HttpError):
    """A page of another site sent the request."""


class WrongHost(HttpError):
    """The request is meant for a host that this service is not."""


class NoSuchPath(HttpError):
    """The service has nothing under this path."""


class MethodNotAllowed(HttpError):
    """The path exists, and does not take this method."""


class TooSlow(HttpError):
    """The client did not send its request in time."""


class TooLarge(HttpError):
    """The body or a line is longer than the service is set to take."""


class UnsupportedType(HttpError):
    """The body's media type or content coding is not one the service reads."""


class UnknownExpectation(HttpError):
    """`Expect` asks for something else than 100-continue."""


class SentOn(HttpError):
    """The request is one for the writer, and this is a standby that knows where that is."""


class TooManyRequests(HttpError):
    """The key, or the address, has used up its rate."""


class ProblemType(NamedTuple):
    """A kind of problem: status, the name in its `type`, a title, whether the same request may succeed later."""

    status: int
    name: str
    title: str
    retry_after_seconds: int | None = None


INTERNAL = ProblemType(500, "internal-error", "Internal error")

# The nearest class of an error decides; what is not here is a bug of ours.
KINDS: dict[type[BaseException], ProblemType] = {
    SentOn: ProblemType(307, "sent-on", "Send it to the writer"),
    errors.MalformedArticle: ProblemType(400, "malformed-article", "Malformed article"),
    MalformedRequest: ProblemType(400, "malformed-request", "Malformed request"),
    NotAuthorized: ProblemType(401, "not-authorized", "Not authorized"),
    RoleMissing: ProblemType(403, "role-missing", "Not within the roles of this key"),
    CrossOrigin: ProblemType(403, "cross-origin", "Sent by another site"),
    NoSuchPath: ProblemType(404, "no-such-path", "No such path"),
    errors.UnknownArticle: ProblemType(404, "unknown-article", "Unknown article"),
    errors.UnknownRevision: ProblemType(404, "unknown-revision", "Unknown revision"),
    errors.UnknownStory: ProblemType(404, "unknown-story", "Unknown story"),
    MethodNotAllowed: ProblemType(405, "method-not-allowed", "Method not allowed"),
    TooSlow: ProblemType(408, "too-slow", "Request too slow"),
    errors.UnknownAction: ProblemType(404, "unknown-edit", "Unknown edit"),
    errors.UnknownPin: ProblemType(404, "unknown-pin", "Unknown pin"),
    errors.Pinned: ProblemType(409, "pinned", "Pinned"),
    errors.EventsGone: ProblemType(410, "events-gone", "Events gone"),
    TooLarge: ProblemType(413, "too-large", "Body too large"),
    UnsupportedType: ProblemType(415, "unsupported-type", "Unsupported type"),
    UnknownExpectation: ProblemType(417, "unknown-expectation", "Unknown expectation"),
    WrongHost: ProblemType(421, "wrong-host", "Not served under this name"),
    errors.InvalidArticle: ProblemType(422, "invalid-article", "Invalid article"),
    InvalidParameter: ProblemType(422, "invalid-parameter", "Invalid parameter"),
    errors.UsageError: ProblemType(422, "invalid-parameter", "Invalid parameter"),
    TooManyRequests: ProblemType(429, "too-many-requests", "Too many requests", 1),
    errors.Overloaded: ProblemType(503, "overloaded", "Overloaded", 1),
    errors.NotReady: ProblemType(503, "not-ready", "Not ready", 5),
    errors.NotWriter: ProblemType(503, "not-writer", "A standby", 1),
    errors.Locked: ProblemType(503, "locked", "In use by another process", 30),
    errors.StorageFailed: ProblemType(503, "storage-failed", "Storage failed", 30),
    errors.NoRoom: ProblemType(507, "no-room", "Not enough disk"),
}


def kind_of(error: BaseException) -> ProblemType:
    """Return the entry of the nearest class of `error`; INTERNAL for what the table does not know."""
    return next((KINDS[base] for base in type(error).__mro__ if base in KINDS), INTERNAL)


def describe(error: BaseException, request_id: str | None = None) -> Problem:
    """Return what a client is told of `error`; nothing of what is inside an unexpected one."""
    kind = kind_of(error)
    detail = "" if kind is INTERNAL else str(error)
    return Problem(f"/docs#{kind.name}", kind.title, kind.status, detail, request_id)


def respond(error: BaseException, request_id: str | None = None, tally: Tally | None = None) -> web.Response:
    """Return the answer to a request that met `error`, after `tally` of its articles were decided, where it
    holds many.
    """
    kind, problem = kind_of(error), describe(error, request_id)
    headers = {**SECURITY, "Content-Type": CONTENT_TYPE}
    if kind.retry_after_seconds is not None:
        headers["Retry-After"] = str(kind.retry_after_seconds)
    if isinstance(error, HttpError):
        headers.update(error.headers)
    if tally is not None:
        headers |= tally.headers()
        kept = tally.taken + tally.replayed
        said = f"{kept} of the articles were kept, and none behind line {tally.lines}; sending all again does no harm"
        problem = structs.replace(problem, kept=kept, detail=f"{problem.detail}; {said}".removeprefix("; "))
    return web.Response(status=kind.status, body=_encode(problem), headers=headers)
