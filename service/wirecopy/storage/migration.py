"""Databases of older formats become one of today's when they are opened for writing.

A new format adds one function to `MIGRATIONS`, under the number of the format before it. It may change everything but
what each version must find to see what it has before it: `about`, and the records with their chains.
"""

import sqlite3
from collections.abc import Callable

from wirecopy.storage import rows
from wirecopy.storage.log import RecordLog

Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: dict[int, Migration] = {}  # format 1 is the first


def migrate(log: RecordLog) -> None:
    """Bring a database step by step to today's format: all steps or none. The log is one that this process may write.

    A process that dies meanwhile leaves the format that was there.
    """
    about = log.about
    if about.format == rows.FORMAT:
        return
    connection = log.connection
    connection.execute("BEGIN IMMEDIATE")
    try:
        while about.format < rows.FORMAT:
            MIGRATIONS[about.format](connection)
            about = about._replace(format=about.format + 1)
        connection.execute("UPDATE about SET format = ?, seal = ?", (about.format, about.seal()))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    log.about = about
