"""What became of the articles of one request that holds many: told in headers, in the log, and when it ends early."""

from wirecopy.schema.answers import Verdict


class Tally:
    """What became of the articles of a request that holds many: how many were taken, known already, refused."""

    __slots__ = ("refused", "replayed", "taken")

    def __init__(self) -> None:
        self.taken = self.replayed = self.refused = 0

    def count(self, verdict: Verdict) -> None:
        """Count an article that is on disk."""
        if verdict.replayed:
            self.replayed += 1
        else:
            self.taken += 1

    @property
    def lines(self) -> int:
        """All that were answered."""
        return self.taken + self.replayed + self.refused

    def headers(self) -> dict[str, str]:
        """As the answer tells it, for senders that look at no body."""
        counts = {"Taken": self.taken, "Replayed": self.replayed, "Refused": self.refused}
        return {f"Wirecopy-{name}": str(count) for name, count in counts.items()}
