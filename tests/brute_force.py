"""What a Detector does, by brute force: every pair compared, everything else worked out anew from plain dictionaries.

No index, no store, no record, no event: an operation changes the dictionaries, and every answer is computed from them.
The evidence of a pair is what two articles give that are alone in a window, clusters are those of the compiled kernel
(`tests/detection/kernels/test_kernels.py` holds both against plain twins). Boilerplate and epochs, which make the
evidence depend on what came before, must be switched off in the Detector that is compared with it; no story may outgrow
`REGION`.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from wirecopy.config import Config, Detection
from wirecopy.detection.evidence.model import UNJOINED, Link
from wirecopy.detection.grouping.mixtures import APART, NEAR
from wirecopy.detection.grouping.stories import CLIP, LEAST, REGION
from wirecopy.detection.index.window import Window
from wirecopy.detection.kernels import clustering
from wirecopy.detection.kernels.judging import HELD
from wirecopy.detector.tracing import trace
from wirecopy.schema.article import Article

DAY = 86_400_000
MUST = 1e6
SETTINGS = Detection(boilerplate_stories=0)


class Content(NamedTuple):
    """What an article is compared by."""

    title: str | None
    text: str
    published: int | None


class Evidence(NamedTuple):
    """Of a later article and an earlier one: whether the later finds the earlier, and the link between them."""

    is_match: bool
    link: Link


@lru_cache(maxsize=128)
def alone(content: Content) -> Window:
    """A window with one article in it."""
    window = Window(
        capacity=4, window_milliseconds=int((SETTINGS.window_days or 0) * DAY), boilerplate_stories=0,
        **{name: getattr(SETTINGS, name) for name in (
            "min_words", "max_words", "max_key_articles", "min_shared_rarity", "max_candidates", "min_odds")},
    )  # fmt: skip
    window.load(*trace([Article("a", content.text, content.title)], SETTINGS.max_words))
    list(window.match(1, [content.published], [None]))
    return window


@cache
def compare(later: Content, earlier: Content) -> Evidence:
    window = alone(earlier)
    traces = trace([Article("b", later.text, later.title)], SETTINGS.max_words)
    found = window.probe(*traces, later.published, None, None)
    [link] = window.judge([(1, 0)])
    assert [known for _, known in found.matches] in ([], [link])
    return Evidence(bool(found.matches), link)


def is_mixture(content: Content, one: Content, other: Content) -> bool:
    words, weights, _ = alone(content).side(0)
    in_one, in_other = ({word & 0xFFFF for word in alone(part).side(0)[0].tolist()} for part in (one, other))
    once = [
        (word & 0xFFFF, weight) for word, weight in zip(words.tolist(), weights.tolist(), strict=True) if weight < 128
    ]
    least = 0.2 * sum(weight for _, weight in once)
    only_one = sum(weight for word, weight in once if word in in_one - in_other)
    only_other = sum(weight for word, weight in once if word in in_other - in_one)
    own = {word & 0xFFFF for word in words.tolist()}

    def is_all_here(part: Content) -> bool:
        theirs = [word & 0xFFFF for word in alone(part).side(0)[0].tolist()]
        return sum(word in own for word in theirs) >= 0.9 * len(theirs)

    return bool(min(only_one, only_other) >= least > 0) and not (is_all_here(one) and is_all_here(other))


class Refused(Exception):
    """What was asked for is not done: `args[0]` is the name of the error."""


@dataclass
class Revision:
    """One revision of an article that is kept."""

    article: Article
    content: Content
    came: int
    arrived: int
    number_of_revision: int
    matches: dict[int, Link] = field(default_factory=dict)  # those that it found when it came

    @property
    def id(self) -> str:
        return self.article.id

    def is_hidden(self, now: int) -> bool:
        until = self.article.embargoed
        return self.article.status == "withheld" or (until is not None and until > max(now, self.arrived))

    def rank(self) -> tuple[bool, int, int]:
        date = self.article.published
        return self.article.status == "canceled", 1 << 62 if date is None else date, self.came


class Told(NamedTuple):
    """What is said of an article: where it is, what it matches best there."""

    story: str
    canonical: bool
    match: str | None
    relation: str | None
    revision: int
    matches: frozenset[tuple[str, str]]


class ToldStory(NamedTuple):
    canonical: str
    members: tuple[str, ...]
    recall: tuple[str, ...]


class ToldPin(NamedTuple):
    id: str
    together: bool
    left: frozenset[str]
    right: frozenset[str]


@dataclass
class Pin:
    together: bool
    left: set[int]
    right: set[int]

    def is_void(self) -> bool:
        return len(self.left | self.right) < 2 if self.together else not (self.left and self.right)


class BruteForce:
    """The articles by number, the story of each, what was compared, the pins; `now` is the latest moment."""

    def __init__(self, config: Config, block: int) -> None:
        self._service, self._block = config.service, block
        self._next = 0  # the next number
        self._oldest = 0  # articles below are compared with nothing any more
        self._horizon = -(1 << 62)
        self._now = 0
        self.kept: dict[int, Revision] = {}
        self.current: dict[str, int] = {}
        self._story: dict[int, str] = {}
        self._compared: dict[tuple[int, int], Link] = {}  # (later, earlier)
        self._last: dict[int, tuple[int, Link] | None] = {}  # of articles below `_oldest`, their best match then
        self._recalls: dict[int, list[int]] = {}
        self._pins: dict[int, Pin] = {}
        self.redirects: dict[str, str] = {}

    # --- what is asked ------------------------------------------------------------------------------------------------

    def hidden(self) -> set[str]:
        return {name for name, number in self.current.items() if self._is_hidden(number)}

    def article(self, name: str) -> Told:
        number = self.current[name]
        best = self._best(number)
        return Told(
            self._story[number],
            self._canonical(self._story[number]) == number,
            None if best is None else self.kept[best[0]].id,
            None if best is None else best[1].relation,
            self.kept[number].number_of_revision,
            frozenset((self.kept[m].id, link.relation) for m, link in self._matched(number) if not self._is_hidden(m)),
        )

    def stories(self) -> dict[str, ToldStory]:
        found = {}
        for story in set(self._story.values()):
            shown = self._shown(story)
            if shown:
                first = min(shown, key=lambda m: self.kept[m].rank())
                names = tuple(self.kept[m].id for m in shown)
                found[story] = ToldStory(self.kept[first].id, names, self._recall(shown))
        return found

    def pins(self) -> list[ToldPin]:
        """Hidden articles are left out, and so are pins that say nothing then."""
        told = []
        for number, pin in sorted(self._pins.items()):
            shown = Pin(pin.together, *({m for m in side if not self._is_hidden(m)} for side in (pin.left, pin.right)))
            if not shown.is_void():
                left, right = (frozenset(self.kept[m].id for m in side) for side in (shown.left, shown.right))
                told.append(ToldPin(f"p{number}", pin.together, left, right))
        return told

    def follow(self, story: str) -> str:
        while story in self.redirects:
            story = self.redirects[story]
        return story

    def check(self, article: Article) -> Told | None:
        """-> what `ingest` would say, None for content that is known; nothing changes."""
        other = copy.deepcopy(self)
        return other._put(article, self._now)

    # --- what is done -------------------------------------------------------------------------------------------------

    def reach(self, now: int) -> None:
        self._now = max(self._now, now)

    def expire(self, now: int) -> None:
        if self._service.index_days is None:
            return
        whole = int(self._service.index_days * DAY)
        step = max(1, whole // 336)
        horizon = (now - whole) // step * step
        if horizon > self._horizon:
            self._horizon, oldest = horizon, self._oldest
            while oldest < self._next and (oldest not in self.kept or self.kept[oldest].arrived < horizon):
                oldest += 1
            self._retire(oldest)

    def ingest(self, articles: Sequence[Article], now: int) -> list[Told | None]:
        """-> what is said of each, None of content that is known already."""
        self.reach(now)
        self.expire(now)
        told = []
        for article in articles:
            number = self.current.get(article.id)
            if number is None or self.kept[number].article != article:
                self._begin_block()
            told.append(self._put(article, now))
        return told

    def erase(self, name: str, now: int) -> None:
        self.reach(now)
        self.expire(now)
        self._begin_block()
        with_it = self._watch()
        number, founded = self.current[name], self._part(self._next, REGION + 2)
        rest = [m for m in self._live(self._story[number]) if m != number]
        self._story |= self._regroup(rest, founded, leaving=number)
        for gone in [k for k, revision in self.kept.items() if revision.id == name]:
            self._forget(gone)
        self._next += 1
        with_it()

    def prune(self, now: int) -> None:
        self.reach(now)
        self.expire(now)
        days = self._service.retention_days
        horizon = 0 if days is None else (now - int(days * DAY)) // DAY * DAY
        pruned = []
        for number in sorted(self.kept):
            if days is None or number >= self._oldest or self.kept[number].arrived >= horizon:
                break
            pruned.append(number)
        for number in pruned:
            self._forget(number)
        if pruned:
            there = set(self._story.values())
            followed = {gone: self.follow(gone) for gone in self.redirects}
            self.redirects = {gone: heir for gone, heir in followed.items() if heir in there}

    def merge(self, one: str, other: str, now: int) -> str:
        """-> the story that is left."""
        self.reach(now)
        names = []
        for story in (one, other):
            story = self.follow(story)
            if not self._shown(story):
                raise Refused("UnknownStory")
            names.append(story)
        if len(set(names)) > 1:
            older, younger = sorted(names, key=age)
            new = Pin(True, set(self._members(older)), set(self._members(younger)))
            with self._edit(new, now) as number:
                self._pins[number] = new
                self._put_into(older, new.right)
        return self.follow(names[0])

    def split(self, story: str, names: Sequence[str], now: int) -> str:
        """-> the story of the smaller part, as readers see it."""
        self.reach(now)
        story = self.follow(story)
        shown = self._shown(story)
        if not shown:
            raise Refused("UnknownStory")
        chosen = {self.current[name] for name in names}
        if not chosen <= set(shown) or not 0 < len(chosen) < len(shown):
            raise Refused("UsageError")
        new = Pin(False, chosen, set(self._members(story)) - chosen)
        with self._edit(new, now) as number:
            self._pins[number] = new
            rest = new.right if len(set(shown) - chosen) < len(chosen) else chosen
            self._put_into(f"s{number}", rest)
        return f"s{number}"

    def pin(self, names: Sequence[str], together: bool, now: int) -> str:
        self.reach(now)
        numbers = list(dict.fromkeys(self.current[name] for name in names))
        if len(numbers) < 2 or (len(numbers) > 2 and not together):
            raise Refused("UsageError")
        new = Pin(together, set(numbers if together else numbers[:1]), set([] if together else numbers[1:]))
        with self._edit(new, now) as number:
            self._pins[number] = new
            if together or {self._story[m] for m in new.left} & {self._story[m] for m in new.right}:
                self._decide_together(new, number)
                self._enforce(new, f"s{number}")
        return f"p{number}"

    def unpin(self, pin_id: str, now: int) -> None:
        self.reach(now)
        with self._edit(None, now) as number:
            old = self._pins.pop(int(pin_id[1:]))
            self._decide_together(old, number)

    # --- stories ------------------------------------------------------------------------------------------------------

    def _put(self, article: Article, now: int) -> Told | None:
        number = self.current.get(article.id)
        old = None if number is None else self.kept[number]
        if old is not None and old.article == article:
            return None
        with_it = self._watch()
        content, own, recall = Content(article.title, article.text, article.published), None, list[int]()
        if old is not None and number is not None:
            if article.status == "canceled":  # compared by what it cancels
                content = old.content._replace(published=article.published)
                others = [m for m in self._members(self._story[number]) if m != number]
                recall = [*others, *self._copies(number), *self._recalls.get(number, ())]
            own = self._story[number]
            rest = [m for m in self._live(own) if m != number]
            self._story |= self._regroup(rest, self._part(self._next, REGION + 2), leaving=number)
            del self._story[number]
            for pin in self._pins.values():
                for side in (pin.left, pin.right):
                    if number in side:
                        side ^= {number, self._next}
        number, self._next = self._next, self._next + 1
        came, revision = (number, 1) if old is None else (old.came, old.number_of_revision + 1)
        own_matches = {}
        for other in sorted(self._story):
            if other >= self._oldest and (evidence := compare(content, self.kept[other].content)).is_match:
                own_matches[other] = self._compared[number, other] = evidence.link
        self.kept[number] = Revision(article, content, came, now, revision, own_matches)
        self.current[article.id] = number
        if recall:
            self._recalls[number] = recall
        self._place(number, own, own_matches)
        with_it(article.id)
        told, hidden = self.article(article.id), self._hidden_numbers()
        names = frozenset((self.kept[m].id, link.relation) for m, link in own_matches.items() if m not in hidden)
        return told._replace(matches=names)

    def _place(self, number: int, own: str | None, matches: dict[int, Link]) -> None:
        founded = own if own is not None and own not in self._story.values() else f"s{number}"
        tied = [m for m in sorted(self._tied({number})) if m in self._story]
        home = self._story[tied[0]] if tied else None
        tying = [m for m, link in matches.items() if link.relation not in UNJOINED]
        if not tying:
            self._story[number] = home or founded
            return
        touched = {self._story[m] for m in tying} | ({home} if home else set())
        region = sorted(m for story in touched for m in self._live(story))
        moves = self._regroup(region, self._part(number, 1), number, founded)
        matches |= {m: self._compared[number, m] for m in matches}
        self._story |= moves if home is None or moves[number] == home else {number: home}

    def _regroup(
        self, region: list[int], part: Callable[[int], str], number: int | None = None, founded: str = "",
        leaving: int | None = None
    ) -> dict[int, str]:  # fmt: skip
        """Average linkage over all pairs; -> where the articles go that do not stay."""
        if number is None and len(region) < 2:
            return {}
        articles = region if number is None else [*region, number]
        assert len(articles) <= REGION
        odds = np.zeros((len(articles), len(articles)))
        for i, b in enumerate(articles):
            for j, a in enumerate(articles[:i]):
                if (b, a) not in self._compared:
                    self._compared[b, a] = compare(self.kept[b].content, self.kept[a].content).link
                odds[i, j] = odds[j, i] = max(-CLIP, min(CLIP, self._compared[b, a].odds))
        self._refute_mixtures(odds, articles, number)
        said = odds.copy()
        groups = self._impose(odds, articles, leaving)
        labels = clustering.cluster(np.where(odds == -np.inf, odds, said), LEAST).tolist()
        for group in groups:
            held = {labels[articles.index(m)] for m in group & set(articles)}
            labels = [min(held) if own in held else own for own in labels]
        same = [(i, j) for i, x in enumerate(labels) for j, y in enumerate(labels) if x == y]
        if any(odds[i, j] == -np.inf for i, j in same):
            labels = clustering.cluster(odds, LEAST).tolist()
        clusters = [
            [m for m, own in zip(articles, labels, strict=True) if own == label] for label in sorted(set(labels))
        ]
        return self._name(clusters, part, number, founded)

    def _refute_mixtures(self, odds: Any, articles: list[int], number: int | None) -> None:
        """What is partly one of two that have nothing in common and partly the other is evidence of neither."""
        while True:
            labels, mixed = clustering.cluster(odds, LEAST), set[tuple[int, int]]()
            for x, article in enumerate(articles):
                may_join = [m for m in range(len(articles)) if article == number or labels[m] == labels[x]]
                near = [m for m in may_join if m != x and odds[x, m] >= NEAR]
                for a, b in combinations(near, 2):
                    if odds[a, b] < APART and is_mixture(*(self.kept[articles[m]].content for m in (x, a, b))):
                        mixed |= {(max(x, a), min(x, a)), (max(x, b), min(x, b))}
            if not mixed:
                return
            for later, earlier in mixed:
                self._compared[articles[later], articles[earlier]] = Link(HELD, "contains")
                odds[later, earlier] = odds[earlier, later] = HELD

    def _impose(self, odds: Any, articles: list[int], leaving: int | None) -> list[set[int]]:
        """The pins, in the place of the evidence; who is forgotten and pinned keeps the rest of its story together.

        -> who must be together.
        """
        groups: list[set[int]] = [{m} for m in articles]
        stories = {self._story[m] for m in articles if m in self._story}
        pinned = {m for pin in self._pins.values() for m in pin.left | pin.right}
        forgotten = [m for m in pinned if m < self._oldest and m != leaving and self._story.get(m) in stories]
        groups += [{m, *(a for a in articles if self._story.get(a) == self._story[m])} for m in sorted(forgotten)]
        here = set().union(*groups)
        groups += [self._tied({m}) & here for m in sorted(pinned & here)]
        group_of: dict[int, set[int]] = {}
        for group in groups:
            joined = group.union(*(group_of.get(m, set()) for m in group))
            group_of |= dict.fromkeys(joined, joined)
        parted = [(group_of[m], group_of[foe]) for m in pinned & here for foe in self._foes({m}) & here]
        for i, b in enumerate(articles):
            for j, a in enumerate(articles):
                if i != j and a in group_of[b]:
                    odds[i, j] = MUST
                elif any((b in x and a in y) or (a in x and b in y) for x, y in parted):
                    odds[i, j] = -np.inf
        return list(group_of.values())

    def _name(
        self, clusters: list[list[int]], part: Callable[[int], str], number: int | None, founded: str
    ) -> dict[int, str]:
        """An old story goes to the cluster that holds most of it, a cluster keeps the oldest of its stories."""
        home: dict[str, int] = {}
        names: dict[int, str] = {}
        for story in sorted({self._story[m] for cluster in clusters for m in cluster if m != number}, key=age):
            held = [sum(m != number and self._story[m] == story for m in cluster) for cluster in clusters]
            home[story] = held.index(max(held))
            names.setdefault(home[story], story)
        moves: dict[int, str] = {}
        parts = 0
        for k, cluster in enumerate(clusters):
            if k not in names and number in cluster:
                names[k] = founded
            elif k not in names:
                names[k], parts = part(parts), parts + 1
            moves |= {m: names[k] for m in cluster if m == number or self._story[m] != names[k]}
        for story, k in home.items():
            if names[k] != story:
                moves |= {m: names[k] for m in self._members(story) if m < self._oldest}
        return moves

    def _decide_together(self, pin: Pin, number: int) -> None:
        stories = {self._story[m] for m in pin.left | pin.right}
        moves = self._regroup(sorted(m for story in stories for m in self._live(story)), self._part(number, 1))
        after = self._story | moves
        if not any(after.get(foe) == after[m] for m in moves for foe in self._foes({m})):
            self._story = after

    def _enforce(self, pin: Pin, founded: str) -> None:
        """What the evidence and the other pins left to be done for a pin: by whole stories, as far as possible."""
        if not pin.together:
            shared = {self._story[m] for m in pin.left} & {self._story[m] for m in pin.right}
            self._put_into(founded, [m for m in self._tied(pin.right) if self._story[m] in shared])
            return
        group = self._tied(pin.left | pin.right)
        stories = sorted({self._story[m] for m in group}, key=age)
        everybody = {m for story in stories for m in self._members(story)}
        if not self._foes(everybody) & everybody:
            self._put_into(stories[0], everybody)
            return
        foes = self._foes(group)
        self._put_into(next((s for s in stories if not foes & set(self._members(s))), founded), group)

    def _put_into(self, story: str, numbers: Iterable[int]) -> None:
        self._story |= dict.fromkeys(numbers, story)

    def _part(self, number: int, first: int) -> Callable[[int], str]:
        return lambda k: f"s{number}-{first + k}"

    # --- pins ---------------------------------------------------------------------------------------------------------

    def _edit(self, new: Pin | None, now: int) -> "_Edit":
        return _Edit(self, new, now)

    def _tied(self, numbers: set[int]) -> set[int]:
        group = set(numbers)
        while more := [
            p
            for p in self._pins.values()
            if p.together and group & (p.left | p.right) and not group >= (p.left | p.right)
        ]:
            group |= more[0].left | more[0].right
        return group

    def _foes(self, numbers: set[int]) -> set[int]:
        group = self._tied(numbers)
        apart = [pin for pin in self._pins.values() if not pin.together]
        foes = [pin.right for pin in apart if group & pin.left] + [pin.left for pin in apart if group & pin.right]
        return self._tied(set().union(*foes))

    def contradicts(self, new: Pin) -> bool:
        left, right = self._tied(new.left), self._tied(new.right)
        if not new.together:
            return bool(left & right)
        group = left | right
        return any(not pin.together and pin.left & group and pin.right & group for pin in self._pins.values())

    # --- what leaves --------------------------------------------------------------------------------------------------

    def _begin_block(self) -> None:
        if self._next % self._block == 0:
            self._retire(max(self._oldest, self._next + self._block - self._service.max_indexed_articles))

    def _retire(self, oldest: int) -> None:
        for number in range(self._oldest, oldest):
            if number in self._story:
                best = self._best(number, but=set())
                if best is not None:
                    self._last[number] = best
        self._oldest = max(self._oldest, oldest)

    def _forget(self, number: int) -> None:
        revision = self.kept.pop(number)
        self._story.pop(number, None)
        self._last.pop(number, None)
        self._recalls.pop(number, None)
        if self.current.get(revision.id) == number:
            del self.current[revision.id]
        for name, pin in list(self._pins.items()):
            pin.left.discard(number)
            pin.right.discard(number)
            if pin.is_void():
                del self._pins[name]

    # --- what is worked out -------------------------------------------------------------------------------------------

    def _is_hidden(self, number: int) -> bool:
        return self.kept[number].is_hidden(self._now)

    def _hidden_numbers(self) -> set[int]:
        return {number for number in self._story if self._is_hidden(number)}

    def _members(self, story: str) -> list[int]:
        return sorted(m for m, own in self._story.items() if own == story)

    def _live(self, story: str) -> list[int]:
        return [m for m in self._members(story) if m >= self._oldest]

    def _shown(self, story: str) -> list[int]:
        """As they came."""
        shown = [m for m in self._members(story) if not self._is_hidden(m)]
        return sorted(shown, key=lambda m: self.kept[m].came)

    def _canonical(self, story: str) -> int | None:
        """Only what is shown stands for a story."""
        return min(self._shown(story), key=lambda m: self.kept[m].rank(), default=None)

    def _best(self, number: int, but: set[int] | None = None) -> tuple[int, Link] | None:
        but = self._hidden_numbers() if but is None else but
        if number < self._oldest:
            found = [last] if (last := self._last.get(number)) is not None else []
        else:
            found = [(a if b == number else b, link) for (b, a), link in self._compared.items() if number in (a, b)]
        story = self._story[number]
        known = [(m, link) for m, link in found if self._story.get(m) == story and m not in but]
        return min(known, key=lambda item: (-item[1].odds, item[0]), default=None)

    def _matched(self, number: int) -> list[tuple[int, Link]]:
        """The articles that one matches, earlier and later, in their newest revisions."""
        found = [*self.kept[number].matches.items()]
        found += [(m, revision.matches[number]) for m, revision in self.kept.items() if number in revision.matches]
        return [(m, link) for m, link in found if m in self._story]

    def _copies(self, number: int) -> list[int]:
        return [m for m, link in self._matched(number) if link.relation not in UNJOINED]

    def _recall(self, shown: list[int]) -> tuple[str, ...]:
        canceled = {m for m in self._story if self.kept[m].article.status == "canceled" and not self._is_hidden(m)}
        found = {m for m in shown if any(m in self._recalls.get(c, ()) for c in canceled)}
        for m in canceled.intersection(shown):
            found.update(shown, self._recalls.get(m, ()), self._copies(m))
        wanted = [m for m in found if m in self._story and not self._is_hidden(m) and m not in canceled]
        return tuple(self.kept[m].id for m in sorted(wanted, key=lambda m: self.kept[m].came))

    def _watch(self) -> Callable[..., None]:
        """-> to be called after a change: whom a story that is gone leads to, as those saw it who read stories."""
        before = self._places()

        def tell(arrived: str | None = None) -> None:
            after, there = self._places(), set(self._story.values())
            parts: dict[str, Counter[str]] = {}
            for name in before.keys() & after.keys() - {arrived}:
                if before[name] != after[name]:
                    parts.setdefault(before[name], Counter())[after[name]] += 1
            for gone in parts.keys() - there:
                self.redirects[gone] = min(parts[gone], key=lambda story: (-parts[gone][story], age(story)))

        return tell

    def _places(self) -> dict[str, str]:
        return {self.kept[m].id: story for m, story in self._story.items() if not self._is_hidden(m)}


class _Edit:
    """While it lasts, an edit is made under the number that it takes. Raises Refused for what pins forbid."""

    def __init__(self, model: BruteForce, new: Pin | None, now: int) -> None:
        if new is not None and model.contradicts(new):
            raise Refused("Pinned")
        self._model = model
        model.expire(now)
        model._begin_block()
        self._tell = model._watch()

    def __enter__(self) -> int:
        return self._model._next

    def __exit__(self, *failure: object) -> None:
        self._model._next += 1
        self._tell()


def age(story: str) -> tuple[int, int]:
    number, _, part = story[1:].partition("-")
    return int(number), int(part or 0)
