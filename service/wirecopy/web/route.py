"""What a route is: a path, its methods, and who may use them."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from aiohttp import web

from wirecopy.config import Role
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService

Handler = Callable[[RunningService, Call], Awaitable[web.StreamResponse]]
_NONE: frozenset[str] = frozenset()


class Route(NamedTuple):
    """A path's methods. Open routes need no key; those that need no state answer while the service loads or stops.

    `parameters` are those of the query that each method takes, none where it is not named; others are refused, unless
    `parameters` is None: then nobody looks at the query. `roles` names what a key needs for each method. A
    page is for people: who signed in there needs no header, and what goes wrong is told as a page.
    """

    template: str
    handlers: dict[str, Handler]
    parameters: Mapping[str, frozenset[str]] | None = MappingProxyType({})
    roles: Mapping[str, Role] = MappingProxyType({"GET": "read"})
    is_open: bool = False
    needs_detector: bool = True
    is_page: bool = False

    def taken_by(self, method: str) -> frozenset[str] | None:
        """Return the parameters that a method takes; HEAD those of GET."""
        if self.parameters is None:
            return None
        return self.parameters.get("GET" if method == "HEAD" else method, _NONE)

    def changes(self, method: str) -> bool:
        """Return whether a method is one for the writer: whatever is more than reading."""
        return method not in ("GET", "HEAD") and self.role_for(method) != "read"

    def role_for(self, method: str) -> Role:
        """Return the role that a method needs; HEAD that of GET."""
        return self.roles["GET" if method == "HEAD" else method]
