"""Labelled features -> model: logistic regression with hinges and an L2 penalty, by Newton's method.

    minimise over bias and w:   sum of weight * -log P(label)  +  penalty / 2 * |w - target|^2

where log-odds = bias + w . columns, and the columns are the fitted features and, of the hinged ones, max(0, feature -
knot), all brought to mean 0 and deviation 1. The bias carries no penalty. The target is 0, or the weights of a model
that the new one is pulled towards, so that a hundred labels correct that model instead of replacing it. The problem is
convex: its one solution does not depend on the order of the examples.

What a model has beside that, its trees, is grown elsewhere (bench/trees.py): to a fit that is pulled towards it they
are given, as a part of the log-odds that does not change.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.evidence.model import FEATURES, Hinge, Model, Tree

HINGED = ("length", "contained", "order", "number_count")
QUANTILES = (0.5, 0.8)  # where the knots of a hinged feature are
PENALTY = 10.0
_CONVERGED = 1e-9  # of the gradient, relative to the sum of weights
_MOST_STEPS = 100

F64 = npt.NDArray[np.float64]


class Examples(NamedTuple):
    """`features` (n, len(FEATURES)), which of them share their source (n,) and how much each counts (n,)."""

    features: F64
    shared: npt.NDArray[np.bool_]
    weights: F64

    def part(self, chosen: npt.NDArray[Any]) -> "Examples":
        """Return the chosen ones, by a mask or by their places."""
        return Examples(self.features[chosen], self.shared[chosen], self.weights[chosen])


def fit(examples: Examples, *, penalty: float = PENALTY, towards: Model | None = None) -> Model:
    """Return the model of the examples, its numbers to four digits; with `towards` it takes that model's hinges.

    Both classes must occur.
    """
    features = examples.features
    knots = knots_of(features) if towards is None else [(h.feature, h.knot) for h in towards.hinges]
    columns = _columns(features, knots)
    mean, deviation = columns.mean(axis=0), columns.std(axis=0) + 1e-9
    target = np.zeros(columns.shape[1])
    if towards is not None:
        target[: len(FEATURES)] = [towards.weights.get(name, 0.0) for name in FEATURES]
        target[len(FEATURES) :] = [hinge.weight for hinge in towards.hinges]
    scaled = np.column_stack([(columns - mean) / deviation, np.ones(len(columns))])
    trees = () if towards is None else towards.trees
    solution = _minimise(scaled, examples, penalty, np.append(target * deviation, 0.0), leaves_of(trees, features))
    weights = solution[:-1] / deviation
    hinges = [Hinge(name, knot, _rounded(w)) for (name, knot), w in zip(knots, weights[len(FEATURES) :], strict=True)]
    fitted = {name: _rounded(w) for name, w in zip(FEATURES, weights, strict=False)}
    typical = dict(zip(FEATURES, map(_rounded, np.average(features, axis=0, weights=examples.weights)), strict=True))
    return Model(_rounded(solution[-1] - mean @ weights), fitted, tuple(hinges), trees, typical=typical)


def knots_of(features: F64) -> list[tuple[str, float]]:
    """Return the hinged features with their knots, to four digits."""
    values = {name: features[:, FEATURES.index(name)] for name in HINGED}
    return [(name, _rounded(np.quantile(values[name], share))) for name in HINGED for share in QUANTILES]


def log_odds(model: Model, features: F64) -> F64:
    """Return what `judging.log_odds` says of each row."""
    bias, weights, hinged, knots, hinge_weights, *_ = model.arrays()
    odds: F64 = bias + features @ weights + np.maximum(0.0, features[:, hinged] - knots) @ hinge_weights
    return odds + leaves_of(model.trees, features)


def leaves_of(trees: Sequence[Tree], features: F64) -> F64:
    """Return (n,) what trees add to the log-odds of each row."""
    total = np.zeros(len(features))
    for tree in trees:
        total += np.array(tree.values)[paths_of(tree, features)[-1]]
    return total


def paths_of(tree: Tree, features: F64) -> list[npt.NDArray[np.int64]]:
    """Return for each level of a tree, from its root to its leaves, at which of its 15 places each row is."""
    place = np.zeros(len(features), dtype=np.int64)
    asked = np.array([0 if name is None else FEATURES.index(name) for name in tree.features])
    thresholds = np.where([name is None for name in tree.features], np.inf, np.array(tree.thresholds))
    path = [place]
    while len(path) < 4:
        place = 2 * place + 1 + (features[np.arange(len(features)), asked[place]] > thresholds[place])
        path.append(place)
    return path


def _columns(features: F64, knots: list[tuple[str, float]]) -> F64:
    return np.column_stack(
        [features, *(np.maximum(0.0, features[:, FEATURES.index(name)] - knot) for name, knot in knots)]
    )


def _minimise(columns: F64, examples: Examples, penalty: float, target: F64, given: F64) -> F64:
    """Newton's method; a step that does not lower the loss is halved. The last column is the bias.

    `given` (n,) are log-odds that each example has in any case.
    """
    penalties = np.full(columns.shape[1], penalty)
    penalties[-1] = 0.0
    signs = np.where(examples.shared, 1.0, -1.0)
    total = examples.weights.sum()

    def loss(w: F64) -> Any:
        return examples.weights @ np.logaddexp(0.0, -signs * (given + columns @ w)) + penalties @ (w - target) ** 2 / 2

    w = target.copy()
    now = loss(w)
    for _ in range(_MOST_STEPS):
        chance = np.exp(-np.logaddexp(0.0, -(given + columns @ w)))
        slope = columns.T @ (examples.weights * (chance - examples.shared)) + penalties * (w - target)
        if np.abs(slope).max() <= _CONVERGED * total:
            break
        bent = examples.weights * chance * (1.0 - chance)
        step = np.linalg.solve(columns.T @ (columns * bent[:, None]) + np.diag(penalties + 1e-12 * total), slope)
        size = 1.0
        while size > 1e-6 and not (after := loss(w - size * step)) <= now:
            size /= 2
        if size <= 1e-6:
            break
        w, now = w - size * step, after
    return w


def _rounded(value: Any) -> float:
    return float(f"{float(value):.4g}")
