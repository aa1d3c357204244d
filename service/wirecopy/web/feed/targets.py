"""Where webhooks may go: to this machine, and to hosts that the configuration lists. Nothing else is ever connected to.

A name that is not listed must lead to this machine, at the start and again whenever it is resolved for a connection:
whoever answers for the name may change his mind.
"""

import ipaddress
import socket
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple, get_args

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from wirecopy import config
from wirecopy.errors import ConfigError
from wirecopy.schema.events import EventType
from wirecopy.web.http.access import is_loopback

_MIN_SECRET_BYTES = 16


class Target(NamedTuple):
    """Where events are delivered, which, and what the deliveries are signed with."""

    name: str
    url: URL
    secret: bytes
    types: frozenset[str]
    is_from_oldest: bool


def read_targets(settings: config.Webhooks) -> list[Target]:
    """Return the webhooks of the configuration with their secrets.

    Raises ConfigError, which names the first setting that is refused: a host that is neither listed nor this machine, a
    secret that cannot be read or is too short, an unknown type of event, a name that is given twice.
    """
    allowed = read_hosts(settings)
    targets: list[Target] = []
    for place, webhook in enumerate(settings.to):
        where = f"webhooks.to[{place}]"
        if webhook.name in [target.name for target in targets]:
            raise _refusal(f"{where}.name", f"{webhook.name!r} is given twice")
        unknown = [name for name in webhook.types if name not in get_args(EventType)]
        if unknown:
            raise _refusal(f"{where}.types", f"no event has the type {unknown[0]!r}; {', '.join(get_args(EventType))}")
        url = _read_url(f"{where}.url", webhook.url, allowed)
        secret = _read_secret(f"{where}.secret_file", webhook.secret_file)
        types = frozenset(webhook.types or get_args(EventType))
        targets.append(Target(webhook.name, url, secret, types, webhook.begin == "oldest"))
    return targets


def read_hosts(settings: config.Webhooks) -> frozenset[str]:
    """Return the hosts that are listed, as they stand in URLs that are parsed. Raises ConfigError for one that is no
    host.
    """
    hosts = []
    for place, host in enumerate(settings.allowed_hosts):
        try:
            read = str(ipaddress.ip_address(host.strip("[]"))) if ":" in host else URL.build(host=host).raw_host
        except ValueError:
            read = None
        if not read or not read.isprintable() or set("/?#@ ") & set(read):
            raise _refusal(f"webhooks.allowed_hosts[{place}]", f"{host!r} is no host: a name or an address by itself")
        hosts.append(read)
    return frozenset(hosts)


class LoopbackResolver(AbstractResolver):
    """Resolves the hosts that are listed, and other names as long as they lead to this machine."""

    def __init__(self, allowed_hosts: AbstractSet[str]) -> None:
        self._allowed = allowed_hosts
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises OSError where there are none, or one is not allowed."""
        found = await self._resolver.resolve(host, port, family)
        if host not in self._allowed and not all(is_loopback(each["host"]) for each in found):
            raise OSError(None, f"{host} leads to another machine and is not among webhooks.allowed_hosts")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _read_url(where: str, text: str, allowed_hosts: AbstractSet[str]) -> URL:
    try:
        url = URL(text)
        host, _ = url.raw_host, url.port
    except ValueError:
        raise _refusal(where, f"{text!r} is no URL") from None
    if url.scheme not in ("http", "https") or not host:
        raise _refusal(where, f"{text!r} is no URL of http or https")
    if url.user is not None or url.password is not None:
        raise _refusal(where, "must not hold a name or password: deliveries are signed")
    if host not in allowed_hosts and not _leads_here(host):
        raise _refusal(where, f"{host!r} is not this machine; hosts elsewhere are named in webhooks.allowed_hosts")
    return url


def _leads_here(host: str) -> bool:
    """Return whether a host leads to this machine and nowhere else; one that leads nowhere does not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(is_loopback(str(address[0])) for *_, address in found)


def _read_secret(where: str, file: str) -> bytes:
    try:
        secret = Path(file).read_bytes().strip()
    except OSError as error:
        raise _refusal(where, f"{file} cannot be read: {error.strerror}") from None
    if len(secret) < _MIN_SECRET_BYTES:
        raise _refusal(where, f"{file} must hold {_MIN_SECRET_BYTES} characters or more: openssl rand -hex 32")
    return secret


def _refusal(where: str, expectation: str) -> ConfigError:
    return ConfigError("configuration", where, expectation)
