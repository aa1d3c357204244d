"""What callers are told: verdicts, matches, stories. The API's schema is made of these types.

Types with moments are stated once for both sides of HTTP: `Story[Milliseconds]` is what the detector answers, our clock
and UTC, `Story[Time]` is what travels.
"""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from wirecopy.schema.article import Status

When = TypeVar("When")
Milliseconds = int  # since 1970, UTC
Time = Annotated[datetime, Meta(tz=True)]
Relation = Literal["identical", "copy", "rewrite", "contains", "follow_up"]
Direction = Literal["follows", "followed_by"]


class Containment(Struct, frozen=True):
    """How much of each text's informative words stands in the other, 0 to 1."""

    this_in_other: float
    other_in_this: float


class Match(Struct, frozen=True):
    """An article that shares its source with this one. `contains`: this one, or the other, is a round-up of stories.

    `follow_up`: no shared source, but one goes on with the story of the other; `direction` says which is the later.
    """

    id: str
    score: float
    relation: Relation
    containment: Containment
    shared_words: int
    direction: Direction | None = None


class Credit(Struct, frozen=True):
    """A name that a text gives as its source: an agency's, or that of an outlet that is a source of other articles.

    `wire`: the text is said to be theirs, by a dateline, a signature or in words; `reported`: it tells what they
    reported, or were told.
    """

    name: str
    kind: Literal["wire", "reported"]


class Verdict(Struct, frozen=True):
    """What was decided for an article when it came.

    `relation`, `match` and `score` belong to the best match among the other members of the story, all null when the
    article stands alone. `matches` are all verified matches, best first. `candidates` counts the articles that were
    compared; `truncated` says that more of them, or of the text, were left out by a limit. `superseded`: what came is
    older than what is kept under this id, and changed nothing; the rest tells of what is kept. `credits`: whom the text
    names as its source, in the order in which it does.
    """

    id: str
    revision: int
    story: str
    canonical: bool
    relation: Relation | None
    match: str | None
    score: float | None
    matches: tuple[Match, ...]
    candidates: int
    truncated: bool
    replayed: bool = False
    superseded: bool = False
    credits: tuple[Credit, ...] = ()


class Member(Struct, Generic[When], frozen=True):
    """An article of a story, with its best match among the other members."""

    id: str
    canonical: bool
    relation: Relation | None
    match: str | None
    score: float | None
    source: str | None
    title: str | None
    published: When | None
    first_seen: When
    status: Status = "usable"
    credits: tuple[Credit, ...] = ()


class SourceCount(Struct, frozen=True):
    """A source's articles in a story, and how many of them are copies of an earlier one there."""

    source: str | None
    articles: int
    copies: int


class DayCount(Struct, frozen=True):
    """A day's articles in a story (UTC, by their dates or else our clock), and how many copies of earlier ones."""

    day: str
    articles: int
    copies: int


class Origin(Struct, frozen=True):
    """Whose articles a source copied and rewrote, and how many."""

    source: str
    copies: int
    rewrites: int


class Lead(Struct, frozen=True):
    """Who was first, and in how many stories."""

    source: str
    stories: int


class Source(Struct, frozen=True):
    """How much of a source is copied from whom.

    `copies` and `rewrites` of its `articles` were made of earlier articles of other sources in the same story.
    `shared_stories` has the source with others, and in `first` of them it was the first; `usually_first` are those who
    were. The lists have 20 entries at most.
    """

    source: str
    articles: int
    copies: int
    rewrites: int
    copied_from: tuple[Origin, ...]
    shared_stories: int
    first: int
    usually_first: tuple[Lead, ...]


class Story(Struct, Generic[When], frozen=True):
    """Articles connected by matches; `first_seen` is when the service got the first of them.

    `recall`: the ids of all copies and rewrites of members that were canceled. `unique_texts`: how many are left when
    copies of each other count as one. `follows` and `followed_by` are stories that articles of this one go on with, or
    that go on with this one, the closest first.
    """

    id: str
    canonical: str
    first_seen: When
    sources: tuple[str, ...]
    copies: int
    rewrites: int
    members: tuple[Member[When], ...]
    recall: tuple[str, ...] = ()
    unique_texts: int = 0
    by_source: tuple[SourceCount, ...] = ()
    by_day: tuple[DayCount, ...] = ()
    follows: tuple[str, ...] = ()
    followed_by: tuple[str, ...] = ()


class Pin(Struct, frozen=True):
    """What an editor said of articles, against all evidence.

    `together`: all of `articles` and `others` belong together; else none of `articles` belongs with any of `others`.
    """

    id: str
    together: bool
    articles: tuple[str, ...]
    others: tuple[str, ...]


class Stored(Struct, Generic[When], frozen=True):
    """An article as it is kept: its current verdict's fields, its own, and its text when texts are kept."""

    id: str
    revision: int
    story: str
    canonical: bool
    relation: Relation | None
    match: str | None
    score: float | None
    title: str | None
    source: str | None
    url: str | None
    language: str | None
    published: When | None
    first_seen: When
    text: str | None
    status: Status = "usable"
    embargoed: When | None = None
    credits: tuple[Credit, ...] = ()


class Headline(Struct, frozen=True):
    """A title that changed."""

    before: str | None
    after: str | None


class Changes(Struct, frozen=True):
    """What changed against the revision before; `headline` is null when it did not.

    `added` and `dropped` are paragraphs, `numbers_added` and `numbers_dropped` as they are written, title included;
    null where texts are not kept.
    """

    headline: Headline | None
    added: tuple[str, ...] | None
    dropped: tuple[str, ...] | None
    numbers_added: tuple[str, ...] | None
    numbers_dropped: tuple[str, ...] | None


class Revision(Struct, Generic[When], frozen=True):
    """One revision of an article: when it arrived, the story that was decided then, what it changed.

    `changes` is null for the first that is kept.
    """

    revision: int
    arrived: When
    story: str
    title: str | None
    source: str | None
    published: When | None
    status: Status
    embargoed: When | None
    changes: Changes | None


class Boilerplate(Struct, frozen=True):
    """A passage that a source repeats, which therefore counts as no evidence in its further articles.

    `articles` is in how many of the source's articles in the index it stands, copies of earlier articles left out; 255
    stands for 255 or more. `example` is the id of one of them, in which it begins with the word number `first_word`,
    counted from 0 and from the title on, and has `words` words. `text` is how it stands there, null where texts are not
    kept.
    """

    source: str | None
    articles: int
    words: int
    text: str | None
    example: str
    first_word: int


class Passage(Struct, frozen=True):
    """Words that stand in both texts.

    Offsets count characters, from start to before end, in the texts without titles; null when the texts are not at
    hand. `a_word`, `b_word` and `words` say the same in words, as wirecopy counts them: pairs of characters in scripts
    without spaces. `text` is a's.
    """

    text: str | None
    a_start: int | None
    a_end: int | None
    b_start: int | None
    b_end: int | None
    a_word: int
    b_word: int
    words: int


class Fragment(Struct, frozen=True):
    """A number or a quotation in one of two texts; offsets as those of a passage."""

    text: str | None
    start: int | None
    end: int | None
    word: int
    words: int


class Change(Struct, frozen=True):
    """What stands in one text and, changed, in the other; null where the other has nothing like it."""

    a: Fragment | None
    b: Fragment | None


class Paragraph(Struct, frozen=True):
    """A paragraph, and what became of it in the other text.

    `shared`: at least three quarters of its words stand in passages; `reworded`: much of what it says stands close
    together in the other text; else `only here`. `in_passages` is the share of its words that stand in passages,
    `match` the place of its counterpart among the other's paragraphs, from 0.
    """

    text: str
    start: int
    end: int
    mark: Literal["shared", "reworded", "only here"]
    in_passages: float
    match: int | None


class Paragraphs(Struct, frozen=True):
    """The paragraphs of two texts."""

    a: tuple[Paragraph, ...]
    b: tuple[Paragraph, ...]


class Contribution(Struct, frozen=True):
    """What one feature adds to the log-odds of a pair, above a typical pair; `words` says what the feature is."""

    feature: str
    value: float
    log_odds: float
    words: str


class Comparison(Struct, frozen=True):
    """Why two articles match, or do not.

    `relation` is null when the two are no match, or, of texts compared by themselves, would be two stories, and neither
    contains the other. `features` are described in docs/matching.md; `contributions` say what each of them adds, the
    largest first, whatever its sign. `paragraphs` is null when the texts are not at hand. `numbers` and `quotes` are
    those of either text that the other has not, changed ones side by side. `truncated`: words beyond
    `detection.max_words` of a text were left out. `direction` is what a is to b where one of them goes
    on with the story of the other and the dates tell it.
    """

    a: str
    b: str
    score: float
    relation: Relation | None
    features: dict[str, float]
    truncated: bool
    passages: tuple[Passage, ...]
    paragraphs: Paragraphs | None
    numbers: tuple[Change, ...]
    quotes: tuple[Change, ...]
    contributions: tuple[Contribution, ...] = ()
    direction: Direction | None = None


class Tie(Struct, frozen=True):
    """What holds an article to its story.

    `match` is its best match in the story, with `score`, `relation` and the log-odds of that link; all null when it
    stands alone. `average_odds` is the mean of the log-odds, none beyond 4 or below -4, to the `compared` members that
    it was compared with; null when it is with none, or so old that only its best match is remembered.
    """

    id: str
    canonical: bool
    match: str | None
    relation: Relation | None
    score: float | None
    odds: float | None
    average_odds: float | None
    compared: int


class Reasons(Struct, frozen=True):
    """Why a story is one. `least_odds`: the mean log-odds between any two parts that were joined is above it."""

    id: str
    least_odds: float
    members: tuple[Tie, ...]
