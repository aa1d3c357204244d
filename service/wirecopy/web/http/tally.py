"""What became of the articles of one request that holds many: told in headers, in the log, and when it ends early."""

from collections.abc import Sequence

from wirecopy.schema.answers import Verdict


class Tally:
    """How many articles were taken, known already, refused; how many fields were left out of what was taken."""

    __slots__ = ("left_out", "refused", "replayed", "skipped", "taken")

    def __init__(self) -> None:
        self.taken = self.replayed = self.refused = self.left_out = self.skipped = 0

    def count(self, verdict: Verdict, warnings: Sequence[str] = ()) -> None:
        """Count an article that is on disk."""
        self.left_out += len(warnings)
        if verdict.replayed or verdict.superseded:
            self.replayed += 1
        else:
            self.taken += 1

    @property
    def lines(self) -> int:
        """All that were answered."""
        return self.taken + self.replayed + self.refused + self.skipped

    def headers(self) -> dict[str, str]:
        """Return it as the answer tells it, for senders that look at no body."""
        counts = {"Taken": self.taken, "Replayed": self.replayed, "Refused": self.refused}
        if self.skipped:
            counts["Skipped"] = self.skipped
        if self.left_out:
            counts["Fields-Left-Out"] = self.left_out
        return {f"Wirecopy-{name}": str(count) for name, count in counts.items()}
