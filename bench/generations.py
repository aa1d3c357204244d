"""A stream of any number of articles, made of some thousand real ones, for measuring scale.

    python -m bench.generations FILE... --articles 1000000 --seed 1 --output million.jsonl

Copying a collection would put every article beside its double; random words would have no phrases. So each *generation*
takes all source articles once and

- renames the rarer words by a bijection of its own: letters and digits are exchanged for others of the same script and
  case, so that shapes, lengths and repetitions stay, and two articles share rare phrases in a generation exactly when
  their sources do. Words in at least `common_share` of the source articles keep their form, as common words would.
  A renamed word that would be a common one is renamed again until it is none, which keeps the map a bijection
  ("cycle walking", Black & Rogaway 2002);
- moves `published` by 15 days times the generation: one day more than the default window, so that an article and its
  renamed double are never in one window (an article without a date has none in any generation);
- adds true copies, one in fifty of all articles: an article of the same generation with its end cut off and a few words
  dropped, published within a day, naming its original in `copy_of`.

Generation 0 is not renamed. Every generation has its own order of articles, so that the first N are a fair sample of
the sources. Memory does not depend on N: the sources as numbers of tokens, and the tokens of one generation. Limits:
real streams also bring new common words, and no rewrites are made.
"""

import math
import random
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import orjson

from bench.articles import read_rows
from bench.words import token_pattern

SHIFT_DAYS = 15
COPY_EVERY = 50  # one in so many articles is a copy: 2 %
COMMON_SHARE = 0.005
COPY_KEEPS, COPY_DROPS = (0.7, 1.0), 0.01  # share of the text kept from its start; share of its words left out
MIN_COPIED_TOKENS = 80
SECONDS_PER_DAY = 86_400
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Source:
    """An article whose text is numbers of tokens; `fields` are the others."""

    fields: dict[str, Any]
    published: datetime | None
    text: npt.NDArray[np.int32]
    title: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Sources:
    """Articles, the tokens that their numbers stand for, and which words (in lower case) are common."""

    articles: list[Source]
    tokens: list[str]
    common: frozenset[str]


def read_sources(paths: Iterable[Path], common_share: float = COMMON_SHARE) -> Sources:
    """Return the articles of the files; a word is common when at least this share of them contains it."""
    numbers: dict[str, int] = {}
    articles = [_read_source(row, numbers) for path in paths for row in read_rows(path)]
    tokens = list(numbers)
    return Sources(articles, tokens, _common_words(articles, tokens, common_share))


def generate(sources: Sources, seed: int) -> Iterator[dict[str, Any]]:
    """Yield articles without end, one generation after the other; the same for the same sources and seed."""
    for generation in count():
        yield from generate_one(sources, seed, generation)


def generate_one(sources: Sources, seed: int, generation: int) -> Iterator[dict[str, Any]]:
    """Yield the articles of one generation, with its copies among them, each shortly after its original."""
    choose = random.Random(f"{seed}/{generation}")
    tokens = rename_tokens(sources.tokens, sources.common, seed, generation)
    order = choose.sample(sources.articles, len(sources.articles))
    for start in range(0, len(order), COPY_EVERY - 1):
        originals = order[start : start + COPY_EVERY - 1]
        for source in originals:
            yield _article(source, tokens, generation)
        if len(originals) == COPY_EVERY - 1:
            yield _copy(_choose_original(originals, choose), tokens, generation, choose)


def rename_tokens(tokens: Sequence[str], common: frozenset[str], seed: int, generation: int) -> list[str]:
    """Return each token under its name in a generation."""
    if generation == 0:
        return list(tokens)
    exchange = exchange_of(tokens, seed, generation)
    return [rename(token, common, exchange) for token in tokens]


def rename(word: str, common: frozenset[str], exchange: dict[int, int]) -> str:
    """Return the word with its characters exchanged, as often as it takes to be no common word; common ones stay."""
    if word.lower() in common:
        return word
    renamed = word.translate(exchange)
    while renamed.lower() in common:
        renamed = renamed.translate(exchange)
    return renamed


def exchange_of(tokens: Iterable[str], seed: int, generation: int) -> dict[int, int]:
    """Return a permutation of the characters of the tokens, for str.translate: letters and digits within their pool.

    A pool is a script, ASCII or not: plain English stays plain ASCII. A capital goes where its small letter goes;
    letters that do not come in pairs of one character each (sharp s, dotless i) stay.
    """
    pools = defaultdict(set)
    for character in set().union(*tokens):
        if (pool := _pool(character)) is not None:
            pools[pool].add(character.lower())
    choose = random.Random(f"{seed}/{generation}/letters")
    exchange: dict[int, int] = {}
    for pool in sorted(pools):
        small = sorted(pools[pool])
        for old, new in zip(small, choose.sample(small, len(small)), strict=True):
            exchange[ord(old)] = ord(new)
            exchange[ord(old.upper())] = ord(new.upper())
    return exchange


def _pool(character: str) -> tuple[str, bool] | None:
    """Return the pool of a character, None when it is no letter or digit or has no simple pair of cases."""
    if not character.isalnum():
        return None
    small, capital = character.lower(), character.upper()
    if len(small) != 1 or len(capital) != 1 or capital.lower() != small or small.upper() != capital:
        return None
    script = "DIGIT" if character.isdecimal() else unicodedata.name(character, "?").partition(" ")[0]
    # A script's letters with and without case (Latin's feminine ordinal) must not mix, or capitals would be lost.
    return f"{script} {'cased' if small != capital else 'caseless'}", character.isascii()


def _read_source(row: dict[str, Any], numbers: dict[str, int]) -> Source:
    fields = {name: value for name, value in row.items() if name not in ("text", "title", "published")}
    published = datetime.fromisoformat(row["published"]) if row.get("published") else None
    return Source(fields, published, _number(row["text"], numbers), _number(row.get("title") or "", numbers))


def _number(text: str, numbers: dict[str, int]) -> npt.NDArray[np.int32]:
    found = token_pattern().findall(_SURROGATE.sub("\ufffd", text))
    return np.array([numbers.setdefault(token, len(numbers)) for token in found], np.int32)


def _common_words(articles: Sequence[Source], tokens: Sequence[str], common_share: float) -> frozenset[str]:
    spelling: dict[str, int] = {}
    small = [spelling.setdefault(token.lower(), len(spelling)) for token in tokens]
    frequency: Counter[int] = Counter()
    for article in articles:
        frequency.update({small[number] for number in article.text.tolist()})
    enough = math.ceil(common_share * len(articles))
    return frozenset(word for word, number in spelling.items() if word[0].isalnum() and frequency[number] >= enough)


def _article(source: Source, tokens: Sequence[str], generation: int) -> dict[str, Any]:
    published = None if source.published is None else source.published + timedelta(days=SHIFT_DAYS * generation)
    return _row(source, tokens, generation, source.text.tolist(), published)


def _copy(source: Source, tokens: Sequence[str], generation: int, choose: random.Random) -> dict[str, Any]:
    kept = source.text[: math.ceil(len(source.text) * choose.uniform(*COPY_KEEPS))].tolist()
    # Words and what stands between them take turns, so that a pair of tokens is a word and one of its neighbours.
    pairs = (kept[start : start + 2] for start in range(0, len(kept), 2))
    text = [number for pair in pairs if choose.random() >= COPY_DROPS for number in pair]
    delay = timedelta(days=SHIFT_DAYS * generation, seconds=choose.randrange(SECONDS_PER_DAY))
    published = None if source.published is None else source.published + delay
    row = _row(source, tokens, generation, text, published)
    return {**row, "id": f"{row['id']}~copy", "source": "copies.example", "copy_of": row["id"]}


def _choose_original(originals: Sequence[Source], choose: random.Random) -> Source:
    """Return an article that is long enough for its copy to be recognisable, or the longest."""
    long_enough = [source for source in originals if len(source.text) >= MIN_COPIED_TOKENS]
    return choose.choice(long_enough) if long_enough else max(originals, key=lambda source: len(source.text))


def _row(
    source: Source, tokens: Sequence[str], generation: int, text: Iterable[int], published: datetime | None
) -> dict[str, Any]:
    row = {**source.fields, "id": f"{source.fields['id']}~{generation}"}
    row["text"] = "".join([tokens[number] for number in text])
    if len(source.title):
        row["title"] = "".join([tokens[number] for number in source.title.tolist()])
    if published is not None:
        row["published"] = published.isoformat()
    return row


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--articles", default=1_000_000, show_default=True, help="How many to write.")
@click.option("--seed", default=1, show_default=True)
@click.option("--common-share", default=COMMON_SHARE, show_default=True, help="Words in this share of articles stay.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSONL file; standard output without.")
def main(files: tuple[Path, ...], articles: int, seed: int, common_share: float, output: Path | None) -> None:
    """Write a stream of articles made of the articles of FILES."""
    stream = islice(generate(read_sources(files, common_share), seed), articles)
    with output.open("wb") if output else nullcontext(sys.stdout.buffer) as out:
        for row in stream:
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
