"""Small trees for the shipped model: gradient boosting of scikit-learn, written down as the model's own trees.

Trees see what a sum cannot: that much in common means one thing in short texts and another in long ones. By
themselves they fit their collections and lose others; a sum and trees together did better on collections left out
than either (docs/matching.md).
"""

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from wirecopy.detection.evidence.fitting import Examples
from wirecopy.detection.evidence.model import FEATURES, Tree
from wirecopy.detection.kernels.layout import LEAVES, SPLITS

TREES, DEPTH = 60, 3
BESIDE = 2e-5  # thresholds lie beside the values that occur, or the last bit of a logarithm would decide
GROWTH = {
    "max_iter": TREES, "max_depth": DEPTH, "learning_rate": 0.1, "l2_regularization": 5.0, "min_samples_leaf": 30,
    "max_bins": 64, "early_stopping": False, "random_state": 0,
}  # fmt: skip


def grow(examples: Examples, share: float) -> tuple[float, tuple[Tree, ...]]:
    """Return a bias and trees whose sum is `share` of the log-odds that boosting finds."""
    forest = HistGradientBoostingClassifier(**GROWTH)
    forest.fit(examples.features, examples.shared, sample_weight=examples.weights)
    bias = float(np.ravel(forest._baseline_prediction)[0])
    return share * bias, tuple(_tree(rows[0].nodes, share) for rows in forest._predictors)


def _tree(nodes: Any, share: float) -> Tree:
    """Return a tree of scikit-learn as one of three full levels."""
    features: list[str | None] = [None] * SPLITS
    thresholds, values = [0.0] * SPLITS, [0.0] * (SPLITS + LEAVES)
    waiting = [(0, 0)]
    while waiting:
        place, at = waiting.pop()
        node = nodes[at]
        values[place] = _rounded(share * _mean(nodes, at))
        if place >= SPLITS:
            continue
        if node["is_leaf"]:
            waiting += [(2 * place + 1, at), (2 * place + 2, at)]
        else:
            features[place] = FEATURES[node["feature_idx"]]
            thresholds[place] = _rounded(float(node["num_threshold"]) + BESIDE)
            waiting += [(2 * place + 1, int(node["left"])), (2 * place + 2, int(node["right"]))]
    return Tree(tuple(features), tuple(thresholds), tuple(values))


def _mean(nodes: Any, at: int) -> float:
    """Return what a node says by itself: the mean of the leaves below, by the examples that end there."""
    node = nodes[at]
    if node["is_leaf"]:
        return float(node["value"])
    sides = [int(node["left"]), int(node["right"])]
    counts = [float(nodes[side]["count"]) for side in sides]
    return sum(count * _mean(nodes, side) for count, side in zip(counts, sides, strict=True)) / sum(counts)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
