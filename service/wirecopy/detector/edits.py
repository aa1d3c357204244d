"""Editing: what editors do to stories by hand: merge, split, pin, unpin. Each takes a number, as an article does.

The outcome of an edit is kept by a pin, or the next article would undo it: of a merge all members are pinned together,
of a split the parts are pinned apart.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wirecopy.detection.evidence.model import Link
from wirecopy.detection.grouping.membership import story_age
from wirecopy.detection.grouping.pins import NumberedPin
from wirecopy.detection.grouping.stories import Move
from wirecopy.detector.memory.records import Edit
from wirecopy.detector.state import State


class Contradiction(NamedTuple):
    """A pin that is against what was to be done; nothing was changed."""

    pin: int


def merge(state: State, moment: int, one: str, other: str) -> Edit | Contradiction:
    """Makes two stories one, with the id of the older."""
    stories, number = state.stories, state.loaded
    older, younger = sorted((one, other), key=story_age)
    numbers = stories.members[younger]
    against = stories.pins.conflict(True, stories.members[older], numbers)
    if against is not None:
        return Contradiction(against)
    pin = NumberedPin(number, True, frozenset(stories.members[older]), frozenset(numbers))
    return _finish(state, moment, pin, None, [], [Move(m, older) for m in numbers])


def split(state: State, moment: int, story: str, numbers: Iterable[int]) -> Edit | Contradiction:
    """Parts some members, not all that are shown, of a story from the others; the smaller part gets a new id.

    Hidden members stay with the others, and do not count.
    """
    stories, number, shown = state.stories, state.loaded, state.archive.shown
    parted = sorted(set(numbers))
    rest = sorted(set(stories.members[story]) - set(parted))
    against = stories.pins.conflict(False, parted, rest)
    if against is not None:
        return Contradiction(against)
    pin = NumberedPin(number, False, frozenset(parted), frozenset(rest))
    leaving = parted if len(shown(parted)) <= len(shown(rest)) else rest
    return _finish(state, moment, pin, None, [], [Move(m, f"s{number}") for m in leaving])


def pin(state: State, moment: int, together: bool, left: Iterable[int], right: Iterable[int]) -> Edit | Contradiction:
    """Ties articles, or parts those of one side from those of the other; their stories are decided anew.

    Where the two sides share no story, nothing is left to be parted, and nobody moves.
    """
    stories, number = state.stories, state.loaded
    new = NumberedPin(number, together, frozenset(left), frozenset(right))
    against = stories.pins.conflict(together, new.left, new.right)
    if against is not None:
        return Contradiction(against)
    concerned = [stories.story_of[m] for m in sorted(new.left | new.right)]
    if not together and {stories.story_of[m] for m in new.left}.isdisjoint(stories.story_of[m] for m in new.right):
        concerned = []
    return _finish(state, moment, new, None, concerned, None)


def unpin(state: State, moment: int, pin_id: int) -> Edit:
    """Takes a pin away; the stories that it concerned are decided anew."""
    stories = state.stories
    old = stories.pins.by_id[pin_id]
    concerned = [stories.story_of[m] for m in sorted(old.left | old.right)]
    return _finish(state, moment, None, pin_id, concerned, [])


def _finish(
    state: State,
    moment: int,
    new: NumberedPin | None,
    unpinned: int | None,
    concerned: Sequence[str],
    moves: Sequence[Move] | None,
) -> Edit:
    """Applies an edit whose `moves` are known, or (None) are what its pin and the evidence make of its stories."""
    state.begin(state.loaded, moment, None)
    stories, window, number = state.stories, state.window, state.loaded
    if unpinned is not None:
        stories.pins.remove(unpinned)
    if new is not None:
        stories.pins.add(new)
    change = stories.settle(concerned, window.judge, oldest=window.oldest, after=number)
    stories.link(change.links)
    stories.apply(change.moves)
    rest = stories.enforce(new.id, f"s{number}") if moves is None and new is not None else list(moves or ())
    stories.apply(rest)
    window.leave_blank()
    kept = None if new is None else (new.together, sorted(new.left), sorted(new.right))
    links = [(b, a, *link) for b, a, link in change.links]
    return Edit(number, moment, kept, unpinned, links, [*change.moves, *rest])


def redo(state: State, edit: Edit) -> Edit | Contradiction | None:
    """Does what a stored edit did, among stories that were decided anew, to those of its articles that are there.

    -> None, and nothing is changed, where it concerns nobody any more. A merge or split of stories that are others now
    becomes its pin. The number that the edit had must be the next one.
    """
    stories, pins = state.stories, state.stories.pins
    if edit.pin is None:
        return unpin(state, edit.moment, edit.unpinned) if edit.unpinned in pins.by_id else None
    together, *sides = edit.pin
    left, right = ([m for m in side if m in stories.story_of] for side in sides)
    if not NumberedPin(edit.number, together, frozenset(left), frozenset(right)).ties_somebody:
        return None
    if left and right:
        one, other = stories.story_of[left[0]], stories.story_of[right[0]]
        if together and one != other and stories.members[one] == left and stories.members[other] == right:
            return merge(state, edit.moment, one, other)
        leaving = left if len(state.archive.shown(left)) <= len(state.archive.shown(right)) else right
        was_split = [m for m, _ in edit.moves if m in stories.story_of] == leaving
        if not together and was_split and stories.members[one] == sorted(left + right):
            return split(state, edit.moment, one, left)
    return pin(state, edit.moment, together, left, right)


def restore(state: State, edit: Edit) -> None:
    """Applies a stored edit."""
    state.begin(edit.number, edit.moment, None)
    stories, known = state.stories, state.stories.story_of
    if edit.unpinned is not None:
        stories.pins.remove(edit.unpinned)
    if edit.pin is not None:
        together, left, right = edit.pin
        new = NumberedPin(edit.number, together, frozenset(left) & known.keys(), frozenset(right) & known.keys())
        if new.ties_somebody:
            stories.pins.add(new)
    stories.link((b, a, Link(odds, relation)) for b, a, odds, relation in edit.links if a in known and b in known)
    stories.apply([move for move in edit.moves if move[0] in known])
    state.window.leave_blank()
