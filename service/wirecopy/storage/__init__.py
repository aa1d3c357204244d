"""What is stored, behind three verbs: open (replay), append (one commit per batch), close.

- `opening`: by the name of a place, the folder or the database; everything that others ask for
- `verbs`: what a store does, whatever is behind it; `pipeline`: one that is written by a thread of its own
- `rows`, `chained`, `changes`: what a record is, how a log is checked as it is read, what an append changes
- `store`, `log`, `place`, `wal`, `marks`, `checking`, `copying`, `replacing`, `compacting`, `migration`: a folder
- `postgres`: a database of PostgreSQL
"""

from wirecopy.storage.checking import Report
from wirecopy.storage.opening import (
    Where,
    backup,
    compact,
    copy,
    holds_articles,
    open_any,
    open_followed,
    open_snapshot,
    open_store,
    refuse_nothing,
    restore,
    verify,
    where,
)
from wirecopy.storage.opening import replacing_of as replacing
from wirecopy.storage.pipeline import Pipeline
from wirecopy.storage.rows import Entry, Record, Remains, Row
from wirecopy.storage.snapshot import Snapshot
from wirecopy.storage.store import Store
from wirecopy.storage.verbs import Compaction, Reading, Writing

__all__ = [
    "Compaction",
    "Entry",
    "Pipeline",
    "Reading",
    "Record",
    "Remains",
    "Report",
    "Row",
    "Snapshot",
    "Store",
    "Where",
    "Writing",
    "backup",
    "compact",
    "copy",
    "holds_articles",
    "open_any",
    "open_followed",
    "open_snapshot",
    "open_store",
    "refuse_nothing",
    "replacing",
    "restore",
    "verify",
    "where",
]
