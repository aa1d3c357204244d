"""Matches to stories.

Read in this order:

- `stories`: average linkage over verified matches: who joins, what merges, what parts
- `links`: the evidence between pairs that were compared
- `membership`: who is in which story
- `pins`: what people said belongs together or apart
- `packed_rows`: rows that are seldom asked for, in few bytes
"""
