"""Keys change without a restart: on SIGHUP, and when the file of settings has changed.

Only `auth` is read anew. What cannot be used leaves the keys as they are, and the log says why: a file that is half
written, a name that is there twice, and above all no keys at all, which would open the service to everyone.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from wirecopy import errors
from wirecopy.config import Auth
from wirecopy.web.http import access
from wirecopy.web.log import Log

_LOOK_EVERY_SECONDS = 1.0


class KeyReload:
    """Replaces `keys` by what `read_auth` returns, which raises ConfigError for a file that cannot be used."""

    def __init__(self, keys: access.Keys, read_auth: Callable[[], Auth], settings_file: str | None, log: Log) -> None:
        self._keys = keys
        self._read_auth = read_auth
        self._file = settings_file
        self._log = log

    async def run(self) -> None:
        """Reload when told or when the file has changed, until cancelled."""
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, told.set)
        seen = self._stamp()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                    await told.wait()
            now = self._stamp()
            if told.is_set() or (now != seen and now is not None):
                told.clear()
                seen = now
                self.reload()

    def reload(self) -> None:
        """Read the keys and use them, or say why not."""
        try:
            auth = self._read_auth()
            if access.has_duplicates(auth.keys):
                raise errors.UsageError("auth.keys: two clients have the same name or the same key")
            if self._keys.are_set and not auth.keys:
                raise errors.UsageError("auth.keys: there are none any more, which only a restart may do")
        except errors.WirecopyError as error:
            self._log.write("keys kept", reason=str(error))
            return
        self._keys.replace(auth)
        self._log.write("keys reloaded", keys=len(auth.keys))

    def _stamp(self) -> tuple[int, int, int] | None:
        """Return what differs when the file was written or replaced; None when there is none to look at."""
        if self._file is None:
            return None
        try:
            found = os.stat(self._file)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
