"""Selection: which articles of a run's input are its own, which are known from before, which come twice."""

from typing import NamedTuple

from xxhash import xxh3_128

from wirecopy.batch.resume import Journal
from wirecopy.detector.memory.records import content_of
from wirecopy.detector.tracing import ArticleTraces
from wirecopy.errors import DuplicateId, KnownId, OtherInput, Refusal
from wirecopy.files.reading import Chunk
from wirecopy.schema.article import Article


class Taken(NamedTuple):
    """What a chunk of input adds: articles to be loaded, with their contents where these are asked for.

    `lines` are those of all articles of the run, also of those that were decided before it was interrupted. `refusals`
    are in input order.
    """

    articles: list[Article]
    traces: ArticleTraces
    contents: list[bytes] | None
    lines: list[bytes]
    refusals: list[Refusal]


class Selection:
    """Takes the chunks of an input in order.

    An id that comes again in one input is refused. One that was known before the run is left out when the article is
    the same, and refused when it is another. Articles that were decided before the run was interrupted must come again
    as they were.
    """

    def __init__(self, journal: Journal) -> None:
        self.known = 0  # articles that were known before the run
        self.taken = 0  # articles of the run
        self._journal = journal
        self._ready = journal.state.decided  # below this number articles were decided before
        self._archive = journal.state.archive
        self._knows_contents = journal.knows_contents
        self._digest = xxh3_128()

    def choose(self, chunk: Chunk, traces: ArticleTraces) -> Taken:
        """Return what is to be done with a chunk, all of whose articles are loaded before the next. Raises
        OtherInput.
        """
        fresh: list[int] = []
        own: list[int] = []
        refused: list[Refusal] = []
        contents: list[bytes] = []
        coming: set[str] = set()
        journal, number_of = self._journal, self._archive.number_of.number
        for k, article in enumerate(chunk.articles):
            number = number_of(article.id)
            content = content_of(article) if self._knows_contents else b""
            if journal.is_undecided and not 0 <= number < journal.first:
                is_the_last = number == journal.first and self._archive.kept[number].content == content
                journal.choose_run(is_the_last=is_the_last)
            if 0 <= number < journal.first:
                if self._archive.kept[number].content == content:
                    self.known += 1
                else:
                    refused.append(Refusal(*chunk.places[k], str(KnownId(article.id))))
            elif article.id in coming or 0 <= number < journal.first + self.taken:
                refused.append(Refusal(*chunk.places[k], str(DuplicateId(article.id))))
            else:
                if journal.first + self.taken < self._ready:
                    self._check(number, article, content)
                else:
                    fresh.append(k)
                    contents.append(content)
                    coming.add(article.id)
                own.append(k)
                self.taken += 1
                if self._knows_contents:
                    self._digest.update(article.id.encode() + b"\0" + content)
        articles = chunk.articles if len(fresh) == len(chunk.articles) else [chunk.articles[k] for k in fresh]
        return Taken(
            articles,
            traces if len(fresh) == len(chunk.articles) else traces.select(fresh),
            contents if self._knows_contents else None,
            [] if chunk.lines is None else [chunk.lines[k] for k in own],
            sorted([*chunk.refusals, *refused], key=lambda refusal: (refusal.file, refusal.line)),
        )

    def finish(self) -> None:
        """End the input. Raises OtherInput when articles are missing that were decided before."""
        if self._journal.is_undecided:
            self._journal.choose_run(is_the_last=False)
        decided = self._ready - self._journal.first
        if self.taken < decided:
            raise OtherInput(f"it ends after {self.taken:,} articles, and {decided:,} were decided")

    def digest(self) -> bytes:
        """Return what tells the run's articles from others, in their order, where their contents are known."""
        return self._digest.digest()

    def _check(self, number: int, article: Article, content: bytes) -> None:
        """Raise OtherInput when an article is not the one that was decided in its place."""
        place = self._journal.first + self.taken
        kept = self._archive.kept[place]
        if number != place or kept.content != content:
            what = "another content" if number == place else f"the id {article.id!r} and not {kept.id!r}"
            raise OtherInput(f"its article {self.taken + 1:,} has {what}")
