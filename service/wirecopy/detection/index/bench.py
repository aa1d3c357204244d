"""A bench on which a few articles lie side by side to be compared: traces and dates, no index, no room for millions.

A cluster verifies and groups on it what a window would: the same kernels over the same traces say the same.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.evidence.mixture import is_mixture
from wirecopy.detection.evidence.model import Link, Model, Relation, relations
from wirecopy.detection.evidence.stubs import are_stubs
from wirecopy.detection.index.contents import outlet_of
from wirecopy.detection.index.sizes import pack, trace_at
from wirecopy.detection.index.window import NO_EVIDENCE
from wirecopy.detection.kernels.judging import judge_pairs
from wirecopy.detection.kernels.layout import RESULTS
from wirecopy.detection.kernels.passes import verify_articles
from wirecopy.detection.kernels.shared import heads_for
from wirecopy.detection.words.rarity import TermWeights
from wirecopy.detection.words.text import Traces

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]


class Matched(NamedTuple):
    """Pairs of places on the bench that match, with the log-odds and the relation of each."""

    later: I64
    earlier: I64
    odds: F64
    relations: list[Relation]


class Bench:
    """Articles by their places, 0 to n - 1."""

    def __init__(
        self, traces: Traces, title_words: I64, dates: I64, sources: Sequence[str | None], terms: TermWeights,
        model: Model, *, min_words: int, min_odds: float,
    ) -> None:  # fmt: skip
        weights = np.empty(len(traces.words), dtype=np.uint8)
        terms.weigh(traces, weights)
        starts, sizes = traces.bounds.copy(), np.zeros(len(traces.bounds), dtype=np.int64)
        sizes[:-1] = pack(title_words, np.diff(traces.bounds))
        self._store = traces.words.copy(), weights, starts, sizes  # kernels want words that may be written
        self._dates = np.append(dates, np.int64(0))
        self._outlets = np.array([outlet_of(source) for source in sources] + [0], dtype=np.uint64)
        self._min_words, self._min_odds = min_words, min_odds
        self._model, self._screen = model.arrays(), model.screen_array(min_odds)
        longest = int(np.diff(traces.bounds).max(initial=1))
        self._scratch = np.empty(heads_for(longest), dtype=np.int32), np.empty(longest + 1, dtype=np.int32)

    def verify(self, count: int, candidates: Sequence[I64], most: int) -> Matched:
        """Compare each of the first `count` articles with its candidates, at most `most`, in their order."""
        found = np.zeros(count * most, dtype=np.int64)
        counts = np.array([len(own) for own in candidates], dtype=np.int64)
        for k, own in enumerate(candidates):
            found[k * most : k * most + len(own)] = own
        total = int(counts.sum())
        out = (
            np.empty(count, np.int64),
            np.empty(total, np.int64),
            np.empty(total),
            np.empty((total + 1, RESULTS), np.float32),
        )
        limits = np.array([0, self._min_words, 0, 0, most, 0], dtype=np.int64)
        nothing = np.zeros(count, np.int64), np.zeros(1), np.zeros((1, RESULTS), np.float32)
        matched = verify_articles(
            0, count, self._dates[:count].copy(), self._dates, self._outlets, self._store, self._model, self._screen,
            limits, self._min_odds, self._scratch, counts, counts, found, *nothing, *out
        )  # fmt: skip
        later, earlier = np.repeat(np.arange(count), out[0] >> 32), out[1][:matched]
        stay = [
            k for k, pair in enumerate(zip(later.tolist(), earlier.tolist(), strict=True)) if not self._are_stubs(*pair)
        ]
        said = relations(out[3][:matched])
        return Matched(later[stay], earlier[stay], out[2][:matched][stay], [said[k] for k in stay])

    def judge(self, pairs: Sequence[tuple[int, int]]) -> Iterable[Link]:
        """Compare pairs (later, earlier) of places."""
        places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        odds, results = np.empty(len(pairs)), np.empty((len(pairs), RESULTS), np.float32)
        judge_pairs(
            places[:, 0].copy(), places[:, 1].copy(), self._dates, self._outlets, self._store, self._min_words,
            self._model, self._scratch, odds, results
        )  # fmt: skip
        links = list(map(Link, odds.tolist(), relations(results)))
        for k, pair in enumerate(pairs):
            if links[k].odds > NO_EVIDENCE and self._are_stubs(*pair):
                links[k] = Link(NO_EVIDENCE, links[k].relation)
        return links

    def is_mixture(self, place: int, one: int, other: int) -> bool:
        """Return whether an article is partly one of two others and partly the other."""
        words, weights, _ = self._side(place)
        return is_mixture(words, weights, self._side(one)[0], self._side(other)[0])

    def _are_stubs(self, one: int, other: int) -> bool:
        return are_stubs(*self._side(one), *self._side(other))

    def _side(self, place: int) -> tuple[U32, U8, int]:
        return trace_at(self._store, place)
