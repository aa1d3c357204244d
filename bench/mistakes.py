"""The pairs that were decided wrongly, laid out for reading by eye."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bench.articles import Article
from bench.scoring import DERIVED, Pair, wrong_pairs

LARGE_STORY, STORIES_SHOWN, TITLES_SHOWN, TITLE_WIDTH = 20, 3, 3, 110


def describe_mistakes(
    pairs: Sequence[Pair], story: Mapping[str, str], articles: Mapping[str, Article], count: int
) -> Iterator[str]:
    """Yield lines about the `count` heaviest wrong pairs, with what a reader needs to judge them."""
    wrong = wrong_pairs(pairs, story)
    missed = sum(pair.label >= DERIVED for pair in wrong)
    yield f"{len(wrong)} wrong pairs: {missed} not grouped that should be, {len(wrong) - missed} the other way round"
    for pair in wrong[:count]:
        said = "NOT GROUPED" if pair.label >= DERIVED else "GROUPED"
        yield f"  {said}, label {pair.label}, kind {pair.kind}, weight {pair.weight:g}"
        yield f"    {describe_article(pair.a, articles)}"
        yield f"    {describe_article(pair.b, articles)}"


def describe_large_stories(story: Mapping[str, str], articles: Mapping[str, Article]) -> Iterator[str]:
    """Yield lines about the largest stories, where these are large enough to be suspicious."""
    for name, size in Counter(story.values()).most_common(STORIES_SHOWN):
        if size >= LARGE_STORY:
            yield f"  story of {size} articles, among them"
            members = [article for article, its in story.items() if its == name]
            for member in members[:: max(1, size // TITLES_SHOWN)][:TITLES_SHOWN]:
                yield f"    {describe_article(member, articles)}"


def describe_article(name: str, articles: Mapping[str, Article]) -> str:
    """Return one line with the date, the source, the id and the title, or the first words where there is no title."""
    article = articles.get(name)
    if article is None:
        return f"{name} (not in the files)"
    title = " ".join((article.title or article.text).split())[:TITLE_WIDTH]
    return f"{article.published or 'undated'} | {article.source or 'no source'} | {name} | {title}"
