"""Whether two texts share a source, how sure that is, and why.

Read in this order:

- `model`: features to log-odds, log-odds to relation
- `stubs`: equal notices under headlines of different articles, which are no evidence
- `mixture`: whether a text is partly one of two others and partly the other
- `alignment`: the shared passages of two texts, side by side
- `fitting`: the weights of a model from labelled pairs
"""
