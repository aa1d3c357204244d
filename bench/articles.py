"""The articles that are measured: reading them, and taking their dates away.

A corpus whose dates were assigned can be matched by the dates; every set is therefore scored a second time on copies
of its files without `published`.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
import xxhash


class Article(msgspec.Struct, frozen=True):
    """The fields that measurements look at; unknown ones are ignored."""

    id: str
    text: str
    title: str | None = None
    source: str | None = None
    published: str | None = None
    language: str | None = None


def read_articles(paths: Iterable[Path]) -> list[Article]:
    """Return the articles of the files, in order; raise msgspec.ValidationError for a line that is no article."""
    return [msgspec.convert(row, Article) for path in paths for row in read_rows(path)]


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield each line of a `.jsonl` or `.jsonl.gz` file that is not blank."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as lines:
        yield from (line for line in lines if line.strip())


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of each line of a `.jsonl` or `.jsonl.gz` file."""
    return map(parse_row, read_lines(path))


def parse_row(line: bytes) -> dict[str, Any]:
    """Return the object of one line; raise ValueError or TypeError for any other line.

    orjson refuses lone surrogates, which collections do contain; json reads them.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = json.loads(line)
    if not isinstance(row, dict):
        raise TypeError(f"a line is no JSON object: {line[:80]!r}")
    return row


def day_of(article: Article) -> float:
    """Return when the article was published, in days since 1970 (UTC unless it says otherwise); NaN when unknown."""
    if article.published is None:
        return float("nan")
    moment = datetime.fromisoformat(article.published)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() / 86_400


def without_dates(path: Path, folder: Path) -> Path:
    """Return a copy of the file without `published`, kept in `folder` under a name made of the file's content."""
    digest = xxhash.xxh64_hexdigest(path.read_bytes())
    target = folder / f"{path.name.split('.')[0]}-{digest}.jsonl"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        with partial.open("wb") as out:
            for row in read_rows(path):
                row.pop("published", None)
                # ASCII escapes keep a lone surrogate as it was; orjson would refuse to write it.
                out.write(json.dumps(row).encode() + b"\n")
        partial.replace(target)
    return target
