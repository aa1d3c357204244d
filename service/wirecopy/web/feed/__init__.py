"""Who follows the stories: event streams and webhooks.

- `following`: followers and how far each has read
- `webhooks`: deliveries, retried until they arrive
- `targets`: the addresses that webhooks may be sent to
"""
