"""HTTP: one event loop that parses and answers, beside the one thread that owns the detector.

- `serve`: start, readiness, stop
- `app`: the way of a request, from headers to the log line
- `routes`: which path leads to which handler
- `connections`: how many, how slow
- `owner`: the thread that owns the detector, and the queues before it
- `metrics`, `log`: what operators see
- `handlers/`, `http/`, `feed/`, `docs/`: the rooms behind
"""
