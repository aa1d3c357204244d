"""Rankings: to which stories most articles came today, and in the last hours; counted anew after some seconds."""

import time
from collections import Counter

from wirecopy.web.owner import Owner

_HOUR = 3_600_000
PERIODS = {"biggest": 24 * _HOUR, "growing": 3 * _HOUR}
_KEPT_SECONDS = 5.0


class Rankings:
    """The order of stories by what came lately."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._found: dict[str, tuple[float, dict[str, int]]] = {}

    async def of(self, order: str) -> dict[str, int]:
        """Return how many articles each story got in the period, those with most first."""
        counted_at, found = self._found.get(order, (-_KEPT_SECONDS, {}))
        if time.monotonic() - counted_at >= _KEPT_SECONDS:
            since = time.time_ns() // 1_000_000 - PERIODS[order]
            counts: Counter[str] = await self._owner.ask_in_parts(lambda detector: detector.arrivals_in_parts(since))
            found = dict(counts.most_common())
            self._found[order] = time.monotonic(), found
        return found
