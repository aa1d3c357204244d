"""Replay: what is in the store, applied in order. Recomputes nothing, and takes whole batches where it can."""

from wirecopy.archive import Kept
from wirecopy.decision import Decision, Kind, decode_checkpoint, decode_decision, decode_epoch
from wirecopy.detection.window import BLOCK
from wirecopy.state import State
from wirecopy.storage import Store


def replay(state: State, store: Store) -> list[int]:
    """Puts `state` where the decisions in `store` left it; -> the numbers of records that are no decisions.

    Raises Damaged and StorageFailed; the state is of no use then.
    """
    waiting: list[tuple[Decision, Kept]] = []
    others = []
    for record in store.replay():
        if record.kind == Kind.ARTICLE:
            decision = decode_decision(record.payload)
            if waiting and _stands_apart(decision, waiting[-1][0], state):
                state.restore(waiting)
                waiting = []
            waiting.append((decision, _kept(decision, record.id or "", record.number)))
            continue
        others.append(record.number)
        if waiting:
            state.restore(waiting)
            waiting = []
        if record.kind == Kind.EPOCH:
            state.restore_epoch(decode_epoch(record.payload))
        elif record.kind == Kind.CHECKPOINT:
            state.restore_checkpoint(decode_checkpoint(record.payload))
    if waiting:
        state.restore(waiting)
    state.window.chain()
    return others


def _stands_apart(decision: Decision, last: Decision, state: State) -> bool:
    """Whether something else happens before a decision is applied: room is made, or an earlier revision leaves."""
    return (
        decision.number % BLOCK == 0
        or decision.number != last.number + 1
        or decision.replaces is not None
        or state.horizon(decision.arrived) > state.horizon(last.arrived)
    )


def _kept(decision: Decision, article_id: str, record: int) -> Kept:
    return Kept(
        article_id, decision.published, decision.source, len(decision.weights), decision.came, decision.first_seen,
        decision.arrived, decision.revision, decision.content, record
    )  # fmt: skip
