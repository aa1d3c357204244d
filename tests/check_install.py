"""Installs a wheel as a user does, alone into an empty environment, and runs there what the README promises.

    python -m tests.check_install FOLDER [PYTHON]     FOLDER holds wheels

Without a home, without a compiler on the PATH, and as nobody where root runs it, so that nothing can be written beside
the package. Prints what each step took, ends with the first that fails. With a Python for which FOLDER has no compiled
kernels, `wirecopy warm-up` makes them first.
"""

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_SECONDS_TO_FIRST_VERDICT = 3.0
KEY = "a key that is only for this check"
NOBODY = 65534
TEXT = (
    "The Aldmouth harbour bridge was closed to all traffic on Monday after inspectors found a crack 40 centimetres "
    "long in its northern pylon, the port authority said. Some 22,000 cars cross it every day."
)


class Check:
    """An environment with nothing but the wheel, and a folder to work in."""

    def __init__(self, work: Path, python: str) -> None:
        self.work = work
        self.bin = work / "installed" / "bin"
        self.python = python
        self.environment = {"PATH": str(self.bin), "HOME": "/nonexistent", "TMPDIR": str(work / "temporary")}

    def install(self, wheels: Path) -> None:
        """Make the environment; the wheel is the newest that fits, its dependencies come from the index."""
        subprocess.run([self.python, "-m", "venv", str(self.bin.parent)], check=True)
        pip = [str(self.bin / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--no-index", "--find-links", str(wheels), "wirecopy"], check=True)
        subprocess.run([*pip, "wirecopy"], check=True)

    def run(self, *command: str, codes: Sequence[int] = (0,)) -> str:
        """Run a command as a stranger to this machine; return what it printed. Exit when it fails or is not quiet."""
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            self.command(*command),
            env=self.environment, cwd=self.work / "folder", capture_output=True, text=True, check=False
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        wall = time.perf_counter() - started
        print(f"{' '.join(command)[:70]:<72} {self.seconds:6.2f} s of processor time, {wall:6.2f} s", flush=True)
        is_quiet = "compiling" not in done.stderr or "warm-up" in command
        if done.returncode not in codes or "Traceback" in done.stderr or not is_quiet:
            sys.exit(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self, name: str, *arguments: str) -> list[str]:
        """A command of the environment, run by nobody where we are root.

        The interpreter may lie in root's own folder: nobody may read what is there, and write nothing.
        """
        program = [str(self.bin / name), *arguments]
        if os.geteuid() != 0:
            return program
        capability = "+dac_read_search"
        nobody = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return ["/usr/bin/setpriv", *nobody, f"--inh-caps={capability}", f"--ambient-caps={capability}", "--", *program]


def main() -> None:
    """Install, and run everything."""
    wheels, python = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else sys.executable
    work = Path(tempfile.mkdtemp(prefix="wirecopy-install-"))
    try:
        work.chmod(0o755)
        for name in ("folder", "temporary"):
            (work / name).mkdir()
            (work / name).chmod(0o777)
        check = Check(work, python)
        check.install(wheels)
        try_it(check)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def try_it(check: Check) -> None:
    """Run what the README promises."""
    folder = check.work / "folder"
    if not list(check.work.rglob("*.kernel")):
        check.run("wirecopy", "warm-up")
    stories = check.run("wirecopy", "demo")
    expect("One story in 6 articles" in stories, stories)
    expect(check.seconds <= MOST_SECONDS_TO_FIRST_VERDICT, f"{check.seconds:.2f} s to the first verdict")
    (folder / "articles.jsonl").write_text(
        "".join(json.dumps({"id": name, "text": TEXT + more}) + "\n" for name, more in (("a", ""), ("b", " It is."))),
        encoding="utf-8",
    )
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    port = free_port()
    settings = f"service: {{port: {port}, data: data}}\nauth:\n  keys:\n  - {{name: desk, sha256: '{digest}'}}\n"
    (folder / "wirecopy.yaml").write_text(settings, encoding="utf-8")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    configured = ("--config", "wirecopy.yaml")
    check.run("wirecopy", "dedupe", "articles.jsonl", "-o", "stories.jsonl", *configured)
    rows = [json.loads(line) for line in (folder / "stories.jsonl").read_text(encoding="utf-8").splitlines()]
    expect(rows[1]["story"] == rows[0]["story"] and rows[1]["match"] == "a", rows)
    expect("identical" in check.run("wirecopy", "compare", "a.txt", "a.txt"), "compare")
    expect("desk" in check.run("wirecopy", "config", *configured), "the settings")
    serve(check, port, configured)
    expect("everything is as it was written" in check.run("wirecopy", "verify", "--data", "data"), "verify")
    check.run("wirecopy", "backup", "copy.db", "--data", "data")
    check.run("wirecopy", "compact", "--data", "data")
    check.run("python", "-c", example())


def serve(check: Check, port: int, configured: Sequence[str]) -> None:
    """Start the service with the key of the file, push, stop it."""
    url = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    service = subprocess.Popen(
        check.command("wirecopy", "serve", *configured),
        env=check.environment, cwd=check.work / "folder", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        while not answers(port):
            expect(service.poll() is None and time.perf_counter() - started < 60, "the service does not listen")
        print(f"{'serve listens after':<72} {'':29}{time.perf_counter() - started:6.2f} s")
        check.run("wirecopy", "push", "articles.jsonl", "--to", url, "--key", KEY)
        check.run("wirecopy", "health", *configured)
        check.run("wirecopy", "push", "articles.jsonl", "--to", url, "--key", "wrong", "--restart", codes=[3])
    finally:
        service.send_signal(signal.SIGTERM)
        logged = service.communicate(timeout=60)[1]
    expect(service.returncode == 0 and "Traceback" not in logged, logged)


def example() -> str:
    """The first example of docs/python-api.md, which checks what comes out."""
    text = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    expect(found is not None and "Detector" in found[1], "docs/python-api.md does not begin with an example")
    assert found is not None
    return found[1]


def expect(holds: object, otherwise: object) -> None:
    """End with a reason unless something holds."""
    if not holds:
        sys.exit(f"failed: {otherwise}")


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    main()
