"""What was decided for an article, as the record that is stored of it."""

import numpy as np
import numpy.typing as npt

from wirecopy.detection.evidence.model import Link
from wirecopy.detection.index.window import Window, Written
from wirecopy.detection.kernels.layout import OTHER_IN_THIS, SHARED_WORDS, THIS_IN_OTHER
from wirecopy.detector.answers.views import Place
from wirecopy.detector.memory.archive import Kept
from wirecopy.detector.memory.records import Decision
from wirecopy.detector.memory.records import Found as FoundMatch
from wirecopy.detector.state import Decided, Left
from wirecopy.schema.article import Article

_UNWRITTEN = Written(0, b"", b"", b"")


def describe(
    decided: Decided,
    left: Left | None,
    place: Place,
    kept: Kept,
    article: Article,
    window: Window | None = None,
    recall: list[int] | None = None,
) -> Decision:
    """-> one record of all that was decided and of what it changed; without a window, only of what a caller is told."""
    number, found, change = decided
    written = _UNWRITTEN if window is None else window.written(number)
    links = change.links[len(found.matches) :]
    moves = change.moves
    if left is not None:
        links, moves = left.change.links + links, left.change.moves + moves
    return Decision(
        number=number,
        revision=kept.revision,
        replaces=None if left is None else left.number,
        came=kept.came,
        first_seen=kept.first_seen,
        arrived=kept.arrived,
        content=kept.content,
        published=article.published,
        source=article.source,
        title=article.title,
        url=article.url,
        language=article.language,
        epoch=0 if window is None else window.terms.epoch,
        title_words=written.title_words,
        trace=written.trace,
        weights=written.weights,
        keys=written.keys,
        has_counted_passages=found.is_counted,
        candidates=found.candidates,
        truncated=found.truncated,
        matches=[_match(*match, results) for match, results in zip(found.matches, found.results, strict=True)],
        links=[(b, a, *link) for b, a, link in links],
        moves=moves,
        story=place.story,
        is_canonical=place.is_canonical,
        best=place.best,
        status=article.status,
        embargoed=article.embargoed,
        recall=recall or [],
    )


def _match(number: int, link: Link, results: npt.NDArray[np.float32]) -> FoundMatch:
    values = results.tolist()
    this, other = round(values[THIS_IN_OTHER], 4), round(values[OTHER_IN_THIS], 4)
    return FoundMatch(number, link.odds, link.relation, this, other, int(values[SHARED_WORDS]))
