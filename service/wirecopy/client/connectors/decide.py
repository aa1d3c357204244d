"""Who decides about the articles of a stream: a running service over HTTP, or a detector in this process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from wirecopy import errors
from wirecopy.client.calls import WORTH_ANOTHER_TRY, encode_article, refusal_of
from wirecopy.client.client import AsyncClient
from wirecopy.client.pauses import GrowingPauses
from wirecopy.schema.article import Article

Pause = Callable[[float], Awaitable[object]]


class Decider(Protocol):
    """Takes articles, in order."""

    async def decide(self, articles: Sequence[Article]) -> list[str | None]:
        """Return, when all are on disk, for each None, or the reason why it was refused."""

    async def close(self) -> None:
        """Let go of what decides."""


class Ingesting(Protocol):
    """What this room needs of a `wirecopy.Detector`, which it does not know."""

    def ingest(self, articles: Sequence[Article], now: int) -> object:
        """Decide articles, in order; return when all are on disk."""

    def close(self) -> None:
        """Close the store."""


class ServiceDecider:
    """Sends articles to a service; waits for one that is busy or restarting for as long as it takes."""

    def __init__(self, client: AsyncClient, tell: Callable[[str], None], pause: Pause = asyncio.sleep) -> None:
        self._client = client
        self._tell = tell
        self._pause = pause

    async def decide(self, articles: Sequence[Article]) -> list[str | None]:
        """Send until each article has its answer. Raise ServiceRefused for what trying again does not change."""
        lines = [encode_article(article) for article in articles]
        answers: list[str | None] = []
        pauses = GrowingPauses()
        while len(answers) < len(lines):
            before = len(answers)
            try:
                async for answer in self._client.bulk_lines(lines[before:]):
                    if answer.problem is not None and (answer.status >= 500 or answer.status == 408):
                        raise refusal_of(answer.problem)
                    answers.append(None if answer.problem is None else answer.problem.detail)
            except errors.ServiceError as error:
                if isinstance(error, errors.ServiceRefused) and error.status not in WORTH_ANOTHER_TRY:
                    raise
                if len(answers) > before:
                    pauses.begin_anew()
                self._tell(f"{error}; trying again")
                await self._pause(pauses.next(getattr(error, "retry_after", None)))
        return answers

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class DetectorDecider:
    """Gives articles to a detector in a thread of its own."""

    def __init__(self, detector: Ingesting) -> None:
        self._detector = detector

    async def decide(self, articles: Sequence[Article]) -> list[str | None]:
        """Return when the detector has committed; it refuses nothing that is an article."""
        now = time.time_ns() // 1_000_000
        await asyncio.to_thread(self._detector.ingest, articles, now)
        return [None] * len(articles)

    async def close(self) -> None:
        """Close the detector's store."""
        await asyncio.to_thread(self._detector.close)
