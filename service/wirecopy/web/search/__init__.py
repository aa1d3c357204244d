"""Search: which articles hold some words, and what became of a story, from a file that is derived from the feed.

- `terms`: what a text and what a question are cut into; scripts without spaces as pairs of characters
- `index_file`: the file, an SQLite database with FTS5; lost or damaged, it is made again from the feed

Nothing that is acknowledged depends on it: it runs behind the feed, and says how far it is.
"""
