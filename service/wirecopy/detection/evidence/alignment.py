"""Two traces, word by word: what stands in both, what was reworded, which numbers and quotations changed.

Everything is counted in words of the traces, so it is the same whether the texts are at hand or not. Only paragraphs
need a text, to know where they begin.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.layout import HASH, NUMBER, STEM, WEIGHT
from wirecopy.detection.kernels.shared import shared_runs
from wirecopy.detection.words.text import trace

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

PASSAGE = 4  # words that a passage has at least
SHARED = 0.75  # share of a paragraph's words that stand in passages, from which it is shared
REWORDED = 0.4  # share of its weight that stands in two neighbouring paragraphs of the other text, or in passages
ALIKE = 0.7  # share of its words, common ones too, that stand there, from which it is reworded whatever they weigh
QUOTE = 3  # words that a quotation has at least
SAME_QUOTE = 0.5  # share of the longer quotation's words from which two are versions of one
MOST_FRAGMENTS = 512  # numbers, and quotations, of a text that are looked at
_CONTEXT = np.array([1, 2, 3, 3, 2, 1])  # what an equal word is worth, three before a number and three behind it
_SAME_PLACE = 4  # such worth from which two numbers stand in the same place
_MOST_PARAGRAPHS = 64  # paragraphs of the other text that are looked at for one word

Value = tuple[int, ...]
Mark = Literal["shared", "reworded", "only here"]


class SharedRun(NamedTuple):
    """Words that stand in both texts: `words` from the `a`-th of one and the `b`-th of the other."""

    a: int
    b: int
    words: int


class WordSpan(NamedTuple):
    """Words begin .. end - 1 of one text."""

    begin: int
    end: int


_NOWHERE = WordSpan(0, 0)


class Difference(NamedTuple):
    """What stands in one text and, changed, in the other; None where there is nothing like it."""

    a: WordSpan | None
    b: WordSpan | None


class Marked(NamedTuple):
    """What became of a paragraph: `shared` is the share of its words in passages, `match` its counterpart, if any."""

    mark: Mark
    shared: float
    match: int | None


def runs(a: U32, b: U32) -> list[SharedRun]:
    """Return the passages that stand in both, in the order of b, where they do not overlap."""
    starts_a, starts_b, lengths = (np.empty(len(b) // PASSAGE + 1, dtype=np.int64) for _ in range(3))
    count = shared_runs(a, b, PASSAGE, starts_a, starts_b, lengths)
    found = zip(starts_a[:count].tolist(), starts_b[:count].tolist(), lengths[:count].tolist(), strict=True)
    return [SharedRun(*run) for run in found]


def mark(
    a: U32, weights: U8, paragraphs: Sequence[WordSpan], b: U32, others: Sequence[WordSpan]
) -> list[Marked]:  # fmt: skip
    """Return what of each paragraph of a stands in b, whose paragraphs are `others`.

    shared: most of its words stand in passages; reworded: much of it stands close together in b; only here.
    """
    covered = np.zeros(len(a), dtype=bool)
    for run in runs(b, a):
        covered[run.b : run.b + run.words] = True
    stems, words = (a & STEM).tolist(), (a & HASH).tolist()
    of_stem, of_word = (_holders((b & mask).tolist(), others) for mask in (STEM, HASH))
    marked = []
    for begin, end in paragraphs:
        share = float(covered[begin:end].mean()) if end > begin else 0.0
        if end - begin < PASSAGE and _stands_in(a[begin:end], b):
            share = 1.0
        weighed = (weights[begin:end] & WEIGHT).astype(np.int64)
        if not weighed.any():
            weighed[:] = 1
        in_passages = int(weighed[covered[begin:end]].sum())
        together, match = _find_counterpart(stems[begin:end], weighed.tolist(), of_stem)
        alike, _ = _find_counterpart(words[begin:end], [1] * (end - begin), of_word)
        is_reworded = max(together, in_passages) >= REWORDED * int(weighed.sum()) or alike >= ALIKE * (end - begin)
        if share >= SHARED:
            what: Mark = "shared"
        elif end > begin and is_reworded:
            what = "reworded"
        else:
            what = "only here"
        marked.append(Marked(what, round(share, 4), None if what == "only here" else match))
    return marked


def numbers(a: U32, b: U32) -> list[Difference]:
    """Return the numbers of either text that the other has not, in the order of a, then those only in b.

    Two that stand between the same words, at least mostly, are one that changed. A number is what its digits and
    a unit of thousands, millions or billions behind them say.
    """
    in_a, in_b = _numbers_of(a), _numbers_of(b)
    missing_b = [(value, piece) for value, piece in in_a if value not in {other for other, _ in in_b}]
    missing_a = [(value, piece) for value, piece in in_b if value not in {other for other, _ in in_a}]
    return _changes(missing_b, missing_a, _same_places(a, missing_b, b, missing_a))


def quotes(a: U32, b: U32) -> list[Difference]:
    """Return the quotations of either text whose words do not stand in the other, in the order of a, then those only in
    b.

    Two of which at least half of the longer one's words are the same are one that changed.
    """
    missing_b, missing_a = list(_missing_quotes(a, b)), list(_missing_quotes(b, a))
    alike = []
    for i, (said, _) in enumerate(missing_b):
        for j, (other, _) in enumerate(missing_a):
            longer = max(len(said), len(other))
            if min(len(said), len(other)) < SAME_QUOTE * longer:
                continue
            common = _common(said, other)
            if common >= SAME_QUOTE * longer:
                alike.append((common / longer, i, j))
    return _changes(missing_b, missing_a, alike)


def _changes(
    missing_b: Sequence[tuple[Value, WordSpan]],
    missing_a: Sequence[tuple[Value, WordSpan]],
    alike: Iterable[tuple[float, int, int]],
) -> list[Difference]:
    """Return pairs what is most alike first; every value is told once, where it was paired or else where it first
    stands.
    """
    partner: dict[Value, Difference] = {}
    taken: set[Value] = set()
    for _, i, j in sorted(alike, key=lambda pair: (-pair[0], pair[1], pair[2])):
        (value, piece), (other, place) = missing_b[i], missing_a[j]
        if value not in partner and other not in taken:
            partner[value] = Difference(piece, place)
            taken.add(other)
    for value, piece in missing_b:
        partner.setdefault(value, Difference(piece, None))
    added: dict[Value, Difference] = {}
    for value, place in missing_a:
        if value not in taken:
            added.setdefault(value, Difference(None, place))
    return sorted(partner.values(), key=lambda change: change.a or _NOWHERE) + list(added.values())


def _numbers_of(words: U32) -> list[tuple[Value, WordSpan]]:
    """(value, where) of the numbers, in order."""
    scales = _scales()
    found: list[tuple[Value, WordSpan]] = []
    for at in np.flatnonzero(words & NUMBER)[:MOST_FRAGMENTS].tolist():
        value, end = int(words[at]) & HASH, at + 1
        scale = int(words[end]) & HASH if end < len(words) else 0
        has_scale = scale in scales and not words[end] & NUMBER
        found.append(((value, scale if has_scale else 0), WordSpan(at, end + has_scale)))
    return found


def _scales() -> set[int]:
    """Return the hashes of thousand, million and billion, as they stand behind a number."""
    return {int(trace([name]).words[0]) & HASH for name in ("thousand", "million", "billion")}


def _same_places(
    a: U32, in_a: Sequence[tuple[Value, WordSpan]], b: U32, in_b: Sequence[tuple[Value, WordSpan]]
) -> Iterator[tuple[float, int, int]]:
    """(how alike, i, j) of the numbers that have the same words around them."""
    if not in_a or not in_b:
        return
    around_a, around_b = _around(a, in_a, 1), _around(b, in_b, 2)
    worth = ((around_a[:, None, :] == around_b[None, :, :]) * _CONTEXT).sum(axis=2)
    for i, j in np.argwhere(worth >= _SAME_PLACE).tolist():
        yield float(worth[i, j]), i, j


def _around(words: U32, pieces: Sequence[tuple[Value, WordSpan]], nothing: int) -> I64:
    """Return the three words before and behind each piece; negative, and different in each text, where there
    are none.
    """
    side = len(_CONTEXT) // 2
    padded = np.full(len(words) + 2 * side, -nothing, dtype=np.int64)
    padded[side : side + len(words)] = words & HASH
    return np.array(
        [[*padded[begin : begin + side], *padded[end + side : end + 2 * side]] for _, (begin, end) in pieces]
    )


def _missing_quotes(words: U32, other: U32) -> Iterator[tuple[Value, WordSpan]]:
    """(words, where) of the quotations that do not stand in the other text."""
    is_quoted = np.concatenate([[0], (words >> 31).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(is_quoted)).reshape(-1, 2)
    for begin, end in edges[np.diff(edges, axis=1)[:, 0] >= QUOTE][:MOST_FRAGMENTS].tolist():
        if not _stands_in(words[begin:end], other):
            yield tuple((words[begin:end] & HASH).tolist()), WordSpan(begin, end)


def _stands_in(part: U32, words: U32) -> bool:
    """Return whether the words of `part` stand together in `words`."""
    wanted, text = (part & HASH).tobytes(), (words & HASH).tobytes()
    at = text.find(wanted)
    while at >= 0 and at % 4:
        at = text.find(wanted, at + 1)
    return at >= 0 and bool(wanted)


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """Return how many words two quotations have in common, each as often as both have it."""
    rest = list(b)
    count = 0
    for word in a:
        if word in rest:
            rest.remove(word)
            count += 1
    return count


def _holders(words: Sequence[int], paragraphs: Sequence[WordSpan]) -> dict[int, list[int]]:
    """Return which paragraphs hold a word; only the first of those that stand everywhere."""
    holders: dict[int, list[int]] = {}
    for k, (begin, end) in enumerate(paragraphs):
        for word in words[begin:end]:
            known = holders.setdefault(word, [])
            if len(known) < _MOST_PARAGRAPHS and (not known or known[-1] != k):
                known.append(k)
    return holders


def _find_counterpart(
    words: Sequence[int], weights: Sequence[int], holders: dict[int, list[int]]
) -> tuple[int, int | None]:
    """Return how much weight stands in the best two neighbouring paragraphs; and the best one alone."""
    alone: dict[int, int] = {}
    joint: dict[int, int] = {}
    for word, weight in zip(words, weights, strict=True):
        previous = -2
        for k in holders.get(word, ()) if weight else ():
            alone[k] = alone.get(k, 0) + weight
            joint[k] = joint.get(k, 0) + weight
            if previous != k - 1:
                joint[k - 1] = joint.get(k - 1, 0) + weight
            previous = k
    match = min(alone, key=lambda k: (-alone[k], k), default=None)
    return max(joint.values(), default=0), match
