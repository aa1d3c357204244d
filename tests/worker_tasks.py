"""Work for the process of `wirecopy.web.worker`, which imports this file and nothing that is large."""

import os
import signal

from wirecopy.errors import InvalidArticle


def double(number: int) -> int:
    return 2 * number


def refuse(what: str) -> None:
    raise InvalidArticle(what)


def fail() -> None:
    raise ZeroDivisionError


def spin() -> None:
    while True:
        pass


def grow() -> int:
    return len(bytes(10**9))


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def own_process() -> int:
    return os.getpid()
