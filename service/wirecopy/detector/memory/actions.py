"""Actions: what was done by hand, by whom and why, as long as it is kept; and the choices of who stands for a story."""

from collections.abc import Callable, Container
from typing import get_args

from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.records import ActionRecord
from wirecopy.schema import actions
from wirecopy.schema.answers import Milliseconds
from wirecopy.schema.article import Status


class Actions:
    """All actions that are kept, by number."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._by_number: dict[int, ActionRecord] = {}
        self._records: dict[int, int] = {}  # of the store
        self.undone: dict[int, int] = {}  # action -> the one that undid it
        self.pinned: set[int] = set()  # edits, and so pins, that say no more than that
        self.last = 0

    def get(self, action_id: str) -> ActionRecord | None:
        """Return the action of this id, e1 for the first."""
        digits = action_id[1:]
        is_id = action_id[:1] == "e" and digits.isascii() and digits.isdigit() and len(digits) < 18
        return self._by_number.get(int(digits)) if is_id and action_id == f"e{int(digits)}" else None

    def add(self, action: ActionRecord, record: int) -> None:
        """Take up the next action, which has this number in the store."""
        self._by_number[action.number] = action
        self._records[action.number] = record
        if action.kind == "pinned" and action.edit is not None:
            self.pinned.add(action.edit)
        self.last = max(self.last, action.number)
        if action.kind == "corrected" and action.came is not None:
            self._archive.chosen[action.came] = action.number
        if action.undoes is not None:
            self.undone[action.undoes] = action.number
            undone = self._by_number.get(action.undoes)
            if undone is not None and undone.kind == "corrected" and undone.came is not None:
                self._choose_again(undone.came)

    def forget(self, moment: int) -> list[int]:
        """Forget what was done before a moment, but choices that hold; return the numbers of their records."""
        holding = set(self._archive.chosen.values())
        old = [n for n, action in self._by_number.items() if action.moment < moment and n not in holding]
        for number in old:
            del self._by_number[number]
            self.undone.pop(number, None)
        return [record for record in (self._records.pop(number) for number in old) if record]

    def forget_records(self, is_pruned: Callable[[int], bool]) -> None:
        """Forget the actions whose records are pruned."""
        for number in [n for n, record in self._records.items() if is_pruned(record)]:
            del self._by_number[number], self._records[number]
            self.undone.pop(number, None)

    def page(self, before: int | None, limit: int) -> list[ActionRecord]:
        """Return at most `limit` actions, the newest first, numbered below `before`."""
        numbers = sorted((n for n in self._by_number if before is None or n < before), reverse=True)
        return [self._by_number[number] for number in numbers[:limit]]

    def of_story(self, story: str) -> list[ActionRecord]:
        """Return the actions that concern a story, the newest first."""
        return [action for action in self.page(None, len(self._by_number)) if story in action.stories]

    def told(self, action: ActionRecord, edits: Container[int]) -> actions.Action[Milliseconds]:
        """Return an action as callers are told of it; `edits` are those that can still be undone."""
        by = self.undone.get(action.number)
        can = by is None and action.kind != "erased"
        if action.edit is not None:
            can = can and action.edit in edits
        elif action.kind == "undone":
            can = False
        return actions.Action(
            f"e{action.number}", action.kind, action.moment, action.by, action.reason, tuple(action.stories),
            tuple(action.articles), _word(action.kind, action.before), _word(action.kind, action.after),
            None if action.undoes is None else f"e{action.undoes}", None if by is None else f"e{by}", can
        )  # fmt: skip

    def _choose_again(self, came: int) -> None:
        """Let the latest choice of an article hold that was not undone."""
        held = [
            action.number
            for action in self._by_number.values()
            if action.kind == "corrected" and action.came == came and action.number not in self.undone
        ]
        if held:
            self._archive.chosen[came] = max(held)
        else:
            self._archive.chosen.pop(came, None)


def _word(kind: str, value: str | None) -> str | None:
    """Return a status without its embargo; anything else as it is."""
    is_status = value is not None and value.partition(" ")[0] in get_args(Status) and kind in ("status", "undone")
    return value.partition(" ")[0] if is_status and value is not None else value
