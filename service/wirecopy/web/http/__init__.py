"""HTTP itself, whatever the route: reading requests, writing answers, refusing both.

- `call`: one request with what its handler may ask
- `body`, `decompression`, `ndjson`, `queries`: what requests bring
- `replies`, `problems`, `answer_spool`: what answers hold
- `access`: keys and rates
"""
