"""From stored records back to a state.

- `replay`: the records of a store in order, in batches
- `outline`: what a store of any scheme says without its keys and traces
- `rebuild`: a new database from the kept texts of an old one
"""
