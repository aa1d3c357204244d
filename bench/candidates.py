"""Whether the pairs that belong together are compared at all, and at what price.

A pair that is no candidate is lost whatever the verification can do; every candidate costs two scans. wirecopy's side
of the bargain is `wirecopy.batch.run.candidates(inputs, settings)`, which yields, for each accepted article in the
order of `dedupe`, its id and the ids of the earlier articles that it was verified against.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bench.scoring import DERIVED, Pair

FindCandidates = Callable[[Sequence[Path]], Iterable[tuple[str, Sequence[str]]]]


class CandidatesMissing(Exception):
    """The installed wirecopy does not say which articles it compares."""


@dataclass(frozen=True)
class CandidateScores:
    """Weighted and plain share of the pairs of label 2-3 that were compared; candidates per article."""

    articles: int
    recall: float
    unweighted_recall: float
    mean: float
    p95: float
    largest: int


def score_candidates(pairs: Sequence[Pair], candidates: Iterable[tuple[str, Sequence[str]]]) -> CandidateScores:
    """Return the figures for one stream; recall is 0 where no pair belongs together."""
    belong = {frozenset((pair.a, pair.b)): pair.weight for pair in pairs if pair.label >= DERIVED}
    named = {article for pair in belong for article in pair}
    compared: set[frozenset[str]] = set()
    counts = []
    for article, others in candidates:
        counts.append(len(others))
        if article in named:
            compared.update(pair for other in others if (pair := frozenset((article, other))) in belong)
    found, whole = sum(belong[pair] for pair in compared), sum(belong.values())
    return CandidateScores(
        articles=len(counts),
        recall=found / whole if whole else 0.0,
        unweighted_recall=len(compared) / len(belong) if belong else 0.0,
        mean=float(np.mean(counts)) if counts else 0.0,
        p95=float(np.percentile(counts, 95)) if counts else 0.0,
        largest=max(counts, default=0),
    )


def find_candidates() -> FindCandidates:
    """Return wirecopy's answer at its default settings; raise CandidatesMissing where it gives none."""
    try:
        batch: Any = import_module("wirecopy.batch.run")
    except ImportError:
        batch = None
    if not hasattr(batch, "candidates"):
        raise CandidatesMissing("this wirecopy has no wirecopy.batch.run.candidates: candidates cannot be counted")
    settings: Any = import_module("wirecopy.config").load()

    def candidates(files: Sequence[Path]) -> Iterator[tuple[str, Sequence[str]]]:
        return iter(batch.candidates([str(path) for path in files], settings))

    return candidates
