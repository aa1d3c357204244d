"""The script that most people would write: shingle, MinHash, LSH at a threshold, connected components.

    python -m bench.straightforward ARTICLES.jsonl... --output stories.jsonl [--threshold 0.5]

datasketch 2 with xxHash and 128 permutations over word 3-shingles; what the index proposes is joined. No look at dates,
no check of the estimate: fewer lines, and faster.
"""

import re
from pathlib import Path

import click
import orjson
import xxhash

from bench.articles import read_rows

NUM_PERM, WIDTH = 128, 3
_WORD = re.compile(r"\w+")


def shingles(text: str) -> set[bytes]:
    """Return the word shingles of a text."""
    words = _WORD.findall(text.lower())
    return {" ".join(words[k : k + WIDTH]).encode() for k in range(max(1, len(words) - WIDTH + 1))}


def group(files: tuple[Path, ...], threshold: float) -> dict[str, str]:
    """Return the story of each article: the first of those that it is connected with."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=NUM_PERM)
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for file in files:
        rows = [row for row in read_rows(file) if row["id"] not in parent]
        texts = (shingles(row["text"]) for row in rows)
        sketches = MinHash.generator(texts, num_perm=NUM_PERM, hashfunc=xxhash.xxh32_intdigest)
        for row, sketch in zip(rows, sketches, strict=True):
            name = row["id"]
            parent[name] = name
            for other in index.query(sketch):
                parent[root(name)] = root(other)
            index.insert(name, sketch)
    return {name: root(name) for name in parent}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--threshold", default=0.5, show_default=True)
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
def main(files: tuple[Path, ...], threshold: float, output: Path) -> None:
    """Write the story of each article of FILES."""
    with output.open("wb") as out:
        for name, story in group(files, threshold).items():
            out.write(orjson.dumps({"id": name, "story": story}, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
