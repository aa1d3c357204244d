"""The end of a process that was told to stop and does not.

Nothing acknowledged is lost by it: that is on disk. Work that cannot be cancelled, a long comparison or a disk that
does not answer, must not keep a service that was told to stop.
"""

import math
import os
import signal
import threading
import time

from wirecopy.web.log import Log

_CLOSING_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 0.05


class LastResort:
    """Ends the process, with exit code 0, when it has not ended in time by itself."""

    def __init__(self) -> None:
        self._until = math.inf
        self._is_over = threading.Event()

    def begin(self, seconds: float, log: Log) -> None:
        """From now on: `seconds` to drain, and a few to close."""
        self._until = time.monotonic() + seconds + _CLOSING_SECONDS
        threading.Thread(target=self._watch, args=(log,), name="last resort", daemon=True).start()
        # The system's own alarm, for when not even that thread comes to its turn.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(math.ceil(seconds + 2 * _CLOSING_SECONDS))

    def hurry(self) -> None:
        """Told a second time: a few seconds from now."""
        self._until = min(self._until, time.monotonic() + _CLOSING_SECONDS)

    def cancel(self) -> None:
        """Stand down: the process has ended by itself."""
        self._is_over.set()
        if self._until < math.inf:
            signal.alarm(0)

    def _watch(self, log: Log) -> None:
        while not self._is_over.wait(_LOOK_EVERY_SECONDS):
            if time.monotonic() >= self._until:
                log.write_last("ended without closing")
                os._exit(0)
