"""The index file: titles and texts by their words, articles by source, language and day, events by story.

    words      FTS5 without content: only which words stand where; `marks` are an article's source and language
    articles   what they are removed by: the text once more, compressed; and what is filtered by
    events     what became of a story, by its id
    reached    the number and the moment of the last event that is in the file

One connection writes, in whatever thread; others read, each its own. What is removed is overwritten (`secure_delete`);
what FTS5 still holds of it in older parts of its index goes with `purge`, which merges these.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh3_64_hexdigest
from zstandard import ZstdCompressor, ZstdDecompressor

from wirecopy.schema.answers import Milliseconds
from wirecopy.schema.events import Event
from wirecopy.schema.listing import Document
from wirecopy.web.search.terms import indexed, question

_VERSION = 1
_DAY = 86_400_000
_SCHEMA = """
CREATE TABLE articles (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT, language TEXT, day INTEGER NOT NULL,
    title BLOB, text BLOB
);
CREATE INDEX of_language ON articles (language);
CREATE INDEX of_day ON articles (day, number);
CREATE TABLE events (story TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL, article TEXT,
    other TEXT, PRIMARY KEY (story, seq)) WITHOUT ROWID;
CREATE TABLE reached (seq INTEGER NOT NULL, at INTEGER NOT NULL);
INSERT INTO reached VALUES (0, 0);
CREATE VIRTUAL TABLE words USING fts5(
    title, text, marks, content='', tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
"""


NAME = "search.sqlite3"
Failure = sqlite3.Error  # what the methods of a file raise when the disk or the file is in the way


def is_damage(error: Exception) -> bool:
    """Return whether a failure says that the file is no database any more, rather than that the disk is full, say."""
    return type(error) is sqlite3.DatabaseError


def remove(folder: Path) -> None:
    """Remove the file of a folder, if there is one; nobody may have it open."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{NAME}{suffix}").unlink(missing_ok=True)


class Place(NamedTuple):
    """The last event that is in the file: its number, and when it was told."""

    seq: int
    at: int


class Hit(NamedTuple):
    """An article that was found; `number` is its place among all, later ones have higher numbers."""

    number: int
    id: str


class Wanted(NamedTuple):
    """What is looked for: words, and what the article must be besides; moments in milliseconds since 1970."""

    words: str = ""
    sources: tuple[str, ...] = ()
    language: str | None = None
    since: int | None = None
    until: int | None = None


class IndexFile:
    """The file, open for one writer and any number of readers."""

    def __init__(self, path: Path) -> None:
        """Go on where the file ends; one that is damaged, or of another version, is made anew, empty."""
        self._path = path
        self._writing = threading.Lock()
        self._readers = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._generation = 0
        self._begin()

    @property
    def place(self) -> Place:
        """How far the file is."""
        with self._writing:
            return Place(*self._writer.execute("SELECT seq, at FROM reached").fetchone())

    def start_anew(self) -> None:
        """Put a new file, empty, in the place of one that is damaged; who reads the old one ends with that."""
        with self._writing:
            self._writer.close()
            self._remove()
            self._generation += 1
            self._begin()

    def start_over(self) -> None:
        """Empty the file: it is to be filled from the first event on."""
        with self._writing, self._writer:  # others may be reading: the file itself stays
            self._writer.execute("INSERT INTO words (words) VALUES ('delete-all')")
            self._writer.execute("DELETE FROM articles")
            self._writer.execute("DELETE FROM events")
            self._writer.execute("UPDATE reached SET seq = 0, at = 0")

    def apply(self, events: Sequence[Event[Milliseconds]], found: Sequence[Document], gone: Iterable[str] = ()) -> None:
        """Take up events that follow those in the file, their articles as they are now, and which of them are gone."""
        if not events:
            return
        with self._writing, self._writer:
            self._remove_articles(gone)
            self._put(found)
            self._writer.executemany("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?)", _rows(events))
            self._writer.execute("UPDATE reached SET seq = ?, at = ?", (events[-1].seq, events[-1].at))

    def forget(self, article_id: str) -> None:
        """Take an article out: nothing finds it from here on."""
        with self._writing, self._writer:
            self._remove_articles([article_id])

    def purge(self) -> None:
        """Leave no word of what was removed in the file; take seconds where it holds a hundred thousand articles."""
        with self._writing:
            with self._writer:
                self._writer.execute("INSERT INTO words (words) VALUES ('optimize')")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def find(self, wanted: Wanted, limit: int, before: int | None = None) -> list[Hit]:
        """Return at most `limit` articles, the newest first, with numbers below `before`; none for words of nothing."""
        table, clauses, values = _conditions(wanted)
        if table is None:
            return []
        place = "number" if table == "articles" else "words.rowid"
        if before is not None:
            clauses.append(f"{place} < ?")
            values.append(before)
        for bound, function, comparison in ((wanted.since, "min", ">="), (wanted.until, "max", "<=")):
            if bound is None:
                continue
            # numbers ascend with the days, but for what was embargoed; the plus has the index of days looked at
            query = f"SELECT {function}(+number) FROM articles WHERE day {comparison} ?"
            (number,) = self._reader().execute(query, (bound // _DAY,)).fetchone()
            if number is None:
                return []
            clauses.append(f"{place} {comparison} ?")
            values.append(number)
        query = f"SELECT number, id FROM {table} WHERE {' AND '.join(clauses)} ORDER BY {place} DESC LIMIT ?"
        return [Hit(*row) for row in self._reader().execute(query, (*values, limit))]

    def later_hits(self, wanted: Wanted, ids: Sequence[str], number: int) -> bool:
        """Return whether one of these articles is found too, at `number` or later."""
        chosen = self._numbers(ids[:500], number)
        if not chosen:
            return False
        table, clauses, values = _conditions(wanted)
        if table is None:
            return False
        clauses.append(f"number IN ({','.join('?' * len(chosen))})")
        query = f"SELECT 1 FROM {table} WHERE {' AND '.join(clauses)} LIMIT 1"
        return self._reader().execute(query, (*values, *chosen)).fetchone() is not None

    def life(self, story: str, limit: int) -> list[Event[Milliseconds]]:
        """Return the newest events of a story, at most `limit`, in order."""
        query = "SELECT seq, type, at, story, article, other FROM events WHERE story = ? ORDER BY seq DESC LIMIT ?"
        return [Event(*row) for row in self._reader().execute(query, (story, limit))][::-1]

    def volume(self, since: int) -> list[tuple[int, int]]:
        """Return (midnight in UTC, articles) of each day on which some came, from a moment on."""
        rows = self._reader().execute(
            "SELECT day, count(*) FROM articles WHERE day >= ? GROUP BY day ORDER BY day", (since // _DAY,)
        )
        return [(day * _DAY, count) for day, count in rows]

    def languages(self) -> list[str]:
        """Return the languages that articles have, by name."""
        rows = self._reader().execute("SELECT DISTINCT language FROM articles WHERE language IS NOT NULL ORDER BY 1")
        return [language for (language,) in rows]

    def close(self) -> None:
        """Close the file; nobody may be reading any more."""
        with self._writing:
            self._close()

    def _begin(self) -> None:
        try:
            self._writer = self._connect()
            is_ours = self._writer.execute("PRAGMA user_version").fetchone()[0] == _VERSION
            if is_ours:
                self._writer.execute("SELECT seq, at FROM reached").fetchone()
        except sqlite3.DatabaseError:
            is_ours = False
        if not is_ours:
            self._close()
            self._remove()
            self._writer = self._connect()
            self._writer.executescript(_SCHEMA)
            self._writer.execute(f"PRAGMA user_version = {_VERSION}")
            self._writer.commit()

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=10.0, check_same_thread=False)
        self._open.append(connection)
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON", "cache_size = -16000"):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _reader(self) -> sqlite3.Connection:
        """Return the connection of this thread."""
        own: tuple[int, sqlite3.Connection] | None = getattr(self._readers, "own", None)
        if own is None or own[0] != self._generation:
            own = self._readers.own = self._generation, self._connect()
        return own[1]

    def _close(self) -> None:
        for connection in self._open:
            with closing(connection):
                pass
        self._open = []

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _put(self, found: Iterable[Document]) -> None:
        compress = ZstdCompressor(level=1).compress
        for document in found:
            title, text = indexed(document.title or ""), indexed(document.text or "")
            row = document.source, document.language, document.first_seen // _DAY
            packed = compress(title.encode()), compress(text.encode())
            number = self._remove_words(document.id)
            if number is None:
                number = self._writer.execute(
                    "INSERT INTO articles (id, source, language, day, title, text) VALUES (?, ?, ?, ?, ?, ?)",
                    (document.id, *row, *packed),
                ).lastrowid
            else:
                self._writer.execute(
                    "UPDATE articles SET source = ?, language = ?, day = ?, title = ?, text = ? WHERE number = ?",
                    (*row, *packed, number),
                )
            marks = _marks(document.source, document.language)
            self._writer.execute(
                "INSERT INTO words (rowid, title, text, marks) VALUES (?, ?, ?, ?)", (number, title, text, marks)
            )

    def _remove_articles(self, ids: Iterable[str]) -> None:
        for article_id in ids:
            number = self._remove_words(article_id)
            if number is not None:
                self._writer.execute("DELETE FROM articles WHERE number = ?", (number,))

    def _remove_words(self, article_id: str) -> int | None:
        """Take out what an article is found by; return its number, None when it is not there."""
        query = "SELECT number, title, text, source, language FROM articles WHERE id = ?"
        row = self._writer.execute(query, (article_id,)).fetchone()
        if row is None:
            return None
        decompress = ZstdDecompressor().decompress
        title, text = (decompress(part).decode() for part in row[1:3])
        self._writer.execute(
            "INSERT INTO words (words, rowid, title, text, marks) VALUES ('delete', ?, ?, ?, ?)",
            (row[0], title, text, _marks(*row[3:])),
        )
        number: int = row[0]
        return number

    def _numbers(self, ids: Sequence[str], least: int) -> list[int]:
        query = f"SELECT number FROM articles WHERE id IN ({','.join('?' * len(ids))}) AND number >= ?"
        return [number for (number,) in self._reader().execute(query, (*ids, least))]


def _conditions(wanted: Wanted) -> tuple[str | None, list[str], list[object]]:
    """Return the table that is looked in, None where nothing can be found; conditions, and their values."""
    clauses, values = ["1"], list[object]()
    if wanted.since is not None:
        clauses.append("day >= ?")
        values.append(wanted.since // _DAY)
    if wanted.until is not None:
        clauses.append("day <= ?")
        values.append(wanted.until // _DAY)
    marks = [f"({' OR '.join(_source_mark(source) for source in wanted.sources)})"] if wanted.sources else []
    if wanted.language is not None:
        marks.append(_language_mark(wanted.language))
    if not wanted.words.strip() and not marks:
        return "articles", clauses, values
    asked = question(wanted.words) if wanted.words.strip() else None
    if wanted.words.strip() and asked is None:
        return None, [], []
    parts = [f"{{title text}} : ({asked})"] if asked else []
    parts += [f"marks : ({' AND '.join(marks)})"] if marks else []
    clauses.insert(0, "words MATCH ?")
    return "words JOIN articles ON articles.number = words.rowid", clauses, [" AND ".join(parts), *values]


def _source_mark(source: str) -> str:
    return "s" + xxh3_64_hexdigest(source.encode())


def _language_mark(language: str) -> str:
    return "l" + xxh3_64_hexdigest(language.lower().encode())


def _marks(source: str | None, language: str | None) -> str:
    """Return what an article is found by besides its words."""
    marks = [_source_mark(source)] if source else []
    return " ".join([*marks, _language_mark(language)] if language else marks)


def _rows(events: Iterable[Event[Milliseconds]]) -> list[tuple[object, ...]]:
    """Return what is kept of events: under their own story, and under the other one that they name."""
    rows: list[tuple[object, ...]] = []
    for event in events:
        rows.append((event.story, event.seq, event.type, event.at, event.article, event.other))
        if event.other is not None:
            rows.append((event.other, event.seq, event.type, event.at, event.article, event.story))
    return rows
