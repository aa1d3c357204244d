"""Replay: what is in the store, applied in order. Recomputes nothing, and takes whole batches where it can."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wirecopy.detection.index.contents import BLOCK
from wirecopy.detector import edits, erasure, gc_control
from wirecopy.detector.feed.feed import Feed
from wirecopy.detector.memory.actions import Actions
from wirecopy.detector.memory.archive import Archive, Kept, kept_as
from wirecopy.detector.memory.records import (
    ActionRecord,
    AnyRecord,
    Checkpoint,
    Clearing,
    Decision,
    Edit,
    Epoch,
    Erasure,
    EventBatchHead,
    Positions,
    Residue,
    Rule,
    decode,
)
from wirecopy.detector.state import State
from wirecopy.storage import Record


class Others(NamedTuple):
    """Records that are no decisions, by their numbers.

    replaceable: epochs and checkpoints, of no use after the next checkpoint; clearings: each with the number of the
    article behind the last that it concerns, of no use when a checkpoint follows and all those have left the window;
    numbered: what is left of erased articles, the erasures and the edits, under their own numbers, of no use when all
    articles with smaller numbers are pruned and the number itself has left the window. `edits` are those of them that
    can still be undone, `actions` what was done by hand.
    """

    replaceable: list[int]
    clearings: list[tuple[int, int]]
    numbered: dict[int, int]
    edits: dict[int, Edit]
    actions: Actions

    def useless(self, state: State) -> list[int]:
        """Take out and return the records that the checkpoint of this state makes useless; nothing else holds them."""
        oldest = state.window.oldest
        first = min(next(iter(state.archive.kept), state.loaded), oldest)
        gone = [self.numbered.pop(number) for number in list(self.numbered) if number < first]
        for number in [number for number in self.edits if number < first]:
            del self.edits[number]
        gone += [*self.replaceable, *(record for record, end in self.clearings if end <= oldest)]
        self.replaceable.clear()
        self.clearings[:] = [clearing for clearing in self.clearings if clearing[1] > oldest]
        return gone


class Replayed(NamedTuple):
    """Where records left a state and a feed."""

    state: State
    feed: Feed
    others: Others


def no_others(archive: Archive) -> Others:
    """Return what there is before anything happened."""
    return Others([], [], {}, {}, Actions(archive))


def replay(state: State, feed: Feed, stored: Iterable[Record]) -> Others:
    """Put `state` and `feed` where the records of a store left them; return the records that are no decisions.

    Raises Damaged and StorageFailed; the state is of no use then.
    """
    others = no_others(state.archive)
    apply(Replayed(state, feed, others), stored)
    state.window.chain()
    state.archive.lift(max(state.moment, feed.moment))
    return others


def apply(replayed: Replayed, stored: Iterable[Record]) -> None:
    """Go on with the next records. Raises Damaged and StorageFailed; the state is of no use then."""
    state, feed, others = replayed
    with gc_control.unsearched():
        for number, what in _in_batches(stored, state):
            match what:
                case EventBatchHead():
                    feed.restore(what, number)
                case Positions():
                    feed.place(what.reached, number)
                case Rule():
                    feed.rule = what
                case Epoch():
                    state.restore_epoch(what)
                    others.replaceable.append(number)
                case Checkpoint():
                    state.restore_checkpoint(what)
                    feed.restore_pruned(what.last_event, what.redirects)
                    others.replaceable.append(number)
                case Clearing():
                    state.clear_boilerplate(what)
                    others.clearings.append((number, what.end))
                case Residue():
                    erasure.restore_residue(state, what)
                    others.numbered[what.number] = number
                case Erasure():
                    erasure.restore(state, what)
                    others.numbered[what.number] = number
                case Edit():
                    edits.restore(state, what)
                    feed.redirects.revive(what.revived)
                    others.numbered[what.number] = number
                    others.edits[what.number] = what
                case ActionRecord():
                    others.actions.add(what, number)
                case list():
                    state.restore(what)


Batch = list[tuple[Decision, Kept]]


def _in_batches(records: Iterable[Record], state: State) -> Iterator[tuple[int, Batch | AnyRecord | None]]:
    """Yield the records in order with the number of each, decisions gathered as far as they may be applied at once."""
    waiting: Batch = []
    for number, kind, article_id, payload in records:
        record = decode(kind, payload)
        if isinstance(record, Decision):
            if waiting and _stands_apart(record, waiting[-1][0], state):
                yield number, waiting
                waiting = []
            waiting.append((record, kept_as(record, article_id or "", number)))
            continue
        concerns_decisions = not isinstance(record, EventBatchHead | Positions | Rule)
        if waiting and concerns_decisions:
            yield number, waiting
            waiting = []
        yield number, record
    if waiting:
        yield 0, waiting


def _stands_apart(decision: Decision, last: Decision, state: State) -> bool:
    """Return whether something else happens before a decision is applied: room is made, or an earlier revision
    leaves.
    """
    return (
        decision.number % BLOCK == 0
        or decision.number != last.number + 1
        or decision.replaces is not None
        or (decision.arrived != last.arrived and state.horizon(decision.arrived) > state.horizon(last.arrived))
    )
