"""A whole run over files, and models from labelled pairs.

- `run`: read, look ahead, decide, and the state at the end
- `selection`: which articles of a run are new, known from before, or there twice
- `resume`: what a run starts from, and what it writes down to be gone on with
- `prefetch`: prefetch an iterable in a background thread
- `apart`: large files, read by a process of its own
- `labels`: labelled pairs and their articles as features
- `tune`: labelled pairs to a model, with the figures by which to trust it
"""
