"""A PostgreSQL of a test's own, where one is installed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import postgres
from bench.postgres import PostgresServer

__all__ = ["PostgresServer", "running"]


@contextmanager
def running(*options: str) -> Iterator[PostgresServer]:
    """A server while the block lasts; the test is skipped where none is installed."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed: pip install 'wirecopy[postgres]'")
    if postgres.binary("initdb") is None or postgres.binary("postgres") is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    with postgres.running(*options) as server:
        yield server
