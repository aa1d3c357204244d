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
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection import kernels

LEAST = -1.0  # log-odds; the mean between two parts of a story is above it
REGION = 48  # articles
SAMPLE = 16  # members of a large story that a new article is compared with
CLIP = 4.0  # log-odds beyond this say no more: one certain link must not outvote many doubtful ones


class Link(NamedTuple):
    """The evidence between two articles: log-odds, and the results of `kernels.verify` seen from the later one."""

    odds: float
    results: npt.NDArray[np.float32]


class Move(NamedTuple):
    """An article takes its place in a story."""

    number: int
    story: str


Judge = Callable[[Sequence[tuple[int, int]]], Iterable[Link]]


class Stories:
    """Which story each article belongs to, and the links that hold stories together."""

    def __init__(self, least: float = LEAST) -> None:
        self.least = least
        self.story_of: dict[int, str] = {}
        self.members: dict[str, list[int]] = {}
        self.links: dict[int, dict[int, Link]] = {}

    def decide(self, number: int, matches: Sequence[tuple[int, Link]], judge: Judge) -> list[Move]:
        """-> the moves that the article `number` with its `matches` causes, its own first; changes nothing but links.

        `judge` compares pairs of articles (later, earlier) that have no link yet.
        """
        for other, link in matches:
            self.link(number, other, link)
        touched = list(dict.fromkeys(self.story_of[other] for other, _ in matches))
        if not touched:
            return [Move(number, f"s{number}")]
        large = [story for story in touched if len(self.members[story]) > REGION]
        region = [m for story in touched if story not in large for m in self.members[story]]
        if large or len(region) >= REGION:
            return self._join_best(number, touched, judge)
        if len(region) == 1:
            joins = min(self.links[number][region[0]].odds, CLIP) > self.least
            return [Move(number, touched[0] if joins else f"s{number}")]
        return self._regroup(number, sorted(region), judge)

    def _join_best(self, number: int, touched: Sequence[str], judge: Judge) -> list[Move]:
        best, where = self.least, f"s{number}"
        for story in touched:
            members = self.members[story]
            linked = sorted(
                (m for m in members if m in self.links.get(number, {})),
                key=lambda m: (-self.links[number][m].odds, m),
            )
            sample = list(dict.fromkeys([*linked[: SAMPLE // 2], *members]))[:SAMPLE]
            self._compare([(number, m) for m in sample], judge)
            mean = sum(self._odds(number, m) for m in sample) / len(sample)
            if mean > best:
                best, where = mean, story
        return [Move(number, where)]

    def _regroup(self, number: int, region: list[int], judge: Judge) -> list[Move]:
        articles = [*region, number]
        pairs = [(b, a) for k, b in enumerate(articles) for a in articles[:k]]
        self._compare(pairs, judge)
        odds = np.zeros((len(articles), len(articles)))
        place = {article: k for k, article in enumerate(articles)}
        for b, a in pairs:
            odds[place[a], place[b]] = odds[place[b], place[a]] = self._odds(b, a)
        clusters: dict[int, list[int]] = {}
        for article, label in zip(articles, kernels.cluster(odds, self.least).tolist(), strict=True):
            clusters.setdefault(label, []).append(article)
        return self._name(number, list(clusters.values()))

    def _name(self, number: int, clusters: list[list[int]]) -> list[Move]:
        """Each old story goes to the cluster that holds most of it, each cluster keeps the oldest of its stories."""
        held: dict[str, list[int]] = {}
        for k, cluster in enumerate(clusters):
            for article in cluster:
                if article != number:
                    held.setdefault(self.story_of[article], [0] * len(clusters))[k] += 1
        names: dict[int, str] = {}
        for story in sorted(held, key=story_age):
            cluster = max(range(len(clusters)), key=lambda k: held[story][k])
            names.setdefault(cluster, story)
        moves = []
        for k, cluster in enumerate(clusters):
            name = names.get(k) or (f"s{number}" if number in cluster else f"s{number}-{k}")
            moves += [Move(m, name) for m in cluster if m == number or self.story_of[m] != name]
        return sorted(moves, key=lambda move: move.number != number)

    def apply(self, moves: Iterable[Move]) -> None:
        """Puts articles into stories; the only place that changes who belongs where."""
        for number, story in moves:
            old = self.story_of.get(number)
            if old is not None:
                self.members[old].remove(number)
                if not self.members[old]:
                    del self.members[old]
            self.story_of[number] = story
            members = self.members.setdefault(story, [])
            members.append(number)
            if len(members) > 1 and members[-2] > number:
                members.sort()

    def link(self, number: int, other: int, link: Link) -> None:
        """Keeps the evidence between two articles for later decisions."""
        self.links.setdefault(number, {})[other] = link
        self.links.setdefault(other, {})[number] = link

    def best_match(self, number: int) -> tuple[int, Link] | None:
        """The best link to another member of the article's story, of equal ones the earliest; None when alone."""
        members = self.members[self.story_of[number]]
        if len(members) == 1:
            return None
        links = self.links[number]
        linked = [m for m in members if m in links]
        return min(((m, links[m]) for m in linked), key=lambda item: (-item[1].odds, item[0]), default=None)

    def _compare(self, pairs: Iterable[tuple[int, int]], judge: Judge) -> None:
        missing = [(b, a) for b, a in pairs if a not in self.links.get(b, {})]
        if missing:
            for (b, a), link in zip(missing, judge(missing), strict=True):
                self.link(b, a, link)

    def _odds(self, number: int, other: int) -> float:
        return max(-CLIP, min(CLIP, self.links[number][other].odds))


def story_age(story: str) -> tuple[int, int]:
    """Orders story ids by the moment in which they began."""
    number, _, part = story[1:].partition("-")
    return int(number), int(part or 0)
