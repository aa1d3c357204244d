"""Typed clients of a running service, one that waits and one for asyncio; they differ in nothing else.

    with Client("http://127.0.0.1:8080") as client:
        verdict = client.put_article(Article("wire-1", "The harbour bridge was closed..."))
        print(verdict.story)

What the service refuses raises ServiceRefused with its problem, what cannot be reached ServiceUnreachable, after
`retries` further tries where that may pass; `retries=0` tries once.
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import datetime

import msgspec

from wirecopy import errors
from wirecopy.client import calls
from wirecopy.client.calls import Sendable
from wirecopy.client.connection import reaching, refusal
from wirecopy.client.editing import AsyncEditingCalls, EditingCalls
from wirecopy.config import Keep
from wirecopy.schema.answers import Boilerplate, Comparison, Match, Reasons, Source, Verdict
from wirecopy.schema.wire import BulkAnswer, Event, EventPage, Found, Revision, Stored, Story


class Client(EditingCalls):
    """A client that waits. Safe to share between threads."""

    def put_article(self, article: Sendable) -> Verdict:
        """Store an article; its verdict, once it is on disk."""
        return self._call(calls.put_article(article))

    def post_article(self, article: Sendable) -> Verdict:
        """Return the same by POST, for ids that a proxy on the way would change in a path."""
        return self._call(calls.post_article(article))

    def check_article(self, article: Sendable) -> Verdict:
        """Return the verdict the article would get; nothing is stored."""
        return self._call(calls.check_article(article))

    def article(
        self, id: str, *, by_query: bool = False, revision: int | None = None, keep: Keep | None = None
    ) -> Stored:
        """Return an article as it is kept, or an earlier revision as it was; `by_query` for proxies that decode paths.

        `keep`, here and below: who stands for a story is told by this policy and not the one that is set.
        """
        return self._call(calls.get_article(id, by_query, revision, keep))

    def revisions(self, id: str) -> list[Revision]:
        """Return the revisions of an article, in order, with what each changed."""
        page = self._call(calls.get_revisions(id, 0))
        found = page.revisions
        while page.next is not None:
            page = self._call(calls.get_revisions(id, page.next))
            found += page.revisions
        return found

    def delete_article(self, id: str, *, by_query: bool = False) -> None:
        """Erase an article with all its revisions, on disk when it returns."""
        self._call(calls.delete_article(id, by_query))

    def matches(self, id: str) -> tuple[Match, ...]:
        """Return all verified matches of an article, best first."""
        return self._call(calls.get_matches(id)).matches

    def explain(self, a: str, b: str, texts: tuple[str, str] | None = None) -> Comparison:
        """Return why two articles match, or do not; give both `texts` to a service that keeps none."""
        return self._call(calls.explain(a, b, texts))

    def why(self, id: str, *, keep: Keep | None = None) -> Reasons:
        """Return the link that holds each member to a story."""
        return self._call(calls.get_reasons(id, keep))

    def story(self, id: str, *, keep: Keep | None = None) -> Story:
        """Return a story with its members."""
        return self._call(calls.get_story(id, keep))

    def stories(
        self,
        *,
        q: str | None = None,
        since: datetime | None = None,
        source: str | None = None,
        min_size: int = 1,
        keep: Keep | None = None,
        page_size: int = 50,
    ) -> Iterator[Story]:
        """Yield stories, newest first, asked for by the page; `q`: those of which an article holds these words."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._call(calls.get_stories(q, since, source, min_size, keep, page_size, cursor))
            yield from page.stories
            cursor = page.cursor

    def find_articles(self, q: str, *, source: str | None = None, page_size: int = 50) -> Iterator[Found]:
        """Articles whose title or text holds some words, the newest first, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._call(calls.find_articles(q, source, page_size, cursor))
            yield from page.articles
            cursor = page.cursor

    def events(self, after: int = 0, *, limit: int = 1000) -> EventPage:
        """Return a page of the feed: at most `limit` events behind the number `after`; `next` is the next page's
        `after`.
        """
        return self._call(calls.get_events(after, limit))

    def follow_events(
        self, after: int = 0, *, give_up_after: float | None = None, pause: Callable[[float], object] = time.sleep
    ) -> Iterator[Event]:
        """Yield every event behind the number `after`, then each further one as it comes; there is no end.

        Broken connections are made again, a restarting service is waited for, without an event lost or told twice.
        Raises ServiceRefused for what does not pass (410: `after` is not kept any more), and what is wrong when it has
        been for `give_up_after` seconds of waiting.
        """
        followed = calls.Followed(after, give_up_after)
        while True:
            failure: errors.ServiceError | None = None
            try:
                with reaching(self.url), self._http.stream("GET", "/v1/events", **followed.begin()) as response:
                    if response.status_code != 200:
                        raise refusal(response.status_code, response.read(), response.headers)
                    followed.check(response.headers.get("Content-Type", ""))
                    for data in response.iter_bytes():
                        yield from followed.feed(data)
            except errors.ServiceError as error:
                failure = error
            pause(followed.pause_after(failure))

    def sources(self, *, page_size: int = 50) -> Iterator[Source]:
        """Yield how much of each source is copied from whom; by name, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._call(calls.get_sources(page_size, cursor))
            yield from page.sources
            cursor = page.cursor

    def boilerplate(self, *, source: str | None = None, page_size: int = 50) -> Iterator[Boilerplate]:
        """Yield what sources repeat, source by source, asked for by the page; `source` "": of articles without a
        source.
        """
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
            reaching(self.url),
            self._http.stream("POST", calls.BULK, content=calls.join_lines(lines), headers=calls.LINES) as response,
        ):
            if response.status_code != 200:
                raise refusal(response.status_code, response.read(), response.headers)
            for data in response.iter_bytes():
                yield from answers.feed(data)
        answers.check_complete()


class AsyncClient(AsyncEditingCalls):
    """A client for asyncio."""

    async def put_article(self, article: Sendable) -> Verdict:
        """Store an article; its verdict, once it is on disk."""
        return await self._call(calls.put_article(article))

    async def post_article(self, article: Sendable) -> Verdict:
        """Return the same by POST, for ids that a proxy on the way would change in a path."""
        return await self._call(calls.post_article(article))

    async def check_article(self, article: Sendable) -> Verdict:
        """Return the verdict the article would get; nothing is stored."""
        return await self._call(calls.check_article(article))

    async def article(
        self, id: str, *, by_query: bool = False, revision: int | None = None, keep: Keep | None = None
    ) -> Stored:
        """Return an article as it is kept, or an earlier revision as it was; `by_query` for proxies that decode paths.

        `keep`, here and below: who stands for a story is told by this policy and not the one that is set.
        """
        return await self._call(calls.get_article(id, by_query, revision, keep))

    async def revisions(self, id: str) -> list[Revision]:
        """Return the revisions of an article, in order, with what each changed."""
        page = await self._call(calls.get_revisions(id, 0))
        found = page.revisions
        while page.next is not None:
            page = await self._call(calls.get_revisions(id, page.next))
            found += page.revisions
        return found

    async def delete_article(self, id: str, *, by_query: bool = False) -> None:
        """Erase an article with all its revisions, on disk when it returns."""
        await self._call(calls.delete_article(id, by_query))

    async def matches(self, id: str) -> tuple[Match, ...]:
        """Return all verified matches of an article, best first."""
        return (await self._call(calls.get_matches(id))).matches

    async def explain(self, a: str, b: str, texts: tuple[str, str] | None = None) -> Comparison:
        """Return why two articles match, or do not; give both `texts` to a service that keeps none."""
        return await self._call(calls.explain(a, b, texts))

    async def why(self, id: str, *, keep: Keep | None = None) -> Reasons:
        """Return the link that holds each member to a story."""
        return await self._call(calls.get_reasons(id, keep))

    async def story(self, id: str, *, keep: Keep | None = None) -> Story:
        """Return a story with its members."""
        return await self._call(calls.get_story(id, keep))

    async def stories(
        self,
        *,
        q: str | None = None,
        since: datetime | None = None,
        source: str | None = None,
        min_size: int = 1,
        keep: Keep | None = None,
        page_size: int = 50,
    ) -> AsyncIterator[Story]:
        """Yield stories, newest first, asked for by the page; `q`: those of which an article holds these words."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(calls.get_stories(q, since, source, min_size, keep, page_size, cursor))
            for story in page.stories:
                yield story
            cursor = page.cursor

    async def find_articles(self, q: str, *, source: str | None = None, page_size: int = 50) -> AsyncIterator[Found]:
        """Articles whose title or text holds some words, the newest first, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(calls.find_articles(q, source, page_size, cursor))
            for article in page.articles:
                yield article
            cursor = page.cursor

    async def events(self, after: int = 0, *, limit: int = 1000) -> EventPage:
        """Return a page of the feed: at most `limit` events behind the number `after`; `next` is the next page's
        `after`.
        """
        return await self._call(calls.get_events(after, limit))

    async def follow_events(
        self,
        after: int = 0,
        *,
        give_up_after: float | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> AsyncIterator[Event]:
        """Yield every event behind the number `after`, then each further one as it comes; there is no end.

        Broken connections are made again, a restarting service is waited for, without an event lost or told twice.
        Raises ServiceRefused for what does not pass (410: `after` is not kept any more), and what is wrong when it has
        been for `give_up_after` seconds of waiting.
        """
        followed = calls.Followed(after, give_up_after)
        while True:
            failure: errors.ServiceError | None = None
            try:
                with reaching(self.url):
                    async with self._http.stream("GET", "/v1/events", **followed.begin()) as response:
                        if response.status_code != 200:
                            raise refusal(response.status_code, await response.aread(), response.headers)
                        followed.check(response.headers.get("Content-Type", ""))
                        async for data in response.aiter_bytes():
                            for event in followed.feed(data):
                                yield event
            except errors.ServiceError as error:
                failure = error
            await pause(followed.pause_after(failure))

    async def sources(self, *, page_size: int = 50) -> AsyncIterator[Source]:
        """Yield how much of each source is copied from whom; by name, asked for by the page."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(calls.get_sources(page_size, cursor))
            for source in page.sources:
                yield source
            cursor = page.cursor

    async def boilerplate(self, *, source: str | None = None, page_size: int = 50) -> AsyncIterator[Boilerplate]:
        """Yield what sources repeat, source by source, asked for by the page; `source` "": of articles without a
        source.
        """
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
        with reaching(self.url):
            async with self._http.stream(
                "POST", calls.BULK, content=calls.join_lines(lines), headers=calls.LINES
            ) as response:
                if response.status_code != 200:
                    raise refusal(response.status_code, await response.aread(), response.headers)
                async for data in response.aiter_bytes():
                    for answer in answers.feed(data):
                        yield answer
        answers.check_complete()
