"""Candidates -> matches: is there a shared source behind two texts, how sure is that, and what is the relation?

The log-odds are a formula of some forty documented features of two traces (docs/matching.md), with hinges where a
feature saturates, and small trees beside it. The weights are fitted from labelled pairs by `wirecopy tune`; the shipped
ones are in data/model.json, with what they were fitted on.
"""

from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.layout import CONTAINS, COVERED, FOLLOW_UP, LEAVES, SAME_BODY
from wirecopy.detection.kernels.screening import SCREENED

FEATURES = (
    "contained", "contained_long", "incidental", "incidental_long", "runs", "runs_long", "quoted_runs", "quotes",
    "numbers", "numbers_long", "number_count", "new_numbers", "evidence", "ratio", "length", "slots", "local", "hits",
    "hits_long", "local_tail", "local_lead", "local_lead_long", "lead_long", "lead_best", "order", "rare_run", "whole",
    "template", "titled", "titles", "titles_best", "title_found", "long_runs", "longer_runs_long", "run_count",
    "run_length", "centre_long", "centres_apart", "holds", "part", "dated", "hours", "gap", "same_outlet",
)  # fmt: skip
Relation = Literal["identical", "copy", "rewrite", "contains", "follow_up"]
UNJOINED: frozenset[Relation] = frozenset({"contains", "follow_up"})  # shown among matches, and never a reason to join
COPIED = 0.5  # share of the shorter text in shared runs from which a match is a copy


class Hinge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adds weight * max(0, feature - knot)."""

    feature: str
    knot: float
    weight: float


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision tree of three levels, row by row: 7 questions, and what each of the 15 places says by itself.

    Question k goes on at 2 k + 1 where `features[k]` is at most `thresholds[k]`, else at 2 k + 2; a question without a
    feature always goes to the first. The last eight of `values` are added to the log-odds; the others, means over what
    lies below, only tell how much each question said.
    """

    features: tuple[str | None, ...]
    thresholds: tuple[float, ...]
    values: tuple[float, ...]


class Screen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a pair can have log-odds from `least_odds` on, guessed by what `screening.glance` knows of it.

    It can where bias + sum of weight * feature + sum of square * feature ** 2 is not negative.
    """

    least_odds: float
    bias: float
    weights: dict[str, float]
    squares: dict[str, float]


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log-odds of a shared source from the features; `trained` says on what, when, and how well it did.

    `screen` belongs to these very weights; a model without one verifies every candidate. `typical` holds the means of
    the features over the pairs of the fit: what a contribution is told against.
    """

    bias: float
    weights: dict[str, float]
    hinges: tuple[Hinge, ...] = ()
    trees: tuple[Tree, ...] = ()
    trained: dict[str, Any] = {}
    screen: Screen | None = None
    typical: dict[str, float] = {}

    def arrays(self) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.int64], Any, Any, Any, Any, Any]:
        """Return what `judging.log_odds` takes. Raises KeyError for a feature that does not exist."""
        weights = np.zeros(len(FEATURES))
        place = {name: k for k, name in enumerate(FEATURES)}
        for name, weight in self.weights.items():
            weights[place[name]] = weight
        hinged = np.array([place[hinge.feature] for hinge in self.hinges], dtype=np.int64)
        knots = np.array([hinge.knot for hinge in self.hinges], dtype=np.float64)
        hinge_weights = np.array([hinge.weight for hinge in self.hinges], dtype=np.float64)
        asked = np.array([0 if f is None else place[f] for tree in self.trees for f in tree.features], dtype=np.int64)
        thresholds = [
            np.inf if feature is None else threshold
            for tree in self.trees
            for feature, threshold in zip(tree.features, tree.thresholds, strict=True)
        ]
        leaves = [value for tree in self.trees for value in tree.values[-LEAVES:]]
        return self.bias, weights, hinged, knots, hinge_weights, asked, np.array(thresholds), np.array(leaves)

    def screen_array(self, least_odds: float) -> npt.NDArray[np.float64]:
        """Return what `screening.may_match` takes; empty where nothing can be screened, for want of a screen or below
        its odds.

        Raises KeyError for a feature that is missing.
        """
        screen = self.screen
        if screen is None or least_odds < screen.least_odds:
            return np.empty(0)
        names = [FEATURES[k] for k in SCREENED]
        parts = [screen.bias, *(screen.weights[name] for name in names), *(screen.squares[name] for name in names)]
        return np.array(parts)


@cache
def shipped_model() -> Model:
    """Return the model in data/model.json."""
    return msgspec.json.decode(resources.files("wirecopy").joinpath("data/model.json").read_bytes(), type=Model)


def probability(odds: float) -> float:
    """Return the probability of log-odds, to four digits."""
    return round(float(1.0 / (1.0 + np.exp(-odds))), 4)


def relations(results: npt.NDArray[np.float32]) -> list[Relation]:
    """Return what two texts are to each other, for each row of results of `features.verify`.

    `contains`: the longer is a round-up that holds the other among several stories; `follow_up`: they share no source,
    and one goes on with the story of the other. With a shared source `identical`: the same words in the same order;
    `copy`: half of the shorter text stands in shared runs; else `rewrite`.
    """
    wanted = results[:, [CONTAINS, FOLLOW_UP, SAME_BODY, COVERED]].tolist()
    return [
        "contains" if contains > 0 else "follow_up" if follows > 0 else _with_one_source(same, covered)
        for contains, follows, same, covered in wanted
    ]


def _with_one_source(same: float, covered: float) -> Relation:
    """Return what two texts with a shared source are to each other."""
    return "identical" if same > 0 else "copy" if covered >= COPIED else "rewrite"


class Link(NamedTuple):
    """The evidence between two articles."""

    odds: float
    relation: Relation
