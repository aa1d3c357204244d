"""What a person hears of refused records and of fields that were left out: each kind ten times, then a count."""

import re
import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wirecopy.cli.terminal import printable
from wirecopy.errors import Refusal

if TYPE_CHECKING:
    from wirecopy.files.reading import Chunk

_MOST_TOLD = 10
_PARTICULAR = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[0-9]+")  # what differs among refusals of one kind
_MOST_KINDS = 1000
_MOST_COMPARED = (
    1000  # characters of a reason: a quote that is not ended is sought to the end from each that begins one
)


class Telling:
    """Tells refusals and warnings on standard error, which a progress bar may stand in for."""

    def __init__(self) -> None:
        self.left_out = 0
        self.skipped: Counter[str] = Counter()
        self._told: Counter[str] = Counter()

    def refusal(self, refusal: Refusal) -> None:
        """Tell a refusal, unless ten of its kind were told."""
        kind = _PARTICULAR.sub("…", refusal.reason[:_MOST_COMPARED])[:200]
        if kind not in self._told and len(self._told) >= _MOST_KINDS:
            kind = "others"
        self._told[kind] += 1
        if self._told[kind] <= _MOST_TOLD:
            _say(str(refusal))

    def chunk(self, chunk: "Chunk") -> None:
        """Tell what a chunk says beside its refusals: fields that were left out, and notes; count what was skipped."""
        for warning in chunk.warnings:
            self.left_out += 1
            self.refusal(warning)
        for note in chunk.notes:
            _say(note)
        self.skipped += chunk.skipped

    def finish(self, names_found: Iterable[str], *, is_empty: bool) -> None:
        """Tell how many more there were of each kind; of many, or all, which fields the refused records had."""
        is_much = is_empty or any(count > _MOST_TOLD for count in self._told.values())
        for kind, count in self._told.items():
            if count > _MOST_TOLD:
                _say(f"… and {count - _MOST_TOLD:,} more like these: {kind}")
        if is_much and (names := ", ".join(names_found)):
            _say(f"the refused records had these fields: {names} (--map text=NAME takes a field from another name)")

    def facts(self) -> dict[str, Any]:
        """Return what a summary says of it in JSON."""
        return {"left_out": self.left_out, "skipped": dict(self.skipped)}

    def describe(self) -> str:
        """Return what a summary says of it, empty when there is nothing."""
        parts = [f"{self.left_out:,} fields left out"] if self.left_out else []
        if self.skipped:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.skipped.most_common(5))
            parts.append(f"{self.skipped.total():,} skipped ({kinds})")
        return "".join(f"; {part}" for part in parts)


def _say(sentence: str) -> None:
    print(printable(sentence), file=sys.stderr)
