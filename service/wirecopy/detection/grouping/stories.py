"""Matches -> stories, under drift control.

A story is a cluster of average-linkage clustering over the log-odds that two articles share their source. An article
that comes touches the stories of its matches; the members of these stories and the article are clustered anew, from
the evidence of every pair, pairs that were never compared being compared now. So

* one bad link cannot merge two stories: the mean over all pairs between them must speak for it;
* a late original takes its place: it may join two stories, or draw away part of one;
* the order of arrival matters only where a region is cut off by `REGION`.

The guarantee: in a story of at most REGION articles, any two parts into which the clustering joined it have a mean
log-odds above LEAST between them. A story that grew larger takes a new article only if the mean log-odds between the
article and `SAMPLE` members, best matches first, is above LEAST, and it is never merged or split.

Pins of an editor win over the evidence: what is tied stays together, what is parted stays apart (`pins`). In a region,
pairs that they concern have the evidence of the pin. Where no region can be made anew, an article goes where it is
tied, and not where anybody is whom it must not meet.

Members whose trace is forgotten cannot be compared any more: they keep their story and their best match, and follow
the greater part of the others when these join another story.
"""

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count, islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.evidence.model import UNJOINED, Link
from wirecopy.detection.grouping.links import Links
from wirecopy.detection.grouping.membership import Membership, story_age
from wirecopy.detection.grouping.mixtures import IsMixture, find_mixed
from wirecopy.detection.grouping.pins import Pins
from wirecopy.detection.kernels import clustering
from wirecopy.detection.kernels.judging import HELD

LEAST = -0.9  # log-odds; the mean between two parts of a story is above it
REGION = 48  # articles
SAMPLE = 16  # members of a large story that a new article is compared with
CLIP = 4.0  # log-odds beyond this say no more: one certain link must not outvote many doubtful ones


class Move(NamedTuple):
    """An article takes its place in a story."""

    number: int
    story: str


class Regrouping(NamedTuple):
    """What an article causes: moves, its own first, and (later, earlier, link) of all pairs that were compared."""

    moves: list[Move]
    links: list[tuple[int, int, Link]]


Judge = Callable[[Sequence[tuple[int, int]]], Iterable[Link]]


class Grouping:
    """Which story each article belongs to, and the links that hold stories together."""

    def __init__(self, least: float = LEAST, is_mixture: IsMixture | None = None) -> None:
        self.least = least
        self._is_mixture = is_mixture
        self.story_of = Membership()
        self.members = self.story_of.members
        self.pins = Pins()
        self.links = Links()
        self.last_best: dict[int, tuple[int, Link]] = {}  # of articles that have lost their links
        self._best_of: dict[int, list[int]] = {}  # whose last best an article was when they lost their links
        self._on_move: list[Callable[[int, str | None], None]] = []
        self._on_change: list[Callable[[str], None]] = []
        self.merged = 0  # stories whose last member moved to another
        self.largest = 0  # members that a story has had

    def watch(
        self, on_move: Callable[[int, str | None], None] | None = None, on_change: Callable[[str], None] | None = None
    ) -> None:
        """Tell `on_move` of every article that moves and the story that it was in, None for no story.

        Tell `on_change` of every story whose members or links change.
        """
        self._on_move += [on_move] if on_move else []
        self._on_change += [on_change] if on_change else []

    def unwatch(self) -> None:
        """Tell nobody of what moves any more."""
        self._on_move, self._on_change = [], []

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Tell nobody of what moves in the block: it is undone before the end, or only measured."""
        watching = self._on_move, self._on_change
        self.unwatch()
        try:
            yield
        finally:
            self._on_move, self._on_change = watching

    def decide(
        self, number: int, matches: Sequence[tuple[int, Link]], judge: Judge, *, oldest: int = 0, own: str | None = None
    ) -> Regrouping:
        """Return what the article `number` with its `matches` causes; changes nothing.

        `judge` compares pairs of articles (later, earlier) that have no link yet. Articles below `oldest` cannot be
        compared. `own`: the story of the article's earlier revision; it is kept where a new one would be founded and
        nobody else is in it.
        """
        founded = own if own is not None and own not in self.members else f"s{number}"
        is_pinned = number in self.pins
        if not matches and not is_pinned:
            return Regrouping([Move(number, founded)], [])
        evidence = _Evidence(self.links, number, matches, judge)
        matches = [(other, link) for other, link in matches if link.relation not in UNJOINED]
        home = self._home(number) if is_pinned else None
        if not matches:
            return Regrouping([Move(number, home or founded)], evidence.links())
        touched = list(dict.fromkeys([self.story_of[other] for other, _ in matches] + ([home] if home else [])))
        live = {story: self._live(story, oldest) for story in touched}
        region = [m for members in live.values() if len(members) <= REGION for m in members]
        if len(region) >= REGION or any(len(members) > REGION for members in live.values()):
            if is_pinned:
                foes = self.pins.foes([number])
                live = {story: members for story, members in live.items() if foes.isdisjoint(self.members[story])}
            best = home or self._find_best(number, matches, live, evidence)
            moves = [Move(number, best or founded)]
        elif len(region) == 1 and not is_pinned:
            joins = min(evidence.own[region[0]].odds, CLIP) > self.least
            moves = [Move(number, touched[0] if joins else founded)]
        else:
            moves = self._regroup(sorted(region), number, founded, _parts(number, 1), evidence, oldest)
            if home is not None and moves[0].story != home:  # tied to somebody whom no trace is left of
                moves = [Move(number, home)]
        return Regrouping(moves, evidence.links())

    def decide_together(self, stories: Iterable[str], judge: Judge, *, oldest: int = 0, after: int) -> Regrouping:
        """Return what the evidence and the pins make of some stories together, where their size allows it.

        Stories that begin by this are named after `after`, a number that no article has. Changes nothing.
        """
        touched = [story for story in dict.fromkeys(stories) if story in self.members]
        live = [self._live(story, oldest) for story in touched]
        region = sorted(m for members in live for m in members)
        if not 1 < len(region) <= REGION:
            return Regrouping([], [])
        evidence = _Evidence(self.links, None, [], judge)
        moves = self._regroup(region, None, "", _parts(after, 1), evidence, oldest)
        places = dict(moves)
        for m in places:  # a new pin may ask for what those whose trace is forgotten do not allow
            if any(places.get(foe, self.story_of.get(foe)) == places[m] for foe in self.pins.foes([m])):
                return Regrouping([], evidence.links())
        return Regrouping(moves, evidence.links())

    def enforce(self, pin_id: int, founded: str) -> list[Move]:
        """Return the least that is left to be done for a pin: by whole stories, as far as other pins allow it.

        Changes nothing. `founded` is the id of a story that may have to begin.
        """
        pin = self.pins.by_id[pin_id]
        if not pin.together:
            shared = {self.story_of[m] for m in pin.left} & {self.story_of[m] for m in pin.right}
            tied = self.pins.tied(pin.right)
            return [Move(m, founded) for m in sorted(tied) if self.story_of[m] in shared]
        group = self.pins.tied(pin.left | pin.right)
        stories = sorted({self.story_of[m] for m in group}, key=story_age)
        if len(stories) == 1:
            return []
        everybody = [m for story in stories for m in self.members[story]]
        if self.pins.foes(everybody).isdisjoint(everybody):
            return [Move(m, stories[0]) for story in stories[1:] for m in self.members[story]]
        foes = self.pins.foes(group)
        home = next((story for story in stories if foes.isdisjoint(self.members[story])), founded)
        return [Move(m, home) for m in sorted(group) if self.story_of[m] != home]

    def _home(self, number: int) -> str | None:
        """Return the story of those that an article without one is tied to; None when it is tied to nobody."""
        tied = self.pins.tied([number]) - {number}
        return next((self.story_of[m] for m in sorted(tied) if m in self.story_of), None)

    def leave(self, number: int, judge: Judge, *, oldest: int = 0, after: int) -> Regrouping:
        """Return what is left to be done when `number` leaves its story: the others may fall apart; changes nothing.

        Stories that begin by this are named after the article numbered `after`.
        """
        rest = [m for m in self._live(self.story_of[number], oldest) if m != number]
        if not 1 < len(rest) <= REGION:
            return Regrouping([], [])
        evidence = _Evidence(self.links, None, [], judge)
        moves = self._regroup(rest, None, "", _parts(after, REGION + 2), evidence, oldest, leaving=number)
        return Regrouping(moves, evidence.links())

    def apply(self, moves: Iterable[tuple[int, str]]) -> None:
        """Put articles into stories; the only place that changes who belongs where."""
        for number, story in moves:
            old = self.story_of.take(number)
            for tell_move in self._on_move:
                tell_move(number, old)
            for tell_change in self._on_change:
                tell_change(story)
                if old is not None:
                    tell_change(old)
            if old is not None:
                self.merged += old not in self.members
            members = self.story_of.put(number, story)
            if members > self.largest:
                self.largest = members

    def link(self, links: Iterable[tuple[int, int, Link]]) -> None:
        """Keep the evidence between pairs (later, earlier) of articles for later decisions."""
        for number, other, link in links:
            self.links.add(number, other, link)
            if self._on_change and (story := self.story_of.get(number)) is not None:
                for tell_change in self._on_change:
                    tell_change(story)

    def remove(self, number: int, heir: int | None = None) -> None:
        """Take an article out of its story, and all that is known of it; its next revision inherits its pins."""
        if heir is None:
            self.pins.drop(number)
        else:
            self.pins.rename(number, heir)
        if (story := self.story_of.take(number)) is not None:
            for tell_change in self._on_change:
                tell_change(story)
            for tell_move in self._on_move:
                tell_move(number, story)
        self.links.remove(number)
        self.last_best.pop(number, None)

    def forget_bests(self, numbers: Iterable[int]) -> list[int]:
        """Take their last best from the articles that have one among `numbers`, for good; return who they are."""
        bereft = []
        for number in numbers:
            for m in self._best_of.pop(number, ()):
                if m in self.last_best and self.last_best[m][0] == number:
                    del self.last_best[m]
                    bereft.append(m)
        return bereft

    def withdraw(self, number: int) -> None:
        """Take an article out of its story; `apply` may put it back."""
        self.story_of.take(number)

    def retire(self, numbers: Iterable[int]) -> None:
        """Drop the links of articles, keeping of each its best."""
        for number in numbers:
            if number in self.links:
                best = self.best_match(number)
                if best is not None:
                    self.last_best[number] = best
                    self._best_of.setdefault(best[0], []).append(number)
                self.links.retire(number)
                if self._on_change and number in self.story_of:
                    for tell_change in self._on_change:
                        tell_change(self.story_of[number])

    def best_match(self, number: int, without: Container[int] = ()) -> tuple[int, Link] | None:
        """Return the best link to another member of the article's story, of equal ones the earliest; None when there is
        none.

        Of an article that has lost its links: its last best, while that is still in its story. Never one of `without`.
        """
        age_of = self.story_of.age
        age = age_of(number)
        if len(self.story_of.beside(number)) == 1:
            return None
        links = self.links.get(number)
        if links is None:
            last = self.last_best.get(number)
            return last if last and age_of(last[0]) == age and last[0] not in without else None
        linked = [(m, link) for m, link in links.items() if age_of(m) == age and m not in without]
        return min(linked, key=lambda item: (-item[1].odds, item[0]), default=None)

    def support(self, number: int, without: Container[int] = ()) -> tuple[float | None, int]:
        """Return the mean clipped log-odds to the members that an article was compared with, None for none; how many.

        Those of `without` do not count.
        """
        age_of = self.story_of.age
        links = self.links.get(number, {})
        inside = [link.odds for m, link in links.items() if age_of(m) == age_of(number) and m not in without]
        odds = [max(-CLIP, min(CLIP, value)) for value in inside]
        return (sum(odds) / len(odds), len(odds)) if odds else (None, 0)

    def newest(self, before: str | None = None) -> Iterable[str]:
        """Return the stories, newest first, from the one before `before`; any string that a story might have as
        its id.
        """
        return self.story_of.newest(before)

    def _live(self, story: str, oldest: int) -> Sequence[int]:
        members = self.story_of.of(story)
        return members if members[0] >= oldest else members[bisect_left(members, oldest) :]

    def _find_best(
        self, number: int, matches: Sequence[tuple[int, Link]], live: dict[str, Sequence[int]], evidence: "_Evidence"
    ) -> str | None:
        """Return the story whose members speak for the article most, by a sample of them; None when none does."""
        best, where = self.least, None
        for story, members in live.items():
            linked = [m for m, _ in matches if self.story_of[m] == story][: SAMPLE // 2]
            sample = list(dict.fromkeys([*linked, *islice(members, SAMPLE)]))[:SAMPLE]
            odds = evidence.compare(number, sample)
            mean = sum(odds) / len(sample)
            if mean > best:
                best, where = mean, story
        return where

    def _regroup(
        self,
        region: list[int],
        number: int | None,
        founded: str,
        parts: Iterator[str],
        evidence: "_Evidence",
        oldest: int,
        leaving: int | None = None,
    ) -> list[Move]:
        """Cluster a region, with the article `number` if there is one; return the moves, that of `number` first."""
        articles = region if number is None else [*region, number]
        size = len(articles)
        odds, (later, earlier) = np.zeros((size, size)), _pairs_of(size)
        odds[later, earlier] = evidence.compare_all(articles)
        odds[earlier, later] = odds[later, earlier]
        labels = self._cluster(odds, articles, number, evidence).tolist()
        if self.pins:
            said = odds.copy()
            groups = self.pins.impose(odds, articles, self._stand_for(region, oldest, leaving))
            labels = _cluster_pinned(said, odds, groups, self.least).tolist()
        if number is not None:
            held = set(zip([self.story_of[m] for m in region], labels, strict=False))
            if len(held) == len({story for story, _ in held}) == len({label for _, label in held}):  # as most often:
                homes = {label: story for story, label in held}  # the stories stay as they are
                return [Move(number, homes.get(labels[-1], founded))]
        clusters: dict[int, list[int]] = {}
        for article, label in zip(articles, labels, strict=True):
            clusters.setdefault(label, []).append(article)
        return self._name(number, founded, parts, list(clusters.values()), oldest)

    def _cluster(
        self, odds: npt.NDArray[np.float64], articles: Sequence[int], number: int | None, evidence: "_Evidence"
    ) -> npt.NDArray[np.int64]:
        """Cluster articles by their log-odds; what mixtures would bring together stays apart, and `odds` say so."""
        while True:
            labels: npt.NDArray[np.int64] = clustering.cluster(odds, self.least)
            mixed = find_mixed(odds, labels, articles, number, self._is_mixture) if self._is_mixture else set()
            if not mixed:
                return labels
            for later, earlier in mixed:
                evidence.refute(articles[later], articles[earlier])
                odds[later, earlier] = odds[earlier, later] = HELD

    def _stand_for(self, region: list[int], oldest: int, leaving: int | None) -> dict[int, list[int]]:
        """Pinned members whose trace is forgotten, each with the others of its story, who must stay one then."""
        found = {}
        for story in dict.fromkeys(self.story_of[m] for m in region):
            members = self.members[story]
            forgotten = [m for m in members[: bisect_left(members, oldest)] if m in self.pins and m != leaving]
            rest = [m for m in region if self.story_of[m] == story] if forgotten else []
            found.update(dict.fromkeys(forgotten, rest))
        return found

    def _name(
        self, number: int | None, founded: str, parts: Iterator[str], clusters: list[list[int]], oldest: int
    ) -> list[Move]:
        """Give each old story to the cluster that holds most of it; each cluster keeps the oldest of its stories."""
        held: dict[str, list[int]] = {}
        for k, cluster in enumerate(clusters):
            for article in cluster:
                if article != number:
                    held.setdefault(self.story_of[article], [0] * len(clusters))[k] += 1
        names: dict[int, str] = {}
        home: dict[str, int] = {}
        for story in sorted(held, key=story_age):
            home[story] = max(range(len(clusters)), key=held[story].__getitem__)
            names.setdefault(home[story], story)
        moves = []
        for k, cluster in enumerate(clusters):
            if k not in names:
                names[k] = founded if number in cluster else next(parts)
            moves += [Move(m, names[k]) for m in cluster if m == number or self.story_of[m] != names[k]]
        for story, k in home.items():
            if names[k] != story and self.members[story][0] < oldest:
                moves += [Move(m, names[k]) for m in self.members[story] if m < oldest]
        return sorted(moves, key=lambda move: move.number != number)


class _Evidence:
    """The links that are known, those of one new article, and those that a decision makes on demand."""

    def __init__(self, known: Links, number: int | None, matches: Iterable[tuple[int, Link]], judge: Judge) -> None:
        self.own = dict(matches)
        self._known = known
        self._number = number
        self._judge = judge
        self._made: dict[tuple[int, int], Link] = {}

    def compare(self, number: int, others: Sequence[int]) -> list[float]:
        """Return the clipped log-odds of an article and each of some earlier ones, comparing pairs that never were."""
        return self._complete([(number, other) for other in others], self._row(number, others))

    def compare_all(self, articles: Sequence[int]) -> list[float]:
        """Return the same of all pairs of articles in ascending order: of each with all before it."""
        pairs = [(b, a) for k, b in enumerate(articles) for a in articles[:k]]
        return self._complete(pairs, [link for k, b in enumerate(articles) for link in self._row(b, articles[:k])])

    def _row(self, b: int, others: Sequence[int]) -> Iterator[Link | None]:
        """Return what is known of an article and each of some earlier ones."""
        row = self.own if b == self._number else self._known.row(b)
        return iter([None] * len(others)) if row is None else map(row.get, others)

    def _complete(self, pairs: Sequence[tuple[int, int]], known: Iterable[Link | None]) -> list[float]:
        """Return the clipped log-odds of pairs, of which some links are known."""
        found = list(known)
        if None in found:
            missing = [k for k, link in enumerate(found) if link is None]
            made = [pairs[k] for k in missing if pairs[k] not in self._made]
            if made:
                self._made.update(zip(made, self._judge(made), strict=True))
            for k in missing:
                found[k] = self._made[pairs[k]]
        odds = [link.odds for link in found if link is not None]
        return [CLIP if value > CLIP else -CLIP if value < -CLIP else value for value in odds]

    def refute(self, number: int, other: int) -> None:
        """Let a link say only that one article contains something of the other."""
        held = Link(HELD, "contains")
        if number == self._number and other in self.own:
            self.own[other] = held
        else:
            self._made[number, other] = held

    def links(self) -> list[tuple[int, int, Link]]:
        """Return all that is new."""
        number = self._number
        own = [(number, other, link) for other, link in self.own.items()] if number is not None else []
        return own + [(b, a, link) for (b, a), link in self._made.items()]


def _cluster_pinned(
    said: npt.NDArray[np.float64], imposed: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], least: float
) -> npt.NDArray[np.int64]:
    """Cluster by what the evidence `said`, foes apart, then joins what holds articles of one group.

    So a copy comes to the one of a group that it is a copy of, whatever the others are about. Where that would bring
    foes together, groups are one from the beginning, as in `imposed`.
    """
    labels: npt.NDArray[np.int64] = clustering.cluster(np.where(np.isneginf(imposed), imposed, said), least)
    for group in np.unique(groups):
        joined = np.unique(labels[groups == group])
        labels[np.isin(labels, joined)] = joined[0]
    together = labels[:, None] == labels[None, :]
    if np.isneginf(imposed[together]).any():
        labels = clustering.cluster(imposed, least)
    return labels


@cache
def _pairs_of(size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return rows and columns of a matrix below its diagonal, row by row; sizes are at most REGION + 1."""
    return np.tril_indices(size, -1)


def _parts(number: int, first: int) -> Iterator[str]:
    """Return ids for stories that part from others when the article `number` comes."""
    return (f"s{number}-{part}" for part in count(first))
