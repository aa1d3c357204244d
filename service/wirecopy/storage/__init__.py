"""SQLite behind three verbs: open (replay), append (one commit per batch), close. Imports only `errors` of ours."""

from wirecopy.storage.checking import Report, find_place, verify
from wirecopy.storage.copying import backup, copy, restore
from wirecopy.storage.replacing import replacing
from wirecopy.storage.rows import Entry, Record
from wirecopy.storage.snapshot import Snapshot
from wirecopy.storage.store import Store

__all__ = [
    "Entry",
    "Record",
    "Report",
    "Snapshot",
    "Store",
    "backup",
    "copy",
    "find_place",
    "replacing",
    "restore",
    "verify",
]
