"""Reserved memory: arrays as large as they may ever become, of which only what is used costs anything.

An array is an anonymous mapping that the system backs page by page when it is first written to. So nothing has to be
copied when there is more, and what is released goes back to the system at once.
"""

import ctypes
import mmap
import sys
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)  # named from Python 3.13 on
_RELEASE_BYTES = 1 << 20  # releasing less at a time is not worth the call
_LARGE_BYTES = 1 << 25  # from here on in pages of megabytes where there are any: what is looked up lies all over it


class Reserved:
    """`array`: `count` zeros of which none takes memory before it is written to."""

    def __init__(self, count: int, dtype: npt.DTypeLike) -> None:
        size = np.dtype(dtype).itemsize
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
        self._map = mmap.mmap(-1, max(1, count) * size, flags=flags)
        if count * size >= _LARGE_BYTES and hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # a system without such pages does as well, at a step more per access
                self._map.madvise(mmap.MADV_HUGEPAGE)
        self._item_bytes = size
        self.array: npt.NDArray[Any] = np.frombuffer(self._map, dtype=dtype, count=count)

    def release(self, first: int, last: int) -> int:
        """Give the memory of array[first:last] back, in whole steps; return up to where. What is released may be
        lost.
        """
        begin = -(-first * self._item_bytes // _RELEASE_BYTES) * _RELEASE_BYTES
        end = last * self._item_bytes // _RELEASE_BYTES * _RELEASE_BYTES
        if end > begin and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED, begin, end - begin)
        return max(first, end // self._item_bytes)


def return_freed() -> None:
    """Give what was freed back to the system, where its library keeps it: what ended threads had used, above all."""
    with suppress(AttributeError, OSError, TypeError):  # other libraries have no such call, and keep less
        ctypes.CDLL(None).malloc_trim(0)


def reserve(count: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return `count` zeros that are never released before all of them."""
    return Reserved(count, dtype).array
