"""Reading the log over one session; everything that is read is checked, as in a folder."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from wirecopy import errors
from wirecopy.storage.chained import ChainedLog, checked_about
from wirecopy.storage.postgres.address import Address
from wirecopy.storage.postgres.session import PostgresSession, failures_of
from wirecopy.storage.rows import FORMAT, About

_PAGE = 1000  # rows that are asked for at once: 2.5 MB

# As in a folder; ids are bytes, since PostgreSQL's text takes no NUL. `writer`: who may append, where the log ends.
SCHEMA = (
    "CREATE TABLE about (only_one integer PRIMARY KEY CHECK (only_one = 1), format bigint NOT NULL, identity bytea NOT"
    " NULL, scheme text NOT NULL, pruned bigint NOT NULL, seal bytea NOT NULL)",
    "CREATE TABLE records (number bigint PRIMARY KEY, kind bigint, id bytea, payload bytea NOT NULL, text_digest bytea,"
    " chain bytea NOT NULL)",
    "CREATE TABLE texts (number bigint PRIMARY KEY, body bytea NOT NULL)",
    "CREATE TABLE writer (only_one integer PRIMARY KEY CHECK (only_one = 1), token bytea NOT NULL, url text, number"
    " bigint NOT NULL, chain bytea NOT NULL, pruned bigint NOT NULL) WITH (fillfactor = 10)",
    # They are compressed already, or as dense as hashes are: trying again costs time and gains nothing.
    "ALTER TABLE records ALTER COLUMN payload SET STORAGE EXTERNAL",
    "ALTER TABLE texts ALTER COLUMN body SET STORAGE EXTERNAL",
)


class PostgresLog(ChainedLog):
    """The records and texts in one schema of a database, through a session that it owns."""

    def __init__(self, session: PostgresSession, about: About) -> None:
        self.session = session
        self.about = about

    @classmethod
    def open(cls, address: Address, session: PostgresSession | None = None) -> "PostgresLog":
        """Raise StorageFailed where there is no log or nobody answers, Damaged, NewerFormat."""
        session = session or PostgresSession.open(address)
        try:
            _refuse_nothing(session)
            return cls(session, _read_about(session))
        except BaseException:
            session.close()
            raise

    @property
    def name(self) -> str:
        return str(self.session.address)

    def close(self) -> None:
        self.session.close()

    def freeze(self) -> None:
        self.session.run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self._look_again()

    def execute(self, query: str, *values: Any) -> int:
        values = tuple(value.encode() if isinstance(value, str) else value for value in values)
        return self.session.change(query.replace("?", "%s"), *values)

    def check_structure(self) -> list[str]:
        query = (
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid "
            "WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid"
        )
        return [f"the index {name} is not valid" for (name,) in self.session.rows(query)]

    def failures(self) -> AbstractContextManager[None]:
        return failures_of(self.session.address)

    def _query(self, query: str, *values: int) -> list[Any]:
        return self.session.rows(query.replace("?", "%s::bigint"), *values)

    def _stream(self, columns: str, source: str, after: int) -> Iterator[Any]:
        query = f"SELECT {columns} FROM {source} WHERE records.number > ? ORDER BY records.number LIMIT {_PAGE}"
        while found := self._query(query, after):
            yield from found
            after = found[-1][0]

    def _look_again(self) -> None:
        self.about = _read_about(self.session)


def is_there(session: PostgresSession) -> bool:
    """Return whether the schema of a session holds a log, however empty that is."""
    query = "SELECT to_regclass(%s)::text, to_regclass(%s)::text"
    schema = session.address.schema
    found: bool = session.rows(query, f'"{schema}".about', f'"{schema}".records')[0] != (None, None)
    return found


def _refuse_nothing(session: PostgresSession) -> None:
    if not is_there(session):
        raise errors.StorageFailed(f"{session.address} holds no stored articles")


def _read_about(session: PostgresSession) -> About:
    found = session.rows("SELECT format, identity, convert_to(scheme, 'UTF8'), pruned, seal FROM about")
    return checked_about(found[0] if found else None, str(session.address), FORMAT)
