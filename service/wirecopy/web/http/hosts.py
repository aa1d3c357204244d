"""For whom a request is meant: only the address that is listened on, `localhost` and listed names are served.

A page of another site can have its own name lead to this machine after it was loaded (DNS rebinding); its requests are
then same-origin by its own word. The name in `Host` is what tells: it is the page's.
"""

import ipaddress
import re
from collections.abc import Iterable

from aiohttp import HttpVersion10, HttpVersion11, web

from wirecopy.web.http.problems import MalformedRequest, WrongHost

_EVERY = "*"
_BRACKETED = re.compile(r"\[([0-9a-f:.]+)\](:[0-9]*)?")
_PORT = re.compile(r":[0-9]*$")


class Hosts:
    """The names under which the service answers."""

    def __init__(self, listened: str, listed: Iterable[str]) -> None:
        """Allow `listened`, the address or name that is listened on; `*` among those `listed` stands for all."""
        self._names = {"localhost", _bare(listened), *(_bare(name) for name in listed)}
        self._all_addresses = _is_everywhere(_bare(listened))
        self._known: set[str] = set()  # headers that were looked at and are fine, as they came

    def check(self, request: web.BaseRequest) -> None:
        """Raise WrongHost for a request meant for another, MalformedRequest for one that does not tell."""
        if request.version not in (HttpVersion11, HttpVersion10):
            raise MalformedRequest("only HTTP/1.1 and HTTP/1.0 are spoken here")
        if not request.raw_path.startswith("/"):
            raise MalformedRequest("the path of a request begins with '/': this is no proxy")
        hosts = request.headers.getall("Host", ())
        if len(hosts) == 1 and hosts[0] in self._known:
            return
        if len(hosts) > 1 or (not hosts and request.version == HttpVersion11):
            raise MalformedRequest("a request has one Host header")
        if hosts and not self._is_ours(_bare(hosts[0])):
            raise WrongHost(f"{hosts[0][:100]!r} is not served here; names of this service are listed in web.hosts")
        if hosts and len(self._known) < 100:
            self._known.add(hosts[0])

    def _is_ours(self, name: str) -> bool:
        if name in self._names or _EVERY in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._all_addresses or address.is_loopback


def _bare(host: str) -> str:
    """Return a name or address without port, brackets and the dot at its end, in small letters."""
    host = host.strip().lower()
    if bracketed := _BRACKETED.fullmatch(host):
        return bracketed[1]
    return _PORT.sub("", host).removesuffix(".") if host.count(":") == 1 else host.removesuffix(".")


def _is_everywhere(listened: str) -> bool:
    try:
        return ipaddress.ip_address(listened).is_unspecified
    except ValueError:
        return not listened
