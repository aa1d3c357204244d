"""Mixtures: texts that are partly one story and partly another, by which the two must not become one.

Somebody who takes half of the sentences of two reports makes a text that either resembles. A few of these would outvote
the one pair that says that the reports have nothing to do with each other. So where articles come together of which two
have nothing in common, the one between them is asked: does it hold a part of one that is not in the other, and a part
of the other that is not in the one? Then its links with the two are no evidence: it contains something of both.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

APART = -3.0  # log-odds below which two articles have nothing to do with each other
NEAR = -2.0  # log-odds from which one text may be a part of the other
MOST_ASKED = 256  # of a region, at one time

IsMixture = Callable[[int, int, int], bool]  # whether the first article is partly the second and partly the third

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def find_mixed(
    odds: F64, labels: I64, articles: Sequence[int], number: int | None, is_mixture: IsMixture
) -> set[tuple[int, int]]:  # fmt: skip
    """Return the pairs of places (later, earlier) whose log-odds are those of a mixture and one of its parts.

    Asked are the article `number`, wherever it would go, and those of a cluster in which two have nothing in common.
    """
    found: set[tuple[int, int]] = set()
    left = MOST_ASKED
    for x, near in _doubtful(odds, labels, articles, number):
        for a, b in _apart(odds, near):
            pairs = {(max(x, a), min(x, a)), (max(x, b), min(x, b))}
            if pairs <= found:
                continue
            if left == 0:
                return found
            left -= 1
            if is_mixture(articles[x], articles[a], articles[b]):
                found |= pairs
    return found


def _doubtful(
    odds: F64, labels: I64, articles: Sequence[int], number: int | None
) -> Iterator[tuple[int, list[int]]]:  # fmt: skip
    """Yield (place, the places near it, the nearest first) of who may be a mixture."""
    for x, article in enumerate(articles):
        may_join = odds[x] >= NEAR
        may_join[x] = False
        if article != number:
            may_join &= labels == labels[x]
        near = np.flatnonzero(may_join)
        if len(near) > 1:
            yield x, near[np.argsort(-odds[x, near], kind="stable")].tolist()


def _apart(odds: F64, near: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the pairs that have nothing to do with each other."""
    for later, earlier in np.argwhere(np.tril(odds[np.ix_(near, near)] < APART, -1)).tolist():
        yield near[earlier], near[later]
