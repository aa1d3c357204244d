"""Compiled kernels on disk: which file belongs to which source, where it lies, and what happens when it cannot.

    PLACE/STAMP/MODULE.KERNEL-LINE.kernel      SHA-256 of the rest, then what numba made of the kernel

The stamp is a digest of all source files of this package, of the versions of numba, llvmlite and Python, and of the
processor that the code is for. numba's own cache looks at the file of one kernel only: after an edit in `lanes.py` it
went on with the machine code of before, and answered wrongly. Here nothing is ever too old: another source, another
version or another processor is another folder, and a file that is cut or damaged counts as none.

Places that are read: the folder that came with the package, then each of these that has kernels for us:
NUMBA_CACHE_DIR, the user's cache (XDG_CACHE_HOME or ~/.cache), the service's data folder, the system's folder for
temporary files. The first that can be written takes what is compiled. Where none can be, kernels live in memory and the
next start compiles again. The folder in the temporary one must be ours alone: whoever can write a kernel's file can run
code as us.

This file imports no compiler, so that it can be asked and told before numba is loaded.
"""

import hashlib
import logging
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent
SHIPPED = PACKAGE / "compiled"
_DIGEST_BYTES = 32
_KEPT_STAMPS = 16  # folders of other versions and processors that stay beside ours, those used last

OnCompile = Callable[["Progress"], None]


class CompilerTarget(NamedTuple):
    """The processor that code is made for, in LLVM's words."""

    triple: str
    cpu: str
    features: str


class Progress(NamedTuple):
    """How far compiling is: kernels of this process that are ready, of how many, for which processor, kept where."""

    done: int
    total: int
    cpu: str
    folder: Path | None

    def __str__(self) -> str:
        kept = "in memory only, because no folder can be written" if self.folder is None else f"kept in {self.folder}"
        return (
            f"compiling kernels for this processor ({self.cpu}), {self.total - self.done} of {self.total}: "
            f"half a minute of processor time for all, {kept}"
        )


class Wishes:
    """What the program asks for, before the first kernel is loaded."""

    data: Path | None = None  # the service's folder, which can be written when nothing else can
    into: Path | None = None  # read and write only here
    is_native_only: bool = False  # take no kernel that was compiled for the baseline
    on_compile: OnCompile | None = None  # told before the first kernel is compiled and after each one


wishes = Wishes()


def read_sources(package: Path = PACKAGE) -> bytes:
    """Return all source files of the package, each behind its name."""
    files = sorted(package.glob("*.py"))
    return b"".join(file.name.encode() + b"\0" + file.read_bytes() + b"\0" for file in files)


def stamp_of(sources: bytes, target: CompilerTarget) -> str:
    """Return the name of the folder for code made from these sources, by these compilers, for this processor."""
    from importlib.metadata import version

    implementation = f"{sys.implementation.cache_tag} {version('numba')} {version('llvmlite')}"
    digest = hashlib.sha256("\0".join((implementation, *target)).encode() + b"\0" + sources)
    return digest.hexdigest()[:32]


def baseline() -> CompilerTarget | None:
    """Return the processor that shipped kernels are made for; None where none are."""
    machine = platform.machine().lower()
    if sys.platform != "linux":
        return None
    if machine in ("x86_64", "amd64"):
        return CompilerTarget("x86_64-unknown-linux-gnu", "x86-64-v3", "")
    return CompilerTarget("aarch64-unknown-linux-gnu", "generic", "") if machine in ("aarch64", "arm64") else None


class Cache:
    """The compiled kernels of one process."""

    def __init__(self, sources: bytes, own: CompilerTarget, usable: CompilerTarget | None) -> None:
        """`own` is what this process compiles for, `usable` another target whose code also runs here, or None."""
        self.total = sources.count(b"\n@njit(")
        self.compiled = 0
        self.ready = 0
        self.from_baseline = 0
        self.trouble: str | None = None
        self.cpu = own.cpu
        self._stamp = stamp_of(sources, own)
        self._baseline = None if usable in (None, own) or wishes.is_native_only else stamp_of(sources, usable)
        self._places: list[Path] = []
        self._writable: Path | None = None
        self._choose_places()

    @property
    def folder(self) -> Path | None:
        """Where kernels that are compiled now are kept; None: in memory only."""
        return None if self._writable is None else self._writable / self._stamp

    def load(self, name: str) -> bytes | None:
        """Return what was kept of a kernel; None when it must be compiled."""
        for stamp in filter(None, (self._stamp, self._baseline)):
            for place in self._places:
                kept = _read(place / stamp / name)
                if kept is not None:
                    self.ready += 1
                    self.from_baseline += stamp != self._stamp
                    return kept
        if not self.compiled:
            self._report()
        return None

    def keep(self, name: str, code: bytes) -> None:
        """Keep a kernel that was compiled now; when that fails, no further one is kept, and `trouble` says why."""
        self.compiled += 1
        self.ready += 1
        if self.folder is not None:
            try:
                _write(self.folder, name, code)
            except OSError as error:
                self.trouble = f"{self.folder}: {(error.strerror or str(error)).lower()}"
                self._writable = None
        self._report()

    def _report(self) -> None:
        progress = Progress(self.ready, self.total, self.cpu, self.folder)
        if wishes.on_compile is not None:
            wishes.on_compile(progress)
        elif not self.compiled:
            logging.getLogger("wirecopy").warning("wirecopy is %s", progress)

    def _choose_places(self) -> None:
        if wishes.into is not None:
            wishes.into.mkdir(parents=True, exist_ok=True)
            self._places, self._writable = [wishes.into], wishes.into
            return
        self._places = [SHIPPED]
        for place in candidates(wishes.data):
            if self._writable is None and (_holds(place, self._stamp) or _is_writable(place)):
                self._writable = place
                self._places.append(place)
            elif _holds(place, self._stamp):
                self._places.append(place)
        if self._writable is not None and (self._writable / self._stamp).is_dir():
            _forget_old(self._writable, self._stamp)


def candidates(data: Path | None) -> Iterator[Path]:
    """Yield the places where compiled kernels may be kept, the best first."""
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(named) / "wirecopy"
    if base := os.environ.get("XDG_CACHE_HOME"):
        yield Path(base) / "wirecopy"
    home = os.path.expanduser("~")  # not Path.home(), which raises for a user who is nowhere listed
    if os.environ.get("HOME") != "" and os.path.isdir(home):
        yield Path(home) / ".cache" / "wirecopy"
    if data is not None and data.is_dir():  # who stores articles makes it, durably
        yield data / "wirecopy.kernels"
    yield Path(tempfile.gettempdir()) / f"wirecopy-{os.getuid()}"


def _holds(place: Path, stamp: str) -> bool:
    """Whether a place that perhaps cannot be written has kernels of ours."""
    return _is_ours_alone(place) and (place / stamp).is_dir()


def _is_writable(place: Path) -> bool:
    """Make the place, which nobody else may write to, and try whether files can be made in it."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours_alone(place):
            return False
        tempfile.TemporaryFile(dir=place).close()
    except OSError:
        return False
    return True


def _is_ours_alone(place: Path) -> bool:
    """Whether a folder is no link, belongs to us or to root, and nobody else can put files there."""
    try:
        found = place.lstat()
    except OSError:
        return False
    is_private = found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and is_private


def _read(file: Path) -> bytes | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest, code = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def _write(folder: Path, name: str, code: bytes) -> None:
    """Put a file into place as a whole: two processes may do so at once, and a crash leaves none or a complete one."""
    folder.mkdir(mode=0o755, exist_ok=True)
    passing = folder / f"{name}.{os.getpid()}"
    try:
        passing.write_bytes(hashlib.sha256(code).digest() + code)
        passing.replace(folder / name)
    except OSError:
        passing.unlink(missing_ok=True)
        raise


def _forget_old(place: Path, stamp: str) -> None:
    """Mark our folder as used now, and remove the ones that were used longest ago."""
    try:
        os.utime(place / stamp)
        folders = sorted(
            (entry for entry in place.iterdir() if entry.is_dir() and len(entry.name) == len(stamp)),
            key=lambda entry: entry.stat().st_mtime,
            reverse=True,
        )
        for folder in folders[_KEPT_STAMPS:]:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return  # somebody else tidies up, or nobody can
