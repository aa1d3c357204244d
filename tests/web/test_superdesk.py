"""Superdesk both ways: its HTTP Push is taken as it is, and deliveries carry the headers of Standard Webhooks."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunService
from tests.exact_detector import Service
from wirecopy.config import Config, Intake
from wirecopy.errors import ConfigError
from wirecopy.web.feed.webhooks import standard_headers
from wirecopy.web.service import read_superdesk_secret

ITEM: dict[str, Any] = {
    "guid": "urn:newsml:desk.example:7", "type": "text", "version": "3", "pubstatus": "usable",
    "headline": "Bridge closed",
    "versioncreated": "2026-03-02T09:30:00+0000", "body_html": "<p>The bridge closed.</p>", "source": "Desk",
    "language": "en",
    "associations": {"featuremedia": {"type": "picture", "guid": "p", "renditions": {}}}, "priority": 6, "urgency": 3,
}  # fmt: skip
JSON = {"Content-Type": "application/json"}


def push(service: Service, item: dict[str, Any], **headers: str) -> Any:
    with service.client() as client:
        return client.post("/v1/superdesk", content=json.dumps(item).encode(), headers={**JSON, **headers})


def test_an_item_is_taken_as_superdesk_sends_it_and_its_versions_are_revisions(service: Service) -> None:
    first, again = push(service, ITEM), push(service, ITEM)
    assert (first.status_code, again.status_code, again.json()["replayed"]) == (201, 200, True)
    article = service.detector.articles["urn:newsml:desk.example:7"][0]
    assert (article.title, article.text, article.source, article.language) == (
        "Bridge closed",
        "The bridge closed.",
        "Desk",
        "en",
    )
    changed = push(service, {**ITEM, "version": "4", "headline": "Bridge open"})
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    killed = push(service, {**ITEM, "pubstatus": "canceled", "body_html": ""})
    assert killed.status_code == 200
    assert service.detector.articles["urn:newsml:desk.example:7"][0].status == "canceled"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"type": "picture"}, "picture"),
        ({"type": "composite", "body_html": None}, "composite"),
        ({"body_html": ""}, "without text"),
    ],
)
def test_what_has_no_text_is_answered_well_and_not_stored(service: Service, change: dict[str, Any], kind: str) -> None:
    answer = push(service, {**ITEM, **change})
    assert (answer.status_code, answer.json()) == (200, {"skipped": kind})
    assert service.detector.articles == {}


def test_what_is_wrong_is_refused(service: Service) -> None:
    assert push(service, {**ITEM, "guid": None}).status_code == 422
    with service.client() as client:
        assert client.post("/v1/superdesk", content=b"{", headers=JSON).status_code == 400


def test_a_wrong_signature_is_refused_where_a_secret_is_set(run_service: RunService, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"token of the desk\n")
    service = run_service(Config(intake=Intake(superdesk_secret_file=str(tmp_path / "secret"))))
    body = json.dumps(ITEM).encode()
    for name in ("sha1", "sha256"):
        signature = f"{name}={hmac.new(b'token of the desk', body, name).hexdigest()}"
        assert push(service, ITEM, **{"x-superdesk-signature": signature}).status_code in (200, 201)
        assert push(service, {**ITEM, "urgency": 1}, **{"x-superdesk-signature": signature}).status_code == 401
    for signature in ("", "sha1=", "sha1=" + "0" * 40, "md5=" + "0" * 32, "nonsense"):
        assert push(service, ITEM, **{"x-superdesk-signature": signature}).status_code == 401


def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    for file, reason in ((tmp_path / "absent", "cannot be read"), (tmp_path / "empty", "is empty")):
        with pytest.raises(ConfigError, match=reason) as refused:
            read_superdesk_secret(str(file))
        assert refused.value.path == "intake.superdesk_secret_file"
    assert read_superdesk_secret(None) is None


@pytest.mark.parametrize("secret", [b"a secret of ours", b"whsec_" + base64.b64encode(b"a secret of theirs")])
def test_deliveries_can_be_verified_by_the_rule_of_standard_webhooks(secret: bytes) -> None:
    headers = standard_headers(secret, "desk-0-3", 1_723_455_000, b'{"events":[]}')
    key = base64.b64decode(secret[6:]) if secret.startswith(b"whsec_") else secret
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + b'{"events":[]}'
    version, _, signature = headers["webhook-signature"].partition(",")
    assert (version, base64.b64decode(signature)) == ("v1", hmac.new(key, signed, hashlib.sha256).digest())
    assert standard_headers(b"whsec_&&&", "i", 1, b"")["webhook-id"] == "i"  # no base64: the key itself
