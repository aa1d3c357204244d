"""/openapi.json describes what the service does, and /docs what /openapi.json says."""

import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Stored
from tests.exact_detector import Service
from wirecopy.config import Auth, Config, Key, Limits
from wirecopy.errors import ArticleError
from wirecopy.schema import article, wire
from wirecopy.schema.intake import IntakeParser
from wirecopy.web import routes
from wirecopy.web.docs import openapi
from wirecopy.web.http import problems

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def schemathesis(service: Service, folder: Path, *options: str) -> None:
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    run = subprocess.run(
        [*command, f"{service.url}/openapi.json", "--checks", CHECKS, "--seed", "1", "--no-color", *options],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_service_does_what_its_description_says(stored: Stored, tmp_path: Path) -> None:
    service = stored()
    with service.client() as client:
        for number in range(3):
            client.put(f"/v1/articles/{number}", json={"text": "The same text.", "published": "2026-03-02"})
    schemathesis(service, tmp_path, "--max-examples", "25")
    assert not [line for line in service.log() if line["event"] != "request"]
    statuses = {(line["path"].split("?")[0], line["status"]) for line in service.log()}
    assert {("/v1/articles", 201), ("/v1/bulk", 200), ("/v1/check", 200), ("/v1/stories", 200)} <= statuses


def test_so_does_a_service_with_keys_with_one_and_without(stored: Stored, tmp_path: Path) -> None:
    key = Key("desk", hashlib.sha256(b"secret").hexdigest())
    service = stored(Config(auth=Auth([key])))
    schemathesis(service, tmp_path, "--phases", "examples,coverage")
    schemathesis(service, tmp_path, "--phases", "examples,coverage", "--header", "Authorization: Bearer secret")


def test_every_route_is_described_and_nothing_else() -> None:
    described = {
        (path, method.upper())
        for path, item in openapi.describe()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == {(route.template, method) for route in routes.ROUTES for method in route.handlers}


def test_the_parameters_of_a_query_are_those_that_a_route_takes() -> None:
    paths = openapi.describe()["paths"]
    for route in routes.ROUTES:
        for method in route.handlers:
            described = paths[route.template][method.lower()].get("parameters", ())
            in_query = {parameter["name"] for parameter in described if parameter["in"] == "query"}
            assert in_query == (route.taken_by(method) or set())
    assert routes.ARTICLE.taken_by("HEAD") == frozenset(("revision", "keep"))


def test_the_fields_of_an_article_are_those_that_are_read() -> None:
    described = openapi.describe()["components"]["schemas"]["ArticleInput"]["properties"]
    assert set(described) == set(article.FIELDS)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {"text": st.text(max_size=5) | JSON_VALUES},
        optional={name: st.text(max_size=5) | JSON_VALUES for name in article.FIELDS if name != "text"},
    )
)
def test_what_the_description_refuses_is_refused_and_what_is_accepted_it_admits(fields: dict[str, Any]) -> None:
    data = msgspec.json.encode(fields)
    try:
        IntakeParser(Limits(), is_strict=True).parse(data, [], fields["id"] if fields.get("id") else "a1")
    except ArticleError:
        return
    msgspec.json.decode(data, type=wire.ArticleInput)


def test_every_problem_is_described_on_the_page(service: Service) -> None:
    with service.client() as client:
        page = client.get("/docs").text
    for kind in (*problems.KINDS.values(), problems.INTERNAL):
        assert f'id="{kind.name}"' in page


class Page(HTMLParser):
    """Collects what matters of a page; fails on tags that are not closed in order."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def page(service: Service) -> Page:
    with service.client() as client:
        parsed = Page()
        parsed.feed(client.get("/docs").text)
        parsed.close()
    return parsed


def test_the_page_is_whole_and_every_link_leads_somewhere(page: Page) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link == "/openapi.json" or link.removeprefix("#") in page.ids, link


def test_the_page_needs_no_script_and_nothing_from_elsewhere(page: Page, service: Service) -> None:
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form"}
    with service.client() as client:
        answer = client.get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"https?://", answer.text)
    assert "style=" not in answer.text


def test_the_page_shows_every_operation_and_every_type(page: Page) -> None:
    description = openapi.describe()
    for path, item in description["paths"].items():
        assert path in page.text
        for method, operation in item.items():
            if method != "parameters":
                assert operation["operationId"] in page.ids
    for name, schema in description["components"]["schemas"].items():
        assert f"type-{name}" in page.ids
        for field in schema["properties"]:
            assert field in page.text
