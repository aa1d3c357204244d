"""From texts to keys or signatures on one core: wirecopy beside those who make MinHash signatures, in one run.

    python -m bench.kernels [--eval PATH] [--small] [--output bench/results/kernels.json]

Everybody gets the same articles of 2.7 KB as Python strings and has to make what it compares articles by; peers get
word 3-shingles made in Python, as their users must. Processor time of one thread on one core, the best of several
rounds, in turns. Beside it stands the time in which `orjson` parses the same articles, a measure that everybody knows.
"""

import os
import re
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson
import xxhash

from bench import traffic
from bench.quality import evaluation_folder
from bench.results import describe_run, rounded, write_result
from wirecopy import minhash, signatures, sketch

PACKAGES = ("wirecopy", "datasketch", "rensa", "text-dedup", "orjson", "xxhash", "numba", "numpy")
NUM_PERM, WIDTH, SEED = 128, 3, 1
_WORD = re.compile(r"\w+")
Task = Callable[[Sequence[str]], object]


def shingles(text: str) -> list[str]:
    """Return the word shingles that `wirecopy.minhash` documents, made in Python."""
    words = _WORD.findall(text.lower())
    return [" ".join(words[k : k + WIDTH]) for k in range(max(1, len(words) - WIDTH + 1))]


def by_datasketch(texts: Sequence[str]) -> object:
    """Return signatures of datasketch: bulk, xxHash."""
    from datasketch import MinHash

    sets = ([shingle.encode() for shingle in shingles(text)] for text in texts)
    return MinHash.bulk(sets, num_perm=NUM_PERM, seed=SEED, scheme="affine32", hashfunc=xxhash.xxh32_intdigest)


def by_rensa_r(texts: Sequence[str]) -> object:
    """Return signatures of rensa's R-MinHash, all in one call."""
    from rensa import RMinHash

    return RMinHash.digest_matrix_from_token_sets([shingles(text) for text in texts], NUM_PERM, SEED)


def by_rensa_c(texts: Sequence[str]) -> object:
    """Return signatures of rensa's C-MinHash, all in one call."""
    from rensa import CMinHash

    return CMinHash.digests_from_token_sets([shingles(text) for text in texts], NUM_PERM, SEED)


def by_text_dedup(texts: Sequence[str]) -> object:
    """Return what text-dedup's own function makes, at its documented defaults (250 permutations, 5-grams, SHA-1)."""
    import numpy as np
    from text_dedup.minhash import embed_func
    from text_dedup.utils.hashfunc import sha1_hash

    prime, most = np.uint64((1 << 61) - 1), np.uint32((1 << 32) - 1)
    draw = np.random.RandomState(42)
    permutations = (
        draw.randint(1, prime, size=(250,), dtype=np.uint64),
        draw.randint(0, prime, size=(250,), dtype=np.uint64),
    )
    return [
        embed_func(
            text, k, num_perm=250, ngram_size=5, min_length=5, hashranges=[(i * 10, i * 10 + 10) for i in range(25)],
            permutations=np.array(permutations), hash_func=lambda data: sha1_hash(data, d=32), dtype=np.uint64,
            max_hash=most, modulo_prime=prime,
        )
        for k, text in enumerate(texts)
    ]  # fmt: skip


TASKS: dict[str, tuple[Task, str]] = {
    "wirecopy.sketch": (sketch, "traces, and 64 keys by rarity"),
    "wirecopy.signatures": (lambda texts: signatures(texts, NUM_PERM, WIDTH, SEED), "128 permutations, as datasketch"),
    "wirecopy.minhash": (lambda texts: minhash(texts, NUM_PERM, WIDTH, SEED), "the same as LeanMinHash objects"),
    "datasketch": (by_datasketch, "128 permutations, affine32, xxHash, bulk"),
    "rensa R-MinHash": (by_rensa_r, "128 permutations, one call for all"),
    "rensa C-MinHash": (by_rensa_c, "128 permutations, one call for all"),
    "text-dedup": (by_text_dedup, "250 permutations, 5-grams, SHA-1: its defaults"),
}


def measure(texts: Sequence[str], rounds: int, share: int) -> list[dict[str, Any]]:
    """Return microseconds per article for each task; those of peers over every `share`-th text only."""
    lines = [orjson.dumps({"id": str(k), "text": text}) for k, text in enumerate(texts)]
    # As whoever reads articles has them: in strings that were written, orjson leaves their UTF-8 to be taken again.
    texts = [orjson.loads(line)["text"] for line in lines]
    tasks: list[tuple[str, Callable[[], object], int, str]] = [
        ("orjson.loads", lambda: [orjson.loads(line) for line in lines], len(texts), "parsing, nothing else")
    ]
    for name, (task, what) in TASKS.items():
        own = texts if name.startswith("wirecopy") else texts[::share]
        tasks.append((name, lambda task=task, own=own: task(own), len(own), what))  # type: ignore[misc]
    best: dict[str, float] = {}
    for number in range(rounds + 1):
        for name, run, count, _ in tasks:
            started = time.process_time()
            run()
            seconds = (time.process_time() - started) / count
            if number:  # the first round loads and compiles
                best[name] = min(best.get(name, seconds), seconds)
    return [{"name": name, "what": what, "articles": count, "us": best[name] * 1e6} for name, _, count, what in tasks]


def table(result: dict[str, Any]) -> str:
    """Return the figures for people."""
    return "\n".join(f"{row['name']:22} {row['us']:9.2f} us/article  {row['what']}" for row in result["figures"])


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="Fewer articles and rounds.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(evaluation: Path | None, small: bool, output: Path | None) -> None:
    """Measure the way from texts to what they are compared by, on one core."""
    evaluation = evaluation_folder(evaluation)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    count, rounds = (2_000, 3) if small else (5_000, 5)
    rows = (orjson.loads(line) for _, line in traffic.lines(traffic.sources(evaluation), count))
    texts = [row["text"] for row in islice(rows, count)]
    size = sum(len(text.encode(errors="replace")) for text in texts) / len(texts)
    other = [text.upper().translate(_CYRILLIC).lower() for text in texts]
    figures = measure(texts, rounds, 10)
    russian = next(row for row in measure(other, 1, len(other)) if row["name"] == "wirecopy.sketch")
    other_size = sum(len(text.encode(errors="replace")) for text in other) / len(other)
    configuration = {
        "articles": traffic.describe(evaluation),
        "bytes": round(size),
        "threads": 1,
        "non_ascii": "the same articles with Latin letters exchanged for Cyrillic ones",
    }
    non_ascii = {"us": russian["us"], "bytes": other_size}
    result = {**describe_run(PACKAGES, configuration, traffic.SEED), "figures": figures, "non_ascii": non_ascii}
    result = rounded(result)
    click.echo(table(result))
    click.echo(f"non-ASCII: {russian['us']:.2f} us/article of {other_size:.0f} bytes")
    if output:
        write_result(output, result)


_CYRILLIC = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "АБЦДЕФГХИЙКЛМНОПЯРСТУВЩЫЭЗ")


if __name__ == "__main__":
    main()
