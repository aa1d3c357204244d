"""How a service is reached: requests and their answers, what passes tried again, what the service says of itself."""

import asyncio
import ssl
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import httpx
import msgspec
import orjson

from wirecopy import errors
from wirecopy.client import calls
from wirecopy.schema.log import LogPage
from wirecopy.schema.version import VERSION
from wirecopy.schema.wire import Compacted, Problem

T = TypeVar("T")
Http = TypeVar("Http", httpx.Client, httpx.AsyncClient)

_DEFAULT_TIMEOUT_SECONDS = 60.0


class _Connection(ABC, Generic[Http]):
    """Where a service is, who calls it, and how patiently."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout: float = _DEFAULT_TIMEOUT_SECONDS,
        ca_file: str | None = None,
        retries: int = 3,
    ) -> None:
        """`url` is where the service listens, `key` one of its keys, `timeout` seconds of silence to bear.

        `ca_file` holds the certificates (PEM) of who may vouch for the service, where the system's do not. Raises
        UsageError when it cannot be used. What passes (429, 503, a lost connection) is tried again `retries` times,
        after pauses that double.
        """
        self.url = url
        self._retries = retries
        self._http: Http = self._open(_options(url, key, timeout, ca_file))

    @abstractmethod
    def _open(self, options: dict[str, Any]) -> Http: ...

    def _retries_of(self, call: calls.Request[Any]) -> calls.Retries:
        return calls.Retries(self._retries, is_repeatable=calls.is_repeatable(call.method, call.path))


class ServiceCalls(_Connection[httpx.Client]):
    """A connection to a service: how it is called, whether it lives, what it says of itself. Threads may share it."""

    def _open(self, options: dict[str, Any]) -> httpx.Client:
        return httpx.Client(**options)

    def is_live(self) -> bool:
        """Return whether the service answers at all."""
        return self._is_ok("/livez")

    def is_ready(self) -> bool:
        """Return whether the service takes articles."""
        return self._is_ok("/readyz")

    def metrics(self) -> str:
        """Return the service's metrics as Prometheus reads them."""
        return self._call(calls.Request("GET", "/metrics", bytes.decode))

    def openapi(self) -> dict[str, Any]:
        """Return the description of the API."""
        return self._call(calls.Request("GET", "/openapi.json", orjson.loads))

    def compact(self) -> Compacted:
        """Leave no byte of what was deleted in the service's files; takes as long as copying the database."""
        return self._call(calls.compact())

    def log(self, after: int = 0, *, limit: int = 1000, texts: bool = False) -> LogPage:
        """Return a page of the log: at most `limit` records behind the number `after`, fewer where they are long.

        `texts`: with the texts that were kept. `next` is the next page's `after`.
        """
        return self._call(calls.get_log(after, limit, texts))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, call: calls.Request[T]) -> T:
        retries = self._retries_of(call)
        while True:
            try:
                with reaching(self.url):
                    response = self._http.request(
                        call.method, call.path, follow_redirects=call.method == "GET", **call.arguments()
                    )
                return _read(call, response)
            except errors.ServiceError as error:
                time.sleep(retries.pause_after(error))

    def _is_ok(self, path: str) -> bool:
        try:
            return self._http.get(path).status_code == 200
        except httpx.TransportError:
            return False


class AsyncServiceCalls(_Connection[httpx.AsyncClient]):
    """The same for programs with an event loop."""

    def _open(self, options: dict[str, Any]) -> httpx.AsyncClient:
        return httpx.AsyncClient(**options)

    async def is_live(self) -> bool:
        """Return whether the service answers at all."""
        return await self._is_ok("/livez")

    async def is_ready(self) -> bool:
        """Return whether the service takes articles."""
        return await self._is_ok("/readyz")

    async def metrics(self) -> str:
        """Return the service's metrics as Prometheus reads them."""
        return await self._call(calls.Request("GET", "/metrics", bytes.decode))

    async def openapi(self) -> dict[str, Any]:
        """Return the description of the API."""
        return await self._call(calls.Request("GET", "/openapi.json", orjson.loads))

    async def compact(self) -> Compacted:
        """Leave no byte of what was deleted in the service's files; takes as long as copying the database."""
        return await self._call(calls.compact())

    async def log(self, after: int = 0, *, limit: int = 1000, texts: bool = False) -> LogPage:
        """Return a page of the log: at most `limit` records behind the number `after`, fewer where they are long.

        `texts`: with the texts that were kept. `next` is the next page's `after`.
        """
        return await self._call(calls.get_log(after, limit, texts))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, call: calls.Request[T]) -> T:
        retries = self._retries_of(call)
        while True:
            try:
                with reaching(self.url):
                    response = await self._http.request(
                        call.method, call.path, follow_redirects=call.method == "GET", **call.arguments()
                    )
                return _read(call, response)
            except errors.ServiceError as error:
                await asyncio.sleep(retries.pause_after(error))

    async def _is_ok(self, path: str) -> bool:
        try:
            return (await self._http.get(path)).status_code == 200
        except httpx.TransportError:
            return False


def _options(url: str, key: str | None, timeout: float, ca_file: str | None) -> dict[str, Any]:
    headers = {"User-Agent": f"wirecopy/{VERSION}"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    options = {"base_url": url, "headers": headers, "timeout": timeout}
    return options if ca_file is None else options | {"verify": _trusting(ca_file)}


def _trusting(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise errors.UsageError(f"{ca_file}: no certificates can be read: {error.strerror or error}") from None


class reaching:
    """A block in which a failing connection is ServiceUnreachable."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            reason = str(error) or type(error).__name__
            raise errors.ServiceUnreachable(self._url, reason) from None


def _read(call: calls.Request[T], response: httpx.Response) -> T:
    if response.status_code >= 300:
        raise refusal(response.status_code, response.content, response.headers)
    try:
        return call.decode(response.content)
    except (msgspec.DecodeError, ValueError):
        raise errors.ServiceUnreachable(str(response.url), "what answers there is no wirecopy service") from None


def refusal(status: int, content: bytes, headers: httpx.Headers) -> errors.ServiceError:
    try:
        problem = calls.decode_problem(content)
    except msgspec.DecodeError:
        problem = Problem("about:blank", httpx.codes.get_reason_phrase(status), status, "")
    retry_after = headers.get("Retry-After", "")
    return calls.refusal_of(problem, float(retry_after) if retry_after.isdecimal() else None)
