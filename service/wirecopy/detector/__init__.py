"""The detector: what knows articles and remembers. One thread owns it; it is plain synchronous Python.

Read in this order:

- `detector`: everything that changes something: ingest, edit, erase, prune
- `recording`: articles in, decided, durable, told; what all changes share
- `questions`: everything that only asks: articles, stories, reasons, sources, events
- `state`: the flow of an article: load, decide, restore what was decided
- `ingestion`: what becomes of articles that come together, and the record of it
- `edits`: merge, split, pin and unpin by hand; `erasure`: take an article out; both with their way back from the store
- `tracing`: articles to traces, the part without state
- `memory/`, `feed/`, `answers/`, `history/`: what is remembered, told, asked and replayed
- `gc_control`: the cyclic garbage collector during bulk work
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wirecopy.detector.detector import SCHEME, Detector

__all__ = ["SCHEME", "Detector"]


def __getattr__(name: str) -> Any:
    """Load the detector when it is asked for: its rooms are also used without it."""
    if name not in __all__:
        raise AttributeError(f"module 'wirecopy.detector' has no attribute {name!r}")
    from wirecopy.detector import detector

    return getattr(detector, name)
