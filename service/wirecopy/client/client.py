"""Typed clients of a running service, one that waits and one for asyncio; they differ in nothing else.

    with Client("http://127.0.0.1:8080") as client:
        verdict = client.put_article(Article("wire-1", "The harbour bridge was closed..."))
        print(verdict.story)

What the service refuses raises ServiceRefused with its problem, what cannot be reached ServiceUnreachable, after
`retries` further tries where that may pass; `retries=0` tries once.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec
import orjson

from wirecopy import errors
from wirecopy.client import calls
from wirecopy.client.calls import Sendable
from wirecopy.config import Keep
from wirecopy.schema.answers import Boilerplate, Comparison, Match, Pin, Reasons, Source, Verdict
from wirecopy.schema.version import VERSION
from wirecopy.schema.wire import BulkAnswer, Compacted, Event, EventPage, Problem, Revision, Split, Stored, Story

T = TypeVar("T")

_DEFAULT_TIMEOUT_SECONDS = 60.0


class ServiceCalls:
    """A connection to a service: how it is called, whether it lives, what it says of itself. Threads may share it."""

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
        self._http = httpx.Client(**_options(url, key, timeout, ca_file))

    def is_live(self) -> bool:
        """Whether the service answers at all."""
        return self._is_ok("/livez")

    def is_ready(self) -> bool:
        """Whether the service takes articles."""
        return self._is_ok("/readyz")

    def metrics(self) -> str:
        """The service's metrics as Prometheus reads them."""
        return self._call(calls.Request("GET", "/metrics", bytes.decode))

    def openapi(self) -> dict[str, Any]:
        """The description of the API."""
        return self._call(calls.Request("GET", "/openapi.json", orjson.loads))

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
        retries = calls.Retries(self._retries, is_repeatable=calls.is_repeatable(call.method, call.path))
        while True:
            try:
                with _reaching(self.url):
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


class Client(ServiceCalls):
    """A client that waits. Safe to share between threads."""

    def put_article(self, article: Sendable) -> Verdict:
        """Store an article; its verdict, once it is on disk."""
        return self._call(calls.put_article(article))

    def post_article(self, article: Sendable) -> Verdict:
        """The same by POST, for ids that a proxy on the way would change in a path."""
        return self._call(calls.post_article(article))

    def check_article(self, article: Sendable) -> Verdict:
        """The verdict the article would get; nothing is stored."""
        return self._call(calls.check_article(article))

    def article(
        self, id: str, *, by_query: bool = False, revision: int | None = None, keep: Keep | None = None
    ) -> Stored:
        """An article as it is kept, or an earlier revision as it was; `by_query` for proxies that decode paths.

        `keep`, here and below: who stands for a story is told by this policy and not the one that is set.
        """
        return self._call(calls.get_article(id, by_query, revision, keep))

    def revisions(self, id: str) -> list[Revision]:
        """The revisions of an article, in order, with what each changed."""
        page = self._call(calls.get_revisions(id, 0))
        found = page.revisions
        while page.next is not None:
            page = self._call(calls.get_revisions(id, page.next))
            found += page.revisions
        return found

    def delete_article(self, id: str, *, by_query: bool = False) -> None:
        """Erase an article with all its revisions, on disk when it returns."""
        self._call(calls.delete_article(id, by_query))

    def compact(self) -> Compacted:
        """Leave no byte of what was deleted in the service's files; takes as long as copying the database."""
        return self._call(calls.compact())

    def matches(self, id: str) -> tuple[Match, ...]:
        """All verified matches of an article, best first."""
        return self._call(calls.get_matches(id)).matches

    def explain(self, a: str, b: str, texts: tuple[str, str] | None = None) -> Comparison:
        """Why two articles match, or do not; give both `texts` to a service that keeps none."""
        return self._call(calls.explain(a, b, texts))

    def why(self, id: str, *, keep: Keep | None = None) -> Reasons:
        """The link that holds each member to a story."""
        return self._call(calls.get_reasons(id, keep))

    def story(self, id: str, *, keep: Keep | None = None) -> Story:
        """A story with its members."""
        return self._call(calls.get_story(id, keep))

    def stories(
        self,
        *,
        since: datetime | None = None,
        source: str | None = None,
        min_size: int = 1,
        keep: Keep | None = None,
        page_size: int = 50,
    ) -> Iterator[Story]:
        """Stories, newest first, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._call(calls.get_stories(since, source, min_size, keep, page_size, cursor))
            yield from page.stories
            cursor = page.cursor

    def merge_stories(self, id: str, other: str) -> Story:
        """Make two stories one by hand; the older id stays, all members are pinned together."""
        return self._call(calls.merge_stories(id, other))

    def split_story(self, id: str, articles: Sequence[str]) -> Split:
        """Part some of a story's articles from the others by hand, and pin the parts apart."""
        return self._call(calls.split_story(id, articles))

    def pin(self, articles: Sequence[str], *, together: bool) -> Pin:
        """Pin articles together, or two of them apart, against all evidence."""
        return self._call(calls.post_pin(articles, together))

    def pins(self) -> list[Pin]:
        """All pins, the oldest first."""
        page = self._call(calls.get_pins(0))
        found = page.pins
        while page.next is not None:
            page = self._call(calls.get_pins(page.next))
            found += page.pins
        return found

    def unpin(self, id: str) -> None:
        """Delete a pin; the evidence decides again."""
        self._call(calls.delete_pin(id))

    def events(self, after: int = 0, *, limit: int = 1000) -> EventPage:
        """A page of the feed: at most `limit` events behind the number `after`; `next` is the next page's `after`."""
        return self._call(calls.get_events(after, limit))

    def follow_events(
        self, after: int = 0, *, give_up_after: float | None = None, pause: Callable[[float], object] = time.sleep
    ) -> Iterator[Event]:
        """Every event behind the number `after`, then each further one as it comes; there is no end.

        Broken connections are made again, a restarting service is waited for, without an event lost or told twice.
        Raises ServiceRefused for what does not pass (410: `after` is not kept any more), and what is wrong when it has
        been for `give_up_after` seconds of waiting.
        """
        followed = calls.Followed(after, give_up_after)
        while True:
            failure: errors.ServiceError | None = None
            try:
                with _reaching(self.url), self._http.stream("GET", "/v1/events", **followed.begin()) as response:
                    if response.status_code != 200:
                        raise _refusal(response.status_code, response.read(), response.headers)
                    followed.check(response.headers.get("Content-Type", ""))
                    for data in response.iter_bytes():
                        yield from followed.feed(data)
            except errors.ServiceError as error:
                failure = error
            pause(followed.pause_after(failure))

    def sources(self, *, page_size: int = 50) -> Iterator[Source]:
        """How much of each source is copied from whom; by name, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._call(calls.get_sources(page_size, cursor))
            yield from page.sources
            cursor = page.cursor

    def boilerplate(self, *, source: str | None = None, page_size: int = 50) -> Iterator[Boilerplate]:
        """What sources repeat, source by source, asked for by the page; `source` "": of articles without a source."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._call(calls.get_boilerplate(source, page_size, cursor))
            yield from page.passages
            cursor = page.cursor

    def clear_boilerplate(self, source: str) -> int:
        """Forget what was learnt to be boilerplate of a source; in how many articles it was counted."""
        return self._call(calls.clear_boilerplate(source)).articles

    def bulk(self, articles: Iterable[Sendable]) -> Iterator[BulkAnswer]:
        """Send many articles; one answer for each, in order, with `line` counted over all of them from 1.

        What a stream that ended early left unanswered is sent again. Raises ServiceError when no try is left: what was
        not answered may be sent again, which does no harm.
        """
        sent = 0
        for chunk in calls.chunk_lines(calls.encode_article(article) for article in articles):
            done, retries = 0, calls.Retries(self._retries, is_repeatable=True)
            while done < len(chunk):
                begin = done
                try:
                    for answer in self.bulk_lines(chunk[begin:]):
                        if (early := calls.ended_early(answer)) is not None:
                            raise early
                        done += 1
                        yield msgspec.structs.replace(answer, line=answer.line + sent + begin)
                except errors.ServiceError as error:
                    if done > begin:
                        retries.begin_anew(self._retries)
                    time.sleep(retries.pause_after(error))
            sent += len(chunk)

    def bulk_lines(self, lines: list[bytes]) -> Iterator[BulkAnswer]:
        """Send one bulk stream of encoded lines, which should be at most MAX_CHUNK_LINES; answers as they come."""
        answers = calls.Answers(len(lines))
        with (
            _reaching(self.url),
            self._http.stream("POST", calls.BULK, content=calls.join_lines(lines), headers=calls.LINES) as response,
        ):
            if response.status_code != 200:
                raise _refusal(response.status_code, response.read(), response.headers)
            for data in response.iter_bytes():
                yield from answers.feed(data)
        answers.check_complete()


class AsyncServiceCalls:
    """The same for programs with an event loop."""

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
        self._http = httpx.AsyncClient(**_options(url, key, timeout, ca_file))

    async def is_live(self) -> bool:
        """Whether the service answers at all."""
        return await self._is_ok("/livez")

    async def is_ready(self) -> bool:
        """Whether the service takes articles."""
        return await self._is_ok("/readyz")

    async def metrics(self) -> str:
        """The service's metrics as Prometheus reads them."""
        return await self._call(calls.Request("GET", "/metrics", bytes.decode))

    async def openapi(self) -> dict[str, Any]:
        """The description of the API."""
        return await self._call(calls.Request("GET", "/openapi.json", orjson.loads))

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
        retries = calls.Retries(self._retries, is_repeatable=calls.is_repeatable(call.method, call.path))
        while True:
            try:
                with _reaching(self.url):
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


class AsyncClient(AsyncServiceCalls):
    """A client for asyncio."""

    async def put_article(self, article: Sendable) -> Verdict:
        """Store an article; its verdict, once it is on disk."""
        return await self._call(calls.put_article(article))

    async def post_article(self, article: Sendable) -> Verdict:
        """The same by POST, for ids that a proxy on the way would change in a path."""
        return await self._call(calls.post_article(article))

    async def check_article(self, article: Sendable) -> Verdict:
        """The verdict the article would get; nothing is stored."""
        return await self._call(calls.check_article(article))

    async def article(
        self, id: str, *, by_query: bool = False, revision: int | None = None, keep: Keep | None = None
    ) -> Stored:
        """An article as it is kept, or an earlier revision as it was; `by_query` for proxies that decode paths.

        `keep`, here and below: who stands for a story is told by this policy and not the one that is set.
        """
        return await self._call(calls.get_article(id, by_query, revision, keep))

    async def revisions(self, id: str) -> list[Revision]:
        """The revisions of an article, in order, with what each changed."""
        page = await self._call(calls.get_revisions(id, 0))
        found = page.revisions
        while page.next is not None:
            page = await self._call(calls.get_revisions(id, page.next))
            found += page.revisions
        return found

    async def delete_article(self, id: str, *, by_query: bool = False) -> None:
        """Erase an article with all its revisions, on disk when it returns."""
        await self._call(calls.delete_article(id, by_query))

    async def compact(self) -> Compacted:
        """Leave no byte of what was deleted in the service's files; takes as long as copying the database."""
        return await self._call(calls.compact())

    async def matches(self, id: str) -> tuple[Match, ...]:
        """All verified matches of an article, best first."""
        return (await self._call(calls.get_matches(id))).matches

    async def explain(self, a: str, b: str, texts: tuple[str, str] | None = None) -> Comparison:
        """Why two articles match, or do not; give both `texts` to a service that keeps none."""
        return await self._call(calls.explain(a, b, texts))

    async def why(self, id: str, *, keep: Keep | None = None) -> Reasons:
        """The link that holds each member to a story."""
        return await self._call(calls.get_reasons(id, keep))

    async def story(self, id: str, *, keep: Keep | None = None) -> Story:
        """A story with its members."""
        return await self._call(calls.get_story(id, keep))

    async def stories(
        self,
        *,
        since: datetime | None = None,
        source: str | None = None,
        min_size: int = 1,
        keep: Keep | None = None,
        page_size: int = 50,
    ) -> AsyncIterator[Story]:
        """Stories, newest first, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(calls.get_stories(since, source, min_size, keep, page_size, cursor))
            for story in page.stories:
                yield story
            cursor = page.cursor

    async def merge_stories(self, id: str, other: str) -> Story:
        """Make two stories one by hand; the older id stays, all members are pinned together."""
        return await self._call(calls.merge_stories(id, other))

    async def split_story(self, id: str, articles: Sequence[str]) -> Split:
        """Part some of a story's articles from the others by hand, and pin the parts apart."""
        return await self._call(calls.split_story(id, articles))

    async def pin(self, articles: Sequence[str], *, together: bool) -> Pin:
        """Pin articles together, or two of them apart, against all evidence."""
        return await self._call(calls.post_pin(articles, together))

    async def pins(self) -> list[Pin]:
        """All pins, the oldest first."""
        page = await self._call(calls.get_pins(0))
        found = page.pins
        while page.next is not None:
            page = await self._call(calls.get_pins(page.next))
            found += page.pins
        return found

    async def unpin(self, id: str) -> None:
        """Delete a pin; the evidence decides again."""
        await self._call(calls.delete_pin(id))

    async def events(self, after: int = 0, *, limit: int = 1000) -> EventPage:
        """A page of the feed: at most `limit` events behind the number `after`; `next` is the next page's `after`."""
        return await self._call(calls.get_events(after, limit))

    async def follow_events(
        self,
        after: int = 0,
        *,
        give_up_after: float | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> AsyncIterator[Event]:
        """Every event behind the number `after`, then each further one as it comes; there is no end.

        Broken connections are made again, a restarting service is waited for, without an event lost or told twice.
        Raises ServiceRefused for what does not pass (410: `after` is not kept any more), and what is wrong when it has
        been for `give_up_after` seconds of waiting.
        """
        followed = calls.Followed(after, give_up_after)
        while True:
            failure: errors.ServiceError | None = None
            try:
                with _reaching(self.url):
                    async with self._http.stream("GET", "/v1/events", **followed.begin()) as response:
                        if response.status_code != 200:
                            raise _refusal(response.status_code, await response.aread(), response.headers)
                        followed.check(response.headers.get("Content-Type", ""))
                        async for data in response.aiter_bytes():
                            for event in followed.feed(data):
                                yield event
            except errors.ServiceError as error:
                failure = error
            await pause(followed.pause_after(failure))

    async def sources(self, *, page_size: int = 50) -> AsyncIterator[Source]:
        """How much of each source is copied from whom; by name, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(calls.get_sources(page_size, cursor))
            for source in page.sources:
                yield source
            cursor = page.cursor

    async def boilerplate(self, *, source: str | None = None, page_size: int = 50) -> AsyncIterator[Boilerplate]:
        """What sources repeat, source by source, asked for by the page; `source` "": of articles without a source."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(calls.get_boilerplate(source, page_size, cursor))
            for passage in page.passages:
                yield passage
            cursor = page.cursor

    async def clear_boilerplate(self, source: str) -> int:
        """Forget what was learnt to be boilerplate of a source; in how many articles it was counted."""
        return (await self._call(calls.clear_boilerplate(source))).articles

    async def bulk(self, articles: Iterable[Sendable] | AsyncIterable[Sendable]) -> AsyncIterator[BulkAnswer]:
        """Send many articles; one answer for each, in order, with `line` counted over all of them from 1.

        What a stream that ended early left unanswered is sent again. Raises ServiceError when no try is left: what was
        not answered may be sent again, which does no harm.
        """
        sent = 0
        async for chunk in calls.chunks_of(articles):
            done, retries = 0, calls.Retries(self._retries, is_repeatable=True)
            while done < len(chunk):
                begin = done
                try:
                    async for answer in self.bulk_lines(chunk[begin:]):
                        if (early := calls.ended_early(answer)) is not None:
                            raise early
                        done += 1
                        yield msgspec.structs.replace(answer, line=answer.line + sent + begin)
                except errors.ServiceError as error:
                    if done > begin:
                        retries.begin_anew(self._retries)
                    await asyncio.sleep(retries.pause_after(error))
            sent += len(chunk)

    async def bulk_lines(self, lines: list[bytes]) -> AsyncIterator[BulkAnswer]:
        """Send one bulk stream of encoded lines, which should be at most MAX_CHUNK_LINES; answers as they come."""
        answers = calls.Answers(len(lines))
        with _reaching(self.url):
            async with self._http.stream(
                "POST", calls.BULK, content=calls.join_lines(lines), headers=calls.LINES
            ) as response:
                if response.status_code != 200:
                    raise _refusal(response.status_code, await response.aread(), response.headers)
                async for data in response.aiter_bytes():
                    for answer in answers.feed(data):
                        yield answer
        answers.check_complete()


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


class _reaching:
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
        raise _refusal(response.status_code, response.content, response.headers)
    try:
        return call.decode(response.content)
    except (msgspec.DecodeError, ValueError):
        raise errors.ServiceUnreachable(str(response.url), "what answers there is no wirecopy service") from None


def _refusal(status: int, content: bytes, headers: httpx.Headers) -> errors.ServiceError:
    try:
        problem = calls.decode_problem(content)
    except msgspec.DecodeError:
        problem = Problem("about:blank", httpx.codes.get_reason_phrase(status), status, "")
    retry_after = headers.get("Retry-After", "")
    return calls.refusal_of(problem, float(retry_after) if retry_after.isdecimal() else None)
