"""Load the compiled kernels: where they may be kept, how far compiling is, and how to make them ahead of time.

Nothing heavy is imported before `load` is called.
"""

import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import NamedTuple

from wirecopy.detection.kernels import cache
from wirecopy.detection.kernels.cache import OnCompile, Progress
from wirecopy.errors import UsageError

__all__ = ["Loaded", "OnCompile", "Progress", "load", "shipped_folder", "target_baseline"]
_KERNELS = "wirecopy.detection.kernels"


class Loaded(NamedTuple):
    """What loading found: kernels, those compiled now, those made for an older processor, where, and what failed."""

    kernels: int
    compiled: int
    from_baseline: int
    cpu: str
    folder: Path | None
    trouble: str | None

    @property
    def may_gain(self) -> bool:
        """Whether this processor could have faster kernels that can be kept for the next start."""
        return self.from_baseline > 0 and self.folder is not None


def load(
    *,
    data: Path | None = None,
    on_compile: OnCompile | None = None,
    owns_process: bool = False,
    into: Path | None = None,
    is_native_only: bool = False,
) -> Loaded:
    """Load every kernel, compiling those that are not kept for this source, compiler and processor.

    `data` is a folder that can be written when no other can, `on_compile` hears how far compiling is (without it, a
    warning is logged). A command `owns_process`: then numba does not look for scipy, which takes a fifth of the time
    and serves linear algebra only, in any code of the process. With `into`, kernels are read and kept there alone;
    `is_native_only` takes none that were compiled for an older processor than this.
    """
    cache.wishes.data = data
    cache.wishes.on_compile = on_compile
    cache.wishes.into = into
    cache.wishes.is_native_only = is_native_only
    if owns_process and "numba" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy starts threads for its own; no kernel uses it
        with _scipy_not_found():
            return _load_all()
    return _load_all()


def target_baseline() -> str:
    """Have this process compile for the oldest processor that kernels are shipped for; return its name.

    Raises UsageError where no kernels are shipped, RuntimeError when numba is loaded and has chosen already.
    """
    target = cache.baseline()
    if target is None:
        raise UsageError("kernels are shipped for Linux on x86-64 and aarch64 only")
    if "numba" in sys.modules:
        raise RuntimeError("numba is loaded")
    os.environ |= {"NUMBA_CPU_NAME": target.cpu, "NUMBA_CPU_FEATURES": target.features}
    return target.cpu


def shipped_folder() -> Path:
    """Return the folder of the package for kernels that come with it."""
    return cache.SHIPPED


def _load_all() -> Loaded:
    for module in pkgutil.iter_modules([str(cache.PACKAGE)]):
        import_module(f"{_KERNELS}.{module.name}")
    kernels = import_module(f"{_KERNELS}.compiling").kernels_of_this_process()
    return Loaded(kernels.ready, kernels.compiled, kernels.from_baseline, kernels.cpu, kernels.folder, kernels.trouble)


class _ScipyNotFound:
    """A finder that says of scipy that it is not installed."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if name == "scipy":
            raise ModuleNotFoundError("not looked for", name=name)
        return None


@contextmanager
def _scipy_not_found() -> Iterator[None]:
    finder = _ScipyNotFound()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
