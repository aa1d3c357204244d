"""Running a program to its end and telling what it took: wall time, processor time, memory."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a process took, with all of its children: seconds of wall and processor time, peak memory in MB."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


class ProgramFailed(Exception):
    """A measured program ended with an error; the message is what it said."""


def run_measured(command: Sequence[str], accepted: Sequence[int] = (0, 1)) -> Cost:
    """Run a command; raise ProgramFailed when it ends with another code than those accepted."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accepted:
            said.seek(0)
            raise ProgramFailed(f"{command[0]} ended with {process.returncode}: {said.read()[-500:].decode()}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
