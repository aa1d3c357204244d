"""How well an assignment of stories agrees with labelled articles.

An assignment maps article id -> story name; articles it does not name stand alone. Labels of pairs: 3 copy, 2 derived,
1 same event but written independently, 0 different. A pair is *grouped* when both articles carry the same story.
Precision and F1 leave label 1 out; the strict figures count it as wrong. Pairs were drawn by strata, so all rates are
weighted by `weight`, which restores the population they stand for; counts per kind are plain counts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

DERIVED = 2  # labels from here on belong into one story
BELONG = ("apart", "either", "together")  # by label, 3 like 2


class Pair(msgspec.Struct, frozen=True):
    """Two articles and what a reader said about them."""

    a: str
    b: str
    label: int
    kind: str = "plain"
    weight: float = 1.0


class Event(msgspec.Struct, frozen=True):
    """An article and the event that it reports."""

    id: str
    event: str


class Template(msgspec.Struct, frozen=True):
    """A form-like article and the company that it is about."""

    id: str
    company: str


@dataclass(frozen=True)
class KindCount:
    """Of `total` pairs of a kind that belong "together", "apart" or "either" (label 1), how many were grouped."""

    kind: str
    belong: str
    grouped: int
    total: int


@dataclass(frozen=True)
class PairScores:
    """Weighted agreement over labelled pairs; `by_label` maps "0".."3" to the weighted share that was grouped."""

    pairs: int
    recall: float
    precision: float
    f1: float
    strict_precision: float
    strict_f1: float
    by_label: dict[str, float]
    by_kind: tuple[KindCount, ...]
    missing: int


@dataclass(frozen=True)
class EventScores:
    """B-cubed agreement with same-event clusters."""

    articles: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class TemplateScores:
    """How many notes stand in a story with another company's note, beyond one company per story."""

    notes: int
    false_merges: int
    rate: float


def read_pairs(path: Path) -> list[Pair]:
    """Return the labelled pairs of a JSONL file; raise msgspec.DecodeError when a line is no pair."""
    return msgspec.json.Decoder(Pair).decode_lines(path.read_bytes())


def read_events(path: Path) -> list[Event]:
    """Return the articles with their events from a JSONL file."""
    return msgspec.json.Decoder(Event).decode_lines(path.read_bytes())


def read_templates(path: Path) -> list[Template]:
    """Return the form-like articles with their companies from a JSONL file."""
    return msgspec.json.Decoder(Template).decode_lines(path.read_bytes())


def is_grouped(pair: Pair, story: Mapping[str, str]) -> bool:
    """Say whether both articles of the pair carry the same story."""
    first = story.get(pair.a)
    return first is not None and first == story.get(pair.b)


def score_pairs(pairs: Sequence[Pair], story: Mapping[str, str]) -> PairScores:
    """Score an assignment against labelled pairs; `missing` counts pairs with an article that has no story."""
    total: defaultdict[int, float] = defaultdict(float)
    grouped: defaultdict[int, float] = defaultdict(float)
    for pair in pairs:
        total[pair.label] += pair.weight
        grouped[pair.label] += pair.weight * is_grouped(pair, story)
    right = sum(grouped[label] for label in grouped if label >= DERIVED)
    recall = _ratio(right, sum(total[label] for label in total if label >= DERIVED))
    precision, strict_precision = _ratio(right, right + grouped[0]), _ratio(right, right + grouped[0] + grouped[1])
    return PairScores(
        pairs=len(pairs),
        recall=recall,
        precision=precision,
        f1=_harmonic(precision, recall),
        strict_precision=strict_precision,
        strict_f1=_harmonic(strict_precision, recall),
        by_label={str(label): _ratio(grouped[label], total[label]) for label in sorted(total)},
        by_kind=count_kinds(pairs, story),
        missing=sum(pair.a not in story or pair.b not in story for pair in pairs),
    )


def count_kinds(pairs: Iterable[Pair], story: Mapping[str, str]) -> tuple[KindCount, ...]:
    """Count the pairs grouped for each kind: those that belong together, either, apart; kinds in alphabetical order."""
    total: Counter[tuple[int, str]] = Counter()
    grouped: Counter[tuple[int, str]] = Counter()
    for pair in pairs:
        key = min(pair.label, DERIVED), pair.kind
        total[key] += 1
        grouped[key] += is_grouped(pair, story)
    order = sorted(total, key=lambda key: (-key[0], key[1]))
    return tuple(KindCount(kind, BELONG[label], grouped[label, kind], total[label, kind]) for label, kind in order)


def score_events(events: Sequence[Event], story: Mapping[str, str]) -> EventScores:
    """Return B-cubed figures (Bagga & Baldwin 1998): for each article the overlap of its story and its event."""
    of_event, of_story = defaultdict(set), defaultdict(set)
    for row in events:
        of_event[row.event].add(row.id)
        of_story[_story_of(row.id, story)].add(row.id)
    precision = recall = 0.0
    for row in events:
        event, members = of_event[row.event], of_story[_story_of(row.id, story)]
        shared = len(event & members)
        precision += shared / len(members)
        recall += shared / len(event)
    precision, recall = _ratio(precision, len(events)), _ratio(recall, len(events))
    return EventScores(len(events), precision, recall, _harmonic(precision, recall))


def score_templates(notes: Sequence[Template], story: Mapping[str, str]) -> TemplateScores:
    """Count false merges: companies in a story beyond the first, summed over stories."""
    companies = defaultdict(set)
    for note in notes:
        companies[_story_of(note.id, story)].add(note.company)
    false_merges = sum(len(names) - 1 for names in companies.values())
    return TemplateScores(len(notes), false_merges, _ratio(false_merges, len(notes)))


def is_exactly_one_story(members: Iterable[str], story: Mapping[str, str]) -> bool:
    """Say whether the named articles are one story and nothing else is in it."""
    wanted = set(members)
    names = {story.get(article) for article in wanted}
    return len(names) == 1 and {article for article, name in story.items() if name in names} == wanted


def largest_story(story: Mapping[str, str]) -> int:
    """Return the number of articles in the largest story; 0 when there are none."""
    return max(Counter(story.values()).values(), default=0)


def wrong_pairs(pairs: Iterable[Pair], story: Mapping[str, str]) -> list[Pair]:
    """Return the pairs grouped that should not be and the other way round, heaviest first; label 1 is never wrong."""
    wrong = [pair for pair in pairs if pair.label != 1 and is_grouped(pair, story) != (pair.label >= DERIVED)]
    return sorted(wrong, key=lambda pair: (-pair.weight, pair.a, pair.b))


def grouped_pairs(pairs: Iterable[Pair], story: Mapping[str, str]) -> Iterator[Pair]:
    """Yield the pairs that the assignment puts into one story."""
    return (pair for pair in pairs if is_grouped(pair, story))


def _story_of(article: str, story: Mapping[str, str]) -> str:
    return story.get(article, article)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _harmonic(precision: float, recall: float) -> float:
    return _ratio(2 * precision * recall, precision + recall)
