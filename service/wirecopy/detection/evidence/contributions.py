"""What each feature says of a pair, in log-odds and in words: why a score is what it is.

The log-odds of a pair are a base, which is the same for all pairs, and a contribution of each feature:

    formula   weight * (value - typical value), and the same of its hinges
    trees     each question of a tree moves the mean of what lies below it; the move belongs to the feature it asks for

Typical values are the means of the pairs that the model was fitted on (`Model.typical`), 0 where it names none.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from wirecopy.detection.evidence.fitting import F64, paths_of
from wirecopy.detection.evidence.model import FEATURES, Model

IN_WORDS = {
    "contained": "how much of the shorter text stands in the other",
    "contained_long": "how much of the longer text stands in the other",
    "incidental": "words named in passing that both have, in the shorter text",
    "incidental_long": "words named in passing that both have, in the longer text",
    "runs": "how much of the shorter text is worded as in the other",
    "runs_long": "how much of the longer text is worded as in the other",
    "quoted_runs": "the same quotations in the same words",
    "quotes": "how much of the shorter text is quotation",
    "numbers": "numbers of the shorter text that the other has",
    "numbers_long": "numbers of the longer text that the other has",
    "number_count": "how many numbers there are",
    "new_numbers": "numbers that the other text has not",
    "evidence": "how much is shared in all",
    "ratio": "how different the texts are in length",
    "length": "how long the longer text is",
    "slots": "numbers changed inside the same wording, as in a form",
    "local": "what is shared stands close together",
    "hits": "passages of the shorter text with a counterpart",
    "hits_long": "passages of the longer text with a counterpart",
    "local_tail": "the second half of the shorter text has counterparts",
    "local_lead": "the beginning of the shorter text has counterparts",
    "local_lead_long": "the beginning of the longer text has counterparts",
    "lead_long": "the first words of the longer text stand in the other",
    "lead_best": "both open with the same news",
    "order": "shared rare words keep their order",
    "rare_run": "a long rare phrase that both have",
    "whole": "one text stands in the other from its first word to its last",
    "template": "words exchanged inside the same wording",
    "titled": "both have a title",
    "titles": "how much the titles share",
    "titles_best": "one title stands in the other",
    "title_found": "what the titles name stands in the other text",
    "long_runs": "whole sentences that both have",
    "longer_runs_long": "whole paragraphs that both have",
    "run_count": "in how many places the wording is the same",
    "run_length": "how long the shared passages are",
    "centre_long": "whether what is shared stands at the beginning or at the end of the longer text",
    "centres_apart": "whether what is shared stands in the same part of both texts",
    "holds": "the longer text looks like a round-up that holds the other",
    "part": "one part of a text looks like an item about the other",
    "dated": "both dates are known",
    "hours": "how many hours lie between the dates",
    "gap": "how many days lie between the dates",
    "same_outlet": "both come from one outlet",
}


class FeatureShare(NamedTuple):
    """What a feature of a pair has as its value, and what it adds to the log-odds."""

    feature: str
    value: float
    log_odds: float


def contributions(model: Model, features: Mapping[str, float]) -> tuple[float, list[FeatureShare]]:
    """Return the base of the log-odds, and what each feature adds to it, largest first, whatever its sign."""
    row = np.array([features[name] for name in FEATURES], dtype=np.float64)
    typical = np.array([model.typical.get(name, 0.0) for name in FEATURES], dtype=np.float64)
    base, added = model.bias, np.zeros(len(FEATURES))
    for values, sign in ((row, 1.0), (typical, -1.0)):
        terms = _formula(model, values)
        added += sign * terms
        base += terms.sum() if sign < 0 else 0.0
    for tree in model.trees:
        path = [int(places[0]) for places in paths_of(tree, row[None, :])]
        base += tree.values[0]
        for place, following in pairwise(path):
            if (name := tree.features[place]) is not None:
                added[FEATURES.index(name)] += tree.values[following] - tree.values[place]
    shares = [FeatureShare(n, float(row[k]), float(added[k])) for k, n in enumerate(FEATURES)]
    return float(base), sorted(shares, key=lambda share: -abs(share.log_odds))


def _formula(model: Model, values: F64) -> F64:
    """Return (len(FEATURES),) what the formula makes of each feature."""
    terms: F64 = np.array([model.weights.get(name, 0.0) for name in FEATURES]) * values
    for hinge in model.hinges:
        place = FEATURES.index(hinge.feature)
        terms[place] += hinge.weight * max(0.0, values[place] - hinge.knot)
    return terms
