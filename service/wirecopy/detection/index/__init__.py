"""Which articles are worth comparing: everything that is looked up by key, within the window of time.

Read in this order:

- `contents`: what the window holds: traces, keys, counts, by number
- `window`: the articles that can still be matched, and their candidates block by block
- `index`: the buckets: which articles share a key
- `traces`: the traces of the articles in the window; `sizes`: how long each is, and its title
- `passages`: what sources repeat, counted by passage
- `reserved`: memory that is reserved at full size and used page by page
"""
