"""SQLite behind three verbs: open (replay), append (one commit per batch), close. Imports only `errors` of ours."""

from wirecopy.storage.checking import Report, verify
from wirecopy.storage.copying import backup, restore
from wirecopy.storage.rows import Entry, Record
from wirecopy.storage.store import Store

__all__ = ["Entry", "Record", "Report", "Store", "backup", "restore", "verify"]
