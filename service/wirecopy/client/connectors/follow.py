"""Follow a stream: take messages, have them decided, put aside what is no article, acknowledge.

While one batch is decided the next is taken, and no further one: an inlet is never read faster than articles are
decided. A lost connection is made again for as long as it takes; whatever was not acknowledged comes again then, and
does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from wirecopy.client.connectors.dead_letters import DeadLetter, DeadLetterFile
from wirecopy.client.connectors.decide import Decider
from wirecopy.client.connectors.ends import Message, StreamSource
from wirecopy.client.pauses import GrowingPauses
from wirecopy.errors import ConnectorFailed, InvalidArticle, MalformedArticle
from wirecopy.schema.article import Article

Parse = Callable[[bytes], Article]


class StreamCounts(NamedTuple):
    """What became of the messages so far."""

    articles: int
    dead: int
    reconnected: int


class StreamReader:
    """One run over a stream, until it is told to stop."""

    def __init__(
        self,
        inlet: Callable[[], StreamSource],
        decider: Decider,
        parse: Parse,
        dead_letters: DeadLetterFile,
        *,
        tell: Callable[[str], None],
        on_progress: Callable[[StreamCounts], None] = lambda _: None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._inlet = inlet
        self._decider = decider
        self._parse = parse
        self._dead_letters = dead_letters
        self._tell = tell
        self._on_progress = on_progress
        self._pause = pause
        self._is_stopping = asyncio.Event()
        self.progress = StreamCounts(0, 0, 0)

    def stop(self) -> None:
        """Take nothing more; what was taken is decided and acknowledged."""
        self._is_stopping.set()

    async def run(self, *, once: bool = False) -> StreamCounts:
        """Follow until stopped, with `once` until the stream has nothing more; return what became of its messages.

        Raise ServiceRefused and OutputFailed; a connector that fails is tried again.
        """
        pauses = GrowingPauses()
        while True:
            before = self.progress
            try:
                await self._follow(self._inlet(), once)
            except ConnectorFailed as error:
                self._tell(f"{error}; connecting again")
                if self.progress.articles > before.articles:
                    pauses.begin_anew()
                self.progress = self.progress._replace(reconnected=self.progress.reconnected + 1)
                if await self._stopped_within(pauses.next(error.retry_after)):
                    return self.progress
            else:
                return self.progress

    async def _follow(self, inlet: StreamSource, once: bool) -> None:
        taking: asyncio.Task[Sequence[Message]] | None = None
        try:
            await inlet.open()
            taking = asyncio.create_task(inlet.take())
            while True:
                messages = await taking
                if self._is_stopping.is_set() or (once and not messages):
                    taking = None
                    await self._decide(inlet, messages)
                    return
                taking = asyncio.create_task(inlet.take())
                await self._decide(inlet, messages)
        finally:
            if taking is not None:
                taking.cancel()
                await asyncio.gather(taking, return_exceptions=True)
            await inlet.close()

    async def _decide(self, inlet: StreamSource, messages: Sequence[Message]) -> None:
        if not messages:
            return
        readable, letters = self._read(messages)
        answers = await self._decider.decide([article for _, article in readable]) if readable else []
        refused = [
            DeadLetter(message, reason)
            for (message, _), reason in zip(readable, answers, strict=True)
            if reason is not None
        ]
        self._dead_letters.add(letters + refused)
        await inlet.acknowledge(messages)
        dead = len(letters) + len(refused)
        articles, all_dead, reconnected = self.progress
        self.progress = StreamCounts(articles + len(messages) - dead, all_dead + dead, reconnected)
        self._on_progress(self.progress)

    def _read(self, messages: Sequence[Message]) -> tuple[list[tuple[Message, Article]], list[DeadLetter]]:
        readable, letters = [], []
        for message in messages:
            try:
                readable.append((message, self._parse(message.data)))
            except (InvalidArticle, MalformedArticle) as error:
                letters.append(DeadLetter(message, str(error)))
        return readable, letters

    async def _stopped_within(self, seconds: float) -> bool:
        stopping = asyncio.create_task(self._is_stopping.wait())
        pausing = asyncio.ensure_future(self._pause(seconds))
        _, open_ones = await asyncio.wait((stopping, pausing), return_when=asyncio.FIRST_COMPLETED)
        for one in open_ones:
            one.cancel()
        return self._is_stopping.is_set()
