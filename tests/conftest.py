"""Fixtures that several files of tests share."""

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.exact_detector import Service, serving
from wirecopy.config import Config
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.storage import Store

RunService = Callable[..., Service]
Stored = Callable[..., Service]


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


@pytest.fixture
def stored(run_service: RunService, tmp_path: Path) -> Stored:
    """Starts services with the real Detector: stored(config), on the same data each time."""

    def start(config: Config | None = None) -> Service:
        settings = config or Config()
        service = run_service(
            settings, open_detector=lambda: Detector(settings, Store.open(tmp_path / "data", scheme=SCHEME))
        )
        service.wait_ready()
        return service

    return start
