"""wirecopy and its peers on the same labelled sets: figures as rows, and the threshold that shows each peer best."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from bench.peers import Peer
from bench.runs import PeerRuns, Story, WirecopyRuns
from bench.sets import Scores, Variant, score


@dataclass(frozen=True)
class Row:
    """The figures of one system on one variant of a set; threshold is None for a system that has none."""

    system: str
    threshold: float | None
    set: str
    dated: bool
    part: bool
    scores: Scores


@dataclass(frozen=True)
class Choice:
    """A peer's best threshold for each variant, and its best single one over all of them."""

    best: dict[str, float]
    single: float


def score_wirecopy(variants: Iterable[Variant], runs: WirecopyRuns) -> list[Row]:
    """Return wirecopy's figures for every variant."""
    return [row_of("wirecopy", None, variant, runs.story(variant)) for variant in variants]


def score_peer(peer: Peer, variants: Sequence[Variant], cache: Path) -> tuple[list[Row], Choice]:
    """Return a peer's figures at each threshold, and the choice among these.

    Counts by kind are kept for chosen thresholds of whole sets, parts of sets for chosen thresholds: more would only
    fill the result file.
    """
    runs = PeerRuns(peer, cache)
    figures = {
        (variant, threshold): row_of(peer.name, threshold, variant, runs.story(variant, threshold))
        for variant in variants
        for threshold in peer.thresholds
    }
    choice = choose_thresholds(figures)
    rows = []
    for (variant, threshold), row in figures.items():
        is_shown = threshold in (choice.single, best_of(choice, variant))
        if not variant.labelled.part:
            rows.append(row if is_shown else without_kinds(row))
        elif is_shown:
            rows.append(without_kinds(row))
    return rows, choice


def choose_thresholds(figures: dict[tuple[Variant, float], Row]) -> Choice:
    """Return the thresholds with the highest figure of merit: for each variant, and on average over bodies of labels.

    A body has one vote, however many streams and variants it is scored on. Of equal thresholds the highest wins: it
    joins least.
    """
    thresholds = sorted({threshold for _, threshold in figures}, reverse=True)
    merits = {key: merit(row.scores) for key, row in figures.items() if not key[0].labelled.part}
    judged = dict.fromkeys(variant for (variant, _), figure in merits.items() if figure is not None)
    best = {variant.name: max(thresholds, key=lambda level: merits[variant, level] or 0.0) for variant in judged}
    bodies = defaultdict(list)
    for variant in judged:
        bodies[body_of(variant)].append(variant)

    def mean_merit(level: float) -> float:
        votes = [fmean(merits[variant, level] or 0.0 for variant in variants) for variants in bodies.values()]
        return round(fmean(votes), 4)

    return Choice(best, max(thresholds, key=mean_merit))


def body_of(variant: Variant) -> str:
    """Return what a variant shares with all others of the same labels: the first part of its set's name."""
    return variant.labelled.name.partition("-")[0]


def merit(scores: Scores) -> float | None:
    """Return the figure by which thresholds are chosen: F1 of pairs, else B-cubed F1, None where there is neither."""
    chosen = scores.pairs or scores.events
    return None if chosen is None else round(chosen.f1, 4)


def best_of(choice: Choice, variant: Variant) -> float:
    """Return the threshold that shows a variant best: that of the whole set, or the single one where none is better."""
    whole = variant.name.replace(variant.labelled.name, variant.labelled.name.partition("/")[0])
    return choice.best.get(whole, choice.single)


def without_kinds(row: Row) -> Row:
    """Return the row without its counts by kind."""
    if row.scores.pairs is None:
        return row
    return replace(row, scores=replace(row.scores, pairs=replace(row.scores.pairs, by_kind=())))


def row_of(system: str, threshold: float | None, variant: Variant, story: Story) -> Row:
    """Return the figures of an assignment as a row of the results."""
    labelled = variant.labelled
    return Row(system, threshold, labelled.name, variant.dated, labelled.part, score(labelled, story))
