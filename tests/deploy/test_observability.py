"""What operators look at: every metric that the dashboard and the alerts ask for is one that the service shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from tests.conftest import Stored
from wirecopy import Article, Client

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
DASHBOARD = DEPLOY / "grafana" / "wirecopy.json"
RULES = DEPLOY / "prometheus" / "wirecopy.rules.yaml"
NAME = re.compile(r"\b(?:wirecopy|process)_[a-z_]+")


def names_in(text: str) -> set[str]:
    """The names of all samples, and of what has no samples yet."""
    lines = text.splitlines()
    samples = {re.split(r"[ {]", line)[0] for line in lines if not line.startswith("#")}
    return samples | {line.split(" ")[2] for line in lines if line.startswith("# TYPE ")}


@pytest.fixture
def metrics(stored: Stored) -> set[str]:
    service = stored()
    with Client(service.url) as client:
        client.put_article(Article("a", "The harbour bridge was closed to all traffic on Monday, the port said."))
        return names_in(client.metrics())


def asked_by_the_dashboard() -> set[str]:
    panels = json.loads(DASHBOARD.read_bytes())["panels"]
    return {name for panel in panels for target in panel.get("targets", ()) for name in NAME.findall(target["expr"])}


def asked_by_the_rules() -> set[str]:
    groups = yaml.safe_load(RULES.read_bytes())["groups"]
    return {name for group in groups for rule in group["rules"] for name in NAME.findall(rule["expr"])}


def test_every_metric_of_the_dashboard_and_the_alerts_exists(metrics: set[str]) -> None:
    asked = asked_by_the_dashboard() | asked_by_the_rules()
    assert len(asked) > 20
    assert asked - metrics == set()


def test_every_panel_has_a_place_of_its_own_and_a_question() -> None:
    panels = json.loads(DASHBOARD.read_bytes())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        squares = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not taken & squares, panel["title"]
        assert max(x for x, _ in squares) < 24
        assert panel["type"] == "row" or panel["targets"], panel["title"]
        taken |= squares
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_prometheus_takes_the_alerts() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed here")
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_counters_are_counters_and_no_sample_is_there_twice(stored: Stored) -> None:
    text = httpx.get(f"{stored().url}/metrics").text
    assert "# TYPE wirecopy_merged_stories_total counter" in text
    assert "_created" not in text
    assert re.search(r'^wirecopy_build_info\{version="[0-9.]+"\} 1.0$', text, re.MULTILINE)
