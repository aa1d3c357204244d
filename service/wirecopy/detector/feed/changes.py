"""Changes: what the moves of articles between stories mean for those who read stories.

Where stories were made anew as a whole, what readers knew and what they know then is compared instead.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from wirecopy.detection.grouping.stories import Grouping
from wirecopy.detector.feed.events import Standing, Transfer, derive
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy
from wirecopy.detector.memory.records import Fact


class ChangeCapture:
    """Watches the stories from the moment it is made; remembers who stands for those that were touched."""

    def __init__(self, archive: Archive, stories: Grouping, policy: Policy) -> None:
        self._archive = archive
        self._stories = stories
        self.policy = policy
        self._standing: dict[str, int] = {}  # of stories of two and more that were touched, to compute nothing twice
        self._origins: dict[int, str | None] = {}  # of all who moved since the last `take`, where they were then
        stories.watch(on_move=self._note)

    def _note(self, number: int, origin: str | None) -> None:
        self._origins.setdefault(number, origin)

    def appear(self, numbers: Sequence[int]) -> None:
        """Note that articles of stories are shown from now on that were hidden until now."""
        for number in numbers:
            if number in self._stories.story_of:
                self._origins.setdefault(number, None)

    def take(self, arrived: str | None = None, first: Sequence[Fact] = ()) -> list[Fact]:
        """Return the facts of everything that moved since the last call, after those given as `first`.

        `arrived` is the id of the article that was decided. Must be called while the archive knows all who moved.
        """
        stories, kept = self._stories, self._archive.kept
        origins, self._origins = self._origins, {}
        if self._archive.hidden:
            origins = {number: origin for number, origin in origins.items() if number not in self._archive.hidden}
        if not origins:
            return list(first)
        story_of = stories.story_of
        if len(origins) == 1 and not first:  # the common case of an article that stands alone, in short
            [(number, origin)] = origins.items()
            story = story_of.get(number)
            if origin is None and story is not None and len(self._members(story)) == 1:
                return [Fact("created", story, kept[number].id)]
        places: dict[str, tuple[str | None, str | None]] = {}
        touched: dict[str, list[int]] = {}  # story -> the numbers that left it or came
        for number, origin in origins.items():
            target = story_of.get(number)
            if origin == target:
                continue
            before, after = places.get(kept[number].id, (None, None))
            places[kept[number].id] = before or origin, after or target
            for story in (origin, target):
                if story is not None:
                    touched.setdefault(story, []).append(number)
        existed = {story for story in touched if self._existed(story, origins)}
        exists = {story for story in touched if self._stories.story_of.of(story)}  # be it only for those who are hidden
        standings = [self._stand(story, numbers, origins, story in existed) for story, numbers in touched.items()]
        transfers = [Transfer(article, *place) for article, place in places.items()]
        return [*first, *derive(transfers, arrived, existed, exists, [s for s in standings if s is not None])]

    def forget(self, story: str) -> None:
        """Somebody else was chosen to stand for a story."""
        self._standing.pop(story, None)

    def adopt(self, policy: Policy) -> list[Fact]:
        """Go by another policy from here on; return for which stories somebody else stands by it."""
        before, self.policy = self.policy, policy
        self._standing.clear()
        facts: list[Fact] = []
        kept, archive = self._archive.kept, self._archive
        for story, members in self._stories.members.items():
            shown = archive.shown(members) if len(members) > 1 else ()
            if len(shown) > 1:
                stood, stands = before.canonical(archive, shown), policy.canonical(archive, shown)
                if stood != stands:
                    facts.append(Fact("canonical_changed", story, kept[stands].id, previous=kept[stood].id))
        return facts

    def _canonical(self, members: Sequence[int]) -> int:
        return self.policy.canonical(self._archive, members)

    def _members(self, story: str) -> Sequence[int]:
        """Return the members that readers know of; none of a story that there is not."""
        return self._archive.shown(self._stories.story_of.of(story))

    def _existed(self, story: str, origins: dict[int, str | None]) -> bool:
        if any(origins.get(m, story) == story for m in self._members(story)):
            return True
        return story in origins.values()

    def _stand(
        self, story: str, numbers: Sequence[int], origins: dict[int, str | None], existed: bool
    ) -> Standing | None:
        """Return who stood for a story and who does; None for a story that is no more."""
        kept, members = self._archive.kept, self._members(story)
        before = self._standing.pop(story, None)
        if not members:
            return None
        if before is None and existed:
            stayed = [m for m in members if origins.get(m, story) == story]
            before = self._canonical([*stayed, *(m for m in numbers if origins[m] == story)])
        if before is not None and self._stories.story_of.get(before) == story:
            came = [m for m in numbers if origins[m] != story]
            after = self._canonical([before, *came])
        else:
            after = self._canonical(members)
        if len(members) > 1:
            self._standing[story] = after
        return Standing(story, None if before is None else kept[before].id, kept[after].id)


class Seen(NamedTuple):
    """What readers know: the story of each article by its id, in the order in which they came; who stands for each.

    `stories` are all that there are, also those whose articles are all hidden.
    """

    place: dict[str, str]
    canonical: dict[str, str]
    stories: frozenset[str]


def look(archive: Archive, stories: Grouping, policy: Policy) -> Seen:
    """Return all that readers know now."""
    kept, place, canonicals = archive.kept, {}, {}
    for number in sorted(archive.shown(list(stories.story_of))):
        place[kept[number].id] = stories.story_of[number]
    for story, members in stories.members.items():
        shown = archive.shown(members)
        if shown:
            canonicals[story] = kept[policy.canonical(archive, shown)].id
    return Seen(place, canonicals, frozenset(stories.members))


def differences(before: Seen, after: Seen) -> list[Fact]:
    """Return the facts by which whoever knows `before` comes to know `after`."""
    gone = [Fact("deleted", story, name) for name, story in before.place.items() if name not in after.place]
    transfers = [Transfer(name, before.place.get(name), story) for name, story in after.place.items()]
    existed = {story for name, story in before.place.items() if name in after.place}
    facts = gone + derive(transfers, None, existed, after.stories, ())
    known = _follow(before, facts)
    return facts + [
        Fact("canonical_changed", story, name, previous=known.get(story))
        for story, name in after.canonical.items()
        if known.get(story) != name
    ]


def _follow(before: Seen, facts: Sequence[Fact]) -> dict[str, str]:
    """Return who stands for each story to somebody who knew `before` and was told `facts`; none for a story once
    empty.
    """
    sizes, known = Counter(before.place.values()), dict(before.canonical)
    for fact in facts:
        left, other = fact.story, fact.other or ""
        match fact.type:
            case "deleted":
                sizes[left] -= 1
            case "split":
                sizes[left] -= len(fact.articles)
                sizes[other] += len(fact.articles)
            case "merged":
                sizes[left] += sizes[other]
                left, sizes[other] = other, 0
            case "created" | "joined":
                sizes[left] += 1
                known |= {left: fact.article or ""} if fact.type == "created" else {}
        if not sizes[left]:
            known.pop(left, None)
    return known
