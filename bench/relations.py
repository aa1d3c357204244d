"""Whether a grouped pair is called what a reader called it.

A copy (label 3) should be `identical` or `copy`, a derived article (label 2) `copy` or `rewrite`. The output of
`wirecopy dedupe` names one match per article; where a pair is not among these, `wirecopy.compare` is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.articles import Article
from bench.dedupe import Verdict
from bench.scoring import Pair, is_grouped

RIGHT = {3: frozenset({"identical", "copy"}), 2: frozenset({"copy", "rewrite"})}

Compare = Callable[[Article, Article], str]


class CompareMissing(Exception):
    """The installed wirecopy has no Python API to compare two articles with."""


@dataclass(frozen=True)
class RelationScores:
    """Of the `grouped` pairs of a label, how many have a known relation, how many a right one, and all by name."""

    label: int
    grouped: int
    known: int
    right: int
    relations: dict[str, int]


def score_relations(
    pairs: Sequence[Pair],
    verdicts: Mapping[str, Verdict],
    articles: Mapping[str, Article],
    compare: Compare | None,
) -> list[RelationScores]:
    """Return the figures for labels 3 and 2; without `compare`, pairs that are no best match stay unknown."""
    story = {verdict.id: verdict.story for verdict in verdicts.values()}
    scores = []
    for label, right in RIGHT.items():
        grouped = [pair for pair in pairs if pair.label == label and is_grouped(pair, story)]
        found = [relation_of(pair, verdicts, articles, compare) for pair in grouped]
        known = [relation for relation in found if relation is not None]
        counts = {relation: known.count(relation) for relation in sorted(set(known))}
        scores.append(RelationScores(label, len(grouped), len(known), sum(r in right for r in known), counts))
    return scores


def relation_of(
    pair: Pair, verdicts: Mapping[str, Verdict], articles: Mapping[str, Article], compare: Compare | None
) -> str | None:
    """Return the relation that the verdicts state between the two, else what `compare` says, else None."""
    for one, other in ((pair.a, pair.b), (pair.b, pair.a)):
        verdict = verdicts[one]
        if verdict.match == other:
            return verdict.relation
    return compare(articles[pair.a], articles[pair.b]) if compare else None


def find_compare() -> Compare:
    """Return a function that asks wirecopy for the relation of two articles; raise CompareMissing without the API."""
    import wirecopy

    api: Any = wirecopy
    if not hasattr(api, "compare") or not hasattr(api, "Article"):
        raise CompareMissing(
            "this wirecopy has no wirecopy.compare: relations are known only where the best match names the pair"
        )

    def compare(a: Article, b: Article) -> str:
        return str(api.compare(_converted(api, a), _converted(api, b)).relation)

    return compare


def _converted(api: Any, article: Article) -> Any:
    from wirecopy.schema.dates import parse_published

    published = None if article.published is None else parse_published(article.published)
    return api.Article(
        id=article.id, text=article.text, title=article.title, source=article.source, published=published
    )
