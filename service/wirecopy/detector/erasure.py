"""Erase an article: do it, write down what stays, do it again from the store.

What stays in the place of an erased decision is its residue: numbers by which it moved others, no text, trace or key.
An erasure takes a number of its own, as an article does, so that replay does everything in the order of then. Both
stay in the store until all articles with smaller numbers are pruned (`history.replay.Others.useless` decides that).
"""

from collections.abc import Sequence

from wirecopy.detection.evidence.model import Link
from wirecopy.detector.memory.records import Decision, Erasure, RecordKind, Residue, encode
from wirecopy.detector.state import State
from wirecopy.storage import Remains


def erase(state: State, decisions: Sequence[Decision], moment: int) -> Erasure:
    """Take all revisions of an article out for good, the newest last; the archive still knows them.

    The story that it leaves is decided anew. Words that are in sums that were stored stay there.
    """
    number, change = state.loaded, state.leave(decisions[-1].number)
    erased = [decision.number for decision in decisions]
    full: list[int] = []
    for decision in decisions:
        state.archive.forget_matches(decision)
        counted = [decision.source] if decision.has_counted_passages else []
        full += state.forget_counts(decision.number, decision.trace, counted)
    links = [(b, a, *link) for b, a, link in change.links]
    without_best = state.stories.forget_bests(erased)
    erasure = Erasure(number, moment, erased, links, change.moves, without_best, sorted(set(full)))
    _apply(state, erasure)
    return erasure


def blank(number: int, moment: int) -> Erasure:
    """Return an erasure that gives its number to nobody and changes nothing: a rebuild writes it for what is gone."""
    return Erasure(number, moment, [], [], [], [], [])


def remains_of(decision: Decision) -> Remains:
    """Return the record that takes the place of an erased decision in the store."""
    number = decision.number
    links = [link for link in decision.links if number not in link[:2]]
    words = len(decision.weights)
    residue = Residue(number, decision.replaces, decision.arrived, words, links, decision.moves)
    return Remains(RecordKind.RESIDUE, encode(residue))


def restore(state: State, erasure: Erasure) -> None:
    """Apply a stored erasure; afterwards the archive knows nothing of the article."""
    state.begin(erasure.number, erasure.moment, None)
    for number in erasure.without_best:
        state.stories.last_best.pop(number, None)
    state.window.fill_passages(erasure.full)
    _apply(state, erasure)
    for number in erasure.erased:
        if number in state.archive.kept:
            state.archive.drop(number)


def restore_residue(state: State, residue: Residue) -> None:
    """Apply what is left of a decision that was erased later; `restore` of its erasure follows some day."""
    number, stories, known = residue.number, state.stories, state.stories.story_of
    state.begin(number, residue.arrived, residue.replaces)
    state.window.leave_blank(residue.words)
    state.window.terms.counted += 1
    state.archive.add_nameless(number, residue.words, residue.arrived)
    stories.link((b, a, Link(odds, relation)) for b, a, odds, relation in residue.links if a in known and b in known)
    stories.apply([move for move in residue.moves if move[0] == number or move[0] in known])


def _apply(state: State, erasure: Erasure) -> None:
    stories, known = state.stories, state.stories.story_of
    for number in erasure.erased:
        stories.remove(number)
    stories.link((b, a, Link(odds, relation)) for b, a, odds, relation in erasure.links if a in known and b in known)
    stories.apply([move for move in erasure.moves if move[0] in known])
    state.window.leave_blank()
