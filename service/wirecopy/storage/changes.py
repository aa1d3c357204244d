"""What one append changes in a log of whatever database: rows that are added, and those that tombstones replace."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from zstandard import ZstdCompressor

from wirecopy.storage.chained import ChainedLog, End
from wirecopy.storage.rows import Entry, Remains, first_of, is_bare, link, pack_texts, tombstone

_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)"


class Additions(NamedTuple):
    """The rows of both tables, and the end of the log behind them."""

    records: list[tuple[Any, ...]]
    texts: list[tuple[int, bytes]]
    end: End


def additions(entries: Sequence[Entry], end: End, compressor: ZstdCompressor) -> Additions:
    """Make the rows of entries that come behind `end`; touches nothing."""
    number, chain = end
    records: list[tuple[Any, ...]] = []
    texts = []
    packed = iter(pack_texts(compressor, [entry.text for entry in entries if entry.text is not None]))
    for kind, article_id, payload, text in entries:
        number += 1
        text_digest = None
        if text is not None:
            body, text_digest = next(packed)
            texts.append((number, body))
        chain = link(chain, number, kind, None if article_id is None else article_id.encode(), text_digest, payload)
        records.append((number, kind, article_id, payload, text_digest, chain))
    return Additions(records, texts, End(number, chain))


def refuse_unknown(numbers: Sequence[int], last: int) -> None:
    """Raise ValueError when one of the ascending numbers was never given out."""
    if numbers and not 1 <= numbers[0] <= numbers[-1] <= last:
        raise ValueError(f"no records {numbers[0]} to {numbers[-1]}: the log has 1 to {last}")


def take_away(log: ChainedLog, last: int, gone: Sequence[int], redacted: Mapping[int, Remains]) -> None:
    """Prune and redact within a transaction of the caller's; `gone` ascends. Raises ValueError, BadRow."""
    pruned = _redact(log, redacted) + (_prune(log, last, gone) if gone else 0)
    log.about = about = log.about._replace(pruned=log.about.pruned + pruned)
    log.execute("UPDATE about SET pruned = ?, seal = ?", about.pruned, about.seal())


def _redact(log: ChainedLog, redacted: Mapping[int, Remains]) -> int:
    """Put what remains in the place of records that are there; return how many that were."""
    for number, remains in redacted.items():
        before, row = log.around(number)
        if row[1] is None:
            raise ValueError(f"record {number} was pruned before")
        log.execute("DELETE FROM texts WHERE number = ?", number)
        log.execute("DELETE FROM records WHERE number = ?", number)
        log.execute(_INSERT, *tombstone(before, number, number, row[5], remains))
    return len(redacted)


def _prune(log: ChainedLog, last_of_all: int, gone: Sequence[int]) -> int:
    """Put tombstones in the place of runs of records; return how many records were there."""
    pruned = 0
    for first, last in _runs(gone):
        before, start = log.around(first)
        _, stop = log.around(last)
        before, first, last, chain = _widen(log, last_of_all, before, first_of(start), stop[0], stop[5])
        within = "WHERE number BETWEEN ? AND ?"
        log.execute(f"DELETE FROM texts {within}", first, last)
        pruned += log.execute(f"DELETE FROM records {within} AND kind IS NOT NULL", first, last)
        log.execute(f"DELETE FROM records {within}", first, last)
        log.execute(_INSERT, *tombstone(before, first, last, chain))
    return pruned


def _widen(
    log: ChainedLog, last_of_all: int, before: bytes, first: int, last: int, chain: bytes
) -> tuple[bytes, int, int, bytes]:
    """Return a run together with the pruned runs that touch it."""
    if first > 1:
        earlier_before, earlier = log.around(first - 1)
        if is_bare(earlier):
            before, first = earlier_before, first_of(earlier)
    if last < last_of_all:
        _, later = log.around(last + 1)
        if is_bare(later):
            last, chain = later[0], later[5]
    return before, first, last, chain


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield maximal runs (first, last) of ascending numbers."""
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last
