"""What the clients say and hear: each call as a value, articles as bytes, answers as types. No connections here."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
import orjson

from wirecopy import errors
from wirecopy.client.pauses import LONGEST_SECONDS, GrowingPauses
from wirecopy.config import Keep
from wirecopy.schema.answers import Comparison, Pin, Reasons, Verdict
from wirecopy.schema.article import Article
from wirecopy.schema.dates import format_published
from wirecopy.schema.log import LogPage
from wirecopy.schema.wire import (
    Action,
    ActionPage,
    BoilerplatePage,
    BulkAnswer,
    Cleared,
    Compacted,
    Event,
    EventPage,
    FoundPage,
    Matches,
    PinList,
    Problem,
    Revisions,
    SourcePage,
    Split,
    Stored,
    Story,
    StoryPage,
)

T = TypeVar("T")
Sendable = Article | Mapping[str, Any]

MAX_CHUNK_LINES = 2000
MAX_CHUNK_BYTES = 8 * 2**20
_JSON = {"Content-Type": "application/json"}
WORTH_ANOTHER_TRY = (408, 429, 502, 503, 504)  # statuses of refusals that pass
_FIRST_RETRY_SECONDS = 0.25
BULK = "/v1/bulk?stream=true"
LINES = {"Content-Type": "application/x-ndjson"}


class Request(NamedTuple, Generic[T]):
    """One request, and how to read its answer."""

    method: str
    path: str
    decode: Callable[[bytes], T]
    content: bytes | None = None
    params: dict[str, str] | None = None

    def arguments(self) -> dict[str, Any]:
        headers = _JSON if self.content is not None else None
        return {"content": self.content, "params": self.params, "headers": headers}


class Retries:
    """How often one request is tried again, and after which pauses: as `push` does, for what passes.

    A request that may do something twice is tried again only when the service said that it did nothing.
    """

    def __init__(self, most: int, *, is_repeatable: bool) -> None:
        self._left = most
        self._is_repeatable = is_repeatable
        self._pauses = GrowingPauses(_FIRST_RETRY_SECONDS)

    def pause_after(self, error: errors.ServiceError) -> float:
        """Return the seconds to wait; raise the error when there is no use in that, or no try left."""
        refused = isinstance(error, errors.ServiceRefused)
        if self._left <= 0 or not (error.status in WORTH_ANOTHER_TRY if refused else self._is_repeatable):  # type: ignore[attr-defined]
            raise error
        self._left -= 1
        return self._pauses.next(min(getattr(error, "retry_after", None) or 0.0, LONGEST_SECONDS))

    def begin_anew(self, most: int) -> None:
        """Begin counting anew, since something was answered: what follows has all tries before it."""
        self._left = most
        self._pauses.begin_anew()


def is_repeatable(method: str, path: str) -> bool:
    """Return whether doing a request twice is as good as doing it once."""
    return method in ("GET", "PUT") or path in ("/v1/articles", "/v1/check")


def ended_early(answer: BulkAnswer) -> errors.ServiceRefused | None:
    """Return what ended a bulk stream, if this is the line that tells it."""
    if answer.problem is not None and (answer.status >= 500 or answer.status == 408):
        return refusal_of(answer.problem)
    return None


def encode_article(article: Sendable) -> bytes:
    """Return the article as a JSON object, without what it does not have."""
    if not isinstance(article, Article):
        return orjson.dumps(dict(article), option=orjson.OPT_NAIVE_UTC)
    fields = {name: value for name, value in msgspec.structs.asdict(article).items() if value is not None}
    for name in ("published", "embargoed", "updated"):
        if name in fields:
            fields[name] = format_published(fields[name])
    if article.status == "canceled" and not article.text:
        del fields["text"]
    return orjson.dumps(fields)


class Answers:
    """Reads the answers of one bulk stream."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._unfinished = b""
        self._last: BulkAnswer | None = None

    def feed(self, data: bytes) -> Iterator[BulkAnswer]:
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            self._last = _decode_answer(line)
            yield self._last

    def check_complete(self) -> None:
        """Raise what ended the stream before the last line was answered."""
        last = self._last
        if last is not None and last.line >= self._expected:
            return
        if last is not None and last.problem is not None:
            raise refusal_of(last.problem)
        raise errors.ServiceUnreachable("the service", "the stream ended early")


class Followed:
    """One reader's way along the feed, over all its connections: where it is, and how long to wait for the next one.

    Pauses double from half a second to half a minute while nothing comes, and are no shorter than the service asks for.
    """

    def __init__(self, after: int, give_up_after: float | None) -> None:
        self._after = after
        self._give_up_after = give_up_after
        self._unfinished = b""
        self._waited = 0.0
        self._pauses = GrowingPauses()

    def begin(self) -> dict[str, Any]:
        """Return the query and the headers of the next connection."""
        self._unfinished = b""
        return {"params": {"after": str(self._after)}, "headers": {"Accept": "text/event-stream"}}

    def check(self, media_type: str) -> None:
        """Raise UsageError for an answer that holds no events, however often it is asked for."""
        if media_type.partition(";")[0].strip().lower() != "text/event-stream":
            raise errors.UsageError("what answers there has no events: no wirecopy service, or an older version")

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that are complete with these bytes. Raises ServiceUnreachable for bytes that are no
        events.
        """
        self._waited = 0.0
        self._pauses.begin_anew()
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                try:
                    event = _decode_event(line[6:])
                except msgspec.DecodeError:
                    raise errors.ServiceUnreachable("the service", "what came is no event") from None
                self._after = event.seq
                yield event

    def pause_after(self, error: errors.ServiceError | None) -> float:
        """Return seconds to wait after a connection that ended, None: well. Raises the error that it is no use to wait
        for.
        """
        asked = 0.0
        if isinstance(error, errors.ServiceRefused):
            if error.status not in WORTH_ANOTHER_TRY:
                raise error
            asked = error.retry_after or 0.0
        if error is not None and self._give_up_after is not None and self._waited >= self._give_up_after:
            raise error
        pause = self._pauses.next(asked)
        self._waited += pause
        return pause


def put_article(article: Sendable) -> Request[Verdict]:
    path = _path("/v1/articles", article.id if isinstance(article, Article) else article["id"])
    return Request("PUT", path, _decode_verdict, encode_article(article))


def post_article(article: Sendable) -> Request[Verdict]:
    return Request("POST", "/v1/articles", _decode_verdict, encode_article(article))


def check_article(article: Sendable) -> Request[Verdict]:
    return Request("POST", "/v1/check", _decode_verdict, encode_article(article))


def get_article(id: str, by_query: bool, revision: int | None, keep: Keep | None) -> Request[Stored]:
    asked = _keep(keep) | ({} if revision is None else {"revision": str(revision)})
    if by_query:
        return Request("GET", "/v1/articles", _decode_stored, params={"id": id, **asked})
    return Request("GET", _path("/v1/articles", id), _decode_stored, params=asked or None)


def get_revisions(id: str, after: int) -> Request[Revisions]:
    return Request("GET", _path("/v1/articles", id) + f"/revisions?after={after}", _decode_revisions)


def delete_article(id: str, by_query: bool) -> Request[None]:
    if by_query:
        return Request("DELETE", "/v1/articles", _decode_nothing, params={"id": id})
    return Request("DELETE", _path("/v1/articles", id), _decode_nothing)


def compact() -> Request[Compacted]:
    return Request("POST", "/v1/admin/compact", _decode_compacted)


def get_matches(id: str) -> Request[Matches]:
    return Request("GET", _path("/v1/articles", id) + "/matches", _decode_matches)


def explain(a: str, b: str, texts: tuple[str, str] | None) -> Request[Comparison]:
    path = _path("/v1/articles", a) + _path("/matches", b)
    if texts is None:
        return Request("GET", path, _decode_comparison)
    return Request("POST", path, _decode_comparison, orjson.dumps({"a": texts[0], "b": texts[1]}))


def get_reasons(id: str, keep: Keep | None) -> Request[Reasons]:
    return Request("GET", _path("/v1/stories", id) + "/why", _decode_reasons, params=_keep(keep) or None)


def get_story(id: str, keep: Keep | None) -> Request[Story]:
    return Request("GET", _path("/v1/stories", id), _decode_story, params=_keep(keep) or None)


def get_stories(
    q: str | None, since: datetime | None, source: str | None, min_size: int, keep: Keep | None, limit: int, cursor: str
) -> Request[StoryPage]:
    asked = {"q": q, "since": since and since.isoformat(), "source": source, "keep": keep, "cursor": cursor}
    params = {"min_size": str(min_size), "limit": str(limit), **{name: text for name, text in asked.items() if text}}
    return Request("GET", "/v1/stories", _decode_page, params=params)


def merge_stories(id: str, other: str, reason: str) -> Request[Story]:
    return Request(
        "POST", _path("/v1/stories", id) + "/merge", _decode_story, orjson.dumps({"with": other, "reason": reason})
    )


def split_story(id: str, articles: Sequence[str], reason: str) -> Request[Split]:
    content = orjson.dumps({"articles": list(articles), "reason": reason})
    return Request("POST", _path("/v1/stories", id) + "/split", _decode_split, content)


def correct_canonical(id: str, article: str, reason: str) -> Request[Story]:
    content = orjson.dumps({"article": article, "reason": reason})
    return Request("POST", _path("/v1/stories", id) + "/canonical", _decode_story, content)


def get_edits(limit: int, cursor: str) -> Request[ActionPage]:
    params = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
    return Request("GET", "/v1/edits", _decode_edits, params=params)


def undo(id: str, reason: str) -> Request[Action]:
    return Request("POST", _path("/v1/edits", id) + "/undo", _decode_action, orjson.dumps({"reason": reason}))


def find_articles(q: str, source: str | None, limit: int, cursor: str) -> Request[FoundPage]:
    asked = {"source": source, "cursor": cursor or None}
    params = {"q": q, "limit": str(limit), **{name: text for name, text in asked.items() if text is not None}}
    return Request("GET", "/v1/articles", _decode_found, params=params)


def get_log(after: int, limit: int, texts: bool) -> Request[LogPage]:
    params = {"after": str(after), "limit": str(limit), "texts": "true" if texts else "false"}
    return Request("GET", "/v1/log", _decode_log, params=params)


def post_pin(articles: Sequence[str], together: bool, reason: str) -> Request[Pin]:
    content = orjson.dumps({"articles": list(articles), "together": together, "reason": reason})
    return Request("POST", "/v1/pins", _decode_pin, content)


def get_pins(after: int) -> Request[PinList]:
    return Request("GET", f"/v1/pins?after={after}", _decode_pins)


def delete_pin(id: str) -> Request[None]:
    return Request("DELETE", _path("/v1/pins", id), _decode_nothing)


def get_events(after: int, limit: int) -> Request[EventPage]:
    return Request("GET", "/v1/events", _decode_events, params={"after": str(after), "limit": str(limit)})


def get_sources(limit: int, cursor: str) -> Request[SourcePage]:
    params = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
    return Request("GET", "/v1/sources", _decode_sources, params=params)


def get_boilerplate(source: str | None, limit: int, cursor: str) -> Request[BoilerplatePage]:
    params = {"limit": str(limit), **({} if source is None else {"source": source})}
    return Request(
        "GET", "/v1/boilerplate", _decode_boilerplate, params=params | ({"cursor": cursor} if cursor else {})
    )


def clear_boilerplate(source: str) -> Request[Cleared]:
    return Request("DELETE", "/v1/boilerplate", _decode_cleared, params={"source": source})


_decode_verdict = msgspec.json.Decoder(Verdict).decode
_decode_stored = msgspec.json.Decoder(Stored).decode
_decode_revisions = msgspec.json.Decoder(Revisions).decode
_decode_matches = msgspec.json.Decoder(Matches).decode
_decode_comparison = msgspec.json.Decoder(Comparison).decode
_decode_reasons = msgspec.json.Decoder(Reasons).decode
_decode_story = msgspec.json.Decoder(Story).decode
_decode_page = msgspec.json.Decoder(StoryPage).decode
_decode_split = msgspec.json.Decoder(Split).decode
_decode_pin = msgspec.json.Decoder(Pin).decode
_decode_pins = msgspec.json.Decoder(PinList).decode
_decode_edits = msgspec.json.Decoder(ActionPage).decode
_decode_action = msgspec.json.Decoder(Action).decode
_decode_found = msgspec.json.Decoder(FoundPage).decode
_decode_log = msgspec.json.Decoder(LogPage).decode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_events = msgspec.json.Decoder(EventPage).decode
_decode_sources = msgspec.json.Decoder(SourcePage).decode
_decode_boilerplate = msgspec.json.Decoder(BoilerplatePage).decode
_decode_compacted = msgspec.json.Decoder(Compacted).decode
_decode_cleared = msgspec.json.Decoder(Cleared).decode
_decode_answer = msgspec.json.Decoder(BulkAnswer).decode
decode_problem = msgspec.json.Decoder(Problem).decode


def _decode_nothing(content: bytes) -> None:
    if content:
        raise ValueError("an answer of 204 has no content")


def _keep(keep: Keep | None) -> dict[str, str]:
    return {} if keep is None else {"keep": keep}


def _path(collection: str, id: str) -> str:
    if id in ("", ".", ".."):
        raise errors.InvalidArticle("an id must not be empty, '.' or '..'")
    return f"{collection}/{quote(id, safe='')}"


def join_lines(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def chunk_lines(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if len(chunk) == MAX_CHUNK_LINES or size >= MAX_CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def refusal_of(problem: Problem, retry_after: float | None = None) -> errors.ServiceRefused:
    """Return the error for a problem, which may be that of a line."""
    return errors.ServiceRefused(problem.status, problem.type, problem.title, problem.detail, retry_after)


async def chunks_of(articles: Iterable[Sendable] | AsyncIterable[Sendable]) -> AsyncIterator[list[bytes]]:
    """Yield the articles as lines by the chunk, from an iterable of either kind."""
    if not isinstance(articles, AsyncIterable):
        for chunk in chunk_lines(encode_article(article) for article in articles):
            yield chunk
        return
    gathered: list[bytes] = []
    size = 0
    async for article in articles:
        gathered.append(encode_article(article))
        size += len(gathered[-1])
        if len(gathered) == MAX_CHUNK_LINES or size >= MAX_CHUNK_BYTES:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered
