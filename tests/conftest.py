"""Fixtures that several files of tests share."""

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.exact_detector import Service, serving
from wirecopy.config import Config

RunService = Callable[..., Service]


@pytest.fixture(autouse=True)
def _keep_signal_handlers() -> Iterator[None]:
    """Commands that run in the tests' own process leave no handler behind."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def run_service() -> Iterator[RunService]:
    """Starts services: run_service(config, detector=...); all are stopped after the test."""
    with ExitStack() as stack:

        def run(config: Config | None = None, **options: Any) -> Service:
            log_file = stack.enter_context(tempfile.TemporaryFile())
            return stack.enter_context(serving(config or Config(), log_file, **options))

        yield run


@pytest.fixture
def service(run_service: RunService) -> Service:
    """A service with the packaged defaults."""
    return run_service()
