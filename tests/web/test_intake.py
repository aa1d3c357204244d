"""Over HTTP the same tolerance as everywhere: names of others, paths, zones, and fields that cannot be read."""

import json

import pytest

from tests.conftest import RunService
from tests.exact_detector import Service, wait_until
from wirecopy.config import Config, Intake
from wirecopy.errors import ConfigError
from wirecopy.schema.dates import format_published

LINES = {"Content-Type": "application/x-ndjson"}


def test_a_field_that_cannot_be_read_is_left_out_and_the_answer_says_so(service: Service) -> None:
    with service.client() as client:
        answer = client.put("/v1/articles/a", json={"text": "Text.", "title": 3, "published": "später"})
        assert answer.status_code == 201
        assert "title must be a string, not a number" in answer.headers["Wirecopy-Warning"]
        assert "sp%C3%A4ter" in answer.headers["Wirecopy-Warning"]
        assert "Wirecopy-Warning" not in client.put("/v1/articles/b", json={"text": "Text."}).headers
    assert service.detector.articles["a"][0].title is None
    wait_until(lambda: [line for line in service.log() if line.get("left_out")])
    assert [line["left_out"] for line in service.log() if line.get("left_out")] == [2]


def test_a_bulk_line_names_what_was_left_out(service: Service) -> None:
    lines = b"".join(
        json.dumps({"id": id, "text": "T.", "url": url}).encode() + b"\n" for id, url in (("a", 1), (2, "u"))
    )
    with service.client() as client:
        answer = client.post("/v1/bulk", content=lines, headers=LINES)
    first, second = map(json.loads, answer.text.splitlines())
    assert first["warnings"] == ["url must be a string, not a number"]
    assert (second["id"], "warnings" in second) == ("2", False)
    assert answer.headers["Wirecopy-Fields-Left-Out"] == "1"


def test_names_of_others_paths_and_a_zone_are_set(run_service: RunService) -> None:
    settings = Intake(map={"source": "meta.origin", "text": "parts.0"}, zone="Europe/Berlin")
    service = run_service(Config(intake=settings))
    body = {"headline": "H", "parts": ["Text."], "meta": {"origin": "Post"}, "date": "2024-08-12 11:30"}
    with service.client() as client:
        assert client.put("/v1/articles/a", json=body).status_code == 201
    article = service.detector.articles["a"][0]
    assert (article.title, article.text, article.source) == ("H", "Text.", "Post")
    assert format_published(article.published) == "2024-08-12T09:30:00Z"


@pytest.mark.parametrize(
    ("settings", "path"),
    [(Intake(map={"txt": "body"}), "intake.map"), (Intake(zone="Atlantis"), "intake.zone")],
)
def test_settings_that_name_nothing_are_refused(run_service: RunService, settings: Intake, path: str) -> None:
    from wirecopy.schema.intake import IntakeParser

    with pytest.raises(ConfigError) as refused:
        IntakeParser.of(Config().limits, settings)
    assert refused.value.path == path
