"""Pins: what an editor said belongs together, or never does; it wins over the evidence.

Together is transitive: articles that pins tie, in one or more steps, are a group. Two groups are apart when a pin says
so of any of their members. No pin is taken that contradicts the others, so whoever keeps groups whole and apart has
kept all pins.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MUST = 1e6  # log-odds beyond all evidence; finite, so that a mean of it with evidence stays a number


class NumberedPin(NamedTuple):
    """All of `left` and `right` together; or, where not, none of `left` with any of `right`."""

    id: int
    together: bool
    left: frozenset[int]
    right: frozenset[int]

    @property
    def ties_somebody(self) -> bool:
        """Whether it concerns two articles at least, as it must."""
        return len(self.left | self.right) > 1 if self.together else bool(self.left and self.right)


class Pins:
    """The pins, by the numbers of articles."""

    def __init__(self) -> None:
        self.by_id: dict[int, NumberedPin] = {}
        self._of: dict[int, set[int]] = {}  # article -> its pins

    def __len__(self) -> int:
        return len(self.by_id)

    def __contains__(self, number: int) -> bool:
        return number in self._of

    def same(self, together: bool, left: Collection[int], right: Collection[int]) -> list[NumberedPin]:
        """Return the pins that say the same of the same articles, the oldest first."""
        one, other = frozenset(left), frozenset(right)
        wanted = {one | other} if together else {one, other}
        pins = [self.by_id[pin_id] for pin_id in sorted(self._of.get(min(one | other), ()))]
        sides = [{pin.left | pin.right} if together else {pin.left, pin.right} for pin in pins]
        return [pin for pin, own in zip(pins, sides, strict=True) if pin.together == together and own == wanted]

    def add(self, pin: NumberedPin) -> None:
        """Take a pin that no other contradicts."""
        self.by_id[pin.id] = pin
        for number in pin.left | pin.right:
            self._of.setdefault(number, set()).add(pin.id)

    def remove(self, pin_id: int) -> None:
        """Take a pin away, if it is there."""
        pin = self.by_id.pop(pin_id, None)
        if pin is None:
            return
        for number in pin.left | pin.right:
            self._of[number].discard(pin_id)
            if not self._of[number]:
                del self._of[number]

    def rename(self, number: int, heir: int) -> None:
        """Give the pins of an article to its next revision."""
        for pin_id in sorted(self._of.get(number, ())):
            pin = self.by_id[pin_id]
            left, right = (frozenset(heir if m == number else m for m in side) for side in (pin.left, pin.right))
            self.remove(pin_id)
            self.add(pin._replace(left=left, right=right))

    def drop(self, number: int) -> None:
        """Forget an article; pins that tie nobody then are gone."""
        for pin_id in sorted(self._of.get(number, ())):
            pin = self.by_id[pin_id]
            left, right = pin.left - {number}, pin.right - {number}
            self.remove(pin_id)
            rest = pin._replace(left=left, right=right)
            if rest.ties_somebody:
                self.add(rest)

    def tied(self, numbers: Iterable[int]) -> set[int]:
        """Return the articles that belong together with any of these, and these."""
        found = set(numbers)
        waiting = list(found)
        seen: set[int] = set()
        while waiting:
            for pin_id in self._of.get(waiting.pop(), set()) - seen:
                pin = self.by_id[pin_id]
                if pin.together:
                    seen.add(pin_id)
                    new = (pin.left | pin.right) - found
                    found |= new
                    waiting += new
        return found

    def foes(self, numbers: Iterable[int]) -> set[int]:
        """Return the articles that must not be with any of these."""
        found: set[int] = set()
        for m in self.tied(numbers):
            for pin_id in self._of.get(m, ()):
                pin = self.by_id[pin_id]
                if not pin.together:
                    found |= pin.right if m in pin.left else pin.left
        return self.tied(found)

    def conflict(self, together: bool, left: Collection[int], right: Collection[int]) -> int | None:
        """Return a pin that contradicts what is to be pinned; None when none does."""
        group = self.tied(left)
        others = self.tied(right)
        if together:
            group |= others
            parted = [pin for pin in self.by_id.values() if not pin.together and pin.left & group and pin.right & group]
            return min((pin.id for pin in parted), default=None)
        shared = group & others
        tying = [pin for pin in self.by_id.values() if pin.together and (pin.left | pin.right) & shared]
        return min((pin.id for pin in tying), default=None)

    def impose(
        self, odds: npt.NDArray[np.float64], articles: Sequence[int], stand_for: Mapping[int, Sequence[int]]
    ) -> npt.NDArray[np.int64]:
        """Replace the log-odds of all pairs of `articles` that pins concern, directly or by other articles.

        -> for each its group: those with the same number must be together.
        `stand_for`: articles that are not there, each with those who go where it goes.
        """
        at = {number: [k] for k, number in enumerate(articles)}
        for number, proxies in stand_for.items():
            at[number] = [k for m in proxies for k in at[m]]
        group = list(range(len(articles)))

        def find(k: int) -> int:
            while group[k] != k:
                k = group[k]
            return k

        def join(rows: Sequence[int]) -> None:
            for k in rows[1:]:
                group[find(k)] = find(rows[0])

        for rows in at.values():
            join(rows)
        pinned = [number for number in at if number in self]
        for number in pinned:  # also by articles that are not there
            join([k for m in sorted(self.tied([number])) for k in at.get(m, ())])
        roots = np.array([find(k) for k in range(len(articles))])
        is_one = roots[:, None] == roots[None, :]
        odds[is_one] = MUST
        for number in pinned:
            left, right = (
                np.isin(roots, [roots[k] for m in side for k in at.get(m, ())])
                for side in ([number], self.foes([number]))
            )
            apart = (left[:, None] & right[None, :]) | (right[:, None] & left[None, :])
            odds[apart & ~is_one] = -np.inf  # a group that has a foe by somebody who is not there stays one
        np.fill_diagonal(odds, 0.0)
        return roots
