"""A Detector that puts equal texts into one story, and a service around any Detector, in a thread."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from wirecopy import errors
from wirecopy.config import Config, Detection, Keep
from wirecopy.detector.answers.explain import Pair, side
from wirecopy.schema.answers import (
    Boilerplate,
    Containment,
    Match,
    Member,
    Milliseconds,
    Reasons,
    Revision,
    Stored,
    Story,
    Tie,
    Verdict,
)
from wirecopy.schema.article import Article
from wirecopy.schema.events import Event
from wirecopy.web.app import App, build_app
from wirecopy.web.connections import Server
from wirecopy.web.log import Log


class ExactDetector:
    """Keeps everything in memory. `gate` holds commits up, `failure` breaks the next one."""

    def __init__(self) -> None:
        self.articles: dict[str, tuple[Article, int, int]] = {}  # id -> article, revision, first_seen
        self.by_text: dict[str, list[str]] = {}
        self.commits: list[int] = []
        self.told: list[Event[Milliseconds]] = []
        self.places: dict[str, int] = {}
        self.cleared: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.failure: BaseException | None = None
        self.is_closed = False

    def trace(self, articles: Sequence[Article]) -> Any:
        return len(articles)

    def ingest(self, articles: Sequence[Article], first_seen: int = 0, traces: Any = None) -> list[Verdict]:
        assert self.gate.wait(30)
        assert traces is None or traces == len(articles)
        if self.failure is not None:
            raise self.failure
        self.commits.append(len(articles))
        return [self._ingest(article, first_seen) for article in articles]

    def when_durable(self, told: Callable[[BaseException | None], None]) -> None:
        told(None)

    def _ingest(self, article: Article, first_seen: int) -> Verdict:
        known = self.articles.get(article.id)
        if known is not None and known[0] == article:
            return self._verdict(article, known[1], replayed=True)
        if known is not None:
            self.by_text[known[0].text].remove(article.id)
        revision = 1 if known is None else known[1] + 1
        first = (self.by_text.get(article.text) or [article.id])[0]
        if revision > 1:
            self._tell("revised", first_seen, first, article.id, revision)
        self._tell("created" if first == article.id else "joined", first_seen, first, article.id)
        self.articles[article.id] = (article, revision, first_seen)
        self.by_text.setdefault(article.text, []).append(article.id)
        return self._verdict(article, revision)

    def erase(self, id: str, now: int = 0) -> None:
        assert now > 0
        if id not in self.articles:
            raise errors.UnknownArticle(id)
        if self.failure is not None:
            raise self.failure
        text = self.articles.pop(id)[0].text
        self._tell("deleted", now, self.by_text[text][0], id)
        self.by_text[text].remove(id)

    def compact(self) -> tuple[int, int]:
        if isinstance(self.failure, errors.StorageError):
            raise self.failure
        return 8192, 4096

    def _tell(self, type: Any, at: int, story: str, article: str, revision: int | None = None) -> None:
        self.told.append(Event(len(self.told) + 1, type, at, story, article, revision=revision))

    def events_reader(self, after: int, limit: int) -> Callable[[], list[Event[Milliseconds]]]:
        if after > len(self.told):
            raise errors.UsageError(f"there is no event {after} yet: the last one is {len(self.told)}")
        found = self.told[after : after + limit]
        return lambda: found

    @property
    def last_event(self) -> int:
        return len(self.told)

    def positions(self) -> dict[str, int]:
        return dict(self.places)

    def place(self, positions: dict[str, int]) -> None:
        self.places |= positions

    def check(self, article: Article) -> Verdict:
        return self._verdict(article, 1)

    def revisions(self, id: str) -> list[Revision[Milliseconds]]:
        one = self.article(id)
        own = one.title, one.source, one.published, one.status, one.embargoed
        return [Revision(one.revision, one.first_seen, one.story, *own, None)]

    def article(self, id: str, wanted: int | None = None, keep: Keep | None = None) -> Stored[Milliseconds]:
        if id not in self.articles:
            raise errors.UnknownArticle(id)
        article, revision, first_seen = self.articles[id]
        if wanted not in (None, revision):
            raise errors.UnknownRevision(id, wanted or 0)
        verdict = self._verdict(article, revision)
        fields = {name: getattr(verdict, name) for name in ("story", "canonical", "relation", "match", "score")}
        fields |= {name: getattr(article, name) for name in ("title", "source", "url", "language", "published", "text")}
        return Stored(id=id, revision=revision, first_seen=first_seen, **fields)

    def matches(self, id: str) -> tuple[Match, ...]:
        if id not in self.articles:
            raise errors.UnknownArticle(id)
        return self._verdict(self.articles[id][0], 1).matches

    def pair(self, a: str, b: str) -> Pair:
        for id in (a, b):
            if id not in self.articles:
                raise errors.UnknownArticle(id)
        first, second = (side(self.articles[id][0], Detection()) for id in (a, b))
        return Pair(first, second, Detection())

    def why(self, id: str, keep: Keep | None = None) -> Reasons:
        members = self.story(id).members
        odds = 4.0 if len(members) > 1 else None
        ties = [Tie(m.id, m.canonical, m.match, m.relation, m.score, odds, odds, len(members) - 1) for m in members]
        return Reasons(id, -0.9, tuple(ties))

    def sources_in_parts(self, *, source: str | None, cursor: str | None, limit: int) -> Any:
        yield
        return [], None

    def story(self, id: str, keep: Keep | None = None) -> Story[Milliseconds]:
        ids = self.by_text.get(self.articles[id][0].text, []) if id in self.articles else []
        if not ids or ids[0] != id:
            raise errors.UnknownStory(id)
        members = []
        for member_id in ids:
            stored = self.article(member_id)
            names = ("canonical", "relation", "match", "score", "source", "title", "published", "first_seen")
            members.append(Member(member_id, **{name: getattr(stored, name) for name in names}))
        sources = tuple(sorted({member.source for member in members if member.source}))
        return Story(id, id, members[0].first_seen, sources, len(ids) - 1, 0, tuple(members))

    def stories(
        self,
        *,
        since: int | None,
        source: str | None,
        min_size: int,
        cursor: str | None,
        limit: int,
        keep: Keep | None = None,
    ) -> tuple[list[Story[Milliseconds]], str | None]:
        found = [self.story(ids[0]) for ids in self.by_text.values() if ids]
        found = [
            story
            for story in reversed(found)
            if len(story.members) >= min_size
            and (source is None or source in story.sources)
            and (since is None or story.first_seen >= since)
        ]
        start = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() else 0
        rest = found[start + limit :]
        return found[start : start + limit], str(start + limit) if rest else None

    def boilerplate_in_parts(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Generator[None, None, tuple[list[Boilerplate], str | None]]:
        """Every source repeats one passage as often as it has articles that were not cleared."""
        found = []
        for name in sorted({article.source or "" for article, _, _ in self.articles.values()} - self.cleared):
            own = [article for article, _, _ in self.articles.values() if (article.source or "") == name]
            if source in (None, name):
                found.append(Boilerplate(name or None, len(own), 3, "Read more here.", own[0].id, 7))
            yield
        start = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() else 0
        rest = found[start + limit :]
        return found[start : start + limit], str(start + limit) if rest else None

    def clear_boilerplate_in_parts(self, source: str | None, now: int = 0) -> Generator[None, None, int]:
        assert now > 0
        yield
        if self.failure is not None:
            raise self.failure
        self.cleared.add(source or "")
        return sum((article.source or "") == (source or "") for article, _, _ in self.articles.values())

    def reach(self, now: int) -> int:
        return 0

    def prune(self, now: int, share: float = 1.0) -> int:
        return 0

    def documents(self, article_ids: Sequence[str], *, with_text: bool = False) -> list[Any]:
        """Nothing is found by its words here."""
        return []

    def gauges(self) -> dict[str, float]:
        return {"indexed_articles": float(len(self.articles))}

    def close(self) -> None:
        self.is_closed = True

    def _verdict(self, article: Article, revision: int, replayed: bool = False) -> Verdict:
        others = [other for other in self.by_text.get(article.text, []) if other != article.id]
        first = (self.by_text.get(article.text) or [article.id])[0]
        words = len(article.text.split())
        matches = tuple(Match(other, 1.0, "identical", Containment(1.0, 1.0), words) for other in others)
        match = others[0] if others else None
        return Verdict(
            article.id,
            revision,
            first,
            first == article.id,
            "identical" if match else None,
            match,
            1.0 if match else None,
            matches,
            len(others),
            False,
            replayed,
        )


@dataclass
class Service:
    """A running service: where it listens, and what is inside."""

    url: str
    app: App
    loop: asyncio.AbstractEventLoop
    detector: Any
    log_file: Any
    thread: threading.Thread
    stop: Callable[[], object] = field(default=lambda: None)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, trust_env=False, verify=False, **options)

    def wait_ready(self) -> None:
        owner = self.app.owner
        wait_until(lambda: owner.role.is_writer or owner.role.is_standby or owner.ended.done(), 120)
        assert owner.is_ready, owner.ended

    def wait_ended(self) -> None:
        wait_until(self.app.owner.ended.done)

    def wait_stopped(self) -> None:
        """After `stop`: everything is closed, the store included."""
        wait_until(lambda: not self.thread.is_alive())

    def log(self) -> list[dict[str, Any]]:
        """The lines of the log so far."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(self.app.log.flush)
        self.loop.call_soon_threadsafe(done.set)
        assert done.wait(10)
        self.log_file.seek(0)
        return [json.loads(line) for line in self.log_file]


@contextlib.contextmanager
def serving(
    config: Config, log_file: Any, detector: Any = None, open_detector: Any = None, index_file: Any = None
) -> Iterator[Service]:
    """A service on a free port of loopback, in a thread of its own. `open_detector` is called in its owner's thread."""
    detector = detector or ExactDetector()
    ready = threading.Event()
    found: list[Service] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        app = build_app(
            config, open_detector or (lambda: detector), Log(is_json=True, descriptor=log_file.fileno()), index_file
        )
        server = Server(app, app.handle)
        listener = await loop.create_server(server, "127.0.0.1", 0, backlog=1024)
        app.start()
        stopping = asyncio.Event()
        port = listener.sockets[0].getsockname()[1]
        service = Service(f"http://127.0.0.1:{port}", app, loop, detector, log_file, threading.current_thread())
        service.stop = partial(call_unless_over, loop, stopping.set)
        found.append(service)
        ready.set()
        await stopping.wait()
        app.begin_stop()
        listener.close()
        await server.close_connections()
        await app.close()
        with contextlib.suppress(BaseException):
            app.owner.ended.result()
        app.log.flush()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="service")
    thread.start()
    assert ready.wait(30)
    try:
        if open_detector is None:
            wait_until(lambda: found[0].app.owner.role.is_writer, 60)
        yield found[0]
    finally:
        found[0].stop()
        thread.join(30)
        assert not thread.is_alive()


def call_unless_over(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    """Have `loop` call `function`, if it still runs."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function)


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Return once `condition` holds; fail when it does not within `seconds`."""
    tick = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("the condition did not come true in time")
