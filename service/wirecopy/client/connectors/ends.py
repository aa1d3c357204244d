"""The ends of a stream: an inlet that messages come from, an outlet that they go to, and addresses for both.

kafka://host:port/topic?group=g       redis://host:port/stream?group=g
nats://host:port/stream?consumer=c    amqp://user:password@host:port/queue
https://host/feed.xml
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from wirecopy.errors import ConnectorMissing, UsageError

BATCH_MESSAGES = 1024  # that are taken at a time
WAIT_SECONDS = 1.0  # for the first message of a batch, before asking again whether to stop

# Scheme -> (module of this room, extra that brings its library, parameters that its address takes)
_POLLED = ("http", "https")  # addresses of the web: their queries are their own
_SYSTEMS: dict[str, tuple[str, str, frozenset[str]]] = {
    "kafka": ("kafka", "kafka", frozenset(("group",))),
    "redis": ("redis_streams", "redis", frozenset(("group", "consumer"))),
    "rediss": ("redis_streams", "redis", frozenset(("group", "consumer"))),
    "nats": ("nats", "nats", frozenset(("consumer",))),
    "amqp": ("rabbitmq", "rabbitmq", frozenset()),
    "amqps": ("rabbitmq", "rabbitmq", frozenset()),
    "http": ("feeds", "feeds", frozenset()),
    "https": ("feeds", "feeds", frozenset()),
}


class Message(NamedTuple):
    """What a system delivered. `place` names it for people; `token` is what the inlet acknowledges."""

    data: bytes
    place: str
    token: Any


class StreamSource(Protocol):
    """Where messages come from, in their order, at least once."""

    async def open(self) -> None:
        """Connect. Raise ConnectorFailed."""

    async def take(self) -> Sequence[Message]:
        """Return the next messages, at most BATCH_MESSAGES; none when none came for WAIT_SECONDS.

        What was taken before and not acknowledged comes again after a restart. Raise ConnectorFailed.
        """

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Say that these, and all taken before them, need not come again. Raise ConnectorFailed."""

    async def close(self) -> None:
        """Disconnect; what was taken and not acknowledged comes again, to whoever takes next."""


class StreamSink(Protocol):
    """Where messages go, in their order, each under a number that grows."""

    async def open(self) -> int | None:
        """Connect; return the number of the last message there, 0 for none, None where that cannot be asked."""

    async def put(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Return when the system has all of these for good; a number that it has already changes nothing there."""

    async def close(self) -> None:
        """Disconnect."""


class StreamAddress(NamedTuple):
    """An address of a stream, taken apart. `shown` has no password in it."""

    scheme: str
    host: str
    port: int | None
    user: str | None
    password: str | None
    name: str
    parameters: dict[str, str]
    whole: str

    @property
    def shown(self) -> str:
        """The address for logs and errors."""
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}/{self.name}"


def parse_address(text: str) -> StreamAddress:
    """Return an address taken apart. Raise UsageError naming what is wrong with it."""
    parts = urlsplit(text)
    if parts.scheme not in _SYSTEMS:
        known = ", ".join(f"{scheme}://" for scheme in _SYSTEMS)
        raise UsageError(f"{text!r} names no system that can be followed; known are {known}")
    _, _, allowed = _SYSTEMS[parts.scheme]
    query = "" if parts.scheme in _POLLED else parts.query
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(parameters.keys() - allowed)
    if unknown:
        takes = ", ".join(sorted(allowed)) or "none"
        raise UsageError(f"{parts.scheme}:// takes no parameter {unknown[0]!r}; it takes {takes}")
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"{parts.scheme}://{parts.hostname}: the port is no number from 1 to 65535") from None
    name = unquote(parts.path.strip("/"))
    if not parts.hostname or not (name or parts.scheme in _POLLED):
        raise UsageError(f"{parts.scheme}:// needs a host and a name: {parts.scheme}://host:port/name")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return StreamAddress(parts.scheme, parts.hostname, port, user, password, name, parameters, text)


def inlet_of(address: StreamAddress) -> StreamSource:
    """Return the inlet behind an address. Raise ConnectorMissing where its library is not installed."""
    return _load(address, "inlet")(address)  # type: ignore[no-any-return]


def inlets_of(address: StreamAddress) -> Callable[[], StreamSource]:
    """Return what gives an inlet for each connection: a new one, or of a feed the same, which knows what it had.

    Raise ConnectorMissing.
    """
    first = inlet_of(address)
    return (lambda: first) if address.scheme in _POLLED else (lambda: inlet_of(address))


def outlet_of(address: StreamAddress) -> StreamSink:
    """Return the outlet behind an address. Raise ConnectorMissing without its library, UsageError for a feed."""
    if address.scheme in _POLLED:
        raise UsageError(f"nothing can be put into {address.shown}: events go into a broker, or to a webhook")
    return _load(address, "outlet")(address)  # type: ignore[no-any-return]


def _load(address: StreamAddress, end: str) -> Callable[[StreamAddress], Any]:
    module, extra, _ = _SYSTEMS[address.scheme]
    try:
        return getattr(import_module(f"wirecopy.client.connectors.{module}"), end)  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        raise ConnectorMissing(f"{address.scheme}://", str(error.name), extra) from None
