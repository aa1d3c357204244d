"""The border to the compiler: `njit` as numba has it, with our cache (see `cache`) behind it.

    @njit(types.int64(U32_IN), **BORROWING)
    def count(...): ...

compiles at import, or takes from the cache what was compiled before. This file leans on names that numba does not offer
to others (a dispatcher's `_cache`, `CompileResult._reduce` and `_rebuild`, its serializer), so pyproject.toml bounds
numba's minor version, and a test holds what is used here.

A process may run code that was made for an older processor than its own, never the other way round: LLVM's name of a
processor stands in the stamp, and the baseline's kernels are taken only where all its features are there. Both give the
same results bit for bit: no kernel allows the compiler to reorder or fuse floating-point operations.
"""

import pickle
from typing import Any

import llvmlite.binding as llvm
from numba import njit as _njit
from numba.core import config
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.serialize import dumps

from wirecopy.detection.kernels import cache

# What x86-64-v3 promises beyond any processor that Python still runs on.
_BASELINE_FEATURES = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")


def njit(signature: Any, **options: Any) -> Any:
    """Return a decorator that compiles a function for one signature, or takes it from the cache. Options: numba's.

    With NUMBA_DISABLE_JIT=1 it returns the function as it is.
    """

    def compile_or_load(function: Any) -> Any:
        if config.DISABLE_JIT:
            return function
        dispatcher = _njit(**{**options, "cache": False})(function)  # ours is put in below; numba's may find no folder
        dispatcher._cache = _KernelCache(kernels_of_this_process(), function)
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher

    return compile_or_load


def kernels_of_this_process() -> cache.Cache:
    """Return the cache of this process, opened when the first kernel asks for it."""
    global _cache
    if _cache is None:
        own = own_target()
        older = cache.baseline()
        is_usable = older is not None and older.triple == own.triple and _can_run(older)
        _cache = cache.Cache(cache.read_sources(), own, older if is_usable else None)
    return _cache


def own_target() -> cache.CompilerTarget:
    """Return what this process compiles for: its own processor, or what NUMBA_CPU_NAME and NUMBA_CPU_FEATURES say."""
    return cache.CompilerTarget(*cpu_target.target_context.codegen().magic_tuple())


_cache: cache.Cache | None = None


def _can_run(target: cache.CompilerTarget) -> bool:
    features = llvm.get_host_cpu_features()
    return target.cpu == "generic" or all(features.get(name) for name in _BASELINE_FEATURES)


class _KernelCache(_Cache):
    """What a dispatcher asks before it compiles, and tells afterwards."""

    def __init__(self, kept: cache.Cache, function: Any) -> None:
        module = function.__module__.rpartition(".")[2]
        self._kept = kept
        self._name = f"{module}.{function.__qualname__}-{function.__code__.co_firstlineno}.kernel"

    @property
    def cache_path(self) -> str:
        return str(self._kept.folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel, or None."""
        target_context.refresh()
        code = self._kept.load(self._name)
        return None if code is None else CompileResult._rebuild(target_context, *pickle.loads(code))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a kernel that was just compiled."""
        if data.lifted or data.library.has_dynamic_globals:
            raise TypeError(f"{self._name} refers to addresses of this process: it cannot be kept")
        self._kept.keep(self._name, dumps(data._reduce()))

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...
