"""Connections to a running service.

- `client`: `Client` and `AsyncClient`; `editing`: what editors do; `connection`: how a service is reached
- `calls`: what is said over them
- `pauses`: how long everything here waits before it tries again
- `push`: send files, resumable
- `connectors/`: feed a service from a stream, or a stream from a service
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wirecopy.client.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    """Load a client when it is asked for: it brings an HTTP library."""
    if name not in __all__:
        raise AttributeError(f"module 'wirecopy.client' has no attribute {name!r}")
    from wirecopy.client import client

    return getattr(client, name)
