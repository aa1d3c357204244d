"""Matches to stories.

Read in this order:

- `stories`: average linkage over verified matches: who joins, what merges, what parts
- `mixtures`: texts made of two stories, which do not make the two one
- `links`: the evidence between pairs that were compared
- `membership`: who is in which story
- `pins`: what people said belongs together or apart
- `packed_rows`: rows that are seldom asked for, in few bytes
"""
