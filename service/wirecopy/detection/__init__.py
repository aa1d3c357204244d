"""Detection: arrays in, arrays out. Pure: it imports nothing of ours, reads no file, knows no clock and no thread.

In the order in which a text passes through:

- `words/`: text to trace, how rare its words are, its keys
- `index/`: keys to candidates within the window
- `evidence/`: candidates to matches, and why
- `grouping/`: matches to stories
- `kernels/`: the compiled loops of all of them
"""
