"""A PostgreSQL for benchmarks and tests: Debian's server in a temporary folder, on a Unix socket, never as root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def binary(name: str) -> str | None:
    """Return where a program of the server is; None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(found[0]) if found else shutil.which(name)


class PostgresServer:
    """A server that runs; databases are made on demand, each with a name of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._options = options
        self._made = 0
        user = "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"
        self._as: dict[str, Any] = {"user": user, "cwd": folder} if os.geteuid() == 0 else {"cwd": folder}
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        initdb = [str(binary("initdb")), "-D", str(self.data), "-U", "wirecopy", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C"], check=True, capture_output=True, **self._as)
        self.start()

    def start(self, *more: str) -> None:
        """Start, or start again what was stopped."""
        log = (self.folder / "log").open("ab")
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}", *self._options, *more]
        command = [str(binary("postgres")), "-D", str(self.data), *options]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **self._as)
        log.close()
        self._wait()

    def database(self) -> str:
        """Return the address of a new, empty database."""
        self._made += 1
        name = f"news{self._made}"
        self.run(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, name: str) -> str:
        return f"postgresql://wirecopy@/{name}?host={self.folder}"

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """Return what a statement gives, run beside everything else."""
        import psycopg

        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self, number: int = signal.SIGINT) -> None:
        """End at once, with what is under way cut off."""
        for last_word in (number, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                self.process.send_signal(last_word)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
                return
        raise AssertionError("the server does not end")

    def _wait(self) -> None:
        until, tick = time.monotonic() + 60, threading.Event()
        while not self._answers():
            assert time.monotonic() < until, "the server does not answer"
            tick.wait(0.02)

    def _answers(self) -> bool:
        import psycopg

        if self.process.poll() is not None:
            raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])
        try:
            psycopg.connect(self.address("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running(*options: str) -> Iterator[PostgresServer]:
    """Yield a server while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="wirecopy-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder, *options)
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
