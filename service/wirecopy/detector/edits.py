"""Editing: what editors do to stories by hand: merge, split, pin, unpin. Each takes a number, as an article does.

The outcome of an edit is kept by a pin, or the next article would undo it: of a merge all members are pinned together,
of a split the parts are pinned apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """Make two stories one, with the id of the older."""
    stories, number = state.stories, state.loaded
    older, younger = sorted((one, other), key=story_age)
    numbers = stories.members[younger]
    against = stories.pins.conflict(True, stories.members[older], numbers)
    if against is not None:
        return Contradiction(against)
    pin = NumberedPin(number, True, frozenset(stories.members[older]), frozenset(numbers))
    return _finish(state, moment, pin, None, [], [Move(m, older) for m in numbers])


def split(state: State, moment: int, story: str, numbers: Iterable[int]) -> Edit | Contradiction:
    """Part some members, not all that are shown, of a story from the others; the smaller part gets a new id.

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
    """Tie articles, or parts those of one side from those of the other; their stories are decided anew.

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
    """Take a pin away; the stories that it concerned are decided anew."""
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
    """Apply an edit whose `moves` are known, or (None) are what its pin and the evidence make of its stories."""
    state.begin(state.loaded, moment, None)
    stories, window, number = state.stories, state.window, state.loaded
    lost = None if unpinned is None else _said(stories.pins.by_id[unpinned])
    if unpinned is not None:
        stories.pins.remove(unpinned)
    if new is not None:
        stories.pins.add(new)
    change = stories.decide_together(concerned, window.judge, oldest=window.oldest, after=number)
    stories.link(change.links)
    origins = {m: stories.story_of[m] for m, _ in change.moves}
    stories.apply(change.moves)
    rest = stories.enforce(new.id, f"s{number}") if moves is None and new is not None else list(moves or ())
    origins = {m: stories.story_of[m] for m, _ in rest} | origins
    stories.apply(rest)
    window.leave_blank()
    links = [(b, a, *link) for b, a, link in change.links]
    told = None if new is None else _said(new)
    return Edit(number, moment, told, unpinned, links, [*change.moves, *rest], list(origins.items()), lost)


def _said(pin: NumberedPin) -> tuple[bool, list[int], list[int]]:
    """Return what a pin says, as a record has it."""
    return pin.together, sorted(pin.left), sorted(pin.right)


def redo(state: State, edit: Edit, undone: Edit | None = None) -> Edit | Contradiction | None:
    """Do what a stored edit did, among stories that were decided anew, to those of its articles that are there.

    -> None, and nothing is changed, where it concerns nobody any more. A merge or split of stories that are others now
    becomes its pin. The number that the edit had must be the next one. `undone`: the edit that this one undoes, as it
    was done again; None where it was not.
    """
    if edit.undoes is not None:
        return None if undone is None else undo(state, edit.moment, undone, lambda story: story)
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
    """Apply a stored edit."""
    state.begin(edit.number, edit.moment, None)
    stories, known = state.stories, state.stories.story_of
    if edit.unpinned is not None:
        stories.pins.remove(edit.unpinned)
    if edit.pin is not None:
        together, left, right = edit.pin
        new = NumberedPin(
            edit.number, together, frozenset(left).intersection(known), frozenset(right).intersection(known)
        )
        if new.ties_somebody:
            stories.pins.add(new)
    stories.link((b, a, Link(odds, relation)) for b, a, odds, relation in edit.links if a in known and b in known)
    stories.apply([move for move in edit.moves if move[0] in known])
    state.window.leave_blank()


def undo(state: State, moment: int, done: Edit, heir_of: Callable[[str], str]) -> Edit | Contradiction | None:
    """Take an edit back: its pin goes, one that it took away comes again, and whoever it moved goes back.

    Back is the story that they came from; when that is gone by this edit, it is there again under its old id. Articles
    that came later go with those whom they match best. Whoever was moved on since stays. `heir_of`: which story a gone
    one is now. -> None, and nothing is changed, where nothing of the edit is left.
    """
    stories, pins, number = state.stories, state.stories.pins, state.loaded
    own = pins.by_id.get(done.number)
    if own is not None:
        pins.remove(done.number)
    again = _pin_again(state, done.lost, number)
    against = None if again is None else pins.conflict(again.together, again.left, again.right)
    places = {} if against is not None else _places_back(state, done, heir_of)
    against = against if against is not None else _against(state, places)
    if against is not None or not (places or own or again):
        if own is not None:
            pins.add(own)
        return None if against is None else Contradiction(against)
    state.begin(number, moment, None)
    if again is not None:
        pins.add(again)
    revived = sorted({story for story in places.values() if story not in stories.members}, key=story_age)
    origins = [(m, stories.story_of[m]) for m in places]
    moves = [Move(m, story) for m, story in sorted(places.items())]
    stories.apply(moves)
    state.window.leave_blank()
    return Edit(
        number, moment, None if again is None else _said(again), None if own is None else own.id, [], moves, origins,
        None if own is None else _said(own), done.number, revived
    )  # fmt: skip


def _pin_again(state: State, lost: tuple[bool, list[int], list[int]] | None, number: int) -> NumberedPin | None:
    """Return the pin that an edit had taken away, among those of its articles that are there."""
    if lost is None:
        return None
    together, *sides = lost
    left, right = (frozenset(_present(state, side).values()) for side in sides)
    again = NumberedPin(number, together, left, right)
    return again if again.ties_somebody else None


def _present(state: State, numbers: Iterable[int]) -> dict[int, int]:
    """Return the newest revisions of articles, by the numbers that they had, as far as they are kept and in a story."""
    archive, known = state.archive, state.stories.story_of
    found: dict[int, int] = {}
    for number in numbers:
        kept = archive.kept.get(number)
        current = None if kept is None else archive.number_of.get(kept.id)
        if current is not None and current in known:
            found[number] = current
    return found


def _places_back(state: State, done: Edit, heir_of: Callable[[str], str]) -> dict[int, str]:
    """Return where everybody goes whom an edit moved, or who came later and belongs to one of them."""
    stories, last, first = state.stories, dict(done.moves), dict(done.origins)
    places: dict[int, str] = {}
    for old, m in _present(state, last).items():
        here, origin = stories.story_of[m], first.get(old)
        if origin is None or heir_of(last[old]) != here:
            continue
        heir = heir_of(origin)
        home = heir if heir != here and heir in stories.members else origin
        if home != here:
            places[m] = home
    sides = [] if done.pin is None else [*done.pin[1], *done.pin[2]]
    settled = set(_present(state, [*last, *sides]).values())
    for story in sorted({stories.story_of[m] for m in places}, key=story_age):
        for m in stories.members[story]:
            best = stories.best_match(m) if m > done.number and m not in settled else None
            if best is not None and best[0] in places:
                places[m] = places[best[0]]
    for m in list(places):  # who came later and is tied to one who goes, goes too
        for tied in stories.pins.tied([m]):
            if tied > done.number and tied not in settled and stories.story_of.get(tied) == stories.story_of[m]:
                places.setdefault(tied, places[m])
    return places


def _against(state: State, places: Mapping[int, str]) -> int | None:
    """Return a pin that would be broken if everybody took these places; None for none."""
    stories = state.stories
    for pin in stories.pins.by_id.values():
        if not places.keys() & (pin.left | pin.right):
            continue
        left, right = ({places.get(m, stories.story_of.get(m)) for m in side} - {None} for side in pin[2:])
        if (len(left | right) > 1) if pin.together else (left & right):
            return pin.id
    return None
