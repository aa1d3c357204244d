"""The script that most people would write: shingle, MinHash, LSH at a threshold, connected components.

    python -m bench.straightforward ARTICLES.jsonl... --output stories.jsonl [--threshold 0.5] [--signing bulk]

datasketch 2 with xxHash and 128 permutations over word 3-shingles; what the index proposes is joined. No look at dates,
no check of the estimate: fewer lines, and faster. Signatures are made in one of three ways, all with the same result:
by `update` for each shingle, as datasketch's own introduction shows it; by one `update_batch` per article; in bulk, the
fastest that it offers.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson
import xxhash

from bench.articles import read_rows

if TYPE_CHECKING:
    from datasketch import MinHash

NUM_PERM, WIDTH = 128, 3
SIGNINGS = ("update", "update_batch", "bulk")
_WORD = re.compile(r"\w+")


def shingles(text: str) -> set[bytes]:
    """Return the word shingles of a text."""
    words = _WORD.findall(text.lower())
    return {" ".join(words[k : k + WIDTH]).encode() for k in range(max(1, len(words) - WIDTH + 1))}


def sign(texts: Iterable[str], signing: str) -> "Iterator[MinHash]":
    """Yield the signature of each text."""
    from datasketch import MinHash

    options = {"num_perm": NUM_PERM, "hashfunc": xxhash.xxh32_intdigest}
    if signing == "bulk":
        yield from MinHash.generator(map(shingles, texts), **options)
        return
    for text in texts:
        signature = MinHash(**options)
        if signing == "update_batch":
            signature.update_batch(shingles(text))
        else:
            for shingle in shingles(text):
                signature.update(shingle)
        yield signature


def group(files: tuple[Path, ...], threshold: float, signing: str = "bulk") -> dict[str, str]:
    """Return the story of each article: the first of those that it is connected with."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=NUM_PERM)
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for file in files:
        rows = [row for row in read_rows(file) if row["id"] not in parent]
        for row, sketch in zip(rows, sign((row["text"] for row in rows), signing), strict=True):
            name = row["id"]
            parent[name] = name
            for other in index.query(sketch):
                parent[root(name)] = root(other)
            index.insert(name, sketch)
    return {name: root(name) for name in parent}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--threshold", default=0.5, show_default=True)
@click.option("--signing", type=click.Choice(SIGNINGS), default="bulk", show_default=True)
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
def main(files: tuple[Path, ...], threshold: float, signing: str, output: Path) -> None:
    """Write the story of each article of FILES."""
    with output.open("wb") as out:
        for name, story in group(files, threshold, signing).items():
            out.write(orjson.dumps({"id": name, "story": story}, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
