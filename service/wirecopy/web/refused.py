"""Lines that were refused lately: whoever looks at nothing but the status of a bulk request finds out why here.

The newest are kept in memory, so many that a setting says; they are gone with the process, and numbered from 1 anew.
"""

from collections import deque
from datetime import UTC, datetime
from itertools import islice

from wirecopy.schema.wire import Problem, RefusedLine, RefusedPage
from wirecopy.web.http.call import Call


class RefusedLines:
    """The newest refused lines. Belongs to the event loop."""

    def __init__(self, most: int) -> None:
        self._kept: deque[RefusedLine] = deque(maxlen=most)
        self._last = 0

    def add(self, call: Call, line: int, head: bytes, article_id: str | None, problem: Problem) -> None:
        """Keep a line with the problem that it met; `head` are its first bytes."""
        self._last += 1
        told = RefusedLine(
            self._last,
            datetime.now(UTC),
            call.client.name,
            call.request_id,
            line,
            article_id,
            problem.status,
            problem.detail,
            head.decode(errors="replace"),
        )
        self._kept.append(told)

    def page(self, after: int, limit: int) -> RefusedPage:
        """Return at most `limit` lines behind the number `after`; from the oldest if that was told before a restart."""
        dropped = self._last - len(self._kept)
        if after > self._last:
            after = 0
        first = max(0, after - dropped)
        found = list(islice(self._kept, first, first + limit))
        return RefusedPage(found, found[-1].seq if found else max(after, dropped), max(0, dropped - after))
