"""What travels between the service and its clients; both ends use these types.

The service encodes them and takes /openapi.json from them, the client decodes them. Times are RFC 3339 in JSON,
`datetime` in UTC here, and milliseconds since 1970 in what the detector answers.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from wirecopy.schema import actions, answers, events, listing
from wirecopy.schema.answers import (
    Boilerplate,
    Match,
    Milliseconds,
    Pin,
    Source,
    Time,
    Verdict,
)
from wirecopy.schema.article import Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Stored = answers.Stored[Time]
Revision = answers.Revision[Time]
Member = answers.Member[Time]
Story = answers.Story[Time]
Event = events.Event[Time]
Action = actions.Action[Time]
Reason = Annotated[str, Meta(max_length=1000)]


class ArticleInput(Struct, frozen=True):
    """An article as it is sent. Null is the same as absent; other fields are allowed and ignored.

    `id` may be left out where the path has it; a number becomes its decimal digits. `published` and `embargoed` are
    times or dates as RFC 3339, ISO 8601 or RFC 822 write them, or seconds or milliseconds since 1970. `status`: a
    withheld article is matched and shown to nobody, as is one that is embargoed, before that moment; of a canceled one
    its story lists what is to be recalled. Without: usable. `text` may be left out of what is canceled, and of nothing
    else. Of two contents of one id, the one with the lower `version`, or else the earlier `updated`, is the older.
    """

    text: Annotated[str, Meta(min_length=1, pattern=r"\S")] | None = None
    id: Annotated[str, Meta(min_length=1)] | int | None = None
    title: str | None = None
    source: str | None = None
    url: str | None = None
    published: str | int | float | None = None
    language: str | None = None
    status: Status | None = None
    embargoed: str | int | float | None = None
    version: int | str | None = None
    updated: str | int | float | None = None


class Revisions(Struct, frozen=True):
    """The revisions of an article that are kept, in order; `next` is the `after` of the next page, null on the last."""

    id: str
    revisions: list[Revision]
    next: int | None = None


class PairTexts(Struct, frozen=True):
    """The texts of two articles, for offsets in characters where the service keeps none."""

    a: str
    b: str


class Matches(Struct, frozen=True):
    """All verified matches of an article, best first."""

    id: str
    matches: tuple[Match, ...]


class MergeInput(Struct, frozen=True, rename={"with_": "with"}):
    """`with`: the id of the story that is to be one with that of the path."""

    with_: Annotated[str, Meta(min_length=1)]
    reason: Reason = ""


class SplitInput(Struct, frozen=True):
    """The articles that are to be parted from the others of the story."""

    articles: Annotated[list[str], Meta(min_length=1)]
    reason: Reason = ""


class CorrectionInput(Struct, frozen=True):
    """The article that is to stand for the story of the path."""

    article: Annotated[str, Meta(min_length=1)]
    reason: Reason = ""


class ReasonInput(Struct, frozen=True):
    """Why something is done."""

    reason: Reason = ""


class ActionPage(Struct, frozen=True):
    """Edits, the newest first; `cursor` asks for the next page and is null on the last."""

    edits: list[Action]
    cursor: str | None


class Found(Struct, frozen=True):
    """An article that was found, without its text."""

    id: str
    story: str
    title: str | None
    source: str | None
    url: str | None
    language: str | None
    published: Time | None
    first_seen: Time
    status: Status


class FoundPage(Struct, frozen=True):
    """Articles that were found, the newest first; `cursor` asks for the next page and is null on the last."""

    articles: list[Found]
    cursor: str | None


class Split(Struct, frozen=True):
    """The part that kept the story's id, and the smaller one, which has a new id."""

    kept: Story
    new: Story


class PinInput(Struct, frozen=True):
    """Two articles that never belong together; or, `together`, two or more that do."""

    articles: Annotated[list[str], Meta(min_length=2)]
    together: bool = False
    reason: Reason = ""


class PinList(Struct, frozen=True):
    """Pins, the oldest first; `next` is the `after` of the next page, null on the last."""

    pins: list[Pin]
    next: int | None = None


class Moved(Struct, frozen=True):
    """The story was merged into this one."""

    story: str


class StoryPage(Struct, frozen=True):
    """Stories, newest first; `cursor` asks for the next page and is null on the last."""

    stories: list[Story]
    cursor: str | None


class SourcePage(Struct, frozen=True):
    """Sources by name; `cursor` asks for the next page and is null on the last."""

    sources: list[Source]
    cursor: str | None


class EventPage(Struct, frozen=True):
    """Events in order; `next` is the `after` of the next page, the same as asked when there is nothing newer."""

    events: list[Event]
    next: int


class Delivery(Struct, frozen=True, omit_defaults=True):
    """What a webhook is sent: events in order, those of the types that it wants; `next` is where the next will begin.

    `missed_until`: what was between the delivery before and this number is not kept any more. Read the stories.
    """

    events: list[Event]
    next: int
    missed_until: int | None = None


class BoilerplatePage(Struct, frozen=True):
    """Passages that sources repeat, source by source; `cursor` asks for the next page and is null on the last."""

    passages: list[Boilerplate]
    cursor: str | None


class Cleared(Struct, frozen=True):
    """A source whose boilerplate was forgotten, and in how many articles it was counted."""

    source: str | None
    articles: int


class Problem(Struct, frozen=True, omit_defaults=True):
    """Why something was not done (RFC 9457). `type` names the kind of problem and leads to its description.

    `kept` is there when a body of many articles ended early: how many of them are on disk.
    """

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    request_id: str | None = None
    kept: int | None = None


class SkippedItem(Struct, frozen=True):
    """An item that has no text, by its kind: nothing was stored, and nothing is wrong."""

    skipped: str


class RefusedLine(Struct, frozen=True):
    """A line of a bulk body that was refused: when, who sent it in which request, why, and how it begins.

    `line` counts from 1. `id` is null where the line has none that could be read.
    """

    seq: int
    at: Time
    client: str
    request_id: str
    line: int
    id: str | None
    status: int
    reason: str
    head: str


class RefusedPage(Struct, frozen=True):
    """Refused lines, oldest first; `next` is the `after` of the next page, `dropped` how many are not kept any more."""

    refused: list[RefusedLine]
    next: int
    dropped: int


class BulkAnswer(Struct, frozen=True, omit_defaults=True):
    """The answer to one line of a bulk stream: `verdict` (status 200 or 201) or `problem`; `line` counts from 1.

    `warnings` name fields that could not be read and were left out. `skipped` (status 204) is the kind of an item that
    has no text, such as a picture.

    A stream may end early with a line of status 400, 408, 413, 500 or 503: it then stands for its own line and
    everything behind it, none of which was stored.
    """

    line: int
    status: int
    id: str | None
    verdict: Verdict | None = None
    problem: Problem | None = None
    warnings: tuple[str, ...] = ()
    skipped: str | None = None


class Compacted(Struct, frozen=True):
    """Bytes of the database before and after it was written anew."""

    bytes_before: int
    bytes_after: int


class Health(Struct, frozen=True, omit_defaults=True):
    """`live`, `ready`, `loading` or `stopping`; `warnings` are for an operator."""

    status: str
    warnings: list[str] = []


class ClockTaken(Struct, frozen=True):
    """The machine's clock is believed again; so far ahead of the time it was."""

    ahead_seconds: float


class Readiness(Struct, frozen=True):
    """`ready`, and as what: `writer` takes articles, `standby` answers what is asked."""

    status: str
    role: Literal["writer", "standby"]
    warnings: list[str] = []


def stored(article: answers.Stored[Milliseconds]) -> Stored:
    """Return the same article with times that travel."""
    return Stored(**_with_times(article, "published", "first_seen", "embargoed"))


def revision(of: answers.Revision[Milliseconds]) -> Revision:
    """Return the same revision with times that travel."""
    return Revision(**_with_times(of, "arrived", "published", "embargoed"))


def story(of: answers.Story[Milliseconds]) -> Story:
    """Return the same story with times that travel, in its members too."""
    members = tuple(Member(**_with_times(member, "published", "first_seen")) for member in of.members)
    return Story(**{**_with_times(of, "first_seen"), "members": members})


def action(of: actions.Action[Milliseconds]) -> Action:
    """Return the same action with a time that travels."""
    return Action(**_with_times(of, "at"))


def found(of: listing.Document) -> Found:
    """Return the same article with times that travel, without its text."""
    fields = _with_times(of, "published", "first_seen")
    del fields["text"]
    return Found(**fields)


def event(of: events.Event[Milliseconds]) -> Event:
    """Return the same event with a time that travels."""
    return Event(**_with_times(of, "at"))


def _with_times(value: Struct, *names: str) -> dict[str, Any]:
    """Return the fields of `value`, the named ones turned from milliseconds to times."""
    fields = structs.asdict(value)
    for name in names:
        if fields[name] is not None:
            fields[name] = _EPOCH + fields[name] * _MILLISECOND
    return fields
