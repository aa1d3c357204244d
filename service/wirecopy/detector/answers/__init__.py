"""What callers are told of what is remembered.

- `views`: articles and stories as callers see them
- `sources`: what is counted of sources: copies, by whom, from whom
- `boilerplate`: what sources repeat
- `revisions`: what changed between two revisions
- `explain`: why two texts match
"""
