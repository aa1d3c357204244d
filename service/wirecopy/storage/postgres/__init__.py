"""PostgreSQL behind the same verbs. Needs the extra `postgres`.

- `address`: how a database is named; the only module that does without the driver
- `session`: one connection, its settings, its failures in our words, the lock of the one that writes
- `log`: reading, checked as in a folder
- `store`: open, append, close
- `snapshot`: everything as it is at one moment, and what comes after it
- `copying`: verify, backup, restore, replace
"""
