"""Rows: two texts paragraph by paragraph, what belongs together side by side, shared words marked.

Paragraphs keep their order on both sides. One whose counterpart stands where it would cross another row stands alone,
and says that it was moved.
"""

from collections.abc import Sequence
from typing import NamedTuple

from wirecopy.schema.answers import Comparison, Paragraph, Passage


class Piece(NamedTuple):
    """Some words of a paragraph, and the number of the passage that they are in, None for none; `is_first` of it."""

    text: str
    passage: int | None
    is_first: bool = False


class Cell(NamedTuple):
    """One side of a row; `mark`: shared, reworded, moved, or only here."""

    mark: str
    pieces: tuple[Piece, ...]
    in_passages: float


class Row(NamedTuple):
    """Paragraphs side by side."""

    a: Cell | None
    b: Cell | None


def align(comparison: Comparison) -> list[Row]:
    """Return the rows of a comparison whose texts are at hand; none where they are not."""
    both = comparison.paragraphs
    if both is None:
        return []
    spans_a = [(p.a_start, p.a_end, k) for k, p in enumerate(comparison.passages, 1) if p.a_start is not None]
    spans_b = [(p.b_start, p.b_end, k) for k, p in enumerate(comparison.passages, 1) if p.b_start is not None]
    pairs = _in_order(both.a, both.b)
    rows: list[Row] = []
    seen: set[tuple[str, int]] = set()
    at_b = 0
    for k, paragraph in enumerate(both.a):
        partner = pairs.get(k)
        if partner is None:
            rows.append(Row(_cell(paragraph, spans_a, seen, "a", is_alone=True), None))
            continue
        rows += [Row(None, _cell(p, spans_b, seen, "b", is_alone=True)) for p in both.b[at_b:partner]]
        own, other = both.a[k], both.b[partner]
        rows.append(Row(_cell(own, spans_a, seen, "a"), _cell(other, spans_b, seen, "b")))
        at_b = partner + 1
    rows += [Row(None, _cell(p, spans_b, seen, "b", is_alone=True)) for p in both.b[at_b:]]
    return rows


def share_in(passages: Sequence[Passage], side: str, text: str | None) -> float | None:
    """Return the share of a text that stands in passages; None where the text is not at hand."""
    if not text or not text.strip():
        return None
    spans = sorted((getattr(p, f"{side}_start"), getattr(p, f"{side}_end")) for p in passages if p.a_start is not None)
    covered = reached = 0
    for start, end in spans:
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return min(1.0, covered / len(text.strip()))


def _in_order(a: Sequence[Paragraph], b: Sequence[Paragraph]) -> dict[int, int]:
    """Return which paragraphs stand side by side: the longest run of counterparts that do not cross."""
    wanted = [(k, p.match) for k, p in enumerate(a) if p.match is not None and p.match < len(b)]
    taken = {k for k, _ in wanted}
    wanted += [(p.match, k) for k, p in enumerate(b) if p.match is not None and p.match not in taken]
    wanted = sorted(set(wanted))[:2000]
    best: list[tuple[int, int]] = []  # (length, index before) of the longest run that ends with each
    for k, (left, right) in enumerate(wanted):
        found = (1, -1)
        for before in range(max(0, k - 200), k):
            other_left, other_right = wanted[before]
            if other_left < left and other_right < right and best[before][0] + 1 > found[0]:
                found = best[before][0] + 1, before
        best.append(found)
    at = max(range(len(best)), key=lambda k: best[k][0], default=-1)
    chosen: dict[int, int] = {}
    while at >= 0:
        chosen[wanted[at][0]] = wanted[at][1]
        at = best[at][1]
    return chosen


def _cell(
    paragraph: Paragraph, spans: Sequence[tuple[int | None, int | None, int]], seen: set[tuple[str, int]], side: str,
    *, is_alone: bool = False
) -> Cell:  # fmt: skip
    mark = "moved" if is_alone and paragraph.mark != "only here" else paragraph.mark
    return Cell(mark, tuple(_pieces(paragraph, spans, seen, side)), paragraph.in_passages)


def _pieces(
    paragraph: Paragraph, spans: Sequence[tuple[int | None, int | None, int]], seen: set[tuple[str, int]], side: str
) -> list[Piece]:
    pieces: list[Piece] = []
    at, end = paragraph.start, paragraph.end
    for start, stop, number in sorted((s, e, k) for s, e, k in spans if s is not None and e is not None):
        begin, finish = max(start, at), min(stop, end)
        if begin >= finish:
            continue
        if begin > at:
            pieces.append(Piece(_cut(paragraph, at, begin), None))
        pieces.append(Piece(_cut(paragraph, begin, finish), number, (side, number) not in seen))
        seen.add((side, number))
        at = finish
    if at < end:
        pieces.append(Piece(_cut(paragraph, at, end), None))
    return pieces


def _cut(paragraph: Paragraph, begin: int, end: int) -> str:
    return paragraph.text[begin - paragraph.start : end - paragraph.start]
