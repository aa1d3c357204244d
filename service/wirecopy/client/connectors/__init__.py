"""Streams in and out: messages of a broker become articles, and events of the feed become messages.

Read in this order:

- `ends`: what an inlet and an outlet promise, and the addresses that name them
- `follow`: take messages, have them decided, put what cannot be read aside, acknowledge
- `decide`: who decides: a running service, or a detector of one's own
- `dead_letters`: where messages go that are no articles
- `forward`: the feed of a service into an outlet, from where it was left
- `feeds`: an RSS or Atom feed, asked for at intervals
- `kafka`, `redis_streams`, `nats`, `rabbitmq`: one file a system, inlet and outlet

What is delivered at least once has its effect exactly once: an article that comes again, with the same id and content,
gets the answer that it had. A message is acknowledged only when its article is on disk, or its dead letter is.
"""
