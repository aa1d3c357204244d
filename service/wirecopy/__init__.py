"""Tells which story each news article belongs to.

    from wirecopy import Article, Detector, compare

Names are loaded when they are asked for: importing the package costs nothing.
"""

from typing import TYPE_CHECKING, Any

from wirecopy.schema.version import VERSION

if TYPE_CHECKING:
    from wirecopy.client.client import AsyncClient, Client
    from wirecopy.detection.words.minhash import minhash, signatures
    from wirecopy.detection.words.sketch import sketch
    from wirecopy.detector.answers.explain import compare
    from wirecopy.detector.detector import Detector
    from wirecopy.schema.answers import Comparison, Verdict
    from wirecopy.schema.article import Article

_HOMES = {
    "Article": "schema.article",
    "AsyncClient": "client",
    "Client": "client",
    "Comparison": "schema.answers",
    "Detector": "detector",
    "compare": "detector.answers.explain",
    "minhash": "detection.words.minhash",
    "signatures": "detection.words.minhash",
    "sketch": "detection.words.sketch",
    "Verdict": "schema.answers",
}
__all__ = [
    "VERSION",
    "Article",
    "AsyncClient",
    "Client",
    "Comparison",
    "Detector",
    "Verdict",
    "compare",
    "minhash",
    "signatures",
    "sketch",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'wirecopy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"wirecopy.{_HOMES[name]}"), name)
