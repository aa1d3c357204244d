"""Tell the supervisor that started the service how far it is: sd_notify of systemd, without its library.

A datagram to the socket in NOTIFY_SOCKET; where there is none, nothing is told. See sd_notify(3).
"""

import os
import socket

_MORE_TIME = 120_000_000  # microseconds until the next word is due


def tell_ready() -> None:
    """Say that articles are taken."""
    _send("READY=1\nSTATUS=takes articles")


def tell_loading(doing: str) -> None:
    """Say what a start that goes on is doing, and ask for more time."""
    _send(f"STATUS={doing}\nEXTEND_TIMEOUT_USEC={_MORE_TIME}")


def tell_stopping() -> None:
    """Say that no new work is taken."""
    _send("STOPPING=1\nSTATUS=stopping")


def _send(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return  # a supervisor that does not listen must not keep the service from its work
