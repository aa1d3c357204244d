"""Roles of keys, keys that change while the service runs, and what one may do without a key."""

import hashlib
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.conftest import RunService
from tests.exact_detector import wait_until
from wirecopy import errors
from wirecopy.config import Auth, Config, Key, Role
from wirecopy.web import routes, serve
from wirecopy.web.http.access import ALL_ROLES, Addresses, Caller, Keys, network_of
from wirecopy.web.http.problems import NotAuthorized, RoleMissing

_TEMPLATES = [f"/{kind}/a" for kind in ("_template", "_index_template", "_component_template", "_ilm/policy")]
_TEMPLATES += ["/_ingest/pipeline/a", "/a/_mapping"]
REQUESTS: dict[tuple[str, str], Role] = {
    ("GET", "/v1/articles/a"): "read",
    ("HEAD", "/v1/articles/a"): "read",
    ("GET", "/v1/articles?id=a"): "read",
    ("GET", "/v1/stories"): "read",
    ("GET", "/v1/events"): "read",
    ("GET", "/v1/pins"): "read",
    ("GET", "/v1/boilerplate"): "read",
    ("GET", "/v1/edits"): "read",
    ("POST", "/v1/edits/a/undo"): "edit",
    ("POST", "/v1/stories/a/canonical"): "edit",
    ("POST", "/v1/check"): "read",
    ("POST", "/v1/articles/a/matches/b"): "read",
    ("PUT", "/v1/articles/a"): "write",
    ("POST", "/v1/articles"): "write",
    ("POST", "/v1/bulk"): "write",
    ("POST", "/v1/superdesk"): "write",
    ("GET", "/v1/refused"): "write",
    **{("GET", path): "write" for path in ("/_cluster/health", "/_license", "/_template/a")},
    **{(method, path): "write" for method in ("POST", "PUT") for path in ("/_bulk", "/a/_bulk", *_TEMPLATES)},
    ("HEAD", "/a"): "write",
    ("PUT", "/a"): "write",
    ("POST", "/v1/stories/a/merge"): "edit",
    ("POST", "/v1/stories/a/split"): "edit",
    ("POST", "/v1/pins"): "edit",
    ("DELETE", "/v1/pins/a"): "edit",
    ("DELETE", "/v1/boilerplate?source=a"): "edit",
    ("DELETE", "/v1/articles/a"): "erase",
    ("DELETE", "/v1/articles?id=a"): "erase",
    ("POST", "/v1/admin/compact"): "admin",
    ("POST", "/v1/admin/clock"): "admin",
    ("GET", "/v1/log"): "admin",
    ("GET", "/metrics"): "metrics",
}


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def one_key_a_role() -> list[Key]:
    return [Key(role, digest(role), [role]) for role in sorted(ALL_ROLES)]


def test_a_key_does_what_its_roles_allow_and_nothing_else(run_service: RunService) -> None:
    service = run_service(Config(auth=Auth(one_key_a_role())))
    with service.client() as client:
        for (method, path), needed in REQUESTS.items():
            for role in ALL_ROLES:
                answer = client.request(method, path, headers=bearer(role))
                is_refused = answer.status_code == 403
                assert is_refused == (role != needed), (method, path, role, answer.status_code)
                if is_refused and method != "HEAD":
                    assert answer.json()["type"] == "/docs#role-missing"
                    assert answer.json()["detail"] == f"the key {role} has not the role {needed}"


def test_every_method_of_every_route_needs_a_role_or_is_open() -> None:
    for route in routes.ROUTES:
        if not route.is_open:
            assert set(route.handlers) <= set(route.roles), route.template
            assert {route.role_for(method) for method in route.handlers} <= ALL_ROLES
            asked = {
                (
                    method,
                    route.template.replace("{id}", "a")
                    .replace("{other}", "b")
                    .replace("{index}", "a")
                    .replace("{name}", "a"),
                )
                for method in route.handlers
                if method != "GET"
            }
            assert asked <= {(method, path.partition("?")[0]) for method, path in REQUESTS}


def test_a_key_without_roles_in_the_settings_has_all_and_several_add_up(run_service: RunService) -> None:
    keys = [Key("old", digest("old")), Key("both", digest("both"), ["read", "write"])]
    service = run_service(Config(auth=Auth(keys)))
    with service.client() as client:
        assert client.put("/v1/articles/a", json={"text": "x"}, headers=bearer("both")).status_code == 201
        assert client.get("/v1/articles/a", headers=bearer("both")).status_code == 200
        assert client.delete("/v1/articles/a", headers=bearer("both")).status_code == 403
        assert client.delete("/v1/articles/a", headers=bearer("old")).status_code == 204
        assert client.post("/v1/admin/compact", headers=bearer("old")).status_code == 200


def test_everyone_may_read_where_a_setting_says_so_and_a_wrong_key_is_still_refused(run_service: RunService) -> None:
    auth = Auth([Key("desk", digest("secret"))], anonymous=["read"])
    service = run_service(Config(auth=auth))
    with service.client() as client:
        assert client.put("/v1/articles/a", json={"text": "x"}, headers=bearer("secret")).status_code == 201
        assert client.get("/v1/articles/a").status_code == 200
        refused = client.put("/v1/articles/a", json={"text": "y"})
        assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)
        assert client.delete("/v1/articles/a").status_code == 401
        assert client.get("/metrics").status_code == 401
        assert client.get("/v1/articles/a", headers=bearer("wrong")).status_code == 401


def test_nobody_may_do_anything_where_no_key_is_set_and_anonymous_is_empty(run_service: RunService) -> None:
    service = run_service(Config(auth=Auth(anonymous=[])))
    with service.client() as client:
        assert client.get("/v1/stories").status_code == 401
        assert client.get("/livez").status_code == 200


def test_other_machines_may_be_served_without_keys_when_the_settings_say_what_they_may_do() -> None:
    from wirecopy.config import Service

    serve.check(
        Config(Config().limits, service=Service(host="0.0.0.0"), auth=Auth(anonymous=["read"])), allow_anonymous=False
    )
    with pytest.raises(errors.UsageError, match="without keys"):
        serve.check(Config(service=Service(host="0.0.0.0")), allow_anonymous=False)


def test_keys_are_replaced_in_one_step_and_those_that_stay_keep_what_they_used() -> None:
    auth = Auth([Key("a", digest("a")), Key("b", digest("b"))], rate_limit_per_second=1e-6, rate_limit_burst=1)
    keys = Keys(auth, lambda: 0.0)
    used = keys.identify("Bearer a")
    assert used.bucket is not None
    used.bucket.take()
    keys.replace(Auth([Key("a", digest("a")), Key("c", digest("c"), ["edit"])], rate_limit_per_second=1e-6))
    assert keys.identify("Bearer a").bucket is used.bucket
    assert keys.identify("Bearer c").roles == {"edit"}
    assert keys.named("b") is None
    with pytest.raises(NotAuthorized):
        keys.identify("Bearer b")


def test_a_missing_role_is_told_to_the_holder_of_a_key_and_a_missing_key_to_others() -> None:
    with pytest.raises(RoleMissing, match="the key desk has not the role erase"):
        Caller("desk", b"", None, frozenset({"read"})).check_may("erase")
    with pytest.raises(NotAuthorized):
        Caller("", b"", None, frozenset({"read"})).check_may("erase")


def test_an_address_that_used_up_its_rate_gets_429_whatever_keys_it_tries(run_service: RunService) -> None:
    auth = Auth([Key("desk", digest("a"))], address_rate_limit_per_second=0.01, address_rate_limit_burst=3)
    service = run_service(Config(auth=auth))
    with service.client() as client:
        statuses = [client.get("/v1/stories", headers=bearer(f"guess-{n}")).status_code for n in range(3)]
        assert statuses == [401, 401, 401]
        refused = client.get("/v1/stories", headers=bearer("a"))
        assert (refused.status_code, refused.json()["detail"]) == (429, "the rate of this address is used up")
        assert client.get("/livez").status_code == 200
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=service.url, transport=elsewhere) as other:
        assert other.get("/v1/stories", headers=bearer("a")).status_code == 200


def test_addresses_that_rest_are_forgotten_and_busy_ones_are_not() -> None:
    now = 0.0
    addresses = Addresses(Auth(address_rate_limit_per_second=1.0, address_rate_limit_burst=10), lambda: now)
    busy = addresses.bucket_of("busy")
    assert busy is not None
    busy.take_many(5)
    for number in range(9_999):
        addresses.bucket_of(f"10.0.{number}")
    addresses.bucket_of("one more")
    assert addresses.bucket_of("busy") is busy


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no:address", "no:address"),
    ],
)
def test_an_ipv6_customer_counts_as_one_address(host: str, network: str) -> None:
    assert network_of(host) == network


SETTINGS = """\
auth:
  keys:
    - {{name: desk, sha256: {desk}}}
    - {{name: wire, sha256: {wire}, roles: [{roles}]}}
"""


def test_a_running_service_takes_new_keys_from_its_file_and_on_sighup(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(SETTINGS.format(desk=digest("desk"), wire=digest("wire"), roles="read"))
    command = [sys.executable, "-m", "wirecopy", "serve", "--port", "0", "--config", str(file)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--data", str(tmp_path / "data")], stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[3]
        with httpx.Client(base_url=url) as client:

            def status(key: str, method: str = "GET", path: str = "/v1/stories") -> int:
                return client.request(method, path, headers=bearer(key)).status_code

            def has_said_more(before: int) -> bool:
                return (tmp_path / "log").read_text().count("keys kept") > before

            assert (status("desk"), status("wire"), status("new")) == (200, 200, 401)
            file.write_text(SETTINGS.format(desk=digest("new"), wire=digest("wire"), roles="erase"))
            wait_until(lambda: status("new") == 200)
            assert (status("desk"), status("wire"), status("wire", "DELETE", "/v1/articles/x")) == (401, 403, 404)
            for broken in ["auth: {keys: [", "auth: {keys: []}", ""]:  # half written, or open to everyone
                file.write_text(broken)
                said = (tmp_path / "log").read_text().count("keys kept")
                os.kill(process.pid, signal.SIGHUP)
                wait_until(partial(has_said_more, said))
                assert (status("new"), client.get("/v1/stories").status_code) == (200, 401)
            file.unlink()
            os.kill(process.pid, signal.SIGHUP)
            wait_until(lambda: "cannot be read" in (tmp_path / "log").read_text())
            assert status("new") == 200
    finally:
        process.terminate()
        assert process.wait(60) == 0
        if process.stdout is not None:
            process.stdout.close()
