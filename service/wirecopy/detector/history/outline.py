"""Outline: what a store says without its keys and traces: articles, stories, pins, the feed. So its scheme may be any.

    take      all records, in order
    ask       what is known of the articles, where each of them stood, what may be decided anew

Like a replay, without the part that compares: places come from the moves that were stored.
"""

from collections.abc import Iterable
from typing import NamedTuple

from wirecopy.detection.grouping.pins import NumberedPin, Pins
from wirecopy.detection.grouping.stories import Grouping
from wirecopy.detector.feed.redirects import Redirects
from wirecopy.detector.memory.actions import Actions
from wirecopy.detector.memory.archive import Archive, kept_as
from wirecopy.detector.memory.records import (
    ActionRecord,
    BatchRun,
    Checkpoint,
    Decision,
    Edit,
    Erasure,
    EventBatchHead,
    Residue,
    Rule,
    decode,
)
from wirecopy.storage import Record


class Omitted(NamedTuple):
    """The revisions that cannot be decided anew, by number; how many articles go with them, how many only lose some."""

    numbers: set[int]
    articles: int
    revisions: int


class Outline:
    """What all records that were taken said, at the end of them."""

    def __init__(self) -> None:
        self.archive = Archive(None)
        self.stories = Grouping()
        self.actions = Actions(self.archive)
        self.redirects = Redirects()
        self.next = 0  # the first number that was never given to an article, an erasure or an edit
        self.moment = 0  # the latest that is known of
        self.last_event = 0
        self.rule = Rule("first_published")  # by which readers were told who stands for a story
        self.is_of_runs = False  # `dedupe` wrote it, not a service

    @property
    def revisions(self) -> int:
        """How many revisions of articles are kept."""
        return sum(kept.record > 0 for kept in self.archive.kept.values())

    def apply(self, record: Record) -> None:
        """Take the next record."""
        match decode(record.kind, record.payload):
            case Decision() as decision:
                self._apply_article(record, decision)
            case Residue() as residue:
                self._begin(residue.number, residue.arrived)
                self._replace(residue.replaces, residue.number)
                self.archive.add_nameless(residue.number, residue.words, residue.arrived)
                self._move(residue.moves, residue.number)
            case Erasure() as erasure:
                self._apply_erasure(erasure)
            case Edit() as edit:
                self._apply_edit(edit)
            case Checkpoint() as checkpoint:
                self._apply_checkpoint(checkpoint)
            case EventBatchHead() as head:
                self.moment = max(self.moment, head.at)
                self.last_event = head.first + head.count - 1
                self.redirects.add(head.merged)
            case ActionRecord() as action:
                self.actions.add(action, record.number)
            case Rule() as rule:
                self.rule = rule
            case BatchRun():
                self.is_of_runs = True

    def end(self) -> None:
        """End, since all records were taken: what was embargoed until the latest moment is shown."""
        self.archive.lift(self.moment)

    def omitted(self, textless: set[int]) -> Omitted:
        """Return what cannot be decided anew when the records numbered `textless` have no text.

        An article whose newest revision is among them goes with all of them: an older one would be out of date.
        """
        numbers = {number for number, kept in self.archive.kept.items() if kept.record in textless}
        ids = [name for name, number in self.archive.number_of.items() if number in numbers]
        whole = {number for name in ids for number in self.archive.revisions(name)}
        return Omitted(numbers | whole, len(ids), len(numbers - whole))

    def _apply_article(self, record: Record, decision: Decision) -> None:
        self._begin(decision.number, decision.arrived)
        self._replace(decision.replaces, decision.number)
        self.archive.add(decision.number, kept_as(decision, record.id or "", record.number))
        self._move(decision.moves, decision.number)

    def _apply_erasure(self, erasure: Erasure) -> None:
        self._begin(erasure.number, erasure.moment)
        for number in erasure.erased:
            self.stories.remove(number)
        self._move(erasure.moves)
        for number in erasure.erased:
            if number in self.archive.kept:
                self.archive.drop(number)

    def _apply_edit(self, edit: Edit) -> None:
        self._begin(edit.number, edit.moment)
        pins, known = self.stories.pins, self.stories.story_of.keys()
        if edit.unpinned is not None:
            pins.remove(edit.unpinned)
        if edit.pin is not None:
            together, left, right = edit.pin
            pin = NumberedPin(edit.number, together, frozenset(left) & known, frozenset(right) & known)
            if pin.ties_somebody:
                pins.add(pin)
        self._move(edit.moves)
        self.redirects.revive(edit.revived)

    def _apply_checkpoint(self, checkpoint: Checkpoint) -> None:
        self.next = max(self.next, checkpoint.next)
        self.last_event = max(self.last_event, checkpoint.last_event)
        self.redirects.replace(checkpoint.redirects)
        self.stories.pins = Pins()
        for pin_id, together, left, right in checkpoint.pins:
            self.stories.pins.add(NumberedPin(pin_id, together, frozenset(left), frozenset(right)))

    def _begin(self, number: int, moment: int) -> None:
        self.next = max(self.next, number + 1)
        self.moment = max(self.moment, moment)

    def _replace(self, replaces: int | None, number: int) -> None:
        if replaces is not None:
            self.stories.remove(replaces, heir=number)

    def _move(self, moves: Iterable[tuple[int, str]], own: int | None = None) -> None:
        known = self.stories.story_of
        self.stories.apply([move for move in moves if move[0] == own or move[0] in known])
