"""RSS and Atom feeds as a stream: asked for at intervals, and never more often than they want to be.

A feed that has not changed is not sent again (ETag, Last-Modified); of one that has, only entries that are new or have
changed become messages, the oldest first. Nothing but the feed's own address is asked for.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec

import httpx
import orjson

from wirecopy.client.connectors.ends import BATCH_MESSAGES, WAIT_SECONDS, Message, StreamAddress
from wirecopy.errors import ArticleError, ConnectorFailed, ConnectorMissing, InputFailed
from wirecopy.files.feeds import read_entries
from wirecopy.schema.version import VERSION

EVERY_SECONDS = 300.0  # unless the caller says otherwise
MOST_BYTES = 8 * 2**20  # of a feed; the largest of news are near one
_FETCH_SECONDS, _SILENCE_SECONDS = 60.0, 20.0
_MOST_REDIRECTS = 5
_LONGEST_WISH_SECONDS = 86_400.0  # that a feed may ask not to be asked again
_MAX_AGE = re.compile(r"\bmax-age=(\d{1,9})\b")
_ASKING = {
    "User-Agent": f"wirecopy/{VERSION} (feed reader)",
    "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1",
}


class FeedInlet:
    """Entries of one feed. It is opened again after a failure, and remembers what it had."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._every = float(address.parameters.get("every", EVERY_SECONDS))
        self._http: httpx.AsyncClient | None = None
        self._due = 0.0  # on the steady clock
        self._validators: dict[str, str] = {}
        self._had: set[bytes] = set()  # fingerprints of the entries in the feed as it was read last
        self._waiting: deque[Message] = deque()

    async def open(self) -> None:
        """Make ready to ask."""
        self._http = httpx.AsyncClient(
            headers=_ASKING, follow_redirects=True, max_redirects=_MOST_REDIRECTS, timeout=_SILENCE_SECONDS
        )

    async def take(self) -> Sequence[Message]:
        """Return entries that are new; none while it is not time to ask."""
        if not self._waiting:
            wait = self._due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(min(wait, WAIT_SECONDS))
                return []
            await self._poll()
        return [self._waiting.popleft() for _ in range(min(BATCH_MESSAGES, len(self._waiting)))]

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Do nothing: a feed keeps no place for its readers, and what comes twice does no harm."""

    async def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            await self._http.aclose()

    async def _poll(self) -> None:
        self._due = time.monotonic() + self._every
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                data = await self._fetch()
        except TimeoutError:
            raise self._failed(f"it was not all there after {_FETCH_SECONDS:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failed(str(error) or type(error).__name__) from None
        if data is None:
            return
        try:
            entries = await asyncio.to_thread(_entries, self._address.shown, data)
        except (InputFailed, ArticleError) as error:
            self._validators = {}
            raise self._failed(str(error).removeprefix(f"{self._address.shown}: ")) from None
        self._keep(entries)

    async def _fetch(self) -> bytes | None:
        """Return the feed, None when it has not changed."""
        assert self._http is not None, "open comes first"
        async with self._http.stream("GET", self._address.whole, headers=self._validators) as response:
            self._due = max(self._due, time.monotonic() + _wish(response.headers))
            if response.status_code == 304:
                return None
            if response.status_code != 200:
                raise self._failed(f"it answers {response.status_code}")
            data = bytearray()
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > MOST_BYTES:
                    raise self._failed(f"it is longer than {MOST_BYTES} bytes")
            self._validators = _validators(response.headers)
            return bytes(data)

    def _keep(self, entries: list[bytes]) -> None:
        prints = [sha256(entry).digest() for entry in entries]
        for entry, fingerprint in zip(reversed(entries), reversed(prints), strict=True):  # the newest stands first
            if fingerprint not in self._had:
                self._waiting.append(Message(entry, f"entry of {self._address.shown}", None))
        self._had = set(prints)

    def _failed(self, reason: str) -> ConnectorFailed:
        return ConnectorFailed(self._address.shown, reason, self._due - time.monotonic())


def inlet(address: StreamAddress) -> FeedInlet:
    """Return the inlet of a feed. Raise ConnectorMissing without the library that reads feeds."""
    if find_spec("feedparser") is None:
        raise ConnectorMissing("a feed", "feedparser", "feeds")
    return FeedInlet(address)


def _entries(file: str, data: bytes) -> list[bytes]:
    return [_encoded(entry) for entry in read_entries(file, data)]


def _encoded(entry: Mapping[str, object] | ArticleError) -> bytes:
    """Return an entry as the fields of an article; of one that cannot be read, the reason, for its dead letter."""
    fields = {"refused": str(entry)} if isinstance(entry, ArticleError) else entry
    return orjson.dumps({name: value for name, value in fields.items() if value is not None}, default=str)


def _validators(headers: httpx.Headers) -> dict[str, str]:
    """Return what to ask with the next time, so that a feed that has not changed is not sent again."""
    pairs = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
    return {asked: headers[said] for said, asked in pairs if said in headers}


def _wish(headers: httpx.Headers) -> float:
    """Return the seconds for which the feed does not want to be asked again."""
    asked = headers.get("Retry-After", "")
    lasts = _MAX_AGE.search(headers.get("Cache-Control", ""))
    wishes = (float(asked) if asked.isascii() and asked.isdigit() else 0.0, float(lasts[1]) if lasts else 0.0)
    return min(max(wishes), _LONGEST_WISH_SECONDS)
