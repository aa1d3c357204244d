"""Articles as a service gets them: distinct, some 2.7 KB of text each, any number of them.

Collections differ in length, so texts of one collection are joined until they are as long as a news article usually is:
two reports in one article weigh on words, keys and comparisons as one article of that length does. With an evaluation
folder the texts are those of Reuters-21578, without it the project's own in ten languages; `generations` makes any
number of articles of them.
"""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from bench.articles import read_rows
from bench.generations import Sources, generate, read_sources
from bench.sets import OWN

TEXT_BYTES = 2_700
LEAST_CHARACTERS = 200  # shorter texts are headlines only
SEED = 1


def describe(evaluation: Path | None) -> str:
    """Return what the articles are made of, for a result file."""
    collection = "the project's own articles in ten languages" if evaluation is None else "reuters21578"
    return f"{collection}, joined to {TEXT_BYTES / 1000} KB on average, in generations"


def sources(evaluation: Path | None) -> Sources:
    """Return the joined articles that traffic is made of."""
    if evaluation is None:
        rows = [row for path in sorted((OWN / "languages").glob("*.jsonl")) for row in joined(list(read_rows(path)))]
    else:
        rows = joined(list(read_rows(evaluation / "articles" / "reuters21578.jsonl.gz")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "joined.jsonl"
        path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
        return read_sources([path])


def joined(rows: Sequence[dict[str, Any]], text_bytes: int = TEXT_BYTES) -> list[dict[str, Any]]:
    """Return articles of `text_bytes` on average, each made of the texts of several that do not follow each other.

    Articles that follow each other are often of one story; every text is used once.
    """
    long_enough = [row for row in rows if len(row["text"]) > LEAST_CHARACTERS]
    total = sum(len(row["text"].encode(errors="replace")) for row in long_enough)
    count = max(1, round(total / text_bytes))
    return [
        {**long_enough[k], "text": "\n\n".join(row["text"] for row in long_enough[k::count])}
        for k in range(min(count, len(long_enough)))
    ]


def lines(sources_: Sources, count: int, first: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield (id, JSON) of `count` articles from number `first` on, the same for the same sources."""
    for row in islice(generate(sources_, SEED), first, first + count):
        row.pop("copy_of", None)
        yield row["id"], orjson.dumps(row)
