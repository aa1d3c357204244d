"""Is what is stored what was written? `verify` reads everything; `inspect` is what every opening does before it writes.

Both only read: a folder that is refused is left as it was found.
"""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from wirecopy import errors
from wirecopy.storage.chained import ChainedLog
from wirecopy.storage.log import End, RecordLog
from wirecopy.storage.marks import UNKNOWN_PIN, Mark, WalState, read_mark
from wirecopy.storage.place import StoreFolder, failures_of, size_of
from wirecopy.storage.rows import BadRow, check_pruned, follow, unpack_text
from wirecopy.storage.wal import is_as_marked

_LOOKS = 5
_MOST_PROBLEMS = 20  # as many as a person reads


class Report(NamedTuple):
    """What reading everything found; nothing is wrong when `problems` is empty."""

    records: int
    pruned: int
    texts: int
    last: int
    problems: tuple[str, ...]


class CheckedDatabase(NamedTuple):
    """A database that may be opened: where it ends, what its write-ahead log must hold, a sentence on what was lost.

    A pin of None: nothing in the log counts, and it is not to be trusted.
    """

    end: End
    pin: WalState | None
    loss: str | None


def verify(folder: Path) -> Report:
    """Read and check everything in a folder, also beside a running service; changes no byte of what is stored.

    Raises StorageFailed when there is nothing to read, NewerFormat, Locked. Damage is reported, not raised.
    """
    place = find_place(folder)
    mark, pin = look(place)
    try:
        log = open_marked(place, pin)
    except errors.Damaged as error:
        return Report(0, 0, 0, 0, (error.finding,))
    with closing(log):
        try:
            log.freeze()
            lost = find_loss(log, mark)
        except errors.Damaged as error:
            lost = error.finding
        report = read_everything(log)
    return report if lost is None else report._replace(problems=(lost, *report.problems))


def find_place(folder: Path) -> StoreFolder:
    """Return a folder in which articles are or were stored, to be read.

    Raises StorageFailed for another, Locked while its database is being replaced.
    """
    place = StoreFolder(Path(folder))
    if place.made.exists():
        raise errors.Locked(
            f"a new database is being put in place in {folder}; if no wirecopy runs there, the next start finishes it"
        )
    if not place.database.exists() and not place.marks.exists():
        raise errors.StorageFailed(f"{folder} holds no stored articles")
    return place


def inspect(place: StoreFolder, scheme: str, *, accept_loss: bool) -> CheckedDatabase:
    """Check a folder that this process has locked, before anything is written to it.

    Raises what `Store.open` raises.
    """
    mark, pin = look(place)
    with closing(open_marked(place, pin)) as log:
        if log.about.scheme != scheme:
            raise errors.OtherScheme(str(place.database), log.about.scheme, scheme)
        loss = find_loss(log, mark)
        if loss is not None and not accept_loss:
            raise errors.TailLost(str(place.database), loss)
        if pin == UNKNOWN_PIN or loss is not None:
            refuse_damage(log)
        return CheckedDatabase(log.end(), pin, loss)


def look(place: StoreFolder) -> tuple[Mark | None, WalState | None]:
    """Return the mark, and the pin that the write-ahead log answers to: UNKNOWN_PIN in doubt, None when nothing in it
    counts.

    To be called before the database is opened: then that is at least as far as the mark. A running service may write
    between our two looks, at the mark and at the log; doubt counts only when it stays.
    """
    for _ in range(_LOOKS):
        mark = read_mark(place.marks)
        with failures_of(place.wal):
            if mark is not None and is_as_marked(place.wal, mark):
                return mark, mark.pin
    return mark, None if mark is not None and mark.settled else UNKNOWN_PIN


def open_marked(place: StoreFolder, pin: WalState | None) -> RecordLog:
    """Return the log of a folder, for reading, as `look` found it; raises Damaged when there is none."""
    if not place.database.exists():
        raise errors.Damaged(str(place.database), "it is missing")
    return RecordLog.open(place.database, mode="main file" if pin is None else "ro")


def find_loss(log: ChainedLog, mark: Mark | None) -> str | None:
    """Return a sentence on what was acknowledged and is missing; None when nothing is."""
    if mark is None:
        return "the commit counter is missing or damaged, so that nobody can tell whether the last records are there"
    end = log.end().number
    if end < mark.number:
        return f"records {end + 1} to {mark.number} were acknowledged and are missing"
    if log.about.pruned < mark.pruned:
        return "records that were pruned are there again"
    if not log.has_chain(mark.number, mark.chain):
        return f"record {mark.number} is not the one that was acknowledged"
    return None


def refuse_damage(log: ChainedLog) -> None:
    """Read everything; raises Damaged with the first thing that is wrong."""
    problems = read_everything(log).problems
    if problems:
        raise errors.Damaged(log.name, problems[0])


def read_everything(log: ChainedLog) -> Report:
    """Return the database's own check of its structure, then every record and every text."""
    problems: list[str] = []
    records = pruned = texts = bodies = last = 0
    before = log.about.genesis()
    try:
        problems += log.check_structure()
        end = log.end().number
        for row, body in log.rows_with_texts():
            bodies += body is not None and row[4] is not None
            try:
                record = follow(before, last + 1, row)
                if record is not None and row[4] is not None:
                    unpack_text(row[0], row[4], body)
                    texts += 1
                records += row[1] is not None
                pruned += 0 if row[1] is not None else row[0] - last
            except BadRow as error:
                problems.append(str(error))
            before, last = row[5], row[0]
            if len(problems) >= _MOST_PROBLEMS:
                break
        else:
            problems += _check_counts(log, last, end, bodies, pruned)
    except errors.Damaged as error:
        problems.append(error.finding)
    return Report(records, pruned, texts, last, tuple(problems[:_MOST_PROBLEMS]))


def _check_counts(log: ChainedLog, last: int, end: int, bodies: int, pruned: int) -> list[str]:
    kept = log.texts()
    problems = []
    if last != end:
        problems.append(f"records {last + 1} to {end} are missing")
    if kept != bodies:
        problems.append(f"{kept - bodies} texts belong to no record")
    try:
        check_pruned(log.about, pruned)
    except BadRow as error:
        problems.append(str(error))
    return problems


def holds_articles(folder: Path) -> bool:
    """Return whether a folder has a database, however empty that is; reads nothing of it."""
    place = StoreFolder(Path(folder))
    return place.database.exists() or place.made.exists()


def holds_anything(place: StoreFolder) -> bool:
    """Return whether a folder holds or held articles: then it is no place for a new database."""
    mark = read_mark(place.marks)
    held_records = place.marks.exists() and (mark is None or mark.number > 0)
    return place.database.exists() or size_of(place.wal) > 0 or held_records
