"""What is scored over which articles.

A *stream* is a list of article files given to one run; a *labelled set* is what readers said about articles of one or
several streams. Two sets may share a stream (a run costs minutes), and one set may span several (each language of
`bench/languages` is a stream of its own, and all of them together one set).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import msgspec

from bench.articles import read_rows
from bench.scoring import (
    Event,
    EventScores,
    Pair,
    PairScores,
    Template,
    TemplateScores,
    is_exactly_one_story,
    largest_story,
    read_events,
    read_pairs,
    read_templates,
    score_events,
    score_pairs,
    score_templates,
)

OWN = Path(__file__).parent
SAME_EVENT, REWORDED = 1, 2


@dataclass(frozen=True)
class Stream:
    """The article files of one run, in the order in which they are given."""

    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class LabelledSet:
    """Labels over the articles of streams; `exact` names articles that must be one story with nothing else in it.

    A set that is only `part` of another is reported by itself but takes no part in choosing a peer's threshold.
    """

    name: str
    streams: tuple[Stream, ...]
    pairs: tuple[Pair, ...] = ()
    events: tuple[Event, ...] = ()
    notes: tuple[Template, ...] = ()
    exact: tuple[str, ...] = ()
    part: bool = False


@dataclass(frozen=True)
class Scores:
    """The figures of one labelled set; None where it has no labels of that sort."""

    pairs: PairScores | None
    events: EventScores | None
    templates: TemplateScores | None
    exact: bool | None
    largest: int


@dataclass(frozen=True)
class Variant:
    """A labelled set with the dates of its articles, or without."""

    labelled: LabelledSet
    dated: bool

    @property
    def name(self) -> str:
        """Return the name under which results show it."""
        return self.labelled.name if self.dated else f"{self.labelled.name}, undated"


class LanguageArticle(msgspec.Struct, frozen=True):
    """What `bench/languages` says about one of its articles: its story, what it is, and whose event it shares."""

    id: str
    story: str
    kind: str
    same_event_as: str | None = None


def find_variants(sets: Sequence[LabelledSet]) -> list[Variant]:
    """Return each set dated and undated; once only, as undated, where no article has a date to begin with."""
    streams = dict.fromkeys(stream for labelled in sets for stream in labelled.streams)
    dated = {stream for stream in streams if has_dates(stream)}
    return [
        Variant(labelled, with_dates)
        for labelled in sets
        for with_dates in (True, False)
        if not with_dates or dated.intersection(labelled.streams)
    ]


def has_dates(stream: Stream) -> bool:
    """Say whether any article of the stream has a date of publication."""
    return any(row.get("published") for path in stream.files for row in read_rows(path))


def score(labelled: LabelledSet, story: dict[str, str]) -> Scores:
    """Return the figures of an assignment of stories to all articles of the set's streams."""
    return Scores(
        pairs=score_pairs(labelled.pairs, story) if labelled.pairs else None,
        events=score_events(labelled.events, story) if labelled.events else None,
        templates=score_templates(labelled.notes, story) if labelled.notes else None,
        exact=is_exactly_one_story(labelled.exact, story) if labelled.exact else None,
        largest=largest_story(story),
    )


def find_sets(evaluation: Path | None, own: Path = OWN) -> list[LabelledSet]:
    """Return every labelled set whose files are there: those of an evaluation folder, and this project's own."""
    sets = language_sets(own / "languages", evaluation)
    return sets if evaluation is None else [*evaluation_sets(evaluation, own / "labels"), *sets]


def evaluation_sets(folder: Path, own_labels: Path) -> list[LabelledSet]:
    """Return the sets over articles of the evaluation folder, with our own labels where they have been written."""
    articles, labels = folder / "articles", folder / "labels"
    us11, kursk = articles / "us11.jsonl.gz", articles / "kursk.jsonl"
    haystack = (articles / "reuters21578.jsonl.gz", articles / "rewrites-dev.jsonl")
    four, about_kursk = tuple(f"kursk:{number}" for number in range(4)), tuple(read_pairs(labels / "kursk.jsonl"))
    sets = [
        LabelledSet("us11-dev", (Stream("us11", (us11,)),), pairs=tuple(read_pairs(labels / "us11-dev.jsonl"))),
        LabelledSet(
            "rewrites-dev",
            (Stream("rewrites", haystack),),
            pairs=tuple(read_pairs(labels / "rewrites-dev.jsonl")),
            notes=tuple(read_templates(labels / "templates.jsonl")),
        ),
        LabelledSet("kursk", (Stream("kursk", (kursk,)),), pairs=about_kursk, exact=four),
        LabelledSet("kursk-in-us11", (Stream("kursk-in-us11", (us11, kursk)),), pairs=about_kursk, exact=four),
        LabelledSet(
            "ecbplus",
            (Stream("ecbplus", (articles / "ecbplus.jsonl.gz",)),),
            events=tuple(read_events(labels / "ecbplus.jsonl")),
        ),
    ]
    for name in ("german", "telegram"):
        path, stream = own_labels / f"{name}-dev.jsonl", Stream(name, (articles / f"{name}.jsonl.gz",))
        if path.exists():
            sets.append(LabelledSet(f"{name}-dev", (stream,), pairs=tuple(read_pairs(path))))
    sets.append(LabelledSet("background", (Stream("background", (articles / "background.jsonl.gz",)),)))
    return sets


def language_sets(folder: Path, evaluation: Path | None) -> list[LabelledSet]:
    """Return the sets over our own articles: each language alone, and all mixed among articles that have no label."""
    files = {path.stem: path for path in sorted(folder.glob("*.jsonl"))}
    pairs = {language: tuple(language_pairs(read_language(path))) for language, path in files.items()}
    if not files:
        return []
    alone = {language: Stream(f"languages/{language}", (path,)) for language, path in files.items()}
    sets = _language_sets("languages", {language: (stream,) for language, stream in alone.items()}, pairs)
    if evaluation is not None:
        others = tuple(evaluation / "articles" / f"{name}.jsonl.gz" for name in ("german", "telegram"))
        mixed = (Stream("languages-mixed", (*others, *files.values())),)
        sets += _language_sets("languages-mixed", dict.fromkeys(files, mixed), pairs)
    return sets


def _language_sets(
    name: str, streams: dict[str, tuple[Stream, ...]], pairs: dict[str, tuple[Pair, ...]]
) -> list[LabelledSet]:
    every = tuple(dict.fromkeys(stream for group in streams.values() for stream in group))
    whole = LabelledSet(name, every, pairs=tuple(pair for group in pairs.values() for pair in group))
    parts = [LabelledSet(f"{name}/{language}", streams[language], pairs[language], part=True) for language in pairs]
    return [whole, *parts]


def read_language(path: Path) -> list[LanguageArticle]:
    """Return the labels that the articles of a language file carry themselves."""
    return [msgspec.convert(row, LanguageArticle) for row in read_rows(path)]


def language_pairs(articles: Sequence[LanguageArticle]) -> Iterator[Pair]:
    """Yield every pair of a language file with the label and the kind that follow from its articles."""
    for a, b in combinations(articles, 2):
        yield Pair(a.id, b.id, *_label_and_kind(a, b))


def _label_and_kind(a: LanguageArticle, b: LanguageArticle) -> tuple[int, str]:
    kinds = sorted({a.kind, b.kind} - {"original"})
    if a.story == b.story:
        return REWORDED, "-".join(kinds)
    if a.same_event_as == b.story or b.same_event_as == a.story:
        return SAME_EVENT, "independent"
    if "roundup" in kinds:
        return 0, "roundup"
    if kinds == ["template"]:
        return 0, "template"
    # A follow-up is a danger to the story that it continues only; the rest are pairs of unrelated articles.
    follows = a.story.startswith(f"{b.story}-") or b.story.startswith(f"{a.story}-")
    return 0, "followup" if follows else "unrelated"
