"""docs/operations.md and docs/http-api.md cannot fall behind: every setting, metric and route is there."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.exact_detector import Service
from wirecopy.config import Config
from wirecopy.detector.detector import Detector
from wirecopy.web import routes
from wirecopy.web.http import problems

DOCS = Path(__file__).parent.parent.parent / "docs"
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
API = (DOCS / "http-api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("section", ["service", "web", "auth", "webhooks", "page"])
def test_every_setting_of_the_service_is_in_the_table_with_its_default(section: str) -> None:
    for name, value in msgspec.to_builtins(Config())[section].items():
        [(shown, _)] = re.findall(rf"^\| `{section}\.{name}` \| (.*?) \| (.*)\|$", OPERATIONS, re.MULTILINE)
        expected = "none" if value == [] else f"{value:g}" if isinstance(value, float) else str(value).lower()
        assert shown == expected, f"{section}.{name}"


def test_the_table_has_no_setting_that_is_gone() -> None:
    settings = msgspec.to_builtins(Config())
    for section, name in re.findall(r"^\| `(service|web|auth|webhooks|page)\.(\w+)`", OPERATIONS, re.MULTILINE):
        assert name in settings[section]


def test_every_metric_is_in_the_table(service: Service) -> None:
    with service.client() as client:
        text = client.get("/metrics").text
    for name, kind in re.findall(r"^# TYPE (wirecopy_\w+) (\w+)$", text, re.MULTILINE):
        if kind != "gauge" or name.removeprefix("wirecopy_") not in service.detector.gauges():
            assert name.removesuffix("_created") in OPERATIONS, name


def test_every_gauge_of_the_detector_is_in_the_table() -> None:
    for name in Detector(Config()).gauges():
        assert re.search(rf"`wirecopy_{name}(_total)?`", OPERATIONS), name


def test_every_route_and_status_is_described() -> None:
    for route in routes.ROUTES:
        for method in route.handlers:
            assert f"{method} {route.template}" in API, route
    for kind in problems.KINDS.values():
        assert re.search(rf"^\|.*\b{kind.status}\b.*\|$", API, re.MULTILINE), kind
