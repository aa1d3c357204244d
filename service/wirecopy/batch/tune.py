"""Labelled pairs of articles -> a model of one's own, with the figures by which to trust it.

    validate   five folds, and each label file by a model fitted on the others
    choose     the lowest threshold that has the wanted precision, or that of the best F1
    fit        on everything; the bias is moved so that the threshold lies where stories draw their line

Pairs of the same event (label 1) are right either way: they count weakly as different in the fit, and not in figures.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from wirecopy.batch.labels import DIFFERENT, F64, SAME_EVENT, SHARED, LabelledSet, unordered
from wirecopy.detection.evidence.fitting import Examples, fit, log_odds
from wirecopy.detection.evidence.model import Model, shipped_model
from wirecopy.detection.grouping.stories import LEAST
from wirecopy.errors import LabelsInsufficient

SAME_EVENT_WEIGHT = 0.3
MOST_WEIGHT = 6.0  # times the mean: one pair that stands for very many must not decide alone
FEWEST = 30  # pairs of either class
FOLDS = 5
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # probabilities
BINS = np.linspace(0.0, 1.0, 11)


class ThresholdRow(NamedTuple):
    """Weighted precision, recall and F1 when the pairs at or above `threshold` (a probability) are grouped."""

    threshold: float
    precision: float
    recall: float
    f1: float


class Bin(NamedTuple):
    """Of `pairs` whose probability lies between two bounds: its mean, and the share that does share a source."""

    low: float
    high: float
    pairs: int
    predicted: float
    observed: float


class Tuned(NamedTuple):
    """A model with its cross-validated figures. `left_out` are those of each set by a model of the other sets.

    `threshold` is in log-odds before the bias was moved. `strict`: the same with pairs of label 1 as different.
    """

    model: Model
    sets: Sequence[LabelledSet]
    rows: list[ThresholdRow]
    bins: list[Bin]
    left_out: dict[str, ThresholdRow]
    threshold: float
    chosen: ThresholdRow
    shipped: ThresholdRow
    chosen_strict: ThresholdRow
    shipped_strict: ThresholdRow

    @property
    def is_better(self) -> bool:
        """Whether the model, cross-validated, beats the shipped one on these labels by F1, and is strictly no worse."""
        return self.chosen.f1 > self.shipped.f1 and self.chosen_strict.f1 >= self.shipped_strict.f1


def examples_of(sets: Sequence[LabelledSet], same_event: float = SAME_EVENT_WEIGHT) -> Examples:
    """Return the pairs of all sets as they count in a fit: by the root of their weights, cut at MOST_WEIGHT.

    `same_event` is what a pair of label 1 counts.
    """
    weights = []
    for labelled in sets:
        own = np.sqrt(labelled.weights) * np.where(labelled.labels == SAME_EVENT, same_event, 1.0)
        weights.append(np.minimum(own / own.mean(), MOST_WEIGHT) * labelled.total / len(own))
    features = np.concatenate([labelled.features for labelled in sets])
    labels = np.concatenate([labelled.labels for labelled in sets])
    return Examples(features, labels >= SHARED, np.concatenate(weights))


def folds_of(labelled: LabelledSet) -> npt.NDArray[np.int64]:
    """Return (pairs,) the fold of each pair: by the hash of its ids, each label spread evenly."""
    hashes = np.array(
        [xxh3_64_intdigest("\0".join(unordered(pair)).encode()) for pair in labelled.pairs], dtype=np.uint64
    )
    folds = np.empty(len(hashes), dtype=np.int64)
    for label in range(SHARED + 1):
        of_label = np.flatnonzero(np.minimum(labelled.labels, SHARED) == label)
        folds[of_label[np.argsort(hashes[of_label], kind="stable")]] = (np.arange(len(of_label)) + label) % FOLDS
    return folds


def cross_validate(sets: Sequence[LabelledSet], fit_to: Callable[[Examples], Model]) -> list[F64]:
    """Return for each set, the log-odds of its pairs by the model of the folds in which they are not."""
    folds = [folds_of(labelled) for labelled in sets]
    odds = [np.zeros(len(labelled.pairs)) for labelled in sets]
    everything = examples_of(sets)
    fold_of = np.concatenate(folds)
    for fold in range(FOLDS):
        kept = fold_of != fold
        model = fit_to(everything.part(kept))
        for labelled, own, out in zip(sets, folds, odds, strict=True):
            out[own == fold] = log_odds(model, labelled.features[own == fold])
    return odds


def leave_out(sets: Sequence[LabelledSet], names: Sequence[str], fit_to: Callable[[Examples], Model]) -> list[F64]:
    """Return for each set that is named, the log-odds of its pairs by the model of all sets that are not."""
    model = fit_to(examples_of([labelled for labelled in sets if labelled.name not in names]))
    return [log_odds(model, labelled.features) for labelled in sets if labelled.name in names]


class Judged(NamedTuple):
    """Log-odds of pairs beside what readers said: (n,) whether they share a source, and their weights."""

    odds: F64
    shared: npt.NDArray[np.bool_]
    weights: F64

    @classmethod
    def of(cls, sets: Sequence[LabelledSet], odds: Sequence[F64], *, strict: bool = False) -> "Judged":
        """Return the pairs of all sets together, each set counting as many pairs as it has.

        Pairs of label 1 are left out, or, where it is `strict`, count as different.
        """
        labels = np.concatenate([labelled.labels for labelled in sets])
        weights = np.concatenate([s.weights / s.weights.mean() for s in sets])
        kept = (labels != SAME_EVENT) | strict
        return cls(np.concatenate(odds)[kept], labels[kept] >= SHARED, weights[kept])

    def at(self, odds: float) -> ThresholdRow:
        """Return the figures when the pairs at or above `odds` are grouped."""
        grouped = self.odds >= odds
        right = self.weights[grouped & self.shared].sum()
        precision, recall = _share(right, self.weights[grouped].sum()), _share(right, self.weights[self.shared].sum())
        return ThresholdRow(_probability(odds), precision, recall, _share(2 * precision * recall, precision + recall))

    def reaching(self, precision: float) -> float | None:
        """Return the lowest log-odds from which the precision is reached; None where it never is."""
        odds, right, grouped = self._curve()
        reached = np.flatnonzero((right >= precision * grouped) & (right > 0))
        return None if len(reached) == 0 else float(odds[reached[-1]])

    def best(self) -> float:
        """Return the log-odds with the highest F1, of equal ones the highest."""
        odds, right, grouped = self._curve()
        return float(odds[np.argmax(2 * right / (grouped + self.weights[self.shared].sum()))])

    def _curve(self) -> tuple[F64, F64, F64]:
        """Return thresholds, falling, halfway between pairs, with the weights grouped rightly and at all from there."""
        order = np.argsort(-self.odds, kind="stable")
        odds, weights = self.odds[order], self.weights[order]
        after = np.append(odds[1:], odds[-1] - 1.0)
        cuts = after < odds
        right, grouped = np.cumsum(weights * self.shared[order]), np.cumsum(weights)
        return ((odds + after) / 2)[cuts], right[cuts], grouped[cuts]

    def bins(self) -> list[Bin]:
        """Return for each tenth of probability that occurs, how often it was right."""
        chance = 1.0 / (1.0 + np.exp(-self.odds))
        place = np.clip(np.digitize(chance, BINS) - 1, 0, len(BINS) - 2)
        found = []
        for k in range(len(BINS) - 1):
            inside = place == k
            if inside.any():
                weights = self.weights[inside]
                means = (np.average(values[inside], weights=weights) for values in (chance, self.shared))
                found.append(Bin(float(BINS[k]), float(BINS[k + 1]), int(inside.sum()), *map(float, means)))
        return found


def tune(sets: Sequence[LabelledSet], precision: float | None, *, from_scratch: bool) -> Tuned:
    """Return the model of all sets, moved to the wanted precision or (None) to the best F1, with its figures.

    It is a correction of the shipped one, unless `from_scratch`. Raises LabelsInsufficient where there are too few of a
    class, or no threshold has that precision.
    """
    check(sets)
    towards = None if from_scratch else shipped_model()

    def fit_to(examples: Examples) -> Model:
        return fit(examples, towards=towards)

    validated = cross_validate(sets, fit_to)
    judged = Judged.of(sets, validated)
    threshold = judged.best() if precision is None else judged.reaching(precision)
    if threshold is None:
        highest = max(judged.at(odds).precision for odds in judged.odds)
        raise LabelsInsufficient(
            f"no threshold has a precision of {precision:g} on these labels; {highest:.3f} can be had"
        )
    rows = [judged.at(float(np.log(p / (1 - p)))) for p in THRESHOLDS]
    left_out = {}
    if len(sets) > 1:
        for labelled in sets:
            others = [other for other in sets if other.name != labelled.name]
            if not _lacking(others):
                odds = leave_out(sets, [labelled.name], fit_to)
                left_out[labelled.name] = Judged.of([labelled], odds).at(threshold)
    model = fit_to(examples_of(sets))
    chosen = judged.at(threshold)
    moved = LEAST - threshold
    trained = {
        "date": datetime.now(UTC).date().isoformat(),
        "sets": {s.name: describe_labels(s) for s in sets},
        "cross_validated": {"precision": round(chosen.precision, 4), "recall": round(chosen.recall, 4)},
        "bias_moved": round(moved, 4),
    }
    model = msgspec.structs.replace(model, bias=round(model.bias + moved, 4), trained=trained)
    by_shipped = [log_odds(shipped_model(), s.features) for s in sets]
    shipped, shipped_strict = (Judged.of(sets, by_shipped, strict=strict).at(LEAST) for strict in (False, True))
    chosen_strict = Judged.of(sets, validated, strict=True).at(threshold)
    return Tuned(model, sets, rows, judged.bins(), left_out, threshold, chosen, shipped, chosen_strict, shipped_strict)


def check(sets: Sequence[LabelledSet]) -> None:
    """Raise LabelsInsufficient when a class has fewer than FEWEST pairs."""
    lacking = _lacking(sets)
    if lacking:
        raise LabelsInsufficient(
            f"the labels hold {lacking}; at least {FEWEST} pairs of label 2-3 and {FEWEST} of label 0 are needed, "
            "because a model of fewer would fit them and nothing else"
        )


def encode(model: Model) -> bytes:
    """Return the model as its file holds it: indented JSON."""
    return msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n"


def describe_labels(labelled: LabelledSet) -> dict[str, int]:
    """Return the number of pairs that share a source, that share an event, and that are different."""
    labels = labelled.labels
    counts = (labels >= SHARED, labels == SAME_EVENT, labels == DIFFERENT)
    return dict(zip(("shared", "same_event", "different"), (int(c.sum()) for c in counts), strict=True))


def describe(tuned: Tuned) -> Iterator[str]:
    """Yield the lines in which the command tells what it found."""
    for labelled in tuned.sets:
        counts = describe_labels(labelled)
        yield (
            f"{labelled.name}: {counts['shared']} pairs share a source, {counts['same_event']} only their event "
            f"(left out below), {counts['different']} are different"
        )
    yield f"\nCross-validated, {FOLDS} folds:\n\n  score at least  precision  recall     F1"
    yield from (f"  {r.threshold:>14.2f} {r.precision:>10.3f} {r.recall:>7.3f} {r.f1:>6.3f}" for r in tuned.rows)
    chosen = tuned.chosen
    yield f"\nChosen: {chosen.threshold:.3f}, precision {chosen.precision:.3f}, recall {chosen.recall:.3f}"
    yield "\nOn the same labels; strict counts pairs of the same event (label 1) as different:\n"
    yield "           precision  recall     F1  strict F1"
    for name, row, strict in (
        ("new", chosen, tuned.chosen_strict),
        ("shipped", tuned.shipped, tuned.shipped_strict),
    ):
        yield f"  {name:<8} {row.precision:>9.3f} {row.recall:>7.3f} {row.f1:>6.3f} {strict.f1:>10.3f}"
    if not tuned.is_better:
        yield (
            "\nNot recommended: by cross-validation this model is not better than the shipped one, lenient and strict. "
            "Keep that."
        )
    if tuned.left_out:
        yield "\nEach file by a model of the others, at that threshold:\n\n  precision  recall     F1"
        for name, r in tuned.left_out.items():
            yield f"  {r.precision:>9.3f} {r.recall:>7.3f} {r.f1:>6.3f}  {name}"
    yield "\nReliability: how many of the pairs with such a score share a source\n"
    yield "  score      pairs  mean score  share"
    yield from (f"  {b.low:.1f}-{b.high:.1f} {b.pairs:>8} {b.predicted:>11.3f} {b.observed:>6.3f}" for b in tuned.bins)


def _lacking(sets: Sequence[LabelledSet]) -> str:
    labels = np.concatenate([np.empty(0, np.int64), *(labelled.labels for labelled in sets)])
    shared, different = int((labels >= SHARED).sum()), int((labels == DIFFERENT).sum())
    return "" if min(shared, different) >= FEWEST else f"{shared} pairs of label 2-3 and {different} of label 0"


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0


def _probability(odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-odds)))
