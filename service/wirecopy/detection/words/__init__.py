"""From a text to its trace, and from a trace to its keys.

Read in this order:

- `spellings`: rewrite what only its context can spell
- `text`: fold a text and hash its words: one number a word, the trace
- `repeats`: keep once what stands twice in an article
- `rarity`: how rare each word is, from the shipped prior and from the stream
- `sketch`: the trace and keys of a text by itself
- `credits`: whom a text names as its source; `credit_names`, by which names; `credit_places`, where that is no mention
- `minhash`: signatures that users of datasketch can go on with
"""
