"""Events: what changed for the readers of stories, as facts that are derived once and then only read.

A change (an article decided, a story merged by hand, an article erased) moves articles between stories. `derive` turns
the moves into facts; they are numbered without gaps, from 1, and stored by the append that stores the change itself, in
a record of their own: so the feed is complete and ordered by construction, a process that is killed loses both or
neither, and replay computes nothing. Facts hold ids of articles and stories, never titles or texts, and no record but
their own; a record that is pruned or erased takes none of them away.

Who reads all facts in order and applies them has the stories of the API (`tests/feed_reader.py` does):

    created            article founds story
    joined             article is in story now; it was in `other` until then where that is given (a new revision)
    split              `articles` of story are in `other` now, which may be new
    merged             all that is left in `other` is in story now, and `other` is no story any more
    canonical_changed  article stands for story, `previous` did; after `created`, its article stands for it
    revised            article, which was in story, has a new revision; `joined` or `created` follows if it left that
    recalled           article of story was canceled; `articles` are its copies and rewrites
    deleted            article is in no story any more

The seam for other changes: `changes.ChangeCapture.take` is called after each change that moved articles, with the facts
that go before those that the moves imply (`revised`, `recalled`, `deleted`), while the archive still knows them.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from wirecopy.detection.grouping.membership import story_age
from wirecopy.detector.memory.records import EventBatch, Fact


class Transfer(NamedTuple):
    """An article whose place changed: None stands for no story."""

    article: str
    origin: str | None
    target: str | None


class Standing(NamedTuple):
    """Who stood for a story that there is now, None where there was no such story, and who does now."""

    story: str
    before: str | None
    after: str


def derive(
    transfers: Iterable[Transfer],
    arrived: str | None,
    existed: AbstractSet[str],
    exists: AbstractSet[str],
    standings: Iterable[Standing],
) -> list[Fact]:
    """Return the facts that a change of places implies.

    `arrived` is the article that the change began with, whose own revision came; others that had no place before
    arrive too. `existed` and `exists` are those of the stories concerned that there were before and are now.
    """
    facts: list[Fact] = []
    stands: dict[str, str] = {}
    parting: dict[str, dict[str, list[str]]] = {}
    for article, origin, target in transfers:
        if target is None or target == origin:
            continue
        if origin is not None and article != arrived:
            parting.setdefault(origin, {}).setdefault(target, []).append(article)
        elif target in existed or target in stands:
            facts.append(Fact("joined", target, article, origin))
        else:
            facts.append(Fact("created", target, article, origin))
            stands[target] = article
    for story in sorted(parting, key=story_age):
        parts, heir = parting[story], None
        if story not in exists:
            heir = min(parts, key=lambda part: (-len(parts[part]), story_age(part)))
        others = [part for part in sorted(parts, key=story_age) if part != heir]
        facts += [Fact("split", story, other=part, articles=tuple(parts[part])) for part in others]
        if heir is not None:
            facts.append(Fact("merged", heir, other=story))
    for story, before, after in standings:
        known = stands.get(story, before)
        if known != after:
            facts.append(Fact("canonical_changed", story, after, previous=known))
    return facts


def batch_of(first: int, at: int, facts: Sequence[Fact]) -> EventBatch:
    """Return the record of facts that are told together."""
    merged = [(fact.other, fact.story) for fact in facts if fact.type == "merged" and fact.other is not None]
    return EventBatch(first, len(facts), at, merged, list(facts))
