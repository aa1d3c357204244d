"""Lists: stories as lines, newest first or those to which most came lately; articles as documents to be found."""

from collections import Counter
from collections.abc import Generator, Sequence

from wirecopy.detection.grouping.stories import Grouping
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy
from wirecopy.schema.listing import Document, Outlet, StoryLine

_GLANCE = 200  # members up to which copies and rewrites are counted for a line: each looks at all its links
_PART = 2000  # articles that are looked at between two pauses


def line(archive: Archive, stories: Grouping, name: str, policy: Policy, recent: int = 0) -> StoryLine | None:
    """Return a story as one line; None for one that is not there, or of which nothing is shown."""
    numbers = archive.shown(stories.members.get(name, ()))
    if not numbers:
        return None
    kept = archive.kept
    first = policy.canonical(archive, numbers)
    decision = archive.decision(first)
    copies, rewrites = _relations(archive, stories, numbers, first)
    seen = [kept[number].first_seen for number in numbers]
    return StoryLine(
        id=name,
        canonical=kept[first].id,
        title=decision.title,
        source=kept[first].source,
        language=decision.language,
        first_seen=min(seen),
        last_seen=max(kept[number].arrived for number in numbers),
        articles=len(numbers),
        copies=copies,
        rewrites=rewrites,
        outlets=_outlets(archive, numbers),
        recalled=any(kept[number].status == "canceled" for number in numbers),
        recent=recent,
    )


def arrivals(archive: Archive, stories: Grouping, end: int, since: int) -> Generator[None, None, Counter[str]]:
    """Count, story by story, the shown articles numbered below `end` that came since a moment; pauses in between."""
    found: Counter[str] = Counter()
    kept, story_of, hidden = archive.kept, stories.story_of, archive.hidden
    for looked, number in enumerate(range(end - 1, -1, -1)):
        if looked % _PART == _PART - 1:
            yield
        if number not in kept:
            continue
        one = kept.look(number)
        if one.arrived < since:
            break
        if number in story_of and number not in hidden and one.first_seen >= since:
            found[story_of[number]] += 1
    return found


def documents(archive: Archive, stories: Grouping, ids: Sequence[str], *, with_text: bool) -> list[Document]:
    """Return those of the articles that are kept and shown, in the order of `ids`."""
    found = []
    for article_id in ids:
        number = archive.number_of.get(article_id)
        if number is None or number in archive.hidden:
            continue
        kept, decision = archive.kept[number], archive.decision(number)
        text = archive.text(number) if with_text else None
        place = stories.story_of[number]
        found.append(
            Document(
                kept.id,
                place,
                decision.title,
                kept.source,
                decision.url,
                decision.language,
                kept.published,
                kept.first_seen,
                kept.status,
                text,
            )
        )
    return found


def _relations(
    archive: Archive, stories: Grouping, numbers: Sequence[int], first: int
) -> tuple[int | None, int | None]:  # fmt: skip
    if len(numbers) > _GLANCE:
        return None, None
    best = [stories.best_match(number, archive.hidden) for number in numbers if number != first]
    kinds = Counter(match[1].relation for match in best if match is not None)
    return kinds["identical"] + kinds["copy"], kinds["rewrite"]


def _outlets(archive: Archive, numbers: Sequence[int]) -> tuple[Outlet, ...]:
    """Return the sources in a story, the first that had it first."""
    found: dict[str, tuple[int, int]] = {}
    for number in numbers:
        kept = archive.kept[number]
        if kept.source:
            count, seen = found.get(kept.source, (0, kept.first_seen))
            found[kept.source] = count + 1, min(seen, kept.first_seen)
    ordered = sorted(found.items(), key=lambda item: (item[1][1], item[0]))
    return tuple(Outlet(source, count, seen) for source, (count, seen) in ordered)
