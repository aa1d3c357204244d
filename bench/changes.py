"""What changes and edits cost with many articles in the window: `python -m bench.changes [COUNT]`.

Articles are invented: stories of one to eight members of about 300 words, copied, trimmed and reworded. Every change is
one durable commit of a store on disk. Prints the median and the 99th percentile of the milliseconds of each kind, by
the clock and of processor time: where other work uses the cores too, the clock tells of that as well.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from wirecopy.detection.grouping.stories import REGION
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.schema.answers import Milliseconds, Story
from wirecopy.schema.article import Article
from wirecopy.storage import Store

_WORDS = [f"{a}{b}{c}" for a in ("ba", "ke", "lo", "mi") for b in ("dor", "len", "mas") for c in range(40_000)]
_CHANGES = 300
_BATCH = 256


def invented(count: int) -> Iterator[Article]:
    """`count` articles, those of a story near each other."""
    chance = random.Random(1)
    open_stories: list[list[str]] = []
    for k in range(count):
        if len(open_stories) < 200 or chance.random() < 0.4:
            open_stories = [chance.choices(_WORDS, k=300), *open_stories[:199]]
        words = chance.choice(open_stories)
        words = words[: chance.randrange(150, 301)]
        text = " ".join(word if chance.random() < 0.9 else chance.choice(_WORDS) for word in words)
        yield Article(f"n{k}", text, title=f"Report {k}", source=f"s{k % 300}")


def measured(what: str, changes: Iterable[Callable[[], object]]) -> None:
    """Make the changes and print what each cost."""
    costs = []
    for change in changes:
        started = time.perf_counter(), time.process_time()
        change()
        costs.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    wall, processor = (np.percentile([1000 * cost[k] for cost in costs], [50, 99, 100]) for k in (0, 1))
    told = [f"median {part[0]:6.2f}, 99 % {part[1]:6.2f}, most {part[2]:6.2f} ms" for part in (wall, processor)]
    print(f"{what:14} {told[0]}; processor {told[1]}", flush=True)


def every_story(detector: Detector) -> Iterator[Story[Milliseconds]]:
    """Yield the stories of two articles and more, newest first."""
    cursor = None
    while True:
        page, cursor = detector.stories(min_size=2, cursor=cursor, limit=1000)
        yield from page
        if cursor is None:
            return


def edits(detector: Detector) -> Iterator[tuple[str, list[Callable[[], object]]]]:
    """Return kinds of edits, each with changes that concern stories of their own."""
    several = [story for story in every_story(detector) if len(story.members) <= REGION]
    ids = [[member.id for member in story.members] for story in several]
    names = [story.id for story in several]
    chosen = random.Random(3).sample(range(len(several)), min(len(several), 6 * _CHANGES))
    parts = [chosen[k::6] for k in range(6)]
    yield "merge", [partial(detector.merge, names[k], names[m], 4) for k, m in zip(parts[0], parts[1], strict=False)]
    yield "split", [partial(detector.split, names[k], ids[k][:1], 4) for k in parts[2]]
    yield "pin apart", [partial(detector.pin, ids[k][:2], together=False, now=4) for k in parts[3]]
    pairs = zip(parts[4], parts[5], strict=False)
    yield "pin together", [partial(detector.pin, [ids[k][0], ids[m][0]], together=True, now=4) for k, m in pairs]
    pins = random.Random(4).sample([pin.id for pin in detector.pins()], _CHANGES)
    yield "unpin", [partial(detector.unpin, pin, 4) for pin in pins]


def main() -> None:
    """Measure with as many articles as asked for."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        detector = Detector(store=Store.open(Path(folder), scheme=SCHEME))
        articles = list(invented(count))
        started = time.perf_counter()
        for begin in range(0, count, _BATCH):
            detector.ingest(articles[begin : begin + _BATCH], 1)
        gauges = detector.gauges()
        print(f"{count:,} articles, {int(gauges['stories']):,} stories, the largest of {int(gauges['largest_story'])}")
        print(f"{count / (time.perf_counter() - started):,.0f} articles/s in batches of {_BATCH}")
        chosen = random.Random(2).sample(articles, 4 * _CHANGES)
        parts = [chosen[k::4] for k in range(4)]

        def put(one: Article, text: str, status: str = "usable") -> Callable[[], object]:
            revised = Article(one.id, text, one.title, one.source, status=status)  # type: ignore[arg-type]
            return lambda: detector.ingest([revised], 2)

        measured("new article", [put(Article(f"new-{k}", ""), one.text) for k, one in enumerate(parts[0])])
        measured("revision", [put(one, one.text + " with 7 more words at its very end") for one in parts[1]])
        measured("cancellation", [put(one, one.text, "canceled") for one in parts[2]])
        measured("deletion", [lambda one=one: detector.erase(one.id, 3) for one in parts[3]])  # type: ignore[misc]
        for what, changes in edits(detector):
            measured(what, changes)
        started = time.perf_counter()
        before, after = detector.compact()
        print(f"compaction    {time.perf_counter() - started:.1f} s, {before:,} bytes before, {after:,} after")
        detector.close()


if __name__ == "__main__":
    main()
