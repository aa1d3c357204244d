"""Draw pairs of articles for readers: where the model is unsure, and where a collection's kinds of error lie.

    python -m bench.draw_pairs COLLECTION ARTICLES --known LABELS [--known LABELS ...] --output FOLDER

The population is every pair that shares enough keys to be compared (dated, with look-ahead), and every pair that
stands in one story without ever having matched. It is cut into strata: within or across outlets; by log-odds; of
doubtful ones by the share of the shorter text's runs of three words that the other has; of matches by the ratio of the
lengths. A `weight` says for how many pairs of the population each drawn one stands. Readers see neither odds nor
strata: pairs are shuffled, and strata carry names that tell nothing.

`bench/labels/*-more.jsonl` were drawn so under the model of November 2026 (commit 1b5ebe2), 166 pairs of each
collection; another model would draw others.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.articles import Article, read_articles
from bench.scoring import read_pairs
from wirecopy.config import Config, override
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.state import BATCH, State
from wirecopy.detector.tracing import trace
from wirecopy.files.reading import read

WANTED, SECOND_READING = 166, 16
MATCH = -1.5
QUOTAS = {  # pairs of each kind, for within and across outlets alike, before what is left is dealt out
    "chained": 9, "apart, little shared": 4, "apart, part shared": 8, "doubtful, little shared": 7,
    "doubtful, part shared": 9, "even, like lengths": 13, "even, unlike lengths": 7, "likely, like lengths": 13,
    "likely, unlike lengths": 6, "certain": 7,
}  # fmt: skip
Pair = tuple[int, int]


def compare_all(path: Path) -> tuple[dict[Pair, float], dict[Pair, float]]:
    """Return the log-odds of every pair that is compared, and of every pair that stands in one story (NaN: unknown)."""
    compared, together = {}, {}
    for least in (-10.0, MATCH):
        config = override(Config(), "detection", min_odds=least)
        state = State(config, Archive(None), looks_ahead=True, forgets=False)
        for chunk in read([str(path)], limits=config.limits, mapping={}):
            state.load(chunk.articles, trace(chunk.articles, config.detection.max_words))
        state.window.terms.begin_epoch()
        while state.decided < state.loaded:
            for number, found, _ in state.decide(min(BATCH, state.loaded - state.decided)):
                if least < MATCH:
                    compared.update({(other, number): link.odds for other, link in found.matches})
        if least == MATCH:
            for members in state.stories.members.values():
                together.update(dict.fromkeys(combinations(members, 2), float("nan")))
    return compared, together


def shared_runs(a: str, b: str) -> float:
    """Return the share of the shorter text's runs of three words that the other has (of characters in Chinese)."""
    return _share(_runs(a), _runs(b))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    if len(text) > 8 * max(1, len(words)):
        words = list(re.sub(r"\W+", "", text))
    return set(zip(words, words[1:], words[2:], strict=False))


def _share(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    return len(a & b) / max(1, min(len(a), len(b)))


def kind_of(odds: float, is_matched: bool, share: float, ratio: float) -> str:
    """Return the kind of a pair that was compared."""
    if not is_matched:
        return "chained"
    if odds < -3.0:
        return "apart, part shared" if share >= 0.15 else "apart, little shared"
    if odds < -0.9:
        return "doubtful, part shared" if share >= 0.15 else "doubtful, little shared"
    if odds > 4.0:
        return "certain"
    return f"{'even' if odds < 1.5 else 'likely'}, {'unlike' if ratio > 2.5 else 'like'} lengths"


def stratify(articles: Sequence[Article], compared: dict[Pair, float], together: dict[Pair, float]) -> dict[Any, Any]:
    """Return the pairs of the population by stratum: whether within one outlet, and kind."""
    sets = [_runs(f"{article.title or ''} {article.text}") for article in articles]
    strata = defaultdict(list)
    for (a, b), odds in (together | compared).items():
        within = articles[a].source is not None and articles[a].source == articles[b].source
        lengths = sorted((len(articles[a].text), len(articles[b].text)))
        is_chained = (a, b) in together and not odds >= MATCH
        kind = kind_of(odds, not is_chained, _share(sets[a], sets[b]), lengths[1] / max(1, lengths[0]))
        strata[within, kind].append((a, b))
    return strata


def draw(strata: dict[Any, list[Pair]], known: set[frozenset[int]], wanted: int, rng: Any) -> Iterator[Any]:
    """Yield (stratum, weight, pair); what small strata leave over is dealt out to the others in turn."""
    quota = {key: min(QUOTAS[key[1]], len(pairs)) for key, pairs in strata.items()}
    order = sorted(strata, key=lambda key: (-QUOTAS[key[1]], key))
    while sum(quota.values()) < wanted and any(quota[key] < len(strata[key]) for key in order):
        for key in order:
            quota[key] += quota[key] < len(strata[key]) and sum(quota.values()) < wanted
    for key, pairs in sorted(strata.items()):
        fresh = [pair for pair in sorted(pairs) if frozenset(pair) not in known]
        chosen = rng.permutation(len(fresh))[: quota[key]].tolist()
        for k in chosen:
            yield key, len(pairs) / len(chosen), fresh[k]


def shown(article: Article) -> dict[str, Any]:
    """Return what a reader sees of an article."""
    return {name: getattr(article, name) for name in ("id", "title", "source", "published", "text")}


@click.command()
@click.argument("collection")
@click.argument("articles_file", type=click.Path(path_type=Path))
@click.option("--known", type=click.Path(path_type=Path), multiple=True, help="Labels whose pairs are not drawn again.")
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Where the names of strata are explained.")
@click.option("--seed", default=17)
def main(collection: str, articles_file: Path, known: tuple[Path, ...], output: Path, key: Path, seed: int) -> None:
    """Write COLLECTION.jsonl, its two halves for two readers, and a tenth for a second reading."""
    articles, rng = read_articles([articles_file]), np.random.default_rng(seed)
    place = {article.id: k for k, article in enumerate(articles)}
    labelled = {frozenset((place[p.a], place[p.b])) for path in known for p in read_pairs(path) if p.a in place}
    strata = stratify(articles, *compare_all(articles_file))
    codes = dict(zip(sorted(strata), rng.permutation(len(strata)).tolist(), strict=True))
    rows = []
    for stratum, weight, pair in draw(strata, labelled, WANTED, rng):
        a, b = (articles[pair[k]] for k in rng.permutation(2))
        rows.append({"a": shown(a), "b": shown(b), "weight": round(weight, 2), "stratum": f"k{codes[stratum]}"})
    rows = [{"pair": n, **rows[k]} for n, k in enumerate(rng.permutation(len(rows)).tolist(), 1)]
    half = (len(rows) + 1) // 2
    second = [rows[k] for k in sorted(rng.permutation(len(rows))[:SECOND_READING].tolist())]
    for name, part in (("", rows), ("-1", rows[:half]), ("-2", rows[half:]), ("-second", second)):
        lines = [json.dumps(row, ensure_ascii=False) for row in part]
        (output / f"{collection}{name}.jsonl").write_text("\n".join(lines) + "\n")
    told = {f"k{codes[k]}": [*k, len(v)] for k, v in sorted(strata.items())}
    key.write_text(json.dumps(told, indent=1))
    click.echo(f"{collection}: {len(rows)} pairs of {sum(map(len, strata.values()))}: {told}")


if __name__ == "__main__":
    main()
