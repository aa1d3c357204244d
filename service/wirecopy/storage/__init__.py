"""SQLite behind three verbs: open (replay), append (one commit per batch), close. Imports only `errors` of ours."""

from wirecopy.storage.checking import Report, find_place, holds_articles, verify
from wirecopy.storage.compacting import compact, open_any
from wirecopy.storage.copying import backup, copy, restore
from wirecopy.storage.pipeline import Pipeline
from wirecopy.storage.replacing import replacing
from wirecopy.storage.rows import Entry, Record, Remains
from wirecopy.storage.snapshot import Snapshot
from wirecopy.storage.store import Compaction, Store

__all__ = [
    "Compaction",
    "Entry",
    "Pipeline",
    "Record",
    "Remains",
    "Report",
    "Snapshot",
    "Store",
    "backup",
    "compact",
    "copy",
    "find_place",
    "holds_articles",
    "open_any",
    "replacing",
    "restore",
    "verify",
]
