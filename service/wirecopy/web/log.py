"""The service's log on standard error: one line per request, and one per event of its life.

Lines gather for a moment and are written with one system call: at thousands of requests a second, a write for each
costs more than the request's own parsing. What a crash can lose is a twentieth of a second of log, never an article.
Every value that may come from a stranger is written as a JSON string, so no line can be forged.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

_MOST_OF_LIBRARIES = 20  # lines a second
# C1 controls, soft hyphen, line and paragraph separators, all that sets or overrides the direction, joiners, tags.
_UNSEEN = re.compile(
    "[\x80-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_FLUSH_AFTER_SECONDS = 0.05
_is_plain = re.compile(r"[A-Za-z0-9_.:/%{}+~-]*").fullmatch


class Log:
    """Lines of `text` (key=value) or `json`. Belongs to the event loop that is running when the first is written."""

    def __init__(self, is_json: bool, descriptor: int | None = None) -> None:
        self._is_json = is_json
        self._descriptor = sys.stderr.fileno() if descriptor is None else descriptor
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second = -1
        self._prefix = ""

    def write(self, event: str, **fields: Any) -> None:
        """Add one line; fields that are None or empty are left out."""
        if self._is_json:
            kept = {name: value for name, value in fields.items() if value is not None and value != ""}
            self._lines.append(_escape(orjson.dumps({"time": self._format_now(), "event": event, **kept})))
        else:
            self._lines.append(_format(f"time={self._format_now()} event={_quote(event)}", fields))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_AFTER_SECONDS, self.flush)

    def write_last(self, event: str, **fields: Any) -> None:
        """Write one line at once, from any thread, in a process that is about to end."""
        line = _format(f"time={self._format_now()} event={_quote(event)}", fields)
        if self._is_json:
            line = orjson.dumps({"time": self._format_now(), "event": event, **fields})
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line + b"\n")

    def flush(self) -> None:
        """Write what has gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            data = b"\n".join(self._lines) + b"\n"
            self._lines.clear()
            while data:
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:
                    return  # whoever reads the log is too slow for it: the service goes on without these lines
                except OSError:
                    return  # nobody reads the log any more

    def _format_now(self) -> str:
        """Return the time as RFC 3339 with milliseconds; its seconds are formatted once a second."""
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._prefix = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._prefix}{int(now % 1 * 1000):03d}Z"


class Handler(logging.Handler):
    """Takes what libraries say (warnings and worse) into the same log, so much a second at most."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._second = self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        second = int(record.created)
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        if self._count > _MOST_OF_LIBRARIES:
            return
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        fields = {"level": record.levelname.lower(), "message": record.getMessage(), "traceback": trace}
        self._loop.call_soon_threadsafe(lambda: self._log.write(record.name, **fields))


def _format(head: str, fields: Mapping[str, Any]) -> bytes:
    shown = [(name, str(value)) for name, value in fields.items() if value is not None and value != ""]
    if _is_plain("".join([text for _, text in shown])):  # one look at all values: most lines need no quotes at all
        parts = [f"{name}={text}" for name, text in shown]
    else:
        parts = [f"{name}={_quote(text)}" for name, text in shown]
    return " ".join([head, *parts]).encode("utf-8", "replace")


def _quote(text: str) -> str:
    return text if _is_plain(text) else _escape(orjson.dumps(text)).decode("utf-8", "replace")


def _escape(line: bytes) -> bytes:
    """JSON without characters that turn a terminal's writing round, break its lines or are not seen."""
    if line.isascii():
        return line
    return _UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], line.decode("utf-8", "replace")).encode()
