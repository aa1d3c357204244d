"""The page: what an editor sees of stories, side by side, and does to them. One file a subject.

- `table`: which handler answers which path; each path has its JSON too
- `rendering`: from what a handler found to HTML or JSON; `strings` and english.toml: every word of it
- `stories`, `articles`, `comparing`, `sources`, `feed`, `acting`, `entering`: the handlers
- `rows`, `sentences`, `pictures`: two texts aligned, figures in words, figures drawn
"""
