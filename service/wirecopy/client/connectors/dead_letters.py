"""Dead letters: messages that are no articles, kept with the reason, so that the stream goes on without them."""

import base64
import os
from pathlib import Path
from typing import NamedTuple

import orjson

from wirecopy.client.connectors.ends import Message
from wirecopy.errors import OutputFailed


class DeadLetter(NamedTuple):
    """A message with the reason why it is no article."""

    message: Message
    reason: str


class DeadLetterFile:
    """JSON lines with place, reason, and the message as text, or as base64 where it is none; synced before return."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, letters: list[DeadLetter]) -> None:
        """Append letters. Raise OutputFailed."""
        if not letters:
            return
        try:
            with self._path.open("ab") as file:
                file.writelines(_line(letter) for letter in letters)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputFailed(str(self._path), error.strerror or str(error)) from None


def _line(letter: DeadLetter) -> bytes:
    row = {"place": letter.message.place, "reason": letter.reason}
    try:
        row["data"] = letter.message.data.decode()
    except UnicodeDecodeError:
        row["base64"] = base64.b64encode(letter.message.data).decode()
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
