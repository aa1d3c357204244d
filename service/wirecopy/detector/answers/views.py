"""What callers are told, put together from what is kept: verdicts, matches, articles, stories."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec import structs

from wirecopy.detection.evidence.model import UNJOINED, probability
from wirecopy.detection.grouping import pins
from wirecopy.detection.grouping.membership import story_age
from wirecopy.detection.grouping.stories import Grouping, Regrouping
from wirecopy.detection.words.credits import FoundCredit
from wirecopy.detector.answers import sources
from wirecopy.detector.answers.revisions import changes
from wirecopy.detector.memory.archive import Archive, Kept
from wirecopy.detector.memory.canonical import Policy
from wirecopy.detector.memory.records import Decision, StoredMatch
from wirecopy.schema.answers import (
    Containment,
    Credit,
    Direction,
    Match,
    Member,
    Milliseconds,
    Pin,
    Reasons,
    Relation,
    Revision,
    Stored,
    Story,
    Tie,
    Verdict,
)

_MOST_TOLD = 50  # stories that are told to go on with one, or that it goes on with


class Placement(NamedTuple):
    """An article's place in its story: which, whether it stands for it, its best match there."""

    story: str
    is_canonical: bool
    best: tuple[int, float, Relation] | None


def place(archive: Archive, stories: Grouping, number: int, policy: Policy) -> Placement:
    """Return the place that an article has."""
    name, members = stories.story_of[number], stories.story_of.beside(number)
    if len(members) == 1:
        return Placement(name, number not in archive.hidden, None)
    best = stories.best_match(number, archive.hidden)
    is_canonical = number not in archive.hidden and policy.canonical(archive, members) == number
    return Placement(name, is_canonical, None if best is None else (best[0], *best[1]))


def proposed_place(
    archive: Archive, stories: Grouping, number: int, kept: Kept, change: Regrouping, policy: Policy
) -> Placement:  # fmt: skip
    """Return the place that an article would have if `change`, which it causes, were applied."""
    name, moved = change.moves[0].story, dict(change.moves[1:])
    members = {m for m in stories.members.get(name, ()) if moved.get(m, name) == name}
    members |= {m for m, story in moved.items() if story == name}
    members -= archive.hidden
    linked = [(other, *link) for later, other, link in change.links if later == number and other in members]
    own = policy.rank(kept)
    is_canonical = not is_hidden(kept) and all(own < policy.rank(archive.kept[m]) for m in members)
    return Placement(name, is_canonical, min(linked, key=lambda best: (-best[1], best[0]), default=None))


def is_hidden(kept: Kept) -> bool:
    """Return whether an article is hidden at the moment at which it comes."""
    return kept.status == "withheld" or (kept.embargoed is not None and kept.embargoed > kept.arrived)


def verdict(archive: Archive, decision: Decision, article_id: str, *, replayed: bool = False) -> Verdict:
    """Return what was decided, as it was told then; matches that are not kept any more, or hidden, are left out."""
    best = decision.best
    if best is not None and not _was_shown(archive, best[0], decision.arrived):
        best = None
    return Verdict(
        id=article_id,
        revision=decision.revision,
        story=decision.story,
        canonical=decision.is_canonical,
        relation=None if best is None else best[2],
        match=None if best is None else archive.kept[best[0]].id,
        score=None if best is None else probability(best[1]),
        matches=tuple(
            _match(archive, found, found.number, decision)
            for found in decision.matches
            if _was_shown(archive, found.number, decision.arrived)
        ),
        candidates=decision.candidates,
        truncated=decision.truncated,
        replayed=replayed,
        credits=credits(decision.credits),
    )


def matches(archive: Archive, number: int) -> tuple[Match, ...]:
    """Return all verified matches of an article with newest revisions of others, earlier and later ones, best first."""
    found = [(found.odds, found.number, found) for found in archive.decision(number).matches]
    for later in archive.later.get(number, ()):
        if later in archive.kept:
            found += [(f.odds, later, _reversed(f)) for f in archive.decision(later).matches if f.number == number]
    found.sort(key=lambda item: (-item[0], item[1]))
    own = archive.kept[number]
    return tuple(_match(archive, match, other, own) for _, other, match in found if _is_told(archive, other))


def stored(archive: Archive, stories: Grouping, number: int, policy: Policy) -> Stored[Milliseconds]:
    """Return an article as it is now."""
    decision = archive.decision(number)
    name = stories.story_of[number]
    relation, match, score = _best(archive, stories, number)
    is_canonical = number not in archive.hidden and policy.canonical(archive, stories.story_of.beside(number)) == number
    return _stored(archive, number, decision, (name, is_canonical, relation, match, score))


def stored_then(archive: Archive, number: int) -> Stored[Milliseconds]:
    """Return a revision as it was decided when it came."""
    decision = archive.decision(number)
    told = verdict(archive, decision, archive.kept[number].id)
    return _stored(archive, number, decision, (told.story, told.canonical, told.relation, told.match, told.score))


def _stored(
    archive: Archive,
    number: int,
    decision: Decision,
    place: tuple[str, bool, Relation | None, str | None, float | None],
) -> Stored[Milliseconds]:
    """Return what is kept of an article, beside its place: story, whether canonical, relation, match, score."""
    kept = archive.kept[number]
    name, is_canonical, relation, match, score = place
    return Stored(
        id=kept.id,
        revision=kept.revision,
        story=name,
        canonical=is_canonical,
        relation=relation,
        match=match,
        score=score,
        title=decision.title,
        source=kept.source,
        url=decision.url,
        language=decision.language,
        published=kept.published,
        first_seen=kept.first_seen,
        text=archive.text(number),
        status=kept.status,
        embargoed=kept.embargoed,
        credits=credits(kept.credits),
    )


class RevisionText(NamedTuple):
    """A revision, without what it changed, and its title and text."""

    revision: Revision[Milliseconds]
    title: str | None
    text: str | None


def revision_text(archive: Archive, number: int) -> RevisionText:
    """Return one kept revision of an article."""
    kept, decision = archive.kept[number], archive.decision(number)
    told = Revision(
        revision=kept.revision,
        arrived=kept.arrived,
        story=decision.story,
        title=decision.title,
        source=kept.source,
        published=kept.published,
        status=kept.status,
        embargoed=kept.embargoed,
        changes=None,
    )
    return RevisionText(told, decision.title, archive.text(number))


def with_changes(texts: Sequence[RevisionText]) -> list[Revision[Milliseconds]]:
    """Return revisions that follow each other, each but the first with what it changed."""
    told = [one.revision for one in texts[:1]]
    for before, now in pairwise(texts):
        changed = changes(before.title, before.text, now.title, now.text)
        told.append(structs.replace(now.revision, changes=changed))
    return told


def story(archive: Archive, stories: Grouping, name: str, policy: Policy) -> Story[Milliseconds]:
    """Return a story as it is now, its members in the order in which they came; one of them at least must be shown."""
    numbers = sorted(archive.shown(stories.members[name]), key=lambda number: archive.kept[number].came)
    first = policy.canonical(archive, numbers)
    members = tuple(_member(archive, stories, number, first) for number in numbers)
    others = [member.relation for member in members if not member.canonical]
    counts = sources.count(archive, stories, numbers)
    follows, followed_by = _affair(archive, stories, name, numbers)
    return Story(
        id=name,
        canonical=archive.kept[first].id,
        first_seen=min(member.first_seen for member in members),
        sources=tuple(sorted({member.source for member in members if member.source})),
        copies=sum(relation in ("identical", "copy") for relation in others),
        rewrites=sum(relation == "rewrite" for relation in others),
        members=members,
        recall=tuple(archive.kept[number].id for number in recall(archive, numbers)),
        unique_texts=counts.unique_texts,
        by_source=counts.by_source,
        by_day=counts.by_day,
        follows=tuple(follows),
        followed_by=tuple(followed_by),
    )


def recall(archive: Archive, members: Sequence[int]) -> list[int]:
    """Return the articles that are copies or rewrites of what was canceled among the members of a story, as they came.

    All other members, those elsewhere that match, and what was known when it was canceled; not what was canceled too.
    """
    kept = archive.kept
    found = {number for number in members if number in archive.recalled_by and archive.still_recalled(number)}
    for number in members:
        if kept[number].status == "canceled":
            found.update(members, archive.recalls.get(number, ()), copies(archive, number))
    wanted = (m for m in found if _is_told(archive, m) and kept[m].status != "canceled")
    return sorted(wanted, key=lambda number: kept[number].came)


def copies(archive: Archive, number: int) -> list[int]:
    """Return the other articles that an article is a copy or rewrite of, or that are one of it, wherever they are."""
    matched = [found.number for found in archive.decision(number).matches if found.relation not in UNJOINED]
    for later in archive.later.get(number, ()):
        if later in archive.kept:
            found = archive.decision(later).matches
            matched += [later for match in found if match.number == number and match.relation not in UNJOINED]
    return [other for other in matched if archive.is_current(other)]


def reasons(archive: Archive, stories: Grouping, name: str, policy: Policy) -> Reasons:
    """Return what holds each member to a story, in the order in which they came."""
    numbers = sorted(archive.shown(stories.members[name]), key=lambda number: archive.kept[number].came)
    first = policy.canonical(archive, numbers)
    return Reasons(name, stories.least, tuple(_tie(archive, stories, number, first) for number in numbers))


def pin(archive: Archive, of: pins.NumberedPin, *, with_hidden: bool = False) -> Pin:
    """Return a pin with the ids of its articles; those of hidden ones only to who just named them."""
    kept = archive.kept
    sides = (sorted(side) if with_hidden else archive.shown(sorted(side)) for side in (of.left, of.right))
    left, right = (tuple(kept[m].id for m in side) for side in sides)
    return Pin(f"p{of.id}", of.together, left, right)


def _member(archive: Archive, stories: Grouping, number: int, first: int) -> Member[Milliseconds]:
    kept = archive.kept[number]
    relation, match, score = _best(archive, stories, number)
    return Member(
        id=kept.id,
        canonical=number == first,
        relation=relation,
        match=match,
        score=score,
        source=kept.source,
        title=archive.decision(number).title,
        published=kept.published,
        first_seen=kept.first_seen,
        status=kept.status,
        credits=credits(kept.credits),
    )


def match(archive: Archive, number: int, found: StoredMatch) -> Match:
    """Return one match that was found for an article with an earlier one."""
    return _match(archive, found, found.number, archive.kept[number])


def credits(found: Sequence[FoundCredit]) -> tuple[Credit, ...]:
    """Return whom an article credits, as callers see it."""
    return tuple(Credit(*credit) for credit in found)


def _tie(archive: Archive, stories: Grouping, number: int, first: int) -> Tie:
    hidden = archive.hidden
    best, (mean, compared) = stories.best_match(number, hidden), stories.support(number, hidden)
    relation, match, score = _best(archive, stories, number)
    return Tie(
        id=archive.kept[number].id,
        canonical=number == first,
        match=match,
        relation=relation,
        score=score,
        odds=None if best is None else round(best[1].odds, 4),
        average_odds=None if mean is None else round(mean, 4),
        compared=compared,
    )


def _best(archive: Archive, stories: Grouping, number: int) -> tuple[Relation | None, str | None, float | None]:
    best = stories.best_match(number, archive.hidden)
    if best is None:
        return None, None, None
    other, (odds, relation) = best
    return relation, archive.kept[other].id, probability(odds)


def _match(archive: Archive, found: StoredMatch, other: int, own: Kept | Decision) -> Match:
    kept, direction = archive.kept[other], None
    if found.relation == "follow_up":
        direction = _direction(own, kept)
    containment = Containment(found.this_in_other, found.other_in_this)
    return Match(kept.id, probability(found.odds), found.relation, containment, found.shared_words, direction)


def _direction(own: Kept | Decision, other: Kept) -> Direction:
    """Return what an article is to another, one of which goes on with the other: by dates, else by how they came."""
    if own.published is None or other.published is None or own.published == other.published:
        return "follows" if own.came > other.came else "followed_by"
    return "follows" if own.published > other.published else "followed_by"


def _affair(archive: Archive, stories: Grouping, name: str, members: Sequence[int]) -> tuple[list[str], list[str]]:
    """Return the stories that one goes on with, and those that go on with it, the closest first.

    Which of two stories is the later is what most pairs of their articles say, else which began later.
    """
    pairs: Counter[str] = Counter()
    later: Counter[str] = Counter()
    for number in members:
        own = archive.kept[number]
        for other in archive.affairs.get(number, ()):
            if not _is_told(archive, other) or stories.story_of[other] == name:
                continue
            story, kept = stories.story_of[other], archive.kept[other]
            direction = _direction(own, kept)
            pairs[story] += 1
            later[story] += 1 if direction == "follows" else -1
    closest = sorted(pairs, key=lambda story: (-pairs[story], story_age(story)))[:_MOST_TOLD]
    follows = [story for story in closest if (later[story] or _is_older(story, name)) > 0]
    return follows, [story for story in closest if story not in follows]


def _is_older(story: str, than: str) -> int:
    return 1 if story_age(story) < story_age(than) else -1


def _reversed(found: StoredMatch) -> StoredMatch:
    """Return the same match seen from the other article."""
    return StoredMatch(
        found.number, found.odds, found.relation, found.other_in_this, found.this_in_other, found.shared_words
    )  # fmt: skip


def _is_told(archive: Archive, number: int) -> bool:
    """Return whether others are told of an article: it is kept, of its newest revision, and not hidden."""
    return archive.is_current(number) and number not in archive.hidden


def _was_shown(archive: Archive, number: int, moment: int) -> bool:
    """Return whether an article is kept, is shown, and was so at a moment before."""
    kept = archive.kept.get(number)
    if kept is None or not archive.is_shown(number):
        return False
    return kept.status != "withheld" and (kept.embargoed is None or kept.embargoed <= moment)
