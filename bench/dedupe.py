"""Running wirecopy as its users do: `wirecopy dedupe` in a process of its own, at its default settings."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

ACCEPTED_EXIT_CODES = (0, 1)  # 1: some lines were refused, the others were grouped


class Verdict(msgspec.Struct, frozen=True):
    """One line of the command's output."""

    id: str
    story: str
    canonical: bool = False
    relation: str | None = None
    match: str | None = None
    score: float | None = None


@dataclass(frozen=True)
class Grouping:
    """The verdicts of one run by article id, and its wall time."""

    verdicts: dict[str, Verdict]
    seconds: float

    @property
    def story(self) -> dict[str, str]:
        """Return the story of each article."""
        return {verdict.id: verdict.story for verdict in self.verdicts.values()}


class DedupeFailed(Exception):
    """`wirecopy dedupe` ended without an answer; the message is what it said."""


def run_dedupe(files: Sequence[Path], options: Sequence[str] = ()) -> Grouping:
    """Group the articles of the files; raise DedupeFailed with the command's last words when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "stories.jsonl"
        command = [sys.executable, "-m", "wirecopy", "dedupe", *map(str, files), "--output", str(output), *options]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode not in ACCEPTED_EXIT_CODES or not output.exists():
            raise DedupeFailed(f"wirecopy dedupe ended with code {done.returncode}: {done.stderr.strip()[-500:]}")
        return Grouping(read_verdicts(output), seconds)


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """Return the verdicts of an output file by article id."""
    verdicts = msgspec.json.Decoder(Verdict).decode_lines(path.read_bytes())
    return {verdict.id: verdict for verdict in verdicts}
