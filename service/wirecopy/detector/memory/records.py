"""What is stored: decisions, the epochs of the term weights, checkpoints. Replay applies them and recomputes nothing.

Records are MessagePack arrays: a later version may add fields at their end, with defaults for what is older.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Self, get_args

import msgspec
from msgspec import Struct
from xxhash import xxh3_64_hexdigest, xxh3_128_digest
from zstandard import ZstdCompressor, ZstdDecompressor

from wirecopy.config import Keep
from wirecopy.detection.evidence.model import Model
from wirecopy.detection.kernels.layout import KEYS
from wirecopy.detection.words import text
from wirecopy.detection.words.credits import FoundCredit
from wirecopy.errors import InvalidArticle
from wirecopy.schema.actions import ActionKind
from wirecopy.schema.answers import Milliseconds, Relation
from wirecopy.schema.article import Article, Status
from wirecopy.schema.events import Event, EventType
from wirecopy.storage import Entry


class StoredMatch(Struct, array_like=True, frozen=True, gc=False):
    """A match of the decided article: the other one's number, and what a caller is told of it."""

    number: int
    odds: float
    relation: Relation
    this_in_other: float
    other_in_this: float
    shared_words: int


class Decision(Struct, array_like=True, frozen=True, gc=False):
    """One revision of an article, what was decided for it, and what that changed.

    `replaces` is the number of its earlier revision, whose `content` was another, `came` that of its first, which was
    `first_seen` then; this one `arrived` then. `trace`, `weights` and `keys` are arrays of uint32, uint8 and uint32.
    `links` are the pairs (later, earlier) that were compared on demand, `moves` the places taken in stories
    after the earlier revision had left. `best` is the best match in the story.
    `recall` are the copies and rewrites of what was canceled by this revision, `credits` whom its text credits.
    """

    number: int
    revision: int
    replaces: int | None
    came: int
    first_seen: int
    arrived: int
    content: bytes
    published: int | None
    source: str | None
    title: str | None
    url: str | None
    language: str | None
    epoch: int
    title_words: int
    trace: bytes
    weights: bytes
    keys: bytes
    has_counted_passages: bool
    candidates: int
    truncated: bool
    matches: list[StoredMatch]
    links: list[tuple[int, int, float, Relation]]
    moves: Sequence[tuple[int, str]]
    story: str
    is_canonical: bool
    best: tuple[int, float, Relation] | None
    status: Status = "usable"
    embargoed: int | None = None
    recall: list[int] = []
    version: int | None = None
    updated: int | None = None
    credits: tuple[FoundCredit, ...] = ()


class Epoch(Struct, array_like=True, frozen=True):
    """The rarities (uint8, compressed) from the next decision on."""

    epoch: int
    rarity: bytes


class Checkpoint(Struct, array_like=True, frozen=True):
    """What pruned records had left behind: `next` is the number of the next decision.

    `counts` (uint32) and `repeats` (uint8) are compressed; of the latter only what is full counts: the rest is what
    articles in the window count, whose records are there. `without_best` are articles whose best match was pruned.
    `last_event` is the number of the newest event, `redirects` are stories that were merged, each with its heir;
    `pins`: number, whether together, the articles on both sides.
    """

    epoch: Epoch
    next: int
    counted: int
    counts: bytes
    repeats: bytes
    without_best: list[int]
    last_event: int = 0
    redirects: list[tuple[str, str]] = []
    pins: list[tuple[int, bool, list[int], list[int]]] = []


class Clearing(Struct, array_like=True, frozen=True):
    """At `moment` the passages of the articles numbered first .. end - 1 of a source stopped being counted."""

    source: str | None
    first: int
    end: int
    moment: int


class Positions(Struct, array_like=True, frozen=True):
    """How far each follower of the feed got, by name: the number of the last event that it took."""

    reached: dict[str, int]


class Residue(Struct, array_like=True, frozen=True):
    """What stays in the place of an erased decision: the numbers by which it moved others, and how long its text was.

    Without them replay would take the others another way. `links` are those that concern it not.
    """

    number: int
    replaces: int | None
    arrived: int
    words: int
    links: list[tuple[int, int, float, Relation]]
    moves: Sequence[tuple[int, str]]


class Erasure(Struct, array_like=True, frozen=True):
    """At `moment` an article was erased, whose revisions had the `erased` numbers; it takes a number of its own.

    `links` and `moves` are what became of the story that it left, `without_best` articles outside the window whose best
    match it was, `full` counters of passages that it had helped to fill.
    """

    number: int
    moment: int
    erased: list[int]
    links: list[tuple[int, int, float, Relation]]
    moves: Sequence[tuple[int, str]]
    without_best: list[int]
    full: list[int]


class Edit(Struct, array_like=True, frozen=True):
    """At `moment` an editor merged, split, pinned or unpinned; it takes a number of its own, which is its pin's too.

    `pin`: whether together, and the articles on both sides; `unpinned`: the number of the pin that went. `links` were
    compared on demand, `moves` are the places taken. Undoing it needs `origins`, the places of before, and `lost`, what
    the pin that went had said. An edit that `undoes` another, by its number, may have `revived` stories that were gone.
    """

    number: int
    moment: int
    pin: tuple[bool, list[int], list[int]] | None
    unpinned: int | None
    links: list[tuple[int, int, float, Relation]]
    moves: Sequence[tuple[int, str]]
    origins: Sequence[tuple[int, str]] = ()
    lost: tuple[bool, list[int], list[int]] | None = None
    undoes: int | None = None
    revived: Sequence[str] = ()


class ActionRecord(Struct, array_like=True, frozen=True):
    """What somebody did by hand: when, who says so and why; numbered from 1.

    `edit` is the number of what it changed among stories, `undoes` that of the action that it undid. `came` is the
    number of the first revision of the article that it is about, whose status was `before` and is `after` then; of a
    canonical that was corrected, they are the ids of who stood and who stands for the story.
    """

    number: int
    moment: int
    kind: ActionKind
    by: str
    reason: str
    stories: list[str]
    articles: list[str]
    edit: int | None = None
    undoes: int | None = None
    came: int | None = None
    before: str | None = None
    after: str | None = None


class Rule(Struct, array_like=True, frozen=True):
    """By what the events from here on tell who stands for a story; before the first such record: first_published.

    `sources` are the names that it goes by, in order, as they are compared; `by_credit`: also by what texts credit.
    """

    keep: Keep
    sources: tuple[str, ...] = ()
    by_credit: bool = False


class BatchRun(Struct, array_like=True, frozen=True):
    """How far a run of `dedupe` has come: written when it begins, when it has looked ahead, when it has ended.

    It began at the moment `begun`; its articles are numbered from `first` on, which is None until it is known. What its
    decisions depend on has the digest `settings`, all of its articles, once they were looked at, the digest `articles`.
    """

    begun: int
    settings: bytes
    first: int | None = None
    articles: bytes | None = None
    is_ended: bool = False


class Fact(Struct, array_like=True, frozen=True, gc=False):
    """An event before it has a number and a moment; later versions add fields at the end."""

    type: EventType
    story: str
    article: str | None = None
    other: str | None = None
    previous: str | None = None
    revision: int | None = None
    articles: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()


class EventBatchHead(Struct, array_like=True, frozen=True):
    """What replay needs of a record of events: the number of the first, how many, when, and which stories merged."""

    first: int
    count: int
    at: int
    merged: list[tuple[str, str]]


class EventBatch(EventBatchHead, array_like=True, frozen=True):
    """A record of events: those of one append, `first` the number of the first; `merged`: (gone, where to)."""

    facts: list[Fact]

    def events(self) -> list[Event[Milliseconds]]:
        """Return the events, numbered."""
        return [
            Event(seq, f.type, self.at, f.story, f.article, f.other, f.previous, f.revision, f.articles, f.credits)
            for seq, f in enumerate(self.facts, self.first)
        ]


class RecordKind(IntEnum):
    """What there is in a store, one row a kind: the number, which stays for ever, and the type of what is stored."""

    holds: type["AnyRecord"]

    def __new__(cls, number: int, holds: type["AnyRecord"]) -> Self:
        """Make a member of its row."""
        kind = int.__new__(cls, number)
        kind._value_ = number
        kind.holds = holds
        return kind

    ARTICLE = 1, Decision
    EPOCH = 2, Epoch
    CHECKPOINT = 3, Checkpoint
    ERASURE = 4, Erasure
    EDIT = 5, Edit
    CLEARING = 6, Clearing
    EVENTS = 7, EventBatchHead
    RESIDUE = 8, Residue
    RUN = 9, BatchRun
    POSITIONS = 10, Positions
    RULE = 11, Rule
    ACTION = 12, ActionRecord


def entry(record: "AnyRecord", article_id: str | None = None, text: bytes | None = None) -> Entry:
    """Return what a store appends of a record."""
    return Entry(_KIND_OF[type(record)], article_id, encode(record), text)


def encode(record: "AnyRecord") -> bytes:
    """Return the payload of a record."""
    return _encoder.encode(record)


def decode(kind: int, payload: bytes) -> "AnyRecord | None":
    """Return a record of its payload, of events their head alone; None for a kind that a later version wrote."""
    decoder = _DECODERS.get(kind)
    return None if decoder is None else decoder(payload)


def scheme(model: Model) -> str:
    """Name what stored keys and links were made with; those of another scheme cannot be compared with new ones."""
    parts = [model.bias, sorted(model.weights.items()), model.hinges, model.trees]
    digest = xxh3_64_hexdigest(msgspec.json.encode(parts))
    return f"text-{text.NORMALISATION} keys-{KEYS} model-{digest}"


def content_of(article: Article) -> bytes:
    """Return the 128 bits that tell one content from another: all fields but the id.

    Raises InvalidArticle for an article that could not be stored: made by hand, of other types or of broken Unicode.
    """
    names = article.title, article.source, article.url, article.language
    moments = article.published, article.embargoed
    if not (
        type(article.id) is type(article.text) is str
        and _MAYBE_TEXT.issuperset(map(type, names))
        and _MAYBE_MOMENT.issuperset(map(type, moments))
        and article.status in _STATUSES
    ):
        raise InvalidArticle(f"article {article.id!r} has a field of another type than its own")
    try:
        article.id.encode()
        content: tuple[object, ...] = (article.text, *names, article.published)
        if article.status != "usable" or article.embargoed is not None:
            content += article.status, article.embargoed
        return xxh3_128_digest(_encoder.encode(content))
    except UnicodeEncodeError as error:
        raise InvalidArticle(f"article {article.id!r} holds a lone surrogate: {error.reason}") from None


_MAYBE_TEXT, _MAYBE_MOMENT = {str, type(None)}, {int, type(None)}
_STATUSES = get_args(Status)
_encoder = msgspec.msgpack.Encoder()
AnyRecord = (
    Decision | Epoch | Checkpoint | Erasure | Edit | Clearing | EventBatchHead | Residue | BatchRun | Positions
    | Rule | ActionRecord
)  # fmt: skip
_DECODERS: dict[int, Callable[[bytes], AnyRecord]] = {k: msgspec.msgpack.Decoder(k.holds).decode for k in RecordKind}
_KIND_OF: dict[type, RecordKind] = {kind.holds: kind for kind in RecordKind} | {EventBatch: RecordKind.EVENTS}
decode_decision = msgspec.msgpack.Decoder(Decision).decode
decode_events = msgspec.msgpack.Decoder(EventBatch).decode
_compressor = ZstdCompressor(level=1)


def compress(table: bytes) -> bytes:
    """Return a table as a record holds it."""
    return _compressor.compress(table)


def decompress(table: bytes) -> bytes:
    """Return the table as it was."""
    return ZstdDecompressor().decompress(table)
