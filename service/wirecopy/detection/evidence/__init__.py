"""Whether two texts share a source, how sure that is, and why.

Read in this order:

- `model`: features to log-odds, log-odds to relation
- `alignment`: the shared passages of two texts, side by side
- `fitting`: the weights of a model from labelled pairs
"""
