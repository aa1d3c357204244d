"""Candidates -> matches: is there a shared source behind two texts, how sure is that, and what is the relation?

The log-odds are linear in some twenty-five documented features of two traces (docs/matching.md), with hinges where a
feature saturates. The weights are fitted from labelled pairs by `wirecopy tune`; the shipped ones are in
data/model.json, with what they were fitted on.
"""

from functools import cache
from importlib import resources
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from wirecopy.detection import kernels
from wirecopy.detection.text import Traces

FEATURES = (
    "contained", "contained_long", "runs", "runs_long", "quoted_runs", "quotes", "numbers", "numbers_long",
    "number_count", "new_numbers", "evidence", "ratio", "length", "titles", "local", "hits", "hits_long", "local_tail",
    "local_lead", "local_lead_long", "lead_long", "lead_best", "order", "rare_run", "whole", "template", "gap",
)  # fmt: skip
COPIED = 0.5  # share of the shorter text in shared runs from which a match is a copy


class Hinge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adds weight * max(0, feature - knot)."""

    feature: str
    knot: float
    weight: float


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log-odds of a shared source from the features; `trained` says on what, when, and how well it did."""

    bias: float
    weights: dict[str, float]
    hinges: tuple[Hinge, ...] = ()
    trained: dict[str, Any] = {}

    def arrays(self) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.int64], Any, Any]:
        """What `kernels.log_odds` takes. Raises KeyError for a feature that does not exist."""
        weights = np.zeros(len(FEATURES))
        place = {name: k for k, name in enumerate(FEATURES)}
        for name, weight in self.weights.items():
            weights[place[name]] = weight
        hinged = np.array([place[hinge.feature] for hinge in self.hinges], dtype=np.int64)
        knots = np.array([hinge.knot for hinge in self.hinges], dtype=np.float64)
        return self.bias, weights, hinged, knots, np.array([hinge.weight for hinge in self.hinges], dtype=np.float64)


@cache
def shipped_model() -> Model:
    """The model in data/model.json."""
    return msgspec.json.decode(resources.files("wirecopy").joinpath("data/model.json").read_bytes(), type=Model)


def probability(odds: float) -> float:
    """The probability of log-odds, to four digits."""
    return round(float(1.0 / (1.0 + np.exp(-odds))), 4)


def relation(results: npt.NDArray[np.float32]) -> str:
    """`identical`: the same words in the same order; `copy`: half of the shorter text in shared runs; else `rewrite`."""
    if results[kernels.SAME_BODY] > 0:
        return "identical"
    return "copy" if results[kernels.COVERED] >= COPIED else "rewrite"


class TraceStore:
    """The traces and weights of the newest `capacity` articles, one after the other in two flat arrays."""

    def __init__(self, capacity: int, words: int = 1 << 20) -> None:
        self.capacity = capacity
        self.words = np.zeros(words, dtype=np.uint32)
        self.weights = np.zeros(words, dtype=np.uint8)
        self.starts = np.zeros(capacity, dtype=np.int64)
        self.sizes = np.zeros(capacity, dtype=np.int64)
        self.end = 0

    @property
    def arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self.words, self.weights, self.starts, self.sizes

    def append(self, first_number: int, traces: Traces, title_words: npt.NDArray[np.int64]) -> None:
        """Stores the traces of articles numbered from `first_number`; their weights are still to be made."""
        lengths = np.diff(traces.bounds)
        end = self.end + len(traces.words)
        self._reserve(end)
        self.words[self.end : end] = traces.words
        slots = np.arange(first_number, first_number + len(lengths)) % self.capacity
        self.starts[slots] = self.end + traces.bounds[:-1]
        self.sizes[slots] = title_words << 32 | lengths
        self.end = end

    def part(self, first_number: int, count: int) -> tuple[Traces, npt.NDArray[np.uint8]]:
        """-> the traces of `count` articles stored one after the other, and their weights to be written."""
        slots = np.arange(first_number, first_number + count) % self.capacity
        bounds = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(self.sizes[slots] & 0xFFFFFFFF, out=bounds[1:])
        start = int(self.starts[slots[0]])
        end = start + int(bounds[-1])
        return Traces(self.words[start:end], bounds), self.weights[start:end]

    def _reserve(self, words: int) -> None:
        if words > len(self.words):
            size = max(words, 2 * len(self.words))
            self.words = np.concatenate([self.words[: self.end], np.zeros(size - self.end, dtype=np.uint32)])
            self.weights = np.concatenate([self.weights[: self.end], np.zeros(size - self.end, dtype=np.uint8)])

    def grow(self, capacity: int) -> "TraceStore":
        """-> a store for more articles with the same traces; only valid while slots have not been reused."""
        larger = TraceStore(capacity, 1)
        larger.words, larger.weights, larger.end = self.words, self.weights, self.end
        larger.starts[: self.capacity], larger.sizes[: self.capacity] = self.starts, self.sizes
        return larger
