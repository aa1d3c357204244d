"""What a PUT pays for the feed and the counts of sources: `python -m bench.bookkeeping [COUNT]`.

The same invented articles go one by one, each a durable commit, into two Detectors on disk: one as it is, and one that
keeps no book of what changes: no events are derived or stored, nobody takes down which stories the counts of sources
must visit again. They take turns, chunk by chunk, who is first alternating, so that what else runs on the machine hits
both alike. Compared is processor time, system calls included; without HTTP, which would cost both the same and make the
difference look smaller.
"""

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from bench.changes import invented
from wirecopy.config import Config
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.detector.feed.feed import Feed
from wirecopy.detector.history.replay import Replayed, no_others
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.state import State
from wirecopy.schema.article import Article
from wirecopy.storage import Store

_CHUNK = 50
_LOADED = 256


def without_books(store: Store) -> Detector:
    """Return a Detector that keeps no book of what changes: nobody is told who moves between its stories."""
    settings = Config()
    state, feed = State(settings, Archive(store)), Feed(store)
    detector = Detector(settings, store, replayed=Replayed(state, feed, no_others(state.archive)))
    state.stories.unwatch()
    return detector


def put(detector: Detector, articles: Sequence[Article]) -> float:
    """Ingest articles one by one; return the processor seconds of each."""
    started = time.process_time()
    for article in articles:
        detector.ingest([article], 2)
    return (time.process_time() - started) / len(articles)


def compare(
    detectors: Sequence[Detector], articles: Sequence[Article]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the processor seconds of an article, chunk by chunk (rows) with each of the two Detectors (columns)."""
    costs = np.empty((len(articles) // _CHUNK, 2))
    for k in range(len(costs)):
        chunk = articles[k * _CHUNK : (k + 1) * _CHUNK]
        for which in (0, 1) if k % 2 else (1, 0):
            costs[k, which] = put(detectors[which], chunk)
    return costs


def main() -> None:
    """Measure with as many articles as asked for in the index, and half as many put one by one."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    articles = list(invented(count + count // 2))
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        stores = [Store.open(folder, scheme=SCHEME) for folder in folders]
        detectors = [Detector(store=stores[0]), without_books(stores[1])]
        for begin in range(0, count, _LOADED):
            for detector in detectors:
                detector.ingest(articles[begin : min(count, begin + _LOADED)], 1)
        costs = compare(detectors, articles[count:])
        for detector in detectors:
            detector.close()
        sizes = [sum(file.stat().st_size for file in folder.rglob("*")) for folder in folders]
    milliseconds = 1000 * costs.mean(axis=0)
    chance = random.Random(5)
    ratios = [np.divide(*costs[chance.choices(range(len(costs)), k=len(costs))].sum(axis=0)) for _ in range(1000)]
    low, high = np.percentile(ratios, [2.5, 97.5])
    print(f"{count:,} articles in the index, {len(costs) * _CHUNK:,} put one by one")
    print(f"processor time of one: {milliseconds[0]:.3f} ms, without books {milliseconds[1]:.3f} ms")
    print(f"ratio {milliseconds[0] / milliseconds[1]:.3f} ({low:.3f} to {high:.3f}), median of chunks "
          f"{np.median(costs[:, 0] / costs[:, 1]):.3f}; bytes on disk {sizes[0] / sizes[1]:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
