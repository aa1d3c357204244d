"""The desk: what the page remembers between two requests, for all who look at it.

- `rankings`: to which stories most articles came lately
- `live`: what is new, put together once a second for every open page
- `desk`: both, and the sessions of those who signed in
"""
